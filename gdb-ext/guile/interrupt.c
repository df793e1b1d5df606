// SPDX-License-Identifier: GPL-3.0-or-later
//
// Ctrl-C while Scheme calls the library, and the end of a target's run.
#include "guile.h"

#include <dlfcn.h>
#include <signal.h>

// Raises a Ctrl-C again that came while Readline's own handler was still in place behind the end of
// the command's line. Readline looks at the signal when it reads the next line (readline/signals.c,
// version 8.2); till then GDB does not hear of it. GDB may have no Readline.
static void raise_again_from_readline(void)
{
	int (*const pending_signal)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "rl_pending_signal");
	if (pending_signal && pending_signal() == SIGINT)
		raise(SIGINT);
}

// (%interruptible THUNK): calls THUNK with Ctrl-C caught by the library.
static SCM interruptible(SCM thunk)
{
	scm_dynwind_begin(0);
	gg_interrupt_begin();
	raise_again_from_readline();
	scm_dynwind_unwind_handler((void (*)(void *))gg_interrupt_end, NULL, SCM_F_WIND_EXPLICITLY);
	SCM result = scm_call_0(thunk);
	scm_dynwind_end();
	return result;
}

// (%check-interrupt): throws if Ctrl-C came since %interruptible began.
static SCM check_interrupt(void)
{
	gg_guile_throw(gg_interrupt_check());
	return SCM_UNSPECIFIED;
}

// (%forget-interrupt): forgets a Ctrl-C that was handled.
static SCM forget_interrupt(void)
{
	gg_interrupt_forget();
	return SCM_UNSPECIFIED;
}

// (%lend-interrupt THUNK): calls THUNK with the debugger's own handler of Ctrl-C in place; returns
// whether the library's handler was in place before.
static SCM lend_interrupt(SCM thunk)
{
	const bool is_lent = gg_interrupt_lend();
	scm_dynwind_begin(0);
	if (is_lent)
		scm_dynwind_unwind_handler((void (*)(void *))gg_interrupt_take_back, NULL,
					   SCM_F_WIND_EXPLICITLY);
	scm_call_0(thunk);
	scm_dynwind_end();
	return scm_from_bool(is_lent);
}

static void end_run(void *data)
{
	bool *elapsed = data;
	*elapsed = gg_interrupt_run_end();
}

static unsigned int process_number(SCM process)
{
	return (unsigned int)gg_guile_integer(process, "the process", 1, INT32_MAX);
}

// (%interrupt-after MILLISECONDS PROCESS THUNK) => (ELAPSED? . RESULT): calls THUNK, which lets the
// target run, and has the target stopped as at Ctrl-C after so many milliseconds; PROCESS is its
// number, or #f for a stub's. ELAPSED? says whether they had passed. Only inside of %interruptible.
static SCM interrupt_after(SCM milliseconds, SCM process, SCM thunk)
{
	bool elapsed = false;
	const unsigned int number = scm_is_true(process) ? process_number(process) : 0;
	gg_guile_throw(gg_interrupt_run_begin(
		(unsigned int)gg_guile_integer(milliseconds, "the time in milliseconds", 1,
					       INT32_MAX),
		number));
	scm_dynwind_begin(0);
	scm_dynwind_unwind_handler(end_run, &elapsed, SCM_F_WIND_EXPLICITLY);
	SCM result = scm_call_0(thunk);
	scm_dynwind_end();
	return scm_cons(scm_from_bool(elapsed), result);
}

// (%interrupt-pending? PROCESS): tests whether a SIGINT is pending for PROCESS, which is stopped.
static SCM interrupt_is_pending(SCM process)
{
	return scm_from_bool(gg_process_has_pending((pid_t)process_number(process), SIGINT));
}

// (%process-ended? PROCESS): tests whether PROCESS executes nothing more.
static SCM process_has_ended(SCM process)
{
	return scm_from_bool(gg_process_has_ended((pid_t)process_number(process)));
}

void gg_guile_init_interrupt(void)
{
	gg_guile_define("%interruptible", 1, (scm_t_subr)interruptible);
	gg_guile_define("%lend-interrupt", 1, (scm_t_subr)lend_interrupt);
	gg_guile_define("%interrupt-after", 3, (scm_t_subr)interrupt_after);
	gg_guile_define("%interrupt-pending?", 1, (scm_t_subr)interrupt_is_pending);
	gg_guile_define("%process-ended?", 1, (scm_t_subr)process_has_ended);
	gg_guile_define("%forget-interrupt", 0, (scm_t_subr)forget_interrupt);
	gg_guile_define("%check-interrupt", 0, (scm_t_subr)check_interrupt);
}
