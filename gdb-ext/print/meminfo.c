// SPDX-License-Identifier: GPL-3.0-or-later
//
// The use of memory as text, in kB as in the guest's /proc, and as JSON, in bytes.
#include "base/json.h"
#include "guest/meminfo.h"
#include "pages.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024 };

static const char *const keys[] = {
#define X(item, key) [GG_MEMORY_##item] = (key),
	GG_MEMORY_ITEMS(X)
#undef X
};

// ---- The whole ----

static void append_item(struct gg_buffer *out, const struct gg_meminfo *info,
			enum gg_memory_item item)
{
	char label[32];
	snprintf(label, sizeof(label), "%s", keys[item]);
	for (char *c = label; *c; c++)
		*c = *c == '_' ? ' ' : *c;
	if (!info->is_known[item]) {
		gg_buffer_format(out, "%-20s %12s\n", label, "?");
		return;
	}
	const uint64_t total = info->bytes[GG_MEMORY_TOTAL];
	const bool is_part = info->is_known[GG_MEMORY_TOTAL] && total && item != GG_MEMORY_TOTAL &&
			     item < GG_MEMORY_SWAP_TOTAL;
	gg_buffer_format(out, "%-20s %12" PRIu64, label, info->bytes[item] / KIB);
	if (is_part)
		gg_buffer_format(out, " %4.0f%%", 100 * (double)info->bytes[item] / (double)total);
	gg_buffer_format(out, "\n");
}

