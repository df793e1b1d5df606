// SPDX-License-Identifier: GPL-3.0-or-later
//
// Ctrl-C while GDB lets its target run, and a timer that stops the target as Ctrl-C would.
//
// GDB takes SIGINT for its own when it is about to let its target run, and when it tells that this
// has stopped: one that comes then is lost, ends what GDB does, or is sent to a stub whose guest
// does not run yet. While it waits for its target it passes the first one on; at one more before
// the target has stopped it asks whether to give up, which in batch mode is answered with yes. So
// SIGINT is blocked but for that wait, and behind the first one; a user who insists gets there.
//
// A process is sent SIGINT here, as GDB's handler would have GDB do: nothing of GDB's can forget
// it, and it is sent again each second until the process has stopped. GDB asks nothing there.
#include "base/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INSISTS_AFTER = 3, AGAIN_AFTER = 1 }; // seconds

// The run that is under way; its signals come in one thread.
static struct {
	unsigned int milliseconds;
	timer_t timer;
	pid_t thread;                 // that lets the target run
	pid_t process;                // the target; 0: the debugger has the target stop
	struct sigaction time_action; // what the timer's signal did before
	volatile sig_atomic_t has_begun;
	volatile sig_atomic_t user_waits; // for what is to be passed
	volatile sig_atomic_t has_elapsed;
	volatile sig_atomic_t tries;
	struct timespec passed_at; // zero: not yet
} run;

// GDB leaves the real-time signals alone, and so does Python.
static int time_signal(void)
{
	return SIGRTMIN + 7;
}

static void call_previous(siginfo_t *info, void *context)
{
	const struct sigaction *previous = gg_interrupt_previous();
	if (previous->sa_flags & SA_SIGINFO)
		previous->sa_sigaction(SIGINT, info, context);
	else if (previous->sa_handler != SIG_IGN && previous->sa_handler != SIG_DFL)
		previous->sa_handler(SIGINT);
}

static void block_interrupt(bool block, void *context)
{
	sigset_t *mask = &((ucontext_t *)context)->uc_sigmask;
	if (block)
		sigaddset(mask, SIGINT);
	else
		sigdelset(mask, SIGINT);
}

static sigset_t interrupt_only(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	return mask;
}

// Ctrl-C that waits already does not insist.
static void note_pending(void)
{
	const sigset_t mask = interrupt_only();
	const struct timespec now = { 0 };
	if (sigtimedwait(&mask, NULL, &now) == SIGINT)
		gg_interrupt_note(SIGINT);
}

static void on_interrupt(int signal_number, siginfo_t *info, void *context);
static void on_time(int signal_number, siginfo_t *info, void *context);

static void catch_while_running(int signal_number,
				void (*handler)(int number, siginfo_t *info, void *context),
				struct sigaction *previous)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, time_signal());
	sigaction(signal_number, &action, previous);
}

static int set_timer(unsigned int milliseconds)
{
	enum { SECOND = 1000, MILLISECOND = 1000000 };
	const struct itimerspec times = {
		.it_value = { .tv_sec = milliseconds / SECOND,
			      .tv_nsec = (long)(milliseconds % SECOND) * MILLISECOND },
		.it_interval = { .tv_sec = 1 },
	};
	return timer_settime(run.timer, 0, &times, NULL);
}

// Tests whether the signal came while the thread was in poll() without a limit. There GDB's loop of
// events waits (gdbsupport/event-loop.cc), and nothing else of it does. What a signal interrupts is
// not restarted; the arguments are where they were. Not known of other machines.
static bool is_in_poll(const void *context)
{
#ifdef __x86_64__
	const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
	return registers[REG_RAX] == -EINTR && (int)registers[REG_RDX] == -1;
#else
	(void)context;
	return true;
#endif
}

// Would the debugger hear it now? If not, it is tried again in a moment, but not for ever: one that
// waits otherwise is to be stopped, too. A SIGINT that is blocked here may come in another thread.
static bool hears(const void *context)
{
	enum { MOMENT = 1, MAX_TRIES = 1000 };
	if (gettid() == run.thread && (is_in_poll(context) || run.tries >= MAX_TRIES))
		return true;
	run.tries++;
	set_timer(MOMENT);
	return false;
}

