// SPDX-License-Identifier: GPL-3.0-or-later
//
// Frames that follow from damaged instructions. The first byte of the input chooses the architecture, the
// rest is code.
#include "fuzz.h"

#include "arch/arm64/arm64.h"
#include "arch/ppc64/ppc64.h"
#include "arch/riscv/riscv.h"
#include "arch/s390/s390.h"
#include "arch/x86/x86.h"
#include "vmlinux/code-rows.h"
#include "vmlinux/vmlinux-ops.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gg_vmlinux_ops *const all[] = { &arm64_vmlinux, &riscv_vmlinux, &s390_vmlinux,
						     &ppc64_vmlinux, &x86_vmlinux_32 };
	void *decoder = NULL;
	struct gg_cfi cfi;
	if (!size)
		return 0;
	const struct gg_vmlinux_ops *ops = all[data[0] % (sizeof(all) / sizeof(*all))];
	struct gg_code_rows rows = { .rules = ops->code, .cfi = &cfi };
	if (ops->entry_size && ops->entry_size(data + 1, size - 1) > size - 1)
		abort();
	struct gg_code_frame frame = ops->code->start;
	if (ops->code->open)
		gg_error_destroy(ops->code->open(&decoder));
	gg_cfi_init(&cfi, false, 8);
	for (size_t place = 1; place < size;) {
		const struct gg_code_step step =
			ops->code->step(decoder, data + place, size - place, &frame);
		if (step.size > size - place)
			abort();
		if (!step.size)
			break;
		gg_code_rows_append(&rows, &frame);
		place += step.size;
	}
	if (decoder)
		ops->code->close(decoder);
	gg_cfi_deinit(&cfi);
	return 0;
}
