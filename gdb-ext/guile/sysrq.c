// SPDX-License-Identifier: GPL-3.0-or-later
//
// The magic SysRq keys.
#include "guile.h"

static SCM codes_to_list(const uint8_t *codes, size_t count)
{
	SCM list = SCM_EOL;
	while (count--)
		list = scm_cons(scm_from_uint8(codes[count]), list);
	return list;
}

// (%sysrq-keys) => a list of #(KEY DOES DESTROYS? PRESS RELEASE): a text of one letter or digit,
// what the kernel does at it, whether work is lost then, and the codes of typing it, to be written
// to the keyboard's port.
static SCM sysrq_keys(void)
{
	size_t count;
	const struct gg_sysrq_key *keys = gg_sysrq_keys(&count);
	SCM list = SCM_EOL;
	while (count--) {
		const struct gg_sysrq_key *key = &keys[count];
		struct gg_sysrq_codes codes;
		gg_sysrq_type(key->key, &codes);
		list = scm_cons(scm_vector(scm_list_5(
					scm_from_utf8_stringn(&key->key, 1),
					gg_guile_string(key->does), scm_from_bool(key->destroys),
					codes_to_list(codes.press, codes.press_count),
					codes_to_list(codes.release, codes.release_count))),
				list);
	}
	return list;
}

// (%sysrq-way GUEST) => a text that says how SysRq is typed at a guest without a PS/2 keyboard, or #f.
static SCM sysrq_way(SCM object)
{
	const char *way;
	gg_guile_throw(gg_guest_sysrq_way(gg_guile_guest(object), &way));
	return way ? gg_guile_string(way) : SCM_BOOL_F;
}

void gg_guile_init_sysrq(void)
{
	gg_guile_define("%sysrq-way", 1, (scm_t_subr)sysrq_way);
	gg_guile_define("%sysrq-keys", 0, (scm_t_subr)sysrq_keys);
}
