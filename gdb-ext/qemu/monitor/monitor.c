// SPDX-License-Identifier: GPL-3.0-or-later
#include "monitor.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const commands[GG_MONITOR_TEXTS] = {
	[GG_MONITOR_MEMORY_MAP] = "info mtree -f",
	[GG_MONITOR_MEMORY_DEVICES] = "info memory-devices",
	[GG_MONITOR_REGISTERS] = "info registers -a",
	[GG_MONITOR_VERSION] = "info version",
	[GG_MONITOR_MACHINE] = "qom-get /machine type",
	[GG_MONITOR_STATUS] = "info status",
	[GG_MONITOR_KVM] = "info kvm",
	[GG_MONITOR_JIT] = "info jit",
};

const char *gg_monitor_command(enum gg_monitor_text text)
{
	return text < GG_MONITOR_TEXTS ? commands[text] : NULL;
}

struct gg_error *gg_monitor_create(const char *const texts[GG_MONITOR_TEXTS],
				   struct gg_monitor **ret)
{
	struct gg_monitor *monitor = calloc(1, sizeof(*monitor));
	for (size_t i = 0; monitor && i < GG_MONITOR_TEXTS; i++) {
		if ((monitor->texts[i] = strdup(texts[i])))
			continue;
		gg_monitor_destroy(monitor);
		monitor = NULL;
	}
	*ret = monitor;
	return monitor ? NULL : gg_enomem;
}

void gg_monitor_destroy(struct gg_monitor *monitor)
{
	for (size_t i = 0; monitor && i < GG_MONITOR_TEXTS; i++)
		free(monitor->texts[i]);
	free(monitor);
}

enum gg_accelerator gg_monitor_accelerator(const struct gg_monitor *monitor)
{
	if (strstr(monitor->texts[GG_MONITOR_KVM], "support: enabled"))
		return GG_ACCELERATOR_KVM;
	return strstr(monitor->texts[GG_MONITOR_JIT], "Translation buffer state")
		       ? GG_ACCELERATOR_TCG
		       : GG_ACCELERATOR_UNKNOWN;
}

// Copies the text between PREFIX, which it must start with, and any of the characters of END.
static struct gg_error *piece(const struct gg_monitor *monitor, enum gg_monitor_text which,
			      const char *prefix, const char *end, char **ret)
{
	const char *text = monitor->texts[which];
	const size_t skipped = strlen(prefix);
	const size_t length = strncmp(text, prefix, skipped) ? 0 : strcspn(text + skipped, end);
	if (!length)
		return gg_error_create(GG_NOT_FOUND, "QEMU's monitor does not answer \"%s\"",
				       commands[which]);
	_cleanup_free_ char *copy = strndup(text + skipped, length);
	*ret = copy ? gg_text_escape(copy) : NULL;
	return *ret ? NULL : gg_enomem;
}

// Splits "7.2.22Debian 1:7.2+dfsg-7+deb12u18" into a number and the packager's text.
struct gg_error *gg_monitor_version(const struct gg_monitor *monitor, char **ret)
{
	_cleanup_free_ char *whole = NULL;
	struct gg_error *err = piece(monitor, GG_MONITOR_VERSION, "", "\r\n", &whole);
	if (err)
		return err;
	const size_t digits = strspn(whole, "0123456789.");
	if (!digits)
		return gg_error_create(GG_BAD_DATA, "\"%s\" is not a version of QEMU's", whole);
	if (!whole[digits])
		*ret = no_cleanup_ptr(whole);
	else if (asprintf(ret, "%.*s (%s)", (int)digits, whole,
			  whole + digits + strspn(whole + digits, " ")) < 0)
		return gg_enomem;
	return NULL;
}

struct gg_error *gg_monitor_machine(const struct gg_monitor *monitor, char **ret)
{
	static const char suffix[] = "-machine";
	struct gg_error *err = piece(monitor, GG_MONITOR_MACHINE, "\"", "\"\r\n", ret);
	if (err)
		return err;
	const size_t length = strlen(*ret);
	if (length > strlen(suffix) && !strcmp(*ret + length - strlen(suffix), suffix))
		(*ret)[length - strlen(suffix)] = 0;
	return NULL;
}

// Reads "VM status: paused (debug)": a RunState of another name is in parentheses.
struct gg_error *gg_monitor_run_state(const struct gg_monitor *monitor, char **ret)
{
	_cleanup_free_ char *state = NULL;
	struct gg_error *err = piece(monitor, GG_MONITOR_STATUS, "VM status: ", "\r\n", &state);
	if (err)
		return err;
	char *inner = strrchr(state, '(');
	char *end = inner ? strchr(inner, ')') : NULL;
	*ret = end && !end[1] ? strndup(inner + 1, (size_t)(end - inner - 1)) : strdup(state);
	return *ret ? NULL : gg_enomem;
}

// ---- A dump of QEMU's ----

// Writes the command with PATH quoted as QEMU's monitor/hmp.c, get_str, reads it.
struct gg_error *gg_monitor_dump_command(const char *path, char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	if (!out)
		return gg_enomem;
	fputs("dump-guest-memory -d \"", out);
	for (; *path; path++) {
		if (*path == '\n')
			fputs("\\n", out);
		else if (*path == '"' || *path == '\\')
			fprintf(out, "\\%c", *path);
		else
			putc(*path, out);
	}
	putc('"', out);
	return fclose(out) ? gg_enomem : NULL;
}

const char gg_monitor_dump_query[] = "info dump";

// Reads "Status: active", then "Finished: 12.34 %" (QEMU dump/dump-hmp-cmds.c; before v6.2
// monitor/hmp-cmds.c).
struct gg_error *gg_monitor_dump_progress(const char *text, double *done, bool *ended)
{
	static const char status[] = "Status: ", finished[] = "Finished: ";
	const char *state = strstr(text, status), *percent = strstr(text, finished);
	*ended = false;
	*done = percent ? strtod(percent + strlen(finished), NULL) / 100 : 0;
	if (!(*done >= 0 && *done <= 1))
		*done = 0;
	if (state && !strncmp(state + strlen(status), "active", 6))
		return NULL;
	*ended = state && !strncmp(state + strlen(status), "completed", 9);
	if (*ended)
		return NULL;
	_cleanup_free_ char *shown = gg_text_escape(text);
	if (state && !strncmp(state + strlen(status), "failed", 6))
		return gg_error_create(GG_SYSTEM,
				       "QEMU could not write all of it: is its disk full?");
	return gg_error_create(GG_BAD_DATA,
			       "QEMU's monitor answers without the state of a dump: \"%s\"",
			       shown ? shown : "");
}
