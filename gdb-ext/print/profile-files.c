// SPDX-License-Identifier: GPL-3.0-or-later
//
// A profile as text for other programs: folded stacks (flamegraph.pl, speedscope, inferno), and the output of
// "perf script" (stackcollapse-perf.pl, Firefox's profiler).
#include "profile.h"
#include "base/vector.h"
#include "flame.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_place_name(struct gg_guest *guest, gg_gva_t pc, bool is_exact,
			       struct gg_symbol *symbol, char ret[GG_PLACE_NAME])
{
	*symbol = (struct gg_symbol){ 0 };
	struct gg_error *err = gg_guest_symbol_at(guest, pc - !is_exact, symbol);
	if (err)
		snprintf(ret, GG_PLACE_NAME, "0x%" PRIx64, pc);
	else if (symbol->module)
		snprintf(ret, GG_PLACE_NAME, "%s [%s]", symbol->name, symbol->module);
	else
		snprintf(ret, GG_PLACE_NAME, "%s", symbol->name);
	return gg_error_unless_final(err);
}

// Appends a task's name, which is any bytes at all: what separates fields, and what is not printable, is "_".
static void append_comm(struct gg_buffer *out, const char *comm)
{
	if (!*comm)
		gg_buffer_format(out, "_");
	for (; *comm; comm++) {
		const bool is_plain = *comm > ' ' && *comm <= '~' && *comm != ';';
		gg_buffer_append(out, is_plain ? comm : "_", 1);
	}
}

// ---- Folded stacks ----

// Appends the sample's stack; a program's place is its address, or "(user)" without ADDRESSES, where callers in the
// program are left out too.
static struct gg_error *append_stack(struct gg_guest *guest, const struct gg_sample *sample,
				     bool addresses, struct gg_buffer *out)
{
	const struct gg_profile_frame only = { sample->pc, true };
	const struct gg_profile_frame *frames = sample->frames ? sample->frames : &only;
	const size_t count = sample->frames ? sample->frame_count : 1;
	struct gg_error *err = NULL;
	append_comm(out, sample->comm);
	if (sample->user_pc && addresses)
		gg_buffer_format(out, ";0x%" PRIx64, sample->user_pc);
	for (size_t i = count; !err && i-- > 0;) {
		struct gg_symbol symbol;
		char name[GG_PLACE_NAME];
		if (sample->is_user && addresses)
			snprintf(name, sizeof(name), "0x%" PRIx64, frames[i].pc);
		else if (sample->is_user)
			snprintf(name, sizeof(name), "(user)");
		else
			err = gg_place_name(guest, frames[i].pc, frames[i].is_exact, &symbol, name);
		gg_buffer_format(out, ";%s", name);
	}
	gg_buffer_zeros(out, 1);
	return err;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Appends each of the COUNT sorted TEXTS once, with the number of its equals.
static void append_counted(struct gg_buffer *out, char *const *texts, size_t count)
{
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i; next < count && !strcmp(texts[i], texts[next]); next++)
			;
		gg_buffer_format(out, "%s %zu\n", texts[i], next - i);
	}
}

static struct gg_error *append_folded(struct gg_guest *guest, const struct gg_profile *profile,
				      bool addresses, struct gg_buffer *out)
{
	struct gg_error *err = NULL;
	char **texts = calloc(profile->count + 1, sizeof(*texts));
	size_t count = 0;
	if (!texts)
		return gg_enomem;
	for (size_t i = 0; !err && i < profile->count; i++) {
		struct gg_buffer text = { 0 };
		if (profile->samples[i].is_idle)
			continue;
		err = append_stack(guest, &profile->samples[i], addresses, &text);
		if (!err)
			err = gg_buffer_check(&text);
		if (err)
			gg_buffer_deinit(&text);
		else
			texts[count++] = (char *)text.bytes;
	}
	if (!err && count) {
		qsort(texts, count, sizeof(*texts), compare_texts);
		append_counted(out, texts, count);
	}
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
	return err;
}

struct gg_error *gg_profile_append_folded(struct gg_guest *guest, const struct gg_profile *profile,
					  struct gg_buffer *out)
{
	return append_folded(guest, profile, true, out);
}

// ---- Flame graph ----

struct gg_error *gg_profile_append_flame(struct gg_guest *guest, const struct gg_profile *profile,
					 struct gg_buffer *out)
{
	static const double NANOSECONDS = 1e9, PERCENT = 100;
	char title[160];
	struct gg_buffer folded = { 0 };
	const size_t cpus = profile->rounds ? profile->count / profile->rounds : 0;
	const double count = profile->count ? (double)profile->count : 1;
	snprintf(title, sizeof(title),
		 "%zu samples of %zu CPU%s in %.1f s; idle, left out: %.1f %%", profile->count,
		 cpus, gg_plural(cpus), (double)profile->elapsed / NANOSECONDS,
		 PERCENT * (double)profile->idle / count);
	struct gg_error *err = append_folded(guest, profile, false, &folded);
	if (!err)
		err = gg_flame_append((const char *)folded.bytes, folded.size, title, out);
	gg_buffer_deinit(&folded);
	return err;
}

// ---- perf script ----

static struct gg_error *append_frame(struct gg_guest *guest, gg_gva_t pc, bool is_exact,
				     bool is_user, struct gg_buffer *out)
{
	struct gg_symbol symbol = { 0 };
	char name[GG_PLACE_NAME];
	struct gg_error *err = is_user ? NULL : gg_place_name(guest, pc, is_exact, &symbol, name);
	gg_buffer_format(out, "\t%16" PRIx64 " ", pc);
	if (symbol.name)
		gg_buffer_format(out, "%s+0x%" PRIx64 " ([%s])\n", symbol.name, pc - symbol.address,
				 symbol.module ? symbol.module : "kernel.kallsyms");
	else
		gg_buffer_format(out, "[unknown] ([%s])\n",
				 is_user ? "unknown" : "kernel.kallsyms");
	return err;
}

struct gg_error *gg_profile_append_perf(struct gg_guest *guest, const struct gg_profile *profile,
					struct gg_buffer *out)
{
	enum { MICROSECOND = 1000, SECOND = 1000000 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < profile->count; i++) {
		const struct gg_sample *sample = &profile->samples[i];
		const uint64_t time = sample->time / MICROSECOND;
		append_comm(out, sample->comm);
		gg_buffer_format(out,
				 " %5" PRId32 " [%03" PRIu32 "] %" PRIu64 ".%06" PRIu64
				 ": 1 cpu-clock: \n",
				 sample->pid, sample->cpu, time / SECOND, time % SECOND);
		if (!sample->frames)
			err = append_frame(guest, sample->pc, true, sample->is_user, out);
		for (size_t frame = 0; !err && frame < sample->frame_count; frame++)
			err = append_frame(guest, sample->frames[frame].pc,
					   sample->frames[frame].is_exact, false, out);
		if (!err && sample->user_pc)
			err = append_frame(guest, sample->user_pc, true, true, out);
		gg_buffer_format(out, "\n");
	}
	return err;
}
