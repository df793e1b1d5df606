// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of x86 out of the text that QEMU's monitor prints of a CPU.
//
// In:  lines of NAME=VALUE (target/i386/cpu-dump.c, v7.2; before v5.2 in helper.c), of which a
//      segment and a vector have several values; a debugger's thread for registers that are
//      not printed.
// Out: the registers; bits that neither source has are unknown.
// Trusts nothing it reads: a value has at most the digits of its register, and the fields of every
// CPU's text must be there.
#include "arch/members.h"
#include "x86.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- Fields ----

enum {
	MAX_NAME = 8,
	MAX_WORDS = 8,
	WIDEST = 64, // bytes of a register
};

// NAME=WORD WORD ...
struct field {
	char name[MAX_NAME + 1];
	struct {
		const char *digits; // hexadecimal
		size_t count;
	} words[MAX_WORDS];
	size_t word_count; // at least 1
};

static const char hex_digits[] = "0123456789abcdef";

// Counts digits that a space, the end of the line or a bracket follows; 0 for others.
static size_t word_length(const char *text)
{
	const size_t length = strspn(text, hex_digits);
	return text[length] && strchr(" \n]", text[length]) ? length : 0;
}

// Parses the values at TEXT; returns the text behind them.
static const char *parse_words(const char *text, struct field *ret)
{
	ret->word_count = 0;
	while (ret->word_count < MAX_WORDS) {
		const char *word = text + strspn(text, " ");
		const size_t length = word_length(word);
		if (!length)
			break;
		ret->words[ret->word_count].digits = word;
		ret->words[ret->word_count++].count = length;
		text = word + length;
	}
	return text;
}

// Parses the next field from *AT on, and moves *AT behind it.
static bool next_field(const char **at, struct field *ret)
{
	for (const char *text = *at; *text;) {
		size_t length = 0;
		while (isalnum((unsigned char)text[length]))
			length++;
		const char *end = text + length;
		const char *sign = end + strspn(end, " ");
		if (length && length <= MAX_NAME && isupper((unsigned char)*text) && *sign == '=') {
			memcpy(ret->name, text, length);
			ret->name[length] = 0;
			text = parse_words(sign + 1, ret);
			if (ret->word_count) {
				*at = text;
				return true;
			}
		} else {
			text = end;
		}
		// Skip a text that is no field, up to the place where a field may begin.
		text += strcspn(text, " \n[");
		while (*text && !isalnum((unsigned char)*text))
			text++;
	}
	return false;
}

static unsigned int digit_value(char digit)
{
	return (unsigned int)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

// ---- Names ----

struct name {
	const char *name;
	enum x86_register id;
};

// Fields of a single number.
static const struct name scalars[] = {
	{ "EIP", X86_RIP },         { "RIP", X86_RIP },         { "EFL", X86_RFLAGS },
	{ "RFL", X86_RFLAGS },      { "A20", X86_A20 },         { "HLT", X86_HALTED },
	{ "CR0", X86_CR0 },         { "CR2", X86_CR0 + 2 },     { "CR3", X86_CR0 + 3 },
	{ "CR4", X86_CR4 },         { "DR0", X86_DR0 },         { "DR1", X86_DR0 + 1 },
	{ "DR2", X86_DR0 + 2 },     { "DR3", X86_DR0 + 3 },     { "DR6", X86_DR0 + 6 },
	{ "DR7", X86_DR7 },         { "EFER", X86_EFER },       { "FCW", X86_FCW },
	{ "FSW", X86_FSW },         { "FTW", X86_FTW },         { "MXCSR", X86_MXCSR },
	{ "R8", X86_R8 },           { "R9", X86_R8 + 1 },       { "R10", X86_R8 + 2 },
	{ "R11", X86_R8 + 3 },      { "R12", X86_R8 + 4 },      { "R13", X86_R8 + 5 },
	{ "R14", X86_R8 + 6 },      { "R15", X86_R15 },         { "Opmask00", X86_K0 },
	{ "Opmask01", X86_K0 + 1 }, { "Opmask02", X86_K0 + 2 }, { "Opmask03", X86_K0 + 3 },
	{ "Opmask04", X86_K0 + 4 }, { "Opmask05", X86_K0 + 5 }, { "Opmask06", X86_K0 + 6 },
	{ "Opmask07", X86_K7 },
};

// Names behind an E or an R.
static const struct name general[] = {
	{ "AX", X86_RAX }, { "BX", X86_RBX }, { "CX", X86_RCX }, { "DX", X86_RDX },
	{ "SI", X86_RSI }, { "DI", X86_RDI }, { "BP", X86_RBP }, { "SP", X86_RSP },
};

static const struct name segments[] = {
	{ "ES", X86_ES }, { "CS", X86_CS }, { "SS", X86_SS },   { "DS", X86_DS },
	{ "FS", X86_FS }, { "GS", X86_GS }, { "LDT", X86_LDT }, { "TR", X86_TR },
};

static const struct name tables[] = { { "GDT", X86_GDT }, { "IDT", X86_IDT } };

// Bits of hflags.
static const struct {
	const char *name;
	unsigned int bit, mask;
} states[] = {
	{ "CPL", 0, X86_HF_CPL },
	{ "II", X86_HF_INHIBIT_IRQ_BIT, 1 },
	{ "SMM", X86_HF_SMM_BIT, 1 },
};

#define FIND(names, name) find(names, sizeof(names) / sizeof(*(names)), name)

static enum x86_register find(const struct name *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i].name, name))
			return names[i].id;
	return X86_NO_REGISTER;
}

