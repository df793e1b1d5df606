// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel whose BTF has prototypes, and the kernel's data about the system call "call", in memory that a test may
// change: struct syscall_metadata is that of Linux include/linux/syscalls.h, v6.1; the places are made up.
#ifndef TRACE_IMAGE_H
#define TRACE_IMAGE_H

#include "linux/answerers/answerers.h"

enum {
	TRACE_IMAGE_SIZE = 8192,
	// Offsets in the memory.
	TRACE_IMAGE_META = 0x40, // struct syscall_metadata
	TRACE_IMAGE_COUNT = TRACE_IMAGE_META + 12,
	TRACE_IMAGE_TYPES = 0x80,
	TRACE_IMAGE_NAMES = 0xa0,
	TRACE_IMAGE_TEXTS = 0xc0, // 32 bytes each
	TRACE_IMAGE_BTF = 0x400,
};

#define TRACE_IMAGE_BASE UINT64_C(0xffffffff81000000)

struct trace_image {
	uint8_t *bytes; // owned
	struct gg_answerers kernel;
};

// Makes the kernel's memory; its BTF says that prototypes are shared, if SHARED. The kernel's own functions are
//
//     int plain(int number, const char *text, struct node *node)
//     void many(int a, int b, int c, int d, int e, int f, int g, unsigned int h)
//     long by_value(id_type id, struct big big, int behind)
//     struct big gives_big(int first)
//     id_type gives_small(int first)
//     long __x64_sys_call(const struct registers *registers)
//
// and two called "twice", which differ.
void trace_image_init(struct trace_image *image, bool shared);

// Opens the kernel, whose memory is what the test has made of it.
void trace_image_open(struct trace_image *image);
void trace_image_deinit(struct trace_image *image);

// Makes a module's BTF with "int plain(struct node *other)", which builds on the kernel's.
struct gg_btf *trace_image_module(const struct gg_btf *base);

#endif
