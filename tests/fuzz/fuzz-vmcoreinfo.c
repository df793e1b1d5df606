// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged VMCOREINFO. The input is a case of tests/vmcoreinfo, or a text alone. What is refused for
// its bytes is tried again with a hex digit for each of these.
#include "fuzz.h"

#include "arch/arch.h"
#include "linux/arch-ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void use_size(const struct gg_vmcoreinfo *info, const char *kind, const char *name)
{
	uint64_t size;
	struct gg_error *err = gg_vmcoreinfo_size(info, kind, name, &size);
	if (!err && size > INT32_MAX)
		abort();
	gg_error_destroy(err);
}

static void use_architecture(const struct gg_vmcoreinfo *info, const struct gg_arch *arch)
{
	struct gg_kernel_paging kernel;
	struct gg_error *err = arch->kernel->read_paging(info, &kernel);
	if (!err && (!kernel.paging.format || !kernel.paging.levels ||
		     kernel.paging.levels > GG_PAGE_LEVELS || !kernel.image_size ||
		     kernel.direct_map_end <= kernel.direct_map_start))
		abort();
	gg_error_destroy(err);
}

// Asks for the text's first keys, whole and by the name in them.
static void use_keys(const struct gg_vmcoreinfo *info)
{
	enum { MAX_KEY = 256, MOST_KEYS = 200 };
	unsigned int keys = 0;
	for (const char *line = info->text; *line && keys++ < MOST_KEYS;
	     line += strcspn(line, "\n") + 1) {
		char key[MAX_KEY], name[MAX_KEY];
		uint64_t address;
		const size_t size = strcspn(line, "=\n");
		if (size >= MAX_KEY)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)size, line);
		char *value = gg_vmcoreinfo_value(info, key);
		if (value && strchr(value, '\n'))
			abort();
		free(value);
		if (sscanf(key, "%*[^(](%255[^)])", name) != 1)
			continue;
		const char *const names[] = { name, NULL };
		gg_error_destroy(gg_vmcoreinfo_symbol(info, names, &address));
		use_size(info, "SIZE", name);
		use_size(info, "OFFSET", name);
		gg_vmcoreinfo_number_or(info, name, 0);
	}
}

static bool use(const char *text, size_t size)
{
	struct gg_vmcoreinfo info;
	struct gg_error *err = gg_vmcoreinfo_init(&info, text, size);
	const bool is_sound = !err;
	if (is_sound) {
		if (strlen(info.text) != size || memcmp(info.text, text, size))
			abort();
		use_keys(&info);
		for (size_t i = 0; gg_archs[i]; i++)
			if (gg_archs[i]->kernel)
				use_architecture(&info, gg_archs[i]);
		gg_vmcoreinfo_deinit(&info);
	}
	gg_error_destroy(err);
	return is_sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "\ntext\n";
	const uint8_t *start = size ? memmem(data, size, mark, strlen(mark)) : NULL;
	start = start ? start + strlen(mark) : data;
	size -= (size_t)(start - data);
	size_t header;
	if (size >= GG_VMCOREINFO_HEADER)
		gg_vmcoreinfo_header(start, size % 2, &header);
	char *text = calloc(1, size + 1);
	if (!text)
		abort();
	for (size_t i = 0; i < size; i++)
		text[i] = (char)start[i];
	if (!use(text, size)) {
		for (size_t i = 0; i < size; i++)
			if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
				text[i] = "0123456789abcdef"[text[i] & 15];
		text[size] = '\n';
		use(text, size + 1);
	}
	free(text);
	return 0;
}
