// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of POWER out of QEMU's CPU (target/ppc/cpu.h: PowerPCCPU, CPUPPCState, v7.2 to v11.1).
//
// In:  the host.
// Out: the registers; a register is unknown that this QEMU lacks, or that the debugger cannot find.
// Trusts nothing it reads: the sizes of members are compared with their use.
#include "arch/members.h"
#include "host/host.h"
#include "ppc64.h"

#include <inttypes.h>

enum { WORD = 8, FIELDS = 8, SPRS = 1024 };

static const struct gg_register_member members[] = {
	{ "env.gpr", PPC64_R0, PPC64_COUNT, true },
	{ "env.nip", PPC64_NIP, 1, true },
	{ "env.msr", PPC64_MSR, 1, true },
	{ "env.lr", PPC64_LR, 1, false },
	{ "env.ctr", PPC64_CTR, 1, false },
	{ "env.cfar", PPC64_CFAR, 1, false },
	{ "env.fpscr", PPC64_FPSCR, 1, false },
	{ "env.reserve_addr", PPC64_RESERVATION, 1, false },
	{ "parent_obj.halted", PPC64_HALTED, 1, false },
};

// ---- Members that have no name in the migration tables ----

// The words of XER, whose flags QEMU has apart.
enum xer_word { XER, SO, OV, CA, OV32, CA32, XER_WORDS };

struct parts {
	struct gg_member gpr, fields, spr, vsr, lr, reservation;
	struct gg_member xer[XER_WORDS];
	struct gg_member vscr, saturated;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct parts, gpr, "PowerPCCPU", "env.gpr"),
	GG_LAYOUT_ROW(struct parts, fields, "PowerPCCPU", "env.crf"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, spr, "PowerPCCPU", "env.spr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, vsr, "PowerPCCPU", "env.vsr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, lr, "PowerPCCPU", "env.lr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, reservation, "PowerPCCPU", "env.reserve_addr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[XER], "PowerPCCPU", "env.xer"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[SO], "PowerPCCPU", "env.so"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[OV], "PowerPCCPU", "env.ov"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[CA], "PowerPCCPU", "env.ca"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[OV32], "PowerPCCPU", "env.ov32"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, xer[CA32], "PowerPCCPU", "env.ca32"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, vscr, "PowerPCCPU", "env.vscr"),
	GG_LAYOUT_ROW_OPTIONAL(struct parts, saturated, "PowerPCCPU", "env.vscr_sat"),
};

static struct gg_error *read_word(const struct gg_host *host, uint64_t address,
				  struct gg_registers *registers, unsigned int id)
{
	uint64_t value;
	struct gg_error *err = gg_host_read_uint(host, address, WORD, &value);
	if (!err)
		gg_register_set(registers, id, value);
	return err;
}

// Reads LR and CTR by their neighbours where VMState alone names members: the array gprh and the two
// words fill the space between gpr and crf.
static struct gg_error *read_links(const struct gg_host *host, uint64_t cpu,
				   const struct parts *parts, struct gg_registers *registers)
{
	const uint64_t between = parts->fields.offset - parts->gpr.offset - parts->gpr.size;
	if (parts->lr.size || between != parts->gpr.size + 2 * WORD)
		return NULL;
	const uint64_t lr = cpu + parts->fields.offset - 2 * WORD;
	struct gg_error *err = read_word(host, lr, registers, PPC64_LR);
	return err ? err : read_word(host, lr + WORD, registers, PPC64_CTR);
}

// Reads XER; by its neighbours, CFAR and the words of XER fill the space between crf and the
// reservation's address.
static struct gg_error *read_xer(const struct gg_host *host, uint64_t cpu, struct parts *parts,
				 struct gg_registers *registers)
{
	static const unsigned int bits[XER_WORDS] = {
		[SO] = 31, [OV] = 30, [CA] = 29, [OV32] = 19, [CA32] = 18
	};
	const uint64_t cfar = parts->fields.offset + parts->fields.size;
	uint64_t value = 0;
	struct gg_error *err = NULL;
	if (!parts->xer[XER].size && parts->reservation.size &&
	    parts->reservation.offset - cfar == (1 + XER_WORDS) * WORD) {
		for (unsigned int i = 0; i < XER_WORDS; i++)
			parts->xer[i] = (struct gg_member){ cfar + WORD * (1 + i), WORD };
		err = read_word(host, cpu + cfar, registers, PPC64_CFAR);
	}
	for (unsigned int i = 0; !err && i < XER_WORDS; i++) {
		uint64_t word;
		if (!parts->xer[i].size)
			return NULL;
		err = gg_host_read_member(host, cpu, &parts->xer[i], &word);
		if (!err)
			value |= i == XER ? word : (word & 1) << bits[i];
	}
	if (!err)
		gg_register_set(registers, PPC64_XER, value);
	return err;
}

