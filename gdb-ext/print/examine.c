// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest memory as text and as JSON, in the formats of GDB's x.
//
// In:  guest-virtual memory, the kernel's symbols.
// Out: a line for each 16 bytes or string. A line is written when all of its bytes were read: memory
// that is not there is an error, never a value.
#include "examine.h"
#include "base/json.h"
#include "base/notices.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/virtual.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNIT_MAX = 8,      // bytes
	LINE_UNITS = 8,    // at most
	STRING_MAX = 4096, // bytes
};

// ---- Addresses ----

// Finds the symbol of ADDRESS, which is a line's own where NAMED is not NULL: a guest-physical address
// has no symbol, a value that is shown as an address may have one.
static struct gg_error *find_symbol(struct gg_examine *examine, gg_gva_t address,
				    const struct gg_named_address *named, char **ret)
{
	*ret = NULL;
	return named && examine->options->is_physical
		       ? NULL
		       : gg_guest_symbol_text(examine->guest, address, named, NULL, ret);
}

struct gg_error *gg_examine_append_address(struct gg_examine *examine, gg_gva_t address,
					   const struct gg_named_address *named)
{
	char *symbol;
	struct gg_error *err = find_symbol(examine, address, named, &symbol);
	if (err)
		return err;
	gg_buffer_format(&examine->text, "0x%" PRIx64, address);
	if (symbol)
		gg_buffer_format(&examine->text, " <%s>", symbol);
	free(symbol);
	return NULL;
}

struct gg_error *gg_examine_append_symbol(struct gg_examine *examine, const char *key,
					  gg_gva_t address, const struct gg_named_address *named)
{
	char *symbol;
	struct gg_error *err = find_symbol(examine, address, named, &symbol);
	if (err)
		return err;
	gg_json_string(&examine->text, key, symbol);
	free(symbol);
	return NULL;
}

struct gg_error *gg_examine_open_object(struct gg_examine *examine, gg_gva_t address,
					const uint8_t *bytes, size_t size)
{
	struct gg_buffer *text = &examine->text, digits = { 0 };
	gg_json_open_object(text, NULL);
	gg_json_address(text, "address", address);
	struct gg_error *err =
		gg_examine_append_symbol(examine, "symbol", address, &examine->named);
	for (size_t i = 0; i < size; i++)
		gg_buffer_format(&digits, "%02x", bytes[i]);
	if (!err)
		err = gg_buffer_check(&digits);
	if (!err)
		gg_json_bytes(text, "bytes", (const char *)digits.bytes, digits.size);
	gg_buffer_deinit(&digits);
	return err;
}

void gg_examine_close_object(struct gg_examine *examine)
{
	gg_json_close_object(&examine->text);
	gg_json_end_line(&examine->text);
}

static struct gg_error *read_physical(struct gg_examine *examine, gg_gpa_t address, void *buffer,
				      size_t size)
{
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(examine->guest, &map);
	if (!err)
		err = gg_guest_check_ram(examine->guest);
	return err ? err : gg_ram_map_read(map, address, buffer, size);
}

static struct gg_error *read_memory(struct gg_examine *examine, gg_gva_t address, void *buffer,
				    size_t size)
{
	if (examine->options->is_physical)
		return read_physical(examine, address, buffer, size);
	struct gg_address_space *space;
	struct gg_error *err = gg_guest_address_space(examine->guest, examine->options->address.cpu,
						      examine->notices, &space);
	return err ? err : gg_address_space_read(space, address, buffer, size);
}

// ---- Units ----

struct unit {
	uint64_t value;
	unsigned int size;
};

static struct unit read_unit(const uint8_t *bytes, unsigned int size, bool is_big_endian)
{
	struct unit unit = { .size = size };
	for (unsigned int i = 0; i < size; i++)
		unit.value = unit.value << 8 | bytes[is_big_endian ? i : size - 1 - i];
	return unit;
}

static int64_t signed_value(const struct unit *unit)
{
	const unsigned int shift = 64 - 8 * unit->size;
	return (int64_t)(unit->value << shift) >> shift;
}

