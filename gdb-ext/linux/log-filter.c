// SPDX-License-Identifier: GPL-3.0-or-later
#include "log-filter.h"

#include <stdlib.h>
#include <string.h>

static struct gg_error *compile(struct gg_log_filter *filter, const char *pattern)
{
	char reason[128];
	int status = regcomp(&filter->pattern, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	if (!status) {
		filter->has_pattern = true;
		return NULL;
	}
	regerror(status, &filter->pattern, reason, sizeof(reason));
	return gg_error_create(GG_INVALID, "%s is not a regular expression: %s", pattern, reason);
}

struct gg_error *gg_log_filter_init(struct gg_log_filter *filter, const struct gg_log_query *query,
				    struct gg_error *(*visit)(void *data,
							      const struct gg_log_record *record),
				    void *data)
{
	*filter = (struct gg_log_filter){ .query = query, .visit = visit, .data = data };
	return query->pattern ? compile(filter, query->pattern) : NULL;
}

void gg_log_filter_deinit(struct gg_log_filter *filter)
{
	if (filter->has_pattern)
		regfree(&filter->pattern);
	for (size_t i = 0; i < filter->held; i++)
		free(filter->newest[i]);
	free(filter->newest);
	*filter = (struct gg_log_filter){ 0 };
}

static bool matches(const struct gg_log_filter *filter, const struct gg_log_record *record)
{
	regmatch_t text = { .rm_so = 0, .rm_eo = (regoff_t)record->text_size };
	return !regexec(&filter->pattern, record->text ? record->text : "", 1, &text, REG_STARTEND);
}

// A record whose level is not known is of none.
static bool is_meant(const struct gg_log_filter *filter, const struct gg_log_record *record)
{
	const struct gg_log_query *query = filter->query;
	const bool has_level = record->flags & GG_LOG_LEVEL;
	if (query->levels && !(has_level && query->levels >> record->level & 1))
		return false;
	if (query->facilities &&
	    !(has_level && record->facility < 32 && query->facilities >> record->facility & 1))
		return false;
	return !filter->has_pattern || matches(filter, record);
}

// One block of memory, with the texts behind the record.
static struct gg_log_record *copy_record(const struct gg_log_record *record)
{
	struct gg_log_record *copy = malloc(sizeof(*copy) + record->text_size + record->dict_size);
	if (!copy)
		return NULL;
	char *text = (char *)(copy + 1), *dict = text + record->text_size;
	*copy = *record;
	if (record->text_size)
		memcpy(text, record->text, record->text_size);
	if (record->dict_size)
		memcpy(dict, record->dict, record->dict_size);
	copy->text = text;
	copy->dict = dict;
	return copy;
}

static bool make_room(struct gg_log_filter *filter)
{
	enum { FIRST = 64 };
	if (filter->held < filter->capacity)
		return true;
	const size_t capacity = filter->capacity ? 2 * filter->capacity : FIRST;
	struct gg_log_record **newest = reallocarray(filter->newest, capacity, sizeof(*newest));
	if (!newest)
		return false;
	filter->newest = newest;
	filter->capacity = capacity;
	return true;
}

static struct gg_error *keep(struct gg_log_filter *filter, const struct gg_log_record *record)
{
	struct gg_log_record *copy = copy_record(record);
	if (!copy)
		return gg_enomem;
	if (filter->held == filter->query->tail) {
		free(filter->newest[filter->next]);
		filter->newest[filter->next] = copy;
		filter->next = (filter->next + 1) % filter->held;
		return NULL;
	}
	if (!make_room(filter)) {
		free(copy);
		return gg_enomem;
	}
	filter->newest[filter->held++] = copy;
	return NULL;
}

struct gg_error *gg_log_filter_record(struct gg_log_filter *filter,
				      const struct gg_log_record *record)
{
	if (filter->query->since_clear && (record->flags & GG_LOG_CLEARED))
		return NULL;
	if (filter->query->since_clear && !filter->from->clear_known)
		return gg_error_create(GG_UNSUPPORTED,
				       "when the log was last cleared is not known of this kernel");
	struct gg_log_record passed = *record;
	passed.lost += filter->lost;
	filter->lost = passed.lost;
	// What is left out is joined by nothing.
	if (filter->left_out)
		passed.flags &= ~(unsigned int)GG_LOG_JOINS;
	filter->left_out = !is_meant(filter, record);
	if (filter->left_out)
		return NULL;
	filter->lost = 0;
	return filter->query->tail ? keep(filter, &passed) : filter->visit(filter->data, &passed);
}

struct gg_error *gg_log_filter_end(struct gg_log_filter *filter)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < filter->held; i++) {
		const size_t index = (filter->next + i) % filter->held;
		err = filter->visit(filter->data, filter->newest[index]);
	}
	return err;
}
