// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a CPU's registers, the instructions at its pc, the words that they read.
// Out: registers and words.
// Trusts nothing it reads: the number of instructions and of written words is bounded, a register or a word that is not known
// stays unknown, and an instruction that is not known here ends the run.
#include "run-32.h"
#include "decoder.h"
#include "unwind.h"
#include "x86.h"

enum { MAX_STEPS = 512, WORD = 4, ESP = 4, SELECTOR_OF_FS = 4, ECX = 1, ESI = 6, EDI = 7 };

// The flags of EFLAGS (Intel SDM volume 1, 3.4.3).
enum { CF = 1 << 0, PF = 1 << 2, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11 };

static const struct x86_value unknown = { .is_known = false };

static struct x86_value known(uint32_t bits)
{
	return (struct x86_value){ bits, true };
}

void x86_run_close(struct x86_run *run)
{
	if (run->decoder)
		x86_code_close(run->decoder);
	run->decoder = NULL;
}

static struct x86_value value_of(const struct gg_registers *registers, unsigned int id)
{
	return gg_register_known(registers, id) ? known((uint32_t)gg_register(registers, id))
						: unknown;
}

// Leaves the segments of interrupted code unknown: a walk has its general registers alone.
struct gg_error *x86_run_open(struct gg_unwind *unwind, struct x86_run *ret)
{
	static const unsigned int ids[X86_RUN_REGISTERS] = { X86_RAX, X86_RCX, X86_RDX, X86_RBX,
							     X86_RSP, X86_RBP, X86_RSI, X86_RDI };
	const struct gg_registers *registers = &unwind->registers;
	*ret = (struct x86_run){ .unwind = unwind, .pc = unwind->pc };
	for (unsigned int i = 0; i < X86_RUN_REGISTERS; i++)
		ret->registers[i] = value_of(registers, ids[i]);
	ret->flags = value_of(registers, X86_RFLAGS);
	ret->has_conditions = ret->flags.is_known;
	for (unsigned int i = 0; !unwind->callee && i < X86_RUN_SEGMENTS; i++)
		ret->segments[i] = value_of(registers, X86_ES + i * X86_SEGMENT_PARTS);
	if (!unwind->callee) {
		ret->fs_base = value_of(registers, X86_FS + X86_BASE);
		ret->cr3 = value_of(registers, X86_CR0 + 3);
	}
	return x86_code_open(&ret->decoder);
}

// ---- Memory ----

struct gg_error *x86_run_word(struct x86_run *run, gg_gva_t address, uint64_t *ret)
{
	for (unsigned int i = 0; i < run->count; i++) {
		const uint32_t distance = (uint32_t)address - run->words[i].address;
		if (distance == 0 && run->words[i].value.is_known) {
			*ret = run->words[i].value.bits;
			return NULL;
		}
		if (distance < WORD || -distance < WORD)
			return gg_error_create(GG_NOT_FOUND,
					       "a word that the entry saves is not known");
	}
	return gg_stack_word(&run->unwind->memory, address, ret);
}

static struct gg_error *load(struct x86_run *run, const struct x86_value *address,
			     struct x86_value *ret)
{
	uint64_t word = 0;
	*ret = unknown;
	if (!address->is_known)
		return NULL;
	struct gg_error *err = x86_run_word(run, address->bits, &word);
	if (!err)
		*ret = known((uint32_t)word);
	return gg_error_unless_final(err);
}

// Writes a word. An unknown place may be any: the run ends.
static void store(struct x86_run *run, const struct x86_value *address, struct x86_value value)
{
	unsigned int i = 0;
	if (!address->is_known) {
		run->end = X86_RUN_LOST;
		return;
	}
	while (i < run->count && run->words[i].address != address->bits)
		i++;
	if (i == X86_RUN_WORDS) {
		run->end = X86_RUN_LOST;
		return;
	}
	for (unsigned int k = 0; k < run->count; k++) {
		const uint32_t distance = address->bits - run->words[k].address;
		if (distance && (distance < WORD || -distance < WORD))
			run->end = X86_RUN_LOST; // words that overlap
	}
	run->words[i].address = address->bits;
	run->words[i].value = value;
	if (i == run->count)
		run->count++;
}

