// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs a nested guest by KVM (Linux Documentation/virt/kvm/api.rst) with two vCPUs in long mode: the first loops for ever,
// the second is halted. Prints the truth about the nested guest's memory when both are there, by /proc/self/pagemap.
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CODE = 0x1000,
	HALT = 0x1100,
	TABLES = 0x2000,
	BEGUN = 0x5000,
	PAGE = 4096,
	CPUS = 2,
	SLOTS = 3
};

// mov byte [BEGUN + number], 1; then a loop, or hlt and a loop to it.
static const unsigned char loop[] = { 0xc6, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00, 0x01, 0xeb, 0xfe };
static const unsigned char halt[] = { 0xc6, 0x04, 0x25, 0x01, 0x50, 0x00,
				      0x00, 0x01, 0xf4, 0xeb, 0xfd };

static struct slot {
	uint64_t gpa, size;
	unsigned char *memory;
	int file; // of the memory, or -1
} slots[SLOTS] = { { 0, 16 << 20, NULL, -1 },
		   { 4ULL << 30, 32 << 20, NULL, -1 },
		   { 0xfd000000, 4 << 20, NULL, -1 } };

static int kvm, vm;
static volatile int threads[CPUS];

static int must(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void add_memory(int number)
{
	struct slot *slot = &slots[number];
	const int file = number == 2 ? must(memfd_create("lab", 0), "memfd_create") : -1;
	slot->file = file;
	if (file >= 0)
		must(ftruncate(file, (off_t)slot->size), "ftruncate");
	slot->memory = mmap(NULL, slot->size, PROT_READ | PROT_WRITE,
			    file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, 0);
	must(madvise(slot->memory, slot->size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	struct kvm_userspace_memory_region region = { .slot = (unsigned)number,
						      .guest_phys_addr = slot->gpa,
						      .memory_size = slot->size,
						      .userspace_addr = (uintptr_t)slot->memory };
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

// Puts a page into the memfd that is never mapped, and one that is swapped.
static void fill_file(void)
{
	static const char cached[] = "in the page cache";
	const struct slot *slot = &slots[2];
	if (pwrite(slot->file, cached, sizeof(cached), 1 << 20) != sizeof(cached))
		exit(1);
	memset(slot->memory + (3 << 20), 0x5b, PAGE);
	must(madvise(slot->memory + (3 << 20), PAGE, MADV_PAGEOUT), "MADV_PAGEOUT of a memfd");
}

// Identity page tables of the first 2 MiB, the code, a text that only the nested guest has, a MiB that is swapped.
static void fill(void)
{
	unsigned char *ram = slots[0].memory;
	const uint64_t tables[] = { TABLES + PAGE + 3, TABLES + 2 * PAGE + 3, 0x83 };
	for (int i = 0; i < 3; i++)
		memcpy(ram + TABLES + i * PAGE, &tables[i], sizeof(tables[i]));
	memcpy(ram + CODE, loop, sizeof(loop));
	memcpy(ram + HALT, halt, sizeof(halt));
	strcpy((char *)ram + 0x6000, "in the nested guest's RAM");
	strcpy((char *)slots[1].memory + 0x10000, "above 4 GiB");
	strcpy((char *)slots[2].memory + 0x3000, "in a memfd");
	memset(ram + (8 << 20), 0x5a, 1 << 20);
	must(madvise(ram + (8 << 20), 1 << 20, MADV_PAGEOUT), "MADV_PAGEOUT");
	fill_file();
}

// Fills the memory on one CPU: a page that is in another CPU's list of pages to come into the LRU is not swapped out.
static void fill_on_one_cpu(void)
{
	cpu_set_t all, one;
	must(sched_getaffinity(0, sizeof(all), &all), "sched_getaffinity");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	fill();
	must(sched_setaffinity(0, sizeof(all), &all), "sched_setaffinity of all CPUs");
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t is_long)
{
	return (struct kvm_segment){ .limit = 0xffffffff,
				     .selector = selector,
				     .type = type,
				     .present = 1,
				     .s = 1,
				     .g = 1,
				     .l = is_long,
				     .db = !is_long };
}

// Gives the vCPU all that the host has: newer kernels refuse the bits of long mode without.
static void set_features(int vcpu)
{
	enum { MOST = 256 };
	struct kvm_cpuid2 *features =
		calloc(1, sizeof(*features) + MOST * sizeof(*features->entries));
	if (!features)
		exit(1);
	features->nent = MOST;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, features), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(vcpu, KVM_SET_CPUID2, features), "KVM_SET_CPUID2");
	free(features);
}

static void set_registers(int vcpu, uint64_t number)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t *general = (uint64_t *)&regs;
	must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = segment(8, 11, 1);
	sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = segment(16, 3, 0);
	sregs.gs.base = 0x700000 + number;
	sregs.cr0 = 0x80000011, sregs.cr3 = TABLES, sregs.cr4 = 0x20, sregs.efer = 0x500;
	must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	// rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8 to r15
	for (uint64_t i = 0; i < 16; i++)
		general[i] = 0xc0de000000000000 + (number << 8) + i;
	regs.rip = number ? HALT : CODE, regs.rflags = 2;
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static void *run(void *data)
{
	const uint64_t number = (uintptr_t)data;
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	const int vcpu = must(ioctl(vm, KVM_CREATE_VCPU, number), "KVM_CREATE_VCPU");
	set_features(vcpu);
	set_registers(vcpu, number);
	must(ioctl(vcpu, KVM_SET_MP_STATE, &state), "KVM_SET_MP_STATE");
	threads[number] = gettid();
	for (;;)
		must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	return NULL;
}

static int is_asleep(int thread)
{
	char path[64], state = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	FILE *file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (file)
		fclose(file);
	return state == 'S';
}

// Counts the pages that the slot's file has in memory, mapped or not, and those that are swapped.
static void count_file(const struct slot *slot, uint64_t *there, uint64_t *swapped)
{
	enum { BLOCK = 512, MOST = 4096 };
	static unsigned char is_there[MOST];
	struct stat status;
	must(mincore(slot->memory, slot->size, is_there), "mincore");
	must(fstat(slot->file, &status), "fstat");
	for (uint64_t at = 0; at < slot->size / PAGE; at++)
		*there += is_there[at] & 1;
	*swapped = (uint64_t)status.st_blocks * BLOCK / PAGE - *there;
}

static void print_memory(void)
{
	const int map = must(open("/proc/self/pagemap", O_RDONLY), "pagemap");
	for (int i = 0; i < SLOTS; i++) {
		uint64_t there = 0, swapped = 0, entry;
		for (uint64_t at = 0; at < slots[i].size; at += PAGE) {
			const off_t place =
				(off_t)(((uintptr_t)slots[i].memory + at) / PAGE * sizeof(entry));
			if (pread(map, &entry, sizeof(entry), place) != sizeof(entry))
				exit(1);
			there += entry >> 63;
			swapped += entry >> 62 & 1;
		}
		if (slots[i].file >= 0) {
			there = 0;
			count_file(&slots[i], &there, &swapped);
		}
		printf("slot %d gpa 0x%llx size %llu there %llu swapped %llu\n", i,
		       (unsigned long long)slots[i].gpa, (unsigned long long)slots[i].size,
		       (unsigned long long)there * PAGE, (unsigned long long)swapped * PAGE);
	}
}

int main(void)
{
	pthread_t thread;
	kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	for (int i = 0; i < SLOTS; i++)
		add_memory(i);
	fill_on_one_cpu();
	for (uintptr_t i = 0; i < CPUS; i++)
		if (pthread_create(&thread, NULL, run, (void *)i))
			exit(1);
	for (int i = 0; i < CPUS; i++)
		while (!slots[0].memory[BEGUN + i])
			usleep(1000);
	while (!is_asleep(threads[1]))
		usleep(1000);
	printf("pid %d\nthreads %d %d\n", getpid(), threads[0], threads[1]);
	print_memory();
	printf("end\n");
	fflush(stdout);
	pause();
	return 0;
}
