// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of POWER for people, and out of the text that QEMU's monitor prints of a CPU
// (target/ppc/cpu_init.c, v7.2: ppc_cpu_dump_state).
#include "arch/members.h"
#include "arch/monitor-text.h"
#include "arch/print.h"
#include "ppc64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16, CR_DIGITS = 8, IN_A_LINE = 4 };

// The monitor's names: some stand at the end of a line here.
static const struct {
	unsigned int id;
	const char *name, *behind;
} named[] = {
	{ PPC64_NIP, "NIP", "   " }, { PPC64_LR, "LR", " " },   { PPC64_CTR, "CTR", " " },
	{ PPC64_XER, "XER", "\n" },  { PPC64_MSR, "MSR", " " }, { PPC64_HID0, "HID0", "\n" },
};

static const struct {
	unsigned int id;
	const char *name, *behind;
} supervisor[] = {
	{ PPC64_SRR0, " SRR0", "  " },      { PPC64_SRR1, "SRR1", "    " },
	{ PPC64_PVR, "PVR", " " },          { PPC64_VRSAVE, "VRSAVE", "\n" },
	{ PPC64_SPRG0, "SPRG0", " " },      { PPC64_SPRG0 + 1, "SPRG1", "  " },
	{ PPC64_SPRG0 + 2, "SPRG2", "  " }, { PPC64_SPRG0 + 3, "SPRG3", "\n" },
	{ PPC64_SPRG0 + 4, "SPRG4", " " },  { PPC64_SPRG0 + 5, "SPRG5", "  " },
	{ PPC64_SPRG0 + 6, "SPRG6", "  " }, { PPC64_SPRG0 + 7, "SPRG7", "\n" },
	{ PPC64_HSRR0, "HSRR0", " " },      { PPC64_HSRR1, "HSRR1", "\n" },
	{ PPC64_CFAR, " CFAR", "\n" },      { PPC64_LPCR, " LPCR", "\n" },
	{ PPC64_PTCR, " PTCR", "   " },     { PPC64_DAR, "DAR", "  " },
	{ PPC64_DSISR, "DSISR", "\n" },
};

// ---- The text ----

static void print_one(FILE *out, const char *name, const struct gg_registers *registers,
		      unsigned int id, const char *behind)
{
	fprintf(out, "%s ", name);
	gg_print_register(out, registers, id, DIGITS);
	fputs(behind, out);
}

static void print_array(FILE *out, const char *name, const struct gg_registers *registers,
			unsigned int first)
{
	for (unsigned int i = 0; i < PPC64_COUNT; i++) {
		if (i % IN_A_LINE == 0)
			fprintf(out, "%s%02u", name, i);
		fputc(' ', out);
		gg_print_register(out, registers, first + i, DIGITS);
		if (i % IN_A_LINE == IN_A_LINE - 1)
			fputc('\n', out);
	}
}

// Each field of CR: less, greater, equal, and the summary of overflows.
static void print_cr(const struct gg_registers *registers, FILE *out)
{
	const uint64_t cr = gg_register(registers, PPC64_CR);
	fputs("CR ", out);
	gg_print_register(out, registers, PPC64_CR, CR_DIGITS);
	fputs("  [", out);
	for (unsigned int i = CR_DIGITS; i-- > 0;) {
		const unsigned int field = (unsigned int)(cr >> 4 * i) & 0xf;
		fprintf(out, " %c%c",
			!gg_register_known(registers, PPC64_CR) ? '?'
			: field & 8                             ? 'L'
			: field & 4                             ? 'G'
			: field & 2                             ? 'E'
								: '-',
			field & 1 ? 'O' : ' ');
	}
	fputs(" ]             RES ", out);
	gg_print_register(out, registers, PPC64_RESERVATION, DIGITS);
	fputc('\n', out);
}

