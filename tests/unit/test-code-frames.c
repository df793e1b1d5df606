// SPDX-License-Identifier: GPL-3.0-or-later
//
// Frames that follow from instructions. The bytes are what Debian's GCC 15 made of kernel functions.
#include "unit.h"

#include "arch/arm64/arm64.h"
#include "arch/ppc64/ppc64.h"
#include "arch/riscv/riscv.h"
#include "arch/s390/s390.h"
#include "arch/x86/x86.h"
#include "vmlinux/vmlinux-ops.h"

enum { BOTH = GG_FRAME_RA_SAVED | GG_FRAME_FP_SAVED };

// Walks through CODE, of SIZE bytes, from FRAME on; returns the last step.
static struct gg_code_step walk(const struct gg_vmlinux_ops *ops, const char *code, size_t size,
				struct gg_code_frame *frame)
{
	struct gg_code_step step = { 0 };
	void *decoder = NULL;
	if (ops->code->open)
		assert_null(ops->code->open(&decoder));
	for (size_t place = 0; place < size; place += step.size) {
		step = ops->code->step(decoder, (const uint8_t *)code + place, size - place, frame);
		assert_true(step.size && step.size <= size - place);
	}
	if (decoder)
		ops->code->close(decoder);
	return step;
}

static void expect_frame(const struct gg_code_frame *frame, int64_t depth, int64_t ra,
			 uint64_t flags)
{
	assert_int_equal(frame->depth, depth);
	assert_int_equal(frame->flags, flags);
	if (flags & GG_FRAME_RA_SAVED)
		assert_int_equal(frame->ra, ra);
}

static void test_arm64(void **state)
{
	(void)state;
	struct gg_code_frame frame = { 0 };
	// paciasp; sub sp, sp, #0xb0; stp x29, x30, [sp, #0x70]; add x29, sp, #0x70
	walk(&arm64_vmlinux, "\x3f\x23\x03\xd5\xff\xc3\x02\xd1\xfd\x7b\x07\xa9\xfd\xc3\x01\x91", 16,
	     &frame);
	expect_frame(&frame, 0xb0, 0x78 - 0xb0, BOTH | GG_FRAME_SIGNED | GG_FRAME_BY_FP);
	assert_int_equal(frame.fp_depth, 0x40);
	// ldp x29, x30, [sp, #0x70]; add sp, sp, #0xb0; autiasp; ret
	struct gg_code_step step = walk(
		&arm64_vmlinux, "\xfd\x7b\x47\xa9\xff\xc3\x02\x91\xbf\x23\x03\xd5\xc0\x03\x5f\xd6",
		16, &frame);
	expect_frame(&frame, 0, 0, 0);
	assert_int_equal(step.flow, GG_FLOW_END);
	// stp x29, x30, [sp, #-0x10]!; blr x1
	step = walk(&arm64_vmlinux, "\xfd\x7b\xbf\xa9\x20\x00\x3f\xd6", 8, &frame);
	expect_frame(&frame, 0x10, -8, BOTH);
	assert_int_equal(step.flow, GG_FLOW_NEXT);
	assert_true(step.is_call);
	// tbz w0, #0, .+0x330
	step = walk(&arm64_vmlinux, "\x80\x19\x00\x36", 4, &frame);
	assert_int_equal(step.flow, GG_FLOW_BRANCH);
	assert_int_equal(step.target, 0x330);
}

