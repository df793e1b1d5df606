// SPDX-License-Identifier: GPL-3.0-or-later
//
// The verdict on a kernel: lines of its log, its variables, the words.
#include "unit.h"
#include "fake-vitals.h"
#include "guest/verdict.h"
#include "linux/log/trouble.h"
#include "log-image.h"
#include "print/lines.h"
#include "print/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000000 };

// ---- The log ----

static const struct {
	const char *text;
	enum gg_trouble_kind kind;
} lines[] = {
	{ "Kernel panic - not syncing: sysrq triggered crash", GG_PANIC },
	{ "Kernel panic - not syncing: Fatal exception", GG_PANIC },
	{ "---[ end Kernel panic - not syncing: sysrq triggered crash ]---", GG_TROUBLES },
	{ "BUG: kernel NULL pointer dereference, address: 0000000000000000", GG_OOPS },
	{ "BUG: unable to handle kernel paging request at ffffc90000000000", GG_OOPS },
	{ "BUG: unable to handle page fault for address: ffffc90000000000", GG_OOPS },
	{ "kernel BUG at mm/slub.c:379!", GG_OOPS },
	{ "Oops: 0002 [#1] PREEMPT SMP PTI", GG_OOPS },
	{ "Oops: Oops: 0002 [#3] SMP NOPTI", GG_OOPS },
	{ "invalid opcode: 0000 [#1] SMP", GG_OOPS },
	{ "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 "
	  "[#1] PREEMPT SMP NOPTI",
	  GG_OOPS },
	{ "Oops: general protection fault, probably for non-canonical address "
	  "0xdead000000000108: 0000 [#1] SMP NOPTI",
	  GG_OOPS },
	{ "stack segment: 0000 [#12] SMP", GG_OOPS },
	{ "NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", GG_HARD_LOCKUP },
	{ "watchdog: Watchdog detected hard LOCKUP on cpu 3", GG_HARD_LOCKUP },
	{ "Watchdog detected hard LOCKUP on cpu 3", GG_HARD_LOCKUP },
	{ "CPU0: Watchdog detected hard LOCKUP on cpu 3", GG_HARD_LOCKUP },
	{ "BUG: soft lockup - CPU#1 stuck for 22s! [sh:57]", GG_SOFT_LOCKUP },
	{ "NMI watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:57]", GG_SOFT_LOCKUP },
	{ "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:57]", GG_SOFT_LOCKUP },
	{ "INFO: rcu_sched self-detected stall on CPU { 1}", GG_RCU_STALL },
	{ "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", GG_RCU_STALL },
	{ "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... }",
	  GG_RCU_STALL },
	{ "INFO: task kworker/0:1:23 blocked for more than 120 seconds.", GG_HUNG_TASK },
	{ "INFO: task dd:99 blocked in I/O wait for more than 122 seconds.", GG_HUNG_TASK },
	{ "Out of memory: Killed process 99 (tail) total-vm:2048kB", GG_OOM_KILL },
	{ "Out of memory: Kill process 99 (tail) score 900 or sacrifice child", GG_OOM_KILL },
	{ "Memory cgroup out of memory: Killed process 99 (tail) total-vm:2048kB", GG_OOM_KILL },
	{ "WARNING: CPU: 1 PID: 57 at kernel/x.c:1 f+0x1/0x2", GG_WARNING },
	{ "WARNING: kernel/x.c:1 at f+0x1/0x2, CPU#1: sh/57", GG_WARNING },
	{ "Out of memory: OOM victim 9 (a) is already exiting. Skip killing the task",
	  GG_TROUBLES },
	{ "tail invoked oom-killer: gfp_mask=0x0", GG_TROUBLES },
	{ "BUG: workqueue lockup - pool cpus=1", GG_TROUBLES },
	{ "systemd[1]: Kernel panic - not syncing: no", GG_TROUBLES },
	// Programs chose these names.
	{ "kernel BUG at x[99]: segfault at 0 ip 0000000000000000", GG_TROUBLES },
	{ "a: 0000 [#1] [99]: segfault at 0 ip 0000000000000000", GG_TROUBLES },
	{ "a: 0000 [#1][99]: segfault at 0 ip 0000000000000000", GG_TROUBLES },
	{ "WARNING: a[99]: segfault at 0 ip 0000000000000000", GG_TROUBLES },
	{ "kernel BUG at x: page allocation failure: order:0", GG_TROUBLES },
	{ "WARNING: x: page allocation failure: order:0", GG_TROUBLES },
	{ "a: 0000 [#1] b: page allocation failure: order:0", GG_TROUBLES },
	{ "x: 12 [#1] y", GG_TROUBLES },
	{ "x 0000 [#1] y", GG_TROUBLES },
	{ "0000 [#1]", GG_TROUBLES },
	{ " [#1]", GG_TROUBLES },
	{ "[", GG_TROUBLES },
	{ "", GG_TROUBLES },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (gg_log_trouble_kind(lines[i].text, strlen(lines[i].text)) != lines[i].kind)
			fail_msg("taken for another thing: %s", lines[i].text);
}