// Reads CR, of which QEMU has an integer for each field.
static struct gg_error *read_cr(const struct gg_host *host, uint64_t cpu, const struct parts *parts,
				struct gg_registers *registers)
{
	enum { FIELD = 4 };
	uint64_t cr = 0;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < FIELDS; i++) {
		uint64_t field;
		err = gg_host_read_uint(host, cpu + parts->fields.offset + FIELD * i, FIELD,
					&field);
		if (!err)
			cr = cr << 4 | (field & 0xf);
	}
	if (!err)
		gg_register_set(registers, PPC64_CR, cr);
	return err;
}

// VSCR's SAT is in a vector of its own.
static struct gg_error *read_vscr(const struct gg_host *host, uint64_t cpu,
				  const struct parts *parts, struct gg_registers *registers)
{
	uint64_t vscr, low, high;
	if (!parts->vscr.size || !parts->saturated.size)
		return NULL;
	const uint64_t saturated = cpu + parts->saturated.offset;
	struct gg_error *err = gg_host_read_member(host, cpu, &parts->vscr, &vscr);
	if (!err)
		err = gg_host_read_uint(host, saturated, WORD, &low);
	if (!err)
		err = gg_host_read_uint(host, saturated + WORD, WORD, &high);
	if (!err)
		gg_register_set(registers, PPC64_VSCR, vscr | (low || high));
	return err;
}

static struct gg_error *read_sprs(const struct gg_host *host, uint64_t cpu,
				  const struct gg_member *all, struct gg_registers *registers)
{
	// The numbers of mfspr.
	static const struct {
		unsigned int number, id;
	} sprs[] = {
		{ 1008, PPC64_HID0 },     { 26, PPC64_SRR0 },       { 27, PPC64_SRR1 },
		{ 287, PPC64_PVR },       { 256, PPC64_VRSAVE },    { 272, PPC64_SPRG0 },
		{ 273, PPC64_SPRG1 },     { 274, PPC64_SPRG0 + 2 }, { 275, PPC64_SPRG0 + 3 },
		{ 276, PPC64_SPRG0 + 4 }, { 277, PPC64_SPRG0 + 5 }, { 278, PPC64_SPRG0 + 6 },
		{ 279, PPC64_SPRG7 },     { 314, PPC64_HSRR0 },     { 315, PPC64_HSRR1 },
		{ 318, PPC64_LPCR },      { 464, PPC64_PTCR },      { 19, PPC64_DAR },
		{ 18, PPC64_DSISR },
	};
	struct gg_error *err = NULL;
	if (all->size < SPRS * WORD)
		return NULL;
	for (size_t i = 0; !err && i < sizeof(sprs) / sizeof(*sprs); i++)
		err = read_word(host, cpu + all->offset + WORD * sprs[i].number, registers,
				sprs[i].id);
	return err;
}

// Reads the vector registers: 64 of two words, the lower word first on a little-endian host. VMState
// has the first 32 under the name.
static struct gg_error *read_vectors(const struct gg_host *host, uint64_t cpu,
				     const struct gg_member *all, struct gg_registers *registers)
{
	static const unsigned int high[] = { PPC64_F0, PPC64_VR_HIGH0 };
	static const unsigned int low[] = { PPC64_VS_LOW0, PPC64_VR_LOW0 };
	struct gg_error *err = NULL;
	if (!all->size)
		return NULL;
	for (unsigned int i = 0; !err && i < 2 * PPC64_COUNT; i++) {
		const uint64_t place = cpu + all->offset + 2 * WORD * i;
		const unsigned int half = i / PPC64_COUNT, number = i % PPC64_COUNT;
		const unsigned int swap = host->big_endian ? 0 : WORD;
		err = read_word(host, place + swap, registers, high[half] + number);
		if (!err)
			err = read_word(host, place + (WORD - swap), registers, low[half] + number);
	}
	return err;
}

static struct gg_error *read_parts(const struct gg_host *host, uint64_t cpu,
				   struct gg_registers *registers)
{
	struct parts parts;
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &parts);
	if (!err)
		err = read_links(host, cpu, &parts, registers);
	if (!err)
		err = read_xer(host, cpu, &parts, registers);
	if (!err)
		err = read_cr(host, cpu, &parts, registers);
	if (!err)
		err = read_vscr(host, cpu, &parts, registers);
	if (!err)
		err = read_sprs(host, cpu, &parts.spr, registers);
	return err ? err : read_vectors(host, cpu, &parts.vsr, registers);
}

struct gg_error *ppc64_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret)
{
	gg_registers_init(ret, &ppc64_registers, WORD);
	struct gg_error *err = gg_registers_read_members(host, "PowerPCCPU", cpu->address, members,
							 sizeof(members) / sizeof(*members), ret);
	if (!err)
		err = read_parts(host, cpu->address, ret);
	return err ? gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index) : NULL;
}

// Linux sets LPCR.ILE at its start, and firmware is big-endian.
bool ppc64_is_mode(const struct gg_registers *registers)
{
	return gg_register(registers, PPC64_MSR) & PPC64_MSR_SF &&
	       (gg_register(registers, PPC64_MSR) & PPC64_MSR_LE ||
		gg_register(registers, PPC64_LPCR) & PPC64_LPCR_ILE);
}
