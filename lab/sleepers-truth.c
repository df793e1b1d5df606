// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  /proc and /sys.
// Out: a list of "@ NAME LENGTH\n", LENGTH bytes, "\n"; NAME is the path of a file or a link, or has no slash and
//      is no path. A file that cannot be read is left out.
#include "sleepers-truth.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
	const int number = errno;
	char name[16];
	va_list arguments;
	va_start(arguments, format);
	prctl(PR_GET_NAME, name);
	dprintf(2, "sleepers: %s: ", name);
	vdprintf(2, format, arguments);
	dprintf(2, ": %s\n", strerror(number));
	va_end(arguments);
	_exit(1);
}

long must(long result, const char *what)
{
	if (result < 0)
		die("%s", what);
	return result;
}

struct buffer {
	char *bytes;
	size_t size, room;
};

static void add(struct buffer *buffer, const void *bytes, size_t size)
{
	if (buffer->size + size > buffer->room)
		die("the truth has more than %zu bytes", buffer->room);
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
}

static void add_entry(struct buffer *buffer, const char *name, const void *bytes, size_t size)
{
	char head[512];
	add(buffer, head, (size_t)snprintf(head, sizeof(head), "@ %s %zu\n", name, size));
	add(buffer, bytes, size);
	add(buffer, "\n", 1);
}

ssize_t read_all(const char *path, char *bytes, size_t room)
{
	const int file = open(path, O_RDONLY);
	ssize_t size = 0, more = 0;
	if (file < 0)
		return -1;
	while ((size_t)size < room && (more = read(file, bytes + size, room - (size_t)size)) > 0)
		size += more;
	close(file);
	return more < 0 ? -1 : size;
}

static void add_file(struct buffer *buffer, const char *path)
{
	static char bytes[1 << 20];
	const ssize_t size = read_all(path, bytes, sizeof(bytes));
	if (size >= 0)
		add_entry(buffer, path, bytes, (size_t)size);
}

static void add_files(struct buffer *buffer, const char *pattern)
{
	glob_t found;
	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add_file(buffer, found.gl_pathv[i]);
	globfree(&found);
}

static void add_links(struct buffer *buffer, const char *pattern)
{
	char bytes[4096];
	glob_t found;
	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const ssize_t size = readlink(found.gl_pathv[i], bytes, sizeof(bytes));
		if (size >= 0)
			add_entry(buffer, found.gl_pathv[i], bytes, (size_t)size);
	}
	globfree(&found);
}

// Adds the clocks; the kernel's log has the scheduler's clock.
static void add_clocks(struct buffer *buffer, const char *name)
{
	char bytes[8192];
	struct timespec real, monotonic;
	const int log = (int)MUST(open("/dev/kmsg", O_RDWR));
	MUST(lseek(log, 0, SEEK_END));
	// A record without an end waits for more.
	MUST(write(log, "<7>lab: the truth\n", 18));
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	const int size =
		snprintf(bytes, sizeof(bytes), "realtime %ld.%09ld\nmonotonic %ld.%09ld\nlog ",
			 real.tv_sec, real.tv_nsec, monotonic.tv_sec, monotonic.tv_nsec);
	const ssize_t record = MUST(read(log, bytes + size, sizeof(bytes) - (size_t)size));
	add_entry(buffer, name, bytes, (size_t)(size + record));
	close(log);
}

// The files by their order: a task whose schedstat is the same at the stop has not run since the first of them.
static const char *const files[] = {
	"/proc/[0-9]*/task/[0-9]*/schedstat",
	"/proc/[0-9]*/task/[0-9]*/stat",
	"/proc/[0-9]*/task/[0-9]*/status",
	"/proc/[0-9]*/task/[0-9]*/stack",
	"/proc/[0-9]*/task/[0-9]*/comm",
	"/proc/[0-9]*/task/[0-9]*/wchan",
	"/proc/[0-9]*/task/[0-9]*/syscall",
	"/proc/[0-9]*/cmdline",
	"/proc/[0-9]*/environ",
	"/proc/[0-9]*/statm",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/zoneinfo",
	"/proc/buddyinfo",
	"/proc/vmstat",
	"/proc/stat",
	"/proc/modules",
	"/proc/uptime",
	"/proc/version",
	"/proc/mounts",
	"/proc/locks",
	"/proc/sys/kernel/tainted",
	"/proc/sys/kernel/hostname",
	"/proc/sys/kernel/hung_task_*",
	"/sys/kernel/notes",
	"/sys/module/*/notes/*",
	"/sys/module/*/sections/.[a-z]*",
	"/sys/module/*/taint",
	"/sys/module/*/refcnt",
	"/sys/module/*/coresize",
	"/sys/module/*/initstate",
	"/sleepers/symbols",
};
static const char *const links[] = { "/proc/[0-9]*/exe", "/proc/[0-9]*/cwd", "/proc/[0-9]*/root" };

void write_truth(const char *path)
{
	struct buffer buffer = { .room = 32 << 20 };
	char part[256];
	buffer.bytes = malloc(buffer.room);
	add_clocks(&buffer, "begin");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		add_links(&buffer, links[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		add_files(&buffer, files[i]);
	add_clocks(&buffer, "end");
	snprintf(part, sizeof(part), "%s.part", path);
	const int file = (int)must(open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600), part);
	if (write(file, buffer.bytes, buffer.size) != (ssize_t)buffer.size)
		die("%s", part);
	close(file);
	free(buffer.bytes);
	MUST(rename(part, path));
}
