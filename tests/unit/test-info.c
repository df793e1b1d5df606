// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest at a glance: the facts of a guest at a gdbstub and of a QEMU process, their text and
// their JSON; guests that are wide, damaged or made up.
#include "fake-qemu.h"
#include "printed.h"
#include "stub-guest.h"
#include "print/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 0x100000, NOTE = 0x300000, TEXT = 0x800000, UTS = TEXT + 0x4000 };

static struct gg_info_options at_stub = { .target_kind = "gdbstub", .target = ":1234" };
static const struct gg_info_options of_core = { .target_kind = "core", .target = "core" };

static void print(struct gg_guest *of, const struct gg_info_options *options)
{
	forget_output();
	assert_success(gg_print_info(of, options, &to_output, &to_told));
}

static void print_made_up(const struct gg_info *info)
{
	forget_output();
	assert_success(gg_print_info_text(info, &of_core, &to_output, &to_told));
}

static void expect_narrow(void)
{
	for (const char *line = output; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > 79)
			fail_msg("too wide: %s", line);
}

static void expect_line(const char *line)
{
	const char *found = strstr(output, line);
	if (!found || (found > output && found[-1] != '\n') || found[strlen(line)] != '\n')
		fail_msg("no line \"%s\" in:\n%s", line, output);
}

// ---- A gdbstub ----

static void open_stub(uint64_t root)
{
	const struct fake_kernel kernel = {
		.tables = TABLES, .note = NOTE, .text_gpa = TEXT, .uts = UTS, .release = "6.1.0"
	};
	fake_stub_init(&stub, root);
	fake_kernel_write(stub.ram, &kernel);
	fake_stub_write_variables(&stub, &kernel, TEXT + 0x2000);
	strcpy(stub.texts[GG_MONITOR_VERSION], "7.2.22Debian 1:7.2+dfsg-7\r\n");
	strcpy(stub.texts[GG_MONITOR_MACHINE], "\"pc-q35-7.2-machine\"\r\n");
	strcpy(stub.texts[GG_MONITOR_STATUS], "VM status: paused (debug)\r\n");
	stub_guest_create();
}

static int end_test(void **state)
{
	at_stub.state_before = at_stub.state_text = NULL;
	return stub_guest_end(state);
}

#define STUB_START                                                                                 \
	"gdb-guest " PACKAGE_VERSION "\n"                                                          \
	"gdbstub   :1234\n"
#define STUB_RAM                                                                                   \
	"CPUs      1: current 0\n"                                                                 \
	"RAM       16 MiB in 1 range, read from the gdbstub\n"                                     \
	"          0x0000000000000000-0x0000000000ffffff      16 MiB  pc.ram\n"

static void test_stub(void **state)
{
	(void)state;
	open_stub(TABLES);
	at_stub.state_before = "paused";
	at_stub.state_text = "the guest was paused when GDB connected: end with disconnect, or GDB "
			     "lets it run";
	print(guest, &at_stub);
	assert_string_equal(
		output, STUB_START
		"          the guest was paused when GDB connected: end with disconnect,\n"
		"          or GDB lets it run\n"
		"QEMU      7.2.22 (Debian 1:7.2+dfsg-7), machine pc-q35-7.2, debug, tcg\n"
		"layout    as QEMU's monitor prints it\n" STUB_RAM
		"kernel    Linux 6.1.0, host name unknown\n"
		"          VMCOREINFO at guest-physical 0x300000, found by the CPUs' page tables\n"
		"          4-level page tables,\n"
		"          image at 0xffffffff81200000 (guest-physical 0x800000, 384 KiB)\n"
		"          direct map at 0xffff888040000000\n"
		"state     its log cannot be read\n"
		"          the rest takes some MB over the wire: guest-info -all\n");
	assert_string_equal(told, "");
}

