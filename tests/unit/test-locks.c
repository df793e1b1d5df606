// SPDX-License-Identifier: GPL-3.0-or-later
//
// Queues, owners and chains that no real guest gives: tests/guest/test_blocked.py has the others.
#include "fake-locks.h"
#include "unit.h"

#include <string.h>

struct test {
	struct fake_locks locks;
	struct gg_waits waits;
};

static void set_up(struct test *test, bool has_heads)
{
	*test = (struct test){ 0 };
	fake_locks_init(&test->locks, has_heads);
}

static void put(struct test *test, unsigned int offset, uint64_t word)
{
	fake_locks_put(&test->locks, offset, word);
}

static void read_waits(struct test *test)
{
	fake_locks_add_tasks(&test->locks);
	assert_success(gg_waits_read(&test->locks.answerers, test->locks.unwinder,
				     &test->locks.tasks, "DS", &test->waits));
}

static void tear_down(struct test *test)
{
	gg_waits_deinit(&test->waits);
	fake_locks_deinit(&test->locks);
}

// Checks that task I waits for the lock at LOCK, 0 for none, and that its owner is task HOLDER.
static void assert_wait(const struct test *test, unsigned int i, enum gg_wait_kind kind,
			unsigned int lock, enum gg_lock_owner owner, int32_t holder)
{
	const struct gg_wait *wait = &test->waits.waits[i];
	assert_int_equal(wait->kind, kind);
	assert_int_equal(wait->lock, lock ? fake_locks_at(lock) : 0);
	assert_int_equal(wait->owner, owner);
	assert_int_equal(wait->holder ? wait->holder->pid : 0, holder);
}

static void check_all(bool has_heads)
{
	struct test test;
	set_up(&test, has_heads);
	read_waits(&test);
	assert_wait(&test, 1, GG_WAIT_MUTEX, FAKE_MUTEX_2, GG_OWNER_KNOWN, 2);
	assert_wait(&test, 2, GG_WAIT_MUTEX, FAKE_MUTEX_1, GG_OWNER_KNOWN, 1);
	assert_wait(&test, 3, GG_WAIT_MUTEX, FAKE_MUTEX_1, GG_OWNER_KNOWN, 1);
	assert_wait(&test, 4, GG_WAIT_PLAIN, 0, GG_OWNER_UNKNOWN, 0);
	assert_wait(&test, 5, GG_WAIT_RWSEM, FAKE_RWSEM, GG_OWNER_KNOWN, 4);
	assert_wait(&test, 6, GG_WAIT_RWSEM, FAKE_RWSEM, GG_OWNER_KNOWN, 4);
	assert_wait(&test, 7, GG_WAIT_PAGE, FAKE_FOLIO, GG_OWNER_UNKNOWN, 0);
	assert_int_equal(test.waits.deadlocks, 1);
	assert_int_equal(test.waits.waits[1].deadlock, 1);
	assert_int_equal(test.waits.waits[2].deadlock, 1);
	assert_int_equal(test.waits.waits[3].deadlock, 0);
	assert_int_equal(test.waits.waits[1].behind, 2);
	assert_int_equal(test.waits.waits[4].behind, 2);
	assert_int_equal(test.waits.waits[5].mode, GG_WAIT_TO_READ);
	assert_int_equal(test.waits.waits[6].mode, GG_WAIT_TO_WRITE);
	tear_down(&test);
}

static void test_heads(void **state)
{
	(void)state;
	check_all(true);
}

static void test_no_heads(void **state)
{
	(void)state;
	check_all(false);
}

static void test_word(void **state)
{
	(void)state;
	struct test test;
	set_up(&test, false);
	for (unsigned int i = 0; i < FAKE_LOCKS_TASKS; i++)
		put(&test, fake_locker(i) + FAKE_BLOCKER, 0);
	put(&test, fake_stack(1, FAKE_SP + 8), fake_locks_at(FAKE_MUTEX_2));
	put(&test, fake_locker(2) + FAKE_BLOCKED_ON, fake_locks_at(FAKE_MUTEX_1));
	// Another lock's, which the waiter's queue does not bear out.
	put(&test, fake_stack(5, FAKE_SP + 8), fake_locks_at(FAKE_MUTEX_1));
	read_waits(&test);
	assert_wait(&test, 1, GG_WAIT_MUTEX, FAKE_MUTEX_2, GG_OWNER_KNOWN, 2);
	assert_int_equal(test.waits.waits[1].found, GG_FOUND_BY_WORD);
	assert_wait(&test, 2, GG_WAIT_MUTEX, FAKE_MUTEX_1, GG_OWNER_KNOWN, 1);
	assert_int_equal(test.waits.waits[2].found, GG_FOUND_BY_TASK);
	assert_wait(&test, 5, GG_WAIT_RWSEM, 0, GG_OWNER_UNKNOWN, 0);
	tear_down(&test);
}

static void test_links(void **state)
{
	(void)state;
	struct test test;
	set_up(&test, true);
	// The head does not lead back; the list of the rwsem leaves for good.
	put(&test, FAKE_MUTEX_2 + FAKE_QUEUE + 8, 0);
	put(&test, fake_stack(6, FAKE_WAITER), fake_locks_at(fake_stack(6, FAKE_WAITER)));
	// The task's address alone.
	put(&test, fake_stack(3, FAKE_WAITER), 0);
	read_waits(&test);
	assert_wait(&test, 1, GG_WAIT_MUTEX, 0, GG_OWNER_UNKNOWN, 0);
	assert_wait(&test, 3, GG_WAIT_MUTEX, 0, GG_OWNER_UNKNOWN, 0);
	assert_wait(&test, 5, GG_WAIT_RWSEM, 0, GG_OWNER_UNKNOWN, 0);
	assert_int_equal(test.waits.deadlocks, 0);
	tear_down(&test);
}

