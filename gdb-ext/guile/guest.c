// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest for Scheme, by the host interface that four of Scheme's procedures answer.
#include "guile.h"

#include <string.h>

enum question { READ, SYMBOL, MEMBER, REGISTERS, QUESTION_COUNT };

// A guest of Scheme's. The collector allocates it, and so sees the procedures.
struct scheme_guest {
	struct gg_host host;
	SCM answers[QUESTION_COUNT];
	struct gg_debug debug;
	SCM debug_writer; // a procedure, or #f
	unsigned int asked;
	size_t read;            // bytes since the collector was last called
	struct gg_guest *guest; // NULL after (%guest-destroy)
};

static SCM guest_type;
static struct gg_guile_type kept_type = { .name = "kept memory",
					  .ended = "the kept memory is gone" };

// ---- Questions ----

static struct gg_error *ask(struct scheme_guest *guest, enum question question, SCM arguments,
			    SCM *ret)
{
	// GDB leaves the finalizers of its values to the end of the command: they are run here, or
	// memory would grow with every question.
	enum { FINALIZE_INTERVAL = 1000 };
	if (++guest->asked % FINALIZE_INTERVAL == 0)
		scm_run_finalizers();
	return gg_guile_call(guest->answers[question], arguments, ret);
}

// Memory that is read by value is GDB's: the collector does not know its size.
static void collect_values(struct scheme_guest *guest, size_t size)
{
	enum { COLLECT_INTERVAL = 16 << 20 };
	guest->read += size;
	if (guest->read < COLLECT_INTERVAL)
		return;
	guest->read = 0;
	scm_gc();
	scm_run_finalizers();
}

static struct gg_error *wrong_answer(const char *question)
{
	return gg_error_create(GG_SYSTEM, "the host's answer to %s is of the wrong type", question);
}

// ---- The host interface, answered by Scheme ----

static struct gg_error *host_read(void *data, uint64_t address, void *buffer, size_t size)
{
	SCM bytes = scm_pointer_to_bytevector(scm_from_pointer(buffer, NULL), scm_from_size_t(size),
					      SCM_UNDEFINED, SCM_UNDEFINED);
	SCM result;
	collect_values(data, size);
	return ask(data, READ, scm_list_2(scm_from_uint64(address), bytes), &result);
}

static struct gg_error *host_symbol(void *data, const char *name, uint64_t *ret)
{
	SCM result;
	struct gg_error *err = ask(data, SYMBOL, scm_list_1(gg_guile_string(name)), &result);
	if (err)
		return err;
	if (!scm_is_unsigned_integer(result, 0, UINT64_MAX))
		return wrong_answer("symbol");
	*ret = scm_to_uint64(result);
	return NULL;
}

static struct gg_error *host_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	SCM result;
	struct gg_error *err = ask(
		data, MEMBER, scm_list_2(gg_guile_string(type), gg_guile_string(path)), &result);
	if (err)
		return err;
	if (!scm_is_pair(result) || !scm_is_unsigned_integer(scm_car(result), 0, UINT64_MAX) ||
	    !scm_is_unsigned_integer(scm_cdr(result), 0, UINT64_MAX))
		return wrong_answer("member");
	ret->offset = scm_to_uint64(scm_car(result));
	ret->size = scm_to_uint64(scm_cdr(result));
	return NULL;
}

static struct gg_error *host_registers(void *data, unsigned int thread, const char *name,
				       void *buffer, size_t size, size_t *ret)
{
	SCM result;
	struct gg_error *err = ask(
		data, REGISTERS, scm_list_2(scm_from_uint(thread), gg_guile_string(name)), &result);
	if (err)
		return err;
	if (!scm_is_bytevector(result))
		return wrong_answer("registers");
	*ret = SCM_BYTEVECTOR_LENGTH(result);
	if (*ret > size)
		return gg_error_create(GG_INVALID, "register %s has %zu bytes, more than %zu", name,
				       *ret, size);
	memcpy(buffer, SCM_BYTEVECTOR_CONTENTS(result), *ret);
	return NULL;
}

static const struct gg_host_ops scheme_ops = {
	.read = host_read,
	.symbol = host_symbol,
	.member = host_member,
	.registers = host_registers,
};

// Drops what the writer throws: the log must not change what a command does.
static void write_debug(void *data, const char *line)
{
	const struct scheme_guest *guest = data;
	SCM result;
	gg_error_destroy(
		gg_guile_call(guest->debug_writer, scm_list_1(gg_guile_string(line)), &result));
}

// ---- Guests ----

static struct scheme_guest *get_scheme_guest(SCM object)
{
	scm_assert_foreign_object_type(guest_type, object);
	struct scheme_guest *guest = scm_foreign_object_ref(object, 0);
	if (!guest->guest)
		gg_guile_throw(gg_error_create(GG_INVALID, "the guest is no longer in use"));
	return guest;
}

struct gg_guest *gg_guile_guest(SCM object)
{
	return get_scheme_guest(object)->guest;
}

