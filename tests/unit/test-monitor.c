// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor printed, against the notes that QEMU wrote of the same stop.
#include "captures.h"
#include "fake-stub.h"
#include "unit.h"
#include "printed.h"

#include "arch/x86/x86.h"
#include "guest/guest.h"
#include "vmcore/notes.h"

#include <elf.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Notes with their headers, and what is where in QEMU's own (target/i386/arch_dump.c, v7.2,
// QEMUCPUState).
enum {
	PRSTATUS_64 = 20 + 336,
	PRSTATUS_32 = 20 + 144,
	QEMU_NOTE = 20 + 440,
	NOTE_SEGMENTS = 20 + 152,
	NOTE_SEGMENT = 24, // bytes in one
	NOTE_SEGMENT_FLAGS = 8,
	NOTE_FS_BASE = NOTE_SEGMENTS + 3 * NOTE_SEGMENT + 16,
	NOTE_KERNEL_GS_BASE = QEMU_NOTE - 8,
};

// ---- What QEMUs printed ----

// Blanks what neither the monitor nor a debugger tells and so cannot be compared: bits of the
// segments' flags in QEMU's note at NOTE become 0.
static void blind(uint8_t *note)
{
	static const enum x86_register order[] = { X86_CS, X86_DS, X86_ES,  X86_FS,
						   X86_GS, X86_SS, X86_LDT, X86_TR };
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (unsigned int byte = 0; byte < 4; byte++)
			note[NOTE_SEGMENTS + i * NOTE_SEGMENT + NOTE_SEGMENT_FLAGS + byte] &=
				(uint8_t) ~(unknown(order[i] + X86_FLAGS) >> 8 * byte);
}

static uint64_t number_at(const uint8_t *bytes)
{
	uint64_t number = 0;
	for (unsigned int byte = 0; byte < 8; byte++)
		number |= (uint64_t)bytes[byte] << 8 * byte;
	return number;
}

static void test_capture(void **state)
{
	load(*state);
	parse(GG_ACCELERATOR_TCG);
	const struct gg_arch *arch = arch_of_text();
	const size_t prstatus = arch->elf_machine == EM_X86_64 ? PRSTATUS_64 : PRSTATUS_32;
	assert_int_equal(truth_size, cpus.count * (prstatus + QEMU_NOTE));
	assert_int_equal(cpus.count, strstr(*state, "linux") ? 2 : 1);
	struct gg_buffer first = { 0 }, second = { 0 };
	for (size_t i = 0; i < cpus.count; i++) {
		uint8_t *note = truth + cpus.count * prstatus + i * QEMU_NOTE;
		know("k_gs_base", number_at(note + NOTE_KERNEL_GS_BASE), 8);
		know("fs_base", number_at(note + NOTE_FS_BASE), 8);
		know("cr4", 0, 8);
		assert_int_equal(cpus.cpus[i].index, i);
		assert_int_equal(cpus.cpus[i].freshness, GG_CURRENT);
		read_cpu(i, (unsigned int)i + 1);
		check_text(arch, &cpus.cpus[i]);
		assert_true(arch->notes->known(&registers) == !strstr(*state, "compatibility"));
		assert_success(arch->notes->write_prstatus(&registers, cpus.cpus[i].index, &first));
		assert_success(arch->notes->write_qemu_note(&registers, &second));
		blind(note);
	}
	assert_int_equal(first.size + second.size, truth_size);
	assert_memory_equal(first.bytes, truth, first.size);
	assert_memory_equal(second.bytes, truth + first.size, second.size);
	gg_buffer_deinit(&first);
	gg_buffer_deinit(&second);
}

