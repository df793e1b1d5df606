// SPDX-License-Identifier: GPL-3.0-or-later
//
// The writer of HTML.
#include "unit.h"
#include "base/html.h"

#include <stdio.h>

static void expect(struct gg_html *html, const char *expected)
{
	gg_buffer_append(&html->out, "", 1);
	assert_success(gg_buffer_check(&html->out));
	assert_string_equal((const char *)html->out.bytes, expected);
	gg_html_deinit(html);
}

static void test_elements(void **state)
{
	(void)state;
	struct gg_html html = { 0 };
	gg_html_empty(&html, "meta", "charset", "utf-8", NULL);
	gg_html_open(&html, "p", "class", NULL, "id", "a", NULL);
	gg_html_element(&html, "b", "bad", "c");
	gg_html_format(&html, " %d<%s", 1, "2");
	gg_html_close(&html);
	gg_html_close(&html);
	expect(&html, "<meta charset=\"utf-8\"/><p id=\"a\"><b class=\"bad\">c</b> 1&lt;2</p>");
}

static void test_escapes(void **state)
{
	static const char hostile[] = "</pre><script>alert(1)</script>--> ]]> \"'&amp;\x1b[2J\t\n"
				      "\xff\xc3\xa9\xe2\x80\xae\x7f";
	static const char escaped[] = "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;--&gt; "
				      "]]&gt; &quot;&#39;&amp;amp;"
				      "\\x1b[2J\t\n\\xff\xc3\xa9\\xe2\\x80\\xae\\x7f";
	char expected[2 * sizeof(escaped) + 64];
	(void)state;
	struct gg_html html = { 0 };
	gg_html_open(&html, "i", "title", hostile, NULL);
	gg_html_text(&html, hostile);
	gg_html_bytes(&html, "<\0>", 3);
	gg_html_close(&html);
	snprintf(expected, sizeof(expected), "<i title=\"%s\">%s&lt;\\x00&gt;</i>", escaped,
		 escaped);
	expect(&html, expected);
}

static void test_close(void **state)
{
	(void)state;
	struct gg_html html = { 0 };
	gg_html_open(&html, "section", NULL);
	const unsigned int depth = html.depth;
	gg_html_open(&html, "table", NULL);
	gg_html_open(&html, "tr", NULL);
	gg_html_close_to(&html, depth);
	gg_html_text(&html, "x");
	gg_html_close_to(&html, 0);
	expect(&html, "<section><table><tr></tr></table>x</section>");
}

static void test_depth(void **state)
{
	(void)state;
	struct gg_html html = { 0 };
	for (unsigned int i = 0; i <= GG_HTML_DEPTH; i++)
		gg_html_open(&html, "b", NULL);
	assert_error(gg_buffer_check(&html.out), GG_NO_MEMORY, "");
	gg_html_deinit(&html);
}

static void test_redact(void **state)
{
	struct gg_redact redact = { 0 };
	(void)state;
	assert_success(gg_redact_add_host(&redact, "db01"));
	struct gg_html html = { .redact = &redact };
	gg_html_element(&html, "td", NULL, "<db01> 10.0.0.1");
	expect(&html, "<td>&lt;[host]&gt; [IPv4]</td>");
	gg_redact_deinit(&redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("elements nest, and have the attributes that have a value",
			  test_elements),
		UNIT_TEST("no text and no attribute ends early, whatever bytes it has",
			  test_escapes),
		UNIT_TEST("all elements inside of an element can be closed at once", test_close),
		UNIT_TEST("elements that nest too deeply are an error", test_depth),
		UNIT_TEST("texts are redacted before they are escaped", test_redact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
