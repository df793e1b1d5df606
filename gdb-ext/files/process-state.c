// SPDX-License-Identifier: GPL-3.0-or-later
#include <gdb-guest/process.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 256 };

// Reads the line that begins with KEY; its rest, without blanks before it, is in RET. False where there is no such line.
static bool read_status(pid_t process, const char *key, char ret[static LINE_SIZE])
{
	char path[sizeof("/proc/-2147483648/status")], line[LINE_SIZE];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)process);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool is_found = false;
	while (!is_found && fgets(line, sizeof(line), file)) {
		is_found = !strncmp(line, key, strlen(key));
		if (is_found) {
			const char *value = line + strlen(key);
			strcpy(ret, value + strspn(value, " \t"));
		}
	}
	fclose(file);
	return is_found;
}

static bool is_pending(pid_t process, const char *key, int signal)
{
	char pending[LINE_SIZE];
	return read_status(process, key, pending) &&
	       strtoull(pending, NULL, 16) & UINT64_C(1) << (signal - 1);
}

bool gg_process_has_ended(pid_t process)
{
	char value[LINE_SIZE];
	if (!read_status(process, "State:", value) || strchr("ZX", value[0]))
		return true;
	// A process that was killed is first without registers, then without memory, and only at last a zombie.
	return is_pending(process, "SigPnd:", SIGKILL) || is_pending(process, "ShdPnd:", SIGKILL) ||
	       !read_status(process, "VmSize:", value);
}

bool gg_process_is_stopped(pid_t process)
{
	char value[LINE_SIZE];
	return read_status(process, "State:", value) && value[0] == 'T';
}

bool gg_process_has_pending(pid_t process, int signal)
{
	return is_pending(process, "ShdPnd:", signal);
}
