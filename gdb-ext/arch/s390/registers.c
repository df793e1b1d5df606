// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of s390x: their names, which are GDB's, and places.
#include "s390.h"

#include <stddef.h>

struct s390_values {
	uint64_t mask, address, r[S390_COUNT], c[S390_COUNT], timer, comparator, guarded[4];
	uint64_t high[S390_VECTORS], low[S390_VECTORS];
	uint32_t a[S390_COUNT], prefix, tod, fpc;
	uint8_t cpu_state, halted;
};

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct s390_values, member),                                        \
			sizeof(((struct s390_values *)NULL)->member)                               \
	}
#define GENERAL(i) [S390_R0 + (i)] = R("r" #i, r[i])
#define ACCESS(i)  [S390_A0 + (i)] = R("acr" #i, a[i])
#define CONTROL(i) [S390_C0 + (i)] = R("cr" #i, c[i])
#define FLOAT(i)   [S390_F0 + (i)] = R("f" #i, high[i])
#define HIGH(i)    [S390_F0 + (i)] = R(NULL, high[i])
#define LOW(i)     [S390_LOW0 + (i)] = R(NULL, low[i])

// clang-format off
static const struct gg_register_info infos[S390_REGISTERS] = {
	[S390_MASK] = R("pswm", mask), [S390_ADDRESS] = R("pswa", address),
	GENERAL(0), GENERAL(1), GENERAL(2), GENERAL(3), GENERAL(4), GENERAL(5), GENERAL(6), GENERAL(7),
	GENERAL(8), GENERAL(9), GENERAL(10), GENERAL(11), GENERAL(12), GENERAL(13), GENERAL(14), GENERAL(15),
	ACCESS(0), ACCESS(1), ACCESS(2), ACCESS(3), ACCESS(4), ACCESS(5), ACCESS(6), ACCESS(7), ACCESS(8),
	ACCESS(9), ACCESS(10), ACCESS(11), ACCESS(12), ACCESS(13), ACCESS(14), ACCESS(15),
	CONTROL(0), CONTROL(1), CONTROL(2), CONTROL(3), CONTROL(4), CONTROL(5), CONTROL(6), CONTROL(7),
	CONTROL(8), CONTROL(9), CONTROL(10), CONTROL(11), CONTROL(12), CONTROL(13), CONTROL(14), CONTROL(15),
	[S390_PREFIX] = R("prefix", prefix), [S390_TIMER] = R("cputm", timer),
	[S390_COMPARATOR] = R("ckc", comparator), [S390_TOD] = R("todpr", tod), [S390_FPC] = R("fpc", fpc),
	[S390_GUARDED] = R(NULL, guarded[0]), R(NULL, guarded[1]), R(NULL, guarded[2]), R(NULL, guarded[3]),
	FLOAT(0), FLOAT(1), FLOAT(2), FLOAT(3), FLOAT(4), FLOAT(5), FLOAT(6), FLOAT(7), FLOAT(8), FLOAT(9),
	FLOAT(10), FLOAT(11), FLOAT(12), FLOAT(13), FLOAT(14), FLOAT(15),
	HIGH(16), HIGH(17), HIGH(18), HIGH(19), HIGH(20), HIGH(21), HIGH(22), HIGH(23), HIGH(24), HIGH(25),
	HIGH(26), HIGH(27), HIGH(28), HIGH(29), HIGH(30), HIGH(31),
	LOW(0), LOW(1), LOW(2), LOW(3), LOW(4), LOW(5), LOW(6), LOW(7), LOW(8), LOW(9), LOW(10), LOW(11),
	LOW(12), LOW(13), LOW(14), LOW(15), LOW(16), LOW(17), LOW(18), LOW(19), LOW(20), LOW(21), LOW(22),
	LOW(23), LOW(24), LOW(25), LOW(26), LOW(27), LOW(28), LOW(29), LOW(30), LOW(31),
	[S390_CPU_STATE] = R("cpu_state", cpu_state), [S390_HALTED] = R("halted", halted),
};
// clang-format on

const struct gg_register_set s390_registers = {
	.infos = infos,
	.count = S390_REGISTERS,
	.size = sizeof(struct s390_values),
	.pc = S390_ADDRESS,
	.sp = S390_R15,
};