// ---- Values ----

#define UPPER_HALF (~(uint64_t)UINT32_MAX)

static bool is_switch(unsigned int id)
{
	return id == X86_A20 || id == X86_HALTED;
}

// Tests whether the lower half alone is printed where the CPU's mode has no more.
static bool is_halved(unsigned int id)
{
	return x86_registers.infos[id].size == 8 &&
	       (id <= X86_CR4 || (id >= X86_DR0 && id <= X86_DR7));
}

static struct gg_error *bad_field(const struct field *field)
{
	return gg_error_create(GG_BAD_DATA, "\"%s=%.*s\" is no value of a CPU", field->name,
			       (int)(field->words[0].count < 32 ? field->words[0].count : 32),
			       field->words[0].digits);
}

// Parses word INDEX as a number of DIGITS (1 to 16) digits.
static struct gg_error *number(const struct field *field, size_t index, size_t digits,
			       uint64_t *ret)
{
	if (index >= field->word_count || field->words[index].count != digits)
		return bad_field(field);
	*ret = 0;
	for (size_t i = 0; i < field->words[index].count; i++)
		*ret = *ret << 4 | digit_value(field->words[index].digits[i]);
	return NULL;
}

// Sets register ID to word INDEX, which has all digits of the register, or the digits of its lower
// half; a switch has a single digit.
static struct gg_error *set(struct gg_registers *registers, unsigned int id,
			    const struct field *field, size_t index)
{
	uint64_t value;
	const size_t whole = is_switch(id) ? 1 : 2 * (size_t)x86_registers.infos[id].size;
	const bool half = is_halved(id) && index < field->word_count &&
			  field->words[index].count == whole / 2;
	struct gg_error *err = number(field, index, half ? whole / 2 : whole, &value);
	if (!err && is_switch(id) && value > 1)
		err = bad_field(field);
	if (err)
		return err;
	gg_register_set(registers, id, value);
	if (half)
		gg_register_forget(registers, id, UPPER_HALF);
	return NULL;
}

// Sets selector, base, limit, flags.
static struct gg_error *set_segment(struct gg_registers *registers, unsigned int id,
				    const struct field *field)
{
	struct gg_error *err = set(registers, id + X86_SELECTOR, field, 0);
	if (!err)
		err = set(registers, id + X86_BASE, field, 1);
	if (!err)
		err = set(registers, id + X86_LIMIT, field, 2);
	return err ? err : set(registers, id + X86_FLAGS, field, 3);
}

// Sets GDTR or IDTR, which have neither selector nor flags, and never get any in QEMU.
static struct gg_error *set_table(struct gg_registers *registers, unsigned int id,
				  const struct field *field)
{
	gg_register_set(registers, id + X86_SELECTOR, 0);
	gg_register_set(registers, id + X86_FLAGS, 0);
	struct gg_error *err = set(registers, id + X86_BASE, field, 0);
	return err ? err : set(registers, id + X86_LIMIT, field, 1);
}

