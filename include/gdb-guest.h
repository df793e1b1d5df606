// SPDX-License-Identifier: GPL-3.0-or-later
//
// The public interface of libgdb-guest: what is inside the guest of a QEMU that a debugger has in
// front of it.
//
// A caller (a debugger's extension, a test, a program of its own) answers the four questions of
// `struct gg_host`, creates a `struct gg_guest` over it, and asks that for the guest's memory, or
// has it dumped.
//
// Every function that can fail returns an error object that the caller owns, NULL being success,
// and hands its result out through a pointer, last. Sizes and offsets are in bytes. Nothing here is
// safe to call from two threads at once on the same object; two guests share nothing.
#ifndef GDB_GUEST_H
#define GDB_GUEST_H

#include "gdb-guest/blocked.h"
#include "gdb-guest/code.h"
#include "gdb-guest/command.h"
#include "gdb-guest/cpus.h"
#include "gdb-guest/debug.h"
#include "gdb-guest/dump.h"
#include "gdb-guest/error.h"
#include "gdb-guest/examine.h"
#include "gdb-guest/file-host.h"
#include "gdb-guest/guest.h"
#include "gdb-guest/host.h"
#include "gdb-guest/info.h"
#include "gdb-guest/interrupt.h"
#include "gdb-guest/kept.h"
#include "gdb-guest/kernels.h"
#include "gdb-guest/layout.h"
#include "gdb-guest/log.h"
#include "gdb-guest/meminfo.h"
#include "gdb-guest/modules.h"
#include "gdb-guest/nested.h"
#include "gdb-guest/monitor.h"
#include "gdb-guest/notices.h"
#include "gdb-guest/output.h"
#include "gdb-guest/pages.h"
#include "gdb-guest/process.h"
#include "gdb-guest/profile.h"
#include "gdb-guest/ram.h"
#include "gdb-guest/report.h"
#include "gdb-guest/stacks.h"
#include "gdb-guest/struct.h"
#include "gdb-guest/symbols.h"
#include "gdb-guest/sysrq.h"
#include "gdb-guest/target.h"
#include "gdb-guest/tasks.h"
#include "gdb-guest/text.h"
#include "gdb-guest/trace.h"
#include "gdb-guest/types.h"
#include "gdb-guest/verdict.h"
#include "gdb-guest/virtual.h"
#include "gdb-guest/vmlinux.h"
#include "gdb-guest/writer.h"

#endif