static void push(struct x86_run *run, struct x86_value value)
{
	run->registers[ESP].bits -= WORD;
	store(run, &run->registers[ESP], value);
}

static struct gg_error *pop(struct x86_run *run, struct x86_value *ret)
{
	struct gg_error *err = load(run, &run->registers[ESP], ret);
	run->registers[ESP].bits += WORD;
	return err;
}

// ---- Operands ----

// A register's number, and the place of its part in it.
struct part {
	enum { PART_NONE, PART_GENERAL, PART_SEGMENT, PART_CR3 } kind;
	unsigned int number, shift;
};

static struct part part_of(x86_reg id)
{
	// The registers of Capstone by the instructions' numbers; AH to BH are the second bytes.
	static const x86_reg words[] = { X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX,
					 X86_REG_ESP, X86_REG_EBP, X86_REG_ESI, X86_REG_EDI };
	static const x86_reg halves[] = { X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX,
					  X86_REG_SP, X86_REG_BP, X86_REG_SI, X86_REG_DI };
	static const x86_reg bytes[] = { X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL,
					 X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH };
	static const x86_reg segments[] = { X86_REG_ES, X86_REG_CS, X86_REG_SS,
					    X86_REG_DS, X86_REG_FS, X86_REG_GS };
	enum { BYTE = 8, HIGH = 4 };
	for (unsigned int i = 0; i < X86_RUN_REGISTERS; i++) {
		if (id == words[i] || id == halves[i])
			return (struct part){ PART_GENERAL, i, 0 };
		if (id == bytes[i])
			return (struct part){ PART_GENERAL, i % HIGH, i / HIGH * BYTE };
	}
	for (unsigned int i = 0; i < X86_RUN_SEGMENTS; i++)
		if (id == segments[i])
			return (struct part){ PART_SEGMENT, i, 0 };
	return (struct part){ id == X86_REG_CR3 ? PART_CR3 : PART_NONE, 0, 0 };
}

static uint32_t mask_of(const cs_x86_op *operand)
{
	return operand->size >= WORD ? UINT32_MAX : (UINT32_C(1) << operand->size * 8) - 1;
}

static struct x86_value register_value(const struct x86_run *run, x86_reg id)
{
	const struct part part = part_of(id);
	struct x86_value value = unknown;
	if (id == X86_REG_INVALID)
		return known(0);
	if (part.kind == PART_GENERAL)
		value = run->registers[part.number];
	else if (part.kind == PART_SEGMENT)
		value = run->segments[part.number];
	else if (part.kind == PART_CR3)
		value = run->cr3;
	value.bits >>= part.shift;
	return value;
}

// Calculates a memory operand's address. All segments but fs and gs begin at 0.
static struct x86_value address_of(const struct x86_run *run, const cs_x86_op *operand)
{
	const struct x86_value base = register_value(run, operand->mem.base);
	const struct x86_value index = register_value(run, operand->mem.index);
	struct x86_value segment = known(0);
	if (operand->mem.segment == X86_REG_FS)
		segment = run->fs_base;
	else if (operand->mem.segment == X86_REG_GS)
		segment = unknown;
	return (struct x86_value){
		(uint32_t)operand->mem.disp + base.bits +
			index.bits * (uint32_t)operand->mem.scale + segment.bits,
		base.is_known && index.is_known && segment.is_known,
	};
}

static struct gg_error *get(struct x86_run *run, const cs_x86_op *operand, struct x86_value *ret)
{
	struct gg_error *err = NULL;
	if (operand->type == X86_OP_MEM) {
		const struct x86_value address = address_of(run, operand);
		err = load(run, &address, ret);
	} else {
		*ret = operand->type == X86_OP_REG ? register_value(run, operand->reg)
						   : known((uint32_t)operand->imm);
	}
	if (operand->type != X86_OP_IMM)
		ret->bits &= mask_of(operand);
	return err;
}

