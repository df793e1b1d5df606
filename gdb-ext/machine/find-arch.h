// SPDX-License-Identifier: GPL-3.0-or-later
//
// The architecture of a QEMU's CPUs.
#ifndef GG_FIND_ARCH_H
#define GG_FIND_ARCH_H

#include "cpu-state.h"

// Finds the architecture of CPUS by HOST's types and the modes of the CPUs: the first row that has
// such a CPU. A CPU may be in another mode for a while: in System Management Mode, in a nested
// guest, or not yet started. Without CPUs it is the first row that fits the QEMU. MAP is as in
// gg_cpu_state_read(). GG_UNSUPPORTED names the architectures that are known.
struct gg_error *gg_arch_find_by_types(const struct gg_host *host, const struct gg_ram_map *map,
				       const struct gg_qemu_cpus *cpus, const struct gg_arch **ret);

// Finds the architecture of CPUS by the texts that QEMU's monitor printed of them.
struct gg_error *gg_arch_find_by_texts(const struct gg_qemu_cpus *cpus, const struct gg_arch **ret);

#endif
