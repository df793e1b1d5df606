// SPDX-License-Identifier: GPL-3.0-or-later
#include "address.h"
#include "base/cleanup.h"
#include "base/notices.h"

#include <gdb-guest/cpus.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- Integers, also beyond 64 bits: the error shows them ----

typedef __int128 wide_t;

// Parses the digits of TEXT, all of it, in BASE. False for another text, and beyond 2^120.
static bool parse_digits(const char *text, unsigned int base, wide_t *ret)
{
	wide_t value = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		const char *digits = "0123456789abcdef";
		const char *digit = strchr(digits, tolower((unsigned char)*text));
		if (!digit || digit - digits >= (ptrdiff_t)base || value >> 116)
			return false;
		value = value * base + (digit - digits);
	}
	*ret = value;
	return true;
}

// Parses an offset: decimal or hexadecimal.
static bool parse_offset(const char *text, wide_t *ret)
{
	const bool is_hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	return is_hexadecimal ? parse_digits(text + 2, 16, ret) : parse_digits(text, 10, ret);
}

static struct gg_error *not_address(const char *text, const char *value)
{
	return gg_error_create(GG_INVALID, "%s is not an address: it is %s, not 0 to 2^64 - 1",
			       text, value);
}

// Adds OFFSET to ADDRESS. GG_INVALID where the sum, which TEXT stands for, is no address.
static struct gg_error *add_offset(const char *text, gg_gva_t address, wide_t offset, gg_gva_t *ret)
{
	char value[40];
	const wide_t sum = (wide_t)address + offset, size = sum < 0 ? -sum : sum;
	const uint64_t high = (uint64_t)(size >> 64), low = (uint64_t)size;
	const char *sign = sum < 0 ? "-" : "";
	*ret = (gg_gva_t)sum;
	if (sum >= 0 && sum <= UINT64_MAX)
		return NULL;
	if (high)
		snprintf(value, sizeof(value), "%s0x%" PRIx64 "%016" PRIx64, sign, high, low);
	else
		snprintf(value, sizeof(value), "%s0x%" PRIx64, sign, low);
	return not_address(text, value);
}

// Makes an address of VALUE, decimal digits with or without "-". As in GDB -1 is the last address.
static struct gg_error *from_decimal(const char *text, const char *value, gg_gva_t *ret)
{
	wide_t number;
	const bool is_negative = *value == '-';
	if (!parse_digits(value + is_negative, 10, &number))
		return not_address(text, value);
	number = is_negative ? -number : number;
	*ret = (gg_gva_t)number;
	return number < INT64_MIN || number > UINT64_MAX ? not_address(text, value) : NULL;
}

// ---- Symbols ----

// Parses "SYMBOL", "SYMBOL+OFFSET", "SYMBOL-OFFSET", where SYMBOL may be "MODULE:NAME". False for another text. RET is the length of
// the symbol's name.
static bool parse_symbol(const char *text, size_t *ret, wide_t *offset)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.";
	static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_."
				     "0123456789$:";
	*offset = 0;
	if (!strspn(text, letters))
		return false;
	const size_t length = strspn(text, others);
	const char sign = text[length];
	if (sign && (!strchr("+-", sign) || !parse_offset(text + length + 1, offset)))
		return false;
	*offset = sign == '-' ? -*offset : *offset;
	*ret = length;
	return true;
}

// Finds the symbol that TEXT starts with; REASON is the reason where there is no such symbol.
static struct gg_error *find_symbol(struct gg_guest *guest, const struct gg_address_text *text,
				    const struct gg_notices *notices, struct gg_named_address *ret,
				    char **reason)
{
	size_t length;
	wide_t offset;
	if (!parse_symbol(text->text, &length, &offset))
		return NULL;
	_cleanup_free_ char *name = strndup(text->text, length);
	if (!name)
		return gg_enomem;
	struct gg_error *err = gg_guest_find_symbol(guest, name, text->cpu, notices, &ret->symbol);
	if (!err) {
		ret->name = no_cleanup_ptr(name);
		ret->symbol.name = ret->name;
		return add_offset(text->text, ret->symbol.address, offset, &ret->address);
	}
	if (gg_error_is_final(err) || gg_error_kind(err) == GG_INVALID)
		return err;
	*reason = strdup(gg_error_message(err));
	gg_error_destroy(err);
	return *reason ? NULL : gg_enomem;
}

// ---- Registers, for a front end that is no debugger ----

struct register_search {
	const char *name; // without "$" and "guest_"
	int64_t cpu;
	bool found;
	uint64_t value;
};

static struct gg_error *unknown_register(const struct register_search *search, const char *reason)
{
	return gg_error_create(GG_NOT_FOUND, "$%s of CPU %" PRId64 " is not known%s%s",
			       search->name, search->cpu, *reason ? ": " : "", reason);
}

static struct gg_error *find_register(void *data, const struct gg_cpu *cpu)
{
	struct register_search *search = data;
	if (cpu->index != search->cpu)
		return NULL;
	if (cpu->unknown[0])
		return unknown_register(search, cpu->unknown);
	search->found = true;
	if (!strcmp(search->name, "pc")) {
		search->value = cpu->pc;
		return cpu->no_pc ? unknown_register(search, cpu->origin) : NULL;
	}
	if (!strcmp(search->name, "sp")) {
		search->value = cpu->sp;
		return cpu->no_sp ? unknown_register(search, cpu->origin) : NULL;
	}
	for (size_t i = 0; i < cpu->register_count; i++) {
		const struct gg_register *reg = &cpu->registers[i];
		if (strcmp(reg->name, search->name) || reg->size > sizeof(reg->value))
			continue;
		search->value = reg->value;
		return reg->unknown ? unknown_register(search, "") : NULL;
	}
	return gg_error_create(GG_NOT_FOUND,
			       "CPU %" PRId64
			       " has no register $%s for an address; guest-regs -all "
			       "shows its registers",
			       search->cpu, search->name);
}