static void append_binary(struct gg_buffer *text, const struct unit *unit)
{
	for (unsigned int bit = 8 * unit->size; bit-- > 0;)
		gg_buffer_append(text, unit->value >> bit & 1 ? "1" : "0", 1);
}

// Appends the lowest byte as GDB does: -23 '\351'.
static void append_character(struct gg_buffer *text, const struct unit *unit)
{
	const uint8_t byte = (uint8_t)unit->value;
	gg_buffer_format(text, "%d '", (int8_t)byte);
	if (byte == '\'' || byte == '\\')
		gg_buffer_format(text, "\\%c'", byte);
	else if (byte >= ' ' && byte <= '~')
		gg_buffer_format(text, "%c'", byte);
	else
		gg_buffer_format(text, "\\%03o'", byte);
}

static struct gg_error *append_unit(struct gg_examine *examine, const struct unit *unit)
{
	struct gg_buffer *text = &examine->text;
	switch (examine->format.letter) {
	case 'a':
		return gg_examine_append_address(examine, unit->value, NULL);
	case 'c':
		append_character(text, unit);
		break;
	case 'd':
		gg_buffer_format(text, "%" PRId64, signed_value(unit));
		break;
	case 'o':
		gg_buffer_format(text, unit->value ? "0%" PRIo64 : "%" PRIo64, unit->value);
		break;
	case 't':
		append_binary(text, unit);
		break;
	case 'u':
		gg_buffer_format(text, "%" PRIu64, unit->value);
		break;
	default:
		gg_buffer_format(text, "0x%0*" PRIx64, (int)(2 * unit->size), unit->value);
	}
	return NULL;
}

static void append_json_unit(struct gg_buffer *text, char letter, const struct unit *unit)
{
	struct gg_buffer digits = { 0 };
	switch (letter) {
	case 'c':
		gg_json_format(text, NULL, "%d", (int8_t)unit->value);
		break;
	case 'd':
		gg_json_format(text, NULL, "%" PRId64, signed_value(unit));
		break;
	case 'u':
		gg_json_uint(text, NULL, unit->value);
		break;
	case 'o':
		gg_json_format(text, NULL, unit->value ? "\"0%" PRIo64 "\"" : "\"%" PRIo64 "\"",
			       unit->value);
		break;
	case 't':
		append_binary(&digits, unit);
		gg_json_bytes(text, NULL, (const char *)digits.bytes, digits.size);
		gg_buffer_deinit(&digits);
		break;
	default:
		gg_json_format(text, NULL, "\"0x%0*" PRIx64 "\"", (int)(2 * unit->size),
			       unit->value);
	}
}

static struct gg_error *append_json_units(struct gg_examine *examine, const struct unit *units,
					  size_t count)
{
	struct gg_buffer *text = &examine->text;
	struct gg_error *err = NULL;
	gg_json_open_array(text, "values");
	for (size_t i = 0; i < count; i++)
		append_json_unit(text, examine->format.letter, &units[i]);
	gg_json_close_array(text);
	if (examine->format.letter != 'a')
		return NULL;
	gg_json_open_array(text, "symbols");
	for (size_t i = 0; !err && i < count; i++)
		err = gg_examine_append_symbol(examine, NULL, units[i].value, NULL);
	gg_json_close_array(text);
	return err;
}

// A line has the units in the SIZE bytes at ADDRESS.
static struct gg_error *append_line(struct gg_examine *examine, gg_gva_t address,
				    const uint8_t *bytes, const struct unit *units, size_t count)
{
	const size_t size = count * examine->format.size;
	if (examine->options->json) {
		struct gg_error *err = gg_examine_open_object(examine, address, bytes, size);
		if (!err)
			err = append_json_units(examine, units, count);
		gg_examine_close_object(examine);
		return err;
	}
	struct gg_error *err = gg_examine_append_address(examine, address, &examine->named);
	gg_buffer_format(&examine->text, ":");
	for (size_t i = 0; !err && i < count; i++) {
		gg_buffer_format(&examine->text, "\t");
		err = append_unit(examine, &units[i]);
	}
	gg_buffer_format(&examine->text, "\n");
	return err;
}

