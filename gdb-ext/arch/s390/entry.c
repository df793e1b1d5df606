// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entry from an interruption on s390x before all registers are saved, or behind the point where all are loaded
// again (Linux arch/s390/kernel/entry.S, syscall.c, v6.1 to v7.2): the old PSW of the interruption is in the CPU's prefix area
// (z/Architecture Principles of Operation, chapter 3, Assigned Storage Locations). The entry saves r8 to r15 there first, and the
// exit copies the PSW to return by there, next to its last instruction.
//
// In:  a CPU's registers, its prefix area, the entry's instructions.
// Out: the interrupted code's registers.
// Trusts nothing it reads: instructions are looked at once, in their order.
#include "entry.h"
#include "linux/stack/start.h"

#include <string.h>

enum { WORD = 8, FIRST_SAVED = 8, MACHINE_CHECK_OLD_PSW = 0x160 };

static const struct {
	const char *name;
	unsigned int old_psw; // its place in the prefix area
} interruptions[] = {
	{ "restart_int_handler", 0x120 },
	{ "ext_int_handler", 0x130 },
	{ "system_call", 0x140 },
	{ "pgm_check_handler", 0x150 },
	{ "mcck_int_handler", MACHINE_CHECK_OLD_PSW },
	{ "io_int_handler", 0x170 },
};

// Returns the place of the old PSW of the entry CODE; 0 for other code.
static unsigned int find_old_psw(const struct gg_entry_code *code)
{
	for (size_t i = 0; i < sizeof(interruptions) / sizeof(*interruptions); i++)
		if (!strcmp(code->symbol.name, interruptions[i].name))
			return interruptions[i].old_psw;
	return 0;
}

// The first byte's upper two bits have an instruction's length.
static size_t instruction_size(uint8_t first)
{
	return first >> 6 == 0 ? 2 : first >> 6 == 3 ? 6 : 4;
}

// The displacement of the instructions at whose BYTES the base register and 12 bits are.
static unsigned int displacement(const uint8_t *bytes)
{
	return (bytes[0] & 0xfU) << 8 | bytes[1];
}

// Work that the instructions before the CPU's have done.
struct progress {
	bool has_called, has_saved;
	unsigned int area;     // the place of the saved registers in the prefix area
	unsigned int saved_sp; // the place there of r15 where the entry saves r15 alone; 0 without
	unsigned int return_psw; // the place there of the PSW to return by; 0 without
	bool has_left;           // all registers are the interrupted code's again
};

static void note_long(const uint8_t *bytes, struct progress *progress)
{
	// The places of the saved PSW in struct pt_regs, and with the frame below it.
	enum { PSW_BYTES = 16, PT_PSW = 8, FRAME_PSW = 168 };
	// STMG %r8,%r15 without a base register.
	if (bytes[0] == 0xeb && bytes[1] == 0x8f && !(bytes[2] & 0xf0) && !bytes[4] &&
	    bytes[5] == 0x24 && !progress->has_saved) {
		progress->has_saved = true;
		progress->area = displacement(bytes + 2);
	}
	// STG %r15 without a base register.
	if (bytes[0] == 0xe3 && bytes[1] == 0xf0 && !(bytes[2] & 0xf0) && !bytes[4] &&
	    bytes[5] == 0x24)
		progress->saved_sp = displacement(bytes + 2);
	// BRASL %r14.
	progress->has_called |= bytes[0] == 0xc0 && bytes[1] == 0xe5;
	// MVC.
	const unsigned int source = displacement(bytes + 4);
	if (bytes[0] == 0xd2 && bytes[1] == PSW_BYTES - 1 &&
	    (source == PT_PSW || source == FRAME_PSW))
		progress->return_psw = displacement(bytes + 2);
	// LMG up to %r15.
	progress->has_left |= bytes[0] == 0xeb && (bytes[1] & 0xf) == 0xf && bytes[5] == 0x04 &&
			      progress->return_psw;
}

static struct progress find_progress(const struct gg_entry_code *code)
{
	struct progress progress = { .area = 0 };
	size_t size;
	for (size_t at = 0; at < code->size; at += size) {
		const uint8_t *bytes = code->bytes + at;
		size = instruction_size(bytes[0]);
		if (code->size - at < size)
			break;
		if (size == 6)
			note_long(bytes, &progress);
		// BASR %r14.
		progress.has_called |= bytes[0] == 0x0d && bytes[1] >> 4 == 14;
		// B or LPSWE: other code is behind it.
		if ((bytes[0] == 0x47 && bytes[1] >> 4 == 0xf) ||
		    (bytes[0] == 0xb2 && bytes[1] == 0xb2)) {
			progress.has_left = false;
			progress.return_psw = 0;
		}
	}
	return progress;
}

