// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's /proc/kallsyms and /proc/modules (Linux kernel/kallsyms.c: s_show(), kernel/module/procfs.c:
// m_show()), as files for perf.
//
// In:  symbols and modules, which their readers have checked.
// Out: files that are whole, or not there.
#include "base/buffer.h"
#include "guest.h"
#include "linux/modules/exports.h"
#include "modules.h"
#include "tasks.h"

#include <ctype.h>
#include <gdb-guest/output.h>
#include <gdb-guest/vmlinux.h>
#include <inttypes.h>
#include <stdlib.h>

// ---- Symbols ----

// Returns the digits of an address.
static int digits_of(const struct gg_answerers *kernel)
{
	return 2 * (int)kernel->arch->word;
}

struct symbols {
	int digits; // of an address
	struct gg_buffer text;
	size_t count;
	struct gg_symbol *module; // symbols of one module; owned
	size_t module_count;
};

static void append_symbol(struct symbols *symbols, const struct gg_symbol *symbol, char type)
{
	gg_buffer_format(&symbols->text, "%0*" PRIx64 " %c %s", symbols->digits, symbol->address,
			 type, symbol->name);
	if (symbol->module)
		gg_buffer_format(&symbols->text, "\t[%s]", symbol->module);
	gg_buffer_append(&symbols->text, "\n", 1);
	symbols->count++;
}

static struct gg_error *add_own(void *data, const struct gg_symbol *symbol)
{
	if (!symbol->module)
		append_symbol(data, symbol, symbol->type);
	return NULL;
}

static struct gg_error *count_module(void *data, const struct gg_symbol *symbol)
{
	(void)symbol;
	((struct symbols *)data)->module_count++;
	return NULL;
}

static struct gg_error *collect(void *data, const struct gg_symbol *symbol)
{
	struct symbols *symbols = data;
	symbols->module[symbols->module_count++] = *symbol;
	return NULL;
}

// Sorts by the names' places: the kernel has put them one behind the other, in the order of the
// symbols.
static int compare_places(const void *a, const void *b)
{
	const struct gg_symbol *x = a, *y = b;
	return x->name < y->name ? -1 : x->name > y->name;
}

// Appends the symbols of MODULE in the kernel's order; none where they cannot be read.
static struct gg_error *add_module(struct symbols *symbols, const struct gg_answerers *kernel,
				   const struct gg_module *module)
{
	struct gg_module_exports exports;
	struct gg_error *err =
		gg_error_unless_final(gg_module_exports_read(kernel, module, &exports));
	symbols->module_count = 0;
	if (!err)
		err = gg_module_symbols(kernel, module, count_module, symbols);
	symbols->module = calloc(symbols->module_count + 1, sizeof(*symbols->module));
	symbols->module_count = 0;
	if (!err)
		err = symbols->module ? gg_module_symbols(kernel, module, collect, symbols)
				      : gg_enomem;
	if (symbols->module)
		qsort(symbols->module, symbols->module_count, sizeof(*symbols->module),
		      compare_places);
	for (size_t i = 0; i < symbols->module_count; i++) {
		const struct gg_symbol *symbol = &symbols->module[i];
		const unsigned char type = (unsigned char)symbol->type;
		const bool is_exported = gg_module_exports_has(&exports, symbol);
		append_symbol(symbols, symbol, (char)(is_exported ? toupper(type) : tolower(type)));
	}
	free(symbols->module);
	gg_module_exports_deinit(&exports);
	return gg_error_unless_final(err);
}

static struct gg_error *fill_symbols(struct gg_guest *guest, const struct gg_notices *notices,
				     struct gg_buffer *text, struct gg_vmlinux_facts *ret)
{
	const struct gg_answerers *kernel;
	const struct gg_module_list *list = NULL;
	struct symbols symbols = { 0 };
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	if (!err) {
		symbols.digits = digits_of(kernel);
		err = gg_symbols_visit(kernel->symbols, add_own, &symbols);
	}
	if (!err)
		err = gg_error_unless_final(gg_modules_list(kernel, &list));
	for (size_t i = 0; !err && list && i < list->count; i++)
		err = add_module(&symbols, kernel, &list->modules[i]);
	*text = symbols.text;
	*ret = (struct gg_vmlinux_facts){ .symbols = symbols.count };
	return err;
}

