// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of AArch64: their names, which are GDB's and QEMU's, and places.
#include "arm64.h"

#include <stddef.h>

struct arm64_values {
	uint64_t x[ARM64_GENERAL], sp, pc, system[ARM64_LAST_SYSTEM - ARM64_SP_EL0 + 1];
	uint32_t pstate, fpsr, fpcr;
	uint8_t v[ARM64_VECTORS][ARM64_VECTOR_SIZE], halted;
	uint8_t z_high[ARM64_VECTORS][ARM64_LONG_VECTOR - ARM64_VECTOR_SIZE];
	uint8_t p[ARM64_PREDICATES][ARM64_LONG_PREDICATE];
	uint16_t sve_length, sve_max;
	uint64_t controls[ARM64_SVCR - ARM64_ZCR_EL1 + 1];
};

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct arm64_values, member),                                       \
			sizeof(((struct arm64_values *)NULL)->member)                              \
	}
#define X(index)         [ARM64_X0 + (index)] = R("x" #index, x[index])
#define V(index)         [ARM64_V0 + (index)] = R("v" #index, v[index])
#define Z(index)         [ARM64_Z0_HIGH + (index)] = R(NULL, z_high[index])
#define P(index)         [ARM64_P0 + (index)] = R(NULL, p[index])
#define CONTROL(id)      [id] = R(NULL, controls[(id)-ARM64_ZCR_EL1])
#define SYSTEM(id, name) [id] = R(name, system[(id)-ARM64_SP_EL0])

// clang-format off
static const struct gg_register_info infos[ARM64_REGISTERS] = {
	X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14), X(15),
	X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29), X(30),
	[ARM64_SP] = R("sp", sp), [ARM64_PC] = R("pc", pc), [ARM64_PSTATE] = R("cpsr", pstate),
	SYSTEM(ARM64_SP_EL0, "SP_EL0"), SYSTEM(ARM64_TTBR0, "TTBR0_EL1"), SYSTEM(ARM64_TTBR1, "TTBR1_EL1"),
	SYSTEM(ARM64_TCR, "TCR_EL1"), SYSTEM(ARM64_SCTLR, "SCTLR_EL1"), SYSTEM(ARM64_TPIDR, "TPIDR_EL1"),
	SYSTEM(ARM64_ELR, "ELR_EL1"), SYSTEM(ARM64_SPSR, "SPSR_EL1"), SYSTEM(ARM64_ESR, "ESR_EL1"),
	SYSTEM(ARM64_FAR, "FAR_EL1"), SYSTEM(ARM64_VBAR, "VBAR_EL1"),
	[ARM64_FPSR] = R("fpsr", fpsr), [ARM64_FPCR] = R("fpcr", fpcr),
	V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11), V(12), V(13), V(14), V(15),
	V(16), V(17), V(18), V(19), V(20), V(21), V(22), V(23), V(24), V(25), V(26), V(27), V(28), V(29), V(30), V(31),
	[ARM64_HALTED] = R("halted", halted),
	Z(0), Z(1), Z(2), Z(3), Z(4), Z(5), Z(6), Z(7), Z(8), Z(9), Z(10), Z(11), Z(12), Z(13), Z(14), Z(15),
	Z(16), Z(17), Z(18), Z(19), Z(20), Z(21), Z(22), Z(23), Z(24), Z(25), Z(26), Z(27), Z(28), Z(29), Z(30), Z(31),
	P(0), P(1), P(2), P(3), P(4), P(5), P(6), P(7), P(8), P(9), P(10), P(11), P(12), P(13), P(14), P(15), P(16),
	[ARM64_SVE_LENGTH] = R(NULL, sve_length), [ARM64_SVE_MAX] = R(NULL, sve_max),
	CONTROL(ARM64_ZCR_EL1), CONTROL(ARM64_HCR_EL2), CONTROL(ARM64_SCR_EL3), CONTROL(ARM64_SVCR),
};
// clang-format on

const struct gg_register_set arm64_registers = {
	.infos = infos,
	.count = ARM64_REGISTERS,
	.size = sizeof(struct arm64_values),
	.pc = ARM64_PC,
	.sp = ARM64_SP,
};

// Arm Architecture Reference Manual, D17.2. QEMU before v8 calls some without their level.
const struct arm64_system_register arm64_system_registers[] = {
	{ ARM64_SP_EL0, "SP_EL0", "SP_EL0", 3, 0, 4, 1, 0 },
	{ ARM64_TTBR0, "TTBR0_EL1", "TTBR0_EL1", 3, 0, 2, 0, 0 },
	{ ARM64_TTBR1, "TTBR1_EL1", "TTBR1_EL1", 3, 0, 2, 0, 1 },
	{ ARM64_TCR, "TCR_EL1", "TCR_EL1", 3, 0, 2, 0, 2 },
	{ ARM64_SCTLR, "SCTLR_EL1", "SCTLR", 3, 0, 1, 0, 0 },
	{ ARM64_TPIDR, "TPIDR_EL1", "TPIDR_EL1", 3, 0, 13, 0, 4 },
	{ ARM64_ELR, "ELR_EL1", "ELR_EL1", 3, 0, 4, 0, 1 },
	{ ARM64_SPSR, "SPSR_EL1", "SPSR_EL1", 3, 0, 4, 0, 0 },
	{ ARM64_ESR, "ESR_EL1", "ESR_EL1", 3, 0, 5, 2, 0 },
	{ ARM64_FAR, "FAR_EL1", "FAR_EL1", 3, 0, 6, 0, 0 },
	{ ARM64_VBAR, "VBAR_EL1", "VBAR", 3, 0, 12, 0, 0 },
};
const size_t arm64_system_register_count =
	sizeof(arm64_system_registers) / sizeof(*arm64_system_registers);

// Arm Architecture Reference Manual, D17.2 (ZCR, HCR, SCR) and C5.2 (SVCR).
const struct arm64_system_register arm64_vector_controls[] = {
	{ ARM64_ZCR_EL1, "ZCR_EL1", "ZCR_EL1", 3, 0, 1, 2, 0 },
	{ ARM64_HCR_EL2, "HCR_EL2", "HCR_EL2", 3, 4, 1, 1, 0 },
	{ ARM64_SCR_EL3, "SCR_EL3", "SCR_EL3", 3, 6, 1, 1, 0 },
	{ ARM64_SVCR, "SVCR", "SVCR", 3, 3, 4, 2, 2 },
};
const size_t arm64_vector_control_count =
	sizeof(arm64_vector_controls) / sizeof(*arm64_vector_controls);
