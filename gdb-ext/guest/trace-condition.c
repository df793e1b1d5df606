// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  what the user typed; calls.
// Out: whether a call meets the condition.
#include "trace-condition.h"
#include "arch/arch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS = 8, WORD = 160 };

enum comparison { EQUAL, NOT_EQUAL, LESS_EQUAL, GREATER_EQUAL, LESS, GREATER, NOT_ZERO };

static const char *const operators[] = { "==", "!=", "<=", ">=", "<", ">" };

struct term {
	char operand[WORD];
	bool has_mask;
	uint64_t mask;
	enum comparison comparison;
	char value[WORD]; // as it was typed
	bool is_number;
	bool is_quoted;
	uint64_t number;
};

struct gg_trace_condition {
	struct term terms[TERMS];
	size_t count;
};

// ---- Parsing ----

struct parser {
	const char *text, *at;
};

static struct gg_error *invalid(const struct parser *parser, const char *expected)
{
	const char *quote = *parser->at ? "\"" : "";
	return gg_error_create(GG_INVALID,
			       "-if: %s is missing at %s%s%s; a condition is an argument's name, "
			       "$REGISTER, pid, comm or cpu, then ==, !=, <, <=, >, >= or & and a "
			       "value; && joins more",
			       expected, quote, *parser->at ? parser->at : "the end", quote);
}

static void skip_blanks(struct parser *parser)
{
	while (isspace((unsigned char)*parser->at))
		parser->at++;
}

static bool is_value_character(char character)
{
	return character && !isspace((unsigned char)character) && !strchr("&=<>!\"'", character);
}

static bool is_name_character(char character)
{
	return isalnum((unsigned char)character) || character == '_' || character == '$' ||
	       character == '.';
}

// Copies the characters for which IS_PART holds.
static bool scan(struct parser *parser, bool (*is_part)(char), char ret[WORD])
{
	size_t size = 0;
	skip_blanks(parser);
	while (size < WORD - 1 && is_part(*parser->at))
		ret[size++] = *parser->at++;
	ret[size] = 0;
	return size && !is_part(*parser->at);
}

static bool to_number(const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	*ret = *text == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	return end != text && !*end && !errno;
}

static bool scan_quoted(struct parser *parser, char ret[WORD])
{
	const char quote = *parser->at++;
	const char *end = strchr(parser->at, quote);
	const size_t size = end ? (size_t)(end - parser->at) : 0;
	if (!end || size >= WORD)
		return false;
	memcpy(ret, parser->at, size);
	ret[size] = 0;
	parser->at = end + 1;
	return true;
}

static struct gg_error *scan_value(struct parser *parser, struct term *term)
{
	skip_blanks(parser);
	term->is_quoted = *parser->at == '"' || *parser->at == '\'';
	const bool is_there = term->is_quoted ? scan_quoted(parser, term->value)
					      : scan(parser, is_value_character, term->value);
	term->is_number = is_there && !term->is_quoted && to_number(term->value, &term->number);
	return is_there ? NULL : invalid(parser, "a value");
}

static bool scan_operator(struct parser *parser, enum comparison *ret)
{
	skip_blanks(parser);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (!strncmp(parser->at, operators[i], strlen(operators[i]))) {
			parser->at += strlen(operators[i]);
			*ret = (enum comparison)i;
			return true;
		}
	return false;
}

static bool is_joined(const struct parser *parser)
{
	return !strncmp(parser->at, "&&", 2);
}

static struct gg_error *scan_mask(struct parser *parser, struct term *term)
{
	char word[WORD];
	skip_blanks(parser);
	if (*parser->at != '&' || is_joined(parser))
		return NULL;
	parser->at++;
	term->has_mask = true;
	if (!scan(parser, is_value_character, word) || !to_number(word, &term->mask))
		return invalid(parser, "a number behind &");
	return NULL;
}

static struct gg_error *scan_term(struct parser *parser, struct term *term)
{
	if (!scan(parser, is_name_character, term->operand))
		return invalid(parser, "a name");
	struct gg_error *err = scan_mask(parser, term);
	if (err)
		return err;
	if (scan_operator(parser, &term->comparison))
		return scan_value(parser, term);
	term->comparison = NOT_ZERO;
	return term->has_mask ? NULL : invalid(parser, "an operator");
}

static struct gg_error *parse(struct parser *parser, struct gg_trace_condition *condition)
{
	for (;;) {
		if (condition->count == TERMS)
			return gg_error_create(GG_INVALID, "-if: more than %d terms", TERMS);
		struct gg_error *err = scan_term(parser, &condition->terms[condition->count++]);
		if (err)
			return err;
		skip_blanks(parser);
		if (!*parser->at)
			return NULL;
		if (!is_joined(parser))
			return invalid(parser, "&&");
		parser->at += 2;
	}
}

struct gg_error *gg_trace_condition_create(const char *text, struct gg_trace_condition **ret)
{
	struct parser parser = { text, text };
	struct gg_trace_condition *condition = calloc(1, sizeof(*condition));
	struct gg_error *err = condition ? parse(&parser, condition) : gg_enomem;
	if (err) {
		free(condition);
		return err;
	}
	*ret = condition;
	return NULL;
}

void gg_trace_condition_destroy(struct gg_trace_condition *condition)
{
	free(condition);
}

// ---- Operands ----

// Finds the argument NAME. Returns the count if there is no such argument.
static size_t find_parameter(const struct gg_trace_function *function, const char *name)
{
	size_t index = 0;
	while (index < function->parameter_count &&
	       strcmp(function->parameters[index].name, name) != 0)
		index++;
	return index;
}

