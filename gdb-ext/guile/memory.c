// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's symbols, and guest memory by virtual address.
#include "guile.h"

// ---- Symbols ----

// (%guest-kernel-symbol GUEST NAME) => the address.
static SCM kernel_symbol(SCM object, SCM name)
{
	struct gg_guest *guest = gg_guile_guest(object);
	char *text = scm_to_utf8_string(name);
	gg_gva_t address = 0;
	struct gg_error *err = gg_guest_symbol(guest, text, &address);
	free(text);
	gg_guile_throw(err);
	return scm_from_uint64(address);
}

// #(NAME TYPE ADDRESS SIZE)
static SCM symbol_to_vector(const struct gg_symbol *symbol)
{
	const char type[] = { symbol->type, 0 };
	return scm_vector(scm_list_4(gg_guile_string(symbol->name), gg_guile_string(type),
				     scm_from_uint64(symbol->address),
				     scm_from_uint64(symbol->size)));
}

// (%guest-kernel-symbol-at GUEST ADDRESS) => #(NAME TYPE ADDRESS SIZE).
static SCM kernel_symbol_at(SCM object, SCM address)
{
	struct gg_symbol symbol;
	gg_guile_throw(
		gg_guest_symbol_at(gg_guile_guest(object), gg_guile_address(address), &symbol));
	return symbol_to_vector(&symbol);
}

// ---- Address spaces ----

int64_t gg_guile_cpu(SCM cpu)
{
	return scm_is_true(cpu) ? (int64_t)gg_guile_integer(cpu, "the CPU", 0, UINT32_MAX)
				: GG_KERNEL_TABLES;
}

// Finds the address space of the CPU whose index CPU is, of the kernel for #f.
static struct gg_address_space *get_space(struct gg_guest *guest, SCM cpu, SCM notice)
{
	struct gg_address_space *space;
	const struct gg_notices notices = gg_guile_notices(&notice);
	const int64_t index = gg_guile_cpu(cpu);
	gg_guile_throw(gg_guest_address_space(guest, index, &notices, &space));
	return space;
}

// (%guest-read-virtual GUEST CPU ADDRESS SIZE NOTICE) => a bytevector. NOTICE is called with a line
// that the user should see.
static SCM read_virtual(SCM object, SCM cpu, SCM address, SCM size, SCM notice)
{
	struct gg_address_space *space = get_space(gg_guile_guest(object), cpu, notice);
	const gg_gva_t start = gg_guile_address(address);
	SCM bytes = scm_c_make_bytevector(gg_guile_size(size));
	gg_guile_throw(gg_address_space_read(space, start, SCM_BYTEVECTOR_CONTENTS(bytes),
					     SCM_BYTEVECTOR_LENGTH(bytes)));
	return bytes;
}

static struct gg_error *collect_entry(void *data, const struct gg_walk_entry *entry)
{
	SCM *list = data;
	*list = scm_cons(scm_vector(scm_list_4(
				 gg_guile_string(entry->level), scm_from_uint64(entry->gpa),
				 scm_from_uint64(entry->value), gg_guile_string(entry->flags))),
			 *list);
	return NULL;
}

// (%guest-walk GUEST CPU ADDRESS NOTICE) => (ENTRIES . TRANSLATION). ENTRIES is a list of #(LEVEL
// GPA VALUE FLAGS), TRANSLATION #(GPA PAGE-SIZE BLOCK OFFSET ABSENT?), BLOCK being #f outside RAM,
// or #f.
static SCM walk(SCM object, SCM cpu, SCM address, SCM notice)
{
	struct gg_address_space *space = get_space(gg_guile_guest(object), cpu, notice);
	SCM entries = SCM_EOL, result = SCM_BOOL_F;
	struct gg_translation translation;
	gg_guile_throw(gg_address_space_walk(space, gg_guile_address(address), collect_entry,
					     &entries, &translation));
	if (translation.mapped)
		result = scm_vector(scm_list_5(
			scm_from_uint64(translation.gpa), scm_from_uint64(translation.page_size),
			translation.block ? gg_guile_string(translation.block) : SCM_BOOL_F,
			scm_from_uint64(translation.block_offset),
			scm_from_bool(translation.absent)));
	return scm_cons(scm_reverse_x(entries, SCM_UNDEFINED), result);
}

void gg_guile_init_memory(void)
{
	gg_guile_define("%guest-kernel-symbol", 2, (scm_t_subr)kernel_symbol);
	gg_guile_define("%guest-kernel-symbol-at", 2, (scm_t_subr)kernel_symbol_at);
	gg_guile_define("%guest-read-virtual", 5, (scm_t_subr)read_virtual);
	gg_guile_define("%guest-walk", 4, (scm_t_subr)walk);
}