static void test_modes(void **state)
{
	(void)state;
	static const struct {
		const char *name, *arch, *activity, *privilege;
		unsigned int bits, word;
	} modes[] = {
		{ "7.2-reset", "i386", "running", "real", 16, 8 },
		{ "10.0-bios", "i386", "halted", "real", 16, 8 },
		{ "7.2-protected-16", "i386", "halted", "kernel", 16, 8 },
		{ "7.2-pae", "i386", "halted", "kernel", 32, 8 },
		{ "7.2-i386-pae", "i386", "halted", "kernel", 32, 4 },
		{ "5.2-linux-kernel", "x86_64", "halted", "kernel", 64, 8 },
		{ "11.1-linux-user", "x86_64", "running", "user", 64, 8 },
	};
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct gg_cpu_summary summary;
		load(modes[i].name);
		parse(GG_ACCELERATOR_TCG);
		read_cpu(0, 0);
		arch_of_text()->cpu->summarize(&registers, &summary);
		assert_string_equal(arch_of_text()->name, modes[i].arch);
		assert_string_equal(summary.activity, modes[i].activity);
		assert_string_equal(summary.privilege, modes[i].privilege);
		assert_int_equal(summary.bits, modes[i].bits);
		assert_int_equal(registers.word, modes[i].word);
		assert_int_equal(times_asked, 0);
	}
}

static void test_vectors(void **state)
{
	(void)state;
	load("11.1-linux-user");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	// 32 bytes of it are printed, and that AVX is on.
	assert_int_equal(gg_register_bytes(&registers, X86_ZMM0)[0], 0x66);
	assert_true(known_bytes(X86_ZMM0) == 32);
	assert_true(reg(X86_XCR0) == 6 && unknown(X86_XCR0) == ~UINT64_C(6));
	assert_true(!known_bytes(X86_ZMM0 + 16) && unknown(X86_K0) == UINT64_MAX);
	load("5.2-long-mode");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	assert_true(known_bytes(X86_ZMM0) == 16 && known_bytes(X86_FPR0) == 10);
	assert_true(unknown(X86_XCR0) == UINT64_MAX);
}

// With AVX-512, which TCG has not, all of them are printed, and the masks before them.
static void test_avx512(void **state)
{
	(void)state;
	load("7.2-linux-user");
	char *end = strstr(text, "YMM00=");
	assert_non_null(end);
	for (unsigned int i = 0; i < 8; i++)
		end += sprintf(end, "Opmask%02u=%016x%s", i, 0x1234 + i, i % 4 == 3 ? "\r\n" : " ");
	for (unsigned int i = 0; i < 32; i++) {
		end += sprintf(end, "ZMM%02u=", i);
		for (unsigned int j = 0; j < 8; j++)
			end += sprintf(end, "%016llx%s", 0x0123456789abcdefULL * (i + 1) + j,
				       j == 7 ? "\r\n" : " ");
	}
	text_size = (size_t)(end - text);
	parse(GG_ACCELERATOR_KVM);
	read_cpu(0, 0);
	assert_int_equal(reg(X86_K0 + 5), 0x1239);
	assert_int_equal(gg_register_bytes(&registers, X86_ZMM31)[0], (0xef * 32 + 7) & 0xff);
	assert_true(known_bytes(X86_ZMM31) == 64 && reg(X86_XCR0) == 0xe6);
	check_text(arch_of_text(), &cpus.cpus[0]);
}

// ---- What the debugger adds ----

// A CPU in long mode that executes 32-bit code: the monitor prints half of its registers.
static void test_compatible(void **state)
{
	(void)state;
	const uint64_t upper = UINT64_MAX << 32;
	load("7.2-compatibility");
	parse(GG_ACCELERATOR_TCG);
	assert_string_equal(arch_of_text()->name, "x86_64");
	read_cpu(0, 0);
	assert_true(unknown(X86_RAX) == upper && unknown(X86_R8) == UINT64_MAX);
	assert_true(unknown(X86_FS + X86_BASE) == upper && unknown(X86_TR + X86_BASE) == upper);
	assert_true(!unknown(X86_RIP) && !unknown(X86_RFLAGS) && !unknown(X86_CR0 + 3));
	assert_true(unknown(X86_CR8) == UINT64_MAX && unknown(X86_CR4) == upper);
	assert_false(arch_of_text()->notes->known(&registers));

	// The text stands; the debugger is not asked for what it does not have either.
	know("cr8", 5, 8);
	know("k_gs_base", 0xffff888000000000, 8);
	know("fs_base", 0x7fff12345678, 8);
	know("cr4", 0x100000000, 8);
	know("rax", 1, 8);
	know("gs_base", 1, 4);
	read_cpu(0, 3);
	assert_int_equal(asked_thread, 3);
	assert_true(reg(X86_CR8) == 5 && !unknown(X86_CR8));
	assert_true(reg(X86_KERNEL_GS_BASE) == 0xffff888000000000);
	assert_true(reg(X86_FS + X86_BASE) == 0x7fff9abcdef4 && !unknown(X86_FS + X86_BASE));
	assert_true(reg(X86_CR4) == 0x1000006a0 && !unknown(X86_CR4));
	assert_true(unknown(X86_RAX) == upper && unknown(X86_GS + X86_BASE) == upper);
	check_text(arch_of_text(), &cpus.cpus[0]);
}