static void test_two_heads(void **state)
{
	(void)state;
	struct test test;
	set_up(&test, true);
	// The queue's second waiter is on no task's stack.
	put(&test, fake_stack(3, FAKE_WAITER + 16), fake_locks_at(fake_locker(1)));
	read_waits(&test);
	assert_wait(&test, 2, GG_WAIT_MUTEX, 0, GG_OWNER_UNKNOWN, 0);
	tear_down(&test);
}

static void test_mutex_owners(void **state)
{
	(void)state;
	static const struct {
		uint64_t owner;
		enum gg_lock_owner kind;
		int32_t holder;
	} cases[] = {
		{ FAKE_LOCKS_BASE + FAKE_LOCKERS + 5 * FAKE_LOCKER_SIZE, GG_OWNER_KNOWN, 5 },
		{ FAKE_LOCKS_BASE + FAKE_LOCKERS + 1 * FAKE_LOCKER_SIZE, GG_OWNER_KNOWN, 1 },
		{ (FAKE_LOCKS_BASE + FAKE_LOCKERS + 5 * FAKE_LOCKER_SIZE) | 5, GG_OWNER_UNKNOWN,
		  0 },
		{ FAKE_LOCKS_BASE + 0x8000, GG_OWNER_GONE, 0 },
		{ 1, GG_OWNER_UNKNOWN, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct test test;
		set_up(&test, true);
		put(&test, FAKE_MUTEX_2 + FAKE_OWNER, cases[i].owner);
		read_waits(&test);
		assert_wait(&test, 1, GG_WAIT_MUTEX, FAKE_MUTEX_2, cases[i].kind, cases[i].holder);
		assert_int_equal(test.waits.deadlocks, i == 1);
		tear_down(&test);
	}
}

static void test_rwsem_owners(void **state)
{
	(void)state;
	const uint64_t task_1 = fake_locks_at(fake_locker(1)),
		       task_5 = fake_locks_at(fake_locker(5));
	const struct {
		uint64_t count, owner;
		enum gg_lock_owner kind;
	} cases[] = {
		{ 0x102, task_1 | 1, GG_OWNER_MAYBE },
		{ 0x002, task_1 | 1, GG_OWNER_UNKNOWN }, // no reader is left
		{ 0x102, task_5 | 1, GG_OWNER_UNKNOWN }, // the last reader waits itself
		{ 0x102, task_1 | 3, GG_OWNER_MAYBE },   // nobody spins for it
		{ 0x003, task_1 | 1, GG_OWNER_UNKNOWN }, // a writer has just come
		{ 0x102, FAKE_LOCKS_BASE | 0x8001, GG_OWNER_UNKNOWN },
		{ 0x003, task_1, GG_OWNER_KNOWN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct test test;
		set_up(&test, true);
		put(&test, FAKE_RWSEM + FAKE_COUNT, cases[i].count);
		put(&test, FAKE_RWSEM + FAKE_OWNER, cases[i].owner);
		read_waits(&test);
		assert_int_equal(test.waits.waits[5].owner, cases[i].kind);
		tear_down(&test);
	}
}

static void test_younger(void **state)
{
	(void)state;
	struct test test;
	set_up(&test, true);
	fake_locks_add_tasks(&test.locks);
	// Task 2 was started when task 1 slept: task 1 may wait for another, whose memory 2 has.
	test.locks.tasks.tasks[2].start = 5000;
	test.locks.tasks.tasks[2].last_arrival = 6000;
	assert_success(gg_waits_read(&test.locks.answerers, test.locks.unwinder, &test.locks.tasks,
				     "DS", &test.waits));
	assert_wait(&test, 1, GG_WAIT_MUTEX, FAKE_MUTEX_2, GG_OWNER_MAYBE, 2);
	assert_int_equal(test.waits.deadlocks, 0);
	assert_int_equal(test.waits.waits[1].behind, 2);
	tear_down(&test);
}

static void test_unreadable(void **state)
{
	(void)state;
	struct test test;
	set_up(&test, true);
	for (unsigned int i = 1; i < FAKE_LOCKS_TASKS; i++)
		put(&test, fake_stack(i, FAKE_FRAMES + 8), 0x1000);
	read_waits(&test);
	for (unsigned int i = 0; i < FAKE_LOCKS_TASKS; i++)
		assert_int_equal(test.waits.waits[i].lock, 0);
	tear_down(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("A task's entry in a queue leads to the lock and its owner; a circle of "
			  "certain waits is a deadlock",
			  test_heads),
		UNIT_TEST("So it does where queues have no heads, by the lock that the task_struct "
			  "has",
			  test_no_heads),
		UNIT_TEST(
			"Without heads a word of the stack is the lock if the lock's first waiter "
			"is in the task's queue",
			test_word),
		UNIT_TEST("A queue whose links do not lead back makes no lock known", test_links),
		UNIT_TEST("A queue with two nodes that are no waiters makes no lock known",
			  test_two_heads),
		UNIT_TEST("A mutex has the owner that it records, unless it is on its way to the "
			  "next; an owner that is no task is gone",
			  test_mutex_owners),
		UNIT_TEST("A rwsem has a writer for its certain owner, and the last of its readers "
			  "for a possible owner",
			  test_rwsem_owners),
		UNIT_TEST("An owner that was started after the wait is not certain, and its circle "
			  "no "
			  "deadlock",
			  test_younger),
		UNIT_TEST("Stacks that lead elsewhere make no lock known", test_unreadable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