static void append_items_json(struct gg_buffer *out, const struct gg_meminfo *info)
{
	gg_json_open_object(out, NULL);
	for (size_t i = 0; i < GG_MEMORY_COUNT; i++) {
		if (info->is_known[i])
			gg_json_uint(out, keys[i], info->bytes[i]);
		else
			gg_json_null(out, keys[i]);
	}
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *print_whole(struct gg_guest *guest,
				    const struct gg_meminfo_options *options,
				    const struct gg_notices *notices, struct gg_buffer *out)
{
	struct gg_meminfo info;
	struct gg_error *err = gg_guest_meminfo(guest, notices, &info);
	if (err)
		return err;
	if (options->json) {
		append_items_json(out, &info);
		return NULL;
	}
	gg_buffer_format(out, "%-20s %12s\n", "", "kB");
	for (unsigned int i = 0; i < GG_MEMORY_COUNT; i++)
		append_item(out, &info, (enum gg_memory_item)i);
	return NULL;
}

// ---- Zones ----

static void append_zone(struct gg_buffer *out, const struct gg_zone *zone)
{
	gg_buffer_format(out,
			 "%4" PRIu32 " %-8s %12" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
			 " %12" PRIu64 " %12" PRIu64 "\n",
			 zone->node, zone->name, zone->free / KIB, zone->min / KIB, zone->low / KIB,
			 zone->high / KIB, zone->managed / KIB, zone->present / KIB);
}

static void append_zone_json(struct gg_buffer *out, const struct gg_zone *zone)
{
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "node", zone->node);
	gg_json_string(out, "zone", zone->name);
	gg_json_uint(out, "free", zone->free);
	gg_json_uint(out, "min", zone->min);
	gg_json_uint(out, "low", zone->low);
	gg_json_uint(out, "high", zone->high);
	gg_json_uint(out, "managed", zone->managed);
	gg_json_uint(out, "present", zone->present);
	gg_json_uint(out, "spanned", zone->spanned);
	gg_json_address(out, "start", zone->start);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *print_zones(struct gg_guest *guest,
				    const struct gg_meminfo_options *options,
				    const struct gg_notices *notices, struct gg_buffer *out)
{
	struct gg_zone *zones = NULL;
	size_t count = 0;
	struct gg_error *err = gg_guest_zones(guest, notices, &zones, &count);
	if (err)
		return err;
	if (!options->json)
		gg_buffer_format(out, "NODE ZONE      FREE (kB)       MIN       LOW      HIGH"
				      "      MANAGED      PRESENT\n");
	for (size_t i = 0; i < count; i++)
		(options->json ? append_zone_json : append_zone)(out, &zones[i]);
	free(zones);
	return NULL;
}

// ---- Slab caches ----

static void append_cache(struct gg_buffer *out, const struct gg_slab_cache *cache)
{
	gg_buffer_format(out, "%-28s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %12" PRIu64 "\n",
			 cache->name, cache->objects, cache->object_size, cache->slabs,
			 cache->bytes / KIB);
}

static void append_cache_json(struct gg_buffer *out, const struct gg_slab_cache *cache)
{
	gg_json_open_object(out, NULL);
	gg_json_string(out, "name", cache->name);
	gg_json_uint(out, "objects", cache->objects);
	gg_json_uint(out, "object_size", cache->object_size);
	gg_json_uint(out, "size", cache->size);
	gg_json_uint(out, "slabs", cache->slabs);
	gg_json_uint(out, "bytes", cache->bytes);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// Returns how many of COUNT are shown.
static size_t count_shown(const struct gg_meminfo_options *options, size_t count)
{
	return options->top && options->top < count ? (size_t)options->top : count;
}

static struct gg_error *print_slabs(struct gg_guest *guest,
				    const struct gg_meminfo_options *options,
				    const struct gg_notices *notices, struct gg_buffer *out)
{
	struct gg_slab_caches caches;
	struct gg_error *err = gg_guest_slab_caches(guest, notices, &caches);
	if (err)
		return err;
	if (!options->json)
		gg_buffer_format(out, "SLAB CACHE                     OBJECTS      SIZE     SLABS"
				      "   TOTAL (kB)\n");
	for (size_t i = 0; i < count_shown(options, caches.count); i++)
		(options->json ? append_cache_json : append_cache)(out, &caches.caches[i]);
	gg_slab_caches_deinit(&caches);
	return NULL;
}

// ---- Tasks ----

static void append_task(struct gg_buffer *out, const struct gg_task_row *row)
{
	gg_buffer_format(out, "%7" PRId32 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " ",
			 row->task->pid, row->mm.rss / KIB, row->mm.swap / KIB, row->mm.vsz / KIB);
	gg_append_name(out, row->task->name);
	gg_buffer_format(out, "\n");
}

static void append_task_json(struct gg_buffer *out, const struct gg_task_row *row)
{
	gg_json_open_object(out, NULL);
	gg_json_format(out, "pid", "%" PRId32, row->task->pid);
	gg_json_string(out, "comm", row->task->name);
	gg_json_uint(out, "rss", row->mm.rss);
	gg_json_uint(out, "swap", row->mm.swap);
	gg_json_uint(out, "vsz", row->mm.vsz);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *print_tasks(struct gg_guest *guest,
				    const struct gg_meminfo_options *options,
				    const struct gg_notices *notices, struct gg_buffer *out)
{
	const struct gg_task_query query = { .user_only = true, .order = GG_BY_MEMORY };
	struct gg_task_list list;
	struct gg_error *err = gg_guest_task_list(guest, &query, notices, &list);
	if (err)
		return err;
	if (!options->json)
		gg_buffer_format(out, "    PID     RSS (kB)         SWAP          VSZ COMMAND\n");
	size_t shown = 0;
	for (size_t i = 0; i < list.count && shown < count_shown(options, list.count); i++) {
		if (!list.rows[i].has_mm)
			continue;
		(options->json ? append_task_json : append_task)(out, &list.rows[i]);
		shown++;
	}
	gg_task_list_deinit(&list);
	return NULL;
}

struct gg_error *gg_print_meminfo(struct gg_guest *guest, const struct gg_meminfo_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
	struct gg_error *err = options->zones   ? print_zones(guest, options, notices, &out)
			       : options->slabs ? print_slabs(guest, options, notices, &out)
			       : options->tasks ? print_tasks(guest, options, notices, &out)
			       : options->pages ? gg_append_pages(guest, options, notices, &out)
						: print_whole(guest, options, notices, &out);
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option mem_options[] = {
	{ .name = "zones",
	  .kind = GG_VALUE_FLAG,
	  .help = "The memory of each node's zones: free, the watermarks, managed." },
	{ .name = "slabs",
	  .kind = GG_VALUE_FLAG,
	  .help = "The biggest slab caches: objects, their size, slabs." },
	{ .name = "tasks",
	  .kind = GG_VALUE_FLAG,
	  .help = "The tasks with the most resident memory." },
	{ .name = "pages",
	  .kind = GG_VALUE_FLAG,
	  .help = "The pages by kind, as makedumpfile sees them, and the pages that a dump of\n"
		  "    each level leaves." },
	{ .name = "zeros",
	  .kind = GG_VALUE_FLAG,
	  .needs = "pages",
	  .help = "With -pages, count pages of zeros: all memory is read." },
	{ .name = "top",
	  .kind = GG_VALUE_INTEGER,
	  .high = UINT32_MAX,
	  .help = "At most N slab caches or tasks (10), all for 0." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object, or one for each zone, slab cache or task on a line of its\n"
		  "    own.  Sizes are in bytes." },
	{ 0 }
};

const struct gg_command gg_command_mem = {
	.name = "mem",
	.gdb_name = "guest-mem",
	.summary = "Show what the guest's memory is used for, as free in the guest would.",
	.targets = GG_ALL_TARGETS,
	.help = "The values are those of the kernel's /proc/meminfo, in kB, and their part\n"
		"of the whole; a question mark stands for what this kernel does not count.",
	.options = mem_options,
	.run = gg_run_mem,
};