static void begin_run(void *context)
{
	run.has_begun = 1;
	run.tries = 0;
	set_timer(run.milliseconds);
	catch_while_running(SIGINT, on_interrupt, NULL);
	block_interrupt(false, context);
}

static bool has_passed(void)
{
	return run.passed_at.tv_sec || run.passed_at.tv_nsec;
}

static bool may_pass(const struct timespec *now)
{
	enum { SECOND = 1000000000 };
	const int64_t nanoseconds = (int64_t)(now->tv_sec - run.passed_at.tv_sec) * SECOND +
				    now->tv_nsec - run.passed_at.tv_nsec;
	const int64_t seconds = run.process ? AGAIN_AFTER : INSISTS_AFTER;
	return !has_passed() || nanoseconds >= seconds * SECOND;
}

static void pass(const struct timespec *now, siginfo_t *info, void *context)
{
	if (!hears(context))
		return;
	run.passed_at = *now;
	run.user_waits = 0;
	if (run.process)
		kill(run.process, SIGINT);
	else
		call_previous(info, context);
	// GDB's (handle_sigint) puts itself into our place.
	catch_while_running(SIGINT, on_interrupt, NULL);
	block_interrupt(true, context);
}

static void on_interrupt(int signal_number, siginfo_t *info, void *context)
{
	const int saved_errno = errno;
	struct timespec now;
	gg_interrupt_note(signal_number);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (may_pass(&now)) {
		run.user_waits = 1;
		pass(&now, info, context);
	}
	errno = saved_errno;
}

// Runs when the time is over, and from then on every second: the user may insist then.
static void on_end_of_time(siginfo_t *info, void *context)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!has_passed() && !run.user_waits)
		run.has_elapsed = 1;
	if (!has_passed() || run.user_waits) {
		pass(&now, info, context);
	} else if (may_pass(&now)) {
		note_pending();
		if (run.process)
			pass(&now, info, context);
		else
			block_interrupt(false, context);
	}
}

static void on_time(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	const int saved_errno = errno;
	const bool begins = !run.has_begun;
	if (begins && hears(context))
		begin_run(context);
	if (!begins || (run.has_begun && run.user_waits))
		on_end_of_time(info, context);
	errno = saved_errno;
}

static struct gg_error *start_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = time_signal() };
	event._sigev_un._tid = run.thread;
	if (timer_create(CLOCK_MONOTONIC, &event, &run.timer))
		return gg_error_system(errno, "a timer");
	if (!set_timer(1))
		return NULL;
	struct gg_error *err = gg_error_system(errno, "a timer");
	timer_delete(run.timer);
	return err;
}

static void end_run(void)
{
	const struct sigaction drop_pending = { .sa_handler = SIG_IGN };
	const sigset_t mask = interrupt_only();
	gg_interrupt_catch(NULL);
	sigaction(time_signal(), &drop_pending, NULL);
	sigaction(time_signal(), &run.time_action, NULL);
	// A signal that was blocked is ours to note.
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

struct gg_error *gg_interrupt_run_begin(unsigned int milliseconds, unsigned int process)
{
	const sigset_t mask = interrupt_only();
	if (!gg_interrupt_previous())
		return gg_error_create(GG_INVALID, "the debugger's own handler is in place");
	struct gg_error *err = gg_interrupt_check();
	if (!err && !milliseconds)
		err = gg_error_create(GG_INVALID, "a target cannot run for no time");
	if (err)
		return err;
	memset(&run, 0, sizeof(run));
	run.milliseconds = milliseconds;
	run.process = (pid_t)process;
	run.thread = gettid();
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	catch_while_running(SIGINT, on_interrupt, NULL);
	catch_while_running(time_signal(), on_time, &run.time_action);
	err = start_timer();
	if (err)
		end_run();
	return err;
}

bool gg_interrupt_run_end(void)
{
	timer_delete(run.timer);
	end_run();
	return run.has_elapsed;
}
