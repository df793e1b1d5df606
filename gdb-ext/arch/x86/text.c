// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of x86 for people.
//
// In:  registers, whatever their source.
// Out: the text of QEMU's "info registers"; a summary.
#include "arch/print.h"
#include "x86.h"

#include <inttypes.h>
#include <stdio.h>

// ---- Parts of lines ----

static void print_named(FILE *out, const char *name, const struct gg_registers *registers,
			unsigned int id, unsigned int digits)
{
	fprintf(out, "%s=", name);
	gg_print_register(out, registers, id, digits);
}

// Prints the field of bits that starts at BIT.
static void print_field(FILE *out, const char *name, const struct gg_registers *registers,
			unsigned int id, unsigned int bit, unsigned int mask)
{
	if (gg_register_unknown(registers, id) >> bit & mask)
		fprintf(out, "%s=?", name);
	else
		fprintf(out, "%s=%u", name,
			(unsigned int)(gg_register(registers, id) >> bit & mask));
}

static bool has_hflag(const struct gg_registers *registers, uint64_t flag)
{
	return gg_register(registers, X86_HFLAGS) & flag;
}

static bool is_64_bit(const struct gg_registers *registers)
{
	return has_hflag(registers, X86_HF_CS64);
}

// ---- General registers and flags ----

static void print_general(const struct gg_registers *registers, FILE *out)
{
	static const struct {
		const char *name;
		enum x86_register id;
	} order[] = { { "AX", X86_RAX }, { "BX", X86_RBX }, { "CX", X86_RCX }, { "DX", X86_RDX },
		      { "SI", X86_RSI }, { "DI", X86_RDI }, { "BP", X86_RBP }, { "SP", X86_RSP } };
	const bool wide = is_64_bit(registers);
	for (unsigned int i = 0; i < sizeof(order) / sizeof(*order); i++) {
		fprintf(out, "%c%s=", wide ? 'R' : 'E', order[i].name);
		gg_print_register(out, registers, order[i].id, wide ? 16 : 8);
		fputc(i % 4 == 3 ? '\n' : ' ', out);
	}
	for (unsigned int i = 8; wide && i < X86_GENERAL_REGISTERS; i++) {
		fprintf(out, "R%-2u=", i);
		gg_print_register(out, registers, X86_RAX + i, 16);
		fputc(i % 4 == 3 ? '\n' : ' ', out);
	}
}

static void print_flag_letters(const struct gg_registers *registers, FILE *out)
{
	static const struct {
		char letter;
		unsigned int flag;
	} letters[] = { { 'D', X86_DF }, { 'O', X86_OF }, { 'S', X86_SF }, { 'Z', X86_ZF },
			{ 'A', X86_AF }, { 'P', X86_PF }, { 'C', X86_CF } };
	const uint64_t flags = gg_register(registers, X86_RFLAGS);
	const uint64_t unknown = gg_register_unknown(registers, X86_RFLAGS);
	fputs(" [", out);
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		fputc(unknown & letters[i].flag ? '?'
		      : flags & letters[i].flag ? letters[i].letter
						: '-',
		      out);
	fputs("] ", out);
}

static void print_state(const struct gg_registers *registers, FILE *out)
{
	const bool wide = is_64_bit(registers);
	print_named(out, wide ? "RIP" : "EIP", registers, X86_RIP, wide ? 16 : 8);
	fputc(' ', out);
	print_named(out, wide ? "RFL" : "EFL", registers, X86_RFLAGS, 8);
	print_flag_letters(registers, out);
	print_field(out, "CPL", registers, X86_HFLAGS, 0, X86_HF_CPL);
	print_field(out, " II", registers, X86_HFLAGS, X86_HF_INHIBIT_IRQ_BIT, 1);
	print_field(out, " A20", registers, X86_A20, 0, 1);
	print_field(out, " SMM", registers, X86_HFLAGS, X86_HF_SMM_BIT, 1);
	print_field(out, " HLT", registers, X86_HALTED, 0, 1);
	fputc('\n', out);
}

// ---- Segments ----

// Intel SDM, volume 3, table 3-2, in QEMU's words.
static const char *const system_types[2][16] = {
	{ "Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16",
	  "TrapGate16", "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved",
	  "IntGate32", "TrapGate32" },
	{ "<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
	  "Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64",
	  "TrapGate64" },
};

