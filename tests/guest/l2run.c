// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs a nested guest by KVM (Linux Documentation/virt/kvm/api.rst), with a vCPU on each CPU, which
// executes a loop in real mode for ever. Says where the marker is, in this process's memory, when
// the nested guest has begun on all of them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 64 << 10, CODE = 0x1000, BEGUN = 0x2000, MAX_CPUS = 8 };

// In AL the vCPU's number: mov byte [BX + SI], 1; then the loop.
static const unsigned char code[] = { 0xc6, 0x00, 0x01, 0xeb, 0xfe };

static const char marker[] = "the hypervisor's own memory";

static int vm;
static volatile unsigned char *memory;

static int must(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void *run(void *data)
{
	const long number = (long)data;
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE,
				 .rflags = 2,
				 .rax = 0xc0de00 + number,
				 .rbx = BEGUN,
				 .rsi = number,
				 .rsp = 0xf000 };
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(number, &cpus);
	must(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
	const int vcpu = must(ioctl(vm, KVM_CREATE_VCPU, number), "KVM_CREATE_VCPU");
	must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	for (;;)
		must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	return NULL;
}

int main(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);
	const int kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	pthread_t thread;
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy((void *)(memory + CODE), code, sizeof(code));
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY,
						      .userspace_addr = (unsigned long)memory };
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	for (long i = 0; i < count && i < MAX_CPUS; i++)
		if (pthread_create(&thread, NULL, run, (void *)i))
			exit(1);
	for (long i = 0; i < count && i < MAX_CPUS; i++)
		while (!memory[BEGUN + i])
			usleep(1000);
	printf("lab: l2run's marker is at %p\n", (const void *)marker);
	fflush(stdout);
	pause();
	return 0;
}
