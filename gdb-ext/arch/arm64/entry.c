// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entry from an exception on AArch64 before all registers are saved, or behind the point where the frame pointer
// is loaded again (Linux arch/arm64/kernel/entry.S, v6.1 to v7.2): ELR_EL1 and SPSR_EL1 are the interrupted code's (Arm
// Architecture Reference Manual, D1.10). A vector makes room for struct pt_regs, and calculates in sp and x0 whether the stack
// has overflowed.
//
// In:  a CPU's registers, the entry's instructions.
// Out: the interrupted code's registers.
// Trusts nothing it reads: instructions are looked at once, in their order.
#include "entry.h"
#include "arch/instruction.h"
#include "linux/stack/start.h"

#include <string.h>

enum {
	WORD = 4,
	LINK = 8,      // bytes from x29 to x30 in struct pt_regs
	VECTOR = 0x80, // bytes
	KINDS = 4,     // of exceptions: synchronous, IRQ, FIQ, SError
	EL = 3 << ARM64_PSTATE_EL_SHIFT,
};

// A value as sums of the interrupted stack pointer and the interrupted x0, times these, and a constant.
struct sum {
	int sp, x0;
	uint64_t constant;
};

static struct sum add(struct sum a, struct sum b, int sign)
{
	return (struct sum){ a.sp + sign * b.sp, a.x0 + sign * b.x0,
			     a.constant + (uint64_t)sign * b.constant };
}

// Work that the instructions before the CPU's have done.
struct progress {
	bool has_called;
	bool has_new_fp;
	bool is_lost; // sp has another stack's address
	struct sum sp, x0;
	unsigned int kept_sp; // the register that has the interrupted stack pointer; 0 without
	bool has_saved_sp;    // KEPT_SP, in struct pt_regs
	bool has_loaded_fp, has_loaded_lr, has_left_stack;
};

// Notes an instruction of the way back to the interrupted code.
static void note_exit(uint32_t word, struct progress *progress)
{
	// LDP register, x29, [sp, #immediate]; LDR x30, [sp, #immediate]; ADD sp, sp, #immediate
	progress->has_loaded_fp |= (word & 0xffc07fe0) == 0xa94077e0;
	progress->has_loaded_lr |= (word & 0xffc003ff) == 0xf94003fe;
	progress->has_left_stack |= (word & 0xff8003ff) == 0x910003ff;
}

static void note(uint32_t word, bool is_user, struct progress *progress)
{
	enum { RD = 0x1f, SP = 31, SHIFT = 22, PAGES = 12 };
	const unsigned int rd = word & RD;
	const uint64_t immediate = (uint64_t)(word >> 10 & 0xfff)
				   << (word >> SHIFT & 1 ? PAGES : 0);
	const struct sum constant = { .constant = immediate };
	if ((word & 0xfc000000) == 0x94000000) // BL
		progress->has_called = true;
	else if ((word & 0xffffffe0) == 0xd5384100 && is_user) // MRS from SP_EL0
		progress->kept_sp = rd;
	else if ((word & 0xffc003ff) == 0xa90003fe) // STP x30, register, [sp, #immediate]
		progress->has_saved_sp = true;
	else if ((word & 0xff8003ff) == 0xd10003ff) // SUB sp, sp, #immediate
		progress->sp = add(progress->sp, constant, -1);
	else if (word == 0x8b2063ff) // ADD sp, sp, x0
		progress->sp = add(progress->sp, progress->x0, 1);
	else if (word == 0xcb2063ff) // SUB sp, sp, x0
		progress->sp = add(progress->sp, progress->x0, -1);
	else if (word == 0xcb2063e0) // SUB x0, sp, x0
		progress->x0 = add(progress->sp, progress->x0, -1);
	else if ((word & 0xff8003ff) == 0x910003fd) // ADD x29, sp, #immediate
		progress->has_new_fp = true;
	else if ((word & 0xff80001f) == 0x9100001f) // ADD sp, another register, #immediate
		progress->is_lost = true;
}

// Finds the interrupted stack pointer.
static struct gg_error *find_sp(struct gg_unwind *unwind, const struct gg_entry_code *code,
				const struct progress *progress, bool is_user,
				const struct arm64_saved *saved, gg_gva_t *ret)
{
	const struct gg_registers *registers = &unwind->registers;
	const uint64_t sp = unwind->sp, x0 = gg_register(registers, ARM64_X0);
	if (is_user && progress->has_saved_sp)
		return gg_stack_word(&unwind->memory, unwind->sp + saved->sp, ret);
	if (is_user) {
		*ret = gg_register(registers,
				   progress->kept_sp ? ARM64_X0 + progress->kept_sp : ARM64_SP_EL0);
		return NULL;
	}
	if (progress->is_lost)
		return gg_entry_code_lost(code);
	if (progress->sp.sp == 1 && !progress->sp.x0)
		*ret = sp - progress->sp.constant;
	else if (progress->sp.sp == 1 && !progress->x0.sp && progress->x0.x0 == progress->sp.x0)
		*ret = sp - x0 - progress->sp.constant + progress->x0.constant;
	else if (progress->x0.sp == 1 && !progress->x0.x0)
		*ret = x0 - progress->x0.constant;
	else
		return gg_entry_code_lost(code);
	return NULL;
}

