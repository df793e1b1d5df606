// SPDX-License-Identifier: GPL-3.0-or-later
#include "vmlinux/vmlinux.h"
#include "base/cleanup.h"
#include "base/output.h"
#include "guest.h"
#include "linux/arch-ops.h"

#include <gdb-guest/vmlinux.h>
#include <stdlib.h>

// Reads the offset of KASLR, which VMCOREINFO has in hexadecimal; 0 without.
static uint64_t kernel_offset(const struct gg_kernel *kernel)
{
	char *text = gg_vmcoreinfo_value(&kernel->info, "KERNELOFFSET");
	const uint64_t offset = text ? strtoull(text, NULL, 16) : 0;
	free(text);
	return offset;
}

static struct gg_error *write_to(const struct gg_kernel *kernel,
				 const struct gg_vmlinux_options *options, struct gg_output *output,
				 struct gg_vmlinux_facts *ret)
{
	if (gg_output_is_sequential(output))
		return gg_error_create(GG_INVALID, "%s is no regular file", options->path);
	_cleanup_free_ char *build_id = gg_vmcoreinfo_value(&kernel->info, "BUILD-ID");
	const struct gg_vmlinux_plan plan = {
		.displacement = options->guest_addresses ? 0 : kernel_offset(kernel),
		.kernel_area = kernel->answerers.arch->kernel->kernel_area,
		.has_data = !options->guest_addresses,
		.no_modules = options->no_modules,
		.build_id = build_id,
	};
	struct gg_error *err =
		gg_vmlinux_write(&kernel->answerers, &plan, gg_output_file(output), ret);
	return err ? err : gg_output_commit(output, ret->size);
}

struct gg_error *gg_guest_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_notices *notices, struct gg_vmlinux_facts *ret)
{
	const struct gg_kernel *kernel;
	struct gg_output *output;
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	if (!err)
		err = gg_output_create(options->path, options->force, gg_guest_files(guest),
				       &output);
	if (err)
		return err;
	err = write_to(kernel, options, output, ret);
	gg_output_destroy(output);
	return err ? gg_error_context(err, "%s", options->path) : NULL;
}
