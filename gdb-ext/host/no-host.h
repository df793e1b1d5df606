// SPDX-License-Identifier: GPL-3.0-or-later
//
// A host without answers, for a guest without a QEMU.
#ifndef GG_NO_HOST_H
#define GG_NO_HOST_H

#include <gdb-guest/host.h>

// Returns a host that answers each question with GG_NOT_FOUND and REASON, which must outlive the host.
struct gg_host gg_no_host(const char *reason, bool big_endian, unsigned int address_size);

#endif
