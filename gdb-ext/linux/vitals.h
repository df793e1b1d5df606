// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VITALS_H
#define GG_VITALS_H

#include "answerers/answerers.h"

#include <gdb-guest/verdict.h>

// Fills in the members of RET that the variables of KERNEL have: counts of troubles, panic_cpu, phase,
// load, CPUs online, taint. A variable that the kernel lacks stays unknown. Errors are final.
struct gg_error *gg_vitals_read(const struct gg_answerers *kernel, struct gg_verdict *ret);

// Fills in RET's silent CPUs, and its now, which the caller has set to the latest time that it knows.
struct gg_error *gg_silence_read(const struct gg_answerers *kernel, struct gg_verdict *ret);

#endif
