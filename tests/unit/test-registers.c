// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-qemu.h"

#include "arch/x86/x86.h"
#include "guest/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fake_range ranges[] = { { 0x0, 1 << 20, 0x0, FAKE_RAM, 0 } };

static struct fake_qemu qemu;
static uint8_t *cpu; // the first one's bytes
static struct gg_guest *guest;
static struct gg_registers registers;

static void begin(enum fake_version version)
{
	fake_qemu_init(&qemu, version, ranges, 1);
	cpu = qemu.structures + FAKE_CPU;
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
}

static void end(void)
{
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
}

static int begin_test(void **state)
{
	(void)state;
	begin(FAKE_7_2);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	end();
	return 0;
}

static void read_first(void)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(x86_read_registers(gg_guest_host(guest), &cpus->cpus[0], &registers));
}

static void print_first(char *text, size_t size)
{
	read_first();
	FILE *out = fmemopen(text, size, "w");
	x86_print_registers(&registers, out);
	fclose(out);
}

// ---- Condition codes ----

enum { ALL = X86_CONDITION_CODES };

// How TCG keeps an operation (QEMU target/i386/tcg/translate.c): which enumerator, what of the
// operands, and which flags the instruction defines.
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
			// What is above the size is whatever was there.
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

// ---- What QEMU has ----

static void test_values(void **state)
{
	(void)state;
	const uint64_t apic = FAKE_STRUCTURES + FAKE_TYPE_NAME;
	put_uint(cpu + FAKE_CPU_APIC, 8, apic);
	qemu.structures[FAKE_TYPE_NAME + FAKE_APIC_TPR] = 0x53;
	put_uint(cpu + FAKE_CPU_A20_MASK, 4, ~(1u << 20));
	put_uint(cpu + FAKE_CPU_FPUS, 2, 0xb841);
	put_uint(cpu + FAKE_CPU_FPSTT, 4, 6);
	memset(cpu + FAKE_CPU_FPTAGS, 1, 8);
	cpu[FAKE_CPU_FPTAGS + 6] = 0;
	put_uint(cpu + FAKE_CPU_FPREGS + 7 * 16, 8, 0x8000000000000000);
	put_uint(cpu + FAKE_CPU_FPREGS + 7 * 16 + 8, 2, 0x3fff);
	put_uint(cpu + FAKE_CPU_MXCSR, 4, 0x1f80);
	// An invalid operation, a division by zero, a result that was too small.
	put_uint(cpu + FAKE_CPU_SSE_EXCEPTIONS, 2, 1 | 2 | 64);
	put_uint(cpu + FAKE_CPU_XCR0, 8, 0xe7);
	put_uint(cpu + FAKE_CPU_XMM_REGS + 31 * 64 + 56, 8, 0x1122334455667788);
	put_uint(cpu + FAKE_CPU_HALTED, 4, 1);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_CS64 | X86_HF_LMA | X86_HF_PE | 3);
	char text[16384];
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "CPL=3 II=0 A20=0 SMM=0 HLT=1\n"));
	assert_non_null(strstr(text, "FCW=0000 FSW=b041 [ST=6] FTW=40 MXCSR=00001f95\n"));
	assert_non_null(strstr(text, " FPR7=8000000000000000 3fff\n"));
	assert_non_null(strstr(text, "ZMM31=1122334455667788 0000000000000000 "));
	assert_non_null(strstr(text, "CR8=5 MP=runnable"));
}

// As the host of a QEMU of which not all is known.
static void test_missing_members(void **state)
{
	(void)state;
	char text[16384];
	end();
	begin(FAKE_2_5);
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "A20=? SMM=0 HLT=?\n"));
	assert_non_null(strstr(text, "DR0=???????????????? DR1="));
	assert_non_null(strstr(text, "EFER=????????????????\n"));
	assert_non_null(strstr(text, "FCW=???? FSW=???? [ST=?] FTW=?? MXCSR=????????\n"));
	assert_non_null(strstr(text, "FPR0=???????????????? ???? FPR1="));
	assert_non_null(strstr(text, "XMM00=???????????????? ???????????????? XMM01="));
	assert_non_null(strstr(text, "CR8=? MP=? RFLAGS=[] IOPL=0\n"));
	assert_non_null(strstr(text, "EFL=00000000 [-------]"));
	cpu[FAKE_CPU_RUNNING] = 1;
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "EFL=00000??? [???????]"));
	assert_non_null(strstr(text, "RFLAGS=[OF? DF? SF? ZF? AF? PF? CF?]"));
}