static void test_riscv(void **state)
{
	(void)state;
	struct gg_code_frame frame = { 0 };
	// c.addi sp, -16; c.sdsp ra, 8(sp); c.sdsp s0, 0(sp); c.addi4spn s0, sp, 16
	walk(&riscv_vmlinux, "\x41\x11\x06\xe4\x22\xe0\x00\x08", 8, &frame);
	expect_frame(&frame, 16, -8, BOTH | GG_FRAME_BY_FP);
	assert_int_equal(frame.fp_depth, 0);
	// c.ldsp ra, 8(sp); c.ldsp s0, 0(sp); c.addi sp, 16; c.jr ra
	struct gg_code_step step =
		walk(&riscv_vmlinux, "\xa2\x60\x02\x64\x41\x01\x82\x80", 8, &frame);
	expect_frame(&frame, 0, 0, 0);
	assert_int_equal(step.flow, GG_FLOW_END);
	// addi sp, sp, -2032; sd ra, 2024(sp); sd s0, 2016(sp); addi s0, sp, 2032
	walk(&riscv_vmlinux, "\x13\x01\x01\x81\x23\x34\x11\x7e\x23\x30\x81\x7e\x13\x04\x01\x7f", 16,
	     &frame);
	expect_frame(&frame, 2032, -8, BOTH | GG_FRAME_BY_FP);
	// c.addi16sp sp, -128
	frame = (struct gg_code_frame){ 0 };
	walk(&riscv_vmlinux, "\x19\x71", 2, &frame);
	expect_frame(&frame, 128, 0, 0);
}

static void test_s390(void **state)
{
	(void)state;
	struct gg_code_frame frame = { 0 };
	// stmg %r6, %r15, 0x48(%r15); lgr %r14, %r15; lay %r15, -0xd0(%r15)
	walk(&s390_vmlinux, "\xeb\x6f\xf0\x48\x00\x24\xb9\x04\x00\xef\xe3\xf0\xff\x30\xff\x71", 16,
	     &frame);
	expect_frame(&frame, 0xd0, 136, BOTH);
	// stg %r14, 0x98(%r15), the back chain; stg %r14, 0xa8(%r15), a value
	walk(&s390_vmlinux, "\xe3\xe0\xf0\x98\x00\x24\xe3\xe0\xf0\xa8\x00\x24", 12, &frame);
	expect_frame(&frame, 0xd0, 136, BOTH | GG_FRAME_CHAINED);
	// lg %r14, 0xa8(%r15), the value
	walk(&s390_vmlinux, "\xe3\xe0\xf0\xa8\x00\x04", 6, &frame);
	expect_frame(&frame, 0xd0, 136, BOTH | GG_FRAME_CHAINED);
	// lmg %r6, %r15, 0x118(%r15); br %r14
	struct gg_code_step step =
		walk(&s390_vmlinux, "\xeb\x6f\xf1\x18\x00\x04\x07\xfe", 8, &frame);
	expect_frame(&frame, 0, 0, 0);
	assert_int_equal(step.flow, GG_FLOW_END);
	// cgijlh %r2, 0, .+0x4a
	step = walk(&s390_vmlinux, "\xec\x26\x00\x25\x00\x7c", 6, &frame);
	assert_int_equal(step.flow, GG_FLOW_BRANCH);
	assert_int_equal(step.target, 0x4a);
}

static void test_s390_random(void **state)
{
	(void)state;
	struct gg_code_frame frame = { 0 };
	// stmg %r6, %r15, 0x48(%r15); lgr %r1, %r15; lay %r15, -0x98(%r15); stg %r1, 0x98(%r15); lgr %r11, %r15
	walk(&s390_vmlinux,
	     "\xeb\x6f\xf0\x48\x00\x24\xb9\x04\x00\x1f\xe3\xf0\xff\x68\xff\x71"
	     "\xe3\x10\xf0\x98\x00\x24\xb9\x04\x00\xbf",
	     26, &frame);
	expect_frame(&frame, 0x98, 136, BOTH | GG_FRAME_CHAINED);
	// lg %r5, 0x98(%r15); sgr %r15, %r4
	walk(&s390_vmlinux, "\xe3\x50\xf0\x98\x00\x04\xb9\x09\x00\xf4", 10, &frame);
	expect_frame(&frame, 0x98, 136, BOTH | GG_FRAME_BY_FP);
	assert_int_equal(frame.fp_depth, 0x98);
	// stg %r5, 0x98(%r15)
	walk(&s390_vmlinux, "\xe3\x50\xf0\x98\x00\x24", 6, &frame);
	expect_frame(&frame, 0x98, 136, BOTH | GG_FRAME_BY_FP | GG_FRAME_CHAINED);
	// lmg %r6, %r15, 0xe0(%r11)
	walk(&s390_vmlinux, "\xeb\x6f\xb0\xe0\x00\x04", 6, &frame);
	expect_frame(&frame, 0, 0, 0);
}

