// SPDX-License-Identifier: GPL-3.0-or-later
//
// CPUs in damaged entries into the kernel, and in functions that have not made their frame. The first byte of the input chooses the
// architecture, the second byte the name; the rest is the code, and the memory that registers lead to.
#include "fuzz.h"

#include "../unit/fake-answerers.h"
#include "arch/arm64/entry.h"
#include "arch/ppc64/entry.h"
#include "arch/riscv/entry.h"
#include "arch/s390/entry.h"
#include "arch/x86/entry-32.h"
#include "arch/x86/x86.h"
#include "linux/stack/code-frame.h"

#include <stdlib.h>
#include <string.h>

extern const struct gg_arch gg_arch_aarch64, gg_arch_riscv64, gg_arch_s390x, gg_arch_ppc64le,
	gg_arch_i386;

enum { BASE = 0x10000, SIZE = 8192, I386 = 4, ARCHS };

static const char *name;
static const char *handler; // of all but the first byte; NULL without

static struct gg_error *find(void *data, const char *wanted, struct gg_symbol *ret)
{
	(void)data;
	static const char *const names[] = { "__entry_text_start", "__entry_text_end",
					     "cpu_tss_rw" };
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(wanted, names[i])) {
			*ret = (struct gg_symbol){ .name = names[i],
						   .type = 'T',
						   .address = BASE + i % 2 * SIZE };
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no %s", wanted);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	(void)data;
	*ret = (struct gg_symbol){ .name = handler && address != BASE ? handler : name,
				   .type = 'T',
				   .address = BASE,
				   .size = handler && address != BASE ? GG_ENTRY_CODE : SIZE };
	return NULL;
}

static void destroy(void *data)
{
	(void)data;
}

static struct gg_error *leave(unsigned int arch, struct gg_unwind *unwind, bool *ret)
{
	static const struct arm64_saved saved = { .size = 0x150, .fp = 0xe8, .sp = 0xf8 };
	enum ppc64_entry entry = PPC64_NO_ENTRY;
	struct gg_error *err;
	switch (arch) {
	case 0:
		return riscv_leave_entry(unwind, 64, ret);
	case 1:
		return arm64_leave_entry(unwind, &saved, ret);
	case 2:
		return s390_leave_entry(unwind, ret);
	case I386:
		return x86_leave_entry_32(
			unwind, &(struct gg_symbol){ .name = name, .address = BASE }, ret);
	}
	err = ppc64_leave_entry(unwind, UINT64_MAX, &entry);
	*ret = entry == PPC64_ENTRY_LEFT;
	return err;
}

static void find_caller(unsigned int arch, struct gg_unwind *unwind)
{
	static const unsigned int link[] = { RISCV_RA, ARM64_LR, S390_R14, PPC64_LR };
	static const unsigned int fp[] = { RISCV_S0, ARM64_FP, S390_R0 + 11, PPC64_R0 + 31 };
	struct gg_stack_caller caller;
	gg_error_destroy(gg_stack_find_caller(unwind, link[arch], fp[arch], &caller));
	gg_stack_return(unwind, link[arch], &caller);
}

// Reads the place of a system call whose handler is at the code's end.
static void read_uncopied(struct gg_unwind *unwind)
{
	uint64_t mask = 0, pc = 0;
	name = "system_call";
	handler = "__do_syscall";
	unwind->callee = unwind->pc;
	unwind->pc = BASE + 1;
	gg_error_destroy(s390_read_uncopied(unwind, &mask, &pc));
	handler = NULL;
}

// Names of code for each of the architectures.
enum { NAMES = 4 };
static const char *const names[][NAMES] = {
	{ "handle_exception", "ret_from_exception", "do_irq", "do_irq" },
	{ "vectors", "el0t_64_sync", "do_irq", "ret_to_user" },
	{ "ext_int_handler", "system_call", "do_irq", "mcck_int_handler" },
	{ "exc_virt_0x4900_decrementer", "system_call_vectored_common", "do_irq",
	  "end_real_trampolines" },
	{ "handle_exception", "asm_exc_double_fault", "restore_all_switch_stack", "do_irq" },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gg_arch *const archs[] = { &gg_arch_riscv64, &gg_arch_aarch64,
						       &gg_arch_s390x, &gg_arch_ppc64le,
						       &gg_arch_i386 };
	static const struct gg_symbol_finder_ops ops = { .find = find,
							 .find_at = find_at,
							 .destroy = destroy };
	static const struct gg_symbol_finder finder = {
		.name = "entries", .order = 2, .ops = &ops, .start = BASE, .size = SIZE
	};
	static struct gg_unwind unwind;
	const struct fake_parts parts = { .base = BASE, .size = SIZE };
	struct gg_answerers kernel = { .symbols = NULL };
	struct fake_answerers fake;
	bool has_left = false;
	if (size < 2 || size - 2 > SIZE)
		return 0;
	const unsigned int arch = data[0] % ARCHS;
	name = names[arch][data[1] % NAMES];
	fake_answerers_init(&fake, &parts, &kernel);
	kernel.arch = archs[arch];
	if (gg_symbols_add(kernel.symbols, &finder))
		abort();
	memcpy(fake.memory, data + 2, size - 2);
	unwind = (struct gg_unwind){ .kernel = &kernel, .is_exact = true };
	gg_stack_memory_init(&unwind.memory, &kernel.typed);
	gg_registers_init(&unwind.registers, kernel.arch->registers, kernel.arch->word);
	for (unsigned int id = 0; id < kernel.arch->registers->count; id++)
		gg_register_set(&unwind.registers, id, BASE + id % 64 * 8);
	// The code before the pc counts; of i386 the code behind it.
	unwind.pc = arch == I386 ? BASE : BASE + size - 2;
	unwind.sp = BASE + SIZE / 2;
	gg_error_destroy(leave(arch, &unwind, &has_left));
	if (has_left != (unwind.entry.kind != GG_NO_ENTRY))
		abort();
	unwind.is_exact = true;
	if (arch != I386)
		find_caller(arch, &unwind);
	unwind.pc = BASE + size - 2;
	if (arch == 2)
		read_uncopied(&unwind);
	fake_answerers_deinit(&fake, &kernel);
	return 0;
}
