// SPDX-License-Identifier: GPL-3.0-or-later
// Makes system calls as it is asked to, and counts them: the truth about the calls of a guest that is traced.
//
// In:  lines from the terminal that is its argument:
//      open COUNT GAP   opens that many files, a gap of so many microseconds after each
//      busy SECONDS     asks for its parent's PID as often as it can
//      lines PATH       counts a file's lines with its own name
// Out: for each line the number of calls that it made, or of lines, as a line.
//
// The call INDEX, from 0, opens "/calls/INDEX" relative to the descriptor INDEX + 100 with the flags of flags(INDEX), and fails
// with ENOENT, or at every fifth with ENOTDIR ("/init/INDEX").
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
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

static long be_busy(long seconds)
{
	struct timespec now, end;
	long done = 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	do {
		syscall(SYS_getppid);
		done++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
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
		else if (sscanf(line, "busy %ld", &first) == 1)
			done = be_busy(first);
		else if (sscanf(line, "lines %127s", path) == 1)
			done = count_lines(path);
		fprintf(out, "%ld\n", done);
		fflush(out);
	}
	return 0;
}
