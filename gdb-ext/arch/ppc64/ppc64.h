// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of POWER CPUs of 64 bits, and the operations that the rows are made of.
#ifndef GG_PPC64_H
#define GG_PPC64_H

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

// The registers that an unwinder needs come first.
enum ppc64_register {
	PPC64_R0,
	PPC64_R1 = PPC64_R0 + 1,   // the stack pointer
	PPC64_R13 = PPC64_R0 + 13, // in the kernel the CPU's paca
	PPC64_R31 = PPC64_R0 + 31,
	PPC64_NIP, // the address of the next instruction
	PPC64_MSR,
	PPC64_LR,
	PPC64_CTR,
	PPC64_XER,
	PPC64_CR,
	PPC64_FPSCR,
	PPC64_VSCR,
	PPC64_RESERVATION, // the address of a load with reservation
	// SPRs, in the order of QEMU's "info registers".
	PPC64_HID0,
	PPC64_SRR0,
	PPC64_SRR1,
	PPC64_PVR,
	PPC64_VRSAVE,
	PPC64_SPRG0,
	PPC64_SPRG1, // the CPU's paca, in the kernel and in a program
	PPC64_SPRG7 = PPC64_SPRG0 + 7,
	PPC64_HSRR0,
	PPC64_HSRR1,
	PPC64_CFAR,
	PPC64_LPCR,
	PPC64_PTCR,
	PPC64_DAR,
	PPC64_DSISR,
	PPC64_F0,                      // the upper halves of vs0 to vs31
	PPC64_VS_LOW0 = PPC64_F0 + 32, // their lower halves
	PPC64_VR_HIGH0 = PPC64_VS_LOW0 + 32,
	PPC64_VR_LOW0 = PPC64_VR_HIGH0 + 32,
	PPC64_HALTED = PPC64_VR_LOW0 + 32,
	PPC64_REGISTERS,
};

enum { PPC64_COUNT = 32 };

// Power ISA, version 3.0B, book III: the MSR and the LPCR.
#define PPC64_MSR_SF   (UINT64_C(1) << 63) // code of 64 bits
#define PPC64_MSR_HV   (UINT64_C(1) << 60)
#define PPC64_MSR_PR   (UINT64_C(1) << 14) // a program
#define PPC64_MSR_DR   (UINT64_C(1) << 4)  // data is translated
#define PPC64_MSR_LE   (UINT64_C(1) << 0)
#define PPC64_LPCR_ILE (UINT64_C(1) << 25) // interrupts set MSR.LE

// Linux's linear map of all RAM, which has the image; vmalloc's area behind it has the modules.
#define PPC64_LINEAR_START UINT64_C(0xc000000000000000)
#define PPC64_LINEAR_END   UINT64_C(0xc008000000000000)

extern const struct gg_register_set ppc64_registers;
extern const struct gg_notes_ops ppc64_notes;
extern const struct gg_linux_ops ppc64_linux;
extern const struct gg_page_format ppc64_pages_4k, ppc64_pages_64k;
struct gg_stack_ops;
extern const struct gg_stack_ops ppc64_stack;
extern const struct gg_stub_calls ppc64_calls;
extern const struct gg_vmlinux_ops ppc64_vmlinux;

// The operations of struct gg_cpu_ops.
struct gg_error *ppc64_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret);
struct gg_error *ppc64_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret);
bool ppc64_is_mode(const struct gg_registers *registers);
bool ppc64_is_monitor_text(const char *text);
void ppc64_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret);
void ppc64_print_registers(const struct gg_registers *registers, FILE *out);
struct gg_error *ppc64_disassemble(const struct gg_code *code, struct gg_instruction *ret);
void ppc64_paging(const struct gg_registers *registers, struct gg_paging *ret);

#endif