// Sets bits of hflags.
static struct gg_error *set_state(struct gg_registers *registers, unsigned int bit,
				  unsigned int mask, const struct field *field)
{
	uint64_t value;
	struct gg_error *err = number(field, 0, 1, &value);
	if (err || value > mask)
		return err ? err : bad_field(field);
	gg_register_learn(registers, X86_HFLAGS, value << bit, (uint64_t)mask << bit);
	return NULL;
}

static void set_hflag(struct gg_registers *registers, uint64_t flag, bool is_set)
{
	gg_register_learn(registers, X86_HFLAGS, is_set ? flag : 0, flag);
}

// Sets the lowest SIZE bytes of a vector register: the highest digit comes first, over all words.
static struct gg_error *set_vector(struct gg_registers *registers, unsigned int id,
				   unsigned int size, const struct field *field)
{
	size_t left = 2 * (size_t)size;
	uint8_t bytes[WIDEST] = { 0 };
	for (size_t i = 0; i < field->word_count; i++)
		for (size_t j = 0; j < field->words[i].count; j++) {
			if (!left--)
				return bad_field(field);
			const unsigned int digit = digit_value(field->words[i].digits[j]);
			bytes[left / 2] |= (uint8_t)(digit << 4 * (left % 2));
		}
	if (left)
		return bad_field(field);
	gg_register_set_bytes(registers, id, bytes, size);
	return NULL;
}

// Sets mantissa and exponent.
static struct gg_error *set_fpr(struct gg_registers *registers, unsigned int id,
				const struct field *field)
{
	enum { MANTISSA = 8, EXPONENT = 2 };
	uint8_t bytes[MANTISSA + EXPONENT];
	uint64_t mantissa, exponent;
	struct gg_error *err = number(field, 0, 2 * MANTISSA, &mantissa);
	if (!err)
		err = number(field, 1, 2 * EXPONENT, &exponent);
	if (err)
		return err;
	for (unsigned int i = 0; i < MANTISSA; i++)
		bytes[i] = (uint8_t)(mantissa >> 8 * i);
	for (unsigned int i = 0; i < EXPONENT; i++)
		bytes[MANTISSA + i] = (uint8_t)(exponent >> 8 * i);
	gg_register_set_bytes(registers, id, bytes, sizeof(bytes));
	return NULL;
}

// Sets a vector register. The printed width shows bits of XCR0 that must be on (Intel SDM, volume 1,
// chapter 13.1).
static struct gg_error *set_vectors(struct gg_registers *registers, const struct field *field)
{
	enum { AVX = 3 << 1, AVX512 = AVX | 7 << 5, COUNT = X86_ZMM31 - X86_ZMM0 + 1 };
	static const struct {
		char letter;
		unsigned int size, xcr0;
	} kinds[] = { { 'X', 16, 0 }, { 'Y', 32, AVX }, { 'Z', 64, AVX512 } };
	const unsigned int index = 10 * digit_value(field->name[3]) + digit_value(field->name[4]);
	size_t kind = 0;
	while (kinds[kind].letter != field->name[0])
		kind++;
	if (index >= COUNT)
		return bad_field(field);
	gg_register_learn(registers, X86_XCR0, kinds[kind].xcr0, kinds[kind].xcr0);
	return set_vector(registers, X86_ZMM0 + index, kinds[kind].size, field);
}

// XMM00 to ZMM31
static bool is_vector(const char *name)
{
	return strchr("XYZ", name[0]) && name[1] == 'M' && name[2] == 'M' &&
	       isdigit((unsigned char)name[3]) && isdigit((unsigned char)name[4]) && !name[5];
}

// FPR0 to FPR7
static bool is_fpr(const char *name)
{
	return !strncmp(name, "FPR", 3) && name[3] >= '0' && name[3] <= '7' && !name[4];
}

// Sets the register of a field; a field of another name is ignored.
static struct gg_error *set_field(struct gg_registers *registers, const struct field *field)
{
	const char *name = field->name;
	if (is_vector(name))
		return set_vectors(registers, field);
	if (is_fpr(name))
		return set_fpr(registers, X86_FPR0 + digit_value(name[3]), field);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!strcmp(states[i].name, name))
			return set_state(registers, states[i].bit, states[i].mask, field);
	enum x86_register id = FIND(segments, name);
	if (id != X86_NO_REGISTER)
		return set_segment(registers, id, field);
	id = FIND(tables, name);
	if (id != X86_NO_REGISTER)
		return set_table(registers, id, field);
	id = FIND(scalars, name);
	if (id == X86_NO_REGISTER && strchr("ER", name[0]))
		id = FIND(general, name + 1);
	return id == X86_NO_REGISTER ? NULL : set(registers, id, field, 0);
}

