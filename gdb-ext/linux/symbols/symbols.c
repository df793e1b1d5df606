// SPDX-License-Identifier: GPL-3.0-or-later
#include "symbols.h"
#include "linux/kernel-host.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

struct gg_symbols {
	const struct gg_kernel *kernel;
	struct gg_host host;          // its memory
	struct gg_kallsyms *kallsyms; // once it was asked for
	struct gg_error *err;         // why there is none
};

struct gg_error *gg_symbols_create(const struct gg_kernel *kernel, struct gg_symbols **ret)
{
	struct gg_symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return gg_enomem;
	symbols->kernel = kernel;
	gg_kernel_host_init(&symbols->host, kernel);
	*ret = symbols;
	return NULL;
}

void gg_symbols_destroy(struct gg_symbols *symbols)
{
	if (!symbols)
		return;
	gg_kallsyms_destroy(symbols->kallsyms);
	gg_error_destroy(symbols->err);
	free(symbols);
}

static bool is_in_image(const struct gg_kernel *kernel, gg_gva_t address)
{
	return address - kernel->image < kernel->image_size;
}

// Of some arrays VMCOREINFO has not where the variable is, but where it points to
// (VMCOREINFO_SYMBOL_ARRAY, mem_section): such an address is not one of the image's.
static struct gg_error *from_vmcoreinfo(const struct gg_kernel *kernel, const char *name,
					gg_gva_t *ret)
{
	struct gg_error *err =
		gg_vmcoreinfo_symbol(&kernel->info, (const char *const[]){ name, NULL }, ret);
	if (!err && !is_in_image(kernel, *ret))
		err = gg_error_create(GG_NOT_FOUND, "VMCOREINFO's %s is not a symbol", name);
	return err;
}

// 0 where VMCOREINFO does not have it.
static gg_gva_t hint(const struct gg_kernel *kernel, const char *name)
{
	gg_gva_t address;
	struct gg_error *err = from_vmcoreinfo(kernel, name, &address);
	if (!err)
		return address;
	gg_error_destroy(err);
	return 0;
}

static struct gg_error *read_kallsyms(struct gg_symbols *symbols)
{
	const struct gg_kernel *kernel = symbols->kernel;
	const struct gg_kallsyms_hints hints = {
		.image = kernel->image,
		.image_size = kernel->image_size,
		.text = kernel->paging.text,
		.word = kernel->paging.word,
		.num_syms = hint(kernel, "kallsyms_num_syms"),
		.names = hint(kernel, "kallsyms_names"),
		.token_table = hint(kernel, "kallsyms_token_table"),
		.token_index = hint(kernel, "kallsyms_token_index"),
		.offsets = hint(kernel, "kallsyms_offsets"),
		.relative_base = hint(kernel, "kallsyms_relative_base"),
		.addresses = hint(kernel, "kallsyms_addresses"),
	};
	return gg_kallsyms_create(&symbols->host, &hints, &symbols->kallsyms);
}

static struct gg_error *need_kallsyms(struct gg_symbols *symbols)
{
	if (symbols->kallsyms)
		return NULL;
	if (!symbols->err) {
		struct gg_error *err = read_kallsyms(symbols);
		if (!err || gg_error_is_final(err))
			return err;
		symbols->err = err;
	}
	return gg_error_create(gg_error_kind(symbols->err), "%s", gg_error_message(symbols->err));
}

// NOT_TOLD, which is consumed, is what VMCOREINFO said, NO_KALLSYMS why there are no others.
static struct gg_error *not_found(struct gg_error *not_told, struct gg_error *no_kallsyms)
{
	struct gg_error *err = no_kallsyms;
	if (!gg_error_is_final(no_kallsyms)) {
		err = gg_error_create(GG_NOT_FOUND, "%s; %s", gg_error_message(not_told),
				      gg_error_message(no_kallsyms));
		gg_error_destroy(no_kallsyms);
	}
	gg_error_destroy(not_told);
	return err;
}