// Finds the area of those that the kernel has set up whose task is the walk's. RET is 0 without such an area.
static struct gg_error *find_area_by_task(const struct gg_unwind *unwind, gg_gva_t *ret)
{
	enum { MAX_CPUS = 512 }; // Linux arch/s390/Kconfig, NR_CPUS
	const struct gg_host *host = &unwind->kernel->typed;
	static const char *const paths[] = { "current_task", NULL };
	static const struct gg_layout_row row = { .type = "lowcore", .paths = paths };
	struct gg_member current;
	gg_gva_t areas;
	uint64_t task = 0, area = 1;
	*ret = 0;
	struct gg_error *err = gg_host_symbol(host, "lowcore_ptr", &areas);
	if (!err)
		err = gg_layout_resolve(host, &row, 1, &current);
	for (unsigned int i = 0; !err && unwind->task && area && i < MAX_CPUS; i++) {
		err = gg_host_read_uint(host, areas + (uint64_t)WORD * i, WORD, &area);
		if (!err && area)
			err = gg_host_read_member(host, area, &current, &task);
		if (err || !area || task != unwind->task)
			continue;
		*ret = area;
		break;
	}
	return gg_error_unless_final(err);
}

// Finds the CPU's prefix area, which the kernel has in its identity mapping: at __identity_base since v6.10, and at 0 before.
// QEMU's gdbstub has had no prefix register for a long time. FOUND is false where neither register nor task leads to it.
static struct gg_error *find_area(const struct gg_unwind *unwind, gg_gva_t *ret, bool *found)
{
	const struct gg_host *host = &unwind->kernel->typed;
	gg_gva_t base;
	uint64_t identity = 0;
	*found = gg_register_known(&unwind->registers, S390_PREFIX);
	if (!*found) {
		struct gg_error *err = find_area_by_task(unwind, ret);
		*found = *ret;
		return err;
	}
	struct gg_error *err = gg_host_symbol(host, "__identity_base", &base);
	if (!err)
		err = gg_host_read_uint(host, base, WORD, &identity);
	else
		err = gg_error_unless_final(err);
	*ret = identity + gg_register(&unwind->registers, S390_PREFIX);
	return err;
}

static struct gg_error *read_psw(struct gg_unwind *unwind, gg_gva_t address, uint64_t *mask,
				 uint64_t *pc)
{
	struct gg_error *err = gg_stack_word(&unwind->memory, address, mask);
	return err ? err : gg_stack_word(&unwind->memory, address + WORD, pc);
}

static void enter(struct gg_unwind *unwind, uint64_t mask, gg_gva_t pc, gg_gva_t sp, uint64_t r14)
{
	gg_stack_place(unwind, pc, sp);
	gg_register_set(&unwind->registers, S390_R14, r14);
	gg_stack_enter(unwind, 0, 0, mask & S390_PSW_PROBLEM);
}

// Finds the place in the prefix area AREA of the PSW that the instruction at the walk's pc there loads, LPSWE or LPSWEY without a
// base register: the last instruction of an exit. RET is 0 for other code.
static struct gg_error *find_last(const struct gg_unwind *unwind, gg_gva_t area, unsigned int *ret)
{
	enum { LONGEST = 6 };
	uint8_t code[LONGEST];
	*ret = 0;
	struct gg_error *err =
		gg_host_read(&unwind->kernel->typed, area + unwind->pc, code, LONGEST);
	if (err)
		return gg_error_unless_final(err);
	const bool is_long = code[0] == 0xeb && !code[4] && code[5] == 0x71;
	if ((is_long || (code[0] == 0xb2 && code[1] == 0xb2)) && !(code[2] & 0xf0))
		*ret = displacement(code + 2);
	return NULL;
}

// Goes back to the code that an exit returns to by the PSW at PLACE.
static struct gg_error *leave_exit(struct gg_unwind *unwind, gg_gva_t place, bool *ret)
{
	uint64_t mask, pc;
	struct gg_error *err = read_psw(unwind, place, &mask, &pc);
	if (err)
		return gg_error_context(err, "the prefix area");
	enter(unwind, mask, pc, unwind->sp, gg_register(&unwind->registers, S390_R14));
	*ret = true;
	return NULL;
}