static size_t units_per_line(const struct gg_examine_format *format)
{
	if (format->letter == 'a')
		return 2;
	return format->letter == 'c' || format->size == 1 ? LINE_UNITS : 16 / format->size;
}

static struct gg_error *check_end(const struct gg_examine *examine)
{
	const uint64_t size = examine->format.count * examine->format.size;
	const gg_gva_t address = examine->named.address;
	if (size - 1 <= UINT64_MAX - address)
		return NULL;
	return gg_error_create(GG_INVALID,
			       "%" PRIu64 " bytes from 0x%" PRIx64
			       " on go beyond the last address, 0x%" PRIx64,
			       size, address, UINT64_MAX);
}

// Finds the byte order. The memory of a guest whose architecture is not known can be shown too.
static struct gg_error *find_byte_order(struct gg_examine *examine, bool *is_big_endian)
{
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_cpu_arch(examine->guest, &arch);
	*is_big_endian = !err && arch->big_endian;
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	return examine->format.size == 1
		       ? NULL
		       : gg_tell(examine->notices, "the guest's byte order is not known: units are "
						   "shown as little-endian");
}

static struct gg_error *print_units(struct gg_examine *examine)
{
	const struct gg_examine_format *format = &examine->format;
	bool is_big_endian = false;
	gg_gva_t address = examine->named.address;
	struct gg_error *err = check_end(examine);
	if (!err)
		err = find_byte_order(examine, &is_big_endian);
	for (uint64_t left = format->count; !err && left;) {
		uint8_t bytes[LINE_UNITS * UNIT_MAX];
		struct unit units[LINE_UNITS];
		const size_t most = units_per_line(format), count = left < most ? left : most;
		err = read_memory(examine, address, bytes, count * format->size);
		for (size_t i = 0; !err && i < count; i++)
			units[i] = read_unit(bytes + i * format->size, format->size, is_big_endian);
		if (!err)
			err = append_line(examine, address, bytes, units, count);
		if (!err)
			err = gg_write_out(&examine->text, examine->writer);
		address += count * format->size;
		left -= count;
	}
	return err;
}

// ---- Strings ----

struct string {
	uint8_t bytes[STRING_MAX + 64];
	size_t size;   // without the NUL
	bool is_whole; // a NUL ends it
};

static struct gg_error *read_string(struct gg_examine *examine, gg_gva_t address,
				    struct string *ret)
{
	enum { PIECE = 64 };
	ret->size = 0;
	ret->is_whole = false;
	while (!ret->is_whole && ret->size < STRING_MAX) {
		// The page behind a NUL may not be mapped.
		const gg_gva_t at = address + ret->size;
		const size_t piece = PIECE - at % PIECE;
		if (at < address)
			return gg_error_create(GG_INVALID,
					       "the string at 0x%" PRIx64
					       " goes beyond the last address, 0x%" PRIx64,
					       address, UINT64_MAX);
		struct gg_error *err = read_memory(examine, at, ret->bytes + ret->size, piece);
		if (err)
			return err;
		const size_t length = strnlen((char *)ret->bytes + ret->size, piece);
		ret->is_whole = length < piece;
		ret->size += length;
	}
	return NULL;
}

static void append_escaped(struct gg_buffer *text, const struct string *string)
{
	for (size_t i = 0; i < string->size; i++) {
		const uint8_t byte = string->bytes[i];
		if (byte == '"' || byte == '\\')
			gg_buffer_format(text, "\\%c", byte);
		else if (byte >= ' ' && byte <= '~')
			gg_buffer_append(text, &byte, 1);
		else
			gg_buffer_format(text, "\\%03o", byte);
	}
}

static struct gg_error *append_string(struct gg_examine *examine, gg_gva_t address,
				      const struct string *string)
{
	struct gg_buffer *text = &examine->text;
	struct gg_error *err;
	if (examine->options->json) {
		err = gg_examine_open_object(examine, address, string->bytes, string->size);
		gg_json_bytes(text, "text", (const char *)string->bytes, string->size);
		gg_json_bool(text, "whole", string->is_whole);
		gg_examine_close_object(examine);
		return err;
	}
	err = gg_examine_append_address(examine, address, &examine->named);
	gg_buffer_format(text, ":\t\"");
	append_escaped(text, string);
	gg_buffer_format(text, string->is_whole ? "\"\n" : "\"...\n");
	return err;
}

