// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-stub.h"

#include "arch/x86/x86.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gg_error *read_counted(void *data, uint64_t address, void *buffer, size_t size)
{
	struct fake_stub *stub = data;
	const struct gg_host *host = gg_bytes_host(stub->bytes);
	stub->bytes_read += size;
	if (stub->break_after && stub->bytes_read > stub->break_after)
		return gg_error_fault(address, "the connection is closed");
	return host->ops->read(host->data, address, buffer, size);
}

// QEMU's own symbols and types are not to be asked for: the target is the guest.
static struct gg_error *refuse_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)data;
	(void)name;
	(void)ret;
	abort();
}

static struct gg_error *refuse_member(void *data, const char *type, const char *path,
				      struct gg_member *ret)
{
	(void)data;
	(void)type;
	(void)path;
	(void)ret;
	abort();
}

static struct gg_error *no_register(void *data, unsigned int thread, const char *name, void *buffer,
				    size_t size, size_t *ret)
{
	(void)data;
	(void)buffer;
	(void)size;
	(void)ret;
	return gg_error_create(GG_NOT_FOUND, "thread %u has no %s", thread, name);
}

static const struct gg_host_ops ops = {
	.read = read_counted,
	.symbol = refuse_symbol,
	.member = refuse_member,
	.registers = no_register,
};

static void print_registers(struct fake_stub *stub, uint64_t root)
{
	enum { PG_PE = 0x80000001, PAE = 1 << 5, EFER_LMA_LME = 0x500 };
	struct gg_registers registers;
	gg_registers_init(&registers, &x86_registers, 8);
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		gg_register_set(&registers, id, 0);
	gg_register_set(&registers, X86_HFLAGS, X86_HF_LMA | X86_HF_CS64 | X86_HF_PE);
	gg_register_set(&registers, X86_CS + X86_FLAGS, 0x00af9b00);
	gg_register_set(&registers, X86_EFER, EFER_LMA_LME);
	gg_register_set(&registers, X86_CR0, root ? PG_PE : 1);
	gg_register_set(&registers, X86_CR0 + 3, root);
	gg_register_set(&registers, X86_CR4, PAE);

	char *cpu;
	size_t size;
	FILE *out = open_memstream(&cpu, &size);
	x86_print_registers(&registers, out);
	fclose(out);
	snprintf(stub->texts[GG_MONITOR_REGISTERS], FAKE_STUB_TEXT, "\r\nCPU#0\r\n%s", cpu);
	free(cpu);
}

void fake_stub_init(struct fake_stub *stub, uint64_t root)
{
	*stub = (struct fake_stub){ 0 };
	void *ram = NULL;
	gg_error_destroy(gg_bytes_host_create(&stub->bytes));
	gg_error_destroy(gg_bytes_host_add_memory(stub->bytes, 0, FAKE_KERNEL_RAM, &ram));
	stub->ram = ram;
	stub->host = *gg_bytes_host(stub->bytes);
	stub->host.ops = &ops;
	stub->host.data = stub;
	for (size_t i = 0; i < GG_MONITOR_TEXTS; i++)
		stub->monitor[i] = stub->texts[i];
	stub->target = (struct gg_target){ .monitor = stub->monitor };
	snprintf(stub->texts[GG_MONITOR_MEMORY_MAP], FAKE_STUB_TEXT,
		 "FlatView #0\r\n AS \"memory\", root: system\r\n"
		 " Root memory region: system\r\n"
		 "  0000000000000000-%016x (prio 0, ram): pc.ram\r\n",
		 FAKE_KERNEL_RAM - 1);
	strcpy(stub->texts[GG_MONITOR_JIT], "Translation buffer state:\r\n");
	print_registers(stub, root);
}

void fake_stub_deinit(struct fake_stub *stub)
{
	gg_bytes_host_destroy(stub->bytes);
}

static void put_word(uint8_t *where, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		where[i] = (uint8_t)(value >> 8 * i);
}

void fake_stub_write_variables(struct fake_stub *stub, const struct fake_kernel *kernel,
			       uint64_t where)
{
	enum { PAGE = 4096 };
	put_word(stub->ram + where, FAKE_KERNEL_DIRECT_MAP + kernel->note + PAGE);
	put_word(stub->ram + where + 8, 1234);
	put_word(stub->ram + where + 16, FAKE_KERNEL_DIRECT_MAP + kernel->note);
}
