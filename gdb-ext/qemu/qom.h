// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_QOM_H
#define GG_QOM_H

#include "host/host.h"

// Reads the name of the type of the QOM object (QEMU qom/object.c) at OBJECT, escaped; the caller
// frees it.
struct gg_error *gg_qom_type_name(const struct gg_host *host, uint64_t object, char **ret);

#endif
