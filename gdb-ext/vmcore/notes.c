// SPDX-License-Identifier: GPL-3.0-or-later
#include "notes.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>

// The facts about a CPU's notes that the user is told.
struct told {
	bool known;      // all that the notes tell a reader
	bool is_unknown; // nothing of the guest's own registers
	enum gg_nesting nesting;
	const char *firmware_mode; // as struct gg_cpu_ops has it
};

// Appends a CPU's notes: NT_PRSTATUS to NOTES, QEMU's to OWN.
static struct gg_error *append_cpu(struct gg_guest *guest, const struct gg_arch *arch,
				   const struct gg_qemu_cpu *cpu, struct gg_buffer *notes,
				   struct gg_buffer *own, struct told *told)
{
	struct gg_cpu_state state;
	struct gg_error *err = gg_guest_cpu_state(guest, cpu, &state);
	if (!err)
		err = arch->notes->write_prstatus(&state.own, cpu->index, notes);
	if (!err && arch->notes->write_qemu_note)
		err = arch->notes->write_qemu_note(&state.own, own);
	if (!err)
		*told = (struct told){ .known = arch->notes->known(&state.own),
				       .is_unknown = state.unknown[0],
				       .nesting = state.nesting,
				       .firmware_mode = gg_arch_firmware_mode(arch, &state.own) };
	return err;
}

// TOLD has an element for each CPU.
static struct gg_error *append_notes(struct gg_guest *guest, const struct gg_arch *arch,
				     const struct gg_qemu_cpus *cpus, struct gg_buffer *notes,
				     struct told *told)
{
	struct gg_buffer own = { .big_endian = notes->big_endian };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < cpus->count; i++) {
		err = gg_interrupt_check();
		if (!err)
			err = append_cpu(guest, arch, &cpus->cpus[i], notes, &own, &told[i]);
	}
	if (!err)
		gg_buffer_append(notes, own.bytes, own.size);
	gg_buffer_deinit(&own);
	return err ? err : gg_buffer_check(notes);
}

