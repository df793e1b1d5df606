// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU's list of CPUs, and the members of CPUState.
//
// In:  the head of the list.
// Out: the list's links, by the list itself: a QTAILQ (QEMU include/qemu/queue.h) whose elements
//      lead forward to the next element and back to the place before; the head has the last place.
//      The CPUs' numbers, by their order. Members that only mean something while QEMU runs (the CPU
//      is executing, KVM has newer registers), by the functions of the binary that use them.
// Trusts nothing it reads: the list is bounded, and both directions must agree.
#include "internal.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <inttypes.h>

enum {
	WORD = 8,
	MAX_CPUS = 8192,
	// The largest offset in a CPU of its links and its number: 0x248 in v7.2, behind 32 KiB of
	// pointers in v5.2.
	MAX_CPU_STATE = 0x10000,
};

struct list {
	uint64_t node; // where in a CPU its links are
	uint64_t *cpus;
	size_t count;
};

static bool is_cpu(const struct gg_finder *finder, uint64_t address)
{
	return gg_finder_is_object(finder, address, "-cpu");
}

// Follows the links at NODE from the CPU at FIRST; LIST gets the CPUs, or is left empty. False
// where the two directions do not agree, or the end is not the end that the head at HEAD has.
static bool follow(const struct gg_finder *finder, uint64_t head, uint64_t first, uint64_t node,
		   struct list *list)
{
	uint64_t before = head, cpu = first, back, last;
	if (!gg_peek_word(finder->peek, head + WORD, &last))
		return false;
	*list = (struct list){ .node = node };
	while (cpu) {
		if (list->count == MAX_CPUS || !is_cpu(finder, cpu) ||
		    !gg_peek_word(finder->peek, cpu + node + WORD, &back) || back != before)
			break;
		if (gg_vector_grow(&list->cpus, list->count, sizeof(*list->cpus)))
			break;
		list->cpus[list->count++] = cpu;
		before = cpu + node;
		if (!gg_peek_word(finder->peek, cpu + node, &cpu))
			break;
	}
	if (!cpu && before == last && list->count)
		return true;
	free(list->cpus);
	*list = (struct list){ 0 };
	return false;
}

static struct gg_error *find_list(const struct gg_finder *finder, uint64_t head, struct list *ret)
{
	uint64_t first, back;
	*ret = (struct list){ 0 };
	if (!gg_peek_word(finder->peek, head, &first) || !is_cpu(finder, first))
		return gg_error_create(GG_BAD_DATA, "its first word does not lead to a CPU");
	for (uint64_t node = WORD; node < MAX_CPU_STATE; node += WORD) {
		struct list list;
		if (!gg_peek_word(finder->peek, first + node + WORD, &back) || back != head ||
		    !follow(finder, head, first, node, &list))
			continue;
		if (ret->count) {
			free(list.cpus);
			return gg_error_create(GG_BAD_DATA,
					       "CPUState.node can be at +%" PRIu64
					       " and at +%" PRIu64,
					       ret->node, node);
		}
		*ret = list;
	}
	return ret->count
		       ? NULL
		       : gg_error_create(GG_BAD_DATA, "no word of the first CPU leads back to it "
						      "and on to the last CPU");
}

bool gg_is_cpus_head(const struct gg_finder *finder, uint64_t address)
{
	struct list list;
	struct gg_error *err = find_list(finder, address, &list);
	free(list.cpus);
	gg_error_destroy(err);
	return !err;
}

// ---- cpu_index ----

static bool read_half(const struct gg_finder *finder, uint64_t address, uint32_t *ret)
{
	uint8_t bytes[4];
	if (!gg_peek_bytes(finder->peek, address, bytes, sizeof(bytes)))
		return false;
	struct gg_cursor cursor =
		gg_cursor(bytes, sizeof(bytes), finder->host->big_endian, "cpu_index");
	uint64_t value = 0;
	gg_error_destroy(gg_cursor_uint(&cursor, sizeof(bytes), &value));
	*ret = (uint32_t)value;
	return true;
}