static void test_summaries(void **state)
{
	(void)state;
	enum { PE = X86_HF_PE };
	static const struct {
		uint64_t hflags, cs_flags, ss_flags, cs_base, rip, rsp;
		unsigned int bits;
		const char *privilege;
		uint64_t pc, sp;
		const char *place;
	} cases[] = {
		{ 0, 0, 0, 0xffff0000, 0xfff0, 0x12345678, 16, "real", 0xfffffff0, 0x5678,
		  "0000:fff0" },
		{ X86_HF_VM | PE | 3, 0, 0, 0x1000, 0x10, 0, 16, "vm86", 0x1010, 0, "0000:0010" },
		{ PE, X86_DESC_B, X86_DESC_B, 0, 0xc0100000, 0xc1000000, 32, "kernel", 0xc0100000,
		  0xc1000000, "" },
		{ PE | 1, 0, 0, 0x10000, 0x10, 0, 16, "ring 1", 0x10010, 0, "0000:0010" },
		{ PE | X86_HF_LMA | 3, X86_DESC_B, X86_DESC_B, 0, 0x8048000, 0xffffd000, 32, "user",
		  0x8048000, 0xffffd000, "" },
		{ PE | X86_HF_LMA | X86_HF_CS64, X86_DESC_L, 0, 0, 0xffffffff81000000,
		  0xffff888000000000, 64, "kernel", 0xffffffff81000000, 0xffff888000000000, "" },
		{ 1 << X86_HF_SMM_BIT, 0, 0, 0x30000, 0x8000, 0, 16, "SMM", 0x38000, 0,
		  "0000:8000" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gg_cpu_summary summary;
		uint8_t *cs = cpu + FAKE_CPU_SEGS + FAKE_SEGMENT_SIZE;
		put_uint(cpu + FAKE_CPU_HFLAGS, 4, cases[i].hflags);
		put_uint(cs + 8, 8, cases[i].cs_base);
		put_uint(cs + 20, 4, cases[i].cs_flags);
		put_uint(cs + FAKE_SEGMENT_SIZE + 20, 4, cases[i].ss_flags);
		put_uint(cpu + FAKE_CPU_EIP, 8, cases[i].rip);
		put_uint(cpu + FAKE_CPU_REGS + 4 * 8, 8, cases[i].rsp);
		read_first();
		x86_summarize(&registers, &summary);
		assert_int_equal(summary.bits, cases[i].bits);
		assert_string_equal(summary.privilege, cases[i].privilege);
		assert_int_equal(summary.pc, cases[i].pc);
		assert_int_equal(summary.sp, cases[i].sp);
		assert_string_equal(summary.place, cases[i].place);
		assert_string_equal(summary.activity, "running");
	}
}

static void test_not_started(void **state)
{
	(void)state;
	struct gg_cpu_summary summary;
	put_uint(cpu + FAKE_CPU_HALTED, 4, 1);
	read_first();
	x86_summarize(&registers, &summary);
	assert_string_equal(summary.activity, "halted");
	put_uint(cpu + FAKE_CPU_MP_STATE, 4, 1);
	read_first();
	x86_summarize(&registers, &summary);
	assert_string_equal(summary.activity, "uninitialized");
}

// ---- Freshness ----

static void expect_freshness(enum gg_freshness freshness, const char *why)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_int_equal(cpus->cpus[0].freshness, freshness);
	assert_non_null(strstr(cpus->cpus[0].why, why));
	if (freshness == GG_CURRENT)
		assert_string_equal(cpus->cpus[0].why, "");
}

