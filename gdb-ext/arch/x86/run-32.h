// SPDX-License-Identifier: GPL-3.0-or-later
//
// The instructions that a CPU of 32 bits is about to execute in an entry into the kernel, executed on a copy of its registers and
// of the words that they write. Guest memory is not changed.
#ifndef GG_X86_RUN_32_H
#define GG_X86_RUN_32_H

#include "linux/stack/stack-ops.h"

enum { X86_RUN_REGISTERS = 8, X86_RUN_SEGMENTS = 6, X86_RUN_WORDS = 128, X86_RUN_CODE = 256 };

struct x86_value {
	uint32_t bits;
	bool is_known;
};

enum x86_run_end {
	X86_RUN_ON,
	X86_RUN_CALL,    // before a call
	X86_RUN_IRET,    // before iret
	X86_RUN_SYSEXIT, // before sysexit
	X86_RUN_BRANCH,  // before a branch by flags that are not known
	X86_RUN_LOST,    // before an instruction that is not executed here
};

struct x86_run {
	struct gg_unwind *unwind; // whose memory is read (borrowed)
	void *decoder;
	// In the order of the instructions' numbers: eax, ecx, edx, ebx, esp, ebp, esi, edi; es, cs, ss, ds, fs, gs.
	struct x86_value registers[X86_RUN_REGISTERS], segments[X86_RUN_SEGMENTS];
	struct x86_value flags, fs_base, cr3;
	bool has_conditions; // the flags that arithmetic sets are known in FLAGS, which may else be unknown
	gg_gva_t pc;
	enum x86_run_end end;
	unsigned int count;
	struct {
		uint32_t address;
		struct x86_value value;
	} words[X86_RUN_WORDS]; // that were written
	gg_gva_t code_start;
	size_t code_size;
	uint8_t code[X86_RUN_CODE];
};

// Prepares to go on from the registers of UNWIND, which must outlive RET. The caller calls x86_run_close(), also after an error.
struct gg_error *x86_run_open(struct gg_unwind *unwind, struct x86_run *ret);

void x86_run_close(struct x86_run *run);

// Executes instructions between START and END (the first address behind them) until RUN's end is known. The error is final.
struct gg_error *x86_run(struct x86_run *run, gg_gva_t start, gg_gva_t end);

// Reads the word at ADDRESS as the instructions leave it. GG_FAULT, GG_ABSENT; GG_NOT_FOUND for a word that is not known.
struct gg_error *x86_run_word(struct x86_run *run, gg_gva_t address, uint64_t *ret);

#endif
