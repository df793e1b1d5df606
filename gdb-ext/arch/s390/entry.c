// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entry from an interruption on s390x before all registers are saved (Linux arch/s390/kernel/entry.S, v6.1 to
// v7.2): the old PSW of the interruption is in the CPU's prefix area (z/Architecture Principles of Operation, chapter 3, Assigned
// Storage Locations). The entry saves r8 to r15 there first.
//
// In:  a CPU's registers, its prefix area, the entry's instructions.
// Out: the interrupted code's registers.
// Trusts nothing it reads: instructions are looked at once, in their order.
#include "entry.h"
#include "linux/stack/start.h"

#include <string.h>

enum { WORD = 8, FIRST_SAVED = 8 };

static const struct {
	const char *name;
	unsigned int old_psw; // its place in the prefix area
} interruptions[] = {
	{ "restart_int_handler", 0x120 }, { "ext_int_handler", 0x130 },
	{ "system_call", 0x140 },         { "pgm_check_handler", 0x150 },
	{ "mcck_int_handler", 0x160 },    { "io_int_handler", 0x170 },
};

// Returns the place of the old PSW of the entry CODE; 0 for other code.
static unsigned int find_old_psw(const struct gg_entry_code *code)
{
	for (size_t i = 0; i < sizeof(interruptions) / sizeof(*interruptions); i++)
		if (!strcmp(code->symbol.name, interruptions[i].name))
			return interruptions[i].old_psw;
	return 0;
}

// Work that the instructions before the CPU's have done.
struct progress {
	bool has_called, has_saved;
	unsigned int area; // the place of the saved registers in the prefix area
};

// The first byte's upper two bits have an instruction's length.
static struct progress find_progress(const struct gg_entry_code *code)
{
	struct progress progress = { .area = 0 };
	size_t size;
	for (size_t at = 0; at < code->size; at += size) {
		const uint8_t *bytes = code->bytes + at;
		size = bytes[0] >> 6 == 0 ? 2 : bytes[0] >> 6 == 3 ? 6 : 4;
		if (size < 6 || code->size - at < size)
			continue;
		// STMG %r8,%r15 without a base register, BRASL %r14.
		if (bytes[0] == 0xeb && bytes[1] == 0x8f && !(bytes[2] & 0xf0) && !bytes[4] &&
		    bytes[5] == 0x24 && !progress.has_saved) {
			progress.has_saved = true;
			progress.area = (bytes[2] & 0xfU) << 8 | bytes[3];
		}
		progress.has_called |= bytes[0] == 0xc0 && bytes[1] == 0xe5;
	}
	return progress;
}

// Finds the CPU's prefix area, which the kernel has in its identity mapping: at __identity_base since v6.10, and at 0 before.
static struct gg_error *find_area(const struct gg_unwind *unwind, gg_gva_t *ret)
{
	const struct gg_host *host = &unwind->kernel->typed;
	gg_gva_t base;
	uint64_t identity = 0;
	struct gg_error *err = gg_host_symbol(host, "__identity_base", &base);
	if (!err)
		err = gg_host_read_uint(host, base, WORD, &identity);
	else
		err = gg_error_unless_final(err);
	*ret = identity + gg_register(&unwind->registers, S390_PREFIX);
	return err;
}

struct gg_error *s390_leave_entry(struct gg_unwind *unwind, bool *ret)
{
	struct gg_registers *registers = &unwind->registers;
	struct gg_entry_code code;
	gg_gva_t area;
	uint64_t mask, pc, r14 = gg_register(registers, S390_R14), sp = unwind->sp;
	*ret = false;
	struct gg_error *err = gg_entry_code_read(unwind, &code);
	const unsigned int old_psw = err ? 0 : find_old_psw(&code);
	const struct progress progress = find_progress(&code);
	if (!old_psw || progress.has_called)
		return err;
	// QEMU's gdbstub has had no prefix register for a long time.
	if (!gg_register_known(registers, S390_PREFIX))
		return gg_error_create(GG_NOT_FOUND,
				       "%s saves registers, and the CPU's prefix register, which "
				       "leads to the old PSW, is not known",
				       code.symbol.name);
	err = find_area(unwind, &area);
	if (!err)
		err = gg_stack_word(&unwind->memory, area + old_psw, &mask);
	if (!err)
		err = gg_stack_word(&unwind->memory, area + old_psw + WORD, &pc);
	const gg_gva_t saved = area + progress.area + (uint64_t)(14 - FIRST_SAVED) * WORD;
	if (!err && progress.has_saved)
		err = gg_stack_word(&unwind->memory, saved, &r14);
	if (!err && progress.has_saved)
		err = gg_stack_word(&unwind->memory, saved + WORD, &sp);
	if (err)
		return gg_error_context(err, "the prefix area");
	gg_stack_place(unwind, pc, sp);
	gg_register_set(registers, S390_R14, r14);
	gg_stack_enter(unwind, 0, 0, mask & S390_PSW_PROBLEM);
	*ret = true;
	return NULL;
}