static void test_freshness(void **state)
{
	(void)state;
	enum { PROTECTED = 4, STATE = FAKE_TYPE_NAME + 64 };
	expect_freshness(GG_CURRENT, "");
	cpu[FAKE_CPU_RUNNING] = 1;
	expect_freshness(GG_UNKNOWN, "TCG was executing");
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	expect_freshness(GG_UNKNOWN, "which accelerator");
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	expect_freshness(GG_STALE, "KVM has run the CPU");
	cpu[FAKE_CPU_DIRTY] = 1;
	expect_freshness(GG_CURRENT, "");

	assert_success(gg_bytes_host_add_member(qemu.bytes, "KVMState", "guest_state_protected",
						PROTECTED, 1));
	assert_success(gg_bytes_host_add_symbol(qemu.bytes, "kvm_state", FAKE_STRUCTURES + STATE));
	expect_freshness(GG_CURRENT, "");
	put_uint(qemu.structures + STATE, 8, FAKE_STRUCTURES + STATE + 16);
	expect_freshness(GG_CURRENT, "");
	qemu.structures[STATE + 16 + PROTECTED] = 1;
	expect_freshness(GG_UNKNOWN, "encrypted");
}

// ---- Damage ----

static void test_damage(void **state)
{
	(void)state;
	const struct gg_qemu_cpus *cpus;
	put_uint(cpu + FAKE_CPU_INDEX, 4, UINT32_C(1) << 31);
	assert_error(gg_guest_qemu_cpus(guest, &cpus), GG_BAD_DATA,
		     "cpu_index is 2147483648, not below 8192");
	put_uint(cpu + FAKE_CPU_INDEX, 4, 0);
	// An APIC that is not there leaves the rest.
	put_uint(cpu + FAKE_CPU_APIC, 8, 0x1000);
	put_uint(cpu + FAKE_CPU_EIP, 8, 0x1234);
	read_first();
	assert_false(gg_register_known(&registers, X86_CR8));
	assert_int_equal(gg_register(&registers, X86_RIP), 0x1234);
	put_uint(qemu.structures + FAKE_CPUS_HEAD, 8, 0x1000);
	gg_guest_ran(guest);
	assert_error(gg_guest_qemu_cpus(guest, &cpus), GG_FAULT,
		     "reading QEMU's list of CPUs: CPUState at 0x1000");
	// More than a CPU can have.
	end();
	fake_qemu_init(&qemu, FAKE_2_2, ranges, 1);
	assert_success(gg_bytes_host_add_member(qemu.bytes, "X86CPU", "env.mxcsr", 1 << 30, 4));
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_error(x86_read_registers(gg_guest_host(guest), &cpus->cpus[0], &registers),
		     GG_BAD_DATA, "env.mxcsr has 4 bytes at offset 1073741824");
}

// ---- Page tables of a CPU ----

enum { CR0_PG = 1u << 31, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, PAGES = 0x10000 };

static struct gg_address_space *use_tables(uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	struct gg_address_space *space;
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_PE);
	put_uint(cpu + FAKE_CPU_CR, 8, cr0);
	put_uint(cpu + FAKE_CPU_CR + 3 * 8, 8, cr3);
	put_uint(cpu + FAKE_CPU_CR + 4 * 8, 8, cr4);
	gg_guest_destroy(guest);
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	return space;
}

struct walked {
	char text[512];
};

static struct gg_error *collect_entry(void *data, const struct gg_walk_entry *entry)
{
	struct walked *walked = data;
	const size_t used = strlen(walked->text);
	snprintf(walked->text + used, sizeof(walked->text) - used, "%s %lx=%lx %s; ", entry->level,
		 entry->gpa, entry->value, entry->flags);
	return NULL;
}

static void expect_walk(struct gg_address_space *space, uint64_t gva, const char *entries,
			bool mapped, uint64_t gpa, uint64_t page_size)
{
	struct walked walked = { "" };
	struct gg_translation translation;
	assert_success(gg_address_space_walk(space, gva, collect_entry, &walked, &translation));
	assert_string_equal(walked.text, entries);
	assert_int_equal(translation.mapped, mapped);
	assert_int_equal(translation.page_size, page_size);
	if (!mapped)
		return;
	assert_int_equal(translation.gpa, gpa);
	if (gpa < 1 << 20) {
		assert_string_equal(translation.block, "block.0");
		assert_int_equal(translation.block_offset, gpa);
	} else {
		assert_null(translation.block);
	}
}

