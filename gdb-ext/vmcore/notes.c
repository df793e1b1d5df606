// SPDX-License-Identifier: GPL-3.0-or-later
#include "notes.h"
#include "../cleanup.h"

#include <inttypes.h>
#include <stdio.h>

static struct gg_error *append_notes(const struct gg_host *host, const struct gg_arch *arch,
				     const struct gg_qemu_cpus *cpus, struct gg_buffer *notes)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < cpus->count; i++)
		err = arch->write_prstatus(host, &cpus->cpus[i], notes);
	for (size_t i = 0; !err && i < cpus->count; i++)
		err = arch->write_qemu_note(host, &cpus->cpus[i], notes);
	return err;
}

// "CPU 0, 2" of those of FRESHNESS, or NULL if there is none; the caller frees it.
static char *list_cpus(const struct gg_qemu_cpus *cpus, enum gg_freshness freshness)
{
	enum { MAX_LISTED = 16 };
	char *text = NULL;
	size_t size, count = 0;
	FILE *stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	for (size_t i = 0; i < cpus->count; i++) {
		if (cpus->cpus[i].freshness != freshness || count++ > MAX_LISTED)
			continue;
		if (count > MAX_LISTED)
			fprintf(stream, ", ...");
		else
			fprintf(stream, "%s%" PRIu32, count == 1 ? "CPU " : ", ",
				cpus->cpus[i].index);
	}
	fclose(stream);
	if (!count) {
		free(text);
		return NULL;
	}
	return text;
}

static struct gg_error *tell(const struct gg_qemu_cpus *cpus, enum gg_freshness freshness,
			     const char *what, gg_notice_fn *notice, void *data)
{
	_cleanup_free_ char *list = list_cpus(cpus, freshness);
	_cleanup_free_ char *text = NULL;
	if (!list || !notice)
		return NULL;
	if (asprintf(&text, "%s: %s", list, what) < 0) {
		text = NULL;
		return gg_enomem;
	}
	return notice(data, text);
}

static struct gg_error *tell_freshness(const struct gg_qemu_cpus *cpus, gg_notice_fn *notice,
				       void *data)
{
	struct gg_error *err =
		tell(cpus, GG_STALE,
		     "the registers are stale: KVM has run the CPU since QEMU last had them",
		     notice, data);
	return err ? err
		   : tell(cpus, GG_UNKNOWN,
			  "whether the registers are current is not known: QEMU was executing, or "
			  "does not tell",
			  notice, data);
}

struct gg_error *gg_vmcore_cpu_notes(struct gg_guest *guest, const struct gg_arch *arch,
				     gg_notice_fn *notice, void *data, struct gg_buffer *notes)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = append_notes(guest->host, arch, cpus, notes);
	if (!err)
		return tell_freshness(cpus, notice, data);
	if (gg_error_kind(err) == GG_INTERRUPTED || gg_error_kind(err) == GG_NO_MEMORY)
		return err;

	// The memory is worth having without them.
	notes->size = 0;
	_cleanup_free_ char *text = NULL;
	int length =
		asprintf(&text, "the vmcore has no notes of the CPUs: %s", gg_error_message(err));
	gg_error_destroy(err);
	if (length < 0) {
		text = NULL;
		return gg_enomem;
	}
	return notice ? notice(data, text) : NULL;
}