static void print_code_or_data(uint64_t flags, bool long_mode, FILE *out)
{
	const bool code = flags & X86_DESC_CODE, big = flags & X86_DESC_B;
	const char *type;
	if (code)
		type = flags & X86_DESC_L ? "CS64" : big ? "CS32" : "CS16";
	else
		type = big || long_mode ? "DS  " : "DS16";
	fprintf(out, "%s [%c%c%c]", type, flags & X86_DESC_CE ? (code ? 'C' : 'E') : '-',
		flags & X86_DESC_RW ? (code ? 'R' : 'W') : '-', flags & X86_DESC_A ? 'A' : '-');
}

static void print_segment(const struct gg_registers *registers, const char *name, unsigned int id,
			  FILE *out)
{
	// QEMU shows the flags without the parts of the base and the limit.
	const uint64_t shown = 0x00ffff00, flags = gg_register(registers, id + X86_FLAGS);
	fprintf(out, "%-3s=", name);
	gg_print_register(out, registers, id + X86_SELECTOR, 4);
	fputc(' ', out);
	gg_print_register(out, registers, id + X86_BASE, is_64_bit(registers) ? 16 : 8);
	fputc(' ', out);
	gg_print_register(out, registers, id + X86_LIMIT, 8);
	fputc(' ', out);
	gg_print_digits(out, flags & shown, gg_register_unknown(registers, id + X86_FLAGS) & shown,
			8);
	const bool long_mode = has_hflag(registers, X86_HF_LMA);
	if (has_hflag(registers, X86_HF_PE) && flags & X86_DESC_P) {
		fprintf(out, " DPL=%u ", (unsigned int)(flags >> X86_DESC_DPL_SHIFT & 3));
		if (flags & X86_DESC_S)
			print_code_or_data(flags, long_mode, out);
		else
			fputs(system_types[long_mode][flags >> 8 & 0xf], out);
	}
	fputc('\n', out);
}

static void print_segments(const struct gg_registers *registers, FILE *out)
{
	static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR" };
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		print_segment(registers, names[i], X86_ES + i * X86_SEGMENT_PARTS, out);
}

// ---- Control and debug registers ----

static void print_table(const struct gg_registers *registers, const char *name, unsigned int id,
			FILE *out)
{
	fprintf(out, "%s=     ", name);
	gg_print_register(out, registers, id + X86_BASE, has_hflag(registers, X86_HF_LMA) ? 16 : 8);
	fputc(' ', out);
	gg_print_register(out, registers, id + X86_LIMIT, 8);
	fputc('\n', out);
}

static void print_control(const struct gg_registers *registers, FILE *out)
{
	const bool long_mode = has_hflag(registers, X86_HF_LMA);
	const unsigned int address = long_mode ? 16 : 8;
	const unsigned int debug = long_mode ? 16 : 2 * registers->word;
	print_table(registers, "GDT", X86_GDT, out);
	print_table(registers, "IDT", X86_IDT, out);
	print_named(out, "CR0", registers, X86_CR0, 8);
	print_named(out, " CR2", registers, X86_CR0 + 2, address);
	print_named(out, " CR3", registers, X86_CR0 + 3, address);
	print_named(out, " CR4", registers, X86_CR4, 8);
	fputc('\n', out);
	for (unsigned int i = 0; i < 4; i++) {
		fprintf(out, "DR%u=", i);
		gg_print_register(out, registers, X86_DR0 + i, debug);
		fputc(' ', out);
	}
	fputc('\n', out);
	print_named(out, "DR6", registers, X86_DR0 + 6, debug);
	print_named(out, " DR7", registers, X86_DR7, debug);
	fputc('\n', out);
	print_named(out, "EFER", registers, X86_EFER, 16);
	fputc('\n', out);
}

// ---- x87, SSE, AVX ----

