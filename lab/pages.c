// SPDX-License-Identifier: GPL-3.0-or-later
//
// A program with pages of each kind that a program can have: anonymous, in huge and in small pages, of
// hugetlb, shared. Says "ready" when all are touched, and sleeps.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20, HUGE = 2 * MIB, PAGE = 4096 };

static char *map(size_t size, int flags)
{
	char *address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	if (address == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return address;
}

static void touch(char *address, size_t size)
{
	// Some pages stay pages of zeros.
	for (size_t i = 0; i < size; i += PAGE)
		address[i] = (char)(i / PAGE % 4);
}

int main(void)
{
	char *area = map(8 * MIB + HUGE, MAP_PRIVATE);
	char *aligned = area + (HUGE - (size_t)area % HUGE) % HUGE;
	char *small = map(3 * MIB, MAP_PRIVATE);
	char *shared = map(MIB, MAP_SHARED);
	char *huge = map(2 * HUGE, MAP_PRIVATE | MAP_HUGETLB);
	madvise(aligned, 8 * MIB, MADV_HUGEPAGE);
	madvise(small, 3 * MIB, MADV_NOHUGEPAGE);
	touch(aligned, 8 * MIB);
	touch(small, 3 * MIB);
	touch(shared, MIB);
	touch(huge, 2 * HUGE);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