struct gg_error *gg_symbols_find(struct gg_symbols *symbols, const char *name,
				 struct gg_symbol *ret)
{
	*ret = (struct gg_symbol){ .name = name, .type = '?' };
	struct gg_error *err = from_vmcoreinfo(symbols->kernel, name, &ret->address);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	struct gg_error *no_kallsyms = need_kallsyms(symbols);
	if (no_kallsyms)
		return not_found(err, no_kallsyms);
	gg_error_destroy(err);
	if (!gg_kallsyms_find(symbols->kallsyms, name, ret))
		return gg_error_create(GG_NOT_FOUND, "the kernel has no symbol %s", name);
	return NULL;
}

struct gg_error *gg_symbols_address(struct gg_symbols *symbols, const char *name, gg_gva_t *ret)
{
	struct gg_symbol symbol;
	struct gg_error *err = gg_symbols_find(symbols, name, &symbol);
	if (!err)
		*ret = symbol.address;
	return err;
}

const struct gg_host *gg_symbols_host(const struct gg_symbols *symbols)
{
	return &symbols->host;
}

struct gg_error *gg_symbols_at(struct gg_symbols *symbols, gg_gva_t address, struct gg_symbol *ret)
{
	const struct gg_kernel *kernel = symbols->kernel;
	// Below are the offsets of per-CPU variables, which are symbols too.
	if (!is_in_image(kernel, address))
		return gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is not in the kernel's image",
				       address);
	struct gg_error *err = need_kallsyms(symbols);
	if (err)
		return err;
	if (!gg_kallsyms_at(symbols->kallsyms, address, ret) || ret->address < kernel->image)
		return gg_error_create(
			GG_NOT_FOUND, "0x%" PRIx64 " is before the kernel's first symbol", address);
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Those of the names that start with PREFIX, each once, ascending.
static struct gg_error *list_names(const struct gg_kallsyms *kallsyms, const char *prefix,
				   const char ***ret, size_t *ret_count)
{
	const size_t all = gg_kallsyms_count(kallsyms), length = strlen(prefix);
	size_t count = 0, different = 0;
	const char **names = calloc(all + 1, sizeof(*names));
	if (!names)
		return gg_enomem;
	for (size_t i = 0; i < all; i++) {
		struct gg_symbol symbol;
		gg_kallsyms_get(kallsyms, i, &symbol);
		if (!strncmp(symbol.name, prefix, length))
			names[count++] = symbol.name;
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		if (!i || strcmp(names[i], names[different - 1]))
			names[different++] = names[i];
	*ret = names;
	*ret_count = different;
	return NULL;
}

struct gg_error *gg_symbols_complete(struct gg_symbols *symbols, const char *prefix, size_t limit,
				     struct gg_error *(*visit)(void *data, const char *name),
				     void *data)
{
	_cleanup_free_ const char **names = NULL;
	size_t count = 0;
	struct gg_error *err = need_kallsyms(symbols);
	if (!err)
		err = list_names(symbols->kallsyms, prefix, &names, &count);
	const size_t shown = count < limit ? count : limit;
	for (size_t i = 0; !err && i < shown; i++)
		err = visit(data, names[shown > 1 ? i * (count - 1) / (shown - 1) : 0]);
	return err;
}

struct gg_error *
gg_symbols_visit(struct gg_symbols *symbols,
		 struct gg_error *(*visit)(void *data, const struct gg_symbol *symbol), void *data)
{
	struct gg_error *err = need_kallsyms(symbols);
	const size_t count = err ? 0 : gg_kallsyms_count(symbols->kallsyms);
	for (size_t i = 0; !err && i < count; i++) {
		struct gg_symbol symbol;
		gg_kallsyms_get(symbols->kallsyms, i, &symbol);
		err = visit(data, &symbol);
	}
	return err;
}