// A string, or NULL for #f; the caller frees it.
static char *optional_string(SCM value)
{
	return scm_is_true(value) ? scm_to_locale_string(value) : NULL;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
}

static gg_gpa_t address_or_0(SCM value)
{
	return scm_is_true(value) ? scm_to_uint64(value) : 0;
}

// Creates the guest of TARGET, or the nested guest of it that NUMBERS, a text or #f, names.
static struct gg_error *create(struct scheme_guest *guest, struct gg_target *target, SCM numbers)
{
	uint64_t path[GG_NESTED_DEPTH];
	_cleanup_free_ char *text = optional_string(numbers);
	target->nested = path;
	struct gg_error *err = text ? gg_nested_parse(text, path, &target->nested_count) : NULL;
	return err ? err : gg_guest_create(&guest->host, target, &guest->guest);
}

// (%guest-create (READ SYMBOL MEMBER REGISTERS [DEBUG]) BIG-ENDIAN? ADDRESS-SIZE CORE PROGRAM PID
// VIA-HOST? MONITOR MEMORY (KEPT NESTED VMLINUX NOTE . CHOICE)). MONITOR is #f, or at a gdbstub what the monitor
// printed for (%monitor-commands); MEMORY is a file of QEMU's, KEPT of (%kept) or #f, NESTED a number of gg_nested_parse() or #f, NOTE an address,
// CHOICE is (NOTE . IDENTITY) as %guest-kernels has it, or #f; DEBUG is a procedure that takes a line
// of the debug log, or #f.
static SCM guest_create(SCM answers, SCM big_endian, SCM address_size, SCM core, SCM program,
			SCM pid, SCM via_host, SCM monitor, SCM memory, SCM kernels)
{
	struct scheme_guest *guest = scm_gc_malloc(sizeof(*guest), "guest");
	*guest = (struct scheme_guest){
		.host = { .ops = &scheme_ops,
			  .data = guest,
			  .big_endian = scm_is_true(big_endian),
			  .address_size = scm_to_uint(address_size) },
	};
	for (size_t i = 0; i < QUESTION_COUNT; i++)
		guest->answers[i] = scm_list_ref(answers, scm_from_size_t(i));
	const SCM more = scm_list_tail(answers, scm_from_size_t(QUESTION_COUNT));
	guest->debug_writer = scm_is_pair(more) ? scm_car(more) : SCM_BOOL_F;
	guest->debug = (struct gg_debug){ write_debug, guest };
	SCM object = scm_make_foreign_object_1(guest_type, guest);

	char *texts[GG_MONITOR_TEXTS];
	size_t count = 0;
	struct gg_target target = { .pid = scm_is_true(pid) ? scm_to_int(pid) : 0,
				    .via_host = scm_is_true(via_host) };
	if (scm_is_true(scm_car(kernels)))
		target.kept = gg_guile_state(&kept_type, scm_car(kernels));
	kernels = scm_cdr(kernels);
	const SCM numbers = scm_car(kernels);
	kernels = scm_cdr(kernels);
	target.note = address_or_0(scm_cadr(kernels));
	const SCM choice = scm_cddr(kernels);
	if (scm_is_true(choice))
		target.choice = (struct gg_kernel_choice){ scm_to_uint64(scm_car(choice)),
							   scm_to_uint64(scm_cdr(choice)) };
	for (; scm_is_pair(monitor) && count < GG_MONITOR_TEXTS; monitor = scm_cdr(monitor))
		texts[count++] = scm_to_utf8_string(scm_car(monitor));
	if (count == GG_MONITOR_TEXTS)
		target.monitor = (const char *const *)texts;
	target.debug = scm_is_true(guest->debug_writer) ? &guest->debug : NULL;
	target.core_path = optional_string(core);
	target.program_path = optional_string(program);
	target.memory_path = optional_string(memory);
	target.vmlinux_path = optional_string(scm_car(kernels));
	struct gg_error *err = create(guest, &target, numbers);
	free((char *)target.core_path);
	free((char *)target.program_path);
	free((char *)target.memory_path);
	free((char *)target.vmlinux_path);
	free_texts(texts, count);
	gg_guile_throw(err);
	return object;
}

// (%guest-note GUEST) => the guest-physical address of the kernel's VMCOREINFO, or #f.
static SCM guest_note(SCM object)
{
	const gg_gpa_t note = gg_guest_note(gg_guile_guest(object));
	return note ? scm_from_uint64(note) : SCM_BOOL_F;
}

// (%guest-nested-name GUEST) => (NUMBER PROCESS PLACE), the texts of a nested guest, or #f.
static SCM guest_nested_name(SCM object)
{
	struct gg_nested_name name;
	struct gg_error *err = gg_guest_nested_name(gg_guile_guest(object), &name);
	const SCM result = !err && name.number ? scm_list_3(gg_guile_string(name.number),
							    gg_guile_string(name.process),
							    gg_guile_string(name.place))
					       : SCM_BOOL_F;
	gg_nested_name_deinit(&name);
	gg_guile_throw(err);
	return result;
}