static void test_stub_json(void **state)
{
	struct gg_info_options options = at_stub;
	(void)state;
	options.json = true;
	options.state_before = "ran";
	open_stub(TABLES);
	print(guest, &options);
	assert_string_equal(
		output,
		"{\"gdb_guest\":\"" PACKAGE_VERSION "\",\"target\":{\"kind\":\"gdbstub\",\"name\":"
		"\":1234\",\"state_before\":\"ran\",\"vmcore\":null,\"nested\":null},\"qemu\":{"
		"\"version\":\"7.2."
		"22 (Debian "
		"1:7.2+dfsg-7)\",\"machine\":\"pc-q35-7.2\",\"run_state\":\"debug\","
		"\"accelerator\":\"tcg\",\"layout\":\"monitor\",\"virtual_clock_ns\":null},"
		"\"cpus\":[{\"cpu\":0,\"state\":\"current\",\"nested\":false}],"
		"\"ram\":{\"backing\":\"the gdbstub\",\"size\":16777216,\"ranges\":[{\"start\":"
		"\"0x0000000000000000\",\"size\":16777216,\"block\":\"pc.ram\"}]},"
		"\"hidden\":{\"size\":0,\"ranges\":[]},\"absent\":{\"size\":0,\"count\":0,"
		"\"advice\":null,\"ranges\":[]},\"kernel\":{\"release\":\"6.1.0\",\"version\":null,"
		"\"nodename\":null,\"vmcoreinfo\":\"0x0000000000300000\",\"vmcoreinfo_by\":"
		"\"tables\",\"kaslr_offset\":null,\"page_table_levels\":4,\"image\":"
		"\"0xffffffff81200000\",\"image_physical\":\"0x0000000000800000\",\"image_size\":"
		"393216,\"direct_map\":\"0xffff888040000000\",\"last_record_ns\":null},"
		"\"guest\":{\"verdict\":\"unknown\",\"phase\":null,\"panic_cpu\":null,\"panic_"
		"comm\":"
		"null,\"panic_pid\":null,\"crash_time\":null,\"troubles\":[],\"silent_cpus\":[],"
		"\"blocked\":null,"
		"\"whole_log\":false,\"log_alone\":true,\"now_ns\":null,\"uptime\":null,\"clock\":"
		"null,\"load\":[null,null,null],\"cpus_online\":null,\"tasks\":null,\"states\":"
		"null,"
		"\"taint\":null,\"taint_letters\":null},"
		"\"notices\":[]}\n");
	assert_string_equal(told, "");
}

static void test_silent_monitor(void **state)
{
	struct gg_info_options options = at_stub;
	(void)state;
	open_stub(0);
	for (size_t i = 0; i < GG_MONITOR_TEXTS; i++)
		if (i != GG_MONITOR_MEMORY_MAP && i != GG_MONITOR_REGISTERS)
			stub.texts[i][0] = 0;
	stub_guest_create();
	print(guest, &options);
	assert_string_equal(output, STUB_START
			    "QEMU      version unknown,\n"
			    "          machine unknown, run state unknown, accelerator unknown\n"
			    "layout    as QEMU's monitor prints it\n"
			    "CPUs      1: current 0\n"
			    "RAM       16 MiB in 1 range, read from the gdbstub\n"
			    "          0x0000000000000000-0x0000000000ffffff      16 MiB  pc.ram\n"
			    "kernel    none found\n");
	assert_non_null(strstr(told, "QEMU's monitor does not answer \"info version\"\n"));
	assert_non_null(strstr(told, "no CPU has page tables"));
	char *const as_text = strdup(told);
	options.json = true;
	print(guest, &options);
	assert_non_null(strstr(output, ",\"qemu\":{\"version\":null,\"machine\":null,"));
	assert_non_null(strstr(
		output, ",\"kernel\":null,\"guest\":null,\"notices\":[\"QEMU's monitor does not"));
	assert_string_equal(told, "");
	// Notices are in the same order.
	const char *at = output;
	for (char *line = strtok(as_text, "\n"); line; line = strtok(NULL, "\n")) {
		line[strcspn(line, "\"\\")] = 0;
		at = strstr(at, line);
		assert_non_null(at);
	}
	free(as_text);
}

static void test_lost(void **state)
{
	struct gg_info *info;
	(void)state;
	open_stub(TABLES);
	stub.break_after = 4096;
	assert_error(gg_guest_info(guest, false, &info), GG_LOST, "the gdbstub does not");
}

static void test_layout_at_stub(void **state)
{
	const struct gg_info_options options = { .layout = true };
	(void)state;
	open_stub(TABLES);
	assert_error(gg_print_info(guest, &options, &to_output, &to_told), GG_UNSUPPORTED,
		     "the gdbstub shows the guest's memory, not QEMU's own");
}

// ---- A process ----

