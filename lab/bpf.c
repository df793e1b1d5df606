// SPDX-License-Identifier: GPL-3.0-or-later
//
// bpf: a task that sleeps in a BPF program, which a trampoline calls when the task calls socketpair(2).
//
// In:  a kernel with its BTF, JIT, userfaultfd(2), and lsm=bpf.
// Out: the task's PID, then the task sleeps: the program reads a page that userfaultfd never gives.
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, MAX_BTF = 64 << 20 };

static const char function[] = "bpf_lsm_socket_socketpair";

static long check(const char *what, long result)
{
	if (result < 0) {
		printf("bpf: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

// Makes a page that no access gets.
static void *make_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = (int)check("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));
	struct uffdio_register range = { .range = { (uintptr_t)page, PAGE },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	check("UFFDIO_API", ioctl(fd, UFFDIO_API, &api));
	check("UFFDIO_REGISTER", ioctl(fd, UFFDIO_REGISTER, &range));
	return page;
}

// The bytes behind the head of a type.
static size_t tail_of(const struct btf_type *type)
{
	const size_t count = BTF_INFO_VLEN(type->info);
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * (BTF_INFO_KIND(type->info) == BTF_KIND_ARRAY ? 1 : count);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * count;
	default:
		return 0;
	}
}

// Finds the number of FUNCTION in the kernel's BTF.
static unsigned int find_function(void)
{
	char *btf = malloc(MAX_BTF);
	const int fd =
		(int)check("/sys/kernel/btf/vmlinux", open("/sys/kernel/btf/vmlinux", O_RDONLY));
	size_t size = 0;
	for (ssize_t got; (got = read(fd, btf + size, MAX_BTF - size)) > 0;)
		size += (size_t)got;
	const struct btf_header *header = (void *)btf;
	const char *at = btf + header->hdr_len + header->type_off, *end = at + header->type_len;
	const char *names = btf + header->hdr_len + header->str_off;
	for (unsigned int id = 1; at < end; id++) {
		const struct btf_type *type = (const void *)at;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(names + type->name_off, function))
			return id;
		at += sizeof(*type) + tail_of(type);
	}
	errno = ENOENT;
	return (unsigned int)check(function, -1);
}

// Has the kernel read PAGE when a task calls FUNCTION.
static void attach(const void *page)
{
	const __u64 address = (uintptr_t)page;
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 3, .imm = (__s32)address },
		{ .imm = (__s32)(address >> 32) },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_copy_from_user },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static char log[1 << 16];
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_LSM,
		.expected_attach_type = BPF_LSM_MAC,
		.prog_flags = BPF_F_SLEEPABLE,
		.attach_btf_id = find_function(),
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.license = (uintptr_t) "GPL",
		.prog_name = "lab_sleeps",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	const long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (fd < 0)
		puts(log);
	check("BPF_PROG_LOAD", fd);
	union bpf_attr open = { .raw_tracepoint = { .prog_fd = (__u32)fd } };
	check("BPF_RAW_TRACEPOINT_OPEN",
	      syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &open, sizeof(open)));
}

int main(void)
{
	int sockets[2];
	attach(make_page());
	prctl(PR_SET_NAME, "s-bpf");
	printf("%d\n", getpid());
	fflush(stdout);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
	return 1;
}
