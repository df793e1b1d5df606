// SPDX-License-Identifier: GPL-3.0-or-later
//
// The objects of the units of host.scm: types of every kind that a host is asked about, symbols, two
// threads with known registers. The compiler's own word for offsets and sizes is in `truth`.
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

typedef unsigned long Word;

struct inner {
	uint16_t first;
	Word second;
};

typedef struct {
	char tag;
	struct inner inner;
} Unnamed;

union both {
	uint64_t whole;
	uint32_t halves[2];
};

// Its values are in host.scm too.
typedef enum { SMALL, LARGE = 40, LARGER, BELOW = -1 } Choice;
enum tagged { TAGGED = 7 };
// A typedef that nothing uses, which is not in the debuginfo.
typedef enum { ALONE = 5 } Unused;
Choice choice;
int alone = ALONE;
enum tagged tagged;

struct outer {
	uint8_t before;
	union {
		struct {
			uint32_t low;
			uint32_t high;
		};
		uint64_t whole;
	};
	Unnamed unnamed;
	struct {
		int x, y;
	} named;
	struct inner *pointer;
	struct inner array[3];
	unsigned int bits_low : 3;
	unsigned int bits_high : 5;
	union both both;
};
typedef struct outer Outer;
typedef Outer OuterAgain;

Outer outer;
static Word hidden = 0x1122334455667788;
uint8_t pattern[256];
// More than GDB allows a value to have.
uint8_t large[200000];
OuterAgain outer_again;

struct {
	size_t high, whole, unnamed_inner, unnamed_second, named_y, named_size, array, array_size,
		pointer_size, both_halves, outer_size, inner_size, large_size;
	void *hidden, *pattern, *large, *main;
	pid_t pid;
} truth;

// The debugger stops the program here.
__attribute__((noinline)) void ready(void)
{
	__asm__ volatile("");
}

static volatile int started;

// r12 and the carry flag are set for as long as the thread lives; a system call keeps both.
static void *wait_for_ever(void *unused)
{
	(void)unused;
	__asm__ volatile("movabs $0x2222222222222222, %%r12\n\t"
			 "stc\n\t"
			 "movl $1, %0\n"
			 "1:\tmovl $34, %%eax\n\t" // pause
			 "syscall\n\t"
			 "jmp 1b"
			 : "=m"(started)
			 :
			 : "r12", "rax", "rcx", "r11", "cc", "memory");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, wait_for_ever, NULL))
		return 1;
	while (!started)
		sched_yield();

	for (unsigned int i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i ^ 0x5a);
	for (unsigned int i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i % 251);
	truth.high = offsetof(struct outer, high);
	truth.whole = offsetof(struct outer, whole);
	truth.unnamed_inner = offsetof(Unnamed, inner);
	truth.unnamed_second = offsetof(struct outer, unnamed.inner.second);
	truth.named_y = offsetof(struct outer, named.y);
	truth.named_size = sizeof(outer.named);
	truth.array = offsetof(struct outer, array);
	truth.array_size = sizeof(outer.array);
	truth.pointer_size = sizeof(outer.pointer);
	truth.both_halves = offsetof(struct outer, both.halves);
	truth.outer_size = sizeof(struct outer);
	truth.inner_size = sizeof(struct inner);
	truth.large_size = sizeof(large);
	truth.hidden = &hidden;
	truth.pattern = pattern;
	truth.large = large;
	truth.main = (void *)main;
	truth.pid = getpid();

	// The flags are left with the carry flag clear.
	__asm__ volatile("movabs $0x1111111111111111, %%r12\n\t"
			 "clc\n\t"
			 "call ready"
			 :
			 :
			 : "r12", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc",
			   "memory");
	return 0;
}
