// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of s390x, and the operations that the row is made of.
#ifndef GG_S390_H
#define GG_S390_H

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

// The registers that an unwinder needs come first.
enum s390_register {
	S390_MASK, // of the PSW
	S390_ADDRESS,
	S390_R0,
	S390_R14 = S390_R0 + 14, // the return address
	S390_R15,                // the stack pointer
	S390_A0,
	S390_A15 = S390_A0 + 15,
	S390_C0,
	S390_C1 = S390_C0 + 1,   // the primary ASCE
	S390_C13 = S390_C0 + 13, // the home ASCE
	S390_C15 = S390_C0 + 15,
	S390_PREFIX,
	S390_TIMER,      // the CPU timer
	S390_COMPARATOR, // of the clock
	S390_TOD,        // the programmable register
	S390_FPC,
	S390_GUARDED, // the guarded-storage control block, 4 words
	S390_F0 = S390_GUARDED +
		  4, // the upper half of each vector register; f0 to f15 are registers too
	S390_LOW0 = S390_F0 + 32, // the lower half
	S390_CPU_STATE = S390_LOW0 + 32,
	S390_HALTED,
	S390_REGISTERS,
};

enum { S390_COUNT = 16, S390_VECTORS = 32, S390_PREFIX_AREA = 0x2000 };

// The PSW's mask (z/Architecture Principles of Operation, chapter 4).
#define S390_PSW_PER           UINT64_C(0x4000000000000000)
#define S390_PSW_DAT           UINT64_C(0x0400000000000000)
#define S390_PSW_IO            UINT64_C(0x0200000000000000)
#define S390_PSW_EXTERNAL      UINT64_C(0x0100000000000000)
#define S390_PSW_MACHINE_CHECK UINT64_C(0x0004000000000000)
#define S390_PSW_WAIT          UINT64_C(0x0002000000000000)
#define S390_PSW_PROBLEM       UINT64_C(0x0001000000000000)
#define S390_PSW_CC            UINT64_C(0x0000300000000000)
#define S390_PSW_EA            UINT64_C(0x0000000100000000)
#define S390_PSW_BA            UINT64_C(0x0000000080000000)
enum { S390_PSW_KEY_SHIFT = 52, S390_PSW_SPACE_SHIFT = 46 };

extern const struct gg_register_set s390_registers;
extern const struct gg_notes_ops s390_notes;
extern const struct gg_linux_ops s390_linux;
extern const struct gg_page_format s390_pages, s390_pages_none;
struct gg_stack_ops;
extern const struct gg_stack_ops s390_stack;
extern const struct gg_stub_calls s390_calls;
extern const struct gg_vmlinux_ops s390_vmlinux;

// The operations of struct gg_cpu_ops.
struct gg_error *s390_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				     struct gg_registers *ret);
struct gg_error *s390_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_registers *ret);
bool s390_is_monitor_text(const char *text);
void s390_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret);
void s390_print_registers(const struct gg_registers *registers, FILE *out);
struct gg_error *s390_disassemble(const struct gg_code *code, struct gg_instruction *ret);
void s390_paging(const struct gg_registers *registers, struct gg_paging *ret);
bool s390_other_paging(const struct gg_registers *registers, struct gg_paging *ret);

#endif
