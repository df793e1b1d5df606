// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of AArch64 out of QEMU's CPU (target/arm/cpu.h: ARMCPU, CPUARMState, v5.2 to v11.1).
//
// In:  the host.
// Out: the registers; a register is unknown that this QEMU lacks, or that the debugger cannot find.
// Trusts nothing it reads: the sizes of members are compared with their use.
#include "arch/members.h"
#include "arm64.h"
#include "host/host.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORD = 8, HALF = 4 };

// The stack pointer in use is the last element.
static const struct gg_register_member members[] = {
	{ "env.xregs", ARM64_X0, ARM64_GENERAL + 1, true },
	{ "env.pc", ARM64_PC, 1, true },
	{ "env.vfp.fpsr", ARM64_FPSR, 1, false },
	{ "env.vfp.fpcr", ARM64_FPCR, 1, false },
	{ "parent_obj.halted", ARM64_HALTED, 1, false },
};

// The parts of PSTATE.
struct parts {
	struct gg_member pc, pstate, aarch64, carry, overflow, negative, zero, daif, btype;
	struct gg_member spsr, fiq_regs, elr_el;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct parts, pc, "ARMCPU", "env.pc"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, pstate, "ARMCPU", "env.pstate"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, aarch64, "ARMCPU", "env.aarch64"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, carry, "ARMCPU", "env.CF"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, overflow, "ARMCPU", "env.VF"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, negative, "ARMCPU", "env.NF"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, zero, "ARMCPU", "env.ZF"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, daif, "ARMCPU", "env.daif"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, btype, "ARMCPU", "env.btype"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, spsr, "ARMCPU", "env.spsr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, fiq_regs, "ARMCPU", "env.fiq_regs"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, elr_el, "ARMCPU", "env.elr_el"),
};

// Places the flag of AArch64 state, which stands behind pstate: by the distance from pc to spsr, pstate has
// 4 bytes, or 8 since v10.2. qemu-system-arm has shorter flags in between.
static void place_state(struct parts *parts)
{
	enum { SHORT_FLAGS = 28, SHORT_PSTATE = 36, LONG_PSTATE = SHORT_PSTATE + WORD };
	const uint64_t distance = parts->spsr.offset - parts->pc.offset;
	if (!parts->aarch64.size &&
	    (distance == SHORT_FLAGS || distance == SHORT_PSTATE || distance == LONG_PSTATE))
		parts->aarch64 = (struct gg_member){
			parts->pc.offset + WORD + (distance == LONG_PSTATE ? WORD : HALF), 1
		};
}

// Places parts by their neighbours. In a QEMU without debuginfo VMState has fiq_regs and elr_el; CF, VF,
// NF and ZF stand side by side behind the first. DAIF is the word before elr_el, or since v7.1, which
// has SVCR there, the word before that; SVCR never has DAIF's bits. BTYPE is the second or, since v7.1, the first of two halves
// of a word: the other is condexec_bits, which is 0 in AArch64 state, or DAIF, which has no bits as low.
static struct gg_error *place_parts(const struct gg_host *host, uint64_t cpu, struct parts *parts)
{
	enum { BETWEEN = 48, BTYPE = 28 };
	const uint64_t flags = parts->fiq_regs.offset + parts->fiq_regs.size;
	uint64_t last;
	if (!parts->pstate.size)
		parts->pstate = (struct gg_member){ parts->pc.offset + WORD, HALF };
	place_state(parts);
	if (parts->carry.size || !parts->fiq_regs.size || parts->elr_el.offset - flags != BETWEEN)
		return NULL;
	struct gg_member *const neighbours[] = { &parts->carry, &parts->overflow, &parts->negative,
						 &parts->zero };
	for (unsigned int i = 0; i < 4; i++)
		*neighbours[i] = (struct gg_member){ flags + HALF * i, HALF };
	parts->btype = (struct gg_member){ flags + BTYPE, WORD };
	struct gg_error *err =
		gg_host_read_uint(host, cpu + parts->elr_el.offset - WORD, WORD, &last);
	if (!err)
		parts->daif = (struct gg_member){
			parts->elr_el.offset - (last & ARM64_PSTATE_DAIF ? WORD : 2 * WORD), WORD
		};
	return err;
}

