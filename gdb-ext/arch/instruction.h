// SPDX-License-Identifier: GPL-3.0-or-later
//
// The little-endian units of code, on all the architectures that have them.
#ifndef GG_ARCH_INSTRUCTION_H
#define GG_ARCH_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

// Returns the 2 bytes at CODE.
static inline uint32_t gg_code_half(const uint8_t *code)
{
	return (uint32_t)code[0] | (uint32_t)code[1] << 8;
}

// Returns the 4 bytes at CODE.
static inline uint32_t gg_code_word(const uint8_t *code)
{
	return gg_code_half(code) | gg_code_half(code + 2) << 16;
}

// Returns the 4 bytes at the offset AT of CODE, which has SIZE bytes; 0, which is no instruction, behind its end.
static inline uint32_t gg_code_word_at(const uint8_t *code, size_t size, size_t at)
{
	return at < size && size - at >= sizeof(uint32_t) ? gg_code_word(code + at) : 0;
}

#endif
