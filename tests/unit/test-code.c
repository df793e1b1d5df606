// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of x86.
#include "x86-guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_code(unsigned int bits, bool intel, const char *bytes, size_t size,
			const char *text, unsigned int length)
{
	const struct gg_code code = { .bytes = (const uint8_t *)bytes,
				      .size = size,
				      .address = 0x1000,
				      .bits = bits,
				      .intel = intel };
	struct gg_instruction instruction;
	assert_success(x86_disassemble(&code, &instruction));
	assert_string_equal(instruction.text, text);
	assert_int_equal(instruction.size, length);
	assert_int_equal(instruction.address, 0x1000);
}

// The encodings are those of the Intel SDM, volume 2.
static void test_code(void **state)
{
	(void)state;
	expect_code(16, false, "\xb8\x34\x12\xf4\xf4", 5, "movw $0x1234, %ax", 3);
	expect_code(32, false, "\xb8\x34\x12\xf4\xf4", 5, "movl $0xf4f41234, %eax", 5);
	expect_code(64, false, "\x48\x89\xe5", 3, "movq %rsp, %rbp", 3);
	expect_code(64, true, "\x48\x89\xe5", 3, "mov rbp, rsp", 3);
	expect_code(32, false, "\x48\x89\xe5", 3, "decl %eax", 1);
	expect_code(64, false, "\xf4", 1, "hlt", 1);
	expect_code(64, false, "\x06\xf4", 2, "(bad)", 1); // push %es
}

static void expect_target(const char *bytes, size_t size, bool is_branch, uint64_t target)
{
	const struct gg_code code = {
		.bytes = (const uint8_t *)bytes, .size = size, .address = 0x1000, .bits = 64
	};
	struct gg_instruction instruction;
	assert_success(x86_disassemble(&code, &instruction));
	assert_int_equal(instruction.has_target, true);
	assert_int_equal(instruction.is_branch, is_branch);
	assert_int_equal(instruction.target, target);
}

static void test_targets(void **state)
{
	(void)state;
	struct gg_instruction instruction;
	expect_target("\xe8\x10\x00\x00\x00", 5, true, 0x1015);          // call
	expect_target("\xeb\xfe", 2, true, 0x1000);                      // jmp
	expect_target("\x74\xf0", 2, true, 0xff2);                       // je
	expect_target("\x48\x8b\x05\x10\x00\x00\x00", 7, false, 0x1017); // mov 0x10(%rip), %rax
	const struct gg_code code = {
		.bytes = (const uint8_t *)"\xff\xe0", .size = 2, .address = 0x1000, .bits = 64
	};
	assert_success(x86_disassemble(&code, &instruction)); // jmp *%rax
	assert_false(instruction.has_target);
}

struct shown {
	char text[512];
};

static struct gg_error *collect_instruction(void *data, const struct gg_instruction *instruction)
{
	struct shown *shown = data;
	const size_t used = strlen(shown->text);
	snprintf(shown->text + used, sizeof(shown->text) - used, "%lx %s; ", instruction->address,
		 instruction->text);
	return NULL;
}

static struct gg_error *show_code(uint64_t address, uint64_t count, struct shown *ret)
{
	const struct gg_disassembly what = { .cpu = 0, .address = address, .count = count };
	*ret = (struct shown){ "" };
	return gg_guest_disassemble(guest, &what, collect_instruction, ret, NULL);
}

static void test_page_end(void **state)
{
	(void)state;
	struct shown shown;
	uint8_t *ram = qemu.ram[0];
	use_tables(CR0_PG, PAGES | 0x18, CR4_PSE);
	put_uint(ram + PAGES + 4 * 512, 4, (PAGES + 0x1000) | 0x67);
	put_uint(ram + PAGES + 0x1000 + 4 * 3, 4, 0x5000 | 0x101);
	put_uint(ram + PAGES + 0x1000 + 4 * 4, 4, 0x7000 | 0x101);
	memcpy(ram + 0x5ffd, "\xf4\x66\xb8", 3); // hlt; mov of two bytes, ...
	memcpy(ram + 0x7000, "\x34\x12\xf4", 3); // ... the others, in another page
	assert_success(show_code(0x80003ffd, 3, &shown));
	// The CPU's code is of 16 bits; the prefix 0x66 makes an instruction of 32.
	assert_string_equal(shown.text, "80003ffd hlt; 80003ffe movl $0xf41234, %eax; "
					"80004004 addb %al, (%bx, %si); ");

	put_uint(ram + PAGES + 0x1000 + 4 * 4, 4, 0x7000 | 0x100);
	gg_guest_ran(guest);
	assert_error(show_code(0x80003ffd, 3, &shown), GG_FAULT,
		     "the instruction at 0x80003ffe is not all there: 0x80004000 is not mapped");
	assert_string_equal(shown.text, "80003ffd hlt; ");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("code of 16, 32 and 64 bits is shown as such", test_code),
		UNIT_TEST("where an instruction leads is known", test_targets),
		UNIT_TEST("an instruction that goes on where nothing is mapped is an error",
			  test_page_end),
	};
	return RUN_WITH_GUEST(tests);
}