static void print_fpu(const struct gg_registers *registers, FILE *out)
{
	enum { TOP = 11, TOP_MASK = 7, MANTISSA = 8, EXPONENT = 2 };
	print_named(out, "FCW", registers, X86_FCW, 4);
	print_named(out, " FSW", registers, X86_FSW, 4);
	fputs(" [", out);
	print_field(out, "ST", registers, X86_FSW, TOP, TOP_MASK);
	fputs("] ", out);
	print_named(out, "FTW", registers, X86_FTW, 2);
	fputc(' ', out);
	print_named(out, "MXCSR", registers, X86_MXCSR, 8);
	fputc('\n', out);
	for (unsigned int i = 0; i < 8; i++) {
		fprintf(out, "FPR%u=", i);
		gg_print_register_bytes(out, registers, X86_FPR0 + i, 0, MANTISSA);
		fputc(' ', out);
		gg_print_register_bytes(out, registers, X86_FPR0 + i, MANTISSA, EXPONENT);
		fputc(i % 2 ? '\n' : ' ', out);
	}
}

static void print_masks(const struct gg_registers *registers, FILE *out)
{
	for (unsigned int i = 0; i < 8; i++) {
		fprintf(out, "Opmask%02u=", i);
		gg_print_register(out, registers, X86_K0 + i, 16);
		fputc(i % 4 == 3 ? '\n' : ' ', out);
	}
}

// Prints as much of the vector registers as XCR0 has turned on (Intel SDM, volume 1, chapter 13.1).
static void print_vectors(const struct gg_registers *registers, FILE *out)
{
	enum { SSE = 1 << 1, AVX = 1 << 2, AVX512 = 7 << 5 };
	const uint64_t xcr0 = gg_register(registers, X86_XCR0);
	const bool avx = (xcr0 & (SSE | AVX)) == (SSE | AVX);
	const bool avx512 = avx && (xcr0 & AVX512) == AVX512;
	const unsigned int count = is_64_bit(registers) ? (avx512 ? 32 : 16) : 8;
	const unsigned int size = avx512 ? 64 : avx ? 32 : 16;
	if (avx512)
		print_masks(registers, out);
	for (unsigned int i = 0; i < count; i++) {
		fprintf(out, "%cMM%02u=", avx512 ? 'Z' : avx ? 'Y' : 'X', i);
		for (unsigned int from = size; from > 0; from -= 8) {
			gg_print_register_bytes(out, registers, X86_ZMM0 + i, from - 8, 8);
			fputc(from > 8 || (!avx && i % 2 == 0) ? ' ' : '\n', out);
		}
	}
}

// ---- Registers that QEMU does not show ----

// Linux include/uapi/linux/kvm.h, KVM_MP_STATE_...
static const char *const mp_states[] = { "runnable", "uninitialized", "init-received", "halted",
					 "sipi-received" };

static const char *mp_state(const struct gg_registers *registers)
{
	const uint64_t state = gg_register(registers, X86_MP_STATE);
	if (!gg_register_known(registers, X86_MP_STATE) ||
	    state >= sizeof(mp_states) / sizeof(*mp_states))
		return "?";
	return mp_states[state];
}

// Intel SDM, volume 1, figure 3-8, highest first.
static void print_flag_names(const struct gg_registers *registers, FILE *out)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} names[] = { { "ID", 21 }, { "VIP", 20 }, { "VIF", 19 }, { "AC", 18 },
		      { "VM", 17 }, { "RF", 16 },  { "NT", 14 },  { "OF", 11 },
		      { "DF", 10 }, { "IF", 9 },   { "TF", 8 },   { "SF", 7 },
		      { "ZF", 6 },  { "AF", 4 },   { "PF", 2 },   { "CF", 0 } };
	const uint64_t flags = gg_register(registers, X86_RFLAGS);
	const uint64_t unknowns = gg_register_unknown(registers, X86_RFLAGS);
	bool first = true;
	fputs(" RFLAGS=[", out);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const bool unknown = unknowns >> names[i].bit & 1;
		if (!unknown && !(flags >> names[i].bit & 1))
			continue;
		fprintf(out, "%s%s%s", first ? "" : " ", names[i].name, unknown ? "?" : "");
		first = false;
	}
	fprintf(out, "] IOPL=%u\n", (unsigned int)(flags >> 12 & 3));
}

