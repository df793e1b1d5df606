// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of AArch64, and the operations that the row is made of.
#ifndef GG_ARM64_H
#define GG_ARM64_H

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

// The registers that an unwinder needs come first.
enum arm64_register {
	ARM64_X0,
	ARM64_X8 = ARM64_X0 + 8,  // the number of a system call
	ARM64_FP = ARM64_X0 + 29, // x29, the frame pointer
	ARM64_LR = ARM64_X0 + 30,
	ARM64_SP,
	ARM64_PC,
	ARM64_PSTATE,
	// System registers, by their names of exception level 1.
	ARM64_SP_EL0, // while the kernel runs the task on the CPU
	ARM64_TTBR0,
	ARM64_TTBR1,
	ARM64_TCR,
	ARM64_SCTLR,
	ARM64_TPIDR, // the offset of the CPU's per-CPU memory
	ARM64_ELR,
	ARM64_SPSR,
	ARM64_ESR,
	ARM64_FAR,
	ARM64_VBAR,
	ARM64_LAST_SYSTEM = ARM64_VBAR,
	ARM64_FPSR,
	ARM64_FPCR,
	ARM64_V0,
	ARM64_V31 = ARM64_V0 + 31,
	ARM64_HALTED,
	// The Scalable Vector Extension, SVE: what the vector registers have behind their first 16 bytes, the predicates, FFR.
	ARM64_Z0_HIGH,
	ARM64_Z31_HIGH = ARM64_Z0_HIGH + 31,
	ARM64_P0,
	ARM64_FFR = ARM64_P0 + 16,
	ARM64_SVE_LENGTH, // bytes of a vector in use; unknown without SVE
	ARM64_SVE_MAX,    // bytes of the CPU's longest vector
	// The controls of the length; unknown where the CPU has none. HCR_EL2 and SCR_EL3 are of CPUs with these levels alone.
	ARM64_ZCR_EL1,
	ARM64_HCR_EL2,
	ARM64_SCR_EL3,
	ARM64_SVCR,
	ARM64_REGISTERS,
};

enum {
	ARM64_GENERAL = 31,
	ARM64_VECTORS = 32,
	ARM64_VECTOR_SIZE = 16,
	ARM64_PREDICATES = 17,
	// Bytes of the longest vector that SVE allows, and of its predicate.
	ARM64_LONG_VECTOR = 256,
	ARM64_LONG_PREDICATE = 32,
};

// PSTATE, as an exception saves it (Arm Architecture Reference Manual, C5.2: SPSR_EL1).
enum {
	ARM64_PSTATE_SP = 1 << 0,
	ARM64_PSTATE_EL_SHIFT = 2,
	ARM64_PSTATE_NRW = 1 << 4,
	ARM64_PSTATE_DAIF = 0xf << 6,
	ARM64_PSTATE_BTYPE_SHIFT = 10,
	ARM64_PSTATE_BTYPE = 3 << ARM64_PSTATE_BTYPE_SHIFT,
	ARM64_PSTATE_V_BIT = 28,
	ARM64_PSTATE_C_BIT = 29,
	ARM64_PSTATE_Z_BIT = 30,
	ARM64_PSTATE_N_BIT = 31,
};
#define ARM64_PSTATE_FLAGS (UINT64_C(0xf) << ARM64_PSTATE_V_BIT)

// A system register: its name, which QEMU and its gdbstub have too, and its number as an instruction
// encodes it.
struct arm64_system_register {
	enum arm64_register id;
	const char *name;     // QEMU's
	const char *old_name; // of a QEMU before v7, or the same
	unsigned int op0, op1, crn, crm, op2;
};
extern const struct arm64_system_register arm64_system_registers[];
extern const size_t arm64_system_register_count;

// The registers that SVE's length follows from.
extern const struct arm64_system_register arm64_vector_controls[];
extern const size_t arm64_vector_control_count;

extern const struct gg_register_set arm64_registers;
extern const struct gg_notes_ops arm64_notes;
extern const struct gg_linux_ops arm64_linux;
extern const struct gg_page_format arm64_pages_none, arm64_pages_4k, arm64_pages_16k,
	arm64_pages_64k, arm64_pages_4k_lpa2, arm64_pages_16k_lpa2;
struct gg_stack_ops;
extern const struct gg_stack_ops arm64_stack;
extern const struct gg_stub_calls arm64_calls;
extern const struct gg_vmlinux_ops arm64_vmlinux;

// Returns the format of a granule of 1 << PAGE_BITS bytes, NULL without; LPA2: descriptors of 52 bits in
// the smaller two.
const struct gg_page_format *arm64_page_format(unsigned int page_bits, bool lpa2);

// Returns the levels of tables that translate INPUT_BITS of an address.
unsigned int arm64_page_levels(const struct gg_page_format *format, unsigned int input_bits);

// Returns the exception level of PSTATE.
unsigned int arm64_exception_level(const struct gg_registers *registers);

// The operation of struct gg_linux_ops.
size_t arm64_words_read(const uint8_t *code, size_t size, gg_gva_t pc, gg_gva_t *ret, size_t limit);

// The operations of struct gg_cpu_ops.
struct gg_error *arm64_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				      struct gg_registers *ret);
struct gg_error *arm64_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret);
bool arm64_is_monitor_text(const char *text);
void arm64_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret);
void arm64_print_registers(const struct gg_registers *registers, FILE *out);
struct gg_error *arm64_disassemble(const struct gg_code *code, struct gg_instruction *ret);
void arm64_paging(const struct gg_registers *registers, struct gg_paging *ret);
bool arm64_other_paging(const struct gg_registers *registers, struct gg_paging *ret);

// Reads the system registers by the table that QEMU's CPU has of them.
struct gg_error *arm64_read_system(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_registers *registers);

// Reads the vectors and predicates of SVE. REGISTERS have the controls of the length. The registers stay unknown of a CPU
// without SVE, and where the length is not known.
struct gg_error *arm64_read_sve(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				struct gg_registers *registers);

#endif
