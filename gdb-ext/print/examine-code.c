// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions as text and as JSON; "=>" where a CPU is.
#include "base/json.h"
#include "base/vector.h"
#include "examine.h"
#include "words.h"

#include <gdb-guest/code.h>
#include <gdb-guest/cpus.h>
#include <inttypes.h>
#include <stdlib.h>

// The place of a CPU whose registers are current.
struct place {
	gg_gva_t pc;
	uint32_t index;
};

struct places {
	struct place *items;
	size_t count;
};

static struct gg_error *add_place(void *data, const struct gg_cpu *cpu)
{
	struct places *places = data;
	if (cpu->freshness != GG_CURRENT || cpu->unknown[0] || cpu->no_pc)
		return NULL;
	struct gg_error *err =
		gg_vector_grow(&places->items, places->count, sizeof(*places->items));
	if (!err)
		places->items[places->count++] = (struct place){ cpu->pc, cpu->index };
	return err;
}

struct code {
	struct gg_examine *examine;
	struct places places;
};

// Appends the CPUs at ADDRESS: "  # CPU 0,1".
static void append_cpus(struct gg_buffer *text, const struct places *places, gg_gva_t address)
{
	const char *separator = "  # CPU ";
	for (size_t i = 0; i < places->count; i++) {
		if (places->items[i].pc != address)
			continue;
		gg_buffer_format(text, "%s%" PRIu32, separator, places->items[i].index);
		separator = ",";
	}
}

// Appends the symbol of the address that the instruction has.
static struct gg_error *append_target(struct gg_examine *examine,
				      const struct gg_instruction *instruction)
{
	char *symbol;
	if (!instruction->has_target)
		return NULL;
	if (!instruction->is_branch) {
		gg_buffer_format(&examine->text, "  # ");
		return gg_examine_append_address(examine, instruction->target, &examine->named);
	}
	struct gg_error *err = gg_guest_symbol_text(examine->guest, instruction->target,
						    &examine->named, NULL, &symbol);
	if (err)
		return err;
	if (symbol)
		gg_buffer_format(&examine->text, " <%s>", symbol);
	free(symbol);
	return NULL;
}

static struct gg_error *append_text(struct code *code, const struct gg_instruction *instruction)
{
	struct gg_examine *examine = code->examine;
	struct gg_buffer *text = &examine->text;
	bool is_here = false;
	for (size_t i = 0; i < code->places.count; i++)
		is_here |= code->places.items[i].pc == instruction->address;
	gg_buffer_format(text, is_here ? "=> " : "   ");
	struct gg_error *err =
		gg_examine_append_address(examine, instruction->address, &examine->named);
	gg_buffer_format(text, ":\t%s", instruction->text);
	if (!err)
		err = append_target(examine, instruction);
	append_cpus(text, &code->places, instruction->address);
	gg_buffer_format(text, "\n");
	return err;
}

static struct gg_error *append_json(struct code *code, const struct gg_instruction *instruction)
{
	struct gg_examine *examine = code->examine;
	struct gg_buffer *text = &examine->text;
	struct gg_error *err = gg_examine_open_object(examine, instruction->address,
						      instruction->bytes, instruction->size);
	if (err)
		return err;
	gg_json_string(text, "text", instruction->text);
	if (instruction->has_target) {
		gg_json_address(text, "target", instruction->target);
		err = gg_examine_append_symbol(examine, "target_symbol", instruction->target,
					       &examine->named);
	} else {
		gg_json_null(text, "target");
		gg_json_null(text, "target_symbol");
	}
	gg_json_bool(text, "branch", instruction->has_target && instruction->is_branch);
	gg_json_open_array(text, "cpus");
	for (size_t i = 0; i < code->places.count; i++)
		if (code->places.items[i].pc == instruction->address)
			gg_json_uint(text, NULL, code->places.items[i].index);
	gg_json_close_array(text);
	gg_examine_close_object(examine);
	return err;
}

static struct gg_error *print_instruction(void *data, const struct gg_instruction *instruction)
{
	struct code *code = data;
	struct gg_examine *examine = code->examine;
	struct gg_error *err = examine->options->json ? append_json(code, instruction)
						      : append_text(code, instruction);
	return err ? err : gg_write_out(&examine->text, examine->writer);
}

struct gg_error *gg_examine_code(struct gg_examine *examine)
{
	struct code code = { .examine = examine };
	const struct gg_disassembly what = {
		.cpu = examine->options->address.cpu,
		.address = examine->named.address,
		.count = examine->format.count,
		.intel = examine->options->intel,
	};
	// Without the CPUs' places the code is still shown.
	struct gg_error *err =
		gg_error_unless_final(gg_guest_cpus(examine->guest, add_place, &code.places));
	if (!err)
		err = gg_guest_disassemble(examine->guest, &what, print_instruction, &code,
					   examine->notices);
	free(code.places.items);
	return err;
}
