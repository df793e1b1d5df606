// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arithmetic flags of a CPU under TCG, which keeps the last operation, its result and its
// operands in place of the flags (QEMU target/i386/cpu.h, enum CCOp, and target/i386/tcg/
// cc_helper.c; the flags' definitions are those of the Intel SDM, volume 1, appendix A).
//
// In:  cc_op, cc_dst, cc_src, cc_src2; the enumerators' values in this QEMU, which were put in
//      another order in v9.1 and in v10.0.
// Out: CF, PF, AF, ZF, SF, OF.
#include "x86.h"

#include <stdio.h>

// An operation's result and operands, cut to its size.
struct operation {
	uint64_t dst, src, src2;
	uint64_t sign; // the highest bit
	uint64_t mask;
	bool has_parity; // this QEMU computes PF where the instruction leaves PF undefined
};

static uint64_t result_flags(const struct operation *o)
{
	return (o->dst ? 0 : X86_ZF) | (o->dst & o->sign ? X86_SF : 0) |
	       (__builtin_parity(o->dst & 0xff) ? 0 : X86_PF);
}

static uint64_t flags(const struct operation *o, bool carry, bool adjust, bool overflow)
{
	return result_flags(o) | (carry ? X86_CF : 0) | (adjust ? X86_AF : 0) |
	       (overflow ? X86_OF : 0);
}

static bool half_carry(const struct operation *o, uint64_t a, uint64_t b)
{
	return (o->dst ^ a ^ b) & 0x10;
}

static uint64_t multiply(const struct operation *o)
{
	return flags(o, o->src, false, o->src);
}

static uint64_t add_with(const struct operation *o, bool carry)
{
	const uint64_t a = o->src, b = (o->dst - a - carry) & o->mask;
	return flags(o, carry ? o->dst <= a : o->dst < a, half_carry(o, a, b),
		     ~(a ^ b) & (a ^ o->dst) & o->sign);
}

static uint64_t add(const struct operation *o)
{
	return add_with(o, false);
}

static uint64_t add_carry(const struct operation *o)
{
	return add_with(o, o->src2);
}

static uint64_t subtract_with(const struct operation *o, bool borrow)
{
	const uint64_t b = o->src, a = (o->dst + b + borrow) & o->mask;
	return flags(o, borrow ? a <= b : a < b, half_carry(o, a, b),
		     (a ^ b) & (a ^ o->dst) & o->sign);
}

static uint64_t subtract(const struct operation *o)
{
	return subtract_with(o, false);
}

static uint64_t subtract_borrow(const struct operation *o)
{
	return subtract_with(o, o->src2);
}

static uint64_t logic(const struct operation *o)
{
	return result_flags(o);
}

// INC and DEC leave CF unchanged; src is CF.
static uint64_t increment(const struct operation *o)
{
	return flags(o, o->src & X86_CF, half_carry(o, (o->dst - 1) & o->mask, 1),
		     o->dst == o->sign);
}

static uint64_t decrement(const struct operation *o)
{
	return flags(o, o->src & X86_CF, half_carry(o, (o->dst + 1) & o->mask, 1),
		     o->dst == o->sign - 1);
}

// src is the operand before the last bit was shifted out.
static uint64_t shift_left(const struct operation *o)
{
	return flags(o, o->src & o->sign, false, (o->src ^ o->dst) & o->sign);
}

static uint64_t shift_right(const struct operation *o)
{
	return flags(o, o->src & 1, false, (o->src ^ o->dst) & o->sign);
}

static uint64_t bit_manipulation(const struct operation *o, bool carry)
{
	return flags(o, carry, false, false) & ~(o->has_parity ? 0 : (uint64_t)X86_PF);
}

static uint64_t lowest_set(const struct operation *o)
{
	return bit_manipulation(o, !o->src);
}

static uint64_t isolate_lowest_set(const struct operation *o)
{
	return bit_manipulation(o, o->src);
}

// Operations of one size each, by their number. dst, src and src2 are not cut.
static uint64_t flags_in_src(const struct operation *o)
{
	return o->src & X86_CONDITION_CODES;
}

static uint64_t carry_in_dst(const struct operation *o)
{
	return (flags_in_src(o) & ~(uint64_t)X86_CF) | (o->dst & 1 ? X86_CF : 0);
}

static uint64_t overflow_in_src2(const struct operation *o)
{
	return (flags_in_src(o) & ~(uint64_t)X86_OF) | (o->src2 & 1 ? X86_OF : 0);
}

static uint64_t carry_and_overflow(const struct operation *o)
{
	return (carry_in_dst(o) & ~(uint64_t)X86_OF) | (o->src2 & 1 ? X86_OF : 0);
}

static uint64_t cleared(const struct operation *o)
{
	(void)o;
	return X86_ZF | X86_PF;
}