static void expect_notes_known(bool is_known)
{
	read_cpu(1, 1);
	assert_true(arch_of_text()->notes->known(&registers) == is_known);
}

static void test_notes_known(void **state)
{
	(void)state;
	load("7.2-linux-kernel");
	parse(GG_ACCELERATOR_UNKNOWN);
	expect_notes_known(false);
	know("k_gs_base", 0, 8);
	expect_notes_known(false);
	know("cr4", 0, 8);
	expect_notes_known(true);
	assert_int_equal(unknown(X86_TR + X86_FLAGS), 0xff0000ff);
	forget(NULL);
	know("cr4", 0, 8);
	expect_notes_known(false);
}

static void test_asking(void **state)
{
	(void)state;
	load("7.2-linux-kernel");
	parse(GG_ACCELERATOR_TCG);
	// A register of no integer's size, and none at all.
	know("cr8", 5, 16);
	know("k_gs_base", 5, 0);
	read_cpu(0, 1);
	assert_true(times_asked == 3 && unknown(X86_CR8) == UINT64_MAX);
	assert_false(arch_of_text()->notes->known(&registers));
	forget(NULL);
	refusal = gg_error_create(GG_SYSTEM, "the connection is gone");
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_SYSTEM,
		     "the registers of CPU 0: the connection is gone");
	// QEMU for i386 has neither the register nor the mode.
	load("7.2-i386-pae");
	parse(GG_ACCELERATOR_TCG);
	forget(NULL);
	know("k_gs_base", 0, 4);
	know("cr8", 5, 4);
	read_cpu(0, 1);
	assert_true(unknown(X86_KERNEL_GS_BASE) == UINT64_MAX && times_asked == 1);
	assert_true(reg(X86_CR8) == 5 && !unknown(X86_CR8));
	assert_true(arch_of_text()->notes->known(&registers));
}

// ---- Segments' flags ----

static void expect_flags(enum gg_accelerator accelerator, unsigned int segment, uint64_t flags,
			 uint64_t bits)
{
	parse(accelerator);
	read_cpu(cpus.count - 1, 0);
	assert_int_equal(reg(segment + X86_FLAGS), flags);
	assert_int_equal(unknown(segment + X86_FLAGS), bits);
}

static void test_segment_flags(void **state)
{
	(void)state;
	load("7.2-linux-kernel");
	expect_flags(GG_ACCELERATOR_TCG, X86_TR, 0x8903, 0);
	expect_flags(GG_ACCELERATOR_KVM, X86_TR, 0x8900, 0);
	expect_flags(GG_ACCELERATOR_UNKNOWN, X86_TR, 0x8900, 0xff0000ff);
	expect_flags(GG_ACCELERATOR_UNKNOWN, X86_GS, 0, 0);
	load("7.2-protected-16");
	expect_flags(GG_ACCELERATOR_TCG, X86_CS, 0x9a10, 0);
	load("10.0-bios");
	expect_flags(GG_ACCELERATOR_TCG, X86_CS, 0x9b00, 0xff0000ff);
	load("11.1-long-mode");
	expect_flags(GG_ACCELERATOR_TCG, X86_FS, 0xcff300, 0xff0000ff);
	expect_flags(GG_ACCELERATOR_TCG, X86_SS, 0xcf9300, 0);
	load("7.2-pae");
	edit("CS =0008 00000000", "CS =0008 00000080");
	expect_flags(GG_ACCELERATOR_TCG, X86_CS, 0xcf9a00, 0xff0000ff);
	expect_flags(GG_ACCELERATOR_TCG, X86_DS, 0xcf9300, 0);
	edit("EFL=00000c16", "EFL=00020c16");
	expect_flags(GG_ACCELERATOR_TCG, X86_FS, 0xcff300, 0xff0000ff);
	expect_flags(GG_ACCELERATOR_TCG, X86_LDT, 0x8200, 0);
}

