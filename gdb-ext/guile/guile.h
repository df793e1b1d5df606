// SPDX-License-Identifier: GPL-3.0-or-later
//
// The common part of the binding files.
#ifndef GG_GUILE_H
#define GG_GUILE_H

#include "base/cleanup.h"

#include <gdb-guest.h>
#include <libguile.h>

// Throws ERR, if it is one, as (gdb-guest-error KIND MESSAGE), and destroys it. No C variable that
// needs cleaning up may be in scope.
void gg_guile_throw(struct gg_error *err);

SCM gg_guile_string(const char *text);

// VALUE, which must be an integer from LOW to HIGH, or an error that calls it NAME is thrown. By
// Guile's own conversions an integer out of range ends GDB.
uint64_t gg_guile_integer(SCM value, const char *name, uint64_t low, uint64_t high);

// An address, and a number of bytes that GDB's memory has room for.
uint64_t gg_guile_address(SCM value);
size_t gg_guile_size(SCM value);

// #(START SIZE HVA BLOCK).
SCM gg_guile_range(const struct gg_ram_range *range);

// (NOTE . IDENTITY).
SCM gg_guile_choice(const struct gg_kernel_choice *choice);

// The cpu_index that CPU is; GG_KERNEL_TABLES for #f.
int64_t gg_guile_cpu(SCM cpu);

// Calls PROCEDURE with a list of arguments; what it throws becomes an error.
struct gg_error *gg_guile_call(SCM procedure, SCM arguments, SCM *ret);

// The guest of a Scheme object; throws if it is none, or destroyed.
struct gg_guest *gg_guile_guest(SCM object);

// A type of objects that Scheme ends: the collector only frees what it allocated for them.
struct gg_guile_type {
	const char *name;
	const char
		*ended; // the message for an object that was ended: "the file is no longer written"
	SCM type;       // set by gg_guile_type_init()
};

void gg_guile_type_init(struct gg_guile_type *type);
SCM gg_guile_object(const struct gg_guile_type *type, void *state);

// The state of OBJECT; throws if it is not of TYPE, or was ended.
void *gg_guile_state(const struct gg_guile_type *type, SCM object);

// Ends OBJECT, and returns its state, which is the caller's then; NULL where it was ended before.
void *gg_guile_end(const struct gg_guile_type *type, SCM object);

void gg_guile_define(const char *name, int arguments, scm_t_subr function);

// Sets up convert.c.
void gg_guile_init_convert(void);

// Define the procedures of guest.c, monitor.c, interrupt.c.
void gg_guile_init_guest(void);
void gg_guile_init_monitor(void);
void gg_guile_init_interrupt(void);

// Define the procedures of info.c, kernels.c, dump.c, cpus.c, memory.c.
void gg_guile_init_info(void);
void gg_guile_init_kernels(void);
void gg_guile_init_dump(void);
void gg_guile_init_cpus(void);
void gg_guile_init_memory(void);

// Define the procedures of log.c, sysrq.c, output.c, command.c, data.c.
void gg_guile_init_log(void);
void gg_guile_init_sysrq(void);
void gg_guile_init_output(void);
void gg_guile_init_command(void);
void gg_guile_init_data(void);

// A receiver that calls PROCEDURE, which the caller keeps on its stack, with each line.
struct gg_notices gg_guile_notices(const SCM *procedure);

// A writer that calls PROCEDURE, which the caller keeps on its stack, with a bytevector for each
// piece of text.
struct gg_writer gg_guile_writer(const SCM *procedure);

// The text of a Scheme string, or NULL for #f; the caller frees it.
char *gg_guile_optional_text(SCM value);

#endif
