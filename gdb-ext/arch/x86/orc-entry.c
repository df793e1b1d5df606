// SPDX-License-Identifier: GPL-3.0-or-later
//
// The formats of an ORC entry (Linux arch/x86/include/asm/orc_types.h, v4.14 to v7.2): two offsets of
// 16 bits, then 16 bits with the numbers of two registers, and a type.
#include "orc.h"

// The registers by their numbers.
static const enum x86_orc_base bases_v1[16] = {
	[0] = X86_ORC_UNDEFINED,   [1] = X86_ORC_PREV_SP,     [2] = X86_ORC_DX,
	[3] = X86_ORC_DI,          [4] = X86_ORC_BP,          [5] = X86_ORC_SP,
	[6] = X86_ORC_R10,         [7] = X86_ORC_R13,         [8] = X86_ORC_BP_INDIRECT,
	[9] = X86_ORC_SP_INDIRECT, [10 ... 15] = X86_ORC_BAD,
};

static const enum x86_orc_base bases_v4[16] = {
	[0] = X86_ORC_UNDEFINED,   [1] = X86_ORC_AX,           [2] = X86_ORC_DX,
	[3] = X86_ORC_SP,          [4] = X86_ORC_BP,           [5] = X86_ORC_DI,
	[6] = X86_ORC_R10,         [7] = X86_ORC_R13,          [8] = X86_ORC_PREV_SP,
	[9] = X86_ORC_SP_INDIRECT, [10] = X86_ORC_BP_INDIRECT, [11 ... 15] = X86_ORC_BAD,
};

// Versions 1 and 2: the type has two bits, and the end a bit of its own. An entry whose SP is
// undefined is the end, or code without a way out.
static void decode_old(unsigned int flags, unsigned int end_bit, struct x86_orc_entry *entry)
{
	static const enum x86_orc_type types[4] = { X86_ORC_CALL, X86_ORC_REGS, X86_ORC_PARTIAL,
						    X86_ORC_BAD_TYPE };
	entry->type = types[flags >> 8 & 3];
	if (entry->sp_base == X86_ORC_UNDEFINED)
		entry->type = flags >> end_bit & 1 ? X86_ORC_END : X86_ORC_NONE;
}

static void decode_new(unsigned int flags, struct x86_orc_entry *entry)
{
	static const enum x86_orc_type types[8] = { X86_ORC_NONE,     X86_ORC_END,
						    X86_ORC_CALL,     X86_ORC_REGS,
						    X86_ORC_PARTIAL,  X86_ORC_BAD_TYPE,
						    X86_ORC_BAD_TYPE, X86_ORC_BAD_TYPE };
	entry->type = types[flags >> 8 & 7];
	entry->is_signal = flags >> 11 & 1;
}

struct x86_orc_entry x86_orc_decode(enum x86_orc_version version,
				    const uint8_t bytes[X86_ORC_ENTRY_SIZE])
{
	const unsigned int flags = bytes[4] | (unsigned int)bytes[5] << 8;
	const enum x86_orc_base *bases = version == X86_ORC_V4 ? bases_v4 : bases_v1;
	struct x86_orc_entry entry = {
		.sp_offset = (int16_t)(bytes[0] | bytes[1] << 8),
		.bp_offset = (int16_t)(bytes[2] | bytes[3] << 8),
		.sp_base = bases[flags & 15],
		.bp_base = bases[flags >> 4 & 15],
	};
	switch (version) {
	case X86_ORC_V1:
		decode_old(flags, 10, &entry);
		entry.is_signal = entry.type == X86_ORC_REGS || entry.type == X86_ORC_PARTIAL;
		break;
	case X86_ORC_V2:
		entry.is_signal = flags >> 10 & 1;
		decode_old(flags, 11, &entry);
		break;
	case X86_ORC_V3:
	case X86_ORC_V4:
		decode_new(flags, &entry);
		break;
	}
	return entry;
}
