// SPDX-License-Identifier: GPL-3.0-or-later
#include "kallsyms-image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Returns the place of the table NAME; NULL where the version has none.
static gg_gva_t *place_of(struct gg_kallsyms_hints *hints, const char *name)
{
	const struct {
		const char *name;
		gg_gva_t *place;
	} places[] = {
		{ "num_syms", &hints->num_syms },
		{ "names", &hints->names },
		{ "token_table", &hints->token_table },
		{ "token_index", &hints->token_index },
		{ "offsets", &hints->offsets },
		{ "relative_base", &hints->relative_base },
		{ "addresses", &hints->addresses },
		{ "text", &hints->text },
		{ "image", &hints->image },
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(places[i].name, name))
			return *places[i].place ? places[i].place : NULL;
	return NULL;
}

// Reads a number; false where there is none.
static bool read_number(const char **line, uint64_t *ret)
{
	char *end;
	*ret = strtoull(*line, &end, 0);
	const bool is_number = end != *line;
	*line = end;
	return is_number;
}

// Reads "TABLE OFFSET SIZE VALUE": returns the SIZE bytes there; NULL where the image has none.
static uint8_t *read_place(struct kallsyms_image *image, const char *line, size_t *size,
			   uint64_t *value)
{
	char table[32];
	int used = 0;
	uint64_t offset, count;
	if (sscanf(line, "%31s %n", table, &used) != 1)
		return NULL;
	line += used;
	const gg_gva_t *place = place_of(&image->places, table);
	if (!place || !read_number(&line, &offset) || !read_number(&line, &count) ||
	    !read_number(&line, value))
		return NULL;
	offset += *place - image->places.image;
	*size = count;
	return offset <= FAKE_IMAGE_SIZE && count <= FAKE_IMAGE_SIZE - offset
		       ? image->bytes + offset
		       : NULL;
}

static bool do_version(struct kallsyms_image *image, const char *name)
{
	for (size_t i = 0; i < fake_kallsyms_count; i++)
		if (!strcmp(fake_kallsyms[i].version, name)) {
			memset(image->bytes, 0, sizeof(image->bytes));
			fake_kallsyms_write(&fake_kallsyms[i], image->bytes, &image->places);
			image->hints = image->places;
			return true;
		}
	return false;
}

static bool do_search(struct kallsyms_image *image, const char *line)
{
	(void)line;
	image->hints = (struct gg_kallsyms_hints){ .image = image->places.image,
						   .image_size = image->places.image_size,
						   .text = image->places.text,
						   .word = image->places.word };
	return true;
}

static bool do_move(struct kallsyms_image *image, const char *line)
{
	char table[32];
	int64_t distance;
	if (sscanf(line, "%31s %" SCNi64, table, &distance) != 2)
		return false;
	gg_gva_t *place = place_of(&image->hints, table);
	if (place)
		*place += (uint64_t)distance;
	return place;
}

static bool do_poke(struct kallsyms_image *image, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = read_place(image, line, &size, &value);
	if (!bytes || size > sizeof(value))
		return false;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	return true;
}

static bool do_fill(struct kallsyms_image *image, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = read_place(image, line, &size, &value);
	if (bytes)
		memset(bytes, (int)value, size);
	return bytes;
}

static bool do_copy(struct kallsyms_image *image, const char *line)
{
	size_t size;
	uint64_t to;
	const uint8_t *bytes = read_place(image, line, &size, &to);
	if (!bytes || to > FAKE_IMAGE_SIZE || size > FAKE_IMAGE_SIZE - to)
		return false;
	memmove(image->bytes + to, bytes, size);
	return true;
}

bool kallsyms_image_line(struct kallsyms_image *image, const char *line)
{
	static const struct {
		const char *word;
		bool (*function)(struct kallsyms_image *image, const char *line);
	} functions[] = {
		{ "version", do_version }, { "search", do_search }, { "move", do_move },
		{ "poke", do_poke },       { "fill", do_fill },     { "copy", do_copy },
	};
	char text[512];
	const size_t word = strcspn(line, " \n");
	snprintf(text, sizeof(text), "%s", line + word + (line[word] == ' '));
	text[strcspn(text, "\n")] = 0;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strlen(functions[i].word) == word && !strncmp(line, functions[i].word, word))
			return functions[i].function(image, text);
	return false;
}
