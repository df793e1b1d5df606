// SPDX-License-Identifier: GPL-3.0-or-later
#include "kdump-file.h"
#include "base/buffer.h"

#include <string.h>

enum {
	HEADER_SIZE = 4096, // of a flattened file
	FLAT_HEADER = 16,   // of each part of it: offset and size
	FLAT_TYPE = 1,
	FLAT_VERSION = 1,
};

// Appends SIZE bytes to the output of a flattened file; with the lock held.
static struct gg_error *append(struct gg_kdump_file *file, const void *bytes, size_t size)
{
	struct gg_error *err = gg_output_write(file->output, file->written, bytes, size);
	file->written += size;
	return err;
}

// Writes two integers, which are big-endian in the files of all machines.
static struct gg_error *append_pair(struct gg_kdump_file *file, uint64_t first, uint64_t second)
{
	struct gg_buffer pair = { .big_endian = true };
	gg_buffer_uint(&pair, 8, first);
	gg_buffer_uint(&pair, 8, second);
	struct gg_error *err = gg_buffer_check(&pair);
	if (!err)
		err = append(file, pair.bytes, pair.size);
	gg_buffer_deinit(&pair);
	return err;
}

static struct gg_error *start_flattened(struct gg_kdump_file *file)
{
	static const char signature[16] = "makedumpfile";
	static const uint8_t zeros[HEADER_SIZE];
	struct gg_error *err = append(file, signature, sizeof(signature));
	if (!err)
		err = append_pair(file, FLAT_TYPE, FLAT_VERSION);
	return err ? err : append(file, zeros, HEADER_SIZE - file->written);
}

struct gg_error *gg_kdump_file_init(struct gg_kdump_file *file, struct gg_output *output,
				    bool flattened, uint64_t end)
{
	*file = (struct gg_kdump_file){ .output = output, .flattened = flattened, .end = end };
	pthread_mutex_init(&file->lock, NULL);
	return flattened ? start_flattened(file) : NULL;
}

void gg_kdump_file_deinit(struct gg_kdump_file *file)
{
	pthread_mutex_destroy(&file->lock);
}

uint64_t gg_kdump_file_take(struct gg_kdump_file *file, uint64_t size)
{
	pthread_mutex_lock(&file->lock);
	const uint64_t offset = file->end;
	file->end += size;
	pthread_mutex_unlock(&file->lock);
	return offset;
}

struct gg_error *gg_kdump_file_put(struct gg_kdump_file *file, uint64_t offset, const void *bytes,
				   size_t size)
{
	if (!file->flattened || !size)
		return gg_output_write(file->output, offset, bytes, size);
	pthread_mutex_lock(&file->lock);
	struct gg_error *err = append_pair(file, offset, size);
	if (!err)
		err = append(file, bytes, size);
	pthread_mutex_unlock(&file->lock);
	return err;
}

uint64_t gg_kdump_file_end(struct gg_kdump_file *file)
{
	return gg_kdump_file_take(file, 0);
}

struct gg_error *gg_kdump_file_finish(struct gg_kdump_file *file, uint64_t *ret)
{
	struct gg_error *err = file->flattened ? append_pair(file, UINT64_MAX, UINT64_MAX) : NULL;
	*ret = file->flattened ? file->written : file->end;
	return err;
}