static void test_ppc64(void **state)
{
	(void)state;
	struct gg_code_frame frame = { 0 };
	// mflr r0; std r31, -8(r1); std r0, 0x10(r1); stdu r1, -0x40(r1)
	walk(&ppc64_vmlinux, "\xa6\x02\x08\x7c\xf8\xff\xe1\xfb\x10\x00\x01\xf8\xc1\xff\x21\xf8", 16,
	     &frame);
	expect_frame(&frame, 0x40, 16, GG_FRAME_CHAINED | GG_FRAME_RA_SAVED);
	// addi r1, r1, 0x40; ld r0, 0x10(r1)
	walk(&ppc64_vmlinux, "\x40\x00\x21\x38\x10\x00\x01\xe8", 8, &frame);
	expect_frame(&frame, 0, 16, GG_FRAME_RA_SAVED);
	// mtlr r0; blr
	struct gg_code_step step =
		walk(&ppc64_vmlinux, "\xa6\x03\x08\x7c\x20\x00\x80\x4e", 8, &frame);
	expect_frame(&frame, 0, 0, 0);
	assert_int_equal(step.flow, GG_FLOW_END);
	// std r0, 0x10(r1); stdu r1, -0xa0(r1); mr r31, r1; stdux r9, r1, r3
	walk(&ppc64_vmlinux, "\x10\x00\x01\xf8\x61\xff\x21\xf8\x78\x0b\x3f\x7c\x6a\x19\x21\x7d", 16,
	     &frame);
	expect_frame(&frame, 0xa0, 16, GG_FRAME_CHAINED | GG_FRAME_RA_SAVED);
	// addi r1, r31, 0xa0
	walk(&ppc64_vmlinux, "\xa0\x00\x3f\x38", 4, &frame);
	expect_frame(&frame, 0, 16, GG_FRAME_RA_SAVED);
	// std r0, 0x10(r1); stdu r1, 0x7fe0(r31); mr r1, r31; bl
	walk(&ppc64_vmlinux, "\x10\x00\x01\xf8\xe1\x7f\x3f\xf8\x78\xfb\xe1\x7f\x6d\xad\xff\x48", 16,
	     &frame);
	expect_frame(&frame, 0, 16, GG_FRAME_SWITCHED | GG_FRAME_RA_SAVED);
	// ld r1, 0(r1)
	walk(&ppc64_vmlinux, "\x00\x00\x21\xe8", 4, &frame);
	expect_frame(&frame, 0, 16, GG_FRAME_RA_SAVED);
	// stdu r1, -0x40(r1); stdu r1, 0x7fe0(r30); mr r1, r30; bl; ld r1, 0(r1)
	walk(&ppc64_vmlinux,
	     "\xc1\xff\x21\xf8\xe1\x7f\x3e\xf8\x78\xf3\xc1\x7f\x6d\xad\xff\x48\x00\x00\x21\xe8", 20,
	     &frame);
	expect_frame(&frame, 0x40, 16, GG_FRAME_CHAINED | GG_FRAME_RA_SAVED);
	// addis r2, r12, 0x167; addi r2, r2, 0x2de0: callers in the kernel enter behind.
	const uint8_t code[] = { 0x67, 0x01, 0x4c, 0x3c, 0xe0, 0x2d, 0x42, 0x38 };
	assert_int_equal(ppc64_vmlinux.symbol_other(code, sizeof(code)), 0x60);
	assert_int_equal(ppc64_vmlinux.symbol_other(code + 4, 4), 0);
}

