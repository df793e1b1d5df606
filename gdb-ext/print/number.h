// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_NUMBER_H
#define GG_NUMBER_H

#include "base/error.h"

// Evaluates TEXT without a debugger, as gg_front_end.evaluate does: whole numbers as in C, with + and - between
// them. DATA is not used.
struct gg_error *gg_number_evaluate(void *data, const char *text, const char *expected, char **ret);

#endif
