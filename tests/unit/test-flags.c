// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arithmetic flags of x86, which TCG keeps in another form.
#include "x86-guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = X86_CONDITION_CODES };

// Checks an operation as TCG keeps it (QEMU target/i386/tcg/translate.c): the enumerator, the
// operands, and the flags that the instruction defines.
static void check_flags(const char *op, unsigned int size, uint64_t dst, uint64_t src,
			uint64_t src2, uint64_t truth, uint64_t defined)
{
	struct gg_member first;
	uint64_t flags;
	bool known;
	const struct gg_host *host = gg_guest_host(guest);
	assert_success(host->ops->member(host->data, "CCOp", op, &first));
	unsigned int shift = 0;
	while (1u << shift < size)
		shift++;
	const struct x86_condition condition = {
		.op = first.offset + shift, .dst = dst, .src = src, .src2 = src2, .word = 8
	};
	assert_success(x86_condition_codes(host, &condition, &flags, &known));
	assert_true(known);
	if ((flags ^ truth) & defined)
		fail_msg("%s of %u bytes, dst 0x%lx, src 0x%lx, src2 0x%lx: 0x%lx, not 0x%lx", op,
			 size, dst, src, src2, flags & defined, truth & defined);
}

#ifdef __x86_64__

static uint64_t next_random(void)
{
	static const uint64_t telling[] = { 0,
					    1,
					    0x7f,
					    0x80,
					    0xff,
					    0x7fff,
					    0x8000,
					    0x7fffffff,
					    0x80000000,
					    INT64_MAX,
					    UINT64_C(1) << 63,
					    UINT64_MAX };
	const uint64_t value =
		(uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
	return random() % 3 ? value : telling[random() % 12];
}

// The CPU itself is the judge: A op B with the carry flag C before it, of one size.
#define JUDGE(function, type, instruction)                                                         \
	static uint64_t function(uint64_t *a, uint64_t b, bool c)                                  \
	{                                                                                          \
		type result = (type)*a, operand = (type)b;                                         \
		uint64_t flags;                                                                    \
		__asm__("btl $0, %k3\n\t" instruction "\n\tpushfq\n\tpopq %1"                      \
			: "+r"(result), "=&r"(flags)                                               \
			: "c"(operand), "r"((unsigned int)c)                                       \
			: "cc");                                                                   \
		*a = result;                                                                       \
		return flags & X86_CONDITION_CODES;                                                \
	}
#define JUDGES(name, two, one)                                                                     \
	JUDGE(name##1, uint8_t, two("b", "%b2", "%b0"))                                            \
	JUDGE(name##2, uint16_t, two("w", "%w2", "%w0"))                                           \
	JUDGE(name##4, uint32_t, two("l", "%k2", "%k0"))                                           \
	JUDGE(name##8, uint64_t, two("q", "%q2", "%q0"))                                           \
	static uint64_t (*const name[])(uint64_t *, uint64_t, bool) = { name##1, name##2, name##4, \
									name##8 };

#define ADD(s, b, a) "add" s " " b ", " a
#define ADC(s, b, a) "adc" s " " b ", " a
#define SUB(s, b, a) "sub" s " " b ", " a
#define SBB(s, b, a) "sbb" s " " b ", " a
#define AND(s, b, a) "and" s " " b ", " a
#define INC(s, b, a) "inc" s " " a
#define DEC(s, b, a) "dec" s " " a
#define SHL(s, b, a) "shl" s " $1, " a
#define SAR(s, b, a) "sar" s " $1, " a
JUDGES(judge_add, ADD, )
JUDGES(judge_adc, ADC, )
JUDGES(judge_sub, SUB, )
JUDGES(judge_sbb, SBB, )
JUDGES(judge_and, AND, )
JUDGES(judge_inc, INC, )
JUDGES(judge_dec, DEC, )
JUDGES(judge_shl, SHL, )
JUDGES(judge_sar, SAR, )

static const struct {
	const char *op;
	uint64_t (*const *judge)(uint64_t *, uint64_t, bool);
	enum { OPERAND, FIRST, CARRY } src; // what cc_src is
	bool has_carry;                     // and cc_src2 is CF before
	uint64_t defined;
} operations[] = {
	{ "CC_OP_ADDB", judge_add, OPERAND, false, ALL },
	{ "CC_OP_ADCB", judge_adc, OPERAND, true, ALL },
	{ "CC_OP_SUBB", judge_sub, OPERAND, false, ALL },
	{ "CC_OP_SBBB", judge_sbb, OPERAND, true, ALL },
	{ "CC_OP_LOGICB", judge_and, OPERAND, false, ALL & ~X86_AF },
	{ "CC_OP_INCB", judge_inc, CARRY, false, ALL },
	{ "CC_OP_DECB", judge_dec, CARRY, false, ALL },
	{ "CC_OP_SHLB", judge_shl, FIRST, false, ALL & ~X86_AF },
	{ "CC_OP_SARB", judge_sar, FIRST, false, ALL & ~X86_AF },
};

static void test_arithmetic(void **state)
{
	(void)state;
	static const char *const versions[] = { "7.2", "9.1", "10.0" };
	for (size_t v = 0; v < sizeof(versions) / sizeof(*versions); v++) {
		fake_qemu_add_cc_ops(&qemu, versions[v]);
		for (unsigned int i = 0; i < 20000; i++) {
			const unsigned int shift = i % 4, size = 1u << shift;
			const uint64_t first = next_random(), operand = next_random();
			const bool carry = random() % 2;
			const size_t n =
				(size_t)random() % (sizeof(operations) / sizeof(*operations));
			uint64_t result = first;
			const uint64_t truth = operations[n].judge[shift](&result, operand, carry);
			const uint64_t src[] = {
				[OPERAND] = operand, [FIRST] = first, [CARRY] = carry
			};
			// The bits above the size have any value.
			if (size < 8)
				result |= next_random() << 8 * size;
			check_flags(operations[n].op, size, result, src[operations[n].src],
				    operations[n].has_carry ? carry : 0, truth,
				    operations[n].defined);
		}
		end();
		begin(FAKE_7_2);
	}
}

#else

static void test_arithmetic(void **state)
{
	(void)state;
	print_message("the judge is an x86-64 CPU, which this machine has not\n");
	skip();
}

#endif

static void test_other_operations(void **state)
{
	(void)state;
	static const struct {
		const char *version, *op;
		uint64_t dst, src, src2, flags;
	} cases[] = {
		{ "7.2", "CC_OP_EFLAGS", 7, 0x8d5, 7, 0x8d5 },
		{ "7.2", "CC_OP_ADCX", 1, X86_OF, 0, X86_OF | X86_CF },
		{ "7.2", "CC_OP_ADCX", 0, X86_CF | X86_ZF, 1, X86_ZF },
		{ "9.1", "CC_OP_ADOX", 0, X86_CF, 1, X86_OF | X86_CF },
		{ "9.1", "CC_OP_ADCOX", 1, X86_ZF, 1, X86_OF | X86_CF | X86_ZF },
		{ "10.0", "CC_OP_ADCOX", 0, ALL, 0, ALL & ~(X86_OF | X86_CF) },
		{ "9.1", "CC_OP_CLR", 5, 5, 5, X86_ZF | X86_PF },
		// In v9.1 the result moved from cc_src to cc_dst.
		{ "7.2", "CC_OP_POPCNT", 3, 0, 0, X86_ZF },
		{ "7.2", "CC_OP_POPCNT", 0, 3, 0, 0 },
		{ "9.1", "CC_OP_POPCNT", 0, 3, 0, X86_ZF },
		{ "10.0", "CC_OP_POPCNT", 3, 0, 0, 0 },
		{ "7.2", "CC_OP_MULB", 0x81, 1, 0, X86_CF | X86_OF | X86_SF | X86_PF },
		{ "7.2", "CC_OP_MULB", 0x01, 0x100, 0, 0 },
		{ "7.2", "CC_OP_BMILGB", 0x80, 0, 0, X86_CF | X86_SF },
		{ "10.0", "CC_OP_BLSIB", 0x80, 1, 0, X86_CF | X86_SF },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake_qemu_add_cc_ops(&qemu, cases[i].version);
		check_flags(cases[i].op, 1, cases[i].dst, cases[i].src, cases[i].src2,
			    cases[i].flags, ALL);
		end();
		begin(FAKE_7_2);
	}
}

// While TCG executes, or at rest, with CC_OP_ADDB or an operation that says nothing.
static void expect_flags(bool executing, uint64_t op, uint64_t flags, uint64_t unknown)
{
	cpu[FAKE_CPU_RUNNING] = executing;
	put_uint(cpu + FAKE_CPU_CC_OP, 4, op);
	read_first();
	assert_int_equal(gg_register_unknown(&registers, X86_RFLAGS), unknown);
	assert_int_equal(gg_register(&registers, X86_RFLAGS), flags);
}

static void test_unknown_flags(void **state)
{
	(void)state;
	enum { DYNAMIC = 0, ADDB = 6, BEYOND = 1000, RAW = 0x246 };
	const uint64_t arithmetic = ALL | X86_DF;
	put_uint(cpu + FAKE_CPU_EFLAGS, 8, RAW);
	put_uint(cpu + FAKE_CPU_DF, 4, 1);
	// Nobody knows QEMU's numbers.
	expect_flags(true, ADDB, RAW & ~arithmetic, arithmetic);
	expect_flags(false, ADDB, RAW, 0);
	fake_qemu_add_cc_ops(&qemu, "7.2");
	// 0x10 + 0xf0.
	put_uint(cpu + FAKE_CPU_CC_SRC, 8, 0x10);
	expect_flags(true, ADDB, RAW | X86_CF | X86_ZF | X86_PF, 0);
	expect_flags(true, DYNAMIC, RAW & ~arithmetic, arithmetic);
	expect_flags(true, BEYOND, RAW & ~arithmetic, arithmetic);
	expect_flags(false, DYNAMIC, RAW, 0);
	// String instructions add -1.
	put_uint(cpu + FAKE_CPU_DF, 4, UINT32_MAX);
	expect_flags(true, ADDB, RAW | X86_CF | X86_ZF | X86_PF | X86_DF, 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("arithmetic flags follow from what TCG keeps, as a CPU sets them",
			  test_arithmetic),
		UNIT_TEST("flags of the other operations follow too", test_other_operations),
		UNIT_TEST("flags that nobody can know are not made up", test_unknown_flags),
	};
	return RUN_WITH_GUEST(tests);
}