// Joins VALUE to the bits of OLD that are not in MASK.
static struct x86_value join(struct x86_value old, struct x86_value value, uint32_t mask)
{
	return (struct x86_value){ (old.bits & ~mask) | (value.bits & mask),
				   value.is_known && (old.is_known || mask == UINT32_MAX) };
}

static void set_segment(struct x86_run *run, unsigned int number, struct x86_value value)
{
	const struct x86_value *old = &run->segments[number];
	value.bits &= UINT16_MAX;
	// The bases of selectors are in a table that a gdbstub does not tell the place of.
	if (number == SELECTOR_OF_FS &&
	    (!value.is_known || !old->is_known || value.bits != (old->bits & UINT16_MAX)))
		run->fs_base = unknown;
	run->segments[number] = value;
}

static struct gg_error *set(struct x86_run *run, const cs_x86_op *operand, struct x86_value value)
{
	const uint32_t mask = mask_of(operand);
	struct x86_value old = unknown;
	struct gg_error *err = NULL;
	if (operand->type == X86_OP_MEM) {
		const struct x86_value address = address_of(run, operand);
		if (mask != UINT32_MAX)
			err = load(run, &address, &old);
		store(run, &address, join(old, value, mask));
		return err;
	}
	const struct part part = part_of(operand->reg);
	value.bits = (value.bits & mask) << part.shift;
	if (part.kind == PART_GENERAL)
		run->registers[part.number] =
			join(run->registers[part.number], value, mask << part.shift);
	else if (part.kind == PART_SEGMENT)
		set_segment(run, part.number, value);
	else if (part.kind == PART_CR3)
		run->cr3 = value;
	else
		run->end = X86_RUN_LOST;
	return NULL;
}

// ---- Instructions ----

// Sets the flags to those of RESULT; CARRY and OVERFLOW are the operation's.
static void set_flags(struct x86_run *run, struct x86_value result, const cs_x86_op *operand,
		      bool carry, bool overflow)
{
	const uint32_t mask = mask_of(operand), bits = result.bits & mask;
	const uint32_t all = CF | PF | ZF | SF | OF;
	uint32_t flags = (carry ? CF : 0) | (overflow ? OF : 0) | (bits ? 0 : ZF);
	if (bits & ~(mask >> 1))
		flags |= SF;
	if (!(__builtin_popcount(bits & UINT8_MAX) % 2))
		flags |= PF;
	run->flags.bits = (run->flags.bits & ~all) | flags;
	run->has_conditions = result.is_known;
}

// Calculates with two operands; the result goes to the first, but for comparisons.
static struct gg_error *calculate(struct x86_run *run, unsigned int id, const cs_x86 *x86)
{
	const cs_x86_op *to = &x86->operands[0];
	struct x86_value a, b, result = { .is_known = false };
	bool carry = false, overflow = false;
	struct gg_error *err = get(run, to, &a);
	if (!err)
		err = get(run, &x86->operands[1], &b);
	if (err)
		return err;
	const uint32_t mask = mask_of(to), sign = mask & ~(mask >> 1);
	b.bits &= mask;
	result.is_known = a.is_known && b.is_known;
	switch (id) {
	case X86_INS_ADD:
		result.bits = (a.bits + b.bits) & mask;
		carry = result.bits < a.bits;
		overflow = ~(a.bits ^ b.bits) & (a.bits ^ result.bits) & sign;
		break;
	case X86_INS_SUB:
	case X86_INS_CMP:
		result.bits = (a.bits - b.bits) & mask;
		carry = a.bits < b.bits;
		overflow = (a.bits ^ b.bits) & (a.bits ^ result.bits) & sign;
		break;
	case X86_INS_OR:
		result.bits = a.bits | b.bits;
		break;
	case X86_INS_XOR:
		result.bits = a.bits ^ b.bits;
		result.is_known |= to->type == X86_OP_REG && x86->operands[1].type == X86_OP_REG &&
				   to->reg == x86->operands[1].reg;
		break;
	default: // AND, TEST
		result.bits = a.bits & b.bits;
	}
	set_flags(run, result, to, carry, overflow);
	return id == X86_INS_CMP || id == X86_INS_TEST ? NULL : set(run, to, result);
}