// ---- All fields ----

static bool is_missing(const struct gg_registers *registers, unsigned int id)
{
	return !gg_register_has_known(registers, id);
}

// Refuses a text that has been cut off.
static struct gg_error *check_whole(const struct gg_registers *registers)
{
	static const enum x86_register others[] = { X86_CR0,  X86_CR0 + 2, X86_CR0 + 3,
						    X86_CR4,  X86_DR0,     X86_DR7,
						    X86_EFER, X86_A20,     X86_HALTED };
	unsigned int missing = X86_NO_REGISTER;
	const bool wide = gg_register(registers, X86_HFLAGS) & X86_HF_CS64;
	for (unsigned int id = X86_RAX; id < X86_CR0; id++)
		if (is_missing(registers, id) && (wide || id < X86_R8 || id > X86_R15))
			missing = id;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (is_missing(registers, others[i]))
			missing = others[i];
	if (missing != X86_NO_REGISTER)
		return gg_error_create(GG_BAD_DATA, "the text lacks %s",
				       x86_registers.infos[missing].name
					       ? x86_registers.infos[missing].name
					       : "a register");
	const uint64_t printed = X86_HF_CPL | 1 << X86_HF_INHIBIT_IRQ_BIT | 1 << X86_HF_SMM_BIT;
	if (gg_register_unknown(registers, X86_HFLAGS) & printed)
		return gg_error_create(GG_BAD_DATA, "the text lacks CPL, II or SMM");
	return NULL;
}

static struct gg_error *parse(const char *text, struct gg_registers *ret)
{
	struct field field;
	struct gg_error *err = NULL;
	while (!err && next_field(&text, &field)) {
		err = set_field(ret, &field);
		// The general registers have names of their own in 64-bit code.
		if (!err && !strcmp(field.name, "RIP"))
			set_hflag(ret, X86_HF_CS64, true);
	}
	return err ? err : check_whole(ret);
}

// ---- Derived registers ----

static bool is_long_mode(const struct gg_registers *registers)
{
	return gg_register(registers, X86_EFER) & X86_EFER_LMA;
}

// Derives the bits of hflags that other registers have too.
static void derive_hflags(struct gg_registers *registers)
{
	enum { CR0_PE = 1, RFLAGS_VM = 1 << 17 };
	if (gg_register_unknown(registers, X86_HFLAGS) & X86_HF_CS64)
		set_hflag(registers, X86_HF_CS64, false);
	set_hflag(registers, X86_HF_PE, gg_register(registers, X86_CR0) & CR0_PE);
	set_hflag(registers, X86_HF_LMA, is_long_mode(registers));
	set_hflag(registers, X86_HF_VM, gg_register(registers, X86_RFLAGS) & RFLAGS_VM);
}

// Tests whether TCG has the descriptor's own second word in the flags of segment ID: not where only
// the base has been set since, in real and in virtual-8086 mode, and by the MSRs of FS and GS. LDTR
// and TR are loaded from descriptors in any mode.
static bool is_from_descriptor(const struct gg_registers *registers, unsigned int id)
{
	const uint64_t hflags = gg_register(registers, X86_HFLAGS);
	if (id == X86_LDT || id == X86_TR)
		return true;
	if (!(hflags & X86_HF_PE) || hflags & X86_HF_VM)
		return false;
	if (hflags & X86_HF_LMA)
		return id != X86_FS && id != X86_GS;
	// The segment may be that of real mode still.
	const uint64_t selector = gg_register(registers, id + X86_SELECTOR);
	return gg_register(registers, id + X86_BASE) != selector << 4;
}