// Evaluates "NAME" and "guest_NAME", which are the CPU's.
static struct gg_error *evaluate_register(struct gg_guest *guest, const char *name, int64_t cpu,
					  uint64_t *ret)
{
	static const char prefix[] = "guest_";
	const bool has_prefix = !strncmp(name, prefix, strlen(prefix));
	struct register_search search = { .name = has_prefix ? name + strlen(prefix) : name,
					  .cpu = cpu };
	if (cpu == GG_KERNEL_TABLES)
		return gg_error_create(GG_INVALID,
				       "$%s is a CPU's register: -cpu N has that of CPU N", name);
	struct gg_error *err = gg_guest_cpus(guest, find_register, &search);
	if (!err && !search.found)
		err = gg_error_create(GG_NOT_FOUND, "there is no CPU %" PRId64, cpu);
	*ret = search.value;
	return err;
}

// Takes the offset, "+16" or "-0x10", from the end of TEXT.
static wide_t take_offset(char *text)
{
	wide_t offset;
	char *plus = strrchr(text, '+'), *minus = strrchr(text, '-');
	char *sign = plus > minus ? plus : minus;
	if (!sign || sign == text || !parse_offset(sign + 1, &offset))
		return 0;
	const bool negative = *sign == '-';
	*sign = 0;
	return negative ? -offset : offset;
}

static struct gg_error *evaluate_with_register(struct gg_guest *guest,
					       const struct gg_address_text *text, gg_gva_t *ret)
{
	uint64_t value = 0;
	_cleanup_free_ char *name = strdup(text->text + 1);
	if (!name)
		return gg_enomem;
	const wide_t offset = take_offset(name);
	struct gg_error *err = evaluate_register(guest, name, text->cpu, &value);
	return err ? err : add_offset(text->text, value, offset, ret);
}

// ---- Addresses ----

// REASON is the reason why TEXT is no symbol, or NULL.
static struct gg_error *evaluate_expression(const struct gg_address_text *text, const char *reason,
					    gg_gva_t *ret)
{
	const struct gg_front_end *front = text->front;
	_cleanup_free_ char *expected = NULL, *value = NULL;
	const int size =
		reason ? asprintf(&expected, "a symbol of the guest's kernel (%s), nor a number",
				  reason)
		       : asprintf(&expected, "a number");
	if (size < 0) {
		expected = NULL;
		return gg_enomem;
	}
	struct gg_error *err = front->evaluate(front->data, text->text, expected, &value);
	return err ? err : from_decimal(text->text, value, ret);
}

struct gg_error *gg_guest_evaluate(struct gg_guest *guest, const struct gg_address_text *text,
				   const struct gg_notices *notices, struct gg_named_address *ret)
{
	_cleanup_free_ char *reason = NULL;
	*ret = (struct gg_named_address){ 0 };
	struct gg_error *err = find_symbol(guest, text, notices, ret, &reason);
	if (!err && !ret->name)
		err = *text->text == '$' && !text->front->is_debugger
			      ? evaluate_with_register(guest, text, &ret->address)
			      : evaluate_expression(text, reason, &ret->address);
	if (err)
		gg_named_address_deinit(ret);
	return err;
}

void gg_named_address_deinit(struct gg_named_address *address)
{
	free(address->name);
	*address = (struct gg_named_address){ 0 };
}

// Makes "NAME+0xOFFSET", and " [MODULE]" behind it where the symbol is a module's.
static struct gg_error *offset_text(const char *name, uint64_t offset, const char *module,
				    char **ret)
{
	char digits[24] = "";
	if (offset)
		snprintf(digits, sizeof(digits), "+0x%" PRIx64, offset);
	const int size = asprintf(ret, "%s%s%s%s%s", name, digits, module ? " [" : "",
				  module ? module : "", module ? "]" : "");
	if (size >= 0)
		return NULL;
	*ret = NULL;
	return gg_enomem;
}

// The name that ASKED gives the symbol, without the module in front ("fuse:fuse_dev_read").
static const char *own_name(const struct gg_symbol *asked)
{
	const char *colon = asked->module ? strchr(asked->name, ':') : NULL;
	return colon ? colon + 1 : asked->name;
}

struct gg_error *gg_guest_symbol_text(struct gg_guest *guest, gg_gva_t address,
				      const struct gg_named_address *named,
				      const struct gg_notices *notices, char **ret)
{
	struct gg_symbol symbol;
	const struct gg_symbol *asked = named && named->name ? &named->symbol : NULL;
	*ret = NULL;
	struct gg_error *err = gg_guest_symbol_at(guest, address, &symbol);
	if (!err) {
		const bool is_asked = asked && asked->address == symbol.address;
		return offset_text(is_asked ? own_name(asked) : symbol.name,
				   address - symbol.address, symbol.module, ret);
	}
	if (gg_error_is_final(err))
		return err;
	const enum gg_error_kind kind = gg_error_kind(err);
	struct gg_error *told = NULL;
	// A CPU's own variable is not in the kernel's image.
	const uint64_t size = asked && asked->size ? asked->size : 1;
	if (asked && address - asked->address < size)
		told = offset_text(own_name(asked), address - asked->address, asked->module, ret);
	else if (kind != GG_NOT_FOUND && kind != GG_ABSENT)
		told = gg_tell(notices, "%s", gg_error_message(err));
	gg_error_destroy(err);
	return told;
}