static void test_ia32(void **state)
{
	(void)state;
	uint8_t *ram = qemu.ram[0];
	uint8_t bytes[8];
	struct gg_address_space *space = use_tables(CR0_PG, PAGES | 0x18, CR4_PSE);
	put_uint(ram + PAGES + 4 * 512, 4, (PAGES + 0x1000) | 0x67);
	put_uint(ram + PAGES + 0x1000 + 4 * 3, 4, 0x5000 | 0x101);
	put_uint(ram + PAGES + 0x1000 + 4 * 4, 4, 0x6000 | 0x62);
	put_uint(ram + PAGES + 4 * 513, 4, 0x800000 | 0x81);
	memcpy(ram + 0x5ffc, "abcd", 4);
	expect_walk(space, 0x80003123, "PDE 10800=11067 P RW US A D; PTE 1100c=5101 P G; ", true,
		    0x5123, 0x1000);
	expect_walk(space, 0x80004000, "PDE 10800=11067 P RW US A D; PTE 11010=6062 not present; ",
		    false, 0, 0x1000);
	expect_walk(space, 0x80412345, "PDE 10804=800081 P PS; ", true, 0x812345, 0x400000);
	expect_walk(space, 0, "PDE 10000=0 not present; ", false, 0, 0x400000);
	assert_success(gg_address_space_read(space, 0x80003ffc, bytes, 4));
	assert_memory_equal(bytes, "abcd", 4);
	assert_error(gg_address_space_read(space, 0x80003ffc, bytes, 8), GG_FAULT,
		     "0x80004000 is not mapped: its PTE at guest-physical 0x11010 is 0x6062, not "
		     "present");
	assert_error(gg_address_space_read(space, 0x80412345, bytes, 8), GG_FAULT, "is not RAM");
	assert_error(gg_address_space_read(space, UINT64_C(1) << 32, bytes, 1), GG_BAD_DATA,
		     "beyond the 32 bits");

	// Without CR4.PSE bit 7 of a directory's entry means nothing.
	space = use_tables(CR0_PG, PAGES, 0);
	put_uint(ram + PAGES + 4 * 513, 4, (PAGES + 0x1000) | 0x81);
	expect_walk(space, 0x80403123, "PDE 10804=11081 P PS; PTE 1100c=5101 P G; ", true, 0x5123,
		    0x1000);
}

static void test_pae(void **state)
{
	(void)state;
	uint8_t *ram = qemu.ram[0];
	struct gg_address_space *space = use_tables(CR0_PG, PAGES + 0x20, CR4_PAE);
	put_uint(ram + PAGES + 0x20 + 8 * 2, 8, (PAGES + 0x1000) | 1);
	put_uint(ram + PAGES + 0x1000, 8, (PAGES + 0x2000) | 0x27);
	put_uint(ram + PAGES + 0x1000 + 8, 8, UINT64_C(0x8000000000000000) | 0x200000 | 0xe3);
	put_uint(ram + PAGES + 0x2000 + 8 * 5, 8, 0x7000 | 0x3);
	expect_walk(space, 0x80005678,
		    "PDPTE 10030=11001 P; PDE 11000=12027 P RW US A; PTE 12028=7003 P RW; ", true,
		    0x7678, 0x1000);
	expect_walk(space, 0x80212345,
		    "PDPTE 10030=11001 P; PDE 11008=80000000002000e3 P RW A D PS NX; ", true,
		    0x212345, 0x200000);
	expect_walk(space, 0xffffffff, "PDPTE 10038=0 not present; ", false, 0, 0x40000000);
}

static void test_no_paging(void **state)
{
	(void)state;
	uint8_t byte;
	struct gg_address_space *space = use_tables(1, 0x1234000, CR4_PAE);
	qemu.ram[0][0x8123] = 0x5a;
	expect_walk(space, 0x8123, "", true, 0x8123, UINT64_C(1) << 32);
	assert_success(gg_address_space_read(space, 0x8123, &byte, 1));
	assert_int_equal(byte, 0x5a);
	assert_error(gg_address_space_read(space, UINT64_C(1) << 40, &byte, 1), GG_BAD_DATA,
		     "beyond the 32 bits");
	assert_error(gg_guest_address_space(guest, 2, NULL, &space), GG_NOT_FOUND,
		     "there is no CPU 2");
}

// ---- Code ----

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
	// Of 16 bits, as the CPU's; the prefix 0x66 makes it 32.
	assert_string_equal(shown.text, "80003ffd hlt; 80003ffe movl $0xf41234, %eax; "
					"80004004 addb %al, (%bx, %si); ");

	put_uint(ram + PAGES + 0x1000 + 4 * 4, 4, 0x7000 | 0x100);
	gg_guest_ran(guest);
	assert_error(show_code(0x80003ffd, 3, &shown), GG_FAULT,
		     "the instruction at 0x80003ffe is not all there: 0x80004000 is not mapped");
	assert_string_equal(shown.text, "80003ffd hlt; ");
}

