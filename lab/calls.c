// SPDX-License-Identifier: GPL-3.0-or-later
// Makes system calls as it is asked to, and counts them: the truth about the calls of a guest that is traced.
//
// In:  lines from the terminal that is its argument:
//      open COUNT GAP   opens that many files, a gap of so many microseconds after each
//      wake COUNT       wakes nobody so often, at a futex
//      ioctl COUNT      asks a module's device for what the device does not have
//      lines PATH       counts a file's lines with its own name
// Out: for each line the number of calls that it made, or of lines, as a line.
//
// The call INDEX, from 0, opens "/calls/INDEX" relative to the descriptor INDEX + 100 with the flags of flags(INDEX), and fails
// with ENOENT, or at every fifth with ENOTDIR ("/init/INDEX"). The call INDEX of the futex has the numbers INDEX + 100, + 200 and so on in
// the place of all that is not looked at; the device gets the command INDEX + 4096 with the argument INDEX + 7000, and has EBADFD.
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static long flags(long index)
{
	return index % 2 ? O_WRONLY : O_RDONLY;
}

static long open_files(long count, long gap)
{
	char path[64];
	long done = 0;
	for (long i = 0; i < count; i++) {
		snprintf(path, sizeof(path), i % 5 == 4 ? "/init/%ld" : "/calls/%ld", i);
		if (syscall(SYS_openat, (int)i + 100, path, flags(i), 0) < 0)
			done++;
		if (gap)
			usleep((useconds_t)gap);
	}
	return done;
}

static long wake(long count)
{
	static uint32_t word;
	long done = 0;
	for (long i = 0; i < count; i++)
		if (!syscall(SYS_futex, &word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, i + 100,
			     i + 200, i + 300, i + 400))
			done++;
	return done;
}

static long ask_device(long count)
{
	enum { COMMAND = 4096, ARGUMENT = 7000 };
	const int device = open("/dev/net/tun", O_RDWR);
	long done = 0;
	for (long i = 0; i < count; i++)
		if (ioctl(device, (unsigned long)(COMMAND + i), ARGUMENT + i) < 0)
			done++;
	close(device);
	return done;
}

static long count_lines(const char *path)
{
	char line[512];
	long done = 0;
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		done += strstr(line, "calls") != NULL;
	if (file)
		fclose(file);
	return done;
}

int main(int argc, char **argv)
{
	char line[128], path[128];
	long first, second;
	struct termios raw;
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL,
	     *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	if (!in || !out)
		return 1;
	tcgetattr(fileno(in), &raw);
	cfmakeraw(&raw);
	tcsetattr(fileno(in), TCSANOW, &raw);
	while (fgets(line, sizeof(line), in)) {
		long done = -1;
		if (sscanf(line, "open %ld %ld", &first, &second) == 2)
			done = open_files(first, second);
		else if (sscanf(line, "wake %ld", &first) == 1)
			done = wake(first);
		else if (sscanf(line, "ioctl %ld", &first) == 1)
			done = ask_device(first);
		else if (sscanf(line, "lines %127s", path) == 1)
			done = count_lines(path);
		fprintf(out, "%ld\n", done);
		fflush(out);
	}
	return 0;
}