// ---- Modules ----

static void append_module(struct gg_buffer *text, const struct gg_module_facts *facts, int digits)
{
	static const char *const states[] = { [GG_MODULE_LIVE] = "Live",
					      [GG_MODULE_COMING] = "Loading",
					      [GG_MODULE_GOING] = "Unloading",
					      [GG_MODULE_UNFORMED] = "Unformed" };
	const struct gg_module *module = facts->module;
	gg_buffer_format(text, "%s %" PRIu64, module->name, module->size);
	if (module->references >= 0)
		gg_buffer_format(text, " %" PRIi64 " ", module->references);
	else
		gg_buffer_format(text, " - ");
	for (size_t i = 0; i < facts->user_count; i++)
		gg_buffer_format(text, "%s,", facts->users[i]);
	if (module->is_permanent)
		gg_buffer_format(text, "[permanent],");
	else if (!facts->user_count)
		gg_buffer_format(text, "-");
	gg_buffer_format(text, " %s 0x%0*" PRIx64, states[module->state], digits,
			 module->ranges[0].start);
	if (*facts->taints)
		gg_buffer_format(text, " (%s)", facts->taints);
	gg_buffer_append(text, "\n", 1);
}

static struct gg_error *fill_modules(struct gg_guest *guest, const struct gg_notices *notices,
				     struct gg_buffer *text, struct gg_vmlinux_facts *ret)
{
	const struct gg_answerers *kernel;
	const struct gg_module_list *list;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	if (!err)
		err = gg_guest_modules(guest, notices, &list);
	for (size_t i = 0; !err && i < list->count; i++) {
		struct gg_module_facts facts;
		err = gg_guest_module_facts(guest, &list->modules[i], notices, &facts);
		if (err)
			return err;
		append_module(text, &facts, digits_of(kernel));
		gg_module_facts_deinit(&facts);
	}
	*ret = (struct gg_vmlinux_facts){ .modules = err ? 0 : list->count };
	return err;
}

// ---- Files ----

static struct gg_error *write_file(struct gg_guest *guest, const char *path, bool force,
				   struct gg_buffer *text)
{
	struct gg_output *output;
	struct gg_error *err = gg_buffer_check(text);
	if (!err)
		err = gg_output_create(path, force, gg_guest_files(guest), &output);
	if (err)
		return err;
	if (text->size)
		err = gg_output_write(output, 0, text->bytes, text->size);
	if (!err)
		err = gg_output_commit(output, text->size);
	gg_output_destroy(output);
	return err;
}

typedef struct gg_error *fill_fn(struct gg_guest *guest, const struct gg_notices *notices,
				 struct gg_buffer *text, struct gg_vmlinux_facts *ret);

static struct gg_error *write_text(struct gg_guest *guest, const char *path, bool force,
				   const struct gg_notices *notices, fill_fn *fill,
				   struct gg_vmlinux_facts *ret)
{
	struct gg_buffer text = { 0 };
	struct gg_error *err = fill(guest, notices, &text, ret);
	ret->size = text.size;
	if (!err)
		err = write_file(guest, path, force, &text);
	gg_buffer_deinit(&text);
	return err ? gg_error_context(err, "%s", path) : NULL;
}

struct gg_error *gg_guest_write_kallsyms(struct gg_guest *guest, const char *path, bool force,
					 const struct gg_notices *notices,
					 struct gg_vmlinux_facts *ret)
{
	return write_text(guest, path, force, notices, fill_symbols, ret);
}

struct gg_error *gg_guest_write_modules(struct gg_guest *guest, const char *path, bool force,
					const struct gg_notices *notices,
					struct gg_vmlinux_facts *ret)
{
	return write_text(guest, path, force, notices, fill_modules, ret);
}
