// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of s390x for people, and out of the text that QEMU's monitor prints of a CPU
// (target/s390x/cpu-dump.c, v7.2: s390_cpu_dump_state).
#include "arch/members.h"
#include "arch/monitor-text.h"
#include "arch/print.h"
#include "s390.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 16 };

// ---- The text ----

static void print_array(FILE *out, char letter, const struct gg_registers *registers,
			unsigned int first)
{
	for (unsigned int i = 0; i < S390_COUNT; i++) {
		fprintf(out, "%c%02u=", letter, i);
		gg_print_register(out, registers, first + i, DIGITS);
		fputc(i % 4 == 3 ? '\n' : ' ', out);
	}
}

// Prints the mask of the PSW in words.
static void print_psw(uint64_t mask, FILE *out)
{
	static const char *const spaces[] = { "primary", "access-register", "secondary", "home" };
	static const struct {
		uint64_t bit;
		const char *name;
	} bits[] = {
		{ S390_PSW_WAIT, "wait state" },
		{ S390_PSW_PER, "PER" },
		{ S390_PSW_IO, "I/O interrupts" },
		{ S390_PSW_EXTERNAL, "external interrupts" },
		{ S390_PSW_MACHINE_CHECK, "machine checks" },
	};
	const char *size = !(mask & S390_PSW_BA) ? "24" : mask & S390_PSW_EA ? "64" : "31";
	fprintf(out, "PSW    %s state, key %u, %s-bit addresses, ",
		mask & S390_PSW_PROBLEM ? "problem" : "supervisor",
		(unsigned int)(mask >> S390_PSW_KEY_SHIFT & 0xf), size);
	if (mask & S390_PSW_DAT)
		fprintf(out, "DAT in %s space", spaces[mask >> S390_PSW_SPACE_SHIFT & 3]);
	else
		fputs("no DAT", out);
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (mask & bits[i].bit)
			fprintf(out, ", %s", bits[i].name);
	fputc('\n', out);
}

void s390_print_registers(const struct gg_registers *registers, FILE *out)
{
	fputs("PSW=mask ", out);
	gg_print_register(out, registers, S390_MASK, DIGITS);
	fputs(" addr ", out);
	gg_print_register(out, registers, S390_ADDRESS, DIGITS);
	fputs(" cc ??\n", out);
	print_array(out, 'R', registers, S390_R0);
	for (unsigned int i = 0; i < S390_VECTORS; i++) {
		fprintf(out, "V%02u=", i);
		gg_print_register(out, registers, S390_F0 + i, DIGITS);
		gg_print_register(out, registers, S390_LOW0 + i, DIGITS);
		fputc(i % 2 ? '\n' : ' ', out);
	}
	print_array(out, 'C', registers, S390_C0);
	print_psw(gg_register(registers, S390_MASK), out);
	if (!gg_register_known(registers, S390_PREFIX))
		return;
	fputs("prefix ", out);
	gg_print_register(out, registers, S390_PREFIX, DIGITS / 2);
	fputc('\n', out);
}

// ---- The monitor's text ----

bool s390_is_monitor_text(const char *text)
{
	uint64_t value;
	return strstr(text, "PSW=mask ") && gg_monitor_value(text, "C13", DIGITS, &value);
}

static void learn(const char *text, const char *name, struct gg_registers *registers,
		  unsigned int id)
{
	uint64_t value;
	if (gg_monitor_value(text, name, DIGITS, &value))
		gg_register_set(registers, id, value);
}

static void learn_array(const char *text, char letter, struct gg_registers *registers,
			unsigned int first)
{
	for (unsigned int i = 0; i < S390_COUNT; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%c%02u", letter, i);
		learn(text, name, registers, first + i);
	}
}

static uint64_t value_of(const char *digits)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < DIGITS; i++)
		value = value << 4 |
			(uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
	return value;
}

static void learn_vector(const char *text, unsigned int index, struct gg_registers *registers)
{
	char name[8], digits[2 * DIGITS];
	snprintf(name, sizeof(name), "V%02u", index);
	if (!gg_monitor_find(text, name, 1, sizeof(digits), digits))
		return;
	gg_register_set(registers, S390_F0 + index, value_of(digits));
	gg_register_set(registers, S390_LOW0 + index, value_of(digits + DIGITS));
}

struct gg_error *s390_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_registers *ret)
{
	(void)host;
	gg_registers_init(ret, &s390_registers, 8);
	learn(cpu->text, "addr", ret, S390_ADDRESS);
	const char *mask = strstr(cpu->text, "PSW=mask ");
	if (mask)
		learn(mask + strlen("PSW="), "mask", ret, S390_MASK);
	// The mask in the text has the condition code since QEMU v11.0 alone.
	gg_register_forget(ret, S390_MASK, S390_PSW_CC);
	learn_array(cpu->text, 'R', ret, S390_R0);
	learn_array(cpu->text, 'C', ret, S390_C0);
	for (unsigned int i = 0; i < S390_VECTORS; i++)
		learn_vector(cpu->text, i, ret);
	for (unsigned int id = S390_MASK; id <= S390_R15; id++)
		if (!gg_register_has_known(ret, id))
			return gg_error_create(
				GG_BAD_DATA, "the registers of CPU %" PRIu32 ": the text lacks %s",
				cpu->index, s390_registers.infos[id].name);
	return NULL;
}

// ---- The summary ----

static const char *activity(const struct gg_registers *registers)
{
	// QEMU target/s390x/cpu.h, S390_CPU_STATE_...
	static const char *const states[] = { "uninitialized", "stopped", "check-stop" };
	const uint64_t state = gg_register(registers, S390_CPU_STATE);
	if (gg_register_known(registers, S390_CPU_STATE) &&
	    state < sizeof(states) / sizeof(*states))
		return states[state];
	if (!gg_register_known(registers, S390_HALTED))
		return "?";
	return gg_register(registers, S390_HALTED) ? "halted" : "running";
}

void s390_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	const bool is_user = gg_register(registers, S390_MASK) & S390_PSW_PROBLEM;
	*ret = (struct gg_cpu_summary){
		.activity = activity(registers),
		.bits = 64,
		.privilege = is_user ? "user" : "kernel",
		.pc = gg_register(registers, S390_ADDRESS),
		.sp = gg_register(registers, S390_R15),
		.root = gg_register(registers, S390_C1),
		.root_known = gg_register_known(registers, S390_C1),
		.pc_name = "pswa",
		.sp_name = "r15",
		.root_name = "cr1",
	};
}
