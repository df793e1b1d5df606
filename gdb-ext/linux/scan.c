// SPDX-License-Identifier: GPL-3.0-or-later
//
// Where VMCOREINFO notes are in RAM. Since v4.13 the kernel gives its note whole pages;
// before, it was a variable anywhere.
//
// The name alone is found elsewhere too, as are texts that start alike: a note is known by the
// words before its name.
#include "kernel.h"
#include "../cleanup.h"

#include <string.h>

enum { PAGE = 4096, CHUNK = 1 << 20 };

static void add_found(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes)
{
	size_t text_size;
	if (!gg_vmcoreinfo_header(bytes, scan->big_endian, &text_size) ||
	    text_size > GG_VMCOREINFO_MAX_TEXT)
		return;
	for (size_t i = 0; i < scan->count; i++)
		if (scan->found[i] == gpa)
			return;
	if (scan->count < GG_SCAN_MAX)
		scan->found[scan->count++] = gpa;
	else
		scan->overflowed = true;
}

void gg_vmcoreinfo_scan_bytes(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			      size_t size)
{
	for (size_t at = (PAGE - gpa % PAGE) % PAGE; at + GG_VMCOREINFO_HEADER <= size; at += PAGE)
		add_found(scan, gpa + at, bytes + at);
}

static void scan_everywhere(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			    size_t size)
{
	enum { NAME = 12 }; // where in the header it is
	static const char name[] = "VMCOREINFO";
	const uint8_t *at = bytes, *end = bytes + size;
	while ((at = memmem(at, (size_t)(end - at), name, sizeof(name)))) {
		if (at - bytes >= NAME && end - at >= GG_VMCOREINFO_HEADER - NAME)
			add_found(scan, gpa + (uint64_t)(at - bytes) - NAME, at - NAME);
		at++;
	}
}

typedef void scan_fn(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
		     size_t size);

// Chunks overlap by a header, so that none is missed between two.
static struct gg_error *scan_extent(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				    gg_gpa_t gpa, uint64_t size, uint8_t *buffer, scan_fn *look)
{
	for (uint64_t done = 0; done < size;) {
		size_t chunk = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_ram_map_read(map, gpa + done, buffer, chunk);
		if (err)
			return err;
		look(scan, gpa + done, buffer, chunk);
		done += chunk;
		if (done < size && chunk > GG_VMCOREINFO_HEADER)
			done -= GG_VMCOREINFO_HEADER;
	}
	return NULL;
}

static struct gg_error *scan_range(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				   const struct gg_ram_range *range, uint8_t *buffer, scan_fn *look)
{
	for (uint64_t done = 0; done < range->size;) {
		struct gg_extent extent;
		struct gg_error *err = map->backing->ops->extent(map->backing, range->hva + done,
								 range->size - done, true, &extent);
		if (!err && extent.kind == GG_EXTENT_DATA)
			err = scan_extent(scan, map, range->start + done, extent.size, buffer,
					  look);
		if (err)
			return err;
		if (extent.kind == GG_EXTENT_ABSENT)
			scan->missing += extent.size;
		done += extent.size;
	}
	return NULL;
}

static struct gg_error *scan_ram(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				 scan_fn *look)
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	if (!buffer)
		return gg_enomem;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < map->count; i++)
		err = scan_range(scan, map, &map->ranges[i], buffer, look);
	return err ? gg_error_context(err, "looking for VMCOREINFO") : NULL;
}

struct gg_error *gg_vmcoreinfo_scan_ram(struct gg_vmcoreinfo_scan *scan,
					const struct gg_ram_map *map)
{
	return scan_ram(scan, map, gg_vmcoreinfo_scan_bytes);
}

struct gg_error *gg_vmcoreinfo_scan_everywhere(struct gg_vmcoreinfo_scan *scan,
					       const struct gg_ram_map *map)
{
	return scan_ram(scan, map, scan_everywhere);
}
