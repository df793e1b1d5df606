// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor printed. tests/monitor has such texts, whose names begin with QEMU's version;
// beside each is what QEMU's own dump of the same stop has as the CPUs' notes. TCG ran the guests.
#include "unit.h"
#include "fake-qemu.h"

#include "../../gdb-ext/arch/x86.h"
#include "../../gdb-ext/guest.h"
#include "../../gdb-ext/qemu/monitor-cpus.h"
#include "../../gdb-ext/vmcore/notes.h"

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

// ---- A debugger that knows some registers ----

static struct {
	const char *name;
	uint64_t value;
	size_t size;
} known[8];
static unsigned int asked_thread, times_asked;
static struct gg_error *refusal; // for all others

static void know(const char *name, uint64_t value, size_t size)
{
	size_t i = 0;
	while (known[i].name && strcmp(known[i].name, name))
		i++;
	known[i].name = name;
	known[i].value = value;
	known[i].size = size;
}

static struct gg_error *find_register(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret)
{
	(void)data;
	asked_thread = thread;
	times_asked++;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known) && known[i].name; i++)
		if (!strcmp(known[i].name, name)) {
			assert_true(size >= known[i].size);
			memset(buffer, 0xee, size);
			put_uint(buffer, known[i].size < 8 ? (unsigned int)known[i].size : 8,
				 known[i].value);
			*ret = known[i].size;
			return NULL;
		}
	if (refusal)
		return refusal;
	return gg_error_create(GG_NOT_FOUND, "thread %u has no register %s", thread, name);
}

static const struct gg_host_ops ops = { .registers = find_register };
static const struct gg_host host = { .ops = &ops, .address_size = 8 };

static int forget(void **state)
{
	(void)state;
	memset(known, 0, sizeof(known));
	asked_thread = times_asked = 0;
	refusal = NULL;
	return 0;
}

// ---- Files ----

static char text[1 << 14];
static size_t text_size;
static uint8_t truth[1 << 12];
static size_t truth_size;

static size_t read_file(const char *path, void *bytes, size_t size)
{
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	const size_t count = fread(bytes, 1, size, file);
	assert_true(count < size);
	fclose(file);
	return count;
}

static void path_of(const char *name, const char *extension, char ret[4096])
{
	const char *source = getenv("srcdir");
	snprintf(ret, 4096, "%s/tests/monitor/%s%s", source ? source : ".", name, extension);
}

static void load(const char *name)
{
	char path[4096];
	path_of(name, ".txt", path);
	text_size = read_file(path, text, sizeof(text) - 1);
	text[text_size] = 0;
	path_of(name, ".notes", path);
	truth_size = read_file(path, truth, sizeof(truth));
}

// Puts NEW, of the same length, in the place of OLD wherever TEXT has it.
static void edit(const char *old, const char *new)
{
	size_t count = 0;
	assert_int_equal(strlen(old), strlen(new));
	for (char *at = text; (at = strstr(at, old)); at += strlen(new), count++)
		memcpy(at, new, strlen(new));
	assert_true(count);
}

// ---- Registers ----

static struct gg_qemu_cpus cpus;
static struct gg_registers registers;

static void parse(enum gg_accelerator accelerator)
{
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(text, text_size, accelerator, &cpus));
}

static void read_cpu(size_t index, unsigned int thread)
{
	cpus.cpus[index].thread = thread;
	assert_success(x86_read_monitor(&host, &cpus.cpus[index], &registers));
}

static char *print(const struct gg_arch *arch)
{
	char *printed;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	arch->print_registers(&registers, out);
	fclose(out);
	return printed;
}

static const struct gg_arch *arch_of_text(void)
{
	const struct gg_arch *arch;
	assert_success(gg_arch_find_by_text(cpus.cpus[0].text, &arch));
	return arch;
}

static uint64_t reg(unsigned int id)
{
	return gg_register(&registers, id);
}

static uint64_t unknown(unsigned int id)
{
	return registers.values[id].unknown;
}

// ---- What QEMUs printed ----

