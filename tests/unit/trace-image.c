// SPDX-License-Identifier: GPL-3.0-or-later
#include "trace-image.h"
#include "arch/arch.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

extern const struct gg_arch gg_arch_x86_64;

// The ids that add_types() gives.
enum {
	INT = 1,
	UNSIGNED,
	LONG,
	CHAR,
	CONST_CHAR,
	TEXT,
	NODE,
	NODE_POINTER,
	ID,
	ID_TYPE,
	BIG,
};

// ---- Types ----

struct field {
	const char *name;
	int type;
	unsigned int bytes;
};

static void add_struct(struct btf *btf, const char *name, const struct field *fields, size_t count)
{
	uint32_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += fields[i].bytes;
	btf__add_struct(btf, name, size);
	size = 0;
	for (size_t i = 0; i < count; i++) {
		btf__add_field(btf, fields[i].name, fields[i].type, 8 * size, 0);
		size += fields[i].bytes;
	}
}

#define STRUCT(btf, name, ...)                                                                     \
	add_struct(btf, name, (const struct field[]){ __VA_ARGS__ },                               \
		   sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field))

static void add_types(struct btf *btf)
{
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_int(btf, "unsigned int", 4, 0);
	btf__add_int(btf, "long int", 8, BTF_INT_SIGNED);
	btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	btf__add_const(btf, CHAR);
	btf__add_ptr(btf, CONST_CHAR);
	STRUCT(btf, "node", { "next", NODE_POINTER, 8 });
	btf__add_ptr(btf, NODE);
	STRUCT(btf, "id", { "value", UNSIGNED, 4 });
	btf__add_typedef(btf, "id_type", ID);
	STRUCT(btf, "big", { "one", LONG, 8 }, { "two", LONG, 8 }, { "three", LONG, 8 });
	STRUCT(btf, "syscall_metadata", { "name", TEXT, 8 }, { "syscall_nr", INT, 4 },
	       { "nb_args", INT, 4 }, { "types", LONG, 8 }, { "args", LONG, 8 });
	STRUCT(btf, "pt_regs", { "r10", LONG, 8 }, { "r9", LONG, 8 }, { "r8", LONG, 8 },
	       { "dx", LONG, 8 }, { "si", LONG, 8 }, { "di", LONG, 8 });
}

// ---- Functions ----

struct parameter {
	const char *name;
	int type;
};

static void add_function(struct btf *btf, const char *name, int result,
			 const struct parameter *parameters, size_t count)
{
	const int prototype = btf__add_func_proto(btf, result);
	for (size_t i = 0; i < count; i++)
		btf__add_func_param(btf, parameters[i].name, parameters[i].type);
	btf__add_func(btf, name, BTF_FUNC_STATIC, prototype);
}

#define FUNCTION(btf, name, result, ...)                                                           \
	add_function(btf, name, result, (const struct parameter[]){ __VA_ARGS__ },                 \
		     sizeof((const struct parameter[]){ __VA_ARGS__ }) / sizeof(struct parameter))

static void add_functions(struct btf *btf)
{
	FUNCTION(btf, "plain", INT, { "number", INT }, { "text", TEXT }, { "node", NODE_POINTER });
	FUNCTION(btf, "many", 0, { "a", INT }, { "b", INT }, { "c", INT }, { "d", INT },
		 { "e", INT }, { "f", INT }, { "g", INT }, { "h", UNSIGNED });
	FUNCTION(btf, "by_value", LONG, { "id", ID_TYPE }, { "big", BIG }, { "behind", INT });
	FUNCTION(btf, "gives_big", BIG, { "first", INT });
	FUNCTION(btf, "gives_small", ID_TYPE, { "first", INT });
	FUNCTION(btf, "twice", INT, { "one", INT });
	FUNCTION(btf, "twice", INT, { "other", LONG });
	FUNCTION(btf, "__x64_sys_call", LONG, { "registers", NODE_POINTER });
}

static void put_btf(struct trace_image *image, bool shared)
{
	uint32_t size = 0;
	struct btf *btf = btf__new_empty();
	btf__set_pointer_size(btf, 8);
	add_types(btf);
	add_functions(btf);
	if (shared)
		btf__add_decl_tag(btf, "bpf_kfunc", (int)btf__type_cnt(btf) - 1, -1);
	const void *bytes = btf__raw_data(btf, &size);
	if (!bytes || size > TRACE_IMAGE_SIZE - TRACE_IMAGE_BTF)
		abort();
	memcpy(image->bytes + TRACE_IMAGE_BTF, bytes, size);
	// The rest of the memory is no BTF, by the end that find_symbol() gives.
	memcpy(image->bytes, &size, sizeof(size));
	btf__free(btf);
}

