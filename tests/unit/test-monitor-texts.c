// SPDX-License-Identifier: GPL-3.0-or-later
//
// Facts out of texts that QEMU's monitor prints, of QEMU 5.2 to 11.1, and out of texts that it never
// printed.
#include "unit.h"

#include "qemu/monitor/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Facts ----

static struct gg_monitor *monitor;

static void use_text(enum gg_monitor_text which, const char *text)
{
	const char *texts[GG_MONITOR_TEXTS];
	for (size_t i = 0; i < GG_MONITOR_TEXTS; i++)
		texts[i] = i == which ? text : "";
	gg_monitor_destroy(monitor);
	assert_success(gg_monitor_create(texts, &monitor));
}

static int end_test(void **state)
{
	(void)state;
	gg_monitor_destroy(monitor);
	monitor = NULL;
	return 0;
}

typedef struct gg_error *ask_fn(const struct gg_monitor *monitor, char **ret);

static void expect(enum gg_monitor_text which, const char *text, ask_fn *ask, const char *answer)
{
	char *got;
	use_text(which, text);
	assert_success(ask(monitor, &got));
	assert_string_equal(got, answer);
	free(got);
}

static void expect_none(enum gg_monitor_text which, const char *text, ask_fn *ask,
			enum gg_error_kind kind, const char *why)
{
	char *got;
	use_text(which, text);
	assert_error(ask(monitor, &got), kind, why);
}

static void test_facts(void **state)
{
	(void)state;
	expect(GG_MONITOR_VERSION, "7.2.22Debian 1:7.2+dfsg-7+deb12u18\r\n", gg_monitor_version,
	       "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)");
	expect(GG_MONITOR_VERSION, "9.0.0\n", gg_monitor_version, "9.0.0");
	expect_none(GG_MONITOR_VERSION, "\033[2J\n", gg_monitor_version, GG_BAD_DATA, "\\x1b[2J");
	expect_none(GG_MONITOR_VERSION, "", gg_monitor_version, GG_NOT_FOUND, "info version");
	expect(GG_MONITOR_MACHINE, "\"pc-i440fx-7.2-machine\"\r\n", gg_monitor_machine,
	       "pc-i440fx-7.2");
	expect_none(GG_MONITOR_MACHINE, "unknown command: 'qom-get'\n", gg_monitor_machine,
		    GG_NOT_FOUND, "qom-get");
	expect(GG_MONITOR_STATUS, "VM status: paused\r\n", gg_monitor_run_state, "paused");
	expect(GG_MONITOR_STATUS, "VM status: paused (guest-panicked)\r\n", gg_monitor_run_state,
	       "guest-panicked");
	expect_none(GG_MONITOR_STATUS, "nonsense", gg_monitor_run_state, GG_NOT_FOUND,
		    "info status");
}

static void test_accelerators(void **state)
{
	(void)state;
	use_text(GG_MONITOR_KVM, "kvm support: enabled\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_KVM);
	use_text(GG_MONITOR_KVM, "kvm support: disabled\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_UNKNOWN);
	use_text(GG_MONITOR_JIT, "Accelerator settings:\r\n\r\nTranslation buffer state:\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_TCG);
	use_text(GG_MONITOR_JIT, "JIT information is only available with accel=tcg\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_UNKNOWN);
	assert_null(gg_monitor_command(GG_MONITOR_TEXTS));
}

// ---- A dump ----

static void test_dump(void **state)
{
	char *command;
	double done;
	bool ended;
	(void)state;
	assert_success(gg_monitor_dump_command("/a b/\"c\"\\d\ne", &command));
	assert_string_equal(command, "dump-guest-memory -d \"/a b/\\\"c\\\"\\\\d\\ne\"");
	free(command);
	assert_success(
		gg_monitor_dump_progress("Status: active\r\nFinished: 25.00 %\r\n", &done, &ended));
	assert_true(done == 0.25 && !ended);
	assert_success(gg_monitor_dump_progress("Status: completed\r\nFinished: 100.00 %\r\n",
						&done, &ended));
	assert_true(done == 1 && ended);
	assert_success(
		gg_monitor_dump_progress("Status: active\nFinished: nan %\n", &done, &ended));
	assert_true(done == 0 && !ended);
	assert_error(gg_monitor_dump_progress("Status: failed\r\n", &done, &ended), GG_SYSTEM,
		     "could not write");
	assert_error(gg_monitor_dump_progress("Status: none\r\n", &done, &ended), GG_BAD_DATA,
		     "Status: none");
	assert_error(gg_monitor_dump_progress("", &done, &ended), GG_BAD_DATA, "without the state");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "version, machine and run state are as the monitor prints them",
		  .test_func = test_facts,
		  .teardown_func = end_test },
		{ .name = "the accelerator is known, or said not to be",
		  .test_func = test_accelerators,
		  .teardown_func = end_test },
		UNIT_TEST("a dump by QEMU is asked for, and followed", test_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
