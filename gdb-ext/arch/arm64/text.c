// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of AArch64 for people, and out of the text that QEMU's monitor prints of a CPU
// (target/arm/cpu.c, v7.2: aarch64_cpu_dump_state).
#include "arch/members.h"
#include "arch/monitor-text.h"
#include "arch/print.h"
#include "arm64.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 16, HALF_DIGITS = 8 };

unsigned int arm64_exception_level(const struct gg_registers *registers)
{
	return (unsigned int)(gg_register(registers, ARM64_PSTATE) >> ARM64_PSTATE_EL_SHIFT) & 3;
}

// ---- The text ----

static void print_general(const struct gg_registers *registers, FILE *out)
{
	fputs(" PC=", out);
	gg_print_register(out, registers, ARM64_PC, DIGITS);
	fputc(' ', out);
	for (unsigned int i = 0; i < ARM64_GENERAL; i++) {
		fprintf(out, "X%02u=", i);
		gg_print_register(out, registers, ARM64_X0 + i, DIGITS);
		fputc((i + 2) % 3 ? ' ' : '\n', out);
	}
	fputs(" SP=", out);
	gg_print_register(out, registers, ARM64_SP, DIGITS);
	fputc('\n', out);
}

static void print_pstate(const struct gg_registers *registers, FILE *out)
{
	static const struct {
		char letter;
		unsigned int bit;
	} flags[] = { { 'N', ARM64_PSTATE_N_BIT },
		      { 'Z', ARM64_PSTATE_Z_BIT },
		      { 'C', ARM64_PSTATE_C_BIT },
		      { 'V', ARM64_PSTATE_V_BIT } };
	const uint64_t value = gg_register(registers, ARM64_PSTATE);
	const uint64_t unknown = gg_register_unknown(registers, ARM64_PSTATE);
	fputs("PSTATE=", out);
	gg_print_register(out, registers, ARM64_PSTATE, HALF_DIGITS);
	fputc(' ', out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		fputc(unknown >> flags[i].bit & 1 ? '?'
		      : value >> flags[i].bit & 1 ? flags[i].letter
						  : '-',
		      out);
	fprintf(out, " EL%u%c ", arm64_exception_level(registers),
		value & ARM64_PSTATE_SP ? 'h' : 't');
	fputs("    FPCR=", out);
	gg_print_register(out, registers, ARM64_FPCR, HALF_DIGITS);
	fputs(" FPSR=", out);
	gg_print_register(out, registers, ARM64_FPSR, HALF_DIGITS);
	fputc('\n', out);
}

// The text ends with system registers, which QEMU's has not.
void arm64_print_registers(const struct gg_registers *registers, FILE *out)
{
	enum { DOUBLE = ARM64_VECTOR_SIZE / 2 };
	print_general(registers, out);
	print_pstate(registers, out);
	for (unsigned int i = 0; i < ARM64_VECTORS; i++) {
		fprintf(out, "Q%02u=", i);
		gg_print_register_bytes(out, registers, ARM64_V0 + i, DOUBLE, DOUBLE);
		fputc(':', out);
		gg_print_register_bytes(out, registers, ARM64_V0 + i, 0, DOUBLE);
		fputc(i % 2 ? '\n' : ' ', out);
	}
	for (unsigned int id = ARM64_SP_EL0; id <= ARM64_LAST_SYSTEM; id++) {
		if (!gg_register_has_known(registers, id))
			continue;
		fprintf(out, "%s=", arm64_registers.infos[id].name);
		gg_print_register(out, registers, id, DIGITS);
		fputc('\n', out);
	}
}

// ---- The monitor's text ----

static void learn(const char *text, const char *name, size_t digits, struct gg_registers *registers,
		  unsigned int id)
{
	uint64_t value;
	if (gg_monitor_value(text, name, digits, &value))
		gg_register_set(registers, id, value);
}

// Finds PSTATE, of 16 digits since v10.2.
static bool find_pstate(const char *text, uint64_t *ret)
{
	return gg_monitor_value(text, "PSTATE", DIGITS, ret) ||
	       gg_monitor_value(text, "PSTATE", HALF_DIGITS, ret);
}

bool arm64_is_monitor_text(const char *text)
{
	uint64_t value;
	return gg_monitor_value(text, "X30", DIGITS, &value) && find_pstate(text, &value);
}

// Sets a vector register: the upper half comes first.
static void learn_vector(const char *text, unsigned int index, struct gg_registers *registers)
{
	char name[8], digits[2 * ARM64_VECTOR_SIZE], pair[3] = "";
	uint8_t bytes[ARM64_VECTOR_SIZE];
	snprintf(name, sizeof(name), "Q%02u", index);
	if (!gg_monitor_find(text, name, 2, DIGITS, digits))
		return;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		unsigned int byte = 0;
		memcpy(pair, digits + 2 * (sizeof(bytes) - 1 - i), 2);
		sscanf(pair, "%x", &byte);
		bytes[i] = (uint8_t)byte;
	}
	gg_register_set_bytes(registers, ARM64_V0 + index, bytes, sizeof(bytes));
}

