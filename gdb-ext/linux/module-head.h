// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbol "modules", the head of the list of modules, of a kernel whose kallsyms has code alone.
#ifndef GG_MODULE_HEAD_H
#define GG_MODULE_HEAD_H

#include "linux/answerers/answerers.h"

// Registers the finder of the symbol; nothing is read yet. KERNEL's architecture has words_read (linux/arch-ops.h).
struct gg_error *gg_modules_add_head(struct gg_answerers *kernel, int order);

#endif