// QEMU before 7.2 did not part the halves of XMM registers. The caller frees it.
static char *as_today(const char *piece)
{
	char *result = malloc(2 * strlen(piece) + 1), *end = result;
	while (*piece) {
		if (!strncmp(piece, "XMM", 3) && strspn(piece + 6, "0123456789abcdef") == 32) {
			end += sprintf(end, "%.22s ", piece);
			piece += 22;
		} else {
			*end++ = *piece++;
		}
	}
	*end = 0;
	return result;
}

static void check_text(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu)
{
	char *expected = as_today(cpu->text), *printed = print(arch);
	char *extra = strstr(printed, "KGS=");
	assert_non_null(extra);
	*extra = 0;
	assert_string_equal(printed, expected);
	free(printed);
	free(expected);
}

// What neither the monitor nor a debugger tells cannot be compared: those bits of the segments'
// flags in QEMU's note at NOTE become 0.
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
		assert_true(arch->notes_known(&registers) == !strstr(*state, "compatibility"));
		assert_success(arch->write_prstatus(&registers, cpus.cpus[i].index, &first));
		assert_success(arch->write_qemu_note(&registers, &second));
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
		arch_of_text()->summarize(&registers, &summary);
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
	assert_int_equal(registers.values[X86_ZMM0].bytes[0], 0x66);
	assert_true(unknown(X86_ZMM0) == UINT64_MAX << 32);
	assert_true(reg(X86_XCR0) == 6 && unknown(X86_XCR0) == ~UINT64_C(6));
	assert_true(unknown(X86_ZMM0 + 16) == UINT64_MAX && unknown(X86_K0) == UINT64_MAX);
	load("5.2-long-mode");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	assert_true(unknown(X86_ZMM0) == UINT64_MAX << 16 && unknown(X86_FPR0) == 0);
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
	assert_int_equal(registers.values[X86_ZMM31].bytes[0], (0xef * 32 + 7) & 0xff);
	assert_true(unknown(X86_ZMM31) == 0 && reg(X86_XCR0) == 0xe6);
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
	assert_false(arch_of_text()->notes_known(&registers));

	// What the text says stands; the debugger is not asked for what it does not have either.
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
	assert_true(arch_of_text()->notes_known(&registers) == is_known);
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
	assert_false(arch_of_text()->notes_known(&registers));
	forget(NULL);
	refusal = gg_error_create(GG_SYSTEM, "the connection is gone");
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_SYSTEM,
		     "the registers of CPU 0: the connection is gone");
	// That QEMU has neither the register nor the mode.
	load("7.2-i386-pae");
	parse(GG_ACCELERATOR_TCG);
	forget(NULL);
	know("k_gs_base", 0, 4);
	know("cr8", 5, 4);
	read_cpu(0, 1);
	assert_true(unknown(X86_KERNEL_GS_BASE) == UINT64_MAX && times_asked == 1);
	assert_true(reg(X86_CR8) == 5 && !unknown(X86_CR8));
	assert_true(arch_of_text()->notes_known(&registers));
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

// ---- Texts that are not whole, or not QEMU's ----

static void expect_bad(const char *string, size_t size, const char *message)
{
	struct gg_qemu_cpus list;
	assert_error(gg_qemu_monitor_cpus(string, size, GG_ACCELERATOR_TCG, &list), GG_BAD_DATA,
		     message);
	assert_null(list.cpus);
	assert_null(list.text);
}

static void expect_bad_text(const char *string, const char *message)
{
	expect_bad(string, strlen(string), message);
}

