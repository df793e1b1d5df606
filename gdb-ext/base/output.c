// SPDX-License-Identifier: GPL-3.0-or-later
#include "output.h"
#include "cleanup.h"

#include <gdb-guest/interrupt.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct gg_output {
	int fd;
	char *path;      // the final name, links resolved
	char *temporary; // NULL where the output is sequential
	bool force;
	uint64_t position; // in a stream
};

// Tests whether the two files, which need not exist, are one.
static bool is_same_file(const struct stat *status, const char *path)
{
	struct stat other;
	return !stat(path, &other) && status->st_dev == other.st_dev &&
	       status->st_ino == other.st_ino;
}

static struct gg_error *check_existing(const struct stat *status, bool force,
				       const char *const *looked_at)
{
	if (S_ISDIR(status->st_mode))
		return gg_error_create(GG_INVALID, "it is a folder; name a file in it");
	for (; *looked_at; looked_at++)
		if (is_same_file(status, *looked_at))
			return gg_error_create(
				GG_INVALID, "it is %s, which is being looked at; name another file",
				*looked_at);
	if (S_ISFIFO(status->st_mode) || S_ISCHR(status->st_mode))
		return NULL;
	if (!S_ISREG(status->st_mode))
		return gg_error_create(GG_INVALID, "it is neither a file nor a FIFO");
	if (!force)
		return gg_error_create(GG_INVALID, "it exists; -force replaces it");
	return NULL;
}

static struct gg_error *open_sequential(struct gg_output *output)
{
	// Opening a FIFO waits for its reader, and Ctrl-C must end that.
	do {
		output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
	} while (output->fd < 0 && errno == EINTR && !gg_interrupt_pending());
	if (output->fd >= 0)
		return NULL;
	return gg_interrupt_pending() ? gg_interrupt_check() : gg_error_system(errno, "open");
}

static bool exists(const char *path)
{
	struct stat status;
	return !stat(path, &status);
}

// Returns the reason for which no file can be made beside PATH: ERRNUM, with the first missing
// folder.
static struct gg_error *folder_error(int errnum, const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	if (!folder)
		return gg_enomem;
	char *slash = strrchr(folder, '/');
	if (!slash)
		return gg_error_system(errnum, "creating a file in the current folder");
	slash[slash == folder] = 0;
	if (errnum != ENOENT || exists(folder))
		return gg_error_system(errnum, "creating a file in %s", folder);
	for (slash = folder + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (!exists(folder))
			break;
		*slash = '/';
	}
	return gg_error_system(errnum, "there is no folder %s", folder);
}

static struct gg_error *open_temporary(struct gg_output *output)
{
	if (asprintf(&output->temporary, "%s.part-XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return gg_enomem;
	}
	// Mode 0600: a guest's memory holds its secrets.
	output->fd = mkostemp(output->temporary, O_CLOEXEC);
	if (output->fd >= 0)
		return NULL;
	struct gg_error *err = folder_error(errno, output->path);
	free(output->temporary);
	output->temporary = NULL;
	return err;
}

static struct gg_error *open_output(struct gg_output *output, const char *path,
				    const char *const *looked_at)
{
	if (!*path)
		return gg_error_create(GG_INVALID, "the file's name is empty");
	if (!strcmp(path, "-"))
		return gg_error_create(GG_INVALID,
				       "standard output is GDB's; name a file, or a FIFO");

	struct stat status;
	bool exists = !stat(path, &status);
	if (!exists && errno != ENOENT)
		return gg_error_system(errno, "stat");
	if (exists) {
		struct gg_error *err = check_existing(&status, output->force, looked_at);
		if (err)
			return err;
	}

	bool sequential = exists && !S_ISREG(status.st_mode);
	// Through a symbolic link the file that it names is replaced, as cp does it.
	output->path = exists && !sequential ? realpath(path, NULL) : strdup(path);
	if (!output->path)
		return gg_error_system(errno, "realpath");
	return sequential ? open_sequential(output) : open_temporary(output);
}

struct gg_error *gg_output_create(const char *path, bool force, const char *const *looked_at,
				  struct gg_output **ret)
{
	struct gg_output *output = calloc(1, sizeof(*output));
	if (!output)
		return gg_enomem;
	output->fd = -1;
	output->force = force;
	struct gg_error *err = open_output(output, path, looked_at);
	if (err) {
		gg_output_destroy(output);
		return *path ? gg_error_context(err, "%s", path) : err;
	}
	*ret = output;
	return NULL;
}

bool gg_output_is_sequential(const struct gg_output *output)
{
	return !output->temporary;
}

int gg_output_file(const struct gg_output *output)
{
	return output->temporary ? output->fd : -1;
}

static struct gg_error *write_error(const struct gg_output *output, uint64_t offset)
{
	return gg_error_system(errno, "writing %s at offset %" PRIu64, output->path, offset);
}

// Tests whether a failed write should be retried.
static bool is_to_be_repeated(void)
{
	return errno == EINTR && !gg_interrupt_pending();
}

// No state but the file's own: threads may write different parts at once.
static struct gg_error *write_at(const struct gg_output *output, uint64_t offset,
				 const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t put = pwrite(output->fd, bytes, size, (off_t)offset);
		if (put < 0 && is_to_be_repeated())
			continue;
		if (put < 0)
			return errno == EINTR ? gg_interrupt_check() : write_error(output, offset);
		bytes += put;
		size -= (size_t)put;
		offset += (uint64_t)put;
	}
	return NULL;
}

