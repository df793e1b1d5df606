// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs a fuzz target on inputs that are the same every time: nothing, the files named on the
// command line or else the target's cases, and variants of them made with a fixed seed.
#include "fuzz.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A target that takes long for each says how many.
#ifndef VARIANTS
#define VARIANTS 10000
#endif

// A target whose inputs are cases names the folder of tests/ that has the cases.
#ifndef CASES
#define CASES NULL
#endif

enum { MAX_INPUT = 65536 };

static uint32_t random_state = 1;

// xorshift32, of George Marsaglia's "Xorshift RNGs" (2003).
static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

// A value that is likely to be beyond a limit, or any.
static uint64_t next_value(void)
{
	static const uint64_t telling[] = { 0,          1,         0x7fffffff, 0x80000000,
					    UINT32_MAX, INT64_MAX, UINT64_MAX };
	return next_random() % 2 ? telling[next_random() % 7] : next_random();
}

static size_t vary(uint8_t *input, size_t size)
{
	if (next_random() % 8 == 0)
		size = next_random() % MAX_INPUT / (1 + next_random() % 512);
	for (uint32_t changes = 1 + next_random() % 8; size && changes; changes--) {
		size_t where = next_random() % size;
		uint64_t value = next_value();
		size_t width = (size_t)1 << next_random() % 4;
		memcpy(input + where, &value, size - where < width ? size - where : width);
	}
	return size;
}

// Makes an input of its own. Most targets take an input for a list of changes to what is sound:
// some few, so that the rest stays sound.
static size_t invent(uint8_t *input)
{
	enum { MOST_CHANGES = 8, CHANGE = 11, HEAD = 3 };
	const size_t size = next_random() % HEAD + CHANGE * (next_random() % MOST_CHANGES);
	for (size_t at = 0; at < size; at++)
		input[at] = (uint8_t)next_random();
	for (size_t at = HEAD; at + CHANGE <= size; at += CHANGE) {
		const uint64_t value = next_value();
		memcpy(input + at, &value, sizeof(value));
	}
	return size;
}

static size_t read_seed(const char *path, uint8_t *input)
{
	FILE *file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(1);
	}
	size_t size = fread(input, 1, MAX_INPUT, file);
	fclose(file);
	return size;
}

static void use_seeds(char **paths, size_t count)
{
	static uint8_t seed[MAX_INPUT], input[MAX_INPUT];
	for (size_t i = 0; i < count; i++) {
		memset(seed, 0, sizeof(seed));
		size_t size = read_seed(paths[i], seed);
		LLVMFuzzerTestOneInput(seed, size);
		for (size_t variant = 0; variant < VARIANTS / count; variant++) {
			memcpy(input, seed, sizeof(input));
			LLVMFuzzerTestOneInput(input, vary(input, size));
		}
	}
}

static void use_cases(const char *folder)
{
	const char *source = getenv("srcdir");
	char pattern[4096];
	glob_t files;
	snprintf(pattern, sizeof(pattern), "%s/tests/%s/*.case", source ? source : ".", folder);
	if (glob(pattern, 0, NULL, &files)) {
		fprintf(stderr, "no cases: %s\n", pattern);
		exit(1);
	}
	use_seeds(files.gl_pathv, files.gl_pathc);
	globfree(&files);
}

int main(int argument_count, char **arguments)
{
	static uint8_t input[MAX_INPUT];
	const char *cases = CASES;
	LLVMFuzzerTestOneInput(input, 0);
	if (argument_count > 1)
		use_seeds(arguments + 1, (size_t)argument_count - 1);
	else if (cases)
		use_cases(cases);
	else
		for (int variant = 0; variant < VARIANTS; variant++)
			LLVMFuzzerTestOneInput(input, invent(input));
	printf("1..1\nok 1 - %s survives its seeds and %d variants\n", arguments[0], VARIANTS);
	return 0;
}
