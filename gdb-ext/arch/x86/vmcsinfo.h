// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_X86_VMCSINFO_H
#define GG_X86_VMCSINFO_H

#include "vmcs.h"

// Reads the SIZE bytes of VMCSINFO's TEXT. A field without a plain place is not known. GG_BAD_DATA for a text that
// contradicts itself, or is no such text.
struct gg_error *x86_vmcsinfo_parse(const char *text, size_t size, struct x86_vmcs_layout *ret);

#endif