static void print_extra(const struct gg_registers *registers, FILE *out)
{
	static const struct {
		const char *name;
		enum x86_register id;
		unsigned int digits;
		char end;
	} extra[] = {
		{ "KGS", X86_KERNEL_GS_BASE, 16, ' ' },
		{ "STAR", X86_STAR, 16, ' ' },
		{ "LSTAR", X86_LSTAR, 16, '\n' },
		{ "CSTAR", X86_CSTAR, 16, ' ' },
		{ "FMASK", X86_FMASK, 16, ' ' },
		{ "XCR0", X86_XCR0, 16, '\n' },
		{ "SYSENTER_CS", X86_SYSENTER_CS, 8, ' ' },
		{ "SYSENTER_ESP", X86_SYSENTER_ESP, 16, ' ' },
		{ "SYSENTER_EIP", X86_SYSENTER_EIP, 16, '\n' },
		{ "CR8", X86_CR8, 1, ' ' },
	};
	for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++) {
		print_named(out, extra[i].name, registers, extra[i].id, extra[i].digits);
		fputc(extra[i].end, out);
	}
	fprintf(out, "MP=%s", mp_state(registers));
	print_flag_names(registers, out);
}

void x86_print_registers(const struct gg_registers *registers, FILE *out)
{
	print_general(registers, out);
	print_state(registers, out);
	print_segments(registers, out);
	print_control(registers, out);
	print_fpu(registers, out);
	print_vectors(registers, out);
	print_extra(registers, out);
}

// ---- The summary ----

static const char *activity(const struct gg_registers *registers)
{
	// A processor that has not been started is halted to QEMU too.
	const uint64_t state = gg_register(registers, X86_MP_STATE);
	if (state == 1 || state == 2 || state == 4)
		return mp_states[state];
	if (!gg_register_known(registers, X86_HALTED))
		return "?";
	return gg_register(registers, X86_HALTED) ? "halted" : "running";
}

// Tests whether the CPU is in long mode, and nothing tells whether it executes code of 64 bits.
static bool is_code_unknown(const struct gg_registers *registers)
{
	return has_hflag(registers, X86_HF_LMA) &&
	       gg_register_unknown(registers, X86_HFLAGS) & X86_HF_CS64;
}

// Returns 0 where that is not known.
static unsigned int code_bits(const struct gg_registers *registers)
{
	if (is_code_unknown(registers))
		return 0;
	if (is_64_bit(registers))
		return 64;
	return gg_register(registers, X86_CS + X86_FLAGS) & X86_DESC_B ? 32 : 16;
}

static const char *privilege(const struct gg_registers *registers)
{
	static const char *const rings[] = { "kernel", "ring 1", "ring 2", "user" };
	const uint64_t hflags = gg_register(registers, X86_HFLAGS);
	if (hflags >> X86_HF_SMM_BIT & 1)
		return "SMM";
	if (!(hflags & X86_HF_PE))
		return "real";
	if (hflags & X86_HF_VM)
		return "vm86";
	return gg_register_unknown(registers, X86_HFLAGS) & X86_HF_CPL ? "?"
								       : rings[hflags & X86_HF_CPL];
}

// Returns the address that paging sees: with a segment's base, but in 64-bit mode.
static gg_gva_t linear(const struct gg_registers *registers, unsigned int segment, uint64_t offset)
{
	if (is_64_bit(registers) || is_code_unknown(registers))
		return offset;
	return (uint32_t)(gg_register(registers, segment + X86_BASE) + offset);
}

// Returns the part of RSP that counts, by the stack segment's size.
static uint64_t stack_offset(const struct gg_registers *registers)
{
	const uint64_t rsp = gg_register(registers, X86_RSP);
	if (is_64_bit(registers) || is_code_unknown(registers) ||
	    gg_register(registers, X86_SS + X86_FLAGS) & X86_DESC_B)
		return rsp;
	return rsp & 0xffff;
}

void x86_summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	const uint64_t rip = gg_register(registers, X86_RIP);
	*ret = (struct gg_cpu_summary){
		.activity = activity(registers),
		.bits = code_bits(registers),
		.privilege = privilege(registers),
		.pc = linear(registers, X86_CS, rip),
		.sp = linear(registers, X86_SS, stack_offset(registers)),
		.root = gg_register(registers, X86_CR0 + 3),
		.root_known = gg_register_known(registers, X86_CR0 + 3),
		.no_pc = !gg_register_known(registers, X86_RIP),
		.no_sp = !gg_register_known(registers, X86_RSP),
		.pc_name = "rip",
		.sp_name = "rsp",
		.root_name = "cr3",
	};
	if (ret->pc != rip)
		snprintf(ret->place, sizeof(ret->place), "%04" PRIx64 ":%04" PRIx64,
			 gg_register(registers, X86_CS), rip);
}
