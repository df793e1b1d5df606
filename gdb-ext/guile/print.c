// SPDX-License-Identifier: GPL-3.0-or-later
//
// The text of the commands, to a procedure of Scheme's.
#include "guile.h"

static struct gg_error *set_variable(void *data, const char *name, const uint64_t *value)
{
	SCM result;
	return gg_guile_call(
		*(SCM *)data,
		scm_list_2(gg_guile_string(name), value ? scm_from_uint64(*value) : SCM_BOOL_F),
		&result);
}

// (%print-registers GUEST CPUS ALL? JSON? SET WRITE NOTICE). CPUS is a text or #f. SET is called with
// the name of a variable and its value or #f, WRITE with bytevectors, NOTICE with lines.
static SCM print_registers(SCM object, SCM cpus, SCM all, SCM json, SCM set, SCM write, SCM notice)
{
	struct gg_guest *guest = gg_guile_guest(object);
	const struct gg_writer writer = gg_guile_writer(&write);
	const struct gg_notices notices = gg_guile_notices(&notice);
	const struct gg_registers_options options = {
		.cpus = gg_guile_optional_text(cpus),
		.all = scm_is_true(all),
		.json = scm_is_true(json),
		.set_variable = set_variable,
		.data = &set,
	};
	struct gg_error *err = gg_print_registers(guest, &options, &writer, &notices);
	free((char *)options.cpus);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

// (%print-memory GUEST CPU ADDRESS FORMAT PHYSICAL? INTEL? JSON? EVALUATE WRITE NOTICE). ADDRESS is a text,
// FORMAT a text or #f. EVALUATE is called with an expression and the words for the expected text.
static SCM print_memory(SCM object, SCM cpu, SCM address, SCM format, SCM physical, SCM intel,
			SCM json, SCM evaluate, SCM write, SCM notice)
{
	struct gg_guest *guest = gg_guile_guest(object);
	const struct gg_writer writer = gg_guile_writer(&write);
	const struct gg_notices notices = gg_guile_notices(&notice);
	const struct gg_front_end front = gg_guile_front_end(&evaluate);
	const int64_t index = gg_guile_cpu(cpu);
	const struct gg_examine_options options = {
		.address = { .text = scm_to_utf8_string(address), .cpu = index, .front = &front },
		.format = gg_guile_optional_text(format),
		.is_physical = scm_is_true(physical),
		.intel = scm_is_true(intel),
		.json = scm_is_true(json),
	};
	struct gg_error *err = gg_print_examine(guest, &options, &writer, &notices);
	free((char *)options.address.text);
	free((char *)options.format);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

// (%print-translation GUEST CPU ADDRESS JSON? EVALUATE WRITE NOTICE).
static SCM print_translation(SCM object, SCM cpu, SCM address, SCM json, SCM evaluate, SCM write,
			     SCM notice)
{
	struct gg_guest *guest = gg_guile_guest(object);
	const struct gg_writer writer = gg_guile_writer(&write);
	const struct gg_notices notices = gg_guile_notices(&notice);
	const struct gg_front_end front = gg_guile_front_end(&evaluate);
	const int64_t index = gg_guile_cpu(cpu);
	const struct gg_translation_options options = {
		.address = { .text = scm_to_utf8_string(address), .cpu = index, .front = &front },
		.json = scm_is_true(json),
	};
	struct gg_error *err = gg_print_translation(guest, &options, &writer, &notices);
	free((char *)options.address.text);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

void gg_guile_init_print(void)
{
	gg_guile_define("%print-registers", 7, (scm_t_subr)print_registers);
	gg_guile_define("%print-memory", 10, (scm_t_subr)print_memory);
	gg_guile_define("%print-translation", 7, (scm_t_subr)print_translation);
}
