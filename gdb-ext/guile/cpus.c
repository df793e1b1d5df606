// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs, as association lists.
#include "guile.h"

static SCM symbol(const char *name)
{
	return scm_from_utf8_symbol(name);
}

static SCM add(SCM list, const char *name, SCM value)
{
	return scm_acons(symbol(name), value, list);
}

// Returns SIZE bytes, the lowest first, as an integer, the bits of FLIP flipped in each byte.
static SCM wide_integer(const uint8_t *bytes, unsigned int size, uint8_t flip)
{
	SCM value = SCM_INUM0;
	for (unsigned int i = size; i-- > 0;)
		value = scm_logior(scm_ash(value, scm_from_int(8)),
				   scm_from_uint8((uint8_t)(bytes[i] ^ flip)));
	return value;
}

// (NAME . #(SIZE VALUE UNKNOWN)); UNKNOWN has the bits of VALUE that are not known.
static SCM register_to_pair(const struct gg_register *reg)
{
	return scm_cons(gg_guile_string(reg->name),
			scm_vector(scm_list_3(scm_from_uint(reg->size),
					      wide_integer(reg->bytes, reg->size, 0),
					      wide_integer(reg->known, reg->size, 0xff))));
}

static SCM cpu_to_alist(const struct gg_cpu *cpu)
{
	SCM registers = SCM_EOL, facts = SCM_EOL;
	for (size_t i = cpu->register_count; i-- > 0;)
		registers = scm_cons(register_to_pair(&cpu->registers[i]), registers);
	if (cpu->nested)
		facts = add(facts, "nested", cpu_to_alist(cpu->nested));
	facts = add(facts, "maybe-nested", scm_from_bool(cpu->nesting == GG_MAYBE_NESTED));
	facts = add(facts, "origin", gg_guile_string(cpu->origin));
	facts = add(facts, "unknown", gg_guile_string(cpu->unknown));
	facts = add(facts, "text", gg_guile_string(cpu->text));
	facts = add(facts, "registers", registers);
	facts = add(facts, "symbol", cpu->symbol ? gg_guile_string(cpu->symbol) : SCM_BOOL_F);
	facts = add(facts, "root", cpu->root_known ? scm_from_uint64(cpu->root) : SCM_BOOL_F);
	facts = add(facts, "sp", cpu->no_sp ? SCM_BOOL_F : scm_from_uint64(cpu->sp));
	facts = add(facts, "place", gg_guile_string(cpu->place));
	facts = add(facts, "pc", cpu->no_pc ? SCM_BOOL_F : scm_from_uint64(cpu->pc));
	facts = add(facts, "privilege", gg_guile_string(cpu->privilege));
	facts = add(facts, "bits", scm_from_uint(cpu->bits));
	facts = add(facts, "activity", gg_guile_string(cpu->activity));
	facts = add(facts, "why", gg_guile_string(cpu->why));
	facts = add(facts, "state", symbol(gg_freshness_name(cpu->freshness)));
	return add(facts, "index", scm_from_uint32(cpu->index));
}

static struct gg_error *collect_cpu(void *data, const struct gg_cpu *cpu)
{
	SCM *list = data;
	*list = scm_cons(cpu_to_alist(cpu), *list);
	return NULL;
}

// (%guest-cpus-with-symbols GUEST NOTICE) => a list of association lists: index, state (current, stale,
// unknown or noted), why, activity, bits, privilege, pc, place, sp, root, symbol ("NAME+0xOFFSET" where
// the pc is in the kernel, else #f), registers, text, unknown (the
// reason where no register is known, else ""), origin (whose copies the registers are that several places have, else ""), maybe-nested; for a CPU that executes a nested guest
// also nested: the same of the nested guest.
static SCM guest_cpus_with_symbols(SCM object, SCM notice)
{
	SCM list = SCM_EOL;
	const struct gg_notices notices = gg_guile_notices(&notice);
	gg_guile_throw(gg_guest_cpus_with_symbols(gg_guile_guest(object), NULL, 0, false,
						  collect_cpu, &list, &notices));
	return scm_reverse_x(list, SCM_UNDEFINED);
}

void gg_guile_init_cpus(void)
{
	gg_guile_define("%guest-cpus-with-symbols", 2, (scm_t_subr)guest_cpus_with_symbols);
}
