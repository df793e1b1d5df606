// SPDX-License-Identifier: GPL-3.0-or-later
//
// The host that checks every read against the core's own program headers first: GDB 13 reads zeros,
// without an error, where a core was made without some memory.
#include "checked.h"

static struct gg_error *checked_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_checked_host *checked = data;
	struct gg_error *err =
		checked->core ? gg_core_file_check(checked->core, address, size) : NULL;
	if (err && gg_error_kind(err) == GG_ABSENT) {
		gg_error_destroy(err);
		return gg_mapped_files_read(checked->files, address, buffer, size);
	}
	return err ? err
		   : checked->debugger->ops->read(checked->debugger->data, address, buffer, size);
}

static struct gg_error *checked_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_checked_host *checked = data;
	return checked->debugger->ops->symbol(checked->debugger->data, name, ret);
}

static struct gg_error *checked_member(void *data, const char *type, const char *path,
				       struct gg_member *ret)
{
	const struct gg_checked_host *checked = data;
	return checked->debugger->ops->member(checked->debugger->data, type, path, ret);
}

static struct gg_error *checked_registers(void *data, unsigned int thread, const char *name,
					  void *buffer, size_t size, size_t *ret)
{
	const struct gg_checked_host *checked = data;
	return checked->debugger->ops->registers(checked->debugger->data, thread, name, buffer,
						 size, ret);
}

static const struct gg_host_ops checked_ops = {
	.read = checked_read,
	.symbol = checked_symbol,
	.member = checked_member,
	.registers = checked_registers,
};

void gg_checked_host_init(struct gg_checked_host *checked, const struct gg_host *debugger,
			  const struct gg_core_file *core, struct gg_mapped_files *files)
{
	*checked = (struct gg_checked_host){
		.host = *debugger,
		.debugger = debugger,
		.core = core,
		.files = files,
	};
	checked->host.ops = &checked_ops;
	checked->host.data = checked;
}
