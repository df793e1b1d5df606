// SPDX-License-Identifier: GPL-3.0-or-later
//
// The places of a VMCS's fields in a format that nobody has described, by fields whose values are known from elsewhere.
//
// In:  VMCSs of one revision, of several vCPUs, with the known values of each.
// Out: a layout with the places that are certain.
// Trusts nothing it reads: a place is certain if the VMCSs of all vCPUs whose value is known have it there, if at least two of the
// values differ, and if there is no second such place. No place is certain unless a field of the host is, which KVM
// alone writes: a page in memory may be older than what KVM knows.
#include "vmcs-derive.h"
#include "base/cursor.h"

struct evidence {
	size_t known;   // samples whose value is known
	bool differs;   // at least two of the values differ
	bool any_value; // at least one is not 0
};

static struct evidence weigh(const struct x86_vmcs_sample *samples, size_t count,
			     enum x86_vmcs_field field)
{
	struct evidence ret = { 0 };
	uint64_t first = 0;
	for (size_t i = 0; i < count; i++) {
		if (!samples[i].known[field])
			continue;
		first = ret.known++ ? first : samples[i].values[field];
		ret.differs |= samples[i].values[field] != first;
		ret.any_value |= samples[i].values[field] != 0;
	}
	return ret;
}

static bool has_at(const struct x86_vmcs_sample *sample, enum x86_vmcs_field field,
		   unsigned int offset)
{
	struct gg_cursor cursor = gg_cursor(sample->page, X86_VMCS_SIZE, false, "the VMCS");
	const struct gg_member member = { offset, x86_vmcs_width(field) };
	uint64_t value = 0;
	gg_error_destroy(gg_cursor_member(&cursor, &member, &value));
	return value == sample->values[field];
}

// Counts the places where all samples have what is known of FIELD, up to two; RET is the first.
static unsigned int find_places(const struct x86_vmcs_sample *samples, size_t count,
				enum x86_vmcs_field field, uint16_t *ret)
{
	const unsigned int width = x86_vmcs_width(field);
	unsigned int places = 0;
	for (unsigned int at = X86_VMCS_FIRST_FIELD; places < 2 && at < X86_VMCS_SIZE;
	     at += width) {
		bool is_place = true;
		for (size_t i = 0; is_place && i < count; i++)
			is_place = !samples[i].known[field] || has_at(&samples[i], field, at);
		if (is_place && !places++)
			*ret = (uint16_t)at;
	}
	return places;
}

// Tests whether KVM alone writes FIELD: a place is in every VMCS that KVM has executed.
static bool is_host_field(enum x86_vmcs_field field)
{
	return field >= VMCS_HOST_SELECTORS;
}

// Tests whether a VMCS has FIELD as it is: access rights may be stored in another form, and parts of segments with them.
static bool is_plain(enum x86_vmcs_field field)
{
	return field >= VMCS_GDT_BASE;
}

static struct gg_error *find_field(const struct x86_vmcs_sample *samples, size_t count,
				   enum x86_vmcs_field field, struct x86_vmcs_layout *layout)
{
	const struct evidence evidence = weigh(samples, count, field);
	uint16_t place = 0;
	if (!evidence.any_value)
		return NULL;
	const unsigned int places = find_places(samples, count, field, &place);
	if (!places && is_plain(field))
		return gg_error_create(GG_BAD_DATA,
				       "what KVM knows of %zu of them is at no place that they "
				       "share",
				       evidence.known);
	if (places == 1 && evidence.differs)
		layout->offsets[field] = place;
	return NULL;
}

// Removes fields that overlap: one value is at the place of both.
static void remove_overlaps(struct x86_vmcs_layout *layout)
{
	bool overlaps[X86_VMCS_FIELDS] = { false };
	for (unsigned int i = 0; i < X86_VMCS_FIELDS; i++)
		for (unsigned int j = 0; j < i; j++)
			if (x86_vmcs_overlap(layout, i, j))
				overlaps[i] = overlaps[j] = true;
	for (unsigned int i = 0; i < X86_VMCS_FIELDS; i++)
		if (overlaps[i])
			layout->offsets[i] = 0;
}

struct gg_error *x86_vmcs_derive(const struct x86_vmcs_sample *samples, size_t count,
				 struct x86_vmcs_layout *ret)
{
	bool has_host = false, has_guest = false;
	struct gg_error *err = NULL;
	*ret = (struct x86_vmcs_layout){ .name = "its format by KVM's copies" };
	for (unsigned int field = 0; !err && field < X86_VMCS_FIELDS; field++)
		err = find_field(samples, count, field, ret);
	if (err)
		return err;
	remove_overlaps(ret);
	for (unsigned int field = 0; field < X86_VMCS_FIELDS; field++)
		if (ret->offsets[field])
			*(is_host_field(field) ? &has_host : &has_guest) = true;
	if (has_host && has_guest)
		return NULL;
	return gg_error_create(GG_NOT_FOUND, "what KVM knows of %zu of them shows no places",
			       count);
}
