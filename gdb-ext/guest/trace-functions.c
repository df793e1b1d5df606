// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  what the user typed; the kernel's symbols, types and code.
// Out: functions, with places for breakpoints and for arguments.
// Trusts nothing it reads: a prototype of BTF counts for the function whose name it has; a function of another name, as the
// compiler's variants have, has none.
#include "trace-functions.h"
#include "base/cleanup.h"
#include "base/near.h"
#include "base/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128, WORD_BITS = 64 };

// ---- Names ----

// A word of the user's list.
struct wanted {
	char name[NAME];
	const char *module; // before the colon in NAME's room, or NULL
	const char *symbol;
	struct gg_trace *trace;
	struct gg_near near;
	size_t found;
};

static bool is_code(char type)
{
	return type && strchr("tTwW", type);
}

static struct gg_error *add_function(struct gg_trace *trace, const struct gg_symbol *symbol)
{
	for (size_t i = 0; i < trace->function_count; i++)
		if (trace->functions[i].address == symbol->address)
			return NULL;
	if (trace->function_count == GG_TRACE_FUNCTIONS)
		return gg_error_create(GG_INVALID, "more than %d functions", GG_TRACE_FUNCTIONS);
	struct gg_error *err =
		gg_vector_grow(&trace->functions, trace->function_count, sizeof(*trace->functions));
	if (err)
		return err;
	struct gg_trace_function *function = &trace->functions[trace->function_count++];
	*function = (struct gg_trace_function){
		.name = strdup(symbol->name),
		.module = symbol->module ? strdup(symbol->module) : NULL,
		.address = symbol->address,
	};
	return function->name && (function->module || !symbol->module) ? NULL : gg_enomem;
}

static struct gg_error *take_symbol(void *data, const struct gg_symbol *symbol)
{
	struct wanted *wanted = data;
	if (!is_code(symbol->type))
		return NULL;
	if (wanted->module && (!symbol->module || strcmp(symbol->module, wanted->module) != 0))
		return NULL;
	if (strcmp(symbol->name, wanted->symbol) != 0) {
		gg_near_add(&wanted->near, symbol->name);
		return NULL;
	}
	wanted->found++;
	return add_function(wanted->trace, symbol);
}

static struct gg_error *not_found(const struct wanted *wanted)
{
	struct gg_error *err = gg_error_create(
		GG_NOT_FOUND,
		"%s%s has no function \"%s\" (an inlined function has no code of its own)",
		wanted->module ? "the module " : "the guest's kernel",
		wanted->module ? wanted->module : "", wanted->symbol);
	return gg_near_error(&wanted->near, err);
}

static struct gg_error *find_address(struct gg_guest *guest, const struct wanted *wanted)
{
	char *end;
	const gg_gva_t address = strtoull(wanted->name, &end, 0);
	struct gg_symbol symbol;
	if (*end)
		return gg_error_create(GG_INVALID, "%s is no address", wanted->name);
	struct gg_error *err = gg_guest_symbol_at(guest, address, &symbol);
	if (!err && symbol.address != address)
		err = gg_error_create(GG_INVALID, "%s is in %s, not at a function's start",
				      wanted->name, symbol.name);
	return err ? err : add_function(wanted->trace, &symbol);
}

static struct gg_error *find_word(struct gg_guest *guest, struct wanted *wanted,
				  const struct gg_notices *notices)
{
	char *colon = strchr(wanted->name, ':');
	wanted->symbol = colon ? colon + 1 : wanted->name;
	if (colon) {
		*colon = 0;
		wanted->module = wanted->name;
	}
	wanted->near.wanted = wanted->symbol;
	if (!strncmp(wanted->name, "0x", 2))
		return find_address(guest, wanted);
	struct gg_error *err = gg_guest_symbols(guest, take_symbol, wanted);
	if (err)
		return err;
	if (!wanted->found)
		return not_found(wanted);
	if (wanted->found == 1)
		return NULL;
	return gg_tell(notices,
		       "%zu functions are called %s: all are traced (0xADDRESS or "
		       "MODULE:FUNCTION names a single function)",
		       wanted->found, wanted->symbol);
}

static struct gg_error *find_words(struct gg_guest *guest, const char *text,
				   const struct gg_notices *notices, struct gg_trace *ret)
{
	struct gg_error *err = NULL;
	for (const char *at = text; !err;) {
		const size_t size = strcspn(at, ",");
		struct wanted wanted = { .trace = ret };
		if (!size || size >= NAME)
			return gg_error_create(GG_INVALID,
					       "\"%s\" is no list of functions with commas", text);
		memcpy(wanted.name, at, size);
		err = find_word(guest, &wanted, notices);
		at += size;
		if (!*at++)
			break;
	}
	return err;
}

// ---- Types ----

uint64_t gg_trace_number(const struct gg_trace_parameter *parameter, uint64_t number)
{
	const uint64_t size = parameter->type.size;
	const unsigned int unused = parameter->has_type && size && size < sizeof(number)
					    ? (unsigned int)(WORD_BITS - 8 * size)
					    : 0;
	if (parameter->type.is_signed)
		return (uint64_t)((int64_t)(number << unused) >> unused);
	return number << unused >> unused;
}

void gg_trace_forget_prototype(struct gg_trace_function *function)
{
	for (size_t i = 0; i < function->parameter_count; i++) {
		free(function->parameters[i].declaration);
		free(function->parameters[i].own_name);
	}
	free(function->result.declaration);
	function->parameter_count = 0;
	function->result = (struct gg_trace_parameter){ 0 };
	function->is_void = false;
}