static struct gg_error *print_strings(struct gg_examine *examine)
{
	gg_gva_t address = examine->named.address;
	struct string *string = malloc(sizeof(*string));
	if (!string)
		return gg_enomem;
	struct gg_error *err = NULL;
	for (uint64_t left = examine->format.count; !err && left; left--) {
		err = read_string(examine, address, string);
		if (!err)
			err = append_string(examine, address, string);
		if (!err)
			err = gg_write_out(&examine->text, examine->writer);
		const gg_gva_t next = address + string->size + string->is_whole;
		if (!err && left > 1 && next < address)
			err = gg_error_create(GG_INVALID, "there is no address behind 0x%" PRIx64,
					      UINT64_MAX);
		address = next;
	}
	free(string);
	return err;
}

// ---- All of them ----

static struct gg_error *check_physical(const struct gg_examine *examine)
{
	if (!examine->options->is_physical)
		return NULL;
	if (examine->named.name)
		return gg_error_create(GG_INVALID,
				       "-physical: %s is a virtual address; guest-vtop shows where "
				       "that is",
				       examine->options->address.text);
	if (examine->format.letter == 'i')
		return gg_error_create(GG_INVALID, "-physical: instructions are shown by virtual "
						   "addresses alone");
	return NULL;
}

static struct gg_error *print_format(struct gg_examine *examine)
{
	switch (examine->format.letter) {
	case 's':
		return print_strings(examine);
	case 'i':
		return gg_examine_code(examine);
	default:
		return print_units(examine);
	}
}

struct gg_error *gg_print_examine(struct gg_guest *guest, const struct gg_examine_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_examine examine = {
		.guest = guest, .options = options, .writer = writer, .notices = notices
	};
	struct gg_error *err = gg_examine_format_parse(options->format, &examine.format);
	if (!err)
		err = gg_guest_evaluate(guest, &options->address, notices, &examine.named);
	if (err)
		return err;
	err = check_physical(&examine);
	if (!err)
		err = print_format(&examine);
	gg_buffer_deinit(&examine.text);
	gg_named_address_deinit(&examine.named);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option x_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "Through the page tables of CPU N, with its own per-CPU variables; without\n"
		  "    -cpu, through the page tables of the guest's kernel." },
	{ .name = "physical",
	  .kind = GG_VALUE_FLAG,
	  .help = "ADDR is guest-physical, a number: no page tables are used, and there are\n"
		  "    no instructions." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each line: address, symbol, bytes, values; text of a\n"
		  "    string or an instruction." },
	{ 0 }
};

static const struct gg_option x_arguments[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" },
	{ .name = "format", .kind = GG_VALUE_FORMAT, .label = "[COUNT][FORMAT]" },
	{ 0 }
};

const struct gg_command gg_command_x = {
	.name = "x",
	.gdb_name = "guest-x",
	.summary = "Examine guest memory at the virtual address ADDR: x/16gx ADDR.",
	.targets = GG_ALL_TARGETS,
	.help = "ADDR is a symbol of the guest's kernel (\"jiffies\", \"_stext+0x10\") or a\n"
		"number; quote an ADDR with spaces.  The format is GDB's x's, behind the\n"
		"command's name or behind ADDR: a count; x, d, u, o, t, c, s for text,\n"
		"a for addresses with their symbols, i for instructions; the size b, h,\n"
		"w or g.  Instructions are of 16, 32 or 64 bits as the CPU's are, and\n"
		"\"=>\" marks a CPU's instruction.  An address that is not mapped is an\n"
		"error that shows the entry of the page table.",
	.debugger_help = "guest-x/16gx ADDR is as GDB's x/16gx ADDR.  ADDR may also be a GDB\n"
			 "expression (\"$guest_rip\").",
	.alone_help = "With -cpu N, ADDR may also be a register of that CPU: \"$pc\", \"$sp+8\".",
	.options = x_options,
	.run = gg_run_x,
	.arguments = x_arguments,
};