// Tests whether the words at AT can be numbers of CPUs. The reader checks that they differ.
static bool are_numbers(const struct gg_finder *finder, const struct list *list, uint64_t at)
{
	for (size_t i = 0; i < list->count; i++) {
		uint32_t number;
		if (!read_half(finder, list->cpus[i] + at, &number) || number >= MAX_CPUS)
			return false;
	}
	return true;
}

// Tests whether they count the CPUs from 0 on, as they do as long as none has been unplugged.
static bool are_ordinals(const struct gg_finder *finder, const struct list *list, uint64_t at)
{
	for (size_t i = 0; i < list->count; i++) {
		uint32_t number;
		if (!read_half(finder, list->cpus[i] + at, &number) || number != i)
			return false;
	}
	return true;
}

static struct gg_error *find_index(const struct gg_finder *finder, const struct list *list,
				   struct gg_answers *answers)
{
	uint64_t place;
	struct gg_error *err = gg_code_place(finder, "qemu_get_cpu", GG_CODE_COMPARES_WORD, &place);
	if (!err && place < MAX_CPU_STATE && are_numbers(finder, list, place))
		return gg_answers_add(answers, "CPUState", "cpu_index", place, 4,
				      "qemu_get_cpu() compares it");
	gg_error_destroy(err);

	// Several words may count alike (of two CPUs, whether they are halted); it is all the same
	// then.
	for (uint64_t at = WORD; at < MAX_CPU_STATE; at += 4)
		if (are_ordinals(finder, list, at))
			return gg_answers_add(answers, "CPUState", "cpu_index", at, 4,
					      "the first word that counts the CPUs in the list's "
					      "order");
	return gg_error_create(GG_BAD_DATA, "no word of the CPUs counts them");
}

// ---- What tells whether registers are current ----

static bool are_flags(const struct gg_finder *finder, const struct list *list, uint64_t at)
{
	for (size_t i = 0; i < list->count; i++) {
		uint8_t byte;
		if (!gg_peek_bytes(finder->peek, list->cpus[i] + at, &byte, 1) || byte > 1)
			return false;
	}
	return true;
}

// Finds the members of freshness. Without them freshness is unknown, which is no error.
static struct gg_error *find_flag(const struct gg_finder *finder, const struct list *list,
				  const char *path, const char *function,
				  enum gg_code_access access, struct gg_answers *answers)
{
	uint64_t place;
	struct gg_error *err = gg_code_place(finder, function, access, &place);
	if (!err && place < MAX_CPU_STATE && are_flags(finder, list, place))
		return gg_answers_add(answers, "CPUState", path, place, 1,
				      "%s() uses it, and it is 0 or 1", function);
	gg_error_destroy(err);
	return NULL;
}

struct gg_error *gg_find_cpus(const struct gg_finder *finder, uint64_t head,
			      struct gg_answers *answers, uint64_t *first)
{
	struct list list;
	struct gg_error *err = find_list(finder, head, &list);
	if (!err) {
		*first = list.cpus[0];
		err = gg_answers_add(answers, "CPUState", "node.tqe_next", list.node, WORD,
				     "leads through %zu CPUs, and the word behind it back",
				     list.count);
	}
	if (!err)
		err = find_index(finder, &list, answers);
	if (!err)
		err = find_flag(finder, &list, "running", "cpu_exec_start", GG_CODE_SETS_BYTE,
				answers);
	if (!err)
		err = find_flag(finder, &list, "vcpu_dirty", "kvm_cpu_synchronize_state",
				GG_CODE_TESTS_BYTE, answers);
	free(list.cpus);
	struct gg_error *serious = gg_peek_error(finder->peek);
	if (serious) {
		gg_error_destroy(err);
		return serious;
	}
	return err ? gg_error_context(err, "the list of CPUs at 0x%" PRIx64, head) : NULL;
}