static SCM guest_destroy(SCM object)
{
	struct scheme_guest *guest = get_scheme_guest(object);
	gg_guest_destroy(guest->guest);
	guest->guest = NULL;
	return SCM_UNSPECIFIED;
}

// (%kept) => the store of a connection's guests, to be ended.
static SCM kept_create(void)
{
	struct gg_kept *kept;
	gg_guile_throw(gg_kept_create(&kept));
	return gg_guile_object(&kept_type, kept);
}

// (%kept-end KEPT): no guest uses KEPT.
static SCM kept_end(SCM object)
{
	gg_kept_destroy(gg_guile_end(&kept_type, object));
	return SCM_UNSPECIFIED;
}

// The four questions as the C core asks them.

static SCM guest_read(SCM object, SCM address, SCM size)
{
	const struct gg_host *host = gg_guest_host(gg_guile_guest(object));
	const uint64_t start = gg_guile_address(address);
	SCM bytes = scm_c_make_bytevector(gg_guile_size(size));
	gg_guile_throw(host->ops->read(host->data, start, SCM_BYTEVECTOR_CONTENTS(bytes),
				       SCM_BYTEVECTOR_LENGTH(bytes)));
	return bytes;
}

static SCM guest_symbol(SCM object, SCM name)
{
	const struct gg_host *host = gg_guest_host(gg_guile_guest(object));
	_cleanup_free_ char *text = scm_to_utf8_string(name);
	uint64_t address;
	struct gg_error *err = host->ops->symbol(host->data, text, &address);
	if (!err)
		return scm_from_uint64(address);
	free(no_cleanup_ptr(text));
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

// (%guest-ran GUEST): GDB has let the guest run; see gg_guest_ran().
static SCM guest_ran(SCM object)
{
	gg_guest_ran(gg_guile_guest(object));
	return SCM_UNSPECIFIED;
}

static SCM guest_member(SCM object, SCM type, SCM path)
{
	const struct gg_host *host = gg_guest_host(gg_guile_guest(object));
	char *type_text = scm_to_utf8_string(type), *path_text = scm_to_utf8_string(path);
	struct gg_member member;
	struct gg_error *err = host->ops->member(host->data, type_text, path_text, &member);
	free(type_text);
	free(path_text);
	gg_guile_throw(err);
	return scm_cons(scm_from_uint64(member.offset), scm_from_uint64(member.size));
}

static SCM guest_registers(SCM object, SCM thread, SCM name)
{
	enum { LARGEST_REGISTER = 8192 }; // SME's ZA is 64 KiB, and nothing here asks for it
	uint8_t buffer[LARGEST_REGISTER];
	const struct gg_host *host = gg_guest_host(gg_guile_guest(object));
	const unsigned int number =
		(unsigned int)gg_guile_integer(thread, "the thread", 0, UINT32_MAX);
	char *text = scm_to_utf8_string(name);
	size_t size;
	struct gg_error *err =
		host->ops->registers(host->data, number, text, buffer, sizeof(buffer), &size);
	free(text);
	gg_guile_throw(err);
	SCM bytes = scm_c_make_bytevector(size);
	memcpy(SCM_BYTEVECTOR_CONTENTS(bytes), buffer, size);
	return bytes;
}

static struct gg_error *collect_range(void *data, const struct gg_ram_range *range)
{
	SCM *list = data;
	*list = scm_cons(gg_guile_range(range), *list);
	return NULL;
}

// A list of #(START SIZE HVA BLOCK).
static SCM guest_ram(SCM object)
{
	SCM list = SCM_EOL;
	gg_guile_throw(gg_guest_ram(gg_guile_guest(object), collect_range, &list));
	return scm_reverse_x(list, SCM_UNDEFINED);
}

void gg_guile_init_guest(void)
{
	guest_type = scm_permanent_object(scm_make_foreign_object_type(
		scm_from_utf8_symbol("guest"), scm_list_1(scm_from_utf8_symbol("state")), NULL));
	gg_guile_define("%guest-create", 10, (scm_t_subr)guest_create);
	gg_guile_type_init(&kept_type);
	gg_guile_define("%kept", 0, (scm_t_subr)kept_create);
	gg_guile_define("%kept-end", 1, (scm_t_subr)kept_end);
	gg_guile_define("%guest-note", 1, (scm_t_subr)guest_note);
	gg_guile_define("%guest-nested-name", 1, (scm_t_subr)guest_nested_name);
	gg_guile_define("%guest-destroy", 1, (scm_t_subr)guest_destroy);
	gg_guile_define("%guest-ran", 1, (scm_t_subr)guest_ran);
	gg_guile_define("%guest-read", 3, (scm_t_subr)guest_read);
	gg_guile_define("%guest-symbol", 2, (scm_t_subr)guest_symbol);
	gg_guile_define("%guest-member", 3, (scm_t_subr)guest_member);
	gg_guile_define("%guest-registers", 3, (scm_t_subr)guest_registers);
	gg_guile_define("%guest-ram", 1, (scm_t_subr)guest_ram);
}
