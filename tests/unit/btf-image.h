// SPDX-License-Identifier: GPL-3.0-or-later
//
// A BTF in a kernel's memory, with the struct btf that leads to its types (Linux kernel/bpf/btf.c, v6.1 and v7.2).
#ifndef BTF_IMAGE_H
#define BTF_IMAGE_H

#include "linux/types/btf-far.h"

enum btf_image_kind {
	BTF_WITHOUT_TABLE, // btf_vmlinux is NULL, as before its first use
	BTF_OF_6_1,
	BTF_OF_7_2,
	BTF_IMAGE_KINDS,
};

struct btf_image {
	uint8_t *bytes;
	uint64_t size;
	uint64_t table, object; // of the pointers to the types, and of struct btf
	uint64_t read;          // bytes that were read
	struct gg_host host;
	struct gg_btf_place place;
};

struct btf;

// Lays out MADE, in its byte order and with its size of pointers. The caller frees the bytes.
void btf_image_init(struct btf_image *image, enum btf_image_kind kind, struct btf *made);

// Adds types of all kinds to MADE, which has none: for fuzz targets.
void btf_image_add_types(struct btf *made);

#endif