static void test_lists(void **state)
{
	(void)state;
	expect_bad_text("", "shows no CPU, but \"\"");
	expect_bad_text("unknown command: 'info\033registers'\r\n",
			"\"unknown command: 'info?registers'\"");
	expect_bad_text(
		"\r\n\r\nA text that goes on, and on, and on, and on, and on, and on, and on\n",
		"\"A text that goes on, and on, and on, and on, and on, and on,...\"");
	expect_bad_text("CPU#1\r\nA=1\r\nCPU#1\r\nA=1\r\n", "two CPUs of the list");
	expect_bad_text("CPU#8192\nA=1\n", "cpu_index is 8192, not below 8192");
	expect_bad_text("CPU#99999999999999999999\nA=1\n", "cpu_index is 4294967295");
	expect_bad_text("CPU#-1\nCPU#\nCPU#1x\n", "no CPU");

	static const char lines[] =
		"noise\nCPU#3\r\n\r\nA=1\r\n B=2\0\x1b\r\n\r\nCPU#0 \r\n\r\nC=3";
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(lines, sizeof(lines) - 1, GG_ACCELERATOR_KVM, &cpus));
	assert_int_equal(cpus.count, 2);
	assert_int_equal(cpus.cpus[0].index, 3);
	assert_int_equal(cpus.cpus[0].accelerator, GG_ACCELERATOR_KVM);
	assert_string_equal(cpus.cpus[0].text, "\nA=1\n B=2??\n");
	assert_int_equal(cpus.cpus[1].index, 0);
	assert_string_equal(cpus.cpus[1].text, "\nC=3\n");

	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus("\r\nA=1\r\n", 7, GG_ACCELERATOR_UNKNOWN, &cpus));
	assert_int_equal(cpus.count, 1);
	assert_int_equal(cpus.cpus[0].index, 0);
	assert_string_equal(cpus.cpus[0].text, "A=1\n");
}

static void test_too_long(void **state)
{
	(void)state;
	enum { SIZE = 70000 };
	static char lines[SIZE];
	memset(lines, 'x', SIZE);
	memcpy(lines, "CPU#1\n", 6);
	expect_bad(lines, SIZE, "CPU 1 has 69995 bytes of text, more than 65536");
	expect_bad(lines, (size_t)1 << 40, "it has 1099511627776 bytes, more than 536870912");
}

// QEMU 5.2 prints for "info registers" no line that tells the CPU.
static void test_one_cpu(void **state)
{
	(void)state;
	load("5.2-long-mode");
	char *start = strstr(text, "RAX=");
	assert_non_null(start);
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(start, strlen(start), GG_ACCELERATOR_TCG, &cpus));
	assert_int_equal(cpus.count, 1);
	read_cpu(0, 0);
	check_text(arch_of_text(), &cpus.cpus[0]);
}

// Wherever it is cut off: what is known then is what the whole text says.
static void test_cut(void **state)
{
	(void)state;
	load("11.1-long-mode");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	const struct gg_registers whole = registers;
	size_t good = 0;
	for (size_t size = 0; size < text_size; size++) {
		gg_qemu_cpus_deinit(&cpus);
		struct gg_error *err = gg_qemu_monitor_cpus(text, size, GG_ACCELERATOR_TCG, &cpus);
		if (!err)
			err = x86_read_monitor(&host, &cpus.cpus[0], &registers);
		if (err) {
			assert_int_equal(gg_error_kind(err), GG_BAD_DATA);
			gg_error_destroy(err);
			continue;
		}
		good++;
		for (unsigned int id = 0; id < X86_REGISTERS; id++) {
			assert_false(whole.values[id].unknown & ~unknown(id));
			assert_int_equal(reg(id), gg_register(&whole, id) & ~unknown(id));
			for (unsigned int i = 0; i < GG_REGISTER_BYTES; i++)
				if (!(unknown(id) >> i & 1))
					assert_int_equal(registers.values[id].bytes[i],
							 whole.values[id].bytes[i]);
		}
	}
	assert_true(good > 10);
}

static void expect_damage(const char *old, const char *new, const char *message)
{
	load("11.1-linux-user");
	edit(old, new);
	parse(GG_ACCELERATOR_TCG);
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA, message);
}