static void test_i386(void **state)
{
	(void)state;
	struct gg_code_frame frame = x86_vmlinux_32.code->start;
	// push %ebp; mov %esp,%ebp; push %edi; push %esi; push %ebx; sub $0x3c,%esp
	walk(&x86_vmlinux_32, "\x55\x89\xe5\x57\x56\x53\x83\xec\x3c", 9, &frame);
	expect_frame(&frame, 0x50, -4, BOTH | GG_FRAME_BY_FP);
	assert_int_equal(frame.fp, -8);
	assert_int_equal(frame.fp_depth, 8);
	// push %edx; call .-0x1881a66; je .+0xd
	struct gg_code_step step =
		walk(&x86_vmlinux_32, "\x52\xe8\x95\x75\x7e\xff\x74\x0b", 8, &frame);
	expect_frame(&frame, 0x54, -4, BOTH | GG_FRAME_BY_FP);
	assert_int_equal(step.flow, GG_FLOW_BRANCH);
	assert_int_equal(step.target, 0xd);
	// lea -0xc(%ebp),%esp; pop %ebx; pop %esi; pop %edi
	walk(&x86_vmlinux_32, "\x8d\x65\xf4\x5b\x5e\x5f", 6, &frame);
	expect_frame(&frame, 8, -4, BOTH | GG_FRAME_BY_FP);
	// pop %ebp; ret
	step = walk(&x86_vmlinux_32, "\x5d\xc3", 2, &frame);
	expect_frame(&frame, 4, -4, GG_FRAME_RA_SAVED);
	assert_int_equal(step.flow, GG_FLOW_END);
	// push %edi; lea 0x8(%esp),%edi; and $0xfffffff8,%esp; push -0x4(%edi)
	walk(&x86_vmlinux_32, "\x57\x8d\x7c\x24\x08\x83\xe4\xf8\xff\x77\xfc", 11, &frame);
	assert_int_equal(frame.flags, GG_FRAME_RA_SAVED | GG_FRAME_NO_SP);
	// push %ebp; mov %esp,%ebp; push %edi
	walk(&x86_vmlinux_32, "\x55\x89\xe5\x57", 4, &frame);
	expect_frame(&frame, 12, -4, BOTH | GG_FRAME_BY_FP | GG_FRAME_NO_SP);
	assert_int_equal(frame.fp, -8);
	assert_int_equal(frame.fp_depth, 8);
	// pop %edi; pop %ebp
	walk(&x86_vmlinux_32, "\x5f\x5d", 2, &frame);
	assert_int_equal(frame.flags, GG_FRAME_RA_SAVED | GG_FRAME_NO_SP);
	// lea -0x8(%edi),%esp; pop %edi
	walk(&x86_vmlinux_32, "\x8d\x67\xf8\x5f", 4, &frame);
	expect_frame(&frame, 4, -4, GG_FRAME_RA_SAVED);
	// push %ebp; mov %esp,%ebp; push %edi; and $0xfffffff8,%esp; sub $0x10,%esp
	walk(&x86_vmlinux_32, "\x55\x89\xe5\x57\x83\xe4\xf8\x83\xec\x10", 10, &frame);
	assert_int_equal(frame.flags, BOTH | GG_FRAME_BY_FP);
	assert_int_equal(frame.fp_depth, 8);
	// lea %ds:0x0(%esi,%eiz,1),%esi, the nop of tracing
	assert_int_equal(x86_vmlinux_32.entry_size((const uint8_t *)"\x3e\x8d\x74\x26\x00", 5), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("on AArch64 a frame record and a signature make a frame", test_arm64),
		UNIT_TEST("on RISC-V s0 makes a frame, by short and long instructions", test_riscv),
		UNIT_TEST("on s390x r14 is the return address until it is another value",
			  test_s390),
		UNIT_TEST("on s390x r11 leads to the caller while the stack pointer moves by a "
			  "register",
			  test_s390_random),
		UNIT_TEST(
			"on POWER LR is saved in the caller's frame, which may be on another stack",
			test_ppc64),
		UNIT_TEST(
			"on x86 of 32 bits ebp makes a frame, and the stack pointer counts before",
			test_i386),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
