// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_KERNELS_H
#define GG_PRINT_KERNELS_H

#include "base/buffer.h"

#include <gdb-guest/kernels.h>

// Append the kernel NUMBER of the list, as text and as JSON.
void gg_append_kernel_text(struct gg_buffer *out, unsigned int number,
			   const struct gg_kernel_info *kernel);
void gg_append_kernel_json(struct gg_buffer *out, unsigned int number,
			   const struct gg_kernel_info *kernel);

#endif