static void test_damage(void **state)
{
	(void)state;
	expect_damage("RIP=", "RIQ=", "the registers of CPU 0: the text lacks rip");
	expect_damage("TR =0040 ", "XR =0040 ", "the text lacks tr_flags");
	expect_damage("CPL=3", "CPL=4", "\"CPL=4\" is not what a CPU can have");
	expect_damage("CPL=3", "CPM=3", "the text lacks CPL, II or SMM");
	expect_damage("CR0=8005", "CR0= 805", "\"CR0=8050033\" is not");
	expect_damage("ES =0000 ", "ES =00000", "\"ES=000000000000000000000\" is not");
	expect_damage("HLT=0", "HLT=2", "\"HLT=2\" is not");
	expect_damage("YMM01=", "YMM99=", "\"YMM99=0000000000000000\" is not");
	expect_damage("YMM01=", "ZMM01=", "\"ZMM01=0000000000000000\" is not");
	expect_damage("YMM01=", "XMM01=", "\"XMM01=0000000000000000\" is not");
	expect_damage("FPR0=00", "FPR0=0 ", "\"FPR0=0\" is not");
	expect_damage("R8 =0000", "R8 =?000", "the text lacks r8");
	// A name that says nothing to us is passed over, and what only ends like one of ours.
	load("11.1-linux-user");
	edit("MXCSR=00", "XX_CS=00");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	assert_true(reg(X86_CS) == 0x33 && unknown(X86_MXCSR) == UINT64_MAX);
	load("11.1-linux-user");
	edit("MXCSR=", "MXCSS=");
	edit(" HLT=0", "=HLT=0");
	parse(GG_ACCELERATOR_TCG);
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA,
		     "the text lacks halted");
}

static void test_other_architecture(void **state)
{
	(void)state;
	// QEMU 7.2's qemu-system-aarch64.
	static const char lines[] =
		"\r\nCPU#0\r\n PC=0000000000000000 X00=0000000000000000 X01=0000000000000000\r\n"
		"X29=0000000000000000 X30=0000000000000000  SP=0000000000000000\r\n"
		"PSTATE=400003c5 -Z-- EL1h     FPU disabled\r\n";
	const struct gg_arch *arch;
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(lines, sizeof(lines) - 1, GG_ACCELERATOR_TCG, &cpus));
	assert_error(gg_arch_find_by_text(cpus.cpus[0].text, &arch), GG_UNSUPPORTED,
		     "not of an architecture known here (x86_64, i386)");
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA,
		     "the text lacks");
}

// ---- A guest whose CPUs are a text ----

static char notices[1024];

static struct gg_error *collect_notice(void *data, const char *notice)
{
	(void)data;
	strncat(notices, notice, sizeof(notices) - strlen(notices) - 1);
	return NULL;
}

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
	struct fake_qemu qemu;
	struct gg_guest *guest;
	fake_qemu_init(&qemu, FAKE_7_2, NULL, 0);
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	load("7.2-linux-kernel");
	assert_success(gg_qemu_monitor_cpus(text, text_size, GG_ACCELERATOR_TCG, &guest->cpus));
	assert_success(gg_arch_find_by_text(guest->cpus.cpus[0].text, &guest->arch));
	guest->cpus.cpus[1].thread = 2;
	unsigned int count = 0;
	assert_success(gg_guest_cpus(guest, count_cpu, &count));
	assert_int_equal(count, 2);

	struct gg_buffer notes = { 0 };
	notices[0] = 0;
	assert_success(gg_vmcore_cpu_notes(guest, guest->arch, collect_notice, NULL, &notes));
	assert_int_equal(notes.size, 2 * (PRSTATUS_64 + QEMU_NOTE));
	assert_string_equal(notices,
			    "CPU 0, 1: what is not known of the registers is 0 in the vmcore");
	gg_buffer_deinit(&notes);
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
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
	UNIT_TEST("a text is cut into CPUs, or refused", test_lists),
	UNIT_TEST("a text that is too long is refused", test_too_long),
	UNIT_TEST("a text without a header is one CPU's", test_one_cpu),
	UNIT_TEST("a text that is cut off says nothing wrong", test_cut),
	UNIT_TEST("damaged values are errors", test_damage),
	UNIT_TEST("a CPU of another architecture is refused", test_other_architecture),
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
