// SPDX-License-Identifier: GPL-3.0-or-later
#include "html.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void gg_html_deinit(struct gg_html *html)
{
	gg_buffer_deinit(&html->out);
	html->depth = 0;
}

// ---- Text ----

// Appends a character that can be shown. A reference stands for a character that is markup, in an
// element or in an attribute's value.
static void append_character(struct gg_buffer *out, uint32_t character, const char *bytes,
			     size_t size)
{
	const char *reference = character == '&'    ? "&amp;"
				: character == '<'  ? "&lt;"
				: character == '>'  ? "&gt;"
				: character == '"'  ? "&quot;"
				: character == '\'' ? "&#39;"
						    : NULL;
	if (reference)
		gg_buffer_append(out, reference, strlen(reference));
	else
		gg_buffer_append(out, bytes, size);
}

static void append_escaped(struct gg_buffer *out, const char *bytes, size_t size)
{
	while (size) {
		uint32_t character = 0;
		const size_t length = gg_utf8_decode(bytes, size, &character);
		const size_t taken = length ? length : 1;
		if (length &&
		    (character == '\n' || character == '\t' || gg_is_printable(character)))
			append_character(out, character, bytes, length);
		else
			for (size_t i = 0; i < taken; i++)
				gg_buffer_format(out, "\\x%02x", (uint8_t)bytes[i]);
		bytes += taken;
		size -= taken;
	}
}

void gg_html_bytes(struct gg_html *html, const char *text, size_t size)
{
	struct gg_buffer redacted = { 0 };
	if (!html->redact) {
		append_escaped(&html->out, text, size);
		return;
	}
	gg_redact_append(html->redact, &redacted, text, size);
	html->out.failed |= redacted.failed;
	append_escaped(&html->out, (const char *)redacted.bytes, redacted.size);
	gg_buffer_deinit(&redacted);
}

void gg_html_text(struct gg_html *html, const char *text)
{
	gg_html_bytes(html, text, strlen(text));
}

void gg_html_format(struct gg_html *html, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = gg_text_format(format, arguments);
	va_end(arguments);
	if (text)
		gg_html_text(html, text);
	else
		html->out.failed = true;
	free(text);
}

void gg_html_markup(struct gg_html *html, const char *markup)
{
	gg_buffer_append(&html->out, markup, strlen(markup));
}

// ---- Elements ----

static void append_tag(struct gg_html *html, const char *element, va_list attributes)
{
	gg_buffer_format(&html->out, "<%s", element);
	for (const char *name; (name = va_arg(attributes, const char *));) {
		const char *value = va_arg(attributes, const char *);
		if (!value)
			continue;
		gg_buffer_format(&html->out, " %s=\"", name);
		append_escaped(&html->out, value, strlen(value));
		gg_buffer_append(&html->out, "\"", 1);
	}
}

void gg_html_open(struct gg_html *html, const char *element, ...)
{
	va_list attributes;
	if (html->depth == GG_HTML_DEPTH) {
		html->out.failed = true;
		return;
	}
	va_start(attributes, element);
	append_tag(html, element, attributes);
	va_end(attributes);
	gg_buffer_append(&html->out, ">", 1);
	html->open[html->depth++] = element;
}

void gg_html_close(struct gg_html *html)
{
	if (html->depth)
		gg_buffer_format(&html->out, "</%s>", html->open[--html->depth]);
}

void gg_html_close_to(struct gg_html *html, unsigned int depth)
{
	while (html->depth > depth)
		gg_html_close(html);
}

void gg_html_empty(struct gg_html *html, const char *element, ...)
{
	va_list attributes;
	va_start(attributes, element);
	append_tag(html, element, attributes);
	va_end(attributes);
	gg_buffer_append(&html->out, "/>", 2);
}

void gg_html_element(struct gg_html *html, const char *element, const char *class, const char *text)
{
	gg_html_open(html, element, "class", class, NULL);
	gg_html_text(html, text);
	gg_html_close(html);
}
