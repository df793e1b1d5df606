// SPDX-License-Identifier: GPL-3.0-or-later
#include "disassemble.h"

#include <stdio.h>

struct gg_error *gg_disassemble(cs_arch arch, cs_mode mode, size_t syntax, unsigned int smallest,
				gg_find_target_fn *find_target, const struct gg_code *code,
				struct gg_instruction *ret)
{
	csh handle;
	if (cs_open(arch, mode, &handle) != CS_ERR_OK)
		return gg_enomem;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_option(handle, CS_OPT_SYNTAX, syntax);
	const uint8_t *bytes = code->bytes;
	size_t size = code->size;
	uint64_t address = code->address;
	*ret = (struct gg_instruction){ .address = address,
					.size = smallest < size ? smallest : (unsigned int)size,
					.text = "(bad)" };
	cs_insn *instruction = cs_malloc(handle);
	if (instruction && cs_disasm_iter(handle, &bytes, &size, &address, instruction)) {
		ret->is_whole = true;
		ret->size = instruction->size;
		snprintf(ret->text, sizeof(ret->text), "%s%s%s", instruction->mnemonic,
			 *instruction->op_str ? " " : "", instruction->op_str);
		find_target(handle, instruction, ret);
	}
	struct gg_error *err = instruction ? NULL : gg_enomem;
	if (instruction)
		cs_free(instruction, 1);
	cs_close(&handle);
	return err;
}
