// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of RISC-V out of QEMU's CPU (target/riscv/cpu.h: RISCVCPU, CPURISCVState).
//
// In:  the host.
// Out: the registers, CSRs as the guest reads them.
#include "arch/members.h"
#include "riscv.h"

#include <inttypes.h>

static const struct gg_register_member members[] = {
	{ "env.gpr", RISCV_X0, 32, true },
	{ "env.pc", RISCV_PC, 1, true },
	{ "env.priv", RISCV_PRIV, 1, false },
	{ "env.mhartid", RISCV_MHARTID, 1, false },
	{ "env.mstatus", RISCV_MSTATUS, 1, false },
	{ "env.hstatus", RISCV_HSTATUS, 1, false },
	{ "env.vsstatus", RISCV_VSSTATUS, 1, false },
	{ "env.mip", RISCV_MIP, 1, false },
	{ "env.mie", RISCV_MIE, 1, false },
	{ "env.mideleg", RISCV_MIDELEG, 1, false },
	{ "env.hideleg", RISCV_HIDELEG, 1, false },
	{ "env.medeleg", RISCV_MEDELEG, 1, false },
	{ "env.hedeleg", RISCV_HEDELEG, 1, false },
	{ "env.mtvec", RISCV_MTVEC, 1, false },
	{ "env.stvec", RISCV_STVEC, 1, false },
	{ "env.vstvec", RISCV_VSTVEC, 1, false },
	{ "env.mepc", RISCV_MEPC, 1, false },
	{ "env.sepc", RISCV_SEPC, 1, false },
	{ "env.vsepc", RISCV_VSEPC, 1, false },
	{ "env.mcause", RISCV_MCAUSE, 1, false },
	{ "env.scause", RISCV_SCAUSE, 1, false },
	{ "env.vscause", RISCV_VSCAUSE, 1, false },
	{ "env.mtval", RISCV_MTVAL, 1, false },
	{ "env.stval", RISCV_STVAL, 1, false },
	{ "env.htval", RISCV_HTVAL, 1, false },
	{ "env.mtval2", RISCV_MTVAL2, 1, false },
	{ "env.mscratch", RISCV_MSCRATCH, 1, false },
	{ "env.sscratch", RISCV_SSCRATCH, 1, false },
	{ "env.satp", RISCV_SATP, 1, false },
	{ "env.fpr", RISCV_F0, 32, false },
	{ "parent_obj.halted", RISCV_HALTED, 1, false },
};

static void complete(struct gg_registers *registers, unsigned int id, uint64_t bits, uint64_t mask)
{
	if (gg_register_known(registers, id))
		gg_register_learn(registers, id, bits, mask);
}

// Derives the bits of CSRs that QEMU computes when the guest reads them (target/riscv/csr.c, v7.2:
// add_status_sd, read_hstatus).
static void derive_csrs(struct gg_registers *registers)
{
	enum { FS = 3 << 13, VS = 3 << 9, XS = 3 << 15 };
	const uint64_t vsxl = UINT64_C(3) << 32, vsxl_64 = UINT64_C(2) << 32;
	const uint64_t sd = UINT64_C(1) << 63;
	const uint64_t status = gg_register(registers, RISCV_MSTATUS);
	const bool dirty = (status & FS) == FS || (status & VS) == VS || (status & XS) == XS;
	complete(registers, RISCV_MSTATUS, dirty ? sd : 0, sd);
	complete(registers, RISCV_HSTATUS, vsxl_64, vsxl);
}

struct gg_error *riscv_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret)
{
	gg_registers_init(ret, &riscv_registers, 8);
	struct gg_error *err = gg_registers_read_members(host, "RISCVCPU", cpu->address, members,
							 sizeof(members) / sizeof(*members), ret);
	if (err)
		return gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index);
	derive_csrs(ret);
	if (!gg_register_known(ret, RISCV_PRIV))
		riscv_derive_mode(ret);
	return NULL;
}
