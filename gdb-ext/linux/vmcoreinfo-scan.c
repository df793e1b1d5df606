// SPDX-License-Identifier: GPL-3.0-or-later
//
// The search for VMCOREINFO notes in RAM. Since v4.13 the kernel gives its note whole pages;
// before, it was a variable anywhere.
//
// The name alone is found elsewhere too, as are texts that start alike: a note is known by the
// words before its name.
#include "kernel.h"
#include "memory/ram-scan.h"

#include <string.h>

enum { NOTE_ALIGNMENT = 4096 };

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
	for (size_t at = (NOTE_ALIGNMENT - gpa % NOTE_ALIGNMENT) % NOTE_ALIGNMENT;
	     at + GG_VMCOREINFO_HEADER <= size; at += NOTE_ALIGNMENT)
		add_found(scan, gpa + at, bytes + at);
}

void gg_linux_banner_scan(const uint8_t *bytes, size_t size, char *ret)
{
	static const char start[] = "Linux version ";
	const uint8_t *at = bytes, *end = bytes + size;
	while ((at = memmem(at, (size_t)(end - at), start, strlen(start)))) {
		size_t length = strlen(start);
		while (length < (size_t)(end - at) && length < GG_BANNER_SIZE - 1 &&
		       at[length] > ' ' && at[length] <= '~')
			length++;
		if (length > strlen(start) && at[strlen(start)] >= '0' &&
		    at[strlen(start)] <= '9') {
			memcpy(ret, at, length);
			ret[length] = 0;
			return;
		}
		at++;
	}
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

static bool look_at_pages(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	gg_vmcoreinfo_scan_bytes(data, gpa, bytes, size);
	return false;
}

static bool look_everywhere(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct gg_vmcoreinfo_scan *scan = data;
	scan_everywhere(scan, gpa, bytes, size);
	if (!*scan->banner)
		gg_linux_banner_scan(bytes, size, scan->banner);
	return false;
}

static struct gg_error *scan_ram(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				 gg_ram_look_fn *look)
{
	struct gg_error *err = gg_ram_scan(map, GG_VMCOREINFO_HEADER, look, scan, &scan->missing);
	return err ? gg_error_context(err, "looking for VMCOREINFO") : NULL;
}

struct gg_error *gg_vmcoreinfo_scan_ram(struct gg_vmcoreinfo_scan *scan,
					const struct gg_ram_map *map)
{
	return scan_ram(scan, map, look_at_pages);
}

struct gg_error *gg_vmcoreinfo_scan_everywhere(struct gg_vmcoreinfo_scan *scan,
					       const struct gg_ram_map *map)
{
	return scan_ram(scan, map, look_everywhere);
}
