// SPDX-License-Identifier: GPL-3.0-or-later
#include "cpu-list.h"
#include "base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// A range of CPUs; a number beyond 64 bits is UINT64_MAX.
struct range {
	uint64_t first, last;
	const char *first_text, *last_text; // their digits, in the list's text
};

// Parses the digits at *TEXT, and moves *TEXT behind them. False where there are none.
static bool parse_number(const char **text, uint64_t *ret, const char **digits)
{
	const char *end = *text + strspn(*text, "0123456789");
	if (end == *text)
		return false;
	while (**text == '0' && *text + 1 < end)
		++*text;
	*digits = *text;
	*ret = 0;
	for (; *text < end; ++*text) {
		const unsigned int digit = (unsigned int)(**text - '0');
		if (__builtin_mul_overflow(*ret, 10, ret) ||
		    __builtin_add_overflow(*ret, digit, ret)) {
			*ret = UINT64_MAX;
			break;
		}
	}
	*text = end;
	return true;
}

// Parses the range at *TEXT, and moves *TEXT behind it and a comma.
static bool parse_range(const char **text, struct range *ret)
{
	if (!parse_number(text, &ret->first, &ret->first_text))
		return false;
	ret->last = ret->first;
	ret->last_text = ret->first_text;
	if (**text == '-') {
		++*text;
		if (!parse_number(text, &ret->last, &ret->last_text))
			return false;
	}
	if (**text == ',' && (*text)[1])
		++*text;
	else if (**text)
		return false;
	return ret->first <= ret->last;
}

static int compare(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Appends the ascending INDICES as "0-3,8".
static void append_ranges(struct gg_buffer *text, const uint32_t *indices, size_t count)
{
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && indices[next] == indices[next - 1] + 1;)
			next++;
		gg_buffer_format(text, "%s%" PRIu32, i ? "," : "", indices[i]);
		if (next - i > 1)
			gg_buffer_format(text, "-%" PRIu32, indices[next - 1]);
	}
}

static struct gg_error *no_cpu(const struct gg_qemu_cpus *cpus, const char *digits)
{
	struct gg_buffer text = { 0 };
	uint32_t *sorted = calloc(cpus->count + 1, sizeof(*sorted));
	if (!sorted)
		return gg_enomem;
	for (size_t i = 0; i < cpus->count; i++)
		sorted[i] = cpus->cpus[i].index;
	qsort(sorted, cpus->count, sizeof(*sorted), compare);
	append_ranges(&text, sorted, cpus->count);
	gg_buffer_append(&text, "", 1);
	struct gg_error *err = gg_buffer_check(&text);
	if (!err)
		err = gg_error_create(GG_NOT_FOUND, "-cpu: there is no CPU %.*s; there are %s",
				      (int)strspn(digits, "0123456789"), digits,
				      (const char *)text.bytes);
	gg_buffer_deinit(&text);
	free(sorted);
	return err;
}

static bool has_cpu(const struct gg_qemu_cpus *cpus, uint64_t index)
{
	for (size_t i = 0; i < cpus->count; i++)
		if (cpus->cpus[i].index == index)
			return true;
	return false;
}

static void add_cpu(struct gg_cpu_list *list, uint32_t index)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->indices[i] == index)
			return;
	list->indices[list->count++] = index;
}

// Adds the CPUs of RANGE, in QEMU's order.
static struct gg_error *add_range(const struct gg_qemu_cpus *cpus, const struct range *range,
				  struct gg_cpu_list *list)
{
	if (!has_cpu(cpus, range->first))
		return no_cpu(cpus, range->first_text);
	if (!has_cpu(cpus, range->last))
		return no_cpu(cpus, range->last_text);
	for (size_t i = 0; i < cpus->count; i++)
		if (cpus->cpus[i].index >= range->first && cpus->cpus[i].index <= range->last)
			add_cpu(list, cpus->cpus[i].index);
	return NULL;
}

static struct gg_error *check_syntax(const char *text)
{
	const char *at = text;
	struct range range;
	do
		if (!parse_range(&at, &range))
			return gg_error_create(
				GG_INVALID, "-cpu: \"%s\" is not N, N-M or a list of these", text);
	while (*at);
	return NULL;
}

static struct gg_error *choose(const struct gg_qemu_cpus *cpus, const char *text,
			       struct gg_cpu_list *list)
{
	struct range range;
	struct gg_error *err = text ? check_syntax(text) : NULL;
	for (size_t i = 0; !text && i < cpus->count; i++)
		add_cpu(list, cpus->cpus[i].index);
	while (!err && text && *text) {
		parse_range(&text, &range);
		err = add_range(cpus, &range, list);
	}
	return err;
}

struct gg_error *gg_cpu_list_create(struct gg_guest *guest, const char *text,
				    struct gg_cpu_list *ret)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_list list = { 0 };
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (err)
		return err;
	list.indices = calloc(cpus->count + 1, sizeof(*list.indices));
	if (!list.indices)
		return gg_enomem;
	err = choose(cpus, text, &list);
	if (err)
		gg_cpu_list_deinit(&list);
	*ret = list;
	return err;
}

void gg_cpu_list_deinit(struct gg_cpu_list *list)
{
	free(list->indices);
	*list = (struct gg_cpu_list){ 0 };
}