static uint64_t zero_in_src(const struct operation *o)
{
	return o->src ? 0 : X86_ZF;
}

static uint64_t zero_in_dst(const struct operation *o)
{
	return o->dst ? 0 : X86_ZF;
}

// The result is that of a register less itself less CF: 0 or -1.
static uint64_t borrow_in_dst(const struct operation *o)
{
	return o->dst ? X86_CF | X86_PF | X86_AF | X86_SF : X86_ZF | X86_PF;
}

struct operation_row {
	const char *name;
	uint64_t (*flags)(const struct operation *operation);
};

// The first of four enumerators, for 1, 2, 4 and 8 bytes.
static const struct operation_row sized[] = {
	{ "CC_OP_MULB", multiply },
	{ "CC_OP_ADDB", add },
	{ "CC_OP_ADCB", add_carry },
	{ "CC_OP_SUBB", subtract },
	{ "CC_OP_SBBB", subtract_borrow },
	{ "CC_OP_LOGICB", logic },
	{ "CC_OP_INCB", increment },
	{ "CC_OP_DECB", decrement },
	{ "CC_OP_SHLB", shift_left },
	{ "CC_OP_SARB", shift_right },
	{ "CC_OP_BMILGB", lowest_set },
	// Since v9.2.
	{ "CC_OP_BLSIB", isolate_lowest_set },
};

static const struct operation_row single[] = {
	{ "CC_OP_EFLAGS", flags_in_src },
	{ "CC_OP_ADCX", carry_in_dst },
	{ "CC_OP_ADOX", overflow_in_src2 },
	{ "CC_OP_ADCOX", carry_and_overflow },
	{ "CC_OP_CLR", cleared },
	{ "CC_OP_POPCNT", zero_in_dst },
	{ "CC_OP_SBB_SELF", borrow_in_dst },
};

// Looks up the enumerator NAME; UINT64_MAX where this QEMU does not have it.
static struct gg_error *ask(const struct gg_host *host, const char *name, uint64_t *ret)
{
	struct gg_member member;
	struct gg_error *err = host->ops->member(host->data, "CCOp", name, &member);
	*ret = UINT64_MAX;
	if (!err)
		*ret = member.offset;
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	return NULL;
}

// Tests whether POPCNT's result is in cc_src, as until v9.0, when ADCX came behind MULB.
static struct gg_error *popcnt_is_in_src(const struct gg_host *host, bool *ret)
{
	uint64_t adcx, mulb = 0;
	struct gg_error *err = ask(host, "CC_OP_ADCX", &adcx);
	if (!err)
		err = ask(host, "CC_OP_MULB", &mulb);
	*ret = !err && adcx > mulb;
	return err;
}

static struct gg_error *compute_single(const struct gg_host *host, const struct operation_row *row,
				       const struct x86_condition *condition, uint64_t *ret)
{
	const struct operation operation = { .dst = condition->dst,
					     .src = condition->src,
					     .src2 = condition->src2 };
	*ret = row->flags(&operation);
	if (row->flags != zero_in_dst)
		return NULL;
	bool in_src;
	struct gg_error *err = popcnt_is_in_src(host, &in_src);
	if (!err && in_src)
		*ret = zero_in_src(&operation);
	return err;
}

static struct gg_error *compute_sized(const struct gg_host *host, const struct operation_row *row,
				      const struct x86_condition *condition, unsigned int size,
				      uint64_t *ret)
{
	const uint64_t sign = UINT64_C(1) << (8 * size - 1), mask = sign | (sign - 1);
	struct operation operation = { .dst = condition->dst & mask,
				       .src = condition->src & mask,
				       .src2 = condition->src2 & mask,
				       .sign = sign,
				       .mask = mask };
	// QEMU computes the undefined PF of BMI instructions since it has this enumerator.
	uint64_t newer;
	struct gg_error *err = ask(host, "CC_OP_SBB_SELF", &newer);
	operation.has_parity = newer != UINT64_MAX;
	if (!err)
		*ret = row->flags(&operation);
	return err;
}

struct gg_error *x86_condition_codes(const struct gg_host *host,
				     const struct x86_condition *condition, uint64_t *ret,
				     bool *known)
{
	enum { SIZES = 4 };
	*known = true;
	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
		uint64_t value;
		struct gg_error *err = ask(host, single[i].name, &value);
		if (err)
			return err;
		if (condition->op == value)
			return compute_single(host, &single[i], condition, ret);
	}
	for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++) {
		uint64_t first;
		struct gg_error *err = ask(host, sized[i].name, &first);
		if (err)
			return err;
		const uint64_t size = condition->op - first;
		if (first != UINT64_MAX && size < SIZES && 1u << size <= condition->word)
			return compute_sized(host, &sized[i], condition, 1u << size, ret);
	}
	*known = false;
	*ret = 0;
	return NULL;
}
