// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged core file. The input is a list of changes to a sound one: (offset u16, width u8, value
// u64), little-endian; its first byte, if odd, cuts the file off.
#include "fuzz.h"

#include "files/mapped-files.h"
#include "../unit/core-image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHANGE_SIZE = 11, SOUND_SIZE = CORE_IMAGE_FIRST + 0x400 };

static uint8_t sound[SOUND_SIZE];

static void make_path(int fd, char *path, size_t size)
{
	snprintf(path, size, "/proc/self/fd/%d", fd);
}

static void make_sound(void)
{
	static const struct core_segment segments[] = {
		{ .address = 0x1000, .memory_size = 0x100, .file_size = 0x100, .read_only = true },
		{ .address = 0x2000, .memory_size = 0x200, .file_size = 0x100 },
		{ .address = 0x8000, .memory_size = 0x1000, .read_only = true },
		{ .address = 0x7ffffffff000, .memory_size = 0x80, .file_size = 0x80 },
	};
	static const struct core_mapping mappings[] = {
		{ 0x1000, 0x2000, 0, "/dev/null" },
		{ 0x8000, 0x9000, 1, "/dev/null" },
	};
	char path[32];
	int fd = memfd_create("sound", 0);
	make_path(fd, path, sizeof(path));
	core_image_write(path, &(struct core_image){ ET_CORE, segments, 4, mappings, 2 });
	if (pread(fd, sound, sizeof(sound), 0) < CORE_IMAGE_FIRST)
		abort();
	close(fd);
}

static void use_extents(const struct gg_core_file *core)
{
	uint64_t address = 0;
	uint8_t buffer[64];
	for (int i = 0; i < 64 && address < UINT64_MAX; i++) {
		struct gg_core_extent extent;
		gg_core_file_extent(core, address, UINT64_MAX - address, &extent);
		if (!extent.size)
			abort();
		if (extent.held) {
			size_t size = extent.size < sizeof(buffer) ? extent.size : sizeof(buffer);
			gg_error_destroy(gg_core_file_read(core, address, buffer, size));
		}
		address += extent.size;
	}
	gg_error_destroy(gg_core_file_check(core, 0x1000, UINT64_MAX - 0x1000));
}

static void use_files(const struct gg_core_file *core)
{
	struct gg_mapped_files *files;
	uint8_t buffer[16];
	struct gg_error *err = gg_mapped_files_create(core, NULL, &files);
	if (err)
		abort();
	gg_error_destroy(gg_mapped_files_read(files, 0x8000, buffer, sizeof(buffer)));
	gg_error_destroy(gg_mapped_files_read(files, UINT64_MAX - 15, buffer, sizeof(buffer)));
	gg_mapped_files_program(files);
	gg_mapped_files_is_other_program(files, "/proc/self/exe");
	gg_mapped_files_destroy(files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t image[SOUND_SIZE];
	if (!sound[0])
		make_sound();
	memcpy(image, sound, sizeof(image));
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		size_t offset = (size_t)(data[at] | data[at + 1] << 8) % (SOUND_SIZE - 8);
		memcpy(image + offset, data + at + 3, (size_t)1 << data[at + 2] % 4);
	}

	int fd = memfd_create("core", 0);
	size_t image_size = size && data[0] & 1 ? data[0] * 16u : sizeof(image);
	if (fd < 0 || write(fd, image, image_size) != (ssize_t)image_size)
		abort();
	char path[32];
	make_path(fd, path, sizeof(path));
	struct gg_core_file *core;
	struct gg_error *err = gg_core_file_open(path, &core);
	if (!err) {
		use_extents(core);
		use_files(core);
		gg_core_file_close(core);
	}
	gg_error_destroy(err);
	close(fd);
	return 0;
}