// ---- Nested guests ----

enum {
	HSAVE = 0x3000,
	VMCB = 0x5000,
	SAVE_AREA = 0x400,
	EFER_LONG_MODE = 0x1500, // with SVME
	KVM_STATE = 0x7000, // struct kvm_nested_state (Linux arch/x86/include/uapi/asm/kvm.h, v6.1)
	KVM_DATA = KVM_STATE + 128,
};

// A save area as QEMU's VMRUN leaves it, of a hypervisor in long mode.
static void put_save_area(uint8_t *page)
{
	uint8_t *area = page + SAVE_AREA;
	put_uint(area + 0x10, 8, UINT64_C(0xffffffff0a9b0010)); // CS
	put_uint(area + 0xd0, 8, EFER_LONG_MODE);
	put_uint(area + 0x148, 8, CR4_PAE);
	put_uint(area + 0x150, 8, PAGES);
	put_uint(area + 0x158, 8, CR0_PG | 1);
	put_uint(area + 0x170, 8, 0x46);
	put_uint(area + 0x178, 8, 0xffffffff81000000);
	put_uint(area + 0x1d8, 8, 0xffff888000001000);
	put_uint(area + 0x1f8, 8, VMCB);
}

static void enter_nested(void)
{
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_GUEST | X86_HF_PE);
	put_uint(cpu + FAKE_CPU_EIP, 8, 0x1234);
	put_uint(cpu + FAKE_CPU_CR, 8, CR0_PG);
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, HSAVE);
	put_uint(cpu + FAKE_CPU_VM_VMCB, 8, VMCB);
	put_save_area(qemu.ram[0] + HSAVE);
}

// Reads the first CPU's state; UNKNOWN is a part of why the guest's own registers are not known.
static void expect_nested(struct gg_cpu_state *state, const char *unknown)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(gg_guest_cpu_state(guest, &cpus->cpus[0], state));
	assert_int_equal(state->nesting, GG_NESTED);
	assert_int_equal(gg_register(&state->nested, X86_RIP), 0x1234);
	if (!unknown) {
		assert_string_equal(state->unknown, "");
		assert_int_equal(gg_register(&state->own, X86_RIP), 0xffffffff81000000);
		assert_int_equal(gg_register(&state->own, X86_CR0 + 3), PAGES);
		assert_int_equal(gg_register(&state->own, X86_HFLAGS),
				 X86_HF_PE | X86_HF_LMA | X86_HF_CS64);
		assert_false(gg_register_known(&state->own, X86_RBX));
		return;
	}
	if (!strstr(state->unknown, unknown))
		fail_msg("\"%s\" lacks \"%s\"", state->unknown, unknown);
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		assert_false(gg_register_has_known(&state->own, id));
}

// Members of the save area that cannot be those of a CPU that executed VMRUN.
static void test_other_save_area(void **state)
{
	(void)state;
	static const struct {
		unsigned int offset;
		uint64_t value;
		const char *why;
	} damages[] = {
		{ 0xd0, 0x500, "EFER 0x500, CR0 0x80000001 and RFLAGS 0x46 are not those" },
		{ 0x158, CR0_PG, "CR0 0x80000000 and" },
		{ 0x170, 0, "RFLAGS 0x0 are not" },
		{ 0x1f8, VMCB + 0x1000, "RAX is 0x6000, but the VMCB is at 0x5000" },
		{ 0x1f8, UINT64_C(0x100000000) | VMCB, "RAX is 0x100005000, but the VMCB" },
	};
	struct gg_cpu_state cpu_state;
	enter_nested();
	expect_nested(&cpu_state, NULL);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		put_save_area(qemu.ram[0] + HSAVE);
		put_uint(qemu.ram[0] + HSAVE + SAVE_AREA + damages[i].offset, 8, damages[i].value);
		expect_nested(&cpu_state, damages[i].why);
	}
	put_save_area(qemu.ram[0] + HSAVE);
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, 1 << 20);
	expect_nested(&cpu_state, "the host save area at guest-physical 0x100000: ");
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, UINT64_MAX);
	expect_nested(&cpu_state, "the host save area at guest-physical 0xffffffffffffffff");
}

