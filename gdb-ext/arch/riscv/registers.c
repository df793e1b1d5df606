// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of RISC-V: their names, which are GDB's, and places.
#include "riscv.h"

#include <stddef.h>

struct riscv_values {
	uint64_t x[32], pc, csrs[RISCV_LAST_CSR - RISCV_MHARTID + 1], f[32];
	uint8_t priv, halted;
};

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct riscv_values, member),                                       \
			sizeof(((struct riscv_values *)NULL)->member)                              \
	}
#define X(name, index) [RISCV_X0 + (index)] = R(name, x[index])
#define F(name, index) [RISCV_F0 + (index)] = R(name, f[index])
#define CSR(id, name)  [id] = R(name, csrs[(id)-RISCV_MHARTID])

// clang-format off
static const struct gg_register_info infos[RISCV_REGISTERS] = {
	X("zero", 0), X("ra", 1), X("sp", 2), X("gp", 3), X("tp", 4), X("t0", 5), X("t1", 6), X("t2", 7),
	X("fp", 8), X("s1", 9), X("a0", 10), X("a1", 11), X("a2", 12), X("a3", 13), X("a4", 14), X("a5", 15),
	X("a6", 16), X("a7", 17), X("s2", 18), X("s3", 19), X("s4", 20), X("s5", 21), X("s6", 22), X("s7", 23),
	X("s8", 24), X("s9", 25), X("s10", 26), X("s11", 27), X("t3", 28), X("t4", 29), X("t5", 30), X("t6", 31),
	[RISCV_PC] = R("pc", pc),
	[RISCV_PRIV] = R("priv", priv),
	CSR(RISCV_MHARTID, "mhartid"), CSR(RISCV_MSTATUS, "mstatus"), CSR(RISCV_HSTATUS, "hstatus"),
	CSR(RISCV_VSSTATUS, "vsstatus"), CSR(RISCV_MIP, "mip"), CSR(RISCV_MIE, "mie"),
	CSR(RISCV_MIDELEG, "mideleg"), CSR(RISCV_HIDELEG, "hideleg"), CSR(RISCV_MEDELEG, "medeleg"),
	CSR(RISCV_HEDELEG, "hedeleg"), CSR(RISCV_MTVEC, "mtvec"), CSR(RISCV_STVEC, "stvec"),
	CSR(RISCV_VSTVEC, "vstvec"), CSR(RISCV_MEPC, "mepc"), CSR(RISCV_SEPC, "sepc"),
	CSR(RISCV_VSEPC, "vsepc"), CSR(RISCV_MCAUSE, "mcause"), CSR(RISCV_SCAUSE, "scause"),
	CSR(RISCV_VSCAUSE, "vscause"), CSR(RISCV_MTVAL, "mtval"), CSR(RISCV_STVAL, "stval"),
	CSR(RISCV_HTVAL, "htval"), CSR(RISCV_MTVAL2, "mtval2"), CSR(RISCV_MSCRATCH, "mscratch"),
	CSR(RISCV_SSCRATCH, "sscratch"), CSR(RISCV_SATP, "satp"),
	F("ft0", 0), F("ft1", 1), F("ft2", 2), F("ft3", 3), F("ft4", 4), F("ft5", 5), F("ft6", 6), F("ft7", 7),
	F("fs0", 8), F("fs1", 9), F("fa0", 10), F("fa1", 11), F("fa2", 12), F("fa3", 13), F("fa4", 14), F("fa5", 15),
	F("fa6", 16), F("fa7", 17), F("fs2", 18), F("fs3", 19), F("fs4", 20), F("fs5", 21), F("fs6", 22), F("fs7", 23),
	F("fs8", 24), F("fs9", 25), F("fs10", 26), F("fs11", 27), F("ft8", 28), F("ft9", 29), F("ft10", 30), F("ft11", 31),
	[RISCV_HALTED] = R("halted", halted),
};
// clang-format on

const struct gg_register_set riscv_registers = {
	.infos = infos,
	.count = RISCV_REGISTERS,
	.size = sizeof(struct riscv_values),
	.pc = RISCV_PC,
	.sp = RISCV_SP,
};