// Finds the register NAME, "$rdi". Returns the count if there is no such register.
static size_t find_register(const struct gg_stub_calls *calls, const char *name)
{
	size_t index = 0;
	if (*name != '$')
		return calls->count;
	while (index < calls->count && strcmp(calls->arguments[index].name, name + 1) != 0)
		index++;
	return index;
}

static bool is_text(const struct term *term, const struct gg_trace_function *function)
{
	const size_t index = find_parameter(function, term->operand);
	if (index < function->parameter_count)
		return function->parameters[index].is_text && !term->is_number && !term->has_mask;
	return !strcmp(term->operand, "comm");
}

static struct gg_error *no_operand(const struct term *term,
				   const struct gg_trace_function *function)
{
	char names[256] = "";
	size_t size = 0;
	for (size_t i = 0; i < function->parameter_count && size < sizeof(names); i++)
		size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%s", i ? ", " : "",
					 function->parameters[i].name);
	return gg_error_create(GG_INVALID, "-if: %s has no argument \"%s\"; it has %s",
			       function->name, term->operand,
			       function->parameter_count ? names : "none");
}

static struct gg_error *check_operand(const struct term *term,
				      const struct gg_trace_function *function,
				      const struct gg_stub_calls *calls)
{
	const size_t index = find_parameter(function, term->operand);
	if (index < function->parameter_count)
		return function->parameters[index].is_placed
			       ? NULL
			       : gg_error_create(GG_INVALID,
						 "-if: the place of %s's argument %s is not known",
						 function->name, term->operand);
	if (!strcmp(term->operand, "pid") || !strcmp(term->operand, "comm") ||
	    !strcmp(term->operand, "cpu") || find_register(calls, term->operand) < calls->count)
		return NULL;
	return no_operand(term, function);
}

struct gg_error *gg_trace_condition_check(const struct gg_trace_condition *condition,
					  const struct gg_trace_function *function,
					  const struct gg_stub_calls *calls)
{
	for (size_t i = 0; i < condition->count; i++) {
		const struct term *term = &condition->terms[i];
		const bool is_compared = term->comparison <= NOT_EQUAL;
		struct gg_error *err = check_operand(term, function, calls);
		if (err)
			return err;
		if (is_text(term, function) && (!is_compared || term->has_mask))
			return gg_error_create(GG_INVALID,
					       "-if: %s is a text, which has == and != alone",
					       term->operand);
		if (!is_text(term, function) && term->comparison != NOT_ZERO && !term->is_number)
			return gg_error_create(GG_INVALID,
					       "-if: %s is compared with a number, not \"%s\"",
					       term->operand, term->value);
	}
	return NULL;
}

// ---- Calls ----

static uint64_t number_of(const struct term *term, const struct gg_trace_event *event,
			  const struct gg_stub_calls *calls, const uint64_t *registers,
			  bool *is_signed)
{
	const size_t index = find_parameter(event->function, term->operand);
	*is_signed = false;
	if (index < event->function->parameter_count) {
		*is_signed = event->function->parameters[index].type.is_signed;
		return event->values[index].number;
	}
	if (*term->operand == '$')
		return registers[find_register(calls, term->operand)];
	return strcmp(term->operand, "pid") ? event->cpu : (uint64_t)event->pid;
}

static bool compare(enum comparison comparison, uint64_t left, uint64_t right, bool is_signed)
{
	const int64_t signed_left = (int64_t)left, signed_right = (int64_t)right;
	const bool is_less = is_signed ? signed_left < signed_right : left < right;
	switch (comparison) {
	case EQUAL:
		return left == right;
	case NOT_EQUAL:
		return left != right;
	case LESS:
		return is_less;
	case LESS_EQUAL:
		return is_less || left == right;
	case GREATER:
		return !is_less && left != right;
	case GREATER_EQUAL:
		return !is_less;
	default:
		return left;
	}
}

static bool text_holds(const struct term *term, const struct gg_trace_event *event)
{
	const size_t index = find_parameter(event->function, term->operand);
	bool is_equal;
	if (index < event->function->parameter_count) {
		const struct gg_trace_value *value = &event->values[index];
		is_equal = value->has_text && !value->is_cut &&
			   value->size == strlen(term->value) &&
			   !memcmp(value->text, term->value, value->size);
	} else {
		is_equal = !strcmp(event->comm, term->value);
	}
	return is_equal == (term->comparison == EQUAL);
}

static bool term_holds(const struct term *term, const struct gg_trace_event *event,
		       const struct gg_stub_calls *calls, const uint64_t *registers)
{
	bool is_signed;
	if (is_text(term, event->function))
		return text_holds(term, event);
	uint64_t number = number_of(term, event, calls, registers, &is_signed);
	if (term->has_mask)
		number &= term->mask;
	return compare(term->comparison, number, term->number, is_signed && !term->has_mask);
}

bool gg_trace_condition_lacks_text(const struct gg_trace_condition *condition,
				   const struct gg_trace_event *event)
{
	for (size_t i = 0; condition && i < condition->count; i++) {
		const struct term *term = &condition->terms[i];
		const size_t index = find_parameter(event->function, term->operand);
		if (index == event->function->parameter_count || !is_text(term, event->function))
			continue;
		const struct gg_trace_value *value = &event->values[index];
		const bool is_part = value->is_cut && value->size < GG_TRACE_TEXT;
		if (value->number && (!value->has_text || is_part))
			return true;
	}
	return false;
}

bool gg_trace_condition_holds(const struct gg_trace_condition *condition,
			      const struct gg_trace_event *event, const struct gg_stub_calls *calls,
			      const uint64_t *registers)
{
	for (size_t i = 0; condition && i < condition->count; i++)
		if (!term_holds(&condition->terms[i], event, calls, registers))
			return false;
	return true;
}
