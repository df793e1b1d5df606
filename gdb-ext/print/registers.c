// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of the CPUs as text and as JSON.
//
// In:  CPUs as gg_guest_cpus_with_symbols() shows them.
// Out: two lines a CPU, and one for its task; or all registers, in the layout of QEMU's "info registers"; or a JSON object.
// A digit that is not known is a question mark, never a zero.
#include "base/cleanup.h"
#include "base/json.h"
#include "cpu-list.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- Values ----

// Appends the value as a JSON string, or null where no bit is known. A value of 8 bytes is written as
// an address is.
static void append_register(struct gg_buffer *text, const struct gg_register *reg)
{
	if (reg->size == sizeof(reg->value) && !reg->unknown) {
		gg_json_address(text, reg->name, reg->value);
		return;
	}
	struct gg_buffer digits = { 0 };
	bool is_known = false;
	gg_buffer_append(&digits, "0x", 2);
	for (unsigned int digit = 2 * reg->size; digit-- > 0;) {
		const unsigned int shift = 4 * (digit % 2);
		const unsigned int known = reg->known[digit / 2] >> shift & 0xf;
		const unsigned int value = reg->bytes[digit / 2] >> shift & 0xf;
		gg_buffer_append(&digits, known == 0xf ? &"0123456789abcdef"[value] : "?", 1);
		is_known |= known;
	}
	if (digits.failed)
		text->failed = true;
	else if (is_known)
		gg_json_format(text, reg->name, "\"%.*s\"", (int)digits.size, digits.bytes);
	else
		gg_json_null(text, reg->name);
	gg_buffer_deinit(&digits);
}

static bool has_registers(const struct gg_cpu *cpu)
{
	return !cpu->unknown[0];
}

// ---- Text ----

static void append_state(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	gg_buffer_format(text, "%s", gg_freshness_name(cpu->freshness));
	if (cpu->freshness != GG_CURRENT)
		gg_buffer_format(text, ": %s", cpu->why);
}

static void append_address(struct gg_buffer *text, bool is_known, uint64_t address)
{
	if (is_known)
		gg_buffer_format(text, "0x%016" PRIx64, address);
	else
		gg_buffer_format(text, "unknown");
}

// Appends the mode and the pc, and in a second line the stack pointer and the page tables.
static void append_place(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	const char *place = cpu->symbol ? cpu->symbol : cpu->place;
	gg_buffer_format(text, "%-8s ", cpu->activity);
	if (cpu->bits)
		gg_buffer_format(text, "%2u-bit ", cpu->bits);
	else
		gg_buffer_format(text, " ?-bit ");
	gg_buffer_format(text, "%-7s ", cpu->privilege);
	append_address(text, !cpu->no_pc, cpu->pc);
	gg_buffer_format(text, "%s%s\n        %s ", *place ? "  " : "", place, cpu->sp_name);
	append_address(text, !cpu->no_sp, cpu->sp);
	gg_buffer_format(text, "  %s ", cpu->root_name);
	append_address(text, cpu->root_known, cpu->root);
}

// Appends the task that the CPU executes, if it is known. What a CPU executes that is not current may
// be another task than memory has for it.
static void append_task(struct gg_buffer *text, const struct gg_cpu *cpu, const char *indent)
{
	const struct gg_cpu_task *task = cpu->task;
	char age[GG_AGE_SIZE] = "";
	if (!task)
		return;
	if (task->has_since)
		gg_age_text(task->since, age);
	const bool is_sure =
		task->confirmed && (cpu->freshness == GG_CURRENT || cpu->freshness == GG_NOTED);
	gg_buffer_format(text, "%stask %" PRId32 " (", indent, task->pid);
	gg_append_name(text, task->comm);
	gg_buffer_format(text, ")%s%s%s\n", *age ? ", on the CPU for " : "", age,
			 is_sure ? "" : ", as memory has it");
}

enum { NESTED_NAME = 64 };

// Writes the name of the nested guest that CPU executes.
static void name_nested(const struct gg_cpu *cpu, char ret[NESTED_NAME])
{
	if (cpu->nested_number)
		snprintf(ret, NESTED_NAME, "nested guest %" PRIu64 ", vCPU %" PRIu32,
			 cpu->nested_number, cpu->nested_vcpu);
	else
		snprintf(ret, NESTED_NAME, "a nested guest");
}

