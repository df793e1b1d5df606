// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts that all finders of QEMU's structures share.
#include "internal.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- Answers ----

void gg_answers_deinit(struct gg_answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		free(answers->list[i].proof);
	free(answers->list);
	*answers = (struct gg_answers){ 0 };
}

struct gg_error *gg_answers_add(struct gg_answers *answers, const char *type, const char *path,
				uint64_t offset, uint64_t size, const char *format, ...)
{
	struct gg_error *err =
		gg_vector_grow(&answers->list, answers->count, sizeof(*answers->list));
	if (err)
		return err;
	struct gg_answer *added = &answers->list[answers->count];
	*added = (struct gg_answer){ .member = { offset, size } };
	snprintf(added->type, sizeof(added->type), "%s", type);
	snprintf(added->path, sizeof(added->path), "%s", path);
	va_list arguments;
	va_start(arguments, format);
	added->proof = gg_text_format(format, arguments);
	va_end(arguments);
	if (!added->proof)
		return gg_enomem;
	answers->count++;
	return NULL;
}

const struct gg_answer *gg_answers_find(const struct gg_answers *answers, const char *type,
					const char *path)
{
	for (size_t i = 0; i < answers->count; i++)
		if (!strcmp(answers->list[i].type, type) && !strcmp(answers->list[i].path, path))
			return &answers->list[i];
	return NULL;
}

// ---- Memory ----

bool gg_finder_is_mapped(const struct gg_finder *finder, uint64_t address, uint64_t size)
{
	uint8_t byte;
	uint64_t last;
	if (!size || __builtin_add_overflow(address, size - 1, &last))
		return false;
	if (finder->map)
		return gg_process_map_has(finder->map, address, size);
	struct gg_error *err = gg_host_read(finder->host, address, &byte, 1);
	if (!err)
		err = gg_host_read(finder->host, last, &byte, 1);
	gg_error_destroy(err);
	return !err;
}

// ---- Symbols ----

struct gg_error *gg_finder_symbol(const struct gg_finder *finder, const char *name,
				  struct gg_image_symbol *ret)
{
	struct gg_error *err = gg_images_symbol(finder->images, name, ret);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND || finder->foreign_symbols)
		return err;
	gg_error_destroy(err);
	*ret = (struct gg_image_symbol){ 0 };
	return gg_host_symbol(finder->host, name, &ret->address);
}

// ---- Objects ----

bool gg_finder_type_name(const struct gg_finder *finder, uint64_t address, char *ret)
{
	uint64_t class, type, name;
	return gg_peek_word(finder->peek, address, &class) &&
	       gg_peek_word(finder->peek, class, &type) &&
	       gg_peek_word(finder->peek, type, &name) &&
	       gg_peek_text(finder->peek, name, ret, GG_TYPE_NAME_SIZE);
}

bool gg_finder_is_object(const struct gg_finder *finder, uint64_t address, const char *suffix)
{
	char name[GG_TYPE_NAME_SIZE];
	if (!gg_finder_type_name(finder, address, name))
		return false;
	const size_t length = strlen(name), wanted = strlen(suffix);
	return length >= wanted && !strcmp(name + length - wanted, suffix);
}
