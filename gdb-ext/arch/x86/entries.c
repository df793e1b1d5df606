// SPDX-License-Identifier: GPL-3.0-or-later
//
// The ways into Linux's kernel on x86, by the symbols of their code (Linux arch/x86/entry/, v4.14 to
// v7.2), and the names of system calls.
#include "linux/stack/syscall.h"
#include "unwind.h"

#include <stdio.h>
#include <string.h>

struct way {
	const char *prefix; // of the symbol
	enum gg_entry_kind kind;
	unsigned int skipped; // characters of the symbol that are not in the entry's name
	const char *name;     // in place of the symbol's; "" for no name, NULL for the symbol's
};

enum { ALL = GG_ENTRY_NAME };

// The first prefix that matches counts.
static const struct way ways[] = {
	{ "asm_exc_nmi", GG_ENTRY_NMI, ALL, "" },
	{ "end_repeat_nmi", GG_ENTRY_NMI, ALL, "" },
	{ "repeat_nmi", GG_ENTRY_NMI, ALL, "" },
	{ "first_nmi", GG_ENTRY_NMI, ALL, "" },
	{ "nmi_restore", GG_ENTRY_NMI, ALL, "" },
	{ "nmi", GG_ENTRY_NMI, ALL, "" }, // before v5.8
	{ "asm_sysvec_", GG_ENTRY_IRQ, sizeof("asm_sysvec_") - 1, NULL },
	{ "asm_common_interrupt", GG_ENTRY_IRQ, ALL, "" },
	{ "asm_spurious_interrupt", GG_ENTRY_IRQ, sizeof("asm_") - 1, NULL },
	{ "common_interrupt_return", GG_ENTRY_OTHER, ALL, "" },
	{ "asm_int80_emulation", GG_ENTRY_SYSCALL, ALL, "" },
	{ "asm_exc_", GG_ENTRY_EXCEPTION, sizeof("asm_exc_") - 1, NULL },
	{ "entry_SYSCALL", GG_ENTRY_SYSCALL, ALL, "" },
	{ "entry_SYSENTER", GG_ENTRY_SYSCALL, ALL, "" },
	{ "entry_INT80", GG_ENTRY_SYSCALL, ALL, "" },
	{ "ret_from_fork", GG_ENTRY_SYSCALL, ALL, "" },
	// Before v5.8.
	{ "common_interrupt", GG_ENTRY_IRQ, ALL, "" },
	{ "ret_from_intr", GG_ENTRY_IRQ, ALL, "" },
	{ "apic_timer_interrupt", GG_ENTRY_IRQ, 0, NULL },
	{ "reschedule_interrupt", GG_ENTRY_IRQ, 0, NULL },
	{ "call_function_", GG_ENTRY_IRQ, 0, NULL },
	{ "irq_work_interrupt", GG_ENTRY_IRQ, 0, NULL },
	{ "page_fault", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "async_page_fault", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "general_protection", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "double_fault", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "divide_error", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "invalid_op", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "int3", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "debug", GG_ENTRY_EXCEPTION, 0, NULL },
	{ "machine_check", GG_ENTRY_EXCEPTION, 0, NULL },
};

// ---- System calls ----

static void name_syscall(struct gg_unwind *unwind, const char *symbol)
{
	enum { X32 = 1 << 30 }; // __X32_SYSCALL_BIT
	struct gg_stack_entry *entry = &unwind->entry;
	const bool is_compat = strstr(symbol, "compat") || strstr(symbol, "int80");
	const bool is_32 = unwind->kernel->arch->word == X86_WORD_32;
	uint64_t number;
	struct gg_error *err =
		gg_stack_word(&unwind->memory,
			      entry->registers + (is_32 ? X86_PT_ORIG_AX_32 * X86_WORD_32
							: X86_PT_ORIG_AX * X86_WORD),
			      &number);
	if (!err && is_32 && number > INT32_MAX)
		number = UINT64_MAX;
	if (!err && (int64_t)number >= 0 && number <= UINT32_MAX)
		gg_syscall_set(unwind, is_compat ? "ia32_sys_call_table" : "sys_call_table",
			       number & ~(uint64_t)X32, (int64_t)number);
	gg_error_destroy(err);
}

// ---- All ----

void x86_name_entry(struct gg_unwind *unwind, const char *name)
{
	struct gg_stack_entry *entry = &unwind->entry;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *way = &ways[i];
		if (strncmp(name, way->prefix, strlen(way->prefix)) != 0)
			continue;
		entry->kind = way->kind;
		// The kernel's own code makes no system call.
		if (way->kind == GG_ENTRY_SYSCALL && entry->is_user)
			name_syscall(unwind, name);
		else
			snprintf(entry->name, sizeof(entry->name), "%s",
				 way->name ? way->name : name + way->skipped);
		return;
	}
}
