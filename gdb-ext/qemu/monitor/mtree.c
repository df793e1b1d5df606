// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the texts of "info mtree -f" and "info memory-devices", the same from v5.2 to v11.1 but for
//      a " KVM" behind the names of KVM's own ranges.
// Out: the ranges that QEMU's own dump holds (softmmu/memory_mapping.c,
//      guest_phys_block_add_section).
// Trusts nothing it reads: lines are bounded, ranges ascend.
#include "mtree.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LINE = 1024, MAX_DEVICES = 4096 };

// Calls VISIT with each line, without its end. VISIT ends it with an error, or sets ENDED.
struct lines {
	const char *rest;
	char line[MAX_LINE];
};

static bool next_line(struct lines *lines)
{
	if (!*lines->rest)
		return false;
	const size_t length = strcspn(lines->rest, "\r\n");
	const size_t kept = length < MAX_LINE ? length : MAX_LINE - 1;
	memcpy(lines->line, lines->rest, kept);
	lines->line[kept] = 0;
	lines->rest += length;
	lines->rest += strspn(lines->rest, "\r");
	lines->rest += *lines->rest == '\n';
	return true;
}

// ---- Memory devices ----

// Parses the number behind "  NAME: " in LINE.
static bool read_field(const char *line, const char *name, uint64_t *ret)
{
	line += strspn(line, " ");
	const size_t length = strlen(name);
	if (strncmp(line, name, length) || line[length] != ':')
		return false;
	char *end;
	const char *digits = line + length + 1;
	*ret = strtoull(digits, &end, 0);
	return end != digits;
}

static struct gg_error *add_device(struct gg_memory_devices *devices)
{
	if (devices->count == MAX_DEVICES)
		return gg_error_create(GG_BAD_DATA, "more than %d memory devices", MAX_DEVICES);
	struct gg_error *err =
		gg_vector_grow(&devices->devices, devices->count, sizeof(*devices->devices));
	if (err)
		return err;
	devices->devices[devices->count++] = (struct gg_virtio_mem){ 0 };
	return NULL;
}

struct gg_error *gg_memory_devices_read(const char *text, struct gg_memory_devices *ret)
{
	static const char heading[] = "Memory device [";
	struct lines lines = { .rest = text ? text : "" };
	struct gg_virtio_mem *device = NULL;
	*ret = (struct gg_memory_devices){ 0 };
	while (next_line(&lines)) {
		if (!strncmp(lines.line, heading, strlen(heading))) {
			device = NULL;
			if (strncmp(lines.line + strlen(heading), "virtio-mem]", 11))
				continue;
			struct gg_error *err = add_device(ret);
			if (err)
				return err;
			device = &ret->devices[ret->count - 1];
		}
		if (device && !read_field(lines.line, "memaddr", &device->start) &&
		    !read_field(lines.line, "max-size", &device->max_size))
			read_field(lines.line, "size", &device->plugged);
	}
	return NULL;
}

void gg_memory_devices_deinit(struct gg_memory_devices *devices)
{
	free(devices->devices);
	*devices = (struct gg_memory_devices){ 0 };
}

static bool is_unplugged(const struct gg_memory_devices *devices, uint64_t start)
{
	for (size_t i = 0; i < devices->count; i++)
		if (!devices->devices[i].plugged &&
		    start - devices->devices[i].start < devices->devices[i].max_size)
			return true;
	return false;
}

// ---- The memory map ----

// A line of a FlatView: "  START-LAST (prio N, TYPE): NAME[ @OFFSET]".
struct flat_line {
	uint64_t start, last, offset;
	const char *type, *name; // in the line, which is cut up
};

static bool take_hex(const char **at, uint64_t *ret)
{
	char *end;
	if (strspn(*at, "0123456789abcdefABCDEF") == 0)
		return false;
	*ret = strtoull(*at, &end, 16);
	*at = end;
	return true;
}

