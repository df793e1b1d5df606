// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arguments as /proc/PID/cmdline has them (Linux fs/proc/base.c, get_mm_cmdline() and
// get_mm_proctitle(), v5.3 to v7.2): from arg_start to arg_end. Where a program has written its title
// over them, and so no NUL ends them, up to the first NUL, which may lie in the environment.
//
// In:  an mm_struct's addresses, the process's own page tables.
// Out: bytes.
// Trusts nothing it reads: the size is bounded, and the addresses are those of a program.
#include "args.h"
#include "linux/arch-ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 6 << 20 }; // _STK_LIM / 4 * 3, the most that execve() takes

void gg_task_args_deinit(struct gg_task_args *args)
{
	free(args->bytes);
	gg_error_destroy(args->missing);
	*args = (struct gg_task_args){ 0 };
}

static struct gg_error *open_table(const struct gg_answerers *kernel, const struct gg_mm *mm,
				   struct gg_page_table **ret)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(kernel->memory.table, mm->pgd, &mapping);
	if (!err && !mapping.present)
		err = gg_error_create(GG_FAULT, "pgd 0x%" PRIx64 " is not mapped", mm->pgd);
	if (!err)
		err = gg_page_table_create_sibling(kernel->memory.table, mapping.gpa, ret);
	if (!err && kernel->arch->kernel)
		gg_page_table_show_hidden(*ret, kernel->arch->kernel->hidden_page);
	return err;
}

// Reads SIZE bytes at ADDRESS page by page, up to the first page that is not there.
static struct gg_error *read_pages(struct gg_page_table *table, gg_gva_t address, size_t size,
				   struct gg_task_args *ret)
{
	const uint64_t page = gg_page_table_page_size(table);
	ret->bytes = malloc(size + 1);
	if (!ret->bytes)
		return gg_enomem;
	while (ret->size < size && !ret->missing) {
		const gg_gva_t at = address + ret->size;
		const uint64_t rest = page - at % page, left = size - ret->size;
		const size_t piece = (size_t)(rest < left ? rest : left);
		struct gg_error *err = gg_page_table_read(table, at, ret->bytes + ret->size, piece);
		if (err && gg_error_is_final(err))
			return err;
		ret->missing = err;
		ret->size += err ? 0 : piece;
	}
	return NULL;
}

// Reads the title that the program has written over its arguments: a page at most, up to a NUL.
static struct gg_error *read_title(struct gg_page_table *table, const struct gg_mm *mm,
				   struct gg_task_args *ret)
{
	gg_task_args_deinit(ret);
	struct gg_error *err =
		read_pages(table, mm->arg_start, (size_t)gg_page_table_page_size(table), ret);
	if (err)
		return err;
	const size_t length = strnlen(ret->bytes, ret->size);
	if (length < ret->size) {
		ret->size = length + 1;
		gg_error_destroy(ret->missing);
		ret->missing = NULL;
	}
	return NULL;
}

static struct gg_error *read_args(struct gg_page_table *table, const struct gg_mm *mm, size_t size,
				  struct gg_task_args *ret)
{
	struct gg_error *err = read_pages(table, mm->arg_start, size, ret);
	if (err || ret->missing || !ret->bytes[size - 1])
		return err;
	return read_title(table, mm, ret);
}

struct gg_error *gg_task_args_read(const struct gg_answerers *kernel, const struct gg_mm *mm,
				   struct gg_task_args *ret)
{
	const struct gg_linux_ops *ops = kernel->arch->kernel;
	struct gg_page_table *table = NULL;
	*ret = (struct gg_task_args){ 0 };
	if (mm->arg_start >= mm->arg_end)
		return NULL;
	const uint64_t size = mm->arg_end - mm->arg_start;
	if (size > MAX_ARGS || (ops && ops->kernel_area && mm->arg_end > ops->kernel_area))
		return gg_error_create(GG_BAD_DATA,
				       "arguments from 0x%" PRIx64 " to 0x%" PRIx64
				       " are no program's",
				       mm->arg_start, mm->arg_end);
	struct gg_error *err = open_table(kernel, mm, &table);
	if (!err)
		err = read_args(table, mm, (size_t)size, ret);
	gg_page_table_destroy(table);
	if (err)
		gg_task_args_deinit(ret);
	return err;
}
