// SPDX-License-Identifier: GPL-3.0-or-later
//
// Registers out of a vmcore's notes, against what QEMU's monitor printed of the same stop.
#include "unit.h"

#include "arch/x86/x86.h"
#include "captures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 20, QEMU_SIZE = X86_NOTE_SIZE };

static size_t prstatus_size(void)
{
	return arch_of_text()->notes->prstatus_size;
}

// The notes of CPU INDEX of the capture.
static struct gg_cpu_notes notes_of(size_t index)
{
	const size_t prstatus = HEADER + prstatus_size(), qemu = HEADER + QEMU_SIZE;
	return (struct gg_cpu_notes){
		.prstatus = truth + index * prstatus + HEADER,
		.prstatus_size = prstatus_size(),
		.qemu = truth + cpus.count * prstatus + index * qemu + HEADER,
		.qemu_size = QEMU_SIZE,
	};
}

static void check_known(const struct gg_registers *noted)
{
	static const enum x86_register control[] = { X86_CR0, X86_CR0 + 2, X86_CR0 + 3, X86_CR4 };
	static const enum x86_register lacked[] = { X86_EFER,   X86_DR0,  X86_CR8, X86_ZMM0,
						    X86_HALTED, X86_STAR, X86_FCW };
	for (unsigned int id = X86_RAX; id <= X86_IDT + X86_LIMIT; id++)
		if (id != X86_RFLAGS)
			assert_true(gg_register_known(noted, id));
	for (size_t i = 0; i < sizeof(control) / sizeof(*control); i++)
		assert_true(gg_register_known(noted, control[i]));
	for (size_t i = 0; i < sizeof(lacked) / sizeof(*lacked); i++)
		assert_false(gg_register_has_known(noted, lacked[i]));
}

// The bits that both know are the same.
static void check_equal(const struct gg_registers *noted)
{
	for (unsigned int id = 0; id < X86_VM_HSAVE; id++) {
		const uint64_t unknown_bits =
			gg_register_unknown(noted, id) | gg_register_unknown(&registers, id);
		if (id != X86_RAW_EFLAGS && gg_register_size(noted, id) <= 8)
			assert_int_equal(gg_register(noted, id) & ~unknown_bits,
					 gg_register(&registers, id) & ~unknown_bits);
	}
}

static void check_written(const struct gg_arch *arch, const struct gg_registers *noted,
			  const struct gg_cpu_notes *notes, uint32_t index)
{
	struct gg_buffer first = { 0 }, second = { 0 };
	assert_success(arch->notes->write_prstatus(noted, index, &first));
	assert_success(arch->notes->write_qemu_note(noted, &second));
	assert_memory_equal(first.bytes + HEADER, notes->prstatus, notes->prstatus_size);
	assert_memory_equal(second.bytes + HEADER, notes->qemu, notes->qemu_size);
	assert_int_equal(arch->notes->prstatus_pid(notes), index + 1);
	gg_buffer_deinit(&first);
	gg_buffer_deinit(&second);
}

static void test_capture(void **state)
{
	load(*state);
	parse(GG_ACCELERATOR_TCG);
	const struct gg_arch *arch = arch_of_text();
	struct gg_registers *noted = malloc(sizeof(*noted));
	for (size_t i = 0; i < cpus.count; i++) {
		const struct gg_cpu_notes notes = notes_of(i);
		read_cpu(i, (unsigned int)i + 1);
		assert_success(arch->notes->read(&notes, noted));
		assert_int_equal(arch->notes->prstatus_pid(&notes), cpus.cpus[i].index + 1);
		check_known(noted);
		check_equal(noted);
		check_written(arch, noted, &notes, cpus.cpus[i].index);
		// The modes by which registers and page tables are read.
		const uint64_t modes =
			X86_HF_CPL | X86_HF_PE | X86_HF_LMA | X86_HF_CS64 | X86_HF_VM;
		assert_false(gg_register_unknown(noted, X86_HFLAGS) & modes);
	}
	free(noted);
}

// ---- Other notes ----

static struct gg_registers noted;

static void read_first(const struct gg_cpu_notes *notes)
{
	assert_success(arch_of_text()->notes->read(notes, &noted));
}

static void take_capture(const char *name)
{
	load(name);
	parse(GG_ACCELERATOR_TCG);
}

static void test_flags(void **state)
{
	(void)state;
	take_capture("7.2-linux-user");
	struct gg_cpu_notes notes = notes_of(0);
	read_first(&notes);
	assert_int_equal(gg_register_unknown(&noted, X86_RFLAGS), X86_CONDITION_CODES | X86_DF);
	notes.qemu = NULL;
	read_first(&notes);
	assert_int_equal(gg_register_unknown(&noted, X86_RFLAGS), 0);
}

