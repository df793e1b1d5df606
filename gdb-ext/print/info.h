// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of guest-info's output.
#ifndef GG_PRINT_INFO_H
#define GG_PRINT_INFO_H

#include "base/buffer.h"
#include "base/notices.h"

#include <gdb-guest/info.h>
#include <gdb-guest/layout.h>

// Tells the advice for memory that is absent, the reasons for which facts are not known, each once,
// and INFO's notices.
struct gg_error *gg_info_tell(const struct gg_info *info, const struct gg_notices *notices);

// Append the lines (lines.h) of the target and QEMU, and of the kernel.
void gg_append_info_source(struct gg_buffer *out, const struct gg_info *info,
			   const struct gg_info_options *options);
void gg_append_info_kernel(struct gg_buffer *out, const struct gg_info *info);

struct gg_error *gg_print_info_text(const struct gg_info *info,
				    const struct gg_info_options *options,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices);
struct gg_error *gg_print_info_json(const struct gg_info *info,
				    const struct gg_info_options *options,
				    const struct gg_writer *writer);

// Appends the line of a member of QEMU's structures.
void gg_append_layout(struct gg_buffer *out, const struct gg_structure_row *row);

// Writes a line, or a JSON object on a line, for each member of QEMU's structures.
struct gg_error *gg_print_layout(struct gg_guest *guest, const struct gg_info_options *options,
				 const struct gg_writer *writer);

#endif
