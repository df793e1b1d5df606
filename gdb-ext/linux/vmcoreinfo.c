// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the text, from guest memory.
// Out: its values.
// Trusts nothing it reads: all but printable ASCII and line ends is refused, numbers must be
// numbers.
#include "vmcoreinfo.h"
#include "base/cleanup.h"
#include "base/cursor.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool gg_vmcoreinfo_header(const uint8_t *bytes, bool big_endian, size_t *ret)
{
	static const char name[12] = "VMCOREINFO\0";
	if (memcmp(bytes + 12, name, sizeof(name)))
		return false;
	struct gg_cursor cursor = gg_cursor(bytes, GG_VMCOREINFO_HEADER, big_endian, "VMCOREINFO");
	uint64_t name_size = 0, size = 0, type = 1;
	struct gg_error *err = gg_cursor_uint(&cursor, 4, &name_size);
	if (!err)
		err = gg_cursor_uint(&cursor, 4, &size);
	if (!err)
		err = gg_cursor_uint(&cursor, 4, &type);
	gg_error_destroy(err);
	*ret = size;
	return !err && name_size == sizeof("VMCOREINFO") && type == 0;
}

static struct gg_error *check_text(const char *text, size_t size)
{
	static const char start[] = "OSRELEASE=";
	if (size > GG_VMCOREINFO_MAX_TEXT)
		return gg_error_create(GG_BAD_DATA, "its text has %zu bytes, more than %d", size,
				       GG_VMCOREINFO_MAX_TEXT);
	if (size < strlen(start) || memcmp(text, start, strlen(start)))
		return gg_error_create(GG_BAD_DATA, "its text does not start with %s", start);
	for (size_t i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			return gg_error_create(GG_BAD_DATA,
					       "its text has the byte 0x%02x at offset %zu",
					       (unsigned char)text[i], i);
	if (text[size - 1] != '\n')
		return gg_error_create(GG_BAD_DATA, "its text does not end with a whole line");
	return NULL;
}

struct gg_error *gg_vmcoreinfo_init(struct gg_vmcoreinfo *info, const char *text, size_t size)
{
	struct gg_error *err = check_text(text, size);
	if (err)
		return err;
	*info = (struct gg_vmcoreinfo){ .text = strndup(text, size), .size = size };
	return info->text ? NULL : gg_enomem;
}

void gg_vmcoreinfo_deinit(struct gg_vmcoreinfo *info)
{
	free(info->text);
	*info = (struct gg_vmcoreinfo){ 0 };
}

char *gg_vmcoreinfo_value(const struct gg_vmcoreinfo *info, const char *key)
{
	const size_t length = strlen(key);
	for (const char *line = info->text; line && *line;) {
		const char *end = strchr(line, '\n');
		if (!strncmp(line, key, length) && line[length] == '=')
			return strndup(line + length + 1, (size_t)(end - line) - length - 1);
		line = end ? end + 1 : NULL;
	}
	return NULL;
}

// KIND(NAME) as an integer; without a base of its own ("0x") in BASE.
static struct gg_error *read_number(const struct gg_vmcoreinfo *info, const char *kind,
				    const char *name, int base, uint64_t *ret)
{
	char key[64];
	snprintf(key, sizeof(key), "%s(%s)", kind, name);
	_cleanup_free_ char *value = gg_vmcoreinfo_value(info, key);
	if (!value)
		return gg_error_create(GG_NOT_FOUND, "VMCOREINFO has no %s", key);

	char *end;
	errno = 0;
	if (!strncmp(value, "0x", 2))
		base = 16;
	*ret = value[0] == '-' ? (uint64_t)strtoll(value, &end, base) : strtoull(value, &end, base);
	if (errno || end == value || *end || isspace((unsigned char)value[0]))
		return gg_error_create(GG_BAD_DATA, "VMCOREINFO's %s is \"%s\", not a number", key,
				       value);
	return NULL;
}

struct gg_error *gg_vmcoreinfo_symbol(const struct gg_vmcoreinfo *info, const char *const *names,
				      uint64_t *ret)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; names[i]; i++) {
		gg_error_destroy(err);
		err = read_number(info, "SYMBOL", names[i], 16, ret);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND)
			return err;
	}
	return err;
}

struct gg_error *gg_vmcoreinfo_places(const struct gg_vmcoreinfo *info, const char *const *roots,
				      gg_gva_t *root, gg_gva_t *text)
{
	static const char *const texts[] = { "_stext", NULL };
	struct gg_error *err = gg_vmcoreinfo_symbol(info, roots, root);
	return err ? err : gg_vmcoreinfo_symbol(info, texts, text);
}

struct gg_error *gg_vmcoreinfo_size(const struct gg_vmcoreinfo *info, const char *kind,
				    const char *name, uint64_t *ret)
{
	enum { MAX_SIZE = INT32_MAX };
	struct gg_error *err = read_number(info, kind, name, 10, ret);
	if (!err && *ret > MAX_SIZE)
		err = gg_error_create(GG_BAD_DATA, "VMCOREINFO's %s(%s) is %" PRIu64, kind, name,
				      *ret);
	return err;
}

struct gg_error *gg_vmcoreinfo_number(const struct gg_vmcoreinfo *info, const char *name,
				      int64_t *ret)
{
	uint64_t value;
	struct gg_error *err = read_number(info, "NUMBER", name, 10, &value);
	if (!err)
		*ret = (int64_t)value;
	return err;
}

int64_t gg_vmcoreinfo_number_or(const struct gg_vmcoreinfo *info, const char *name,
				int64_t fallback)
{
	int64_t value;
	struct gg_error *err = gg_vmcoreinfo_number(info, name, &value);
	if (!err)
		return value;
	gg_error_destroy(err);
	return fallback;
}