// Shifts, or changes a bit; the conditions are not known then.
static struct gg_error *change_bits(struct x86_run *run, unsigned int id, const cs_x86 *x86)
{
	const cs_x86_op *to = &x86->operands[0];
	struct x86_value value, by;
	struct gg_error *err = get(run, to, &value);
	if (!err)
		err = get(run, &x86->operands[1], &by);
	if (err)
		return err;
	by.bits %= 32;
	value.is_known = value.is_known && by.is_known;
	if (id == X86_INS_SHR)
		value.bits >>= by.bits;
	else if (id == X86_INS_SHL)
		value.bits <<= by.bits;
	else if (id == X86_INS_BTR)
		value.bits &= ~(UINT32_C(1) << by.bits);
	else
		value.bits |= UINT32_C(1) << by.bits;
	run->has_conditions = false;
	return set(run, to, value);
}

static bool is_condition_met(uint32_t flags, unsigned int condition)
{
	const bool sign = !(flags & SF) != !(flags & OF);
	const bool met[] = { flags & OF, flags & CF, flags & ZF, flags & (CF | ZF),
			     flags & SF, flags & PF, sign,       sign || flags & ZF };
	return met[condition / 2 % 8] != (condition & 1);
}

static void jump(struct x86_run *run, const cs_insn *instruction)
{
	enum { LONG_FORM = 0x0f, SHORT_FORMS = 0x70, FORMS = 0xf0 };
	const cs_x86 *x86 = &instruction->detail->x86;
	const bool is_long = x86->opcode[0] == LONG_FORM;
	const uint8_t opcode = x86->opcode[is_long];
	if (x86->operands[0].type != X86_OP_IMM) {
		run->end = X86_RUN_LOST;
	} else if (instruction->id == X86_INS_JMP) {
		run->pc = (uint32_t)x86->operands[0].imm;
	} else if (!is_long && (opcode & FORMS) != SHORT_FORMS) {
		run->end = X86_RUN_LOST; // by ecx
	} else if (!run->has_conditions) {
		run->end = X86_RUN_BRANCH;
	} else if (is_condition_met(run->flags.bits, opcode & 0xf)) {
		run->pc = (uint32_t)x86->operands[0].imm;
	}
}

// Copies words up, as rep movsl does.
static struct gg_error *copy(struct x86_run *run, const cs_insn *instruction)
{
	enum { REP = 0xf3 };
	struct x86_value *registers = run->registers, word;
	struct gg_error *err = NULL;
	if (instruction->detail->x86.prefix[0] != REP || !registers[ECX].is_known ||
	    registers[ECX].bits > X86_RUN_WORDS || !registers[ESI].is_known)
		run->end = X86_RUN_LOST;
	while (!err && run->end == X86_RUN_ON && registers[ECX].bits) {
		err = load(run, &registers[ESI], &word);
		store(run, &registers[EDI], word);
		registers[ESI].bits += WORD;
		registers[EDI].bits += WORD;
		registers[ECX].bits--;
	}
	return err;
}

static struct gg_error *move(struct x86_run *run, unsigned int id, const cs_x86 *x86)
{
	struct x86_value value = unknown;
	struct gg_error *err = NULL;
	switch (id) {
	case X86_INS_LEA:
		value = address_of(run, &x86->operands[1]);
		break;
	case X86_INS_PUSH:
		err = get(run, &x86->operands[0], &value);
		push(run, value);
		return err;
	case X86_INS_POP:
		err = pop(run, &value);
		break;
	default:
		err = get(run, &x86->operands[1], &value);
	}
	return err ? err : set(run, &x86->operands[0], value);
}

