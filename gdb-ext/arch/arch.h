// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guests' architectures: a row each, in the table of arch.c. A row points to rows of
// operations, each declared by those who call it and defined in the architecture's folder:
//
//     machine/cpu-ops.h    the CPU: registers out of QEMU, modes, text, the page tables in use
//     memory/page-table.h  the formats of page tables, which the CPU's and the kernel's rows name
//     notes.h          the notes of a vmcore
//     linux/arch-ops.h     Linux: the kernel's own page tables, image, direct map, per-CPU memory
//     linux/stack/stack-ops.h  Linux: the walk through a stack
//     vmlinux/vmlinux-ops.h    Linux: the callers' places and the arguments in a made vmlinux
//
// How to add an architecture, in stages:
//
//  1. arch/X/ with its registers (a struct gg_register_set), a struct gg_arch with the name, the CPU
//     type, ELF's numbers, byte order and word; the row in arch.c. guest-info names the guest, and
//     dump-guest-memory -no-notes writes its memory. Proof: test-sham-arch.c does so.
//  2. The CPU's row: read_registers, summarize, print_registers; guest-regs; read_monitor for QEMU's
//     gdbstub. Proof: the monitor's "info registers", as in test-monitor.c and tests/guest/test_regs.py.
//  3. The formats of page tables and the CPU's paging; guest-vtop -cpu, guest-x -cpu. Proof: the
//     monitor's "x" and "gva2gpa".
//  4. The notes; dump-guest-memory. Proof: QEMU's own dump, as in tests/guest/test_dump.py.
//  5. The row of Linux; guest-kernel, guest-klog, symbols. Proof: /dev/kmsg, /proc/kallsyms.
//  6. The row of stacks; guest-bt. Proof: /proc/PID/stack.
//  7. The row of the made vmlinux; guest-vmlinux. Proof: GDB's own bt, as in test_vmlinux.py.
//  8. The registers at the gdbstub; guest-profile. Proof: the guest's own counters, as in test_profile.py.
//  9. The registers of calls; guest-trace. Proof: the guest's own count of system calls, as in test_trace.py.
//
// NULL in a row, or for a row, is what is not done yet; gg_arch_not_yet() says so.
#ifndef GG_ARCH_H
#define GG_ARCH_H

#include "base/error.h"
#include "registers.h"

// A register that a gdbstub of QEMU's is asked for while the guest runs.
struct gg_stub_register {
	unsigned int number; // in the protocol: the place in QEMU's gdb-xml/
	unsigned int id;     // in the architecture's set
};

enum { GG_STUB_REGISTERS = 8 };

// The registers, the program counter first and the stack pointer second; the others lead from the
// innermost frame to its caller.
struct gg_stub_set {
	size_t count; // at most GG_STUB_REGISTERS
	struct gg_stub_register registers[GG_STUB_REGISTERS];
	// The place in the list of the register whose bits of MODE_MASK are MODE_USER where the CPU is in a program. MODE_MASK
	// is 0 where the program counter alone shows that.
	size_t mode;
	uint64_t mode_mask, mode_user;
	bool asks_state; // a CPU without work is known by QEMU's state of its thread, not by the kernel's idle code
};

// The place in a function at which none of its instructions has had an effect yet.
struct gg_function_entry {
	size_t offset; // of the instruction that a breakpoint replaces
	size_t skip;   // bytes of that instruction, if it does nothing; 0: it must be executed
};

// The registers of a function's call, and their names in a condition.
struct gg_stub_calls {
	size_t count; // of the registers with arguments
	struct {
		unsigned int number; // in the protocol
		const char *name;
	} arguments[GG_STUB_REGISTERS];
	unsigned int result; // the number of the register with the result
	// The number of the register with the return address at the entry. Without HAS_LINK the word at the stack pointer is the
	// return address, and the function's return takes the word off the stack.
	bool has_link;
	unsigned int link;
	unsigned int
		more; // bytes from the stack pointer, at the entry, to the arguments that are in no register
	// The most bytes of a structure that registers return. The caller passes the address for a longer structure, perhaps as
	// the first argument.
	unsigned int structure_bytes;

	// Finds the entry of the function that starts with the SIZE bytes at CODE.
	struct gg_function_entry (*find_entry)(const uint8_t *code, size_t size);
};

struct gg_arch {
	const char *name;     // Linux's, as "uname -m" has it
	const char *uname;    // the same as a pattern for fnmatch(), with all names there ever were
	const char *cpu_type; // the type of the CPU in QEMU, which architectures may share
	const char *
		counter; // the program counter in that type; NULL: guests that run are not looked at

	uint16_t elf_machine; // EM_...
	uint8_t elf_class;    // ELFCLASS..., of a vmcore with RAM below 4 GiB
	bool big_endian;      // the guest's memory, and the vmcore
	unsigned int word;    // bytes in an unsigned long of the kernel's

	const struct gg_register_set *registers;
	const struct gg_cpu_ops *cpu;         // machine/cpu-ops.h
	const struct gg_notes_ops *notes;     // notes.h
	const struct gg_linux_ops *kernel;    // linux/arch-ops.h
	const struct gg_stack_ops *stack;     // linux/stack/stack-ops.h
	const struct gg_vmlinux_ops *vmlinux; // vmlinux/vmlinux-ops.h
	const struct gg_stub_set *stub;       // NULL: guests that run are not looked at
	const struct gg_stub_calls *calls;    // NULL: calls are not traced
};

// The rows, NULL behind the last: an architecture with wider code comes before its siblings.
extern const struct gg_arch *const gg_archs[];

// The types of QEMU's CPUs, which QEMU names in two ways.
struct gg_cpu_type {
	const char *suffix;      // of the names in QOM: "max-arm-cpu"
	const char *name;        // in C: "ARMCPU"
	const char *description; // the variable that is the VMStateDescription
};

// The rows, a NULL name behind the last.
extern const struct gg_cpu_type gg_cpu_types[];

// The architectures that QEMU may run on, NULL behind the last: qemu/layout/host-code.h.
struct gg_host_code;
extern const struct gg_host_code *const gg_host_codes[];

// An architecture that is in no row: the guest's memory can be dumped all the same.
extern const struct gg_arch gg_arch_unknown;

// Returns the architectures with the CPU type of ARCH, by INDEX: ARCH itself, the others; NULL
// behind them.
const struct gg_arch *gg_arch_sibling(const struct gg_arch *arch, size_t index);

// GG_UNSUPPORTED for WHAT, in the plural or without a number, which ARCH's row does not have.
struct gg_error *gg_arch_not_yet(const struct gg_arch *arch, const char *what);

#endif