struct gg_btf *trace_image_module(const struct gg_btf *base)
{
	uint32_t size = 0;
	struct gg_btf *made = NULL;
	struct btf *btf = btf__new_empty_split(gg_btf_libbpf(base));
	FUNCTION(btf, "plain", INT, { "other", NODE_POINTER });
	const void *bytes = btf__raw_data(btf, &size);
	if (!bytes || gg_btf_create(bytes, size, 8, base, &made))
		abort();
	btf__free(btf);
	return made;
}

// ---- The system call ----

static void put_word(struct trace_image *image, size_t at, uint64_t value)
{
	memcpy(image->bytes + at, &value, sizeof(value));
}

// Writes "call(int fd, const char *path, umode_t mode)": umode_t is in no BTF here.
static void put_call(struct trace_image *image)
{
	enum { ROOM = 32, ARGUMENTS = 3 };
	static const char *const texts[2 * ARGUMENTS] = { "int", "const char *", "umode_t",
							  "fd",  "path",         "mode" };
	for (size_t i = 0; i < 2 * (size_t)ARGUMENTS; i++) {
		const size_t at = TRACE_IMAGE_TEXTS + ROOM * i;
		const size_t list = i < ARGUMENTS ? TRACE_IMAGE_TYPES : TRACE_IMAGE_NAMES;
		strcpy((char *)image->bytes + at, texts[i]);
		put_word(image, list + 8 * (i % ARGUMENTS), TRACE_IMAGE_BASE + at);
	}
	image->bytes[TRACE_IMAGE_COUNT] = ARGUMENTS;
	put_word(image, TRACE_IMAGE_META + 16, TRACE_IMAGE_BASE + TRACE_IMAGE_TYPES);
	put_word(image, TRACE_IMAGE_META + 24, TRACE_IMAGE_BASE + TRACE_IMAGE_NAMES);
}

// ---- The kernel ----

static struct gg_error *read_bytes(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct trace_image *image = data;
	const uint64_t offset = address - TRACE_IMAGE_BASE;
	if (offset > TRACE_IMAGE_SIZE || size > TRACE_IMAGE_SIZE - offset)
		return gg_error_fault(address, "there is nothing");
	memcpy(buffer, image->bytes + offset, size);
	return NULL;
}

static struct gg_error *find_address(void *data, const char *name, uint64_t *ret)
{
	const struct trace_image *image = data;
	return gg_symbols_address(image->kernel.symbols, name, ret);
}

static struct gg_error *find_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	const struct trace_image *image = data;
	return gg_members_find(image->kernel.typed_members, type, path, ret);
}

static struct gg_error *find_symbol(void *data, const char *name, struct gg_symbol *ret)
{
	const struct trace_image *image = data;
	uint32_t size;
	memcpy(&size, image->bytes, sizeof(size));
	if (!strcmp(name, "__start_BTF"))
		ret->address = TRACE_IMAGE_BASE + TRACE_IMAGE_BTF;
	else if (!strcmp(name, "__stop_BTF"))
		ret->address = TRACE_IMAGE_BASE + TRACE_IMAGE_BTF + size;
	else if (!strcmp(name, "__syscall_meta__call"))
		ret->address = TRACE_IMAGE_BASE + TRACE_IMAGE_META;
	return ret->address ? NULL : gg_error_create(GG_NOT_FOUND, "no %s", name);
}

static void destroy_nothing(void *data)
{
	(void)data;
}

void trace_image_init(struct trace_image *image, bool shared)
{
	*image = (struct trace_image){ .bytes = calloc(1, TRACE_IMAGE_SIZE) };
	put_btf(image, shared);
	put_call(image);
}

void trace_image_open(struct trace_image *image)
{
	static const struct gg_host_ops ops = { .read = read_bytes,
						.symbol = find_address,
						.member = find_member };
	static const struct gg_symbol_finder_ops finder_ops = { .find = find_symbol,
								.destroy = destroy_nothing };
	const struct gg_kernel_memory memory = {
		.host = { .ops = &ops, .data = image, .address_size = 8 }
	};
	const struct gg_symbol_finder finder = { .name = "image",
						 .ops = &finder_ops,
						 .data = image };
	if (gg_answerers_init(&image->kernel, &gg_arch_x86_64, &memory, NULL) ||
	    gg_symbols_add(image->kernel.symbols, &finder))
		abort();
	image->kernel.typed = image->kernel.host = memory.host;
}

void trace_image_deinit(struct trace_image *image)
{
	gg_answerers_deinit(&image->kernel);
	free(image->bytes);
}