static void test_refused_tables(void **state)
{
	(void)state;
	struct gg_address_space *space;
	enter_nested();
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, 0);
	gg_guest_ran(guest);
	assert_error(
		gg_guest_address_space(guest, 0, NULL, &space), GG_UNSUPPORTED,
		"CPU 0 executes a nested guest, and the guest's own page tables are not known: "
		"the host save area at guest-physical 0x0: ");
	// The other CPU's serve, where any will do.
	assert_success(gg_guest_address_space(guest, GG_KERNEL_TABLES, NULL, &space));
}

// No machine at hand has KVM: the layouts are Linux's, at v6.1.
static void test_kvm_state(void **state)
{
	(void)state;
	struct gg_cpu_state cpu_state;
	uint8_t *kvm = qemu.structures + KVM_STATE;
	enter_nested();
	memset(qemu.ram[0] + HSAVE, 0, 4096);
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	cpu[FAKE_CPU_DIRTY] = 1;
	expect_nested(&cpu_state, "KVM has them, and QEMU has no copy");
	put_uint(cpu + FAKE_CPU_NESTED_STATE, 8, FAKE_STRUCTURES + KVM_STATE);
	expect_nested(&cpu_state, "KVM has them, in a format that is not SVM's (0)");
	put_uint(kvm + 2, 2, 1);
	put_uint(kvm + 4, 4, 128 + 4096);
	expect_nested(&cpu_state, "its flags are 0x0, its size is 4224");
	put_uint(kvm, 2, 1);
	put_save_area(qemu.structures + KVM_DATA);
	expect_nested(&cpu_state, NULL);
	put_uint(kvm + 4, 4, 128);
	expect_nested(&cpu_state, "its flags are 0x1, its size is 128");
	put_uint(cpu + FAKE_CPU_NESTED_STATE, 8, 0x1000);
	expect_nested(&cpu_state, "KVM's nested state in QEMU at 0x1000: ");
}

static void test_architecture(void **state)
{
	(void)state;
	const struct gg_arch *arch;
	enum { SMM = 1 << X86_HF_SMM_BIT };
	uint8_t *other = cpu + FAKE_CPU_SIZE;
	enter_nested();
	put_uint(other + FAKE_CPU_HFLAGS, 4, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	// Another CPU than the first one tells too.
	gg_guest_ran(guest);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, SMM);
	put_uint(other + FAKE_CPU_HFLAGS, 4, X86_HF_PE | X86_HF_LMA);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	gg_guest_ran(guest);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_PE);
	put_uint(other + FAKE_CPU_HFLAGS, 4, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "i386");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("arithmetic flags follow from what TCG keeps, as a CPU sets them",
			  test_arithmetic),
		UNIT_TEST("flags of the other operations follow too", test_other_operations),
		UNIT_TEST("flags that nobody can know are not made up", test_unknown_flags),
		UNIT_TEST("what is in pieces in QEMU is put together", test_values),
		UNIT_TEST("what a QEMU lacks is shown as unknown", test_missing_members),
		UNIT_TEST("mode, privilege and linear addresses follow from the registers",
			  test_summaries),
		UNIT_TEST("a CPU that has not been started is not halted", test_not_started),
		UNIT_TEST("registers are current, stale or unknown, and why", test_freshness),
		UNIT_TEST("damaged CPUs are errors", test_damage),
		UNIT_TEST("page tables of 32-bit entries are walked", test_ia32),
		UNIT_TEST("page tables of PAE are walked", test_pae),
		UNIT_TEST("without paging addresses are guest-physical", test_no_paging),
		UNIT_TEST("code of 16, 32 and 64 bits is shown as such", test_code),
		UNIT_TEST("where an instruction leads is known", test_targets),
		UNIT_TEST("an instruction that goes on where nothing is mapped is an error",
			  test_page_end),
		UNIT_TEST("a save area that is not that of this VMRUN is not used",
			  test_other_save_area),
		UNIT_TEST("page tables that are not known are not walked", test_refused_tables),
		UNIT_TEST("under KVM the registers of SVM's host are in KVM's nested state",
			  test_kvm_state),
		UNIT_TEST("a CPU in another mode for a while does not make the architecture",
			  test_architecture),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
