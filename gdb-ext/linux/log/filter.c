// SPDX-License-Identifier: GPL-3.0-or-later
#include "filter.h"
#include "base/vector.h"

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

// A record that may be context of one to come, with its text behind it.
struct gg_log_held {
	struct gg_log_held *next;
	struct gg_log_record *record;
};

// Takes the first of the held records, which the caller owns then.
static struct gg_log_record *take_held(struct gg_log_filter *filter)
{
	struct gg_log_held *held = filter->first_held;
	struct gg_log_record *record = held->record;
	filter->first_held = held->next;
	if (!filter->first_held)
		filter->end_held = &filter->first_held;
	filter->held_count--;
	free(held);
	return record;
}

struct gg_error *gg_log_filter_init(struct gg_log_filter *filter, const struct gg_log_query *query,
				    gg_visit_record_fn *visit, void *data)
{
	*filter = (struct gg_log_filter){ .query = query, .visit = visit, .data = data };
	filter->end_held = &filter->first_held;
	if (!query->pattern && (query->before || query->after))
		return gg_error_create(GG_INVALID, "context needs a pattern");
	return query->pattern ? compile(filter, query->pattern) : NULL;
}

void gg_log_filter_deinit(struct gg_log_filter *filter)
{
	if (filter->has_pattern)
		regfree(&filter->pattern);
	while (filter->first_held)
		free(take_held(filter));
	for (size_t i = 0; i < filter->held; i++)
		free(filter->newest[i]);
	free(filter->newest);
	gg_buffer_deinit(&filter->text);
	*filter = (struct gg_log_filter){ 0 };
}

// Tests whether the text, which may have NULs in it, has the pattern. A copy has a NUL at its end
// too: sanitizers look for that.
static struct gg_error *match(struct gg_log_filter *filter, const struct gg_log_record *record,
			      bool *ret)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)record->text_size };
	filter->text.size = 0;
	gg_buffer_append(&filter->text, record->text, record->text_size);
	gg_buffer_append(&filter->text, "", 1);
	struct gg_error *err = gg_buffer_check(&filter->text);
	*ret = !err && !regexec(&filter->pattern, (const char *)filter->text.bytes, 1, &range,
				REG_STARTEND);
	return err;
}

// A record whose time is not known is at none. UNTIL is as a record's time is printed, to a
// microsecond.
static bool is_within(const struct gg_log_query *query, const struct gg_log_record *record)
{
	enum { MICROSECOND = 1000 };
	if (!query->since.is_set && !query->until.is_set)
		return true;
	if (!(record->flags & GG_LOG_TIME) || record->time > INT64_MAX)
		return false;
	const int64_t time = (int64_t)record->time;
	return (!query->since.is_set || time >= query->since.time) &&
	       (!query->until.is_set || time / MICROSECOND <= query->until.time / MICROSECOND);
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
	return is_within(query, record);
}

// Copies RECORD to one block of memory, with the texts behind it.
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
	struct gg_error *err =
		gg_vector_grow(&filter->newest, filter->held, sizeof(*filter->newest));
	if (err)
		free(copy);
	else
		filter->newest[filter->held++] = copy;
	return err;
}

// Out with RECORD, or to the newest.
static struct gg_error *show(struct gg_log_filter *filter, const struct gg_log_record *record)
{
	struct gg_log_record shown = *record;
	const bool has_context = filter->query->before || filter->query->after;
	if (has_context && filter->is_apart && filter->shown)
		shown.flags |= GG_LOG_APART;
	filter->is_apart = false;
	filter->shown++;
	return filter->query->tail ? keep(filter, &shown) : filter->visit(filter->data, &shown);
}

// Leaves out the first of the held records; the next one bears what was lost before it.
static void drop_held(struct gg_log_filter *filter)
{
	struct gg_log_record *record = take_held(filter);
	if (filter->first_held) {
		filter->first_held->record->lost += record->lost;
		filter->first_held->record->flags &= ~(unsigned int)GG_LOG_JOINS;
	} else {
		filter->lost += record->lost;
	}
	filter->is_apart = true;
	free(record);
}

static struct gg_error *hold(struct gg_log_filter *filter, const struct gg_log_record *record)
{
	struct gg_log_held *held = calloc(1, sizeof(*held));
	struct gg_log_record *copy = held ? copy_record(record) : NULL;
	if (!copy) {
		free(held);
		return gg_enomem;
	}
	held->record = copy;
	*filter->end_held = held;
	filter->end_held = &held->next;
	if (++filter->held_count > filter->query->before)
		drop_held(filter);
	return NULL;
}

static struct gg_error *show_match(struct gg_log_filter *filter, const struct gg_log_record *record)
{
	struct gg_error *err = NULL;
	while (!err && filter->first_held) {
		struct gg_log_record *held = take_held(filter);
		err = show(filter, held);
		free(held);
	}
	filter->after_left = filter->query->after;
	return err ? err : show(filter, record);
}

// Tests whether the query selects RECORD, apart from its pattern.
static struct gg_error *choose(struct gg_log_filter *filter, const struct gg_log_record *record)
{
	bool is_match = true;
	struct gg_error *err = filter->has_pattern ? match(filter, record, &is_match) : NULL;
	if (err || is_match)
		return err ? err : show_match(filter, record);
	if (filter->after_left) {
		filter->after_left--;
		return show(filter, record);
	}
	if (filter->query->before)
		return hold(filter, record);
	filter->left_out = filter->is_apart = true;
	filter->lost = record->lost;
	return NULL;
}

struct gg_error *gg_log_filter_record(struct gg_log_filter *filter,
				      const struct gg_log_record *record)
{
	if (filter->query->since_clear && (record->flags & GG_LOG_CLEARED))
		return NULL;
	if (filter->query->since_clear && !filter->from->clear_known)
		return gg_error_create(GG_UNSUPPORTED,
				       "this kernel's last dmesg --clear is not known");
	struct gg_log_record passed = *record;
	passed.lost += filter->lost;
	filter->lost = passed.lost;
	// Nothing joins a record that is left out.
	if (filter->left_out)
		passed.flags &= ~(unsigned int)GG_LOG_JOINS;
	filter->left_out = !is_meant(filter, record);
	if (filter->left_out)
		return NULL;
	filter->lost = 0;
	return choose(filter, &passed);
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