// ---- A guest whose CPUs are a text ----

static struct gg_error *count_cpu(void *data, const struct gg_cpu *cpu)
{
	unsigned int *count = data;
	assert_int_equal(cpu->index, *count);
	assert_non_null(strstr(cpu->text, "CR8=? MP=? RFLAGS=["));
	++*count;
	return NULL;
}

static void test_guest(void **state)
{
	(void)state;
	static struct fake_stub stub;
	struct gg_guest *guest;
	const struct gg_arch *arch;
	fake_stub_init(&stub, 0);
	load("7.2-linux-kernel");
	assert_true(text_size < FAKE_STUB_TEXT);
	memcpy(stub.texts[GG_MONITOR_REGISTERS], text, text_size + 1);
	assert_success(gg_guest_create(&stub.host, &stub.target, &guest));
	unsigned int count = 0;
	assert_success(gg_guest_cpus(guest, count_cpu, &count));
	assert_int_equal(count, 2);

	struct gg_buffer notes = { 0 };
	forget_output();
	assert_success(gg_guest_cpu_arch(guest, &arch));
	assert_success(gg_vmcore_cpu_notes(guest, arch, &to_told, &notes));
	assert_int_equal(notes.size, 2 * (PRSTATUS_64 + QEMU_NOTE));
	assert_string_equal(told, "CPU 0, 1: unknown registers are 0 in the vmcore\n");
	gg_buffer_deinit(&notes);
	gg_guest_destroy(guest);
	fake_stub_deinit(&stub);
}

// ---- All of them ----

static const struct CMUnitTest fixed[] = {
	UNIT_TEST("mode, privilege and activity follow from the text", test_modes),
	UNIT_TEST("of a vector register as much is known as is printed", test_vectors),
	UNIT_TEST("registers of AVX-512 are read", test_avx512),
	UNIT_TEST("in compatibility mode half of most registers is not known", test_compatible),
	UNIT_TEST("a debugger that does not know a register is no error", test_asking),
	UNIT_TEST("what the notes have is known, or it is told", test_notes_known),
	UNIT_TEST("segments' flags are what TCG or KVM have, where that is known",
		  test_segment_flags),
	UNIT_TEST("a guest's CPUs can be a text, and a note's gaps are told", test_guest),
};

enum { FIXED = sizeof(fixed) / sizeof(*fixed) };

// "FOLDER/NAME.txt" => "NAME", not freed as long as the tests run.
static char *name_of(const char *path)
{
	char *name = strdup(strrchr(path, '/') + 1);
	*strrchr(name, '.') = 0;
	return name;
}

int main(void)
{
	char pattern[4096], sentences[64][128];
	glob_t files;
	path_of("*", ".txt", pattern);
	if (glob(pattern, 0, NULL, &files) || files.gl_pathc > 64) {
		fprintf(stderr, "no texts, or more than 64: %s\n", pattern);
		return 1;
	}
	struct CMUnitTest *tests = calloc(FIXED + files.gl_pathc, sizeof(*tests));
	memcpy(tests, fixed, sizeof(fixed));
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *name = name_of(files.gl_pathv[i]);
		snprintf(sentences[i], sizeof(sentences[i]), "%s: text and notes are QEMU's again",
			 name);
		tests[FIXED + i] = (struct CMUnitTest){ .name = sentences[i],
							.test_func = test_capture,
							.initial_state = name };
	}
	for (size_t i = 0; i < FIXED + files.gl_pathc; i++)
		tests[i].setup_func = forget;
	int failed = _cmocka_run_group_tests("monitor", tests, FIXED + files.gl_pathc, NULL, NULL);
	for (size_t i = 0; i < files.gl_pathc; i++)
		free(tests[FIXED + i].initial_state);
	free(tests);
	globfree(&files);
	gg_qemu_cpus_deinit(&cpus);
	return failed;
}
