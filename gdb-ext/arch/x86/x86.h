// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of x86, and the operations that the rows are made of.
#ifndef GG_X86_H
#define GG_X86_H

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

// The parts of a segment register, or of GDTR and IDTR, which have a base and a limit only.
enum { X86_SELECTOR, X86_BASE, X86_LIMIT, X86_FLAGS, X86_SEGMENT_PARTS };

// The order is that of CPUX86State.regs and .segs (QEMU target/i386/cpu.h); the registers that an
// unwinder needs come first.
enum x86_register {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R15 = X86_R8 + 7,
	X86_RIP,
	X86_RFLAGS,
	X86_ES, // four parts each
	X86_CS = X86_ES + X86_SEGMENT_PARTS,
	X86_SS = X86_CS + X86_SEGMENT_PARTS,
	X86_DS = X86_SS + X86_SEGMENT_PARTS,
	X86_FS = X86_DS + X86_SEGMENT_PARTS,
	X86_GS = X86_FS + X86_SEGMENT_PARTS,
	X86_LDT = X86_GS + X86_SEGMENT_PARTS,
	X86_TR = X86_LDT + X86_SEGMENT_PARTS,
	X86_GDT = X86_TR + X86_SEGMENT_PARTS,
	X86_IDT = X86_GDT + X86_SEGMENT_PARTS,
	X86_CR0 = X86_IDT + X86_SEGMENT_PARTS,
	X86_CR4 = X86_CR0 + 4,
	X86_CR8,
	X86_EFER,
	X86_KERNEL_GS_BASE,
	X86_STAR,
	X86_LSTAR,
	X86_CSTAR,
	X86_FMASK,
	X86_SYSENTER_CS,
	X86_SYSENTER_ESP,
	X86_SYSENTER_EIP,
	X86_DR0,
	X86_DR7 = X86_DR0 + 7,
	X86_XCR0,
	X86_FCW,
	X86_FSW,
	X86_FTW, // a set bit for each of FPR0 to FPR7 that is in use
	X86_MXCSR,
	X86_FPR0, // by number, not by place in the stack
	X86_FPR7 = X86_FPR0 + 7,
	X86_K0,
	X86_K7 = X86_K0 + 7,
	X86_ZMM0,
	X86_ZMM31 = X86_ZMM0 + 31,
	X86_HALTED,
	X86_MP_STATE,
	X86_A20,
	// Parts of QEMU's state that are no registers.
	X86_HFLAGS,       // CPUX86State.hflags
	X86_RAW_EFLAGS,   // CPUX86State.eflags, which under TCG lacks the condition codes
	X86_VM_HSAVE,     // CPUX86State.vm_hsave: the place where SVM saves the host's registers
	X86_VM_VMCB,      // CPUX86State.vm_vmcb: the last VMCB that TCG entered
	X86_NESTED_STATE, // CPUX86State.nested_state: KVM's, in QEMU's memory
	X86_REGISTERS,
	X86_NO_REGISTER = X86_REGISTERS,
};

enum { X86_GENERAL_REGISTERS = 16, X86_CONTROL_REGISTERS = 5 };

// CPUX86State.hflags (QEMU target/i386/cpu.h: HF_..._SHIFT).
enum {
	X86_HF_CPL = 3 << 0,
	X86_HF_INHIBIT_IRQ_BIT = 3,
	X86_HF_PE = 1 << 7,
	X86_HF_LMA = 1 << 14,
	X86_HF_CS64 = 1 << 15,
	X86_HF_VM = 1 << 17,
	X86_HF_SMM_BIT = 19,
	X86_HF_GUEST = 1 << 21,
};

// EFER (AMD APM, volume 2, chapter 3.1.7).
enum { X86_EFER_LMA = 1 << 10, X86_EFER_SVME = 1 << 12 };

// SegmentCache.flags: the descriptor's second word (QEMU target/i386/cpu.h: DESC_...; Intel SDM,
// volume 3, chapter 3.4.5).
enum {
	X86_DESC_A = 1 << 8,
	X86_DESC_RW = 1 << 9,  // readable code, writable data
	X86_DESC_CE = 1 << 10, // conforming code, data that expands down
	X86_DESC_CODE = 1 << 11,
	X86_DESC_S = 1 << 12,
	X86_DESC_DPL_SHIFT = 13,
	X86_DESC_P = 1 << 15,
	X86_DESC_L = 1 << 21,
	X86_DESC_B = 1 << 22,
};

extern const struct gg_register_set x86_registers;

extern const struct gg_notes_ops x86_notes_64, x86_notes_32;
struct gg_stack_ops;
extern const struct gg_stack_ops x86_stack_64, x86_stack_32;
struct gg_vmlinux_ops;
extern const struct gg_vmlinux_ops x86_vmlinux_64, x86_vmlinux_32;
// calls.c
extern const struct gg_stub_calls x86_calls_64, x86_calls_32;

// struct elf_prstatus: zeros but for pr_pid and pr_reg.
struct x86_prstatus {
	size_t before_pid, before_registers;
	const enum x86_register
		*registers; // X86_NO_REGISTER: orig_rax, which only a system call has
	size_t count;
	unsigned int width; // of a register, and of what follows them
};
extern const struct x86_prstatus x86_prstatus_64, x86_prstatus_32;

// QEMU's note: a version, its size, the general registers, RIP, the flags, the segments, CR0 to CR4,
// the base of the kernel's GS.
enum { X86_NOTE_VERSION = 1, X86_NOTE_SIZE = 440, X86_NOTE_GENERAL = 16, X86_NOTE_SEGMENTS = 10 };
extern const enum x86_register x86_note_general[X86_NOTE_GENERAL];
extern const enum x86_register x86_note_segments[X86_NOTE_SEGMENTS];

