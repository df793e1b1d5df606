// SPDX-License-Identifier: GPL-3.0-or-later
//
// Facts about QEMU, for people: its version, machine, run state, clock.
#ifndef GG_QEMU_MACHINE_H
#define GG_QEMU_MACHINE_H

#include "host/host.h"

// Each function that reads a text returns it escaped; the caller frees it.

// Reads the version out of the binary FD: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)".
struct gg_error *gg_qemu_version(int fd, char **ret);

// Reads the machine's type, without "-machine": "pc-i440fx-7.2".
struct gg_error *gg_qemu_machine(const struct gg_host *host, char **ret);

// Reads the RunState, by its name in QMP: "paused".
struct gg_error *gg_qemu_run_state(const struct gg_host *host, char **ret);

// Reads QEMU's virtual clock, in nanoseconds since the machine was started, while it stands still.
// GG_NOT_FOUND while it runs.
struct gg_error *gg_qemu_virtual_clock(const struct gg_host *host, uint64_t *ret);

#endif
