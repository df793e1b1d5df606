// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_MODULES_H
#define GG_PRINT_MODULES_H

#include "guest/modules.h"

// Returns the state of MODULE in a word, as the guest's /proc/modules has it.
const char *gg_module_state_word(const struct gg_module *module);

#endif
