// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of POWER CPUs: their names, which are GDB's, and places.
#include "ppc64.h"

#include <stddef.h>

struct ppc64_values {
	uint64_t r[PPC64_COUNT], nip, msr, lr, ctr, xer, fpscr, reservation;
	uint64_t sprs[PPC64_DSISR - PPC64_HID0 + 1];
	uint64_t f[PPC64_COUNT], vs_low[PPC64_COUNT], vr_high[PPC64_COUNT], vr_low[PPC64_COUNT];
	uint32_t cr, vscr;
	uint8_t halted;
};

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct ppc64_values, member),                                       \
			sizeof(((struct ppc64_values *)NULL)->member)                              \
	}
#define SPR(id, name) [id] = R(name, sprs[(id)-PPC64_HID0])
#define GENERAL(i)    [PPC64_R0 + (i)] = R("r" #i, r[i])
#define FLOAT(i)      [PPC64_F0 + (i)] = R("f" #i, f[i])
#define HALVES(i)                                                                                  \
	[PPC64_VS_LOW0 + (i)] = R(NULL, vs_low[i]), [PPC64_VR_HIGH0 + (i)] = R(NULL, vr_high[i]),  \
			 [PPC64_VR_LOW0 + (i)] = R(NULL, vr_low[i])

// clang-format off
static const struct gg_register_info infos[PPC64_REGISTERS] = {
	GENERAL(0), GENERAL(1), GENERAL(2), GENERAL(3), GENERAL(4), GENERAL(5), GENERAL(6), GENERAL(7),
	GENERAL(8), GENERAL(9), GENERAL(10), GENERAL(11), GENERAL(12), GENERAL(13), GENERAL(14), GENERAL(15),
	GENERAL(16), GENERAL(17), GENERAL(18), GENERAL(19), GENERAL(20), GENERAL(21), GENERAL(22), GENERAL(23),
	GENERAL(24), GENERAL(25), GENERAL(26), GENERAL(27), GENERAL(28), GENERAL(29), GENERAL(30), GENERAL(31),
	[PPC64_NIP] = R("pc", nip), [PPC64_MSR] = R("msr", msr), [PPC64_LR] = R("lr", lr),
	[PPC64_CTR] = R("ctr", ctr), [PPC64_XER] = R("xer", xer), [PPC64_CR] = R("cr", cr),
	[PPC64_FPSCR] = R("fpscr", fpscr), [PPC64_VSCR] = R("vscr", vscr),
	[PPC64_RESERVATION] = R(NULL, reservation),
	SPR(PPC64_HID0, "hid0"), SPR(PPC64_SRR0, "srr0"), SPR(PPC64_SRR1, "srr1"), SPR(PPC64_PVR, "pvr"),
	SPR(PPC64_VRSAVE, "vrsave"), SPR(PPC64_SPRG0, "sprg0"), SPR(PPC64_SPRG0 + 1, "sprg1"),
	SPR(PPC64_SPRG0 + 2, "sprg2"), SPR(PPC64_SPRG0 + 3, "sprg3"), SPR(PPC64_SPRG0 + 4, "sprg4"),
	SPR(PPC64_SPRG0 + 5, "sprg5"), SPR(PPC64_SPRG0 + 6, "sprg6"), SPR(PPC64_SPRG0 + 7, "sprg7"),
	SPR(PPC64_HSRR0, "hsrr0"), SPR(PPC64_HSRR1, "hsrr1"), SPR(PPC64_CFAR, "cfar"), SPR(PPC64_LPCR, "lpcr"),
	SPR(PPC64_PTCR, "ptcr"), SPR(PPC64_DAR, "dar"), SPR(PPC64_DSISR, "dsisr"),
	FLOAT(0), FLOAT(1), FLOAT(2), FLOAT(3), FLOAT(4), FLOAT(5), FLOAT(6), FLOAT(7), FLOAT(8), FLOAT(9),
	FLOAT(10), FLOAT(11), FLOAT(12), FLOAT(13), FLOAT(14), FLOAT(15), FLOAT(16), FLOAT(17), FLOAT(18),
	FLOAT(19), FLOAT(20), FLOAT(21), FLOAT(22), FLOAT(23), FLOAT(24), FLOAT(25), FLOAT(26), FLOAT(27),
	FLOAT(28), FLOAT(29), FLOAT(30), FLOAT(31),
	HALVES(0), HALVES(1), HALVES(2), HALVES(3), HALVES(4), HALVES(5), HALVES(6), HALVES(7), HALVES(8),
	HALVES(9), HALVES(10), HALVES(11), HALVES(12), HALVES(13), HALVES(14), HALVES(15), HALVES(16),
	HALVES(17), HALVES(18), HALVES(19), HALVES(20), HALVES(21), HALVES(22), HALVES(23), HALVES(24),
	HALVES(25), HALVES(26), HALVES(27), HALVES(28), HALVES(29), HALVES(30), HALVES(31),
	[PPC64_HALTED] = R("halted", halted),
};
// clang-format on

const struct gg_register_set ppc64_registers = {
	.infos = infos,
	.count = PPC64_REGISTERS,
	.size = sizeof(struct ppc64_values),
	.pc = PPC64_NIP,
	.sp = PPC64_R1,
};
