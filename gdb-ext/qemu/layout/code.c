// SPDX-License-Identifier: GPL-3.0-or-later
//
// The places that a function's own code shows: some members (a flag that is 0 in all objects at
// hand, say) leave no other trace.
//
// In:  the name of a function that QEMU exports (with modules it exports all), of a few
//      instructions.
// Out: an offset, or an address. The caller compares it with the data.
// Trusts nothing it reads: a bounded piece of code is read, and decoded by the row of the
// architecture that QEMU runs on.
#include "internal.h"
#include "arch/arch.h"

#include <elf.h>
#include <inttypes.h>

// Without a program the machine is not known, and another machine's code gives no sense.
static bool may_run(const struct gg_host_code *row, uint16_t machine)
{
	return machine == row->elf_machine || machine == EM_NONE;
}

struct gg_error *gg_code_place(const struct gg_finder *finder, const char *function,
			       enum gg_code_access access, uint64_t *ret)
{
	enum { MAX_CODE = 256 };
	uint8_t bytes[MAX_CODE];
	struct gg_image_symbol symbol;
	bool known = false;
	struct gg_error *err = gg_finder_symbol(finder, function, &symbol);
	if (err)
		return err;
	const size_t size = symbol.size && symbol.size < MAX_CODE ? symbol.size : MAX_CODE;
	const struct gg_function_code code = {
		.bytes = bytes,
		.size = gg_peek_some(finder->peek, symbol.address, bytes, size),
		.address = symbol.address,
	};
	for (size_t i = 0; gg_host_codes[i]; i++) {
		if (!may_run(gg_host_codes[i], symbol.machine))
			continue;
		known = true;
		if (gg_host_codes[i]->find_place(&code, access, ret)) {
			gg_debug(finder->debug,
				 "layout: %s() at 0x%" PRIx64 ": its code has the place", function,
				 symbol.address);
			return NULL;
		}
	}
	gg_debug(finder->debug, "layout: %s() at 0x%" PRIx64 ": its code has no place", function,
		 symbol.address);
	return known ? gg_error_create(GG_NOT_FOUND, "the code of %s has no place", function)
		     : gg_error_create(GG_NOT_FOUND, "%s is code of a machine not known here",
				       function);
}