// The operations read() and prstatus_pid() of struct gg_notes_ops.
struct gg_error *x86_read_notes_64(const struct gg_cpu_notes *notes, struct gg_registers *ret);
struct gg_error *x86_read_notes_32(const struct gg_cpu_notes *notes, struct gg_registers *ret);
uint32_t x86_prstatus_pid_64(const struct gg_cpu_notes *notes);
uint32_t x86_prstatus_pid_32(const struct gg_cpu_notes *notes);
extern const struct gg_linux_ops x86_linux_64, x86_linux_32;

// The formats of page tables; the first stands for paging that is off.
extern const struct gg_page_format x86_pages_none, x86_pages_64, x86_pages_32, x86_pages_pae;

// The flags that arithmetic sets (Intel SDM, volume 1, chapter 3.4.3), and DF.
enum {
	X86_CF = 1 << 0,
	X86_PF = 1 << 2,
	X86_AF = 1 << 4,
	X86_ZF = 1 << 6,
	X86_SF = 1 << 7,
	X86_DF = 1 << 10,
	X86_OF = 1 << 11,
	X86_CONDITION_CODES = X86_CF | X86_PF | X86_AF | X86_ZF | X86_SF | X86_OF,
};

// The condition codes as TCG keeps them, by the last operation: CPUX86State.cc_op, .cc_dst, .cc_src,
// .cc_src2; WORD is the size of the last three.
struct x86_condition {
	uint64_t op, dst, src, src2;
	unsigned int word;
};

// Computes the flags of X86_CONDITION_CODES. *KNOWN is false where OP is no operation, as while TCG
// executes, or where the debugger does not know QEMU's numbers of operations.
struct gg_error *x86_condition_codes(const struct gg_host *host,
				     const struct x86_condition *condition, uint64_t *ret,
				     bool *known);

// Reads CPUX86State. A missing member that a vmcore's notes need is an error; other registers that a
// QEMU or its debugger lacks are unknown.
struct gg_error *x86_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret);

// Reads the text that QEMU's monitor printed of the CPU, and registers that it does not print from
// HOST's thread, if the CPU has one. GG_BAD_DATA where the text is damaged or cut off.
struct gg_error *x86_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				  struct gg_registers *ret);

enum gg_nesting x86_nesting(const struct gg_registers *registers);

// Reads the registers that SVM saved; as read_saved() of struct gg_cpu_ops.
struct gg_error *x86_read_saved(const struct gg_ram_map *map, const struct gg_host *host,
				const struct gg_qemu_cpu *cpu, const struct gg_registers *nested,
				struct gg_registers *ret);

// The save area of a VMCB, the page in memory that has a guest's state.
enum {
	X86_VMCB_SIZE = 4096,
	X86_SAVE_AREA = 0x400, // in the page
	X86_VMRUN_AREA_SIZE = 0x200,
	X86_GUEST_AREA_SIZE = 0x248,
};

// Reads the registers that VMRUN saves out of X86_VMRUN_AREA_SIZE bytes; others are unknown. The machine's
// A20 is that of NESTED.
struct gg_error *x86_read_vmrun_area(const uint8_t *bytes, const struct gg_registers *nested,
				     struct gg_registers *ret);

// Reads a guest's registers out of X86_GUEST_AREA_SIZE bytes; others stay as they are.
struct gg_error *x86_read_guest_area(const uint8_t *bytes, struct gg_registers *ret);

// The operations control_block(), read_control_block(), control_block_place() and leave_nesting() of struct gg_cpu_ops.
bool x86_control_block(const uint8_t *page, struct gg_control_block *ret);
struct gg_error *x86_read_control_block(const uint8_t *page, struct gg_registers *ret);
bool x86_control_block_place(const struct gg_registers *nested, gg_gpa_t *ret);
void x86_leave_nesting(struct gg_registers *registers);

// Tests whether QEMU's monitor printed TEXT of a CPU of this architecture, and whether that CPU is in
// long mode.
bool x86_is_monitor_text(const char *text, bool *long_mode);

// Prints the layout of QEMU's "info registers" (target/i386/cpu-dump.c, v7.2), with "?" in the place
// of each unknown digit, and behind it registers that QEMU does not show.
void x86_print_registers(const struct gg_registers *registers, FILE *out);

// Returns the lowest address of a kernel of 32 bits whose _stext is at TEXT; 0 for a place where none can be.
gg_gva_t x86_page_offset_32(gg_gva_t text);

// The operations vm_exit(), vmx_exit(), hidden_page() and read_vcpu() of struct gg_linux_ops.
const char *x86_vm_exit(uint64_t code);
const char *x86_vmx_exit(uint64_t code);
bool x86_hidden_page(const struct gg_page_entry *entry, gg_gpa_t *ret);
struct gg_error *x86_read_vcpu(const struct gg_host *kernel, const struct gg_vcpu_peers *peers,
			       gg_gva_t vcpu, const struct gg_registers *inside,
			       struct gg_cpu_state *ret);

struct gg_error *x86_disassemble(const struct gg_code *code, struct gg_instruction *ret);

void x86_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret);

// The operations of struct gg_cpu_ops.
void x86_paging(const struct gg_registers *registers, struct gg_paging *ret);
bool x86_other_paging(const struct gg_registers *registers, struct gg_paging *ret);

#endif
