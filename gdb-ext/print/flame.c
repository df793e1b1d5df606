// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  folded stacks.
// Out: an SVG without scripts and without anything beside it; a frame's title has its name and its share.
// Trusts nothing it reads: frames below the deepest row are cut off, and every name is escaped.
#include "flame.h"
#include "base/html.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIDTH = 1200, // of the picture, in its own units
	MARGIN = 10,
	ROW = 18, // height of a row of frames
	TOP = 50, // height of what is above the rows
	LEGEND = 34,
	CHARACTER = 7, // width of a character, at most
	PADDING = 3,
	DEPTH = 320, // rows at most: a stack has 256 frames of the kernel at most
};

static const char style[] =
	":root{color-scheme:light dark;--back:#fff;--text:#1b1b1b;--faint:#5b5b5b;--task:#d9d9d4;"
	"--kernel:#f3b06b;--module:#8fb8de;--user:#a9cf8d}\n"
	"@media(prefers-color-scheme:dark){:root{--back:#16181b;--text:#e4e4e1;--faint:#a5a5a0;"
	"--task:#43464b;--kernel:#8a5420;--module:#3b668f;--user:#4a6b33}}\n"
	"text{fill:var(--text);font:11px ui-monospace,Menlo,Consolas,monospace}\n"
	"text.title{font:600 16px system-ui,sans-serif}text.faint{fill:var(--faint)}\n"
	".back{fill:var(--back)}.task{fill:var(--task)}.kernel{fill:var(--kernel)}"
	".module{fill:var(--module)}.user{fill:var(--user)}\n"
	"g rect{stroke:var(--back);stroke-width:.6}g:hover rect{stroke:var(--text)}\n";

// A stack: its frames, with the outermost first.
struct stack {
	const char *text;
	size_t size;
	uint64_t count;
};

// A frame that is open: the stacks so far have the same name there.
struct frame {
	const char *name;
	size_t size;
	uint64_t start; // in samples from the left
};

struct flame {
	struct stack *stacks;
	size_t count;
	uint64_t samples;
	size_t rows;
	struct gg_html html;
	struct frame open[DEPTH];
	size_t depth;
};

// ---- Stacks ----

// Compares texts in such an order that stacks with the same outer frames stand together.
static int compare(const void *a, const void *b)
{
	const struct stack *left = a, *right = b;
	const size_t size = left->size < right->size ? left->size : right->size;
	for (size_t i = 0; i < size; i++) {
		const unsigned char one = (unsigned char)left->text[i];
		const unsigned char other = (unsigned char)right->text[i];
		if (one != other)
			return one == ';' ? -1 : other == ';' ? 1 : one < other ? -1 : 1;
	}
	return (left->size > right->size) - (left->size < right->size);
}

// Takes the next frame off the stack's text.
static bool next_frame(struct stack *stack, struct frame *ret)
{
	if (!stack->size)
		return false;
	const char *end = memchr(stack->text, ';', stack->size);
	ret->name = stack->text;
	ret->size = end ? (size_t)(end - stack->text) : stack->size;
	const size_t taken = ret->size + (end ? 1 : 0);
	stack->text += taken;
	stack->size -= taken;
	return true;
}

// Parses the line of SIZE bytes at TEXT: the number stands behind the last space.
static struct gg_error *parse(const char *text, size_t size, struct stack *ret)
{
	const char *space = memrchr(text, ' ', size);
	char digits[24] = { 0 };
	const size_t length = space ? size - (size_t)(space - text) - 1 : 0;
	if (space && length && length < sizeof(digits))
		memcpy(digits, space + 1, length);
	if (!length || strspn(digits, "0123456789") != length || space == text)
		return gg_error_create(GG_BAD_DATA, "\"%.*s\" is no folded stack",
				       (int)(size < 60 ? size : 60), text);
	*ret = (struct stack){ text, (size_t)(space - text), strtoull(digits, NULL, 10) };
	return NULL;
}

static struct gg_error *parse_all(struct flame *flame, const char *text, size_t size)
{
	struct gg_error *err = NULL;
	size_t lines = 1;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	flame->stacks = calloc(lines, sizeof(*flame->stacks));
	if (!flame->stacks)
		return gg_enomem;
	while (!err && size) {
		const char *end = memchr(text, '\n', size);
		const size_t length = end ? (size_t)(end - text) : size;
		struct stack *stack = &flame->stacks[flame->count];
		if (length)
			err = parse(text, length, stack);
		if (length && !err) {
			size_t rows = 1;
			struct stack rest = *stack;
			struct frame frame;
			while (next_frame(&rest, &frame))
				rows++;
			flame->rows = rows > flame->rows ? rows : flame->rows;
			flame->samples += stack->count;
			flame->count++;
		}
		text += length + (end ? 1 : 0);
		size -= length + (end ? 1 : 0);
	}
	flame->rows = flame->rows < DEPTH ? flame->rows : DEPTH;
	qsort(flame->stacks, flame->count, sizeof(*flame->stacks), compare);
	return err;
}

// ---- The picture ----

// Appends the SIZE bytes at TEXT and REST.
static void append_text(struct gg_html *html, const char *class, double x, double y,
			const char *text, size_t size, const char *rest)
{
	char left[32], base[32];
	snprintf(left, sizeof(left), "%.1f", x);
	snprintf(base, sizeof(base), "%.1f", y);
	gg_html_open(html, "text", "class", class, "x", left, "y", base, NULL);
	gg_html_bytes(html, text, size);
	gg_html_text(html, rest);
	gg_html_close(html);
}

