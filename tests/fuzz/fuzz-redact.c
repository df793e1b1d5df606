// SPDX-License-Identifier: GPL-3.0-or-later
//
// Texts of a hostile guest on their way into a report: redacted and escaped. The input is the text, or a
// case of tests/redact.
#include "fuzz.h"

#include "base/html.h"

#include <stdlib.h>
#include <string.h>

// Tests that only the writer's own markup is there: one element.
static void check(const struct gg_html *html)
{
	size_t angles = 0;
	for (size_t i = 0; i < html->out.size; i++) {
		const uint8_t c = html->out.bytes[i];
		angles += c == '<';
		if (c == '\'' || (c < ' ' && c != '\n' && c != '\t'))
			abort();
	}
	if (angles != 2 || html->out.failed)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gg_redact redact = { 0 };
	char *text = strndup((const char *)data, size);
	struct gg_error *err = gg_redact_add_host(&redact, "db01.example.com");
	if (!text || err)
		abort();
	struct gg_html html = { .redact = &redact };
	gg_html_open(&html, "b", "title", text, NULL);
	gg_html_bytes(&html, (const char *)data, size);
	gg_html_close_to(&html, 0);
	check(&html);
	gg_html_deinit(&html);
	gg_redact_deinit(&redact);
	free(text);
	return 0;
}