static void test_process(void **state)
{
	static const struct fake_range ranges[] = { { 0, 0x2000, 0, FAKE_RAM, 0 },
						    { 0x100000, 0x1000, 0, FAKE_RAM, 1 } };
	struct fake_qemu qemu;
	struct gg_guest *process;
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 2);
	const struct gg_target target = { .via_host = true };
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes), &target, &process));
	print(process, &of_core);
	expect_line("QEMU      version unknown, machine unknown, run state unknown, tcg");
	expect_line("layout    from QEMU's debuginfo");
	expect_line("CPUs      2: current 0,1");
	expect_line("RAM       12 KiB in 2 ranges, read from the debugger");
	expect_line("          0x0000000000100000-0x0000000000100fff       4 KiB  block.1");
	expect_line("kernel    none found");
	assert_non_null(strstr(told, "QEMU's binary is not known\n"));

	// KVM has run the CPUs since QEMU had their registers.
	gg_guest_ran(process);
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	qemu.structures[FAKE_CPU + FAKE_CPU_SIZE + FAKE_CPU_DIRTY] = 1;
	print(process, &of_core);
	expect_line("QEMU      version unknown, machine unknown, run state unknown, kvm");
	expect_line("CPUs      2: current 1; stale 0");

	const struct gg_info_options layout = { .layout = true };
	print(process, &layout);
	assert_non_null(strstr(output, "MemoryRegion: NOT FOUND ("));
	const struct gg_info_options json = { .layout = true, .json = true };
	print(process, &json);
	assert_int_equal(strncmp(output, "{\"type\":\"", 9), 0);
	assert_non_null(strstr(output, "\"by_structure\":null,\"proof\":\""));
	gg_guest_destroy(process);
	fake_qemu_deinit(&qemu);
}

