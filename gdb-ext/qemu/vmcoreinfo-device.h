// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VMCOREINFO_DEVICE_H
#define GG_VMCOREINFO_DEVICE_H

#include "host/host.h"

// Finds the place of the kernel's note that the guest wrote to QEMU's vmcoreinfo device.
// GG_NOT_FOUND where there is no such device, or the guest has written none.
struct gg_error *gg_qemu_vmcoreinfo_device(const struct gg_host *host, gg_gpa_t *ret);

#endif
