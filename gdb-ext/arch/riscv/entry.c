// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entry from an exception on RISC-V before all registers are saved, or behind the point where all are loaded
// again (Linux arch/riscv/kernel/entry.S, v6.1 to v7.2): sepc and sstatus.SPP are the interrupted code's (The RISC-V
// Instruction Set Manual, volume II, Supervisor Trap Handling). The entry keeps the interrupted stack pointer in the task's
// struct thread_info, to which tp leads, while it calculates in sp.
//
// In:  a CPU's registers, the entry's instructions.
// Out: the interrupted code's registers.
// Trusts nothing it reads: instructions are looked at once, in their order.
#include "entry.h"
#include "arch/instruction.h"
#include "linux/stack/start.h"

enum {
	WORD = 8,
	TP = 4,
	STATUS_SPP = 1 << 8, // mstatus shows sstatus' bit
};

// Work that the instructions before the CPU's have done.
struct progress {
	bool has_called;    // all registers are saved
	bool has_loaded_sp; // from the saved registers
	bool has_changed_sp, has_changed_s0;
	bool has_kept_sp; // at tp + SLOT
	int64_t slot;
};

static int64_t load_offset(uint32_t word)
{
	return (int32_t)word >> 20;
}

static int64_t store_offset(uint32_t word)
{
	return ((int32_t)word >> 25) * 32 + (int32_t)(word >> 7 & 0x1f);
}

static void note_long(uint32_t word, struct progress *progress)
{
	enum { STORE = 0x23, BRANCH = 0x63, RA = 1 };
	enum { SD_SP_TP = 0x223023, LD_SP_TP = 0x23103, LD_SP_SP = 0x13103 };
	const unsigned int operation = word & 0x7f, rd = word >> 7 & 0x1f;
	if ((word & 0x1fff07f) == SD_SP_TP && !progress->has_changed_sp) {
		progress->has_kept_sp = true;
		progress->slot = store_offset(word);
	}
	if (operation == STORE || operation == BRANCH)
		return;
	if (rd == RA) // JAL, JALR, or AUIPC, the first half of a far call
		progress->has_called = true;
	if ((word & 0xfffff) == LD_SP_SP)
		progress->has_loaded_sp = true;
	if (rd == RISCV_SP)
		progress->has_changed_sp = (word & 0xfffff) != LD_SP_TP || !progress->has_kept_sp ||
					   load_offset(word) != progress->slot;
	if (rd == RISCV_S0)
		progress->has_changed_s0 = true;
}

static void note_short(uint32_t half, struct progress *progress)
{
	enum { FIRST = 8 }; // of the registers that 3 bits choose
	const unsigned int operation = (half & 3) << 3 | half >> 13, rd = half >> 7 & 0x1f;
	unsigned int changed = 0;
	switch (operation) {
	case 0: // C.ADDI4SPN
	case 2: // C.LW
	case 3: // C.LD
		changed = FIRST + (half >> 2 & 7);
		break;
	case 12: // C.SRLI, C.ANDI, C.SUB and so on
		changed = FIRST + (half >> 7 & 7);
		break;
	case 8:  // C.ADDI
	case 9:  // C.ADDIW
	case 10: // C.LI
	case 11: // C.LUI, C.ADDI16SP
	case 16: // C.SLLI
	case 18: // C.LWSP
	case 19: // C.LDSP
		changed = rd;
		break;
	case 20: // C.JR, C.JALR, C.MV, C.ADD
		progress->has_called |= (half & 0x107f) == 0x1002 && rd;
		changed = half & 0x7c ? rd : 0;
		break;
	}
	progress->has_loaded_sp |= operation == 19 && rd == RISCV_SP;
	progress->has_changed_sp |= changed == RISCV_SP;
	progress->has_changed_s0 |= changed == RISCV_S0;
}

static struct progress find_progress(const struct gg_entry_code *code)
{
	struct progress progress = { .has_called = false };
	for (size_t at = 0; code->size - at >= 2;) {
		const uint32_t half = gg_code_half(code->bytes + at);
		if ((half & 3) != 3)
			note_short(half, &progress);
		else
			note_long(gg_code_word_at(code->bytes, code->size, at), &progress);
		at += (half & 3) != 3 || code->size - at < 4 ? 2 : 4;
	}
	return progress;
}

struct gg_error *riscv_leave_entry(struct gg_unwind *unwind, uint64_t s0, bool *ret)
{
	static const char *const entries[] = { "handle_exception", NULL };
	static const char *const exits[] = { "ret_from_exception", NULL };
	struct gg_registers *registers = &unwind->registers;
	struct gg_entry_code code;
	*ret = false;
	struct gg_error *err = gg_entry_code_read(unwind, &code);
	if (err)
		return err;
	const struct progress progress = find_progress(&code);
	const bool is_entry = gg_entry_code_is(&code, entries) && !progress.has_called;
	const bool is_exit = gg_entry_code_is(&code, exits) && progress.has_loaded_sp;
	if ((!is_entry && !is_exit) || !gg_register_known(registers, RISCV_SEPC) ||
	    !gg_register_known(registers, RISCV_MSTATUS))
		return NULL;
	uint64_t sp = unwind->sp, fp = gg_register(registers, RISCV_S0);
	if (is_entry && progress.has_changed_s0)
		err = gg_stack_word(&unwind->memory, sp + s0, &fp);
	if (!err && is_entry && progress.has_changed_sp)
		err = progress.has_kept_sp ? gg_host_read_uint(&unwind->kernel->typed,
							       gg_register(registers, TP) +
								       (uint64_t)progress.slot,
							       WORD, &sp)
					   : gg_entry_code_lost(&code);
	if (err)
		return err;
	gg_stack_place(unwind, gg_register(registers, RISCV_SEPC), sp);
	gg_register_set(registers, RISCV_S0, fp);
	gg_stack_enter(unwind, 0, 0, !(gg_register(registers, RISCV_MSTATUS) & STATUS_SPP));
	*ret = true;
	return NULL;
}