static void test_layout_rows(void **state)
{
	static const struct gg_member array = { 8, 64 }, part = { 8, 32 }, elsewhere = { 16, 64 };
	static const struct {
		const struct gg_member *types, *structure;
		const char *expected;
	} rows[] = {
		{ &array, &array, "T.m: both agree, +8, 64 bytes (proof)\n" },
		{ &array, &part, "T.m: both agree, +8, 64 bytes, of which 32 are saved (proof)\n" },
		{ &part, &array,
		  "T.m: DIFFER, by types +8, 32 bytes, by structure +8, 64 bytes (proof)\n" },
		{ &array, &elsewhere,
		  "T.m: DIFFER, by types +8, 64 bytes, by structure +16, 64 bytes (proof)\n" },
		{ NULL, &array, "T.m: by structure only, +8, 64 bytes (proof)\n" },
		{ &array, NULL, "T.m: NOT FOUND (proof)\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gg_buffer text = { 0 };
		const struct gg_structure_row row = { .type = "T",
						      .path = "m",
						      .by_types = rows[i].types,
						      .by_structure = rows[i].structure,
						      .proof = "proof" };
		gg_append_layout(&text, &row);
		gg_buffer_append(&text, "", 1);
		assert_string_equal((const char *)text.bytes, rows[i].expected);
		gg_buffer_deinit(&text);
	}
}

// ---- Guests that are made up ----

enum { MANY = 5000, CPUS = 256 };

static struct gg_ram_range many[MANY];
static struct gg_info_cpu cpus[CPUS];

static struct gg_info_ranges ranges_of(size_t listed, uint64_t count)
{
	for (size_t i = 0; i < MANY; i++)
		many[i] =
			(struct gg_ram_range){ .start = i << 22, .size = 1 << 21, .block = "vm0" };
	return (struct gg_info_ranges){
		.ranges = many, .listed = listed, .count = count, .size = count << 21
	};
}

static struct gg_info wide(void)
{
	for (uint32_t i = 0; i < CPUS; i++)
		cpus[i] = (struct gg_info_cpu){ .index = i, .freshness = GG_STALE };
	return (struct gg_info){
		.source = { .version = { .text = "11.1.3" },
			    .machine = { .text = "pc-i440fx-11.1" },
			    .run_state = { .text = "running" },
			    .accelerator = { .text = "kvm" },
			    .layout = "structure" },
		.cpus = cpus,
		.cpu_count = CPUS,
		.ram = ranges_of(MANY, MANY),
		.absent = ranges_of(GG_INFO_ABSENT_MAX, 100000),
		.absent_advice = "the core file is cut off",
		.backing = "the core file",
		.kernel_error = gg_error_create(GG_NOT_FOUND, "no VMCOREINFO in RAM"),
	};
}

static void test_wide(void **state)
{
	struct gg_info info = wide();
	(void)state;
	for (uint32_t i = 0; i < CPUS; i += 100) {
		cpus[i].freshness = GG_CURRENT;
		cpus[i].nesting = GG_NESTED;
	}
	cpus[7].nesting = GG_MAYBE_NESTED;
	print_made_up(&info);
	expect_narrow();
	expect_line("QEMU      11.1.3, machine pc-i440fx-11.1, running, kvm");
	expect_line("layout    found by structure: QEMU has no debuginfo here");
	expect_line("CPUs      256: current 0,100,200; stale 1-99,101-199,201-255;");
	expect_line("          in a nested guest 0,100,200; perhaps in a nested guest 7");
	expect_line("RAM       9.8 GiB in 5000 ranges, read from the core file");
	expect_line("          ... and 4988 more");
	expect_line("missing   195.3 GiB in 100000 ranges");
	expect_line("          0x0000000000000000-0x00000000001fffff       2 MiB  vm0, missing");
	expect_line("          ... and 99988 more");
	expect_line("kernel    none found");
	assert_true(strlen(output) < 3000);
	assert_string_equal(told, "missing: the core file is cut off\nno VMCOREINFO in RAM\n");
	gg_error_destroy(info.kernel_error);
}

static void test_kernel(void **state)
{
	struct gg_info info = wide();
	(void)state;
	gg_error_destroy(info.kernel_error);
	info.kernel_error = NULL;
	info.absent = (struct gg_info_ranges){ 0 };
	info.hidden = ranges_of(1, 1);
	info.kernel = (struct gg_info_kernel){ .release = "6.1.0",
					       .version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2",
					       .nodename = "(none)",
					       .vmcoreinfo = 0x9b38000,
					       .finder = GG_FOUND_BY_CHOICE,
					       .kaslr_offset = "21200000",
					       .has_last_record = true,
					       .last_record = 1138111999,
					       .image = 0xffffffffa2200000,
					       .image_gpa = 0x7400000,
					       .image_size = 42 << 20,
					       .levels = 5 };
	info.source.has_virtual_clock = true;
	info.source.virtual_clock = 1138111999 + 250000000;
	print_made_up(&info);
	expect_narrow();
	expect_line("hidden    2 MiB: a device, a ROM or SMRAM is mapped over it");
	expect_line("kernel    Linux 6.1.0, host name not set");
	expect_line("          #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2");
	expect_line("          VMCOREINFO at guest-physical 0x9b38000,");
	expect_line("          as chosen by guest-kernel, KASLR offset 0x21200000");
	expect_line("          image at 0xffffffffa2200000 (guest-physical 0x7400000, 42 MiB)");
	expect_line(
		"          last log line at 1.138111 s, at most 0.3 s before the machine stopped");
	assert_null(strstr(output, "direct map"));

	// A clock that is behind the log is another machine's.
	info.source.virtual_clock = 1138111998;
	info.kernel.nodename = "a";
	info.kernel.image_size = 0;
	print_made_up(&info);
	expect_line("          last log line at 1.138111 s");
	expect_line("kernel    Linux 6.1.0, host name a");
	expect_line("          image at 0xffffffffa2200000 (guest-physical 0x7400000)");
}

static void test_reasons(void **state)
{
	struct gg_info info = wide();
	static char *const own[] = { "no VMCOREINFO in RAM", "a notice" };
	(void)state;
	info.absent = (struct gg_info_ranges){ 0 };
	info.cpus = NULL;
	info.cpu_count = 0;
	info.cpu_error = gg_error_create(GG_BAD_DATA, "CPUs is damaged");
	info.source.version.err = gg_error_create(GG_BAD_DATA, "CPUs is damaged");
	info.absent_error = gg_error_create(GG_SYSTEM, "cannot tell");
	info.notices = (char **)own;
	info.notice_count = 2;
	print_made_up(&info);
	expect_line("CPUs      unknown");
	assert_string_equal(told, "cannot tell\nCPUs is damaged\nno VMCOREINFO in RAM\na notice\n");
	output[0] = 0;
	assert_success(gg_print_info_json(&info, &of_core, &to_output));
	assert_non_null(strstr(output, ",\"cpus\":null,"));
	assert_non_null(strstr(output, ",\"absent\":null,"));
	gg_error_destroy(info.source.version.err);
	gg_error_destroy(info.cpu_error);
	gg_error_destroy(info.absent_error);
	gg_error_destroy(info.kernel_error);
}

static void test_no_qemu(void **state)
{
	struct gg_info info = wide();
	(void)state;
	info.source = (struct gg_source_facts){ 0 };
	print_made_up(&info);
	assert_null(strstr(output, "QEMU"));
	assert_null(strstr(output, "layout"));
	output[0] = 0;
	assert_success(gg_print_info_json(&info, &of_core, &to_output));
	assert_non_null(strstr(output, ",\"qemu\":null,"));
	gg_error_destroy(info.kernel_error);
}

static void test_wrapping(void **state)
{
	struct gg_info info = wide();
	struct gg_info_options options = of_core;
	char name[200];
	(void)state;
	// A name of two bytes a character is as wide as it has characters.
	for (size_t i = 0; i < 69; i++)
		strcpy(name + 2 * i, "\xc3\xa9");
	options.target = name;
	output[0] = 0;
	assert_success(gg_print_info_text(&info, &options, &to_output, NULL));
	assert_non_null(strstr(output, "\xc3\xa9\nQEMU "));
	assert_int_equal(strspn(strstr(output, "core") + 10, "\xc3\xa9"), 138);

	// A line has 79 columns, and not one more.
	memset(name, 'x', sizeof(name));
	name[40] = ' ';
	for (size_t size = 69; size <= 70; size++) {
		name[size] = 0;
		output[0] = 0;
		assert_success(gg_print_info_text(&info, &options, &to_output, NULL));
		assert_int_equal(strcspn(strstr(output, "core      x"), "\n"),
				 size == 69 ? 79 : 50);
		name[size] = 'x';
	}

	// The last space that fits ends a line; a line that starts with too long a word stays.
	memset(name, 'x', 150);
	strcpy(name + 150, " y");
	name[40] = name[69] = ' ';
	output[0] = 0;
	assert_success(gg_print_info_text(&info, &options, &to_output, NULL));
	const char *at = strstr(output, "core      x");
	assert_int_equal(strcspn(at, "\n"), 79);
	at = strchr(at, '\n') + 1;
	assert_int_equal(strspn(at, " "), 10);
	assert_int_equal(strcspn(at, "\n"), 10 + 82);
	gg_error_destroy(info.kernel_error);
}

static struct gg_error *refuse(void *data, const char *text, size_t size)
{
	(void)data;
	(void)text;
	(void)size;
	return gg_error_create(GG_INTERRUPTED, "q");
}

static void test_refusal(void **state)
{
	const struct gg_writer full = { .write = refuse };
	(void)state;
	open_stub(TABLES);
	told[0] = 0;
	assert_error(gg_print_info(guest, &at_stub, &full, &to_told), GG_INTERRUPTED, "q");
	assert_string_equal(told, "");
}

#define AT_STUB(sentence, function) UNIT_TEST_WITH(NULL, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_STUB("a guest at a gdbstub is a screenful of lines", test_stub),
		AT_STUB("the same guest as JSON is one object with all keys", test_stub_json),
		AT_STUB("what a monitor does not answer is unknown, with the reason",
			test_silent_monitor),
		AT_STUB("a connection that is lost is an error, not an unknown fact", test_lost),
		AT_STUB("a gdbstub has no layouts of QEMU's", test_layout_at_stub),
		AT_STUB("a writer's error ends the command, without notices", test_refusal),
		UNIT_TEST("a QEMU process has its layouts too, with what was not found",
			  test_process),
		UNIT_TEST("a layout is the same by types and by structure, or is said to differ",
			  test_layout_rows),
		UNIT_TEST("256 CPUs and thousands of ranges are a screenful", test_wide),
		UNIT_TEST("a kernel has its lines, with what is known of it", test_kernel),
		UNIT_TEST("a reason is told once, however many facts it is of", test_reasons),
		UNIT_TEST("without QEMU there are no lines about QEMU", test_no_qemu),
		UNIT_TEST("a long line ends behind a part, else at a space", test_wrapping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
