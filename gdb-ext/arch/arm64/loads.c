// SPDX-License-Identifier: GPL-3.0-or-later
//
// The variables that code of AArch64 reads (Arm Architecture Reference Manual, C6.2: ADRP, ADD (immediate), LDR (immediate)).
//
// In:  the bytes of a function.
// Out: the places of the words that it reads, where the instructions alone lead to the places.
// Trusts nothing it reads: branches are not followed, so that a place may be wrong.
#include "arm64.h"
#include "arch/instruction.h"

enum { INSTRUCTION = 4, LAST_CLOBBERED = 18, ZERO = 31 };

// The values of the registers, as far as the instructions before have set them.
struct state {
	uint64_t values[ZERO + 1];
	bool known[ZERO + 1];
};

// Returns the COUNT bits of INSTRUCTION from START on.
static uint32_t bits(uint32_t instruction, unsigned int start, unsigned int count)
{
	return instruction >> start & ((UINT32_C(1) << count) - 1);
}

// Returns the same with their sign.
static uint64_t signed_bits(uint32_t instruction, unsigned int start, unsigned int count)
{
	const uint64_t sign = UINT64_C(1) << (count - 1);
	return (bits(instruction, start, count) ^ sign) - sign;
}

static void set(struct state *state, unsigned int target, bool known, uint64_t value)
{
	state->known[target] = known && target != ZERO;
	state->values[target] = value;
}

// Forgets the registers that a call need not keep.
static void forget_clobbered(struct state *state)
{
	for (unsigned int i = 0; i <= LAST_CLOBBERED; i++)
		state->known[i] = false;
}

// Executes INSTRUCTION at PC. Tests whether it reads a word whose place is known.
static bool step(struct state *state, uint32_t instruction, uint64_t pc, uint64_t *place)
{
	const unsigned int target = bits(instruction, 0, 5), base = bits(instruction, 5, 5);
	const uint64_t value = state->values[base];
	const bool known = state->known[base];
	bool reads = false;
	if ((instruction & 0x9f000000) == 0x90000000) { // adrp
		const uint64_t pages =
			signed_bits(instruction, 5, 19) << 2 | bits(instruction, 29, 2);
		set(state, target, true, (pc & ~UINT64_C(0xfff)) + (pages << 12));
	} else if ((instruction & 0xff800000) == 0x91000000) { // add Xd, Xn, #imm
		const uint64_t addend = (uint64_t)bits(instruction, 10, 12)
					<< (bits(instruction, 22, 1) ? 12 : 0);
		set(state, target, known, value + addend);
	} else if ((instruction & 0xffc00000) == 0xf9400000) { // ldr Xt, [Xn, #imm]
		*place = value + (uint64_t)bits(instruction, 10, 12) * sizeof(uint64_t);
		set(state, target, false, 0);
		reads = known;
	} else if ((instruction & 0xffe00c00) == 0xf8400c00) { // ldr Xt, [Xn, #imm]!
		*place = value + signed_bits(instruction, 12, 9);
		set(state, base, known, *place);
		set(state, target, false, 0);
		reads = known;
	} else if ((instruction & 0xfc000000) == 0x94000000) { // bl
		forget_clobbered(state);
	} else {
		set(state, target, false, 0);
	}
	return reads;
}

size_t arm64_words_read(const uint8_t *code, size_t size, gg_gva_t pc, gg_gva_t *ret, size_t limit)
{
	struct state state = { 0 };
	size_t count = 0;
	for (size_t at = 0; at + INSTRUCTION <= size && count < limit; at += INSTRUCTION)
		count += step(&state, gg_code_word(code + at), pc + at, &ret[count]);
	return count;
}
