// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of RISC-V for people, and out of the text that QEMU's monitor prints of a CPU
// (target/riscv/cpu.c, v7.2: riscv_cpu_dump_state).
#include "arch/members.h"
#include "arch/monitor-text.h"
#include "arch/print.h"
#include "riscv.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[32] = {
	"x0/zero", "x1/ra",  "x2/sp",   "x3/gp",   "x4/tp",  "x5/t0",  "x6/t1",  "x7/t2",
	"x8/s0",   "x9/s1",  "x10/a0",  "x11/a1",  "x12/a2", "x13/a3", "x14/a4", "x15/a5",
	"x16/a6",  "x17/a7", "x18/s2",  "x19/s3",  "x20/s4", "x21/s5", "x22/s6", "x23/s7",
	"x24/s8",  "x25/s9", "x26/s10", "x27/s11", "x28/t3", "x29/t4", "x30/t5", "x31/t6",
};
static const char *const float_names[32] = {
	"f0/ft0",  "f1/ft1",  "f2/ft2",   "f3/ft3",   "f4/ft4",  "f5/ft5",  "f6/ft6",   "f7/ft7",
	"f8/fs0",  "f9/fs1",  "f10/fa0",  "f11/fa1",  "f12/fa2", "f13/fa3", "f14/fa4",  "f15/fa5",
	"f16/fa6", "f17/fa7", "f18/fs2",  "f19/fs3",  "f20/fs4", "f21/fs5", "f22/fs6",  "f23/fs7",
	"f24/fs8", "f25/fs9", "f26/fs10", "f27/fs11", "f28/ft8", "f29/ft9", "f30/ft10", "f31/ft11",
};

enum { DIGITS = 16 };

static const char *csr_name(unsigned int id)
{
	return riscv_registers.infos[id].name;
}

// ---- The text ----

static void print_named(FILE *out, const char *name, const struct gg_registers *registers,
			unsigned int id)
{
	fprintf(out, " %-8s ", name);
	gg_print_register(out, registers, id, DIGITS);
}

static void print_array(FILE *out, const char *const *array, const struct gg_registers *registers,
			unsigned int first)
{
	for (unsigned int i = 0; i < 32; i++) {
		print_named(out, array[i], registers, first + i);
		if (i % 4 == 3)
			fputc('\n', out);
	}
}

static const char *mode_name(const struct gg_registers *registers)
{
	if (!gg_register_known(registers, RISCV_PRIV))
		return "?";
	switch (gg_register(registers, RISCV_PRIV)) {
	case RISCV_USER:
		return "user";
	case RISCV_SUPERVISOR:
		return "kernel";
	case RISCV_MACHINE:
		return "machine";
	}
	return "?";
}

void riscv_print_registers(const struct gg_registers *registers, FILE *out)
{
	print_named(out, "pc", registers, RISCV_PC);
	fputc('\n', out);
	for (unsigned int id = RISCV_MHARTID; id <= RISCV_LAST_CSR; id++) {
		if (!gg_register_has_known(registers, id))
			continue;
		print_named(out, csr_name(id), registers, id);
		fputc('\n', out);
	}
	print_array(out, names, registers, RISCV_X0);
	print_array(out, float_names, registers, RISCV_F0);
	fprintf(out, " mode     %s\n", mode_name(registers));
}

// ---- The monitor's text ----

static void learn(const char *text, const char *name, struct gg_registers *registers,
		  unsigned int id)
{
	uint64_t value;
	if (gg_monitor_value(text, name, DIGITS, &value))
		gg_register_set(registers, id, value);
}

bool riscv_is_monitor_text(const char *text)
{
	uint64_t value;
	return gg_monitor_value(text, names[31], DIGITS, &value);
}

void riscv_derive_mode(struct gg_registers *registers)
{
	if (gg_register_known(registers, RISCV_PC) && gg_register(registers, RISCV_PC) >> 63)
		gg_register_set(registers, RISCV_PRIV, RISCV_SUPERVISOR);
}

// Asks for the mode, which the monitor does not print. A debugger without the register knows the
// kernel's by the pc.
static struct gg_error *ask_mode(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				 struct gg_registers *registers)
{
	struct gg_error *err =
		cpu->thread ? gg_registers_ask(host, cpu->thread, "priv", registers, RISCV_PRIV)
			    : NULL;
	if (!gg_register_known(registers, RISCV_PRIV))
		riscv_derive_mode(registers);
	return gg_error_unless_final(err);
}

struct gg_error *riscv_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret)
{
	gg_registers_init(ret, &riscv_registers, 8);
	for (unsigned int i = 0; i < 32; i++) {
		learn(cpu->text, names[i], ret, RISCV_X0 + i);
		learn(cpu->text, float_names[i], ret, RISCV_F0 + i);
		if (!gg_register_known(ret, RISCV_X0 + i))
			return gg_error_create(
				GG_BAD_DATA, "the registers of CPU %" PRIu32 ": the text lacks %s",
				cpu->index, names[i]);
	}
	learn(cpu->text, "pc", ret, RISCV_PC);
	for (unsigned int id = RISCV_MHARTID; id <= RISCV_LAST_CSR; id++)
		learn(cpu->text, csr_name(id), ret, id);
	if (!gg_register_known(ret, RISCV_PC))
		return gg_error_create(GG_BAD_DATA,
				       "the registers of CPU %" PRIu32 ": the text lacks pc",
				       cpu->index);
	return ask_mode(host, cpu, ret);
}

// ---- The summary ----

void riscv_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	const bool halted_known = gg_register_known(registers, RISCV_HALTED);
	*ret = (struct gg_cpu_summary){
		.activity = !halted_known                          ? "?"
			    : gg_register(registers, RISCV_HALTED) ? "halted"
								   : "running",
		.bits = 64,
		.privilege = mode_name(registers),
		.pc = gg_register(registers, RISCV_PC),
		.sp = gg_register(registers, RISCV_SP),
		.root = gg_register(registers, RISCV_SATP),
		.root_known = gg_register_known(registers, RISCV_SATP),
		.pc_name = "pc",
		.sp_name = "sp",
		.root_name = "satp",
	};
}