// QEMU has some bits of PSTATE apart.
static struct gg_error *read_pstate(const struct gg_host *host, uint64_t cpu,
				    struct gg_registers *registers)
{
	struct parts parts;
	uint64_t value, carry, overflow, negative, zero, daif, btype = 0, is_aarch64 = 1;
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &parts);
	if (!err)
		err = place_parts(host, cpu, &parts);
	if (!err)
		err = gg_host_read_member(host, cpu, &parts.pstate, &value);
	if (!err && parts.aarch64.size)
		err = gg_host_read_member(host, cpu, &parts.aarch64, &is_aarch64);
	if (err)
		return err;
	if (!is_aarch64)
		value |= ARM64_PSTATE_NRW;
	const uint64_t apart = ARM64_PSTATE_FLAGS | ARM64_PSTATE_DAIF | ARM64_PSTATE_BTYPE;
	gg_register_learn(registers, ARM64_PSTATE, value, ~apart);
	if (!parts.carry.size || !parts.daif.size)
		return NULL;
	err = gg_host_read_member(host, cpu, &parts.carry, &carry);
	if (!err)
		err = gg_host_read_member(host, cpu, &parts.overflow, &overflow);
	if (!err)
		err = gg_host_read_member(host, cpu, &parts.negative, &negative);
	if (!err)
		err = gg_host_read_member(host, cpu, &parts.zero, &zero);
	if (!err)
		err = gg_host_read_member(host, cpu, &parts.daif, &daif);
	if (!err && parts.btype.size)
		err = gg_host_read_member(host, cpu, &parts.btype, &btype);
	if (err)
		return err;
	const uint64_t found =
		(carry & 1) << ARM64_PSTATE_C_BIT | (overflow >> 31 & 1) << ARM64_PSTATE_V_BIT |
		(negative >> 31 & 1) << ARM64_PSTATE_N_BIT |
		(uint64_t) !(uint32_t)zero << ARM64_PSTATE_Z_BIT | (daif & ARM64_PSTATE_DAIF) |
		((btype | btype >> 32) << ARM64_PSTATE_BTYPE_SHIFT & ARM64_PSTATE_BTYPE);
	gg_register_learn(registers, ARM64_PSTATE, found, apart);
	return NULL;
}

// Reads the lowest 16 bytes of each vector register: an array in QEMU's types, and in its migration
// tables a member each.
static struct gg_error *read_vectors(const struct gg_host *host, uint64_t cpu,
				     struct gg_registers *registers)
{
	struct gg_member all;
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "env.vfp.zregs", &all);
	const bool has_all = !err;
	err = gg_error_unless_final(err);
	for (unsigned int i = 0; !err && i < ARM64_VECTORS; i++) {
		uint8_t bytes[ARM64_VECTOR_SIZE];
		char path[32];
		struct gg_member one = { all.offset + all.size / ARM64_VECTORS * i, sizeof(bytes) };
		snprintf(path, sizeof(path), "env.vfp.zregs[%u].d", i);
		if (!has_all)
			err = host->ops->member(host->data, "ARMCPU", path, &one);
		if (!err && one.size >= sizeof(bytes))
			err = gg_host_read(host, cpu + one.offset, bytes, sizeof(bytes));
		if (!err)
			gg_register_set_bytes(registers, ARM64_V0 + i, bytes, sizeof(bytes));
		err = gg_error_unless_final(err);
	}
	return err;
}

struct gg_error *arm64_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret)
{
	gg_registers_init(ret, &arm64_registers, WORD);
	struct gg_error *err = gg_registers_read_members(host, "ARMCPU", cpu->address, members,
							 sizeof(members) / sizeof(*members), ret);
	if (!err)
		err = read_pstate(host, cpu->address, ret);
	if (!err)
		err = read_vectors(host, cpu->address, ret);
	if (!err)
		err = arm64_read_system(host, cpu, ret);
	if (!err)
		err = arm64_read_sve(host, cpu, ret);
	return err ? gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index) : NULL;
}
