// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  what the user typed; the kernel's symbols and code.
// Out: functions, with places for breakpoints.
#include "trace-functions.h"
#include "base/cleanup.h"
#include "base/near.h"
#include "base/vector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128 };

// ---- Names ----

// A word of the user's list.
struct wanted {
	char name[NAME];
	const char *module; // before the colon in NAME's room, or NULL
	const char *symbol;
	struct gg_trace *trace;
	struct gg_near near;
	bool has_module; // a symbol is MODULE's
	size_t found;
};

static bool is_code(char type)
{
	return type && strchr("tTwW", type);
}

// Notes whether SYMBOL, elsewhere in the same module or in the kernel, has FUNCTION's name.
static bool note_namesake(struct gg_trace_function *function, const struct gg_symbol *symbol)
{
	const bool is_same = !function->module == !symbol->module &&
			     (!symbol->module || !strcmp(function->module, symbol->module)) &&
			     !strcmp(function->name, symbol->name) &&
			     function->address != symbol->address;
	function->is_shared |= is_same;
	return is_same;
}

static struct gg_error *add_function(struct gg_trace *trace, const struct gg_symbol *symbol)
{
	bool is_shared = false;
	for (size_t i = 0; i < trace->function_count; i++) {
		if (trace->functions[i].address == symbol->address)
			return NULL;
		is_shared |= note_namesake(&trace->functions[i], symbol);
	}
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
		.is_shared = is_shared,
	};
	return function->name && (function->module || !symbol->module) ? NULL : gg_enomem;
}

static struct gg_error *take_symbol(void *data, const struct gg_symbol *symbol)
{
	struct wanted *wanted = data;
	if (wanted->module && (!symbol->module || strcmp(symbol->module, wanted->module) != 0))
		return NULL;
	wanted->has_module = true;
	if (!is_code(symbol->type))
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
	if (wanted->module && !wanted->has_module)
		return gg_error_create(GG_NOT_FOUND, "the guest's kernel has no module \"%s\"",
				       wanted->module);
	struct gg_error *err = gg_error_create(
		GG_NOT_FOUND,
		"%s%s has no function \"%s\" (an inlined function has no code of its own)",
		wanted->module ? "the module " : "the guest's kernel",
		wanted->module ? wanted->module : "", wanted->symbol);
	return gg_near_error(&wanted->near, err);
}

static struct gg_error *note_symbol(void *data, const struct gg_symbol *symbol)
{
	if (is_code(symbol->type))
		note_namesake(data, symbol);
	return NULL;
}

static struct gg_error *find_address(struct gg_guest *guest, const struct wanted *wanted)
{
	char *end;
	struct gg_symbol symbol;
	errno = 0;
	const gg_gva_t address = strtoull(wanted->name, &end, 0);
	if (*end || errno)
		return gg_error_create(GG_INVALID, "%s is no address", wanted->name);
	struct gg_error *err = gg_guest_symbol_at(guest, address, &symbol);
	if (!err && (symbol.address != address || !is_code(symbol.type)))
		err = gg_error_create(GG_INVALID, "%s is in %s, not at a function's start",
				      wanted->name, symbol.name);
	if (!err)
		err = add_function(wanted->trace, &symbol);
	return err ? err
		   : gg_guest_symbols(guest, note_symbol,
				      &wanted->trace->functions[wanted->trace->function_count - 1]);
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

// ---- Code ----

// Tests whether ADDRESS is in the code that the kernel frees when it has booted (__init).
static struct gg_error *is_of_boot(const struct gg_host *host, gg_gva_t address, bool *ret)
{
	gg_gva_t start, end;
	struct gg_error *err = gg_host_symbol(host, "_sinittext", &start);
	if (!err)
		err = gg_host_symbol(host, "_einittext", &end);
	*ret = !err && address >= start && address < end;
	return gg_error_unless_final(err);
}

// Refuses FUNCTION if its code has been freed.
static struct gg_error *check_freed(const struct gg_host *host,
				    const struct gg_trace_function *function)
{
	// Linux include/linux/kernel.h, enum system_states: before are SYSTEM_BOOTING and SYSTEM_SCHEDULING (since commit
	// 69a78ff226fe, in v4.13).
	enum { BOOTED = 2, STATE = 4 };
	gg_gva_t variable;
	uint64_t state = BOOTED;
	bool is_freed = false;
	struct gg_error *err = is_of_boot(host, function->address, &is_freed);
	if (err || !is_freed)
		return err;
	err = gg_host_symbol(host, "system_state", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, STATE, &state);
	err = gg_error_unless_final(err);
	if (err || state < BOOTED)
		return err;
	return gg_error_create(GG_NOT_FOUND,
			       "the kernel has booted, and has freed the code of %s (__init)",
			       function->name);
}

static struct gg_error *find_entry(const struct gg_answerers *kernel,
				   struct gg_trace_function *function)
{
	uint8_t code[2 * GG_TRACE_CODE];
	struct gg_error *err = check_freed(&kernel->host, function);
	if (err)
		return err;
	err = gg_host_read(&kernel->memory.host, function->address, code, sizeof(code));
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
		err = gg_trace_find_prototypes(kernel, notices, ret);
	for (size_t i = 0; !err && i < ret->function_count; i++)
		err = find_entry(kernel, &ret->functions[i]);
	return err;
}
