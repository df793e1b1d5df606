// SPDX-License-Identifier: GPL-3.0-or-later
//
// The folder in the user's cache.
#include "unit.h"
#include "base/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/test-cache-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return !mkdtemp(top);
}

static int tear_down(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

static void expect_folder(const char *below)
{
	char expected[128], *folder;
	struct stat status;
	snprintf(expected, sizeof(expected), "%s/%s", top, below);
	assert_success(gg_cache_folder("vmlinux", &folder));
	assert_string_equal(folder, expected);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	free(folder);
}

static void test_folder(void **state)
{
	char name[128];
	(void)state;
	snprintf(name, sizeof(name), "%s/a/b", top);
	setenv("HOME", top, 1);
	setenv("XDG_CACHE_HOME", name, 1);
	expect_folder("a/b/gdb-guest/vmlinux");
	expect_folder("a/b/gdb-guest/vmlinux");
	setenv("XDG_CACHE_HOME", "relative", 1);
	expect_folder(".cache/gdb-guest/vmlinux");
	unsetenv("XDG_CACHE_HOME");
	expect_folder(".cache/gdb-guest/vmlinux");
}

static void test_no_folder(void **state)
{
	char name[128], *folder;
	(void)state;
	snprintf(name, sizeof(name), "%s/file", top);
	fclose(fopen(name, "w"));
	setenv("XDG_CACHE_HOME", name, 1);
	assert_error(gg_cache_folder("vmlinux", &folder), GG_SYSTEM, "making the folder");
}

// Makes the file NAME of SIZE bytes, which was used at SECOND.
static void make_file(const char *folder, const char *name, size_t size, time_t second)
{
	char path[256];
	const struct timespec times[] = { { .tv_sec = second }, { .tv_sec = second } };
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fclose(fopen(path, "w"));
	assert_int_equal(truncate(path, (off_t)size), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool exists(const char *folder, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return !access(path, F_OK);
}

static void test_prune(void **state)
{
	char *folder, path[256];
	uint64_t size;
	(void)state;
	setenv("XDG_CACHE_HOME", top, 1);
	assert_success(gg_cache_folder("prune", &folder));
	make_file(folder, "old", 100, 1000);
	make_file(folder, "older", 100, 900);
	make_file(folder, "new", 100, 2000);
	make_file(folder, "empty", 0, 500);
	snprintf(path, sizeof(path), "%s/empty", folder);
	assert_false(gg_cache_use(path, &size));
	snprintf(path, sizeof(path), "%s/older", folder);
	assert_true(gg_cache_use(path, &size));
	assert_int_equal(size, 100);
	assert_success(gg_cache_prune(folder, 3, 1000));
	assert_true(exists(folder, "older") && exists(folder, "new") && exists(folder, "old"));
	assert_false(exists(folder, "empty"));
	assert_success(gg_cache_prune(folder, 3, 200));
	assert_true(exists(folder, "older") && exists(folder, "new"));
	assert_false(exists(folder, "old"));
	assert_success(gg_cache_prune(folder, 1, 1));
	assert_true(exists(folder, "older"));
	assert_false(exists(folder, "new"));
	assert_int_equal(symlink("/etc/passwd", path), -1);
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_false(gg_cache_use(path, &size));
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("the folder is below $XDG_CACHE_HOME, or the home's .cache, for the user "
			  "alone",
			  test_folder),
		UNIT_TEST("a folder that cannot be made is an error that names it", test_no_folder),
		UNIT_TEST("the files that were used last stay, as many and as large as the limits "
			  "allow",
			  test_prune),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