void ppc64_print_registers(const struct gg_registers *registers, FILE *out)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		print_one(out, named[i].name, registers, named[i].id, named[i].behind);
	print_array(out, "GPR", registers, PPC64_R0);
	print_cr(registers, out);
	print_array(out, "FPR", registers, PPC64_F0);
	print_one(out, "FPSCR", registers, PPC64_FPSCR, "\n");
	for (size_t i = 0; i < sizeof(supervisor) / sizeof(*supervisor); i++)
		print_one(out, supervisor[i].name, registers, supervisor[i].id,
			  supervisor[i].behind);
}

// ---- The monitor's text ----

// Learns the register NAME, which spaces may precede.
static void learn(const char *text, const char *name, size_t digits, struct gg_registers *registers,
		  unsigned int id)
{
	uint64_t value;
	if (gg_monitor_value(text, name + (*name == ' '), digits, &value))
		gg_register_set(registers, id, value);
}

bool ppc64_is_monitor_text(const char *text)
{
	uint64_t msr, lpcr = 0;
	if (!gg_monitor_value(text, "NIP", DIGITS, &msr) ||
	    !gg_monitor_value(text, "MSR", DIGITS, &msr))
		return false;
	gg_monitor_value(text, "LPCR", DIGITS, &lpcr);
	return msr & PPC64_MSR_SF && (msr & PPC64_MSR_LE || lpcr & PPC64_LPCR_ILE);
}

static void learn_array(const char *text, const char *letters, struct gg_registers *registers,
			unsigned int first)
{
	for (unsigned int i = 0; i < PPC64_COUNT; i += IN_A_LINE) {
		char name[8], digits[IN_A_LINE * DIGITS];
		snprintf(name, sizeof(name), "%s%02u", letters, i);
		if (!gg_monitor_find(text, name, IN_A_LINE, DIGITS, digits))
			continue;
		for (unsigned int j = 0; j < IN_A_LINE; j++) {
			char value[DIGITS + 1] = "";
			memcpy(value, digits + j * DIGITS, DIGITS);
			gg_register_set(registers, first + i + j, strtoull(value, NULL, 16));
		}
	}
}

struct gg_error *ppc64_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret)
{
	(void)host;
	gg_registers_init(ret, &ppc64_registers, 8);
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		learn(cpu->text, named[i].name, DIGITS, ret, named[i].id);
	for (size_t i = 0; i < sizeof(supervisor) / sizeof(*supervisor); i++)
		learn(cpu->text, supervisor[i].name, DIGITS, ret, supervisor[i].id);
	learn(cpu->text, "FPSCR", DIGITS, ret, PPC64_FPSCR);
	learn(cpu->text, "RES", DIGITS, ret, PPC64_RESERVATION);
	learn(cpu->text, "CR", CR_DIGITS, ret, PPC64_CR);
	learn_array(cpu->text, "GPR", ret, PPC64_R0);
	learn_array(cpu->text, "FPR", ret, PPC64_F0);
	for (unsigned int id = PPC64_R0; id <= PPC64_CTR; id++)
		if (!gg_register_known(ret, id))
			return gg_error_create(
				GG_BAD_DATA, "the registers of CPU %" PRIu32 ": the text lacks %s",
				cpu->index, ppc64_registers.infos[id].name);
	return NULL;
}

// ---- The summary ----

void ppc64_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	const uint64_t msr = gg_register(registers, PPC64_MSR);
	*ret = (struct gg_cpu_summary){
		.activity = !gg_register_known(registers, PPC64_HALTED) ? "?"
			    : gg_register(registers, PPC64_HALTED)      ? "halted"
									: "running",
		.bits = msr & PPC64_MSR_SF ? 64 : 32,
		.privilege = msr & PPC64_MSR_PR   ? "user"
			     : msr & PPC64_MSR_HV ? "hypervisor"
						  : "kernel",
		.pc = gg_register(registers, PPC64_NIP),
		.sp = gg_register(registers, PPC64_R1),
		.pc_name = "pc",
		.sp_name = "r1",
		// The hypervisor's tables lead to the guest's, and no register of the guest's does.
		.root_name = "ptcr",
	};
}
