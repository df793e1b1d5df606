// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of x86: their names and places.
#include "x86.h"

#include <stddef.h>

// The place of each register. FTW and the x87 registers are as the monitor shows them.
struct x86_values {
	uint64_t general[X86_GENERAL_REGISTERS], rip, rflags;
	struct {
		uint64_t base;
		uint32_t limit, flags;
		uint16_t selector;
	} segments[10];
	uint64_t control[X86_CONTROL_REGISTERS], cr8, efer, kernel_gs_base, star, lstar, cstar;
	uint64_t fmask, sysenter_esp, sysenter_eip, debug[8], xcr0, masks[8];
	uint64_t hflags, raw_eflags, vm_hsave, vm_vmcb, nested_state;
	uint32_t sysenter_cs, mxcsr, mp_state;
	uint16_t fcw, fsw;
	uint8_t ftw, halted, a20, fpr[8][10], zmm[32][64];
};

_Static_assert(sizeof(struct x86_values) <= GG_REGISTERS_SIZE, "the registers of x86 have room");

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct x86_values, member),                                         \
			sizeof(((struct x86_values *)NULL)->member)                                \
	}
#define SEGMENT(name, index)                                                                       \
	R(name, segments[index].selector), R(name "_base", segments[index].base),                  \
		R(name "_limit", segments[index].limit), R(name "_flags", segments[index].flags)
#define TABLE(name, index)                                                                         \
	R(NULL, segments[index].selector), R(name "_base", segments[index].base),                  \
		R(name "_limit", segments[index].limit), R(NULL, segments[index].flags)
#define EIGHT(name, member)                                                                        \
	R(name "0", member[0]), R(name "1", member[1]), R(name "2", member[2]),                    \
		R(name "3", member[3]), R(name "4", member[4]), R(name "5", member[5]),            \
		R(name "6", member[6]), R(name "7", member[7])

// The names are GDB's, where GDB has one.
// clang-format off
static const struct gg_register_info infos[X86_REGISTERS] = {
	[X86_RAX] = R("rax", general[0]), R("rcx", general[1]), R("rdx", general[2]),
		R("rbx", general[3]), R("rsp", general[4]), R("rbp", general[5]),
		R("rsi", general[6]), R("rdi", general[7]),
	[X86_R8] = R("r8", general[8]), R("r9", general[9]), R("r10", general[10]),
		R("r11", general[11]), R("r12", general[12]), R("r13", general[13]),
		R("r14", general[14]), R("r15", general[15]),
	[X86_RIP] = R("rip", rip),
	[X86_RFLAGS] = R("rflags", rflags),
	[X86_ES] = SEGMENT("es", 0), SEGMENT("cs", 1), SEGMENT("ss", 2), SEGMENT("ds", 3),
		SEGMENT("fs", 4), SEGMENT("gs", 5), SEGMENT("ldt", 6), SEGMENT("tr", 7),
	[X86_GDT] = TABLE("gdt", 8), TABLE("idt", 9),
	[X86_CR0] = R("cr0", control[0]), R(NULL, control[1]), R("cr2", control[2]),
		R("cr3", control[3]), R("cr4", control[4]),
	[X86_CR8] = R("cr8", cr8),
	[X86_EFER] = R("efer", efer),
	[X86_KERNEL_GS_BASE] = R("k_gs_base", kernel_gs_base),
	[X86_STAR] = R("star", star),
	[X86_LSTAR] = R("lstar", lstar),
	[X86_CSTAR] = R("cstar", cstar),
	[X86_FMASK] = R("fmask", fmask),
	[X86_SYSENTER_CS] = R("sysenter_cs", sysenter_cs),
	[X86_SYSENTER_ESP] = R("sysenter_esp", sysenter_esp),
	[X86_SYSENTER_EIP] = R("sysenter_eip", sysenter_eip),
	[X86_DR0] = R("dr0", debug[0]), R("dr1", debug[1]), R("dr2", debug[2]), R("dr3", debug[3]),
		R(NULL, debug[4]), R(NULL, debug[5]), R("dr6", debug[6]), R("dr7", debug[7]),
	[X86_XCR0] = R("xcr0", xcr0),
	[X86_FCW] = R("fcw", fcw),
	[X86_FSW] = R("fsw", fsw),
	[X86_FTW] = R("ftw", ftw),
	[X86_MXCSR] = R("mxcsr", mxcsr),
	[X86_FPR0] = EIGHT("fpr", fpr),
	[X86_K0] = EIGHT("k", masks),
	[X86_ZMM0] = EIGHT("zmm", zmm), R("zmm8", zmm[8]), R("zmm9", zmm[9]),
		R("zmm10", zmm[10]), R("zmm11", zmm[11]), R("zmm12", zmm[12]), R("zmm13", zmm[13]),
		R("zmm14", zmm[14]), R("zmm15", zmm[15]), R("zmm16", zmm[16]), R("zmm17", zmm[17]),
		R("zmm18", zmm[18]), R("zmm19", zmm[19]), R("zmm20", zmm[20]), R("zmm21", zmm[21]),
		R("zmm22", zmm[22]), R("zmm23", zmm[23]), R("zmm24", zmm[24]), R("zmm25", zmm[25]),
		R("zmm26", zmm[26]), R("zmm27", zmm[27]), R("zmm28", zmm[28]), R("zmm29", zmm[29]),
		R("zmm30", zmm[30]), R("zmm31", zmm[31]),
	[X86_HALTED] = R("halted", halted),
	[X86_MP_STATE] = R("mp_state", mp_state),
	[X86_A20] = R("a20", a20),
	[X86_HFLAGS] = R(NULL, hflags), R(NULL, raw_eflags), R(NULL, vm_hsave), R(NULL, vm_vmcb),
		R(NULL, nested_state),
};
// clang-format on

const struct gg_register_set x86_registers = {
	.infos = infos,
	.count = X86_REGISTERS,
	.size = sizeof(struct x86_values),
	.pc = X86_RIP,
	.sp = X86_RSP,
};
