// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of s390x out of QEMU's CPU (target/s390x/cpu.h: S390CPU, CPUS390XState).
//
// In:  the host.
// Out: the registers; a register is unknown that this QEMU lacks, or that the debugger cannot find.
// Trusts nothing it reads: the sizes of members are compared with their use.
#include "arch/members.h"
#include "host/host.h"
#include "s390.h"

#include <inttypes.h>
#include <stdio.h>

static const struct gg_register_member members[] = {
	{ "env.psw.mask", S390_MASK, 1, true },
	{ "env.psw.addr", S390_ADDRESS, 1, true },
	{ "env.regs", S390_R0, S390_COUNT, true },
	{ "env.aregs", S390_A0, S390_COUNT, false },
	{ "env.cregs", S390_C0, S390_COUNT, false },
	{ "env.psa", S390_PREFIX, 1, false },
	{ "env.cputm", S390_TIMER, 1, false },
	{ "env.ckc", S390_COMPARATOR, 1, false },
	{ "env.todpr", S390_TOD, 1, false },
	{ "env.fpc", S390_FPC, 1, false },
	{ "env.gscb", S390_GUARDED, 4, false },
	{ "env.cpu_state", S390_CPU_STATE, 1, false },
	{ "parent_obj.halted", S390_HALTED, 1, false },
};

// Reads the halves of the vector registers: an array in QEMU's types, and a member each in its migration
// tables.
static struct gg_error *read_vectors(const struct gg_host *host, uint64_t cpu,
				     struct gg_registers *registers)
{
	struct gg_member member;
	struct gg_error *err = host->ops->member(host->data, "S390CPU", "env.vregs", &member);
	const bool has_all = !err;
	err = gg_error_unless_final(err);
	for (unsigned int i = 0; !err && i < 2 * S390_VECTORS; i++) {
		char path[32];
		uint64_t value;
		struct gg_member half = { member.offset + 8 * i, 8 };
		snprintf(path, sizeof(path), "env.vregs[%u][%u]", i / 2, i % 2);
		if (!has_all)
			err = host->ops->member(host->data, "S390CPU", path, &half);
		if (!err)
			err = gg_host_read_member(host, cpu, &half, &value);
		if (!err)
			gg_register_set(registers, (i % 2 ? S390_LOW0 : S390_F0) + i / 2, value);
		err = gg_error_unless_final(err);
	}
	return err;
}

struct gg_error *s390_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				     struct gg_registers *ret)
{
	gg_registers_init(ret, &s390_registers, 8);
	struct gg_error *err = gg_registers_read_members(host, "S390CPU", cpu->address, members,
							 sizeof(members) / sizeof(*members), ret);
	if (!err)
		err = read_vectors(host, cpu->address, ret);
	// Under TCG the condition code is elsewhere, and the code in the mask is stale.
	gg_register_forget(ret, S390_MASK, S390_PSW_CC);
	return err ? gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index) : NULL;
}