// Cuts " @OFFSET" off the end of NAME.
static void take_offset(char *name, uint64_t *ret)
{
	enum { DIGITS = 16 };
	const size_t length = strlen(name);
	*ret = 0;
	if (length < DIGITS + 2)
		return;
	char *at = name + length - DIGITS - 2;
	const char *digits = at + 2;
	if (memcmp(at, " @", 2) || strspn(digits, "0123456789abcdef") != DIGITS)
		return;
	*ret = strtoull(digits, NULL, 16);
	*at = 0;
}

static bool parse_flat_line(char *line, struct flat_line *ret)
{
	const char *at = line + strspn(line, " ");
	if (!take_hex(&at, &ret->start) || *at++ != '-' || !take_hex(&at, &ret->last) ||
	    strncmp(at, " (prio ", 7))
		return false;
	char *type = strchr(line, ',');
	char *end = type ? strstr(type, "): ") : NULL;
	if (!end || type[1] != ' ' || ret->last < ret->start)
		return false;
	*end = 0;
	ret->type = type + 2;

	static const char accelerated[] = " KVM";
	char *name = end + 3;
	const size_t length = strlen(name);
	if (length > strlen(accelerated) &&
	    !strcmp(name + length - strlen(accelerated), accelerated))
		name[length - strlen(accelerated)] = 0;
	take_offset(name, &ret->offset);
	ret->name = name;
	return true;
}

// Tests whether QEMU's dump has ranges of this type: neither devices' memory ("ramd"), nor
// non-volatile ("nv-ram"), nor flash ("romd").
static bool is_dumped(const struct flat_line *line)
{
	return !strcmp(line->type, "ram") || !strcmp(line->type, "rom");
}

static struct gg_error *add_line(const struct flat_line *line,
				 const struct gg_memory_devices *devices, struct gg_qemu_ram *ram)
{
	const struct gg_qemu_range *last = ram->count ? &ram->ranges[ram->count - 1] : NULL;
	const struct gg_qemu_range range = { .start = line->start,
					     .size = line->last - line->start + 1,
					     .hva = line->start,
					     .offset = line->offset };
	if (!is_dumped(line) || is_unplugged(devices, line->start))
		return NULL;
	if (!range.size || (last && line->start - last->start < last->size) ||
	    (last && line->start < last->start))
		return gg_error_create(GG_BAD_DATA, "the range at 0x%" PRIx64 " is out of order",
				       line->start);
	_cleanup_free_ char *name = gg_text_escape(line->name);
	return name ? gg_qemu_ram_add(ram, &range, name) : gg_enomem;
}

// Reads lists of address spaces, each followed by the ranges that they share; the ranges of
// "memory" count.
static struct gg_error *read_flat_views(const char *text, const struct gg_memory_devices *devices,
					struct gg_qemu_ram *ram)
{
	struct lines lines = { .rest = text };
	struct gg_error *err = NULL;
	bool is_memory = false, found = false;
	while (!err && next_line(&lines)) {
		struct flat_line line;
		if (!strncmp(lines.line, "FlatView #", 10)) {
			if (found)
				break;
			is_memory = false;
		} else if (!strncmp(lines.line, " AS \"memory\",", 13)) {
			is_memory = true;
		} else if (is_memory && parse_flat_line(lines.line, &line)) {
			found = true;
			err = add_line(&line, devices, ram);
		}
	}
	if (!err && !found)
		err = gg_error_create(GG_BAD_DATA, "it has no address space \"memory\"");
	return err;
}

struct gg_error *gg_mtree_read(const char *text, const struct gg_memory_devices *devices,
			       struct gg_qemu_ram *ret)
{
	*ret = (struct gg_qemu_ram){ 0 };
	struct gg_error *err = read_flat_views(text, devices, ret);
	if (err)
		gg_qemu_ram_deinit(ret);
	return err ? gg_error_context(err, "the memory map of QEMU's monitor (info mtree -f)")
		   : NULL;
}
