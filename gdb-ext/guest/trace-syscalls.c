// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arguments of system calls. The function that the kernel's table of system calls has takes struct pt_regs alone; the
// system call's own parameters are in the data of the kernel's tracing, struct syscall_metadata (Linux
// include/trace/syscall.h).
//
// In:  the kernel's symbols, types and data.
// Out: a function's parameters, and their places in struct pt_regs.
// Trusts nothing it reads: parameters and texts are bounded.
#include "linux/arch-ops.h"
#include "trace-functions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 64, NAME = 160 };

struct layout {
	struct gg_member types, names;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, types, "syscall_metadata", "types"),
	GG_LAYOUT_ROW(struct layout, names, "syscall_metadata", "args"),
};

static bool ends_with(const char *text, char last)
{
	return *text && text[strlen(text) - 1] == last;
}

// Derives a type of C's own from its words; a register's bytes without.
static struct gg_type plain_type(const char *declaration, uint64_t word)
{
	struct gg_type type = { .kind = GG_TYPE_INT, .size = word };
	type.is_signed = !strstr(declaration, "unsigned");
	if (strstr(declaration, "char"))
		type.size = 1;
	else if (strstr(declaration, "short"))
		type.size = 2;
	else if (strstr(declaration, "int") || !strcmp(declaration, "unsigned"))
		type.size = 4;
	else
		type.is_signed &= !strcmp(declaration, "long") || !strcmp(declaration, "long long");
	return type;
}

// Takes the type of PARAMETER's declaration, and of TYPES where they have a type of the name.
static void set_type(const struct gg_btf *types, uint64_t word,
		     struct gg_trace_parameter *parameter)
{
	const char *text = parameter->declaration;
	const uint32_t id = types ? gg_btf_find(types, text) : 0;
	struct gg_error *err = id ? gg_btf_type(types, id, &parameter->type) : NULL;
	parameter->has_type = parameter->is_placed = true;
	parameter->btf = types;
	if (ends_with(text, '*')) {
		parameter->type = (struct gg_type){ .kind = GG_TYPE_POINTER, .size = word };
		parameter->is_text = !strcmp(text, "const char *");
	} else if (!id || err || parameter->type.kind > GG_TYPE_CHAR) {
		parameter->type = plain_type(text, word);
	}
	gg_error_destroy(err);
}

static struct gg_error *read_text(const struct gg_host *host, gg_gva_t list, size_t index,
				  char **ret)
{
	uint64_t at;
	struct gg_error *err =
		gg_host_read_uint(host, list + index * host->address_size, host->address_size, &at);
	if (!err)
		err = gg_host_read_text(host, at, TEXT, ret);
	for (const char *text = err ? "" : *ret; *text; text++)
		if (*text < ' ' || *text > '~')
			return gg_error_create(GG_BAD_DATA,
					       "the text at 0x%" PRIx64 " is not printable", at);
	return err;
}

// Reads the number of arguments, which is a bit field in newer kernels.
static struct gg_error *read_count(const struct gg_host *host, const struct gg_btf *types,
				   gg_gva_t address, uint64_t *ret)
{
	enum { BYTE = 8, WORD_BITS = 64 };
	struct gg_btf_member member = { 0 };
	uint32_t id;
	uint64_t word = 0;
	struct gg_error *err = gg_btf_lookup(types, "syscall_metadata", &id);
	if (!err)
		err = gg_btf_member(types, id, "nb_args", &member);
	const uint64_t unit = BYTE * member.size, low = unit ? member.bit_offset % unit : 0;
	const uint64_t bits = member.bits ? member.bits : unit;
	if (!err && (!unit || unit > WORD_BITS || low + bits > unit))
		err = gg_error_create(GG_BAD_DATA, "syscall_metadata.nb_args has no number");
	if (!err)
		err = gg_host_read_uint(host, address + member.bit_offset / unit * member.size,
					member.size, &word);
	if (err)
		return err;
	const uint64_t shift = host->big_endian ? unit - low - bits : low;
	*ret = word >> shift & UINT64_MAX >> (WORD_BITS - bits);
	return NULL;
}

static struct gg_error *read_parameters(const struct gg_answerers *kernel, gg_gva_t address,
					struct gg_trace_function *function)
{
	const struct gg_host *host = &kernel->typed;
	const struct gg_btf *types = NULL;
	struct layout layout;
	uint64_t count = 0, type_list = 0, name_list = 0;
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = gg_types_btf(kernel->types, &types);
	if (!err)
		err = read_count(host, types, address, &count);
	if (!err && count > GG_SYSCALL_ARGUMENTS)
		err = gg_error_create(GG_BAD_DATA, "%s has %" PRIu64 " arguments", function->name,
				      count);
	if (!err && count)
		err = gg_host_read_member(host, address, &layout.types, &type_list);
	if (!err && count)
		err = gg_host_read_member(host, address, &layout.names, &name_list);
	for (size_t i = 0; !err && i < count; i++) {
		struct gg_trace_parameter *parameter =
			&function->parameters[function->parameter_count++];
		err = read_text(host, type_list, i, &parameter->declaration);
		if (!err)
			err = read_text(host, name_list, i, &parameter->own_name);
		if (err)
			break;
		parameter->name = parameter->own_name;
		set_type(types, host->address_size, parameter);
	}
	return err;
}

// Finds the places of the arguments in struct pt_regs.
static struct gg_error *find_places(const struct gg_answerers *kernel,
				    struct gg_trace_function *function)
{
	const struct gg_host *host = &kernel->typed;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < GG_SYSCALL_ARGUMENTS; i++) {
		struct gg_member member;
		err = host->ops->member(host->data, "pt_regs",
					kernel->arch->kernel->syscall_arguments[i], &member);
		function->syscall_offsets[i] = member.offset;
	}
	return err;
}

struct gg_error *gg_trace_find_syscall(const struct gg_answerers *kernel,
				       struct gg_trace_function *function)
{
	const char *prefix = kernel->arch->kernel->syscall_prefix;
	char symbol[NAME];
	gg_gva_t address;
	if (function->module || !prefix || strncmp(function->name, prefix, strlen(prefix)) != 0)
		return NULL;
	snprintf(symbol, sizeof(symbol), "__syscall_meta__%s", function->name + strlen(prefix));
	struct gg_error *err = gg_host_symbol(&kernel->typed, symbol, &address);
	if (!err)
		err = find_places(kernel, function);
	if (err)
		return gg_error_unless_final(err);
	gg_trace_forget_prototype(function);
	function->has_prototype = function->is_syscall = true;
	function->result = (struct gg_trace_parameter){
		.is_placed = true,
		.has_type = true,
		.type = { .kind = GG_TYPE_INT,
			  .size = kernel->host.address_size,
			  .is_signed = true },
		.declaration = strdup("long"),
	};
	err = read_parameters(kernel, address, function);
	if (!err)
		return NULL;
	gg_trace_forget_prototype(function);
	function->has_prototype = function->is_syscall = false;
	return gg_error_context(err, "the arguments of %s", function->name);
}
