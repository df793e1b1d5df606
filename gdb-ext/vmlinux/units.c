// SPDX-License-Identifier: GPL-3.0-or-later
//
// The compilation units of a made vmlinux.
//
// In:  the BTF and the code of the kernel and its modules; the symbols.
// Out: DWARF.
// Trusts nothing it reads: code has a limit, and no function lies outside of it.
#include "base/cleanup.h"
#include "maker.h"
#include "vmlinux-ops.h"

#include <inttypes.h>
#include <stdlib.h>

// The code that a compilation unit is of.
struct code {
	struct gg_vmlinux_maker *maker;
	const char *module; // NULL for the kernel's own
	gg_gva_t start;     // in the file
	uint64_t span;      // of the functions
	uint64_t size;      // of BYTES, at the start
	uint8_t *bytes;
	uint8_t *taken; // a bit for each byte: a function begins there
};

static void code_deinit(struct code *code)
{
	free(code->bytes);
	free(code->taken);
}

// Takes the SIZE bytes at START in the file, in which the beginning of each function is looked at, from
// the sections. Functions without bytes follow up to SPAN.
static struct gg_error *code_init(struct code *code, struct gg_vmlinux_maker *maker,
				  const char *module, gg_gva_t start, uint64_t size, uint64_t span)
{
	*code = (struct code){
		.maker = maker, .module = module, .start = start, .span = span, .size = size
	};
	if (!size || size > GG_VMLINUX_MAX_CODE)
		return gg_error_create(GG_BAD_DATA, "the code has %" PRIu64 " bytes", size);
	code->bytes = calloc(size, 1);
	code->taken = calloc(span / 8 + 1, 1);
	if (!code->bytes || !code->taken)
		return gg_enomem;
	gg_vmlinux_copy(maker, start, code->bytes, size);
	return NULL;
}

// A function has an entry under the name that the kernel gives its code, once: BTF may have it several times.
static bool find_function(void *data, const char *name, struct gg_dwarf_function *ret)
{
	struct code *code = data;
	const struct gg_vmlinux_ops *ops = code->maker->kernel->arch->vmlinux;
	const struct gg_symtab_name *place =
		gg_symtab_find(&code->maker->symtab, code->module, name, true);
	if (!place || place->is_alias || place->address - code->start >= code->span)
		return false;
	const uint64_t offset = place->address - code->start;
	if (code->taken[offset / 8] >> offset % 8 & 1)
		return false;
	code->maker->function_count++;
	code->taken[offset / 8] |= (uint8_t)(1 << offset % 8);
	*ret = (struct gg_dwarf_function){
		.address = place->address,
		.size = place->size,
		.entry = ops->entry_size && offset < code->size
				 ? ops->entry_size(code->bytes + offset, code->size - offset)
				 : 0,
	};
	return true;
}

static bool find_variable(void *data, const char *name, struct gg_dwarf_place *ret)
{
	const struct code *code = data;
	const struct gg_symtab_name *place =
		gg_symtab_find(&code->maker->symtab, code->module, name, false);
	if (place)
		*ret = (struct gg_dwarf_place){ place->address, place->size };
	return place;
}

static uint64_t measure(void *data, const struct gg_dwarf_place *place)
{
	enum { MOST = 4096 };
	uint8_t bytes[MOST];
	const struct code *code = data;
	const struct gg_vmlinux_maker *maker = code->maker;
	const gg_gva_t address = place->address + maker->plan->displacement;
	uint64_t size = place->size < MOST ? place->size : MOST;
	struct gg_error *err = gg_host_read(&maker->kernel->host, address, bytes, size);
	while (!err && size && !bytes[size - 1])
		size--;
	if (err)
		size = 0;
	gg_error_destroy(err);
	return size;
}

// Finds the number of clock ticks in a second by the length of a tick; 0 without.
static uint64_t find_hz(const struct gg_answerers *kernel)
{
	enum { SECOND_NS = 1000000000, LEAST_NS = 100000, MOST_NS = 100000000 };
	const struct gg_member tick = { 0, kernel->arch->word };
	gg_gva_t address;
	uint64_t ns = 0;
	struct gg_error *err = gg_symbols_address(kernel->symbols, "tick_nsec", &address);
	if (!err)
		err = gg_host_read_member(&kernel->host, address, &tick, &ns);
	gg_error_destroy(err);
	return ns >= LEAST_NS && ns <= MOST_NS ? (SECOND_NS + ns / 2) / ns : 0;
}

static struct gg_error *add_unit(struct code *code, const char *name, const struct gg_btf *btf,
				 const struct gg_btf *base)
{
	const struct gg_vmlinux_ops *ops = code->maker->kernel->arch->vmlinux;
	const uint64_t hz = base ? 0 : find_hz(code->maker->kernel);
	// The constant of block/mq-deadline.c, 5 * HZ: crash derives HZ from it.
	const struct gg_dwarf_constant constants[] = { { "write_expire", "int", 5 * (int64_t)hz },
						       { 0 } };
	const struct gg_dwarf_unit unit = {
		.name = name,
		.btf = btf,
		.base = base,
		.low = code->start,
		.high = code->start + code->span,
		.argument_registers = ops->argument_registers,
		.argument_register_count = ops->argument_register_count,
		.function = find_function,
		.variable = find_variable,
		.data = code,
		.measure = measure,
		.globals = base ? NULL : gg_vmlinux_globals,
		.constants = hz ? constants : NULL,
	};
	return gg_dwarf_add_unit(&code->maker->dwarf, &unit);
}

static struct gg_error *add_kernel(struct gg_vmlinux_maker *maker, const struct gg_btf *btf)
{
	struct code code;
	struct gg_error *err = code_init(&code, maker, NULL, maker->code_start, maker->code_size,
					 maker->code_span);
	if (!err)
		err = add_unit(&code, "vmlinux", btf, NULL);
	code_deinit(&code);
	return err ? gg_error_context(err, "the kernel's code") : NULL;
}

// Adds the unit of the module NAME; none where it has no code.
static struct gg_error *add_module(void *data, const char *name, const struct gg_btf *btf)
{
	struct gg_vmlinux_maker *maker = data;
	const struct gg_btf *base;
	struct code code = { 0 };
	const struct gg_module *module =
		maker->modules ? gg_modules_named(maker->modules, name) : NULL;
	if (!module)
		return NULL;
	struct gg_error *err = gg_types_btf(maker->kernel->types, &base);
	if (err)
		return err;
	err = gg_error_unless_final(code_init(&code, maker, module->name,
					      gg_vmlinux_displaced(maker, module->ranges[0].start),
					      module->ranges[0].code, module->ranges[0].code));
	if (!err && code.bytes)
		err = add_unit(&code, module->name, btf, base);
	code_deinit(&code);
	return err;
}

struct gg_error *gg_vmlinux_add_units(struct gg_vmlinux_maker *maker)
{
	const struct gg_arch *arch = maker->kernel->arch;
	const struct gg_btf *btf;
	gg_dwarf_init(&maker->dwarf, arch->big_endian, arch->word);
	struct gg_error *err = gg_types_btf(maker->kernel->types, &btf);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		return NULL;
	}
	maker->has_types = !err;
	if (!err)
		err = add_kernel(maker, btf);
	return err || !maker->modules
		       ? err
		       : gg_types_visit_modules(maker->kernel->types, add_module, maker);
}