// Derives the parts of a segment's flags that QEMU does not print, since they repeat the base. With
// KVM they are 0, by get_seg() in target/i386/kvm/kvm.c (v7.2); with TCG they are the descriptor's.
static void derive_segment_flags(struct gg_registers *registers, unsigned int id,
				 enum gg_accelerator accelerator)
{
	enum { LOW = 0xff };
	const uint64_t high = 0xff000000, base = gg_register(registers, id + X86_BASE);
	const unsigned int flags = id + X86_FLAGS;
	gg_register_learn(registers, flags, 0, high | LOW);
	// A null selector, or a segment that was never loaded.
	if (!gg_register(registers, flags) || accelerator == GG_ACCELERATOR_KVM)
		return;
	if (accelerator == GG_ACCELERATOR_TCG && is_from_descriptor(registers, id))
		gg_register_learn(registers, flags, (base & high) | (base >> 16 & LOW), high | LOW);
	else
		gg_register_forget(registers, flags, high | LOW);
}

// Derives upper halves that are not printed: zero in any CPU, or not there outside of long mode.
static void derive_upper_halves(struct gg_registers *registers)
{
	static const enum x86_register narrow[] = { X86_RIP, X86_RFLAGS, X86_CR0 };
	for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow); i++)
		gg_register_learn(registers, narrow[i], 0,
				  gg_register_unknown(registers, narrow[i]));
	for (unsigned int id = 0; !is_long_mode(registers) && id < X86_FPR0; id++)
		if (gg_register_unknown(registers, id) == UPPER_HALF)
			gg_register_learn(registers, id, 0, UPPER_HALF);
}

// Derives CPUX86State.eflags: when a CPU stops, TCG puts the condition codes and DF, which it keeps
// elsewhere while it executes, into CPUX86State.eflags (target/i386/tcg/tcg-cpu.c,
// x86_cpu_exec_exit); KVM always has them there.
static void derive_raw_flags(struct gg_registers *registers)
{
	gg_register_set(registers, X86_RAW_EFLAGS, gg_register(registers, X86_RFLAGS));
}

// ---- The debugger's registers ----

// Asks for some registers, not the general ones: outside of 64-bit code QEMU gives a debugger no
// more of them than it prints (target/i386/gdbstub.c, v7.2). A register that the debugger does not
// have (before v4.0 any of these) stays unknown.
static struct gg_error *ask_host(const struct gg_host *host, unsigned int thread,
				 struct gg_registers *registers)
{
	static const struct name names[] = { { "cr8", X86_CR8 },
					     { "cr4", X86_CR4 },
					     { "fs_base", X86_FS + X86_BASE },
					     { "gs_base", X86_GS + X86_BASE },
					     { "k_gs_base", X86_KERNEL_GS_BASE } };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const unsigned int id = names[i].id;
		// A qemu-system-i386 says 0 for a register that it has not.
		if (gg_register_known(registers, id) ||
		    (registers->word == 4 && id == X86_KERNEL_GS_BASE))
			continue;
		struct gg_error *err = gg_registers_ask(host, thread, names[i].name, registers, id);
		if (err && gg_error_kind(err) != GG_NOT_FOUND)
			return err;
		gg_error_destroy(err);
	}
	return NULL;
}

struct gg_error *x86_read_monitor(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				  struct gg_registers *ret)
{
	gg_registers_init(ret, &x86_registers, 8);
	struct gg_error *err = parse(cpu->text, ret);
	if (!err) {
		// A debug register is printed as wide as QEMU has it, or as the CPU's mode has it.
		if (!gg_register_known(ret, X86_DR0))
			ret->word = 4;
		derive_hflags(ret);
		for (unsigned int id = X86_ES; id <= X86_TR; id += X86_SEGMENT_PARTS)
			derive_segment_flags(ret, id, cpu->accelerator);
		derive_raw_flags(ret);
		derive_upper_halves(ret);
	}
	if (!err && cpu->thread)
		err = ask_host(host, cpu->thread, ret);
	if (err)
		return gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index);
	return NULL;
}

bool x86_is_monitor_text(const char *text, bool *long_mode)
{
	struct field field;
	struct gg_registers registers;
	gg_registers_init(&registers, &x86_registers, 8);
	while (next_field(&text, &field))
		if (!strcmp(field.name, "EFER") || !strcmp(field.name + 1, "AX") ||
		    !strcmp(field.name + 1, "IP"))
			gg_error_destroy(set_field(&registers, &field));
	*long_mode = is_long_mode(&registers);
	return !is_missing(&registers, X86_RAX) && !is_missing(&registers, X86_RIP);
}
