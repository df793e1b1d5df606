// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include <gdb-guest.h>

// A test, with the sentence that it proves.
#define UNIT_TEST(sentence, function)                                                              \
	{                                                                                          \
		.name = (sentence), .test_func = (function)                                        \
	}

// A test with a set-up and a teardown; either may be NULL.
#define UNIT_TEST_WITH(before, after, sentence, function)                                          \
	{                                                                                          \
		.name = (sentence), .test_func = (function), .setup_func = (before),               \
		.teardown_func = (after)                                                           \
	}

// Fails, with the error's text, if ERR is one.
void assert_success(struct gg_error *err);

// ERR must be of KIND and its message hold TEXT; it is destroyed.
void assert_error(struct gg_error *err, enum gg_error_kind kind, const char *text);

// Fails unless VALUE is MIN to MAX. cmocka's own has another name since cmocka 2.0.
void assert_between(uint64_t value, uint64_t min, uint64_t max);

// Little-endian VALUE of SIZE bytes to WHERE.
void put_uint(void *where, unsigned int size, uint64_t value);

#endif
