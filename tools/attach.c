// SPDX-License-Identifier: GPL-3.0-or-later
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

struct thread {
	pid_t id;
	int signal; // that stopped the thread before it could be delivered, or 0
};

struct attachment {
	struct thread *threads;
	size_t count;
};

static bool has_thread(const struct attachment *attachment, pid_t thread)
{
	for (size_t i = 0; i < attachment->count; i++)
		if (attachment->threads[i].id == thread)
			return true;
	return false;
}

// Waits until THREAD stops. A signal that came first is kept: the process must not miss it.
static struct gg_error *wait_for(struct thread *thread)
{
	int status = 0;
	pid_t got;
	do
		got = waitpid(thread->id, &status, __WALL);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != ECHILD)
		return gg_error_system(errno, "waitpid");
	if (got > 0 && WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_STOP)
		thread->signal = WSTOPSIG(status);
	return NULL;
}

// Stops THREAD. A thread that has ended meanwhile needs no stop.
static struct gg_error *stop_thread(struct attachment *attachment, pid_t thread)
{
	struct thread *larger =
		reallocarray(attachment->threads, attachment->count + 1, sizeof(*larger));
	if (!larger)
		return gg_error_create(GG_NO_MEMORY, "out of memory");
	attachment->threads = larger;
	if (ptrace(PTRACE_SEIZE, thread, NULL, NULL))
		return errno == ESRCH ? NULL : gg_error_system(errno, "ptrace");
	struct thread *added = &attachment->threads[attachment->count++];
	*added = (struct thread){ .id = thread };
	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL))
		return errno == ESRCH ? NULL : gg_error_system(errno, "ptrace");
	return wait_for(added);
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
		ptrace(PTRACE_DETACH, attachment->threads[i].id, NULL,
		       (void *)(intptr_t)attachment->threads[i].signal);
	free(attachment->threads);
	free(attachment);
}
