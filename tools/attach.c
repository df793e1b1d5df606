// SPDX-License-Identifier: GPL-3.0-or-later
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

struct attachment {
	pid_t *threads;
	size_t count;
};

static bool has_thread(const struct attachment *attachment, pid_t thread)
{
	for (size_t i = 0; i < attachment->count; i++)
		if (attachment->threads[i] == thread)
			return true;
	return false;
}

// Stops THREAD. A thread that has ended meanwhile needs no stop.
static struct gg_error *stop_thread(struct attachment *attachment, pid_t thread)
{
	pid_t *larger = reallocarray(attachment->threads, attachment->count + 1, sizeof(*larger));
	if (!larger)
		return gg_error_create(GG_NO_MEMORY, "out of memory");
	attachment->threads = larger;
	if (ptrace(PTRACE_SEIZE, thread, NULL, NULL))
		return errno == ESRCH ? NULL : gg_error_system(errno, "ptrace");
	attachment->threads[attachment->count++] = thread;
	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) ||
	    (waitpid(thread, NULL, __WALL) < 0 && errno != EINTR))
		return errno == ESRCH || errno == ECHILD ? NULL : gg_error_system(errno, "ptrace");
	return NULL;
}

// Stops the threads that are not stopped yet. IS_COMPLETE: there were none.
static struct gg_error *stop_threads(struct attachment *attachment, pid_t pid, bool *is_complete)
{
	char path[64];
	struct dirent *entry;
	struct gg_error *err = NULL;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		return gg_error_system(errno, "process %d", (int)pid);
	*is_complete = true;
	while (!err && (entry = readdir(folder))) {
		const pid_t thread = atoi(entry->d_name);
		if (thread <= 0 || has_thread(attachment, thread))
			continue;
		*is_complete = false;
		err = stop_thread(attachment, thread);
	}
	closedir(folder);
	return err;
}

struct gg_error *attach(pid_t pid, struct attachment **ret)
{
	enum { MOST_ROUNDS = 1000 }; // a thread that is not stopped yet may start another
	struct attachment *attachment = calloc(1, sizeof(*attachment));
	if (!attachment)
		return gg_error_create(GG_NO_MEMORY, "out of memory");
	struct gg_error *err = NULL;
	bool is_complete = false;
	for (unsigned int round = 0; !err && !is_complete && round < MOST_ROUNDS; round++)
		err = stop_threads(attachment, pid, &is_complete);
	if (!err) {
		*ret = attachment;
		return NULL;
	}
	detach(attachment);
	return gg_error_context(err,
				"process %d cannot be attached to; it takes root, or what "
				"kernel.yama.ptrace_scope allows, and no other debugger",
				(int)pid);
}

void detach(struct attachment *attachment)
{
	if (!attachment)
		return;
	for (size_t i = 0; i < attachment->count; i++)
		ptrace(PTRACE_DETACH, attachment->threads[i], NULL, NULL);
	free(attachment->threads);
	free(attachment);
}
