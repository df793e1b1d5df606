// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  /proc, or a core's auxiliary vector (NT_AUXV) and stack.
// Out: the arguments, NUL behind each.
// Trusts nothing it reads: pointers must lead into the stack, and from each argument to the next, as the
// kernel lays them out (Linux fs/exec.c, copy_strings(); fs/binfmt_elf.c, create_elf_tables()).
#include "arguments.h"
#include "base/cleanup.h"
#include "base/cursor.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STACK_MAX = 16 << 20 };

// ---- A process ----

struct gg_error *gg_arguments_of_process(pid_t pid, struct gg_buffer *ret)
{
	char path[64], bytes[4096];
	struct gg_error *err = NULL;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;
	while (got > 0 && ret->size < STACK_MAX) {
		got = read(fd, bytes, sizeof(bytes));
		if (got > 0)
			gg_buffer_append(ret, bytes, (size_t)got);
	}
	if (got < 0)
		err = gg_error_system(errno, "%s", path);
	if (fd >= 0)
		close(fd);
	return err ? err : gg_buffer_check(ret);
}

// ---- A stack ----

// Reads the word at the offset AT.
static struct gg_error *read_word(const struct gg_stack_bytes *stack, size_t at, uint64_t *ret)
{
	struct gg_cursor cursor =
		gg_cursor(stack->bytes, stack->size, stack->big_endian, "the stack");
	struct gg_error *err = gg_cursor_seek(&cursor, at);
	return err ? err : gg_cursor_uint(&cursor, stack->word, ret);
}

// Finds the auxiliary vector, the last copy of it that is aligned.
static struct gg_error *find_vector(const struct gg_stack_bytes *stack, const uint8_t *auxv,
				    size_t size, size_t *ret)
{
	if (size < 2 * (size_t)stack->word || size > stack->size)
		return gg_error_create(GG_NOT_FOUND, "its stack is not there");
	for (size_t at = (stack->size - size) / stack->word * stack->word; at; at -= stack->word) {
		if (memcmp(stack->bytes + at, auxv, size))
			continue;
		*ret = at;
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "its stack does not hold the auxiliary vector");
}

// Moves *AT from a list's end, a 0, to the list's first pointer: behind a 0, or with IS_COUNTED behind the
// number of the pointers.
static struct gg_error *skip_pointers(const struct gg_stack_bytes *stack, size_t *at,
				      bool is_counted, uint64_t *count)
{
	for (*count = 0; *at >= stack->word; ++*count) {
		uint64_t value;
		struct gg_error *err = read_word(stack, *at - stack->word, &value);
		if (err || value == (is_counted ? *count : 0))
			return err;
		*at -= stack->word;
	}
	return gg_error_create(GG_BAD_DATA, "the stack's pointers have no start");
}

// Moves *AT, behind a list's end, onto that end.
static struct gg_error *step_onto_end(const struct gg_stack_bytes *stack, size_t *at)
{
	uint64_t value = 1;
	struct gg_error *err =
		*at < stack->word ? NULL : read_word(stack, *at - stack->word, &value);
	if (err)
		return err;
	if (value)
		return gg_error_create(GG_BAD_DATA, "a list of the stack's pointers has no end");
	*at -= stack->word;
	return NULL;
}

// Appends the COUNT strings whose pointers are at AT: the next string starts behind each.
static struct gg_error *append_strings(const struct gg_stack_bytes *stack, size_t at,
				       uint64_t count, struct gg_buffer *ret)
{
	uint64_t expected = 0;
	for (uint64_t i = 0; i < count; i++, at += stack->word) {
		uint64_t pointer;
		struct gg_error *err = read_word(stack, at, &pointer);
		if (err)
			return err;
		const uint64_t offset = pointer - stack->start;
		if (offset >= stack->size || (i && pointer != expected))
			return gg_error_create(GG_BAD_DATA,
					       "argument %" PRIu64 " is at 0x%" PRIx64
					       ", not in its place on the stack",
					       i, pointer);
		const size_t room = stack->size - offset;
		const size_t size = strnlen((const char *)stack->bytes + offset, room);
		if (size == room)
			return gg_error_create(GG_BAD_DATA, "argument %" PRIu64 " has no end", i);
		gg_buffer_append(ret, stack->bytes + offset, size + 1);
		expected = pointer + size + 1;
	}
	return gg_buffer_check(ret);
}

struct gg_error *gg_arguments_find(const struct gg_stack_bytes *stack, const uint8_t *auxv,
				   size_t auxv_size, struct gg_buffer *ret)
{
	size_t at = 0;
	uint64_t count = 0;
	struct gg_error *err = find_vector(stack, auxv, auxv_size, &at);
	if (!err)
		err = step_onto_end(stack, &at);
	if (!err)
		err = skip_pointers(stack, &at, false, &count);
	if (!err)
		err = step_onto_end(stack, &at);
	if (!err)
		err = skip_pointers(stack, &at, true, &count);
	return err ? err : append_strings(stack, at, count, ret);
}

// ---- A core ----

// Finds the address of the program's name (AT_EXECFN), which is on the stack.
static struct gg_error *find_name(const struct gg_stack_bytes *stack, const uint8_t *auxv,
				  size_t size, uint64_t *ret)
{
	struct gg_cursor cursor = gg_cursor(auxv, size, stack->big_endian, "the auxiliary vector");
	uint64_t type, value;
	while (cursor.position < size) {
		struct gg_error *err = gg_cursor_uint(&cursor, stack->word, &type);
		if (!err)
			err = gg_cursor_uint(&cursor, stack->word, &value);
		if (err)
			return err;
		*ret = value;
		if (type == AT_EXECFN)
			return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "the core does not say where its stack is");
}

// Finds the area that has ADDRESS, at most STACK_MAX bytes up to its end.
static bool find_area(const struct gg_core_file *core, uint64_t address, uint64_t *start,
		      uint64_t *last)
{
	for (size_t i = 0; gg_core_file_area(core, i, start, last); i++) {
		if (address < *start || address > *last)
			continue;
		if (*last - *start >= STACK_MAX)
			*start = *last - STACK_MAX + 1;
		return true;
	}
	return false;
}

struct gg_error *gg_arguments_of_core(const struct gg_core_file *core, struct gg_buffer *ret)
{
	size_t auxv_size = 0;
	uint64_t name = 0, last;
	const uint8_t *auxv = gg_core_file_note(core, NT_AUXV, &auxv_size);
	struct gg_stack_bytes stack = { .word = gg_core_file_address_size(core),
					.big_endian = gg_core_file_big_endian(core) };
	if (!auxv)
		return gg_error_create(GG_NOT_FOUND, "the core has no auxiliary vector");
	struct gg_error *err = find_name(&stack, auxv, auxv_size, &name);
	if (err)
		return err;
	if (!find_area(core, name, &stack.start, &last))
		return gg_error_create(GG_NOT_FOUND, "the core lacks its stack");
	stack.size = (size_t)(last - stack.start + 1);
	_cleanup_free_ uint8_t *bytes = malloc(stack.size);
	if (!bytes)
		return gg_enomem;
	stack.bytes = bytes;
	err = gg_core_file_read(core, stack.start, bytes, stack.size);
	return err ? err : gg_arguments_find(&stack, auxv, auxv_size, ret);
}
