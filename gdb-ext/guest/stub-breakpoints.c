// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a guest at a gdbstub that stands still.
// Out: the same with breakpoints, or without.
// QEMU's TCG has as many hardware breakpoints as it is asked for, and never changes the guest's memory; under KVM there are
// four.
#include "stub-breakpoints.h"
#include "base/vector.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SOFTWARE = 0, HARDWARE = 1 };

static void add_packet(struct gg_stub_run *run, char what, const struct gg_stub_breakpoint *point)
{
	gg_wire_add(&run->wire, "%c%d,%" PRIx64 ",1", what,
		    point->is_software ? SOFTWARE : HARDWARE, point->address);
}

// Sends the packet, and waits for OK.
static struct gg_error *change(struct gg_stub_run *run, char what,
			       const struct gg_stub_breakpoint *point)
{
	add_packet(run, what, point);
	struct gg_error *err = gg_wire_send(&run->wire);
	return err ? err : gg_stub_receive_ok(run);
}

static struct gg_error *insert(struct gg_stub_run *run, struct gg_stub_breakpoint *point)
{
	point->is_software = false;
	struct gg_error *err = change(run, 'Z', point);
	if (!err || gg_error_kind(err) != GG_BAD_DATA)
		return err;
	gg_error_destroy(err);
	point->is_software = true;
	err = change(run, 'Z', point);
	return err ? gg_error_context(err, "a breakpoint at 0x%" PRIx64, point->address) : NULL;
}

// Finds the breakpoint at ADDRESS that is in the guest. Returns the count if there is none.
static size_t find(const struct gg_stub_breakpoints *points, gg_gva_t address)
{
	size_t index = 0;
	while (index < points->count &&
	       !(points->list[index].uses && points->list[index].address == address))
		index++;
	return index;
}

// Finds room for a breakpoint that is not in the guest.
static struct gg_error *find_room(struct gg_stub_breakpoints *points, size_t *ret)
{
	for (*ret = 0; *ret < points->count; ++*ret)
		if (!points->list[*ret].uses)
			return NULL;
	struct gg_error *err = gg_vector_grow(&points->list, points->count, sizeof(*points->list));
	points->count += !err;
	return err;
}

struct gg_error *gg_stub_breakpoint_add(struct gg_stub_run *run, struct gg_stub_breakpoints *points,
					gg_gva_t address, size_t *ret)
{
	struct gg_error *err = NULL;
	*ret = find(points, address);
	if (*ret < points->count) {
		points->list[*ret].uses++;
		return NULL;
	}
	err = find_room(points, ret);
	if (err)
		return err;
	struct gg_stub_breakpoint *point = &points->list[*ret];
	*point = (struct gg_stub_breakpoint){ .address = address };
	err = insert(run, point);
	point->uses = !err;
	return err;
}

struct gg_error *gg_stub_breakpoint_drop(struct gg_stub_run *run,
					 struct gg_stub_breakpoints *points, size_t index)
{
	struct gg_stub_breakpoint *point = &points->list[index];
	return --point->uses ? NULL : change(run, 'z', point);
}

bool gg_stub_breakpoint_find(const struct gg_stub_breakpoints *points, gg_gva_t address,
			     size_t *ret)
{
	*ret = find(points, address);
	return *ret < points->count;
}

// Lets the THREAD alone execute an instruction, and reads the register PC afterwards.
static struct gg_error *step(struct gg_stub_run *run, unsigned int thread, unsigned int pc,
			     uint64_t *ret)
{
	gg_wire_add(&run->wire, "vCont;s:%x", thread);
	struct gg_error *err = gg_wire_send(&run->wire);
	run->is_running = !err;
	if (!err)
		err = gg_wire_receive(&run->wire);
	if (err)
		return err;
	run->is_running = false;
	gg_wire_add(&run->wire, "Hg%x", thread);
	gg_wire_add(&run->wire, "p%x", pc);
	err = gg_wire_send(&run->wire);
	if (!err)
		err = gg_stub_receive_ok(run);
	return err ? err : gg_stub_receive_register(run, ret);
}

struct gg_error *gg_stub_step_over(struct gg_stub_run *run,
				   const struct gg_stub_breakpoints *points, size_t index,
				   unsigned int thread, unsigned int pc)
{
	enum { MOST = 8 };
	const struct gg_stub_breakpoint *point = &points->list[index];
	uint64_t at = point->address;
	add_packet(run, 'z', point);
	struct gg_error *err = gg_wire_send(&run->wire);
	if (!err)
		err = gg_stub_receive_ok(run);
	// The stop of another CPU may end a step before the step has begun.
	for (unsigned int i = 0; !err && at == point->address && i < MOST; i++)
		err = step(run, thread, pc, &at);
	if (!err)
		add_packet(run, 'Z', point);
	return err;
}

struct gg_error *gg_stub_breakpoints_end(struct gg_stub_run *run,
					 struct gg_stub_breakpoints *points)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < points->count; i++)
		if (points->list[i].uses)
			err = change(run, 'z', &points->list[i]);
	free(points->list);
	*points = (struct gg_stub_breakpoints){ 0 };
	return err ? gg_error_context(err, "the breakpoints are not all out of the guest "
					   "(disconnect, and connect again)")
		   : NULL;
}
