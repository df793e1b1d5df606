// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VMCOREINFO_DEVICE_H
#define GG_VMCOREINFO_DEVICE_H

#include "host/host.h"

// Where the guest told QEMU's vmcoreinfo device that its note is. GG_NOT_FOUND where there is no
// such device, or the guest has not told it.
struct gg_error *gg_qemu_vmcoreinfo_device(const struct gg_host *host, gg_gpa_t *ret);

#endif