static struct gg_error *pop_flags(struct x86_run *run)
{
	struct gg_error *err = pop(run, &run->flags);
	run->has_conditions = run->flags.is_known;
	return err;
}

static struct gg_error *execute(struct x86_run *run, const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	switch (instruction->id) {
	case X86_INS_MOV:
	case X86_INS_LEA:
	case X86_INS_PUSH:
	case X86_INS_POP:
		return move(run, instruction->id, x86);
	case X86_INS_PUSHFD:
		push(run, run->has_conditions ? run->flags : unknown);
		return NULL;
	case X86_INS_POPFD:
		return pop_flags(run);
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_XOR:
	case X86_INS_CMP:
	case X86_INS_TEST:
		return calculate(run, instruction->id, x86);
	case X86_INS_SHR:
	case X86_INS_SHL:
	case X86_INS_BTR:
	case X86_INS_BTS:
		return change_bits(run, instruction->id, x86);
	case X86_INS_MOVSD:
		return copy(run, instruction);
	case X86_INS_VERW:
		run->has_conditions = false;
		return NULL;
	case X86_INS_NOP:
	case X86_INS_CLD:
	case X86_INS_CLI:
	case X86_INS_STI:
	case X86_INS_CLAC:
	case X86_INS_CLTS:
	case X86_INS_LFENCE:
		return NULL;
	}
	run->end = X86_RUN_LOST;
	return NULL;
}

// Finds what INSTRUCTION ends the run as.
static enum x86_run_end end_of(csh handle, const cs_insn *instruction)
{
	if (cs_insn_group(handle, instruction, CS_GRP_CALL))
		return X86_RUN_CALL;
	if (instruction->id == X86_INS_IRET || instruction->id == X86_INS_IRETD)
		return X86_RUN_IRET;
	return instruction->id == X86_INS_SYSEXIT ? X86_RUN_SYSEXIT : X86_RUN_ON;
}

// Reads the code at the pc, up to END at most.
static struct gg_error *read_code(struct x86_run *run, gg_gva_t end)
{
	enum { LONGEST = 15 };
	const uint64_t place = run->pc - run->code_start;
	const uint64_t left = end - run->pc;
	const size_t size = left < X86_RUN_CODE ? (size_t)left : X86_RUN_CODE;
	if (place < run->code_size &&
	    (run->code_size - place >= LONGEST || run->code_start + run->code_size == end))
		return NULL;
	run->code_start = run->pc;
	run->code_size = size;
	struct gg_error *err = gg_host_read(&run->unwind->kernel->typed, run->pc, run->code, size);
	if (err)
		run->end = X86_RUN_LOST;
	return gg_error_unless_final(err);
}

static struct gg_error *step(struct x86_run *run, gg_gva_t end)
{
	const struct x86_decoder *decoder = run->decoder;
	struct gg_error *err = read_code(run, end);
	if (err || run->end)
		return err;
	const size_t place = (size_t)(run->pc - run->code_start);
	const uint8_t *code = run->code + place;
	size_t size = run->code_size - place;
	uint64_t address = run->pc;
	if (!cs_disasm_iter(decoder->handle, &code, &size, &address, decoder->instruction)) {
		run->end = X86_RUN_LOST;
		return NULL;
	}
	run->end = end_of(decoder->handle, decoder->instruction);
	if (run->end)
		return NULL;
	run->pc = (uint32_t)address;
	if (cs_insn_group(decoder->handle, decoder->instruction, CS_GRP_JUMP)) {
		jump(run, decoder->instruction);
		return NULL;
	}
	return execute(run, decoder->instruction);
}

struct gg_error *x86_run(struct x86_run *run, gg_gva_t start, gg_gva_t end)
{
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && !run->end; i++) {
		if (i == MAX_STEPS || run->pc < start || run->pc >= end)
			run->end = X86_RUN_LOST;
		else
			err = step(run, end);
	}
	return err;
}
