// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a text as QEMU's monitor/hmp-cmds-target.c (hmp_info_registers, v5.2 to v11.1) prints it:
//
//          CPU#0
//          RAX=0000000000000000 RBX=...
//
//          CPU#1
//          RAX=...
//
//      Without -a it is one CPU's, and in v5.2 no line names the CPU.
// Out: the CPUs, a piece of the text each.
// Trusts nothing it reads: QEMU may be damaged, and a text that comes over a wire too.
#include "cpus.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

// No architecture prints as much for a CPU.
enum { MAX_CPU_TEXT = 64 << 10 };

// Copies TEXT so that every line ends with \n alone, and all else is printable.
static struct gg_error *clean(const char *text, size_t size, char **ret)
{
	if (size > (size_t)MAX_CPU_TEXT * GG_QEMU_MAX_CPUS)
		return gg_error_create(GG_BAD_DATA, "it has %zu bytes, more than %zu", size,
				       (size_t)MAX_CPU_TEXT * GG_QEMU_MAX_CPUS);
	char *copy = malloc(size + 2);
	if (!copy)
		return gg_enomem;
	size_t length = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'))
			copy[length++] = text[i];
		else if (text[i] != '\r')
			copy[length++] = '?';
	}
	if (length && copy[length - 1] != '\n')
		copy[length++] = '\n';
	copy[length] = 0;
	*ret = copy;
	return NULL;
}

static bool is_blank(const char *line)
{
	return line[strspn(line, " ")] == '\n';
}

// Tests for "CPU#N" and nothing else; an N that is too large is the largest.
static bool is_header(const char *line, uint32_t *index)
{
	static const char start[] = "CPU#";
	if (strncmp(line, start, strlen(start)) || !isdigit((unsigned char)line[strlen(start)]))
		return false;
	char *end;
	const unsigned long number = strtoul(line + strlen(start), &end, 10);
	*index = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	return is_blank(end);
}

// The CPU whose lines are being read.
struct section {
	char *start, *end; // END is behind the last line with text; both NULL before the first
	uint32_t index;
	bool named; // a header has INDEX
};

static struct gg_error *add_section(struct gg_qemu_cpus *cpus, const struct section *section)
{
	const struct gg_qemu_cpu cpu = {
		.text = section->start,
		.index = section->index,
		.accelerator = cpus->accelerator,
		.freshness = GG_CURRENT,
		.why = "",
	};
	const size_t size = (size_t)(section->end - section->start);
	if (size > MAX_CPU_TEXT)
		return gg_error_create(GG_BAD_DATA,
				       "CPU %" PRIu32 " has %zu bytes of text, more than %d",
				       section->index, size, MAX_CPU_TEXT);
	// The line that is cut here is blank, or a header that has been read, or there is none.
	*section->end = 0;
	struct gg_error *err = gg_interrupt_check();
	return err ? err : gg_qemu_cpus_add(cpus, &cpu);
}

static struct gg_error *no_cpus(const char *text)
{
	enum { MAX_SHOWN = 60 };
	const char *line = text + strspn(text, " \n");
	const int length = (int)strcspn(line, "\n");
	return gg_error_create(GG_BAD_DATA, "it shows no CPU, but \"%.*s%s\"",
			       length < MAX_SHOWN ? length : MAX_SHOWN, line,
			       length > MAX_SHOWN ? "..." : "");
}

// Cuts TEXT, which is clean, into pieces.
static struct gg_error *split(char *text, struct gg_qemu_cpus *cpus)
{
	struct section section = { 0 };
	struct gg_error *err = NULL;
	char *next;
	for (char *line = text; !err && *line; line = next) {
		uint32_t index;
		next = strchr(line, '\n') + 1;
		if (is_header(line, &index)) {
			if (section.named)
				err = add_section(cpus, &section);
			section = (struct section){ next, next, index, true };
		} else if (!is_blank(line)) {
			if (!section.start)
				section.start = line;
			section.end = next;
		}
	}
	if (err)
		return err;
	// A section without a header can be any text.
	if (!section.start || (!section.named && !strchr(section.start, '=')))
		return no_cpus(text);
	return add_section(cpus, &section);
}

struct gg_error *gg_qemu_monitor_cpus(const char *text, size_t size,
				      enum gg_accelerator accelerator, struct gg_qemu_cpus *ret)
{
	*ret = (struct gg_qemu_cpus){ .accelerator = accelerator };
	struct gg_error *err = clean(text, size, &ret->text);
	if (!err)
		err = split(ret->text, ret);
	if (err) {
		gg_qemu_cpus_deinit(ret);
		return gg_error_context(err, "the text of QEMU's \"info registers\"");
	}
	return NULL;
}