static void test_kernel(void **state)
{
	(void)state;
	struct gg_cpu_summary summary;
	take_capture("7.2-linux-kernel");
	struct gg_cpu_notes notes = notes_of(0);
	notes.qemu = NULL;
	read_first(&notes);
	arch_of_text()->cpu->summarize(&noted, &summary);
	assert_int_equal(summary.bits, 64);
	assert_string_equal(summary.privilege, "kernel");
	assert_true(gg_register_known(&noted, X86_RIP));
	assert_true(gg_register_known(&noted, X86_GS + X86_BASE));
	assert_false(gg_register_has_known(&noted, X86_CR0 + 3));
	assert_false(gg_register_has_known(&noted, X86_KERNEL_GS_BASE));
	assert_false(gg_register_has_known(&noted, X86_CS + X86_BASE));
	take_capture("7.2-i386-pae");
	notes = notes_of(0);
	notes.qemu = NULL;
	read_first(&notes);
	arch_of_text()->cpu->summarize(&noted, &summary);
	assert_int_equal(summary.bits, 32);
	assert_false(gg_register(&noted, X86_HFLAGS) & X86_HF_LMA);
}

static void test_nothing(void **state)
{
	(void)state;
	take_capture("7.2-linux-kernel");
	const struct gg_cpu_notes notes = notes_of(0);
	memset((uint8_t *)notes.prstatus + 112, 0, 27 * 8);
	read_first(&notes);
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		assert_false(gg_register_has_known(&noted, id));
}

static void test_short(void **state)
{
	(void)state;
	take_capture("7.2-linux-kernel");
	for (size_t size = 0; size < QEMU_SIZE; size++) {
		struct gg_cpu_notes notes = notes_of(0);
		// Before QEMU 3.0 the note ended before the kernel's GS.
		const bool is_old = size == QEMU_SIZE - 8;
		notes.qemu_size = size;
		struct gg_error *err = arch_of_text()->notes->read(&notes, &noted);
		assert_true(is_old ? !err : err && gg_error_kind(err) == GG_BAD_DATA);
		gg_error_destroy(err);
		notes = notes_of(0);
		notes.prstatus_size = size * prstatus_size() / QEMU_SIZE * 9 / 10;
		err = arch_of_text()->notes->read(&notes, &noted);
		assert_true(err && gg_error_kind(err) == GG_BAD_DATA);
		gg_error_destroy(err);
		notes.prstatus_size = 8;
		assert_int_equal(arch_of_text()->notes->prstatus_pid(&notes), 0);
	}
}

static void test_version(void **state)
{
	(void)state;
	take_capture("7.2-linux-kernel");
	const struct gg_cpu_notes notes = notes_of(0);
	((uint8_t *)notes.qemu)[0] = 2;
	assert_error(arch_of_text()->notes->read(&notes, &noted), GG_BAD_DATA,
		     "QEMU's note is of version 2, not 1");
}

#define TEST(sentence, function)                                                                   \
	{                                                                                          \
		.name = (sentence), .test_func = (function), .setup_func = forget                  \
	}

static const struct CMUnitTest others[] = {
	TEST("What arithmetic set of the flags is unknown in QEMU's notes", test_flags),
	TEST("A crashed kernel's note has no control registers: they are unknown", test_kernel),
	TEST("A note of zeros alone is of a CPU of which nothing is known", test_nothing),
	TEST("A note that is too short is an error, at every size", test_short),
	TEST("A note of QEMU's of another version is an error", test_version),
};

int main(void)
{
	static const char *const captures[] = {
		"10.0-bios",         "10.0-linux-kernel", "11.1-i386-pae",    "11.1-linux-user",
		"11.1-long-mode",    "5.2-bios",          "5.2-linux-kernel", "5.2-long-mode",
		"7.2-compatibility", "7.2-i386-pae",      "7.2-linux-kernel", "7.2-linux-user",
		"7.2-pae",           "7.2-protected-16",  "7.2-protected-32", "7.2-reset",
	};
	enum {
		CAPTURES = sizeof(captures) / sizeof(*captures),
		OTHERS = sizeof(others) / sizeof(*others),
	};
	static char sentences[CAPTURES][128];
	static struct CMUnitTest tests[CAPTURES + OTHERS];
	for (size_t i = 0; i < CAPTURES; i++) {
		snprintf(sentences[i], sizeof(sentences[i]),
			 "%s: the notes give the registers that the monitor printed", captures[i]);
		tests[i] = (struct CMUnitTest){ .name = sentences[i],
						.test_func = test_capture,
						.setup_func = forget,
						.initial_state = (void *)captures[i] };
	}
	memcpy(&tests[CAPTURES], others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