static bool fits_register(const struct gg_type *type)
{
	switch (type->kind) {
	case GG_TYPE_INT:
	case GG_TYPE_BOOL:
	case GG_TYPE_CHAR:
	case GG_TYPE_POINTER:
	case GG_TYPE_ENUM:
		return type->size && type->size <= sizeof(uint64_t);
	default:
		return false;
	}
}

static struct gg_error *read_type(const struct gg_btf *btf, uint32_t id,
				  struct gg_trace_parameter *ret)
{
	struct gg_buffer text = { 0 };
	struct gg_type target;
	struct gg_error *err = gg_btf_type(btf, id, &ret->type);
	if (!err && ret->type.kind == GG_TYPE_POINTER) {
		err = gg_btf_type(btf, ret->type.target, &target);
		ret->is_text = !err && target.kind == GG_TYPE_CHAR;
	}
	if (err)
		return err;
	ret->btf = btf;
	ret->has_type = true;
	gg_btf_declare(btf, id, "", &text);
	gg_buffer_zeros(&text, 1);
	err = gg_buffer_check(&text);
	if (err) {
		gg_buffer_deinit(&text);
		return err;
	}
	ret->declaration = (char *)text.bytes;
	return NULL;
}

static struct gg_error *read_prototype(const struct gg_btf *btf, struct gg_trace_function *function)
{
	struct gg_prototype prototype;
	bool is_placed = true;
	struct gg_error *err = NULL;
	if (!gg_btf_find_function(btf, function->name, &prototype))
		return NULL;
	function->has_prototype = true;
	function->is_void = !prototype.result;
	for (uint32_t i = 0; !err && i < prototype.count && i < GG_TRACE_PARAMETERS; i++) {
		struct gg_trace_parameter *parameter = &function->parameters[i];
		uint32_t type;
		gg_btf_parameter_at(btf, &prototype, i, &parameter->name, &type);
		err = read_type(btf, type, parameter);
		// The places of the arguments behind a structure depend on the structure's members.
		is_placed &= !err && fits_register(&parameter->type);
		parameter->is_placed = is_placed;
		function->parameter_count++;
	}
	if (!err && prototype.result)
		err = read_type(btf, prototype.result, &function->result);
	function->result.is_placed = !err && fits_register(&function->result.type);
	return err;
}

static struct gg_error *read_module(void *data, const char *module, const struct gg_btf *btf)
{
	struct gg_trace *trace = data;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < trace->function_count; i++) {
		struct gg_trace_function *function = &trace->functions[i];
		if (function->module && !strcmp(function->module, module))
			err = read_prototype(btf, function);
	}
	return err;
}

static struct gg_error *read_prototypes(const struct gg_answerers *kernel, struct gg_trace *trace)
{
	const struct gg_btf *btf;
	bool any_module = false;
	struct gg_error *err = gg_types_btf(kernel->types, &btf);
	for (size_t i = 0; !err && i < trace->function_count; i++) {
		if (trace->functions[i].module)
			any_module = true;
		else
			err = read_prototype(btf, &trace->functions[i]);
	}
	return err || !any_module ? err : gg_types_visit_modules(kernel->types, read_module, trace);
}

// Gives a function without a prototype the registers of arguments.
static void use_registers(const struct gg_stub_calls *calls, struct gg_trace_function *function)
{
	for (size_t i = 0; i < calls->count; i++)
		function->parameters[function->parameter_count++] =
			(struct gg_trace_parameter){ .name = calls->arguments[i].name,
						     .is_placed = true };
	function->result = (struct gg_trace_parameter){ .is_placed = true };
}

static struct gg_error *find_types(const struct gg_answerers *kernel,
				   const struct gg_notices *notices, struct gg_trace *trace)
{
	struct gg_error *err = read_prototypes(kernel, trace);
	for (size_t i = 0; !err && i < trace->function_count; i++)
		err = gg_trace_find_syscall(kernel, &trace->functions[i]);
	if (err && !gg_error_is_final(err)) {
		struct gg_error *told = gg_tell(notices, "arguments are shown as registers: %s",
						gg_error_message(err));
		gg_error_destroy(err);
		err = told;
	}
	for (size_t i = 0; !err && i < trace->function_count; i++)
		if (!trace->functions[i].has_prototype)
			use_registers(kernel->arch->calls, &trace->functions[i]);
	return err;
}

// ---- Code ----

static struct gg_error *find_entry(const struct gg_answerers *kernel,
				   struct gg_trace_function *function)
{
	uint8_t code[2 * GG_TRACE_CODE];
	struct gg_error *err =
		gg_host_read(&kernel->memory.host, function->address, code, sizeof(code));
	if (err)
		return gg_error_context(err, "the code of %s", function->name);
	const struct gg_function_entry entry =
		kernel->arch->calls->find_entry(code, sizeof(code) - GG_TRACE_CODE);
	function->entry = function->address + entry.offset;
	function->skip = entry.skip;
	memcpy(function->code, code + entry.offset, GG_TRACE_CODE);
	return NULL;
}

struct gg_error *gg_trace_find_functions(struct gg_guest *guest, const struct gg_answerers *kernel,
					 const char *text, bool with_types,
					 const struct gg_notices *notices, struct gg_trace *ret)
{
	struct gg_error *err = find_words(guest, text, notices, ret);
	if (!err && with_types)
		err = find_types(kernel, notices, ret);
	for (size_t i = 0; !err && i < ret->function_count; i++)
		err = find_entry(kernel, &ret->functions[i]);
	return err;
}
