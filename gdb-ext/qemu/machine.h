// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU is and does, for people: its version, machine, run state, accelerator.
#ifndef GG_QEMU_MACHINE_H
#define GG_QEMU_MACHINE_H

#include "host/host.h"

// Each is an escaped text that the caller frees, or an error.

// "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", out of the binary that FD is.
struct gg_error *gg_qemu_version(int fd, char **ret);

// The machine's type, without "-machine": "pc-i440fx-7.2".
struct gg_error *gg_qemu_machine(const struct gg_host *host, char **ret);

// The RunState by its name in QMP: "paused".
struct gg_error *gg_qemu_run_state(const struct gg_host *host, char **ret);

// QEMU's virtual clock, in nanoseconds since the machine was started, while it stands still.
// GG_NOT_FOUND while it runs: then only QEMU knows.
struct gg_error *gg_qemu_virtual_clock(const struct gg_host *host, uint64_t *ret);

#endif
