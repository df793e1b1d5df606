// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the types of the kernel and of its modules.
// Out: a function's parameters and result.
// Trusts nothing it reads: a prototype of BTF counts for the function whose name it has; a function of another name, as the
// compiler's variants have, has none. Arguments and results that are in no register, or on the stack at a place that depends on others,
// have no place.
#include "trace-functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

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
		function->parameters[i] = (struct gg_trace_parameter){ 0 };
	}
	free(function->result.declaration);
	function->parameter_count = 0;
	function->result = (struct gg_trace_parameter){ 0 };
	function->is_void = false;
}

// Tests whether TYPE is in one register of ARCH.
static bool fits_register(const struct gg_arch *arch, const struct gg_type *type)
{
	switch (type->kind) {
	case GG_TYPE_INT:
	case GG_TYPE_BOOL:
	case GG_TYPE_CHAR:
	case GG_TYPE_POINTER:
	case GG_TYPE_ENUM:
		return type->size && type->size <= arch->word;
	default:
		return false;
	}
}

// Reads the type ID. Where programs and the kernel have the same addresses, a pointer does not say whose characters it leads to.
static struct gg_error *read_type(const struct gg_btf *btf, uint32_t id, const struct gg_arch *arch,
				  struct gg_trace_parameter *ret)
{
	struct gg_buffer text = { 0 };
	struct gg_type target;
	struct gg_error *err = gg_btf_type(btf, id, &ret->type);
	if (!err && ret->type.kind == GG_TYPE_POINTER) {
		err = gg_btf_type(btf, ret->type.target, &target);
		ret->is_text = !err && target.kind == GG_TYPE_CHAR && arch->kernel->kernel_area;
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

// Puts the only member of a structure in the structure's place: where registers have 64 bits both are in the same.
static struct gg_error *unwrap(const struct gg_btf *btf, const struct gg_arch *arch,
			       struct gg_type *type)
{
	enum { DEPTH = 4 };
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < DEPTH; i++) {
		struct gg_btf_member member;
		const char *name;
		if (arch->word < sizeof(uint64_t) || !gg_type_is_composite(type) ||
		    type->count != 1)
			return NULL;
		const uint64_t size = type->size;
		err = gg_btf_member_at(btf, type, 0, &name, &member);
		if (err || member.bits || member.size != size)
			return err;
		err = gg_btf_type(btf, member.type, type);
	}
	return err;
}

// Reads the result. *IS_SHIFTED is set if the first argument's register has the address of the result.
static struct gg_error *read_result(const struct gg_btf *btf, uint32_t id,
				    const struct gg_arch *arch, struct gg_trace_function *function,
				    bool *is_shifted)
{
	struct gg_trace_parameter *result = &function->result;
	function->is_void = !id;
	if (!id)
		return NULL;
	struct gg_error *err = read_type(btf, id, arch, result);
	*is_shifted = !err && gg_type_is_composite(&result->type) &&
		      result->type.size > arch->calls->structure_bytes;
	if (!err && !*is_shifted)
		err = unwrap(btf, arch, &result->type);
	result->is_placed = !err && fits_register(arch, &result->type);
	return err;
}

static struct gg_error *read_parameters(const struct gg_btf *btf, const struct gg_arch *arch,
					const struct gg_prototype *prototype,
					struct gg_trace_function *function, bool is_placed)
{
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < prototype->count && i < GG_TRACE_PARAMETERS; i++) {
		struct gg_trace_parameter *parameter = &function->parameters[i];
		uint32_t type;
		gg_btf_parameter_at(btf, prototype, i, &parameter->name, &type);
		err = read_type(btf, type, arch, parameter);
		if (!err)
			err = unwrap(btf, arch, &parameter->type);
		// The places of the arguments behind a structure depend on the structure's members.
		is_placed &= !err && fits_register(arch, &parameter->type);
		parameter->is_placed = is_placed;
		function->parameter_count++;
	}
	return err;
}

struct gg_error *gg_trace_read_prototype(const struct gg_btf *btf, const struct gg_arch *arch,
					 struct gg_trace_function *function)
{
	struct gg_prototype prototype;
	bool is_shifted = false;
	if ((function->is_shared && !gg_btf_has_shared_prototypes(btf)) ||
	    !gg_btf_find_function(btf, function->name, &prototype))
		return NULL;
	struct gg_error *err = read_result(btf, prototype.result, arch, function, &is_shifted);
	if (!err)
		err = read_parameters(btf, arch, &prototype, function, !is_shifted);
	if (err)
		gg_trace_forget_prototype(function);
	else
		function->has_prototype = true;
	return err;
}

struct search {
	const struct gg_arch *arch;
	struct gg_trace *trace;
};

static struct gg_error *read_module(void *data, const char *module, const struct gg_btf *btf)
{
	const struct search *search = data;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < search->trace->function_count; i++) {
		struct gg_trace_function *function = &search->trace->functions[i];
		if (function->module && !strcmp(function->module, module))
			err = gg_trace_read_prototype(btf, search->arch, function);
	}
	return err;
}

static struct gg_error *read_prototypes(const struct gg_answerers *kernel, struct gg_trace *trace)
{
	struct search search = { kernel->arch, trace };
	const struct gg_btf *btf;
	bool any_module = false;
	struct gg_error *err = gg_types_btf(kernel->types, &btf);
	for (size_t i = 0; !err && i < trace->function_count; i++) {
		if (trace->functions[i].module)
			any_module = true;
		else
			err = gg_trace_read_prototype(btf, search.arch, &trace->functions[i]);
	}
	return err || !any_module ? err
				  : gg_types_visit_modules(kernel->types, read_module, &search);
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

// Says why functions that have types in the kernel have registers here.
static struct gg_error *tell_registers(const struct gg_trace *trace,
				       const struct gg_notices *notices)
{
	for (size_t i = 0; i < trace->function_count; i++) {
		const struct gg_trace_function *function = &trace->functions[i];
		if (function->is_shared && !function->has_prototype)
			return gg_tell(notices,
				       "the arguments of %s are shown as registers: several "
				       "functions have the name, and the kernel's BTF does not say "
				       "which of them its prototype is of",
				       function->name);
	}
	return NULL;
}

struct gg_error *gg_trace_find_prototypes(const struct gg_answerers *kernel,
					  const struct gg_notices *notices, struct gg_trace *trace)
{
	struct gg_error *err = read_prototypes(kernel, trace);
	for (size_t i = 0; !err && i < trace->function_count; i++)
		err = gg_trace_find_syscall(kernel, &trace->functions[i]);
	if (!err)
		err = tell_registers(trace, notices);
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