static void append_rectangle(struct gg_html *html, const char *class, double x, double y,
			     double width, double height)
{
	char left[32], top[32], w[32], h[32];
	snprintf(left, sizeof(left), "%.2f", x);
	snprintf(top, sizeof(top), "%.0f", y);
	snprintf(w, sizeof(w), "%.2f", width);
	snprintf(h, sizeof(h), "%.0f", height);
	gg_html_empty(html, "rect", "class", class, "x", left, "y", top, "width", w, "height", h,
		      NULL);
}

static const char *class_of(const struct frame *frame, size_t depth)
{
	if (depth <= 1)
		return "task";
	if (frame->size && *frame->name == '(')
		return "user";
	return frame->size && frame->name[frame->size - 1] == ']' ? "module" : "kernel";
}

// Appends the frame at DEPTH, up to END samples from the left.
static void append_frame(struct flame *flame, size_t depth, uint64_t end)
{
	static const double LEAST = 0.3, PERCENT = 100;
	const struct frame *frame = &flame->open[depth];
	const double unit = (double)(WIDTH - 2 * MARGIN) / (double)flame->samples;
	const double x = MARGIN + unit * (double)frame->start;
	const double width = unit * (double)(end - frame->start);
	const double y = TOP + (double)(flame->rows - 1 - depth) * ROW;
	if (width < LEAST)
		return;
	struct gg_html *html = &flame->html;
	gg_html_open(html, "g", NULL);
	gg_html_open(html, "title", NULL);
	gg_html_bytes(html, frame->name, frame->size);
	gg_html_format(html, "\n%" PRIu64 " sample%s, %.2f %%", end - frame->start,
		       end - frame->start == 1 ? "" : "s",
		       PERCENT * (double)(end - frame->start) / (double)flame->samples);
	gg_html_close(html);
	append_rectangle(html, class_of(frame, depth), x, y, width, ROW);
	const size_t room = width > 2 * PADDING ? (size_t)((width - 2 * PADDING) / CHARACTER) : 0;
	if (room >= frame->size)
		append_text(html, NULL, x + PADDING, y + ROW - 5, frame->name, frame->size, "");
	else if (room > 4)
		append_text(html, NULL, x + PADDING, y + ROW - 5, frame->name, room - 2, "..");
	gg_html_close(html);
	gg_html_markup(html, "\n");
}

// Ends the open frames down to DEPTH.
static void end_frames(struct flame *flame, size_t depth, uint64_t end)
{
	while (flame->depth > depth)
		append_frame(flame, --flame->depth, end);
}

static bool same(const struct frame *one, const struct frame *other)
{
	return one->size == other->size && !memcmp(one->name, other->name, one->size);
}

static void append_stacks(struct flame *flame)
{
	uint64_t position = 0;
	flame->open[0] = (struct frame){ "all", strlen("all"), 0 };
	flame->depth = 1;
	for (size_t i = 0; i < flame->count; i++) {
		struct stack rest = flame->stacks[i];
		struct frame frame = { .start = position };
		for (size_t depth = 1; depth < DEPTH && next_frame(&rest, &frame); depth++) {
			if (depth < flame->depth && same(&flame->open[depth], &frame))
				continue;
			end_frames(flame, depth, position);
			flame->open[flame->depth++] = frame;
		}
		position += flame->stacks[i].count;
	}
	end_frames(flame, 0, position);
}

static void append_legend(struct gg_html *html, double y)
{
	enum { BOX = 11, GAP = 20 };
	static const char *const kinds[][2] = { { "task", "a task" },
						{ "kernel", "the kernel's function" },
						{ "module", "a module's function" },
						{ "user", "a program" } };
	double x = MARGIN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const size_t length = strlen(kinds[i][1]);
		append_rectangle(html, kinds[i][0], x, y, BOX, BOX);
		append_text(html, "faint", x + BOX + PADDING, y + BOX - 1, kinds[i][1], length, "");
		x += BOX + PADDING + (double)length * CHARACTER + GAP;
	}
}

static void append_picture(struct flame *flame, const char *title)
{
	struct gg_html *html = &flame->html;
	const size_t height = TOP + flame->rows * ROW + LEGEND;
	char box[64];
	snprintf(box, sizeof(box), "0 0 %d %zu", WIDTH, height);
	gg_html_markup(html, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	gg_html_open(html, "svg", "xmlns", "http://www.w3.org/2000/svg", "viewBox", box,
		     "preserveAspectRatio", "xMidYMin meet", NULL);
	gg_html_element(html, "title", NULL, title);
	gg_html_open(html, "style", NULL);
	gg_html_markup(html, style);
	gg_html_close(html);
	append_rectangle(html, "back", 0, 0, WIDTH, (double)height);
	append_text(html, "title", MARGIN, 22, title, strlen(title), "");
	static const char hint[] =
		"Width: share of the samples.  Callers are below.  The name and the "
		"share of a frame show where the pointer rests.";
	append_text(html, "faint", MARGIN, 40, hint, strlen(hint), "");
	gg_html_markup(html, "\n");
	if (flame->samples)
		append_stacks(flame);
	append_legend(html, (double)(TOP + flame->rows * ROW + LEGEND / 3));
	gg_html_close_to(html, 0);
	gg_html_markup(html, "\n");
}

struct gg_error *gg_flame_append(const char *folded, size_t size, const char *title,
				 struct gg_buffer *out)
{
	struct flame *flame = calloc(1, sizeof(*flame));
	if (!flame)
		return gg_enomem;
	flame->rows = 1;
	struct gg_error *err = parse_all(flame, folded, size);
	if (!err)
		append_picture(flame, title);
	if (!err)
		err = gg_buffer_check(&flame->html.out);
	if (!err)
		gg_buffer_append(out, flame->html.out.bytes, flame->html.out.size);
	gg_html_deinit(&flame->html);
	free(flame->stacks);
	free(flame);
	return err;
}
