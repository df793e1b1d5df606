// SPDX-License-Identifier: GPL-3.0-or-later
//
// The decoder that x86_code_open() opens (unwind.h).
#ifndef GG_X86_DECODER_H
#define GG_X86_DECODER_H

#include <capstone/capstone.h>

struct x86_decoder {
	csh handle;
	cs_insn *instruction; // that Capstone fills in
};

#endif