static struct progress find_progress(const struct gg_unwind *unwind,
				     const struct gg_entry_code *code, bool is_vector, bool is_user,
				     uint64_t room)
{
	struct progress progress = { .sp = { .sp = 1 }, .x0 = { .x0 = 1 } };
	if (!is_vector) // the vector has made the room
		progress.sp.constant = -room;
	for (size_t at = is_vector ? code->size - unwind->pc % VECTOR : 0; at < code->size;
	     at += WORD)
		note(gg_code_word_at(code->bytes, code->size, at), is_user, &progress);
	return progress;
}

// Goes back to the code that the exit CODE returns to.
static struct gg_error *leave_exit(struct gg_unwind *unwind, const struct gg_entry_code *code,
				   const struct arm64_saved *saved, bool *ret)
{
	struct gg_registers *registers = &unwind->registers;
	struct progress progress = { .has_called = false };
	for (size_t at = 0; at < code->size; at += WORD)
		note_exit(gg_code_word_at(code->bytes, code->size, at), &progress);
	if (!progress.has_loaded_fp || !gg_register_known(registers, ARM64_ELR) ||
	    !gg_register_known(registers, ARM64_SPSR) ||
	    !gg_register_known(registers, ARM64_SP_EL0))
		return NULL;
	const bool is_user = !(gg_register(registers, ARM64_SPSR) & EL);
	uint64_t lr = gg_register(registers, ARM64_LR);
	struct gg_error *err =
		is_user || progress.has_loaded_lr
			? NULL
			: gg_stack_word(&unwind->memory, unwind->sp + saved->fp + LINK, &lr);
	if (err)
		return err;
	gg_stack_place(unwind, gg_register(registers, ARM64_ELR),
		       is_user                   ? gg_register(registers, ARM64_SP_EL0)
		       : progress.has_left_stack ? unwind->sp
						 : unwind->sp + saved->size);
	gg_register_set(registers, ARM64_LR, lr);
	gg_stack_enter(unwind, 0, 0, is_user);
	*ret = true;
	return NULL;
}

struct gg_error *arm64_leave_entry(struct gg_unwind *unwind, const struct arm64_saved *saved,
				   bool *ret)
{
	static const char *const vectors[] = { "vectors", NULL };
	static const char *const entries[] = { "el1h_64_", "el1t_64_", "el0t_64_", "el0t_32_",
					       NULL };
	static const char *const exits[] = { "ret_to_user", "ret_to_kernel", NULL };
	struct gg_registers *registers = &unwind->registers;
	struct gg_entry_code code;
	gg_gva_t sp = 0;
	uint64_t fp = gg_register(registers, ARM64_FP);
	*ret = false;
	struct gg_error *err = gg_entry_code_read(unwind, &code);
	if (!err && gg_entry_code_is(&code, exits))
		return leave_exit(unwind, &code, saved, ret);
	const bool is_vector = gg_entry_code_is(&code, vectors);
	// The handlers of these entries are C: el1h_64_irq_handler.
	if (err || (!is_vector &&
		    (!gg_entry_code_is(&code, entries) || strstr(code.symbol.name, "_handler"))))
		return err;
	const uint64_t pstate = gg_register(registers, ARM64_SPSR);
	const bool is_user = !(pstate & EL);
	const struct progress progress =
		find_progress(unwind, &code, is_vector, is_user, saved->size);
	if (progress.has_called || !gg_register_known(registers, ARM64_ELR) ||
	    !gg_register_known(registers, ARM64_SPSR) ||
	    !gg_register_known(registers, ARM64_SP_EL0))
		return NULL;
	err = find_sp(unwind, &code, &progress, is_user, saved, &sp);
	if (!err && progress.has_new_fp && !is_user)
		err = gg_stack_word(&unwind->memory, unwind->sp + saved->fp, &fp);
	if (err)
		return err;
	gg_stack_place(unwind, gg_register(registers, ARM64_ELR), sp);
	gg_register_set(registers, ARM64_FP, fp);
	const bool is_irq = is_vector && code.size / VECTOR % KINDS - 1 < 2;
	gg_stack_enter(unwind, 0, 0, is_user);
	if (is_vector)
		unwind->entry.kind = is_irq ? GG_ENTRY_IRQ : GG_ENTRY_EXCEPTION;
	*ret = true;
	return NULL;
}

// The trampoline is executed where it is mapped for programs, and its symbols are those of the image. It uses no stack; the
// exit has loaded registers from struct pt_regs, at the stack's end.
bool arm64_leave_trampoline(struct gg_unwind *unwind, const struct arm64_saved *saved,
			    gg_gva_t stack_end)
{
	struct gg_registers *registers = &unwind->registers;
	struct gg_symbol symbol;
	if (!unwind->is_exact || unwind->callee || !unwind->stack ||
	    (unwind->sp != stack_end && unwind->sp != stack_end - saved->size) ||
	    unwind->pc < arm64_linux.kernel_area || !gg_register_known(registers, ARM64_ELR) ||
	    !gg_register_known(registers, ARM64_SPSR) ||
	    !gg_register_known(registers, ARM64_SP_EL0) || gg_register(registers, ARM64_SPSR) & EL)
		return false;
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, unwind->pc, &symbol);
	const bool has_symbol = !err;
	gg_error_destroy(err);
	if (has_symbol)
		return false;
	gg_stack_place(unwind, gg_register(registers, ARM64_ELR),
		       gg_register(registers, ARM64_SP_EL0));
	gg_stack_enter(unwind, 0, 0, true);
	return true;
}