static void append_short(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	char name[NESTED_NAME];
	gg_buffer_format(text, "CPU %-3" PRIu32 " ", cpu->index);
	if (has_registers(cpu))
		append_place(text, cpu);
	else
		gg_buffer_format(text, "%s\n        %s, %s, %s unknown: %s", cpu->activity,
				 cpu->pc_name, cpu->sp_name, cpu->root_name, cpu->unknown);
	gg_buffer_format(text, "  ");
	append_state(text, cpu);
	gg_buffer_format(text, "\n");
	append_task(text, cpu, "        ");
	if (*cpu->origin && (cpu->no_pc || cpu->no_sp || !cpu->root_known))
		gg_buffer_format(text, "        %s\n", cpu->origin);
	if (cpu->nested) {
		name_nested(cpu, name);
		gg_buffer_format(text, "        in %s:\n        ", name);
		append_place(text, cpu->nested);
		gg_buffer_format(text, "\n");
	}
	if (cpu->nesting == GG_MAYBE_NESTED)
		gg_buffer_format(text, "        perhaps in a nested guest, whose registers these "
				       "are then\n");
}

static void append_title(struct gg_buffer *text, const struct gg_cpu *cpu, const char *words)
{
	gg_buffer_format(text, "\nCPU#%" PRIu32 "%s", cpu->index, words);
	if (cpu->freshness != GG_CURRENT) {
		gg_buffer_format(text, " ");
		append_state(text, cpu);
	}
	gg_buffer_format(text, "\n");
}

static void append_all(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	append_title(text, cpu,
		     cpu->nested ? " in a nested guest; the guest's own registers:"
		     : cpu->nesting == GG_MAYBE_NESTED
			     ? " perhaps in a nested guest, whose registers these are then"
			     : "");
	if (has_registers(cpu))
		gg_buffer_append(text, cpu->text, strlen(cpu->text));
	else
		gg_buffer_format(text, "unknown: %s\n", cpu->unknown);
	if (*cpu->origin)
		gg_buffer_format(text, "%s\n", cpu->origin);
	append_task(text, cpu, "");
	if (!cpu->nested)
		return;
	char name[NESTED_NAME], title[NESTED_NAME + 48];
	name_nested(cpu, name);
	snprintf(title, sizeof(title), " in %s; the nested guest's registers:", name);
	append_title(text, cpu, title);
	gg_buffer_append(text, cpu->nested->text, strlen(cpu->nested->text));
}

// ---- JSON ----

static void append_json_address(struct gg_buffer *text, const char *key, bool is_known,
				uint64_t address)
{
	if (is_known)
		gg_json_address(text, key, address);
	else
		gg_json_null(text, key);
}

// Appends the members that the CPU and a nested guest on it have alike.
static void append_facts(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	gg_json_string(text, "activity", cpu->activity);
	if (has_registers(cpu)) {
		if (cpu->bits)
			gg_json_uint(text, "bits", cpu->bits);
		else
			gg_json_null(text, "bits");
		gg_json_string(text, "privilege", cpu->privilege);
		append_json_address(text, "pc", !cpu->no_pc, cpu->pc);
		append_json_address(text, "sp", !cpu->no_sp, cpu->sp);
	} else {
		for (const char *const *name =
			     (const char *const[]){ "bits", "privilege", "pc", "sp", NULL };
		     *name; name++)
			gg_json_null(text, *name);
	}
	gg_json_string(text, "symbol", cpu->symbol);
	gg_json_open_object(text, "registers");
	for (size_t i = 0; i < cpu->register_count; i++)
		append_register(text, &cpu->registers[i]);
	gg_json_close_object(text);
}

static void append_json_task(struct gg_buffer *text, const struct gg_cpu_task *task)
{
	if (!task) {
		gg_json_null(text, "task");
		return;
	}
	gg_json_open_object(text, "task");
	gg_json_format(text, "pid", "%" PRId32, task->pid);
	gg_json_format(text, "tgid", "%" PRId32, task->tgid);
	gg_json_string(text, "comm", task->comm);
	if (task->has_since)
		gg_json_uint(text, "since_ns", task->since);
	else
		gg_json_null(text, "since_ns");
	gg_json_address(text, "task", task->address);
	gg_json_bool(text, "confirmed", task->confirmed);
	gg_json_close_object(text);
}

// Appends the numbers of the nested guest and of its vCPU.
static void append_nested_number(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	if (cpu->nested_number) {
		gg_json_uint(text, "number", cpu->nested_number);
		gg_json_uint(text, "vcpu", cpu->nested_vcpu);
	} else {
		gg_json_null(text, "number");
		gg_json_null(text, "vcpu");
	}
}

static void append_json(struct gg_buffer *text, const struct gg_cpu *cpu)
{
	gg_json_open_object(text, NULL);
	gg_json_uint(text, "cpu", cpu->index);
	gg_json_string(text, "state", gg_freshness_name(cpu->freshness));
	gg_json_string(text, "why", cpu->why);
	append_facts(text, cpu);
	append_json_task(text, cpu->task);
	if (cpu->nested) {
		gg_json_open_object(text, "nested");
		append_nested_number(text, cpu);
		append_facts(text, cpu->nested);
		gg_json_close_object(text);
	} else {
		gg_json_string(text, "nested", cpu->nesting == GG_MAYBE_NESTED ? "unknown" : NULL);
	}
	if (!has_registers(cpu))
		gg_json_string(text, "unknown", cpu->unknown);
	if (*cpu->origin)
		gg_json_string(text, "origin", cpu->origin);
	gg_json_close_object(text);
	gg_json_end_line(text);
}

