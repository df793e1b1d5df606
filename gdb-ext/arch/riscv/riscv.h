// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of RISC-V, and the operations that the row is made of.
#ifndef GG_RISCV_H
#define GG_RISCV_H

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

// The registers that an unwinder needs come first.
enum riscv_register {
	RISCV_X0,
	RISCV_RA = RISCV_X0 + 1,
	RISCV_SP = RISCV_X0 + 2,
	RISCV_TP = RISCV_X0 + 4,
	RISCV_S0 = RISCV_X0 + 8, // the frame pointer
	RISCV_S1 = RISCV_X0 + 9,
	RISCV_A7 = RISCV_X0 + 17, // the number of a system call
	RISCV_S2 = RISCV_X0 + 18, // to s11
	RISCV_X31 = RISCV_X0 + 31,
	RISCV_PC,
	RISCV_PRIV, // the mode: 0 user, 1 supervisor, 3 machine
	// CSRs, in the order of QEMU's "info registers".
	RISCV_MHARTID,
	RISCV_MSTATUS,
	RISCV_HSTATUS,
	RISCV_VSSTATUS,
	RISCV_MIP,
	RISCV_MIE,
	RISCV_MIDELEG,
	RISCV_HIDELEG,
	RISCV_MEDELEG,
	RISCV_HEDELEG,
	RISCV_MTVEC,
	RISCV_STVEC,
	RISCV_VSTVEC,
	RISCV_MEPC,
	RISCV_SEPC,
	RISCV_VSEPC,
	RISCV_MCAUSE,
	RISCV_SCAUSE,
	RISCV_VSCAUSE,
	RISCV_MTVAL,
	RISCV_STVAL,
	RISCV_HTVAL,
	RISCV_MTVAL2,
	RISCV_MSCRATCH,
	RISCV_SSCRATCH,
	RISCV_SATP,
	RISCV_LAST_CSR = RISCV_SATP,
	RISCV_F0,
	RISCV_F31 = RISCV_F0 + 31,
	RISCV_HALTED,
	RISCV_REGISTERS,
};

enum { RISCV_USER = 0, RISCV_SUPERVISOR = 1, RISCV_MACHINE = 3 };

extern const struct gg_register_set riscv_registers;
extern const struct gg_notes_ops riscv_notes;
extern const struct gg_linux_ops riscv_linux;
extern const struct gg_page_format riscv_pages, riscv_pages_none;
struct gg_stack_ops;
extern const struct gg_stack_ops riscv_stack;
extern const struct gg_stub_calls riscv_calls;
extern const struct gg_vmlinux_ops riscv_vmlinux;

// The operations of struct gg_cpu_ops.
struct gg_error *riscv_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret);
struct gg_error *riscv_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret);
bool riscv_is_monitor_text(const char *text);
void riscv_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret);
void riscv_print_registers(const struct gg_registers *registers, FILE *out);
struct gg_error *riscv_disassemble(const struct gg_code *code, struct gg_instruction *ret);
void riscv_paging(const struct gg_registers *registers, struct gg_paging *ret);

// Sets the mode where only the pc tells it: the upper half of addresses is the kernel's.
void riscv_derive_mode(struct gg_registers *registers);

#endif
