// SPDX-License-Identifier: GPL-3.0-or-later
//
// Packets beside the debugger's on its connection to a gdbstub; the gdbstub is the other end of a socket.
#include "unit.h"
#include "guest/stub-run.h"
#include "linux/tasks/tasks.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct gg_wire wire;
static int stub = -1;

static int begin(void **state)
{
	int ends[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	wire = (struct gg_wire){ .fd = ends[0] };
	stub = ends[1];
	return 0;
}

static int end(void **state)
{
	(void)state;
	gg_wire_deinit(&wire);
	close(wire.fd);
	if (stub >= 0)
		close(stub);
	stub = -1;
	return 0;
}

static void answer(const char *text)
{
	assert_int_equal(write(stub, text, strlen(text)), strlen(text));
}

static void test_one_write(void **state)
{
	char got[128] = { 0 };
	(void)state;
	gg_wire_add_stop(&wire);
	gg_wire_add(&wire, "Hg%x", 2);
	gg_wire_add(&wire, "p%x", 16);
	gg_wire_add(&wire, "vCont;c");
	assert_null(gg_wire_send(&wire));
	assert_int_equal(read(stub, got, sizeof(got) - 1), strlen("\003$Hg2#e1$p10#d1$vCont;c#a8"));
	assert_string_equal(got, "\003$Hg2#e1$p10#d1$vCont;c#a8");
}

static void test_replies(void **state)
{
	uint8_t bytes[2];
	(void)state;
	answer("++$T02thread:p01.01;#03+$OK#9a+$0b1");
	assert_null(gg_wire_receive(&wire));
	assert_string_equal(wire.reply, "T02thread:p01.01;");
	assert_null(gg_wire_receive(&wire));
	assert_string_equal(wire.reply, "OK");
	answer("7#f");
	answer("a");
	assert_null(gg_wire_receive(&wire));
	assert_null(gg_wire_bytes(&wire, bytes, sizeof(bytes)));
	assert_int_equal(bytes[0], 0x0b);
	assert_int_equal(bytes[1], 0x17);
}

static void assert_refused(const char *text, enum gg_error_kind kind)
{
	uint8_t bytes[4];
	answer(text);
	struct gg_error *err = gg_wire_receive(&wire);
	if (!err)
		err = gg_wire_bytes(&wire, bytes, sizeof(bytes));
	assert_non_null(err);
	assert_int_equal(gg_error_kind(err), kind);
	gg_error_destroy(err);
	wire.start = wire.end = 0;
}

static void test_damage(void **state)
{
	(void)state;
	assert_refused("$00112233#00", GG_BAD_DATA);
	assert_refused("-", GG_BAD_DATA);
	assert_refused("$E14#aa", GG_FAULT);
	assert_refused("$0011#c2", GG_BAD_DATA);
	assert_refused("$00zz1122#1a", GG_BAD_DATA);
}

static void test_long(void **state)
{
	char text[GG_WIRE_REPLY + 16];
	(void)state;
	memset(text, '0', sizeof(text));
	text[0] = '$';
	text[sizeof(text) - 1] = 0;
	assert_refused(text, GG_BAD_DATA);
}

static void test_lost(void **state)
{
	(void)state;
	answer("+$O");
	close(stub);
	stub = -1;
	struct gg_error *err = gg_wire_receive(&wire);
	assert_int_equal(gg_error_kind(err), GG_LOST);
	gg_error_destroy(err);
	gg_wire_add(&wire, "?");
	err = gg_wire_send(&wire);
	assert_int_equal(gg_error_kind(err), GG_LOST);
	gg_error_destroy(err);
}

static void test_waits(void **state)
{
	bool came = true;
	(void)state;
	answer("+");
	assert_null(gg_wire_wait(&wire, gg_wire_now() + 1000000, &came));
	assert_false(came);
	answer("$T05#b9");
	assert_null(gg_wire_wait(&wire, gg_wire_now() + 1000000000, &came));
	assert_true(came);
	assert_string_equal(wire.reply, "T05");
}

static void test_identity(void **state)
{
	static const char near[] = "$m1000,14#bf", far[] = "$m1000,4#8e$m9000,10#c3";
	struct gg_stub_run run = { .wire = wire };
	char got[64] = { 0 }, name[GG_TASK_COMM + 1] = { 0 };
	uint64_t pid = 0;
	(void)state;
	gg_stub_ask_identity(&run, 0x1010, 0x1000);
	assert_null(gg_wire_send(&run.wire));
	assert_int_equal(read(stub, got, sizeof(got) - 1), strlen(near));
	assert_string_equal(got, near);
	answer("$6361740000000000000000000000000039050000#ac");
	assert_null(gg_stub_receive_identity(&run, 0x1010, 0x1000, &pid, name));
	assert_int_equal(pid, 1337);
	assert_string_equal(name, "cat");

	memset(got, 0, sizeof(got));
	gg_stub_ask_identity(&run, 0x1000, 0x9000);
	assert_null(gg_wire_send(&run.wire));
	assert_int_equal(read(stub, got, sizeof(got) - 1), strlen(far));
	assert_string_equal(got, far);
	answer("$01000000#81$73680000000000000000000000000000#18");
	assert_null(gg_stub_receive_identity(&run, 0x1000, 0x9000, &pid, name));
	assert_int_equal(pid, 1);
	assert_string_equal(name, "sh");
	wire = run.wire;
}

static void test_connections(void **state)
{
	struct gg_wire found;
	(void)state;
	// Both ends are this process's.
	struct gg_error *err = gg_wire_init(&found, "|");
	assert_int_equal(gg_error_kind(err), GG_UNSUPPORTED);
	gg_error_destroy(err);
	gg_wire_deinit(&found);
	close(stub);
	stub = -1;
	err = gg_wire_init(&found, "/tmp/no-such-stub");
	assert_int_equal(gg_error_kind(err), GG_UNSUPPORTED);
	gg_error_destroy(err);
	gg_wire_deinit(&found);
}

#define WIRE_TEST(name, function)                                                                  \
	{                                                                                          \
		name, function, begin, end, NULL                                                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST("a stop and packets go out in one write, with their checksums",
			  test_one_write),
		WIRE_TEST("replies come one by one, however the bytes arrive", test_replies),
		WIRE_TEST("a damaged, short or refused reply is an error", test_damage),
		WIRE_TEST("a reply without an end is an error", test_long),
		WIRE_TEST("a connection that ends is lost, for reads and writes", test_lost),
		WIRE_TEST("an acknowledgement is no packet, and a stop is one", test_waits),
		WIRE_TEST("a task's number and name come by one packet where both are near",
			  test_identity),
		WIRE_TEST("of no connection, or several, none is taken", test_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
