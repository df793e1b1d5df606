// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged vmcore in each format, and the guest in it. The input is a list of changes to a sound
// vmcore: (offset u16, width u8, value u64), little-endian; its first byte, if odd, cuts the file
// off.
#include "fuzz.h"

#include "arch/notes.h"
#include "files/vmcore-file.h"
#include "../unit/vmcore-image.h"

#include <gdb-guest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD = 1, CHANGE_SIZE = 11 };

static struct gg_error *use_note(void *data, const struct gg_vmcore_note *note)
{
	unsigned int *sum = data;
	*sum += (unsigned int)strlen(note->name) + note->type;
	for (size_t i = 0; i < note->size; i++)
		*sum += note->descriptor[i];
	return NULL;
}

static void use_file(struct gg_vmcore_file *file)
{
	uint8_t buffer[64];
	uint64_t gpa = 0;
	unsigned int sum = 0;
	for (int i = 0; i < 64 && gpa < UINT64_MAX; i++) {
		struct gg_vmcore_extent extent;
		struct gg_error *err = gg_vmcore_file_extent(file, gpa, UINT64_MAX - gpa, &extent);
		if (err || !extent.size)
			abort();
		gg_error_destroy(gg_vmcore_file_read(file, gpa, buffer,
						     extent.size < 64 ? (size_t)extent.size : 64));
		gpa += extent.size;
	}
	gg_error_destroy(gg_vmcore_file_notes(file, use_note, &sum));
}

static struct gg_error *use_cpu(void *data, const struct gg_cpu *cpu)
{
	*(size_t *)data += strlen(cpu->text) + cpu->register_count;
	return NULL;
}

static struct gg_error *use_text(void *data, const char *text, size_t size)
{
	*(size_t *)data += size && text[0];
	return NULL;
}

static struct gg_error *no_answer(void)
{
	return gg_error_create(GG_NOT_FOUND, "there is no debugger");
}

static struct gg_error *no_read(void *data, uint64_t address, void *buffer, size_t size)
{
	(void)data, (void)address, (void)buffer, (void)size;
	return no_answer();
}

static struct gg_error *no_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)data, (void)name, (void)ret;
	return no_answer();
}

static struct gg_error *no_member(void *data, const char *type, const char *member,
				  struct gg_member *ret)
{
	(void)data, (void)type, (void)member, (void)ret;
	return no_answer();
}

static struct gg_error *no_registers(void *data, unsigned int thread, const char *name,
				     void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)thread, (void)name, (void)buffer, (void)size, (void)ret;
	return no_answer();
}

// A vmcore whose notes are damaged is taken for the core of a process: then the debugger is asked.
static void use_guest(const char *path)
{
	static const struct gg_host_ops ops = {
		.read = no_read, .symbol = no_symbol, .member = no_member, .registers = no_registers
	};
	const struct gg_host host = { .ops = &ops, .address_size = 8 };
	const struct gg_target target = { .core_path = path };
	const struct gg_info_options options = { .target_kind = "vmcore", .target = "fuzz" };
	size_t sum = 0;
	const struct gg_writer writer = { .write = use_text, .data = &sum };
	struct gg_guest *guest;
	struct gg_error *err = gg_guest_create(&host, &target, &guest);
	if (err) {
		gg_error_destroy(err);
		return;
	}
	gg_error_destroy(gg_guest_cpus(guest, use_cpu, &sum));
	gg_error_destroy(gg_print_info(guest, &options, &writer, NULL));
	gg_guest_destroy(guest);
}

// A note of each kind that a vmcore has of a CPU.
static void append_cpu_notes(struct gg_buffer *notes)
{
	enum { PRSTATUS = 336, QEMU = 440, NT_PRSTATUS = 1 };
	uint8_t bytes[QEMU] = { 1 };
	for (size_t i = 8; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	gg_note_append(notes, "CORE", NT_PRSTATUS, bytes, PRSTATUS);
	gg_note_append(notes, "QEMU", 0, bytes, QEMU);
}

// Flips bits, so that zeros change nothing.
static void change(struct gg_buffer *image, const uint8_t *data, size_t size)
{
	for (size_t at = HEAD; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % (image->size - 8);
		for (size_t i = 0; i < (size_t)1 << data[at + 2] % 4; i++)
			image->bytes[offset + i] ^= data[at + 3 + i];
	}
	if (size && data[0] & 1)
		image->size = (size_t)data[0] * 128 % image->size;
}

static void try_format(enum vmcore_image_format format, const uint8_t *data, size_t size)
{
	struct gg_buffer image = { 0 };
	struct gg_buffer notes = { 0 };
	append_cpu_notes(&notes);
	const struct vmcore_image vmcore = { .format = format,
					     .pages = "HHXX.H",
					     .notes = size % 2 ? &notes : NULL,
					     .codec = size % (VMCORE_IMAGE_ZSTD + 1) };
	vmcore_image_make(&vmcore, &image);
	gg_buffer_deinit(&notes);
	change(&image, data, size);
	const int fd = memfd_create("vmcore", 0);
	if (fd < 0 || write(fd, image.bytes, image.size) != (ssize_t)image.size)
		abort();
	gg_buffer_deinit(&image);
	char path[32];
	struct gg_vmcore_file *file;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct gg_error *err = gg_vmcore_file_open(path, &file);
	if (!err) {
		use_file(file);
		gg_vmcore_file_close(file);
		use_guest(path);
	}
	gg_error_destroy(err);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++)
		try_format(format, data, size);
	return 0;
}
