// SPDX-License-Identifier: GPL-3.0-or-later
//
// Ctrl-C while this library works. GDB's own handler makes its next memory read throw a C++
// exception, which ends GDB when libguile's frames are in between; here the signal only sets a flag
// that the loops look at.
#include "interrupt.h"

#include <gdb-guest/interrupt.h>
#include <signal.h>
#include <stdatomic.h>

static struct sigaction previous_int, previous_pipe;
static unsigned int depth;
static bool is_lent;
static atomic_bool interrupted; // set by the handler, read by all threads

void gg_interrupt_note(int signal_number)
{
	(void)signal_number;
	interrupted = true;
}

void gg_interrupt_catch(struct sigaction *previous)
{
	// No SA_RESTART: a write to a FIFO that nobody reads must return.
	struct sigaction action = { .sa_handler = gg_interrupt_note };
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, previous);
}

void gg_interrupt_begin(void)
{
	if (depth++)
		return;
	interrupted = false;
	gg_interrupt_catch(&previous_int);

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
	interrupted = false;
}

struct gg_error *gg_interrupt_check(void)
{
	return gg_interrupt_pending() ? gg_error_create(GG_INTERRUPTED, "interrupted") : NULL;
}

bool gg_interrupt_lend(void)
{
	if (!depth || is_lent)
		return false;
	is_lent = true;
	sigaction(SIGINT, &previous_int, NULL);
	return true;
}

void gg_interrupt_take_back(void)
{
	is_lent = false;
	gg_interrupt_catch(NULL);
}

const struct sigaction *gg_interrupt_previous(void)
{
	return depth && !is_lent ? &previous_int : NULL;
}