// Asks for the system registers, which the monitor does not print.
static struct gg_error *ask_system(const struct gg_host *host, unsigned int thread,
				   struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < arm64_system_register_count; i++) {
		const struct arm64_system_register *row = &arm64_system_registers[i];
		err = gg_error_unless_final(
			gg_registers_ask(host, thread, row->name, registers, row->id));
		if (!err && !gg_register_known(registers, row->id))
			err = gg_error_unless_final(
				gg_registers_ask(host, thread, row->old_name, registers, row->id));
	}
	return err;
}

struct gg_error *arm64_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret)
{
	uint64_t pstate;
	gg_registers_init(ret, &arm64_registers, 8);
	for (unsigned int i = 0; i < ARM64_GENERAL; i++) {
		char name[8];
		snprintf(name, sizeof(name), "X%02u", i);
		learn(cpu->text, name, DIGITS, ret, ARM64_X0 + i);
	}
	learn(cpu->text, "PC", DIGITS, ret, ARM64_PC);
	learn(cpu->text, "SP", DIGITS, ret, ARM64_SP);
	if (find_pstate(cpu->text, &pstate))
		gg_register_set(ret, ARM64_PSTATE, pstate);
	learn(cpu->text, "FPCR", HALF_DIGITS, ret, ARM64_FPCR);
	learn(cpu->text, "FPSR", HALF_DIGITS, ret, ARM64_FPSR);
	for (unsigned int i = 0; i < ARM64_VECTORS; i++)
		learn_vector(cpu->text, i, ret);
	for (unsigned int id = 0; id <= ARM64_PSTATE; id++)
		if (!gg_register_known(ret, id))
			return gg_error_create(
				GG_BAD_DATA, "the registers of CPU %" PRIu32 ": the text lacks %s",
				cpu->index, arm64_registers.infos[id].name);
	return cpu->thread ? ask_system(host, cpu->thread, ret) : NULL;
}

// ---- The summary ----

void arm64_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	static const char *const levels[] = { "user", "kernel", "EL2", "EL3" };
	const bool is_upper = gg_register(registers, ARM64_PC) >> 63;
	const unsigned int root = is_upper ? ARM64_TTBR1 : ARM64_TTBR0;
	*ret = (struct gg_cpu_summary){
		.activity = !gg_register_known(registers, ARM64_HALTED) ? "?"
			    : gg_register(registers, ARM64_HALTED)      ? "halted"
									: "running",
		.bits = 64,
		.privilege = gg_register_has_known(registers, ARM64_PSTATE)
				     ? levels[arm64_exception_level(registers)]
				     : "?",
		.pc = gg_register(registers, ARM64_PC),
		.sp = gg_register(registers, ARM64_SP),
		.root = gg_register(registers, root),
		.root_known = gg_register_known(registers, root),
		.pc_name = "pc",
		.sp_name = "sp",
		.root_name = is_upper ? "ttbr1_el1" : "ttbr0_el1",
	};
}