// ---- A debugger's variables ----

static struct gg_error *set_registers(const struct gg_registers_options *options,
				      const struct gg_cpu *cpu)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < cpu->register_count; i++) {
		const struct gg_register *reg = &cpu->registers[i];
		char name[64];
		snprintf(name, sizeof(name), "guest_%s", reg->name);
		if (reg->size <= sizeof(reg->value))
			err = options->set_variable(options->data, name,
						    reg->unknown ? NULL : &reg->value);
	}
	return err;
}

static struct gg_error *set_variables(const struct gg_registers_options *options,
				      const struct gg_cpu *cpu)
{
	const uint64_t is_current = cpu->freshness == GG_CURRENT, index = cpu->index;
	const struct {
		const char *name;
		const uint64_t *value;
	} variables[] = {
		{ "guest_cpu", &index },
		{ "guest_current", &is_current },
		{ "guest_pc", has_registers(cpu) && !cpu->no_pc ? &cpu->pc : NULL },
		{ "guest_sp", has_registers(cpu) && !cpu->no_sp ? &cpu->sp : NULL },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(variables) / sizeof(*variables); i++)
		err = options->set_variable(options->data, variables[i].name, variables[i].value);
	return err ? err : set_registers(options, cpu);
}

// ---- All of them ----

struct printer {
	const struct gg_registers_options *options;
	const struct gg_writer *writer;
	struct gg_buffer text;
	bool sets_variables;
};

static struct gg_error *show_cpu(void *data, const struct gg_cpu *cpu)
{
	struct printer *printer = data;
	if (printer->options->json)
		append_json(&printer->text, cpu);
	else if (printer->options->all)
		append_all(&printer->text, cpu);
	else
		append_short(&printer->text, cpu);
	struct gg_error *err = gg_buffer_check(&printer->text);
	if (err || !printer->sets_variables)
		return err;
	// The text is there where a variable cannot be set.
	err = gg_write_out(&printer->text, printer->writer);
	return err ? err : set_variables(printer->options, cpu);
}

struct gg_error *gg_print_registers(struct gg_guest *guest,
				    const struct gg_registers_options *options,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices)
{
	struct gg_cpu_list list;
	struct printer printer = { .options = options, .writer = writer };
	struct gg_error *err = gg_cpu_list_create(guest, options->cpus, &list);
	if (err)
		return err;
	printer.sets_variables = options->cpus && options->set_variable && list.count == 1;
	const bool tasks = options->task || !gg_guest_is_over_wire(guest);
	err = gg_guest_cpus_with_symbols(guest, list.indices, list.count, tasks, show_cpu, &printer,
					 notices);
	if (!err)
		err = gg_write_out(&printer.text, writer);
	gg_buffer_deinit(&printer.text);
	gg_cpu_list_deinit(&list);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option regs_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "Only these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "all",
	  .kind = GG_VALUE_FLAG,
	  .help = "All registers, in the layout of QEMU's \"info registers\"." },
	{ .name = "task",
	  .kind = GG_VALUE_FLAG,
	  .help = "The task on each CPU, and the number of a nested guest on it, also at a\n"
		  "    gdbstub, where that reads some MB." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each CPU, on a line of its own." },
	{ 0 }
};

const struct gg_command gg_command_regs = {
	.name = "regs",
	.gdb_name = "guest-regs",
	.summary = "Show the registers of the guest's CPUs, and whether to believe them.",
	.targets = GG_ALL_TARGETS,
	.help = "Registers are current, stale or unknown.  They are stale where KVM has\n"
		"run the CPU since QEMU last asked KVM for registers: the old values are\n"
		"shown.  They are unknown where TCG was executing, or QEMU does not say.\n"
		"The registers of a vmcore are noted: as the vmcore's notes have them.\n"
		"An unknown digit is a question mark.\n\n"
		"A CPU in SMM executes the firmware: the registers are the firmware's.\n\n"
		"A CPU that executes a nested guest, because the guest is a hypervisor\n"
		"itself, is \"nested\": the guest's own registers, which the CPU saved,\n"
		"come first, and the nested guest's registers follow, with its number in\n"
		"guest-nested's list, if KVM runs it.\n\n"
		"Where the guest's kernel is a Linux with BTF, the task on each CPU is\n"
		"shown, and the time for which it has been there.",
	.debugger_help = "QEMU's gdbstub does not mark a nested CPU; the CPU's page tables show\n"
			 "it, where the guest's kernel is known.\n\n"
			 "Where -cpu names one CPU, its registers are set as $guest_rip and so\n"
			 "on, its number as $guest_cpu, and $guest_current is 1 if the registers\n"
			 "are current.",
	.options = regs_options,
	.run = gg_run_regs,
};