static struct gg_error *write_on(struct gg_output *output, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t put = write(output->fd, bytes, size);
		if (put < 0 && is_to_be_repeated())
			continue;
		if (put < 0)
			return errno == EINTR ? gg_interrupt_check()
					      : write_error(output, output->position);
		bytes += put;
		size -= (size_t)put;
		output->position += (uint64_t)put;
	}
	return NULL;
}

// A stream gets its zeros.
static struct gg_error *skip_to(struct gg_output *output, uint64_t offset)
{
	static const uint8_t zeros[65536];
	while (output->position < offset) {
		uint64_t left = offset - output->position;
		struct gg_error *err =
			write_on(output, zeros, left < sizeof(zeros) ? left : sizeof(zeros));
		if (err)
			return err;
	}
	return NULL;
}

struct gg_error *gg_output_write(struct gg_output *output, uint64_t offset, const void *bytes,
				 size_t size)
{
	if (output->temporary)
		return write_at(output, offset, bytes, size);
	struct gg_error *err = skip_to(output, offset);
	return err ? err : write_on(output, bytes, size);
}

struct gg_error *gg_output_restart(struct gg_output *output)
{
	return output->temporary && ftruncate(output->fd, 0)
		       ? gg_error_system(errno, "emptying %s", output->path)
		       : NULL;
}

static struct gg_error *take_name(struct gg_output *output)
{
	if (output->force)
		return rename(output->temporary, output->path)
			       ? gg_error_system(errno, "renaming %s to %s", output->temporary,
						 output->path)
			       : NULL;

	// Fails if the name was taken meanwhile, where rename() would replace the file.
	if (!renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->path, RENAME_NOREPLACE))
		return NULL;
	// Not every file system knows RENAME_NOREPLACE.
	if (errno == EINVAL && !link(output->temporary, output->path)) {
		unlink(output->temporary);
		return NULL;
	}
	return gg_error_system(errno, "renaming %s to %s", output->temporary, output->path);
}

struct gg_error *gg_output_commit(struct gg_output *output, uint64_t size)
{
	struct gg_error *err = output->temporary ? NULL : skip_to(output, size);
	if (err)
		return err;
	if (output->temporary && ftruncate(output->fd, (off_t)size))
		return gg_error_system(errno, "making %s %" PRIu64 " bytes long", output->path,
				       size);

	// An error of writing that was put off (NFS, quotas) comes here at the latest.
	int fd = output->fd;
	output->fd = -1;
	if (close(fd))
		return gg_error_system(errno, "closing %s", output->path);
	if (output->temporary) {
		err = take_name(output);
		if (err)
			return err;
		free(output->temporary);
		output->temporary = NULL;
	}
	return NULL;
}

void gg_output_destroy(struct gg_output *output)
{
	if (!output)
		return;
	if (output->fd >= 0)
		close(output->fd);
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	free(output->path);
	free(output);
}
