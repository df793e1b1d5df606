// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on x86 of 32 bits: the instructions that make and end a frame (code-frame.c), and the places of arguments
// (the kernel's -mregparm=3). Linux has all code keep a frame pointer in ebp.
#include "unwind.h"
#include "vmlinux/vmlinux-ops.h"
#include "x86.h"

#include <dwarf.h>
#include <string.h>

// DWARF's numbers (System V ABI, Intel386 supplement, table 2.14).
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP };

// The places in struct pt_regs (Linux arch/x86/include/asm/ptrace.h).
enum { PT_CS = 52, PT_SP = 60, PT_SIZE = 68 };
static const struct gg_code_saved places[] = {
	{ EBX, 0 },  { ECX, 4 },  { EDX, 8 },  { ESI, 12 },
	{ EDI, 16 }, { EBP, 20 }, { EAX, 24 }, { EIP, 48 },
};

static const uint8_t registers[] = { DW_OP_breg0 + ESP, 0 };

// A kernel's own stack pointer was not saved before v5.4 (Linux commit 3c88c692c287), which marks the word of cs where it is: it
// was then the place at which it is saved since.
static const uint8_t saved_sp[] = {
	DW_OP_breg0 + ESP,
	PT_SP, // the place
	DW_OP_breg0 + ESP,
	PT_CS,
	DW_OP_deref,
	DW_OP_const4u,
	3,
	0,
	0,
	0x20, // the CPL, CS_FROM_KERNEL
	DW_OP_and,
	DW_OP_bra,
	3,
	0, // to the last operation
	DW_OP_skip,
	1,
	0, // behind it
	DW_OP_deref,
};

// Linux arch/x86/entry/entry_32.S, kernel/head_32.S, and C that changes stacks (kernel/irq_32.c).
static const struct gg_code_name names[] = {
	{ "asm_*", GG_CODE_ENTRY },
	{ "handle_exception", GG_CODE_ENTRY },
	{ "handle_exception_*", GG_CODE_REGISTERS },
	{ "entry_INT80*", GG_CODE_ENTRY },
	{ "entry_SYSENTER*", GG_CODE_ENTRY },
	{ "restore_all*", GG_CODE_ENTRY },
	{ "ret_to_user", GG_CODE_ENTRY },
	{ "ret_from_fork", GG_CODE_OUTERMOST },
	{ "ret_from_kernel_thread", GG_CODE_OUTERMOST },
	{ "startup_32*", GG_CODE_OUTERMOST },
	{ "*handle_irq", GG_CODE_SWITCH },
	{ "call_on_stack*", GG_CODE_SWITCH },
	{ "*do_softirq_own_stack", GG_CODE_SWITCH },
	{ 0 },
};

static const struct gg_code_rules rules = {
	.count = 8,
	.sp = ESP,
	.fp = EBP,
	.ra = EIP,
	.pc = EIP,
	.open = x86_code_open,
	.close = x86_code_close,
	.step = x86_code_step,
	.start = { .depth = 4, .ra = -4, .flags = GG_FRAME_RA_SAVED },
	.made = { .fp_depth = 8,
		  .ra = -4,
		  .fp = -8,
		  .flags = GG_FRAME_BY_FP | GG_FRAME_FP_SAVED | GG_FRAME_RA_SAVED },
	.names = names,
	.places = places,
	.place_count = sizeof(places) / sizeof(*places),
	.places_size = PT_SIZE,
	.saved_sp = saved_sp,
	.saved_sp_size = sizeof(saved_sp),
	.registers = registers,
	.registers_size = sizeof(registers),
	.user_start = 0x1000,
	.user_end = UINT64_C(3) << 30,
};

static const uint8_t argument_registers[] = { EAX, EDX, ECX };

// The nops that tracing replaces by a call: of P6, of older CPUs.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	static const uint8_t nops[][5] = { { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
					   { 0x3e, 0x8d, 0x74, 0x26, 0x00 } };
	for (size_t i = 0; i < sizeof(nops) / sizeof(*nops); i++)
		if (size >= sizeof(*nops) && !memcmp(code, nops[i], sizeof(*nops)))
			return sizeof(*nops);
	return 0;
}

const struct gg_vmlinux_ops x86_vmlinux_32 = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.code = &rules,
};
