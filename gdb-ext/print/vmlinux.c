// SPDX-License-Identifier: GPL-3.0-or-later
#include "words.h"

#include <gdb-guest/vmlinux.h>

struct gg_error *gg_print_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
	struct gg_vmlinux_facts facts;
	struct gg_error *err = gg_guest_vmlinux(guest, options, notices, &facts);
	if (err)
		return err;
	gg_buffer_format(&out, "%s: ", options->path);
	gg_append_size(&out, facts.size);
	gg_buffer_format(&out, ", %zu symbols, %zu functions with their arguments\n", facts.symbols,
			 facts.functions);
	err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}