struct gg_error *s390_leave_entry(struct gg_unwind *unwind, bool *ret)
{
	enum { MACHINE_CHECK_REGISTERS = 0x1280 };
	struct gg_registers *registers = &unwind->registers;
	struct gg_entry_code code;
	gg_gva_t area = 0;
	unsigned int last = 0;
	uint64_t mask, pc, r14 = gg_register(registers, S390_R14), sp = unwind->sp;
	bool has_area;
	*ret = false;
	struct gg_error *err = gg_entry_code_read(unwind, &code);
	if (err)
		return err;
	const unsigned int old_psw = find_old_psw(&code);
	struct progress progress = find_progress(&code);
	// A machine check stores all registers, r0 first.
	if (old_psw == MACHINE_CHECK_OLD_PSW) {
		progress.has_saved = true;
		progress.area = MACHINE_CHECK_REGISTERS + FIRST_SAVED * WORD;
	}
	const bool is_last = unwind->is_exact && !unwind->callee && unwind->pc < S390_PREFIX_AREA;
	if (!is_last && (!old_psw || (progress.has_called && !progress.has_left)))
		return NULL;
	err = find_area(unwind, &area, &has_area);
	if (err || (is_last && !has_area))
		return err;
	if (!has_area)
		return gg_error_create(GG_NOT_FOUND,
				       "%s saves or has loaded registers, and the CPU's prefix "
				       "area, which has the PSW, is not known",
				       code.symbol.name);
	if (is_last)
		err = find_last(unwind, area, &last);
	if (err || (is_last && !last))
		return err;
	if (last)
		return leave_exit(unwind, area + last, ret);
	if (progress.has_left)
		return leave_exit(unwind, area + progress.return_psw, ret);
	err = read_psw(unwind, area + old_psw, &mask, &pc);
	const gg_gva_t saved = area + progress.area + (uint64_t)(14 - FIRST_SAVED) * WORD;
	if (!err && progress.has_saved)
		err = read_psw(unwind, saved, &r14, &sp);
	else if (!err && progress.saved_sp)
		err = gg_stack_word(&unwind->memory, area + progress.saved_sp, &sp);
	if (err)
		return gg_error_context(err, "the prefix area");
	enter(unwind, mask, pc, sp, r14);
	*ret = true;
	return NULL;
}

// ---- System calls ----

enum { SVC_OLD_PSW = 0x140 };

// Tests whether the SIZE bytes of CODE copy the old PSW of a system call to struct pt_regs.
static bool copies_psw(const uint8_t *code, size_t size)
{
	enum { PT_MASK = 8, PT_ADDRESS = 16 };
	bool has_read = false;
	size_t length;
	for (size_t at = 0; at < size; at += length) {
		const uint8_t *bytes = code + at;
		length = instruction_size(bytes[0]);
		if (size - at < length)
			return false;
		if (length < 6)
			continue;
		const unsigned int place = displacement(bytes + 2);
		// LG, LMG.
		if ((bytes[0] == 0xe3 || bytes[0] == 0xeb) && bytes[5] == 0x04)
			has_read |= place == SVC_OLD_PSW && !bytes[4];
		// MVC.
		if (bytes[0] == 0xd2 && place == PT_MASK && displacement(bytes + 4) == SVC_OLD_PSW)
			return true;
		// STG, STMG.
		if (has_read && bytes[5] == 0x24 && !bytes[4] &&
		    ((bytes[0] == 0xe3 && place == PT_ADDRESS) ||
		     (bytes[0] == 0xeb && place == PT_MASK)))
			return true;
	}
	return false;
}

static struct gg_error *find_symbol(const struct gg_unwind *unwind, gg_gva_t pc, const char *name,
				    struct gg_symbol *ret)
{
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, pc, ret);
	if (err || strcmp(ret->name, name) != 0)
		ret->address = 0;
	return gg_error_unless_final(err);
}

struct gg_error *s390_read_uncopied(struct gg_unwind *unwind, uint64_t *mask, uint64_t *pc)
{
	struct gg_symbol entry, handler;
	uint8_t code[GG_ENTRY_CODE];
	gg_gva_t area;
	bool has_area;
	if (!unwind->callee)
		return NULL;
	struct gg_error *err = find_symbol(unwind, unwind->pc - 1, "system_call", &entry);
	if (!err)
		err = find_symbol(unwind, unwind->callee, "__do_syscall", &handler);
	if (err || !entry.address || !handler.address || handler.size > sizeof(code))
		return err;
	err = gg_host_read(&unwind->kernel->typed, handler.address, code, (size_t)handler.size);
	if (err)
		return gg_error_unless_final(err);
	const size_t size = (size_t)(unwind->callee - handler.address);
	if (size > handler.size || copies_psw(code, size) ||
	    !copies_psw(code, (size_t)handler.size))
		return NULL;
	err = find_area(unwind, &area, &has_area);
	return err || !has_area ? err : read_psw(unwind, area + SVC_OLD_PSW, mask, pc);
}