static void add_record(struct log_image *image, uint64_t seconds, unsigned int facility,
		       const char *text)
{
	log_image_add(image, &(struct log_image_record){ .text = text,
							 .text_size = strlen(text),
							 .time = seconds * SECOND,
							 .facility = facility,
							 .state = 2 });
}

static void test_log(void **state)
{
	struct gg_log_troubles troubles;
	(void)state;
	for (unsigned int first = 0; first < 2; first++) {
		struct log_image *image = log_image_create("ring-v6.1", 5, 12, first);
		assert_non_null(image);
		add_record(image, 1, 0, "BUG: kernel NULL pointer dereference, address: 8");
		add_record(image, 1, 0, "Oops: 0002 [#1] SMP");
		add_record(image, 9, 0, "invalid opcode: 0000 [#2] SMP\nsecond line");
		add_record(image, 10, 1, "Kernel panic - not syncing: a program wrote this");
		log_image_finish(image);
		assert_success(gg_log_troubles_read(log_image_host(image), &troubles));
		assert_int_equal(troubles.is_whole, !first);
		assert_int_equal(troubles.time, UINT64_C(10) * SECOND);
		assert_int_equal(troubles.kinds[GG_OOPS].lines, 2);
		assert_string_equal(troubles.kinds[GG_OOPS].line, "invalid opcode: 0000 [#2] SMP");
		assert_int_equal(troubles.kinds[GG_OOPS].time, UINT64_C(9) * SECOND);
		assert_int_equal(troubles.kinds[GG_PANIC].lines, 0);
		assert_null(troubles.kinds[GG_PANIC].line);
		gg_log_troubles_deinit(&troubles);
		log_image_destroy(image);
	}
}

// ---- Variables ----

static struct fake_vitals vitals;
static struct gg_verdict verdict;