// Makes "CPU 0, 2" of the LISTED CPUs, which the caller frees; NULL without a CPU.
static char *list_cpus(const struct gg_qemu_cpus *cpus, const bool *listed)
{
	enum { MAX_LISTED = 16 };
	char *text = NULL;
	size_t size, count = 0;
	FILE *stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	for (size_t i = 0; i < cpus->count; i++) {
		if (!listed[i] || count++ > MAX_LISTED)
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

static struct gg_error *tell(const struct gg_qemu_cpus *cpus, const bool *listed, const char *what,
			     const struct gg_notices *notices)
{
	_cleanup_free_ char *list = list_cpus(cpus, listed);
	if (!list)
		return NULL;
	return gg_tell(notices, "%s: %s", list, what);
}

// LISTED is room for an element for each CPU.
static struct gg_error *tell_freshness(const struct gg_qemu_cpus *cpus, bool *listed,
				       const struct gg_notices *notices)
{
	static const struct {
		enum gg_freshness freshness;
		const char *what;
	} kinds[] = {
		{ GG_STALE,
		  "the registers are stale: KVM has run the CPU since QEMU last had them" },
		{ GG_UNKNOWN, "whether the registers are current is not known: QEMU was executing, "
			      "or does not record it" },
	};
	struct gg_error *err = NULL;
	for (size_t kind = 0; !err && kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		for (size_t i = 0; i < cpus->count; i++)
			listed[i] = cpus->cpus[i].freshness == kinds[kind].freshness;
		err = tell(cpus, listed, kinds[kind].what, notices);
	}
	return err;
}

// Tells the state of CPUs in a nested guest.
static struct gg_error *tell_nesting(const struct gg_qemu_cpus *cpus, const struct told *told,
				     bool *listed, const struct gg_notices *notices)
{
	for (size_t i = 0; i < cpus->count; i++)
		listed[i] = told[i].nesting == GG_NESTED && !told[i].is_unknown;
	struct gg_error *err =
		tell(cpus, listed,
		     "executes a nested guest: the vmcore has the guest's own registers, as far as "
		     "the CPU saved them, and 0 for the others; QEMU's own dump would have the "
		     "nested guest's",
		     notices);
	for (size_t i = 0; i < cpus->count; i++)
		listed[i] = told[i].is_unknown;
	if (!err)
		err = tell(cpus, listed,
			   "executes a nested guest, and the guest's own registers are not known: "
			   "all are 0 in the vmcore",
			   notices);
	for (size_t i = 0; i < cpus->count; i++)
		listed[i] = told[i].nesting == GG_MAYBE_NESTED;
	return err ? err
		   : tell(cpus, listed,
			  "may execute a nested guest, which QEMU's monitor does not show: the "
			  "registers in the vmcore may be the nested guest's",
			  notices);
}

static struct gg_error *tell_firmware(const struct gg_qemu_cpus *cpus, const struct told *told,
				      bool *listed, const struct gg_notices *notices)
{
	const char *mode = NULL;
	for (size_t i = 0; i < cpus->count; i++) {
		listed[i] = told[i].firmware_mode;
		mode = listed[i] ? told[i].firmware_mode : mode;
	}
	_cleanup_free_ char *text = NULL;
	if (!mode)
		return NULL;
	if (asprintf(&text,
		     "is in %s: the vmcore has the firmware's registers, as QEMU's own dump, not "
		     "those of the kernel that it interrupted",
		     mode) < 0) {
		text = NULL;
		return gg_enomem;
	}
	return tell(cpus, listed, text, notices);
}

static struct gg_error *tell_unknown(const struct gg_qemu_cpus *cpus, const struct told *told,
				     bool *listed, const struct gg_notices *notices)
{
	for (size_t i = 0; i < cpus->count; i++)
		listed[i] = !told[i].known && told[i].nesting != GG_NESTED;
	return tell(cpus, listed, "unknown registers are 0 in the vmcore", notices);
}

// Notes and notices of all CPUs.
static struct gg_error *write_cpus(struct gg_guest *guest, const struct gg_arch *arch,
				   const struct gg_qemu_cpus *cpus,
				   const struct gg_notices *notices, struct gg_buffer *notes,
				   bool *written)
{
	_cleanup_free_ struct told *told = calloc(cpus->count, sizeof(*told));
	_cleanup_free_ bool *listed = calloc(cpus->count, sizeof(*listed));
	if (!told || !listed)
		return gg_enomem;
	struct gg_error *err = append_notes(guest, arch, cpus, notes, told);
	*written = !err;
	if (!err)
		err = tell_nesting(cpus, told, listed, notices);
	if (!err)
		err = tell_firmware(cpus, told, listed, notices);
	if (!err)
		err = tell_unknown(cpus, told, listed, notices);
	return err ? err : tell_freshness(cpus, listed, notices);
}

// The notes that the source has are copied: what they do not have is not known.
static struct gg_error *copy_or_write(struct gg_guest *guest, const struct gg_arch *arch,
				      const struct gg_notices *notices, struct gg_buffer *notes,
				      bool *written)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_source *source = guest->machine.source;
	if (source->ops->copy_notes)
		return source->ops->copy_notes(source, notes);
	struct gg_error *err =
		arch->notes ? gg_guest_qemu_cpus(guest, &cpus) : gg_arch_not_yet(arch, "notes");
	return err ? err : write_cpus(guest, arch, cpus, notices, notes, written);
}

struct gg_error *gg_vmcore_cpu_notes(struct gg_guest *guest, const struct gg_arch *arch,
				     const struct gg_notices *notices, struct gg_buffer *notes)
{
	bool written = false; // the notes: what fails is to tell of them
	struct gg_error *err = copy_or_write(guest, arch, notices, notes, &written);
	if (!err || written)
		return err;
	if (gg_error_is_final(err))
		return err;

	// The memory is worth having without them.
	notes->size = 0;
	struct gg_error *told =
		gg_tell(notices, "the vmcore has no notes of the CPUs: %s", gg_error_message(err));
	gg_error_destroy(err);
	return told;
}
