// SPDX-License-Identifier: GPL-3.0-or-later
//
// Ctrl-C while this library works. GDB's own handler makes its next memory read throw a C++
// exception, which ends GDB when libguile's frames are in between; here the signal only sets a flag
// that the loops look at.
//
// And the reverse, while GDB lets its target run: a timer that stops it as Ctrl-C would.
#include "error.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static struct sigaction previous_int, previous_pipe;
static unsigned int depth;
static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static void catch_interrupt(struct sigaction *previous)
{
	// No SA_RESTART: a write to a FIFO that nobody reads must return.
	struct sigaction action = { .sa_handler = note_interrupt };
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, previous);
}

void gg_interrupt_begin(void)
{
	if (depth++)
		return;
	interrupted = 0;
	catch_interrupt(&previous_int);

	// A reader of our output that goes away is an error to report, not a reason to die.
	struct sigaction action = { .sa_handler = SIG_IGN };
	sigemptyset(&action.sa_mask);
	sigaction(SIGPIPE, &action, &previous_pipe);
}

void gg_interrupt_end(void)
{
	if (--depth)
		return;
	sigaction(SIGINT, &previous_int, NULL);
	sigaction(SIGPIPE, &previous_pipe, NULL);
}

bool gg_interrupt_pending(void)
{
	return depth && interrupted;
}

void gg_interrupt_forget(void)
{
	interrupted = 0;
}

struct gg_error *gg_interrupt_check(void)
{
	return gg_interrupt_pending() ? gg_error_create(GG_INTERRUPTED, "interrupted") : NULL;
}

// ---- While the target runs ----

// GDB passes the first SIGINT on to its target; at one more before the target has stopped it asks
// whether to give up, which in batch mode is answered with yes. A user who insists gets there.
enum { INSISTS_AFTER = 3 }; // seconds

static timer_t run_timer;
static struct timespec passed_at; // zero: not yet

static void call_previous(int signal_number, siginfo_t *info, void *context)
{
	if (previous_int.sa_flags & SA_SIGINFO)
		previous_int.sa_sigaction(signal_number, info, context);
	else if (previous_int.sa_handler != SIG_IGN && previous_int.sa_handler != SIG_DFL)
		previous_int.sa_handler(signal_number);
}

static void pass_interrupt(int signal_number, siginfo_t *info, void *context);

static void catch_while_running(void)
{
	struct sigaction action = { .sa_sigaction = pass_interrupt, .sa_flags = SA_SIGINFO };
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

static void pass_interrupt(int signal_number, siginfo_t *info, void *context)
{
	const int saved_errno = errno;
	const bool is_user = info->si_code != SI_TIMER || info->si_value.sival_ptr != &run_timer;
	struct timespec now;
	if (is_user)
		interrupted = 1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	const bool is_first = !passed_at.tv_sec && !passed_at.tv_nsec;
	if (is_first || (is_user && now.tv_sec - passed_at.tv_sec >= INSISTS_AFTER)) {
		passed_at = now;
		call_previous(signal_number, info, context);
		// GDB's (handle_sigint) puts itself into our place.
		catch_while_running();
	}
	errno = saved_errno;
}

static struct gg_error *start_timer(unsigned int milliseconds)
{
	enum { SECOND = 1000, MILLISECOND = 1000000 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGINT,
				  .sigev_value.sival_ptr = &run_timer };
	event._sigev_un._tid = gettid();
	const struct itimerspec once = {
		.it_value = { .tv_sec = milliseconds / SECOND,
			      .tv_nsec = (long)(milliseconds % SECOND) * MILLISECOND },
	};
	if (timer_create(CLOCK_MONOTONIC, &event, &run_timer))
		return gg_error_system(errno, "a timer");
	if (!timer_settime(run_timer, 0, &once, NULL))
		return NULL;
	struct gg_error *err = gg_error_system(errno, "a timer of %u ms", milliseconds);
	timer_delete(run_timer);
	return err;
}

struct gg_error *gg_interrupt_run_begin(unsigned int milliseconds)
{
	if (!depth)
		return gg_error_create(GG_INVALID, "the debugger's own handler is in place");
	struct gg_error *err = gg_interrupt_check();
	if (!err && !milliseconds)
		err = gg_error_create(GG_INVALID, "a target cannot run for no time");
	if (err)
		return err;
	passed_at = (struct timespec){ 0 };
	catch_while_running();
	err = start_timer(milliseconds);
	if (err)
		catch_interrupt(NULL);
	return err;
}

// While GDB executes a command for its Python it has its own handler in place: then the timer's
// signals do not come here, and neither do the user's.
static bool is_displaced;

bool gg_interrupt_run_end(void)
{
	struct itimerspec left = { 0 };
	timer_gettime(run_timer, &left);
	timer_delete(run_timer);
	const bool has_elapsed = !left.it_value.tv_sec && !left.it_value.tv_nsec;
	const bool was_called = passed_at.tv_sec || passed_at.tv_nsec;
	// Whoever stopped the target before its time may have been the user.
	if (has_elapsed)
		is_displaced = !was_called;
	else if (is_displaced && !was_called)
		interrupted = 1;
	catch_interrupt(NULL);
	return has_elapsed;
}