static int begin(void **state)
{
	(void)state;
	fake_vitals_init(&vitals);
	verdict = (struct gg_verdict){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	gg_verdict_deinit(&verdict);
	fake_vitals_deinit(&vitals);
	return 0;
}

static void read_all(void)
{
	gg_verdict_deinit(&verdict);
	assert_success(gg_vitals_read(&vitals.answerers, &verdict));
	assert_success(gg_silence_read(&vitals.answerers, &verdict));
}

static void test_well(void **state)
{
	(void)state;
	read_all();
	assert_true(verdict.panic_cpu.is_known && verdict.panic_cpu.value == -1);
	assert_true(verdict.taint.is_known && !verdict.taint.value && !verdict.taint_count);
	assert_true(verdict.troubles[GG_OOPS].count.is_known);
	assert_int_equal(verdict.troubles[GG_OOPS].count.value, 0);
	assert_false(verdict.troubles[GG_RCU_STALL].count.is_known);
	assert_int_equal(verdict.load[0].value, 3072);
	assert_int_equal(verdict.online.value, 3);
	assert_int_equal(verdict.silent_count, 0);
	assert_int_equal(verdict.now.value, UINT64_C(100) * SECOND);
}

static void test_counts(void **state)
{
	(void)state;
	put_uint(vitals.memory + FAKE_PANIC_CPU, 4, 2);
	put_uint(vitals.memory + FAKE_OOPS_COUNT, 4, 3);
	put_uint(vitals.memory + FAKE_DIE_COUNTER, 4, 4);
	put_uint(vitals.memory + FAKE_WARN_COUNT, 4, 5);
	put_uint(vitals.memory + FAKE_HUNG_COUNT, 8, 6);
	put_uint(vitals.memory + FAKE_ONLINE, 8, 5);
	read_all();
	assert_int_equal(verdict.panic_cpu.value, 2);
	assert_int_equal(verdict.troubles[GG_OOPS].count.value, 4);
	assert_int_equal(verdict.troubles[GG_WARNING].count.value, 5);
	assert_int_equal(verdict.troubles[GG_HUNG_TASK].count.value, 6);
	assert_int_equal(verdict.online.value, 2);
}

static void expect_taint(const char *letters)
{
	read_all();
	assert_int_equal(verdict.taint_count, strlen(letters));
	for (size_t i = 0; letters[i]; i++)
		assert_int_equal(verdict.taints[i].letter, letters[i]);
}

// An entry has 3 bytes, or, since v6.11, 24 with a description.
static void test_taint(void **state)
{
	uint8_t *const flags = vitals.memory + FAKE_TAINT_FLAGS;
	uint8_t small[30];
	(void)state;
	put_uint(vitals.memory + FAKE_TAINTED_MASK, 8, 1 | 1 << 7 | 1 << 9 | UINT64_C(1) << 63);
	expect_taint("PDW?");
	memcpy(small, flags, sizeof(small));
	memset(flags, 0, FAKE_TAINT_SIZE);
	for (size_t i = 0; i < 10; i++)
		memcpy(flags + 24 * i, small + 3 * i, 3);
	expect_taint("PDW?");
	flags[24 * 7] = '\033';
	expect_taint("P?W?");
	flags[0] = 'Q';
	expect_taint("????");
}

static uint8_t *area(unsigned int cpu)
{
	return vitals.memory + FAKE_AREAS + 0x400 * (cpu + 1);
}

static void test_silent(void **state)
{
	(void)state;
	// A CPU that ticks, and whose watchdog's task does not run; a CPU that does not tick.
	put_uint(area(1) + FAKE_TOUCHED, 8, UINT64_C(78) * SECOND >> 30);
	put_uint(area(2) + FAKE_TOUCHED, 8, UINT64_C(60) * SECOND >> 30);
	put_uint(area(2) + FAKE_EXPIRES, 8, UINT64_C(51) * SECOND);
	read_all();
	assert_int_equal(verdict.silent_count, 2);
	assert_true(verdict.silent[0].number == 1 && verdict.silent[0].ticks);
	assert_int_equal(verdict.silent[0].seconds, 21);
	assert_true(verdict.silent[1].number == 2 && !verdict.silent[1].ticks);
	assert_int_equal(verdict.silent[1].seconds, 49);
}

static void test_not_silent(void **state)
{
	(void)state;
	// A CPU without timers, whose run queue nobody uses.
	put_uint(area(0) + FAKE_CLOCK, 8, UINT64_C(10) * SECOND);
	put_uint(area(0) + FAKE_EXPIRES, 8, INT64_MAX);
	// A watchdog that was told not to look counts from now on.
	put_uint(area(1) + FAKE_TOUCHED, 8, UINT64_MAX);
	// A CPU that is offline.
	put_uint(vitals.memory + FAKE_ONLINE, 8, 3);
	put_uint(area(2) + FAKE_TOUCHED, 8, 1);
	put_uint(area(2) + FAKE_EXPIRES, 8, 1);
	read_all();
	assert_int_equal(verdict.silent_count, 0);
	// The watchdog is off, or does not watch the CPU.
	put_uint(area(1) + FAKE_TOUCHED, 8, 1);
	put_uint(vitals.memory + FAKE_ENABLED, 4, 0);
	read_all();
	assert_int_equal(verdict.silent_count, 0);
	put_uint(vitals.memory + FAKE_ENABLED, 4, 2);
	put_uint(vitals.memory + FAKE_ALLOWED, 8, 1);
	read_all();
	assert_int_equal(verdict.silent_count, 0);
	put_uint(vitals.memory + FAKE_ALLOWED, 8, 7);
	read_all();
	assert_int_equal(verdict.silent_count, 1);
}

// ---- The log against the variables ----

static struct gg_known known(int64_t value)
{
	return (struct gg_known){ .is_known = true, .value = value };
}

static void test_judge(void **state)
{
	struct gg_trouble *troubles = verdict.troubles;
	(void)state;
	// By the log alone.
	for (size_t i = 0; i < GG_TROUBLES; i++)
		troubles[i].lines = 1;
	gg_verdict_judge(&verdict);
	for (size_t i = 0; i < GG_TROUBLES; i++)
		assert_true(troubles[i].happened);
	// A variable denies it. A user may set the count of hung tasks back.
	for (size_t i = 0; i < GG_TROUBLES; i++)
		troubles[i].count = known(0);
	verdict.panic_cpu = known(-1);
	gg_verdict_judge(&verdict);
	for (size_t i = 0; i < GG_TROUBLES; i++)
		assert_int_equal(troubles[i].happened, i == GG_HUNG_TASK);
	// A log that has lost its lines.
	for (size_t i = 0; i < GG_TROUBLES; i++)
		troubles[i] = (struct gg_trouble){ .count = known(i == GG_OOPS) };
	verdict.panic_cpu = known(0);
	verdict.taint = known(1 << 14);
	gg_verdict_judge(&verdict);
	for (size_t i = 0; i < GG_TROUBLES; i++)
		assert_int_equal(troubles[i].happened,
				 i == GG_PANIC || i == GG_OOPS || i == GG_SOFT_LOCKUP);
	verdict.panic_cpu = known(-1);
	verdict.has_crashed = true;
	gg_verdict_judge(&verdict);
	assert_true(troubles[GG_PANIC].happened);
}

// ---- Words ----

static char output[1 << 14];
static struct gg_source_facts facts;

static struct gg_error *take_text(void *data, const char *text, size_t size)
{
	(void)data;
	assert_true(size < sizeof(output));
	memcpy(output, text, size);
	output[size] = 0;
	return NULL;
}

static void print(void)
{
	struct gg_buffer text = { 0 };
	output[0] = 0;
	gg_append_verdict(&text, &verdict, &facts);
	assert_success(gg_write_lines(&text, &(struct gg_writer){ .write = take_text }));
	for (const char *line = output; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > 79)
			fail_msg("too wide: %s", line);
}

static void report(enum gg_trouble_kind kind, uint64_t count, const char *line)
{
	verdict.troubles[kind] = (struct gg_trouble){ .happened = true,
						      .lines = count,
						      .line = line ? strdup(line) : NULL,
						      .has_time = line,
						      .time = UINT64_C(10500000000) };
}

static void test_troubles(void **state)
{
	(void)state;
	verdict.has_log = verdict.has_whole_log = true;
	verdict.now = known(INT64_C(70500000000));
	verdict.phase = "running";
	report(GG_OOPS, 2, "kernel BUG at mm/slub.c:379!");
	report(GG_SOFT_LOCKUP, 0, NULL);
	report(GG_OOM_KILL, 1,
	       "Out of memory: Killed process 141 (tail) total-vm:196800kB, anon-rss:194464kB");
	report(GG_RCU_STALL, 1, "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:");
	verdict.troubles[GG_OOPS].count = known(3);
	print();
	assert_string_equal(output,
			    "OOPS      3 times, the last at 10.500000 s, 1 min 0 s ago\n"
			    "          kernel BUG at mm/slub.c:379!\n"
			    "LOCKUP    soft, once, not in what is left of the log\n"
			    "RCU STALL at 10.500000 s, 1 min 0 s ago\n"
			    "          rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n"
			    "OOM KILL  at 10.500000 s, 1 min 0 s ago\n"
			    "          Out of memory: Killed process 141 (tail) total-vm:196800kB, "
			    "anon- ...\n"
			    "state     running\n");
	assert_string_equal(gg_verdict_word(&verdict), "oops");
}

static void test_panic(void **state)
{
	(void)state;
	verdict.has_log = verdict.has_whole_log = true;
	verdict.phase = "running";
	report(GG_PANIC, 1, "Kernel panic - not syncing: sysrq triggered crash");
	verdict.panic_cpu = known(1);
	verdict.panic_comm = strdup("sh");
	verdict.panic_pid = 57;
	verdict.crash_time = 1795709142;
	print();
	assert_string_equal(output,
			    "PANIC     on CPU 1, in sh (pid 57), at 10.500000 s, 2026-11-26 "
			    "16:05:42 UTC\n"
			    "          Kernel panic - not syncing: sysrq triggered crash\n");
	assert_string_equal(gg_verdict_word(&verdict), "panic");
}

static void test_quiet(void **state)
{
	(void)state;
	verdict.has_log = verdict.has_whole_log = true;
	verdict.phase = "running";
	verdict.uptime = known(3 * 24 * 3600 + 3600);
	verdict.clock = known(1795709142);
	verdict.load[0] = verdict.load[1] = verdict.load[2] = known(3072);
	verdict.online = known(1);
	verdict.has_tasks = true;
	verdict.task_count = 3;
	verdict.states[0] = (struct gg_state_count){ 'R', 1 };
	verdict.states[1] = (struct gg_state_count){ 'S', 2 };
	verdict.state_count = 2;
	verdict.taint = known(1 << 9);
	verdict.taints[0] = (struct gg_taint_flag){ 9, 'W' };
	verdict.taints[1] = (struct gg_taint_flag){ 30, '?' };
	verdict.taint_count = 2;
	print();
	assert_string_equal(output,
			    "state     running; no panic, oops, lockup, hung task or OOM kill\n"
			    "uptime    3 d 1 h, its clock at 2026-11-26 16:05:42 UTC\n"
			    "load      1.50 1.50 1.50 over 1, 5 and 15 min; 1 CPU online\n"
			    "tasks     3: 1 R, 2 S\n"
			    "taint     W a warning, ? bit 30\n");
	assert_string_equal(gg_verdict_word(&verdict), "running");
	verdict.now = known(INT64_C(10500000000));
	facts = (struct gg_source_facts){ .has_virtual_clock = true,
					  .virtual_clock = UINT64_C(70500000000) };
	print();
	assert_non_null(strstr(output, "UTC\n"
				       "          the kernel's last sign of life at 10.500000 s,\n"
				       "          at most 1 min 0 s before the machine stopped\n"));
	facts.virtual_clock--;
	print();
	assert_null(strstr(output, "sign of life"));
	facts.has_virtual_clock = false;
	verdict.has_whole_log = false;
	verdict.saves_crashed = true;
	print();
	assert_non_null(strstr(output, "state     running, to save the memory of a kernel"));
	assert_non_null(strstr(output, " in what is left of its log\n"));
	assert_string_equal(gg_verdict_word(&verdict), "kdump");
}

static void test_silent_words(void **state)
{
	(void)state;
	verdict.silent = calloc(10, sizeof(*verdict.silent));
	verdict.silent_count = 10;
	for (uint32_t i = 0; i < 10; i++)
		verdict.silent[i] = (struct gg_silent_cpu){ i + 1000, 22, i % 2 };
	print();
	assert_non_null(strstr(output, "CPU 1000  no timer tick for 22 s\n"
				       "CPU 1001  no switch of tasks for 22 s\n"));
	assert_non_null(
		strstr(output, "\n          ... and 2 more\nstate     its log cannot be read\n"));
	assert_string_equal(gg_verdict_word(&verdict), "silent-cpu");
}

// Checks the words for COUNT tasks in CIRCLES deadlocks, and the verdict.
static void assert_deadlock(size_t circles, size_t count, const char *words)
{
	verdict.deadlocks = circles;
	verdict.deadlocked = count;
	print();
	assert_non_null(strstr(output, words));
	assert_string_equal(gg_verdict_word(&verdict), "deadlock");
	assert_true(gg_verdict_is_bad(&verdict));
}

static void test_blocked_words(void **state)
{
	(void)state;
	verdict.has_log = verdict.has_whole_log = true;
	verdict.phase = "running";
	assert_false(gg_verdict_is_bad(&verdict));
	verdict.blocked = 1;
	verdict.blocked_longest = 720;
	print();
	assert_string_equal(output,
			    "BLOCKED   1 task in the state D for 12 min: see guest-blocked\n"
			    "state     running\n");
	assert_string_equal(gg_verdict_word(&verdict), "blocked");
	verdict.blocked = 3;
	print();
	assert_non_null(strstr(output,
			       "BLOCKED   3 tasks in the state D, the longest for 12 min: see "
			       "guest-blocked\n"));
	report(GG_OOM_KILL, 1, "Out of memory");
	assert_string_equal(gg_verdict_word(&verdict), "blocked");
	report(GG_HUNG_TASK, 1, "INFO: task dd:57 blocked for more than 120 seconds.");
	assert_string_equal(gg_verdict_word(&verdict), "hung-task");
	assert_deadlock(1, 1, "DEADLOCK  a task waits for itself: see guest-blocked\n");
	assert_deadlock(1, 2, "DEADLOCK  2 tasks wait for each other: see guest-blocked\n");
	assert_deadlock(2, 5, "DEADLOCK  2 circles of 5 tasks: see guest-blocked\n");
	report(GG_SOFT_LOCKUP, 1, "watchdog: BUG: soft lockup");
	assert_string_equal(gg_verdict_word(&verdict), "soft-lockup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("each version's lines of trouble are known, and no program's",
			  test_lines),
		UNIT_TEST("the last line of a trouble counts; an oops is counted once", test_log),
		UNIT_TEST_WITH(begin, end, "a kernel that is well has no trouble", test_well),
		UNIT_TEST_WITH(begin, end, "troubles are counted as the kernel counts them",
			       test_counts),
		UNIT_TEST_WITH(begin, end,
			       "a taint's letter is the kernel's own, whatever its table is like",
			       test_taint),
		UNIT_TEST_WITH(begin, end,
			       "a CPU without ticks is told from a CPU that does not switch tasks",
			       test_silent),
		UNIT_TEST_WITH(begin, end,
			       "a CPU that is idle, offline or not watched is not called silent",
			       test_not_silent),
		UNIT_TEST_WITH(begin, end, "a kernel's variable counts for more than its log says",
			       test_judge),
		UNIT_TEST_WITH(begin, end, "troubles come with their count, line and age",
			       test_troubles),
		UNIT_TEST_WITH(begin, end, "a panic comes with its CPU, task and time", test_panic),
		UNIT_TEST_WITH(begin, end, "a guest without trouble is five lines", test_quiet),
		UNIT_TEST_WITH(begin, end, "of many silent CPUs the first are shown",
			       test_silent_words),
		UNIT_TEST_WITH(
			begin, end,
			"a deadlock or a task that is blocked is the verdict of a kernel that "
			"has not reported worse",
			test_blocked_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
