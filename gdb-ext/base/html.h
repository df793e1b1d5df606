// SPDX-License-Identifier: GPL-3.0-or-later
//
// HTML (WHATWG's standard) that is well-formed XML too, appended to a buffer:
//
//     gg_html_open(&html, "td", "class", "number", NULL);
//     gg_html_text(&html, "a < b");
//     gg_html_close(&html);
//
// appends <td class="number">a &lt; b</td>. Every text and every attribute's value is escaped; a byte that
// is no printable character is \xHH. Only gg_html_markup() appends markup, this program's own.
#ifndef GG_HTML_H
#define GG_HTML_H

#include "buffer.h"
#include "redact.h"

enum { GG_HTML_DEPTH = 16 };

struct gg_html {
	struct gg_buffer out;
	const char *open[GG_HTML_DEPTH]; // the open elements, the outermost first (borrowed)
	unsigned int depth;
	const struct gg_redact *redact; // of gg_html_text(); NULL: texts are complete
};

void gg_html_deinit(struct gg_html *html);

// Opens ELEMENT, which must outlive its end, with attributes: pairs of a name and a value up to a NULL.
// A pair without a value is left out.
void gg_html_open(struct gg_html *html, const char *element, ...) __attribute__((sentinel));

// Closes the innermost open element; the elements inside of the outermost DEPTH elements.
void gg_html_close(struct gg_html *html);
void gg_html_close_to(struct gg_html *html, unsigned int depth);

// Appends an element without content, such as <meta/>.
void gg_html_empty(struct gg_html *html, const char *element, ...) __attribute__((sentinel));

// Append text, redacted where HTML redacts.
void gg_html_text(struct gg_html *html, const char *text);
void gg_html_bytes(struct gg_html *html, const char *text, size_t size);
void gg_html_format(struct gg_html *html, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Appends an element that has only TEXT, with the attribute CLASS unless that is NULL.
void gg_html_element(struct gg_html *html, const char *element, const char *class,
		     const char *text);

// Appends MARKUP as it is: a constant of this program, never data.
void gg_html_markup(struct gg_html *html, const char *markup);

#endif
