// SPDX-License-Identifier: GPL-3.0-or-later
//
// ORC's numbers are those of Linux arch/x86/include/asm/orc_types.h, v4.14, v6.3, v6.4 and v7.1.
#include "stack-image.h"
#include "arch/arch.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST_FUNCTIONS = 64,
	MOST_ENTRIES = 128,
	MOST_AREAS = 16,
	LONGEST_AREA = 64 << 10,
	LONGEST_NAME = 40,
	ORC_SIZE = 6,
	IP_SIZE = 4,
	TASK_SIZE = 4096,
};

extern const struct gg_arch gg_arch_x86_64, gg_arch_i386;

// Places of what the image adds to memory by itself.
#define BTF_AT     UINT64_C(0xffffffff83000000)
#define IPS_AT     UINT64_C(0xffffffff82000000)
#define ENTRIES_AT UINT64_C(0xffffffff82100000)

struct area {
	uint64_t address, size;
	uint8_t *bytes;
};

struct function {
	char name[LONGEST_NAME];
	uint64_t start, size;
};

struct stack_image {
	unsigned int version;
	bool has_version, packed, is_32;
	struct area areas[MOST_AREAS + 3];
	size_t area_count;
	struct function functions[MOST_FUNCTIONS + 16];
	size_t function_count;
	int32_t ips[MOST_ENTRIES];
	uint8_t entries[MOST_ENTRIES][ORC_SIZE];
	size_t entry_count;
	struct gg_answerers kernel;
	bool has_kernel;
};

// ---- Memory ----

static uint8_t *find_bytes(const struct stack_image *image, uint64_t address, size_t size)
{
	for (size_t i = 0; i < image->area_count; i++) {
		const struct area *area = &image->areas[i];
		const uint64_t offset = address - area->address;
		if (offset < area->size && size <= area->size - offset)
			return area->bytes + offset;
	}
	return NULL;
}

static struct gg_error *read_memory(void *data, uint64_t address, void *buffer, size_t size)
{
	const uint8_t *bytes = find_bytes(data, address, size);
	if (!bytes)
		return gg_error_fault(address, "0x%" PRIx64 " is not mapped", address);
	memcpy(buffer, bytes, size);
	return NULL;
}

// Adds an area of LIMIT bytes at most; false where there is no room for it.
static bool add_area(struct stack_image *image, uint64_t address, uint64_t size, size_t room)
{
	if (!size || size > LONGEST_AREA || image->area_count >= room)
		return false;
	uint8_t *bytes = calloc(1, size);
	if (!bytes)
		return false;
	image->areas[image->area_count++] = (struct area){ address, size, bytes };
	return true;
}

static void put_area(struct stack_image *image, uint64_t address, const void *bytes, size_t size)
{
	if (add_area(image, address, size, MOST_AREAS + 3))
		memcpy(image->areas[image->area_count - 1].bytes, bytes, size);
}

// ---- Symbols ----

static bool add_function(struct stack_image *image, const char *name, uint64_t start, uint64_t size,
			 size_t room)
{
	if (image->function_count >= room)
		return false;
	struct function *function = &image->functions[image->function_count++];
	snprintf(function->name, sizeof(function->name), "%s", name);
	function->start = start;
	function->size = size;
	return true;
}

static struct gg_symbol to_symbol(const struct function *function)
{
	return (struct gg_symbol){ .name = function->name,
				   .type = 'T',
				   .address = function->start,
				   .size = function->size };
}

static struct gg_error *find_symbol(void *data, const char *name, struct gg_symbol *ret)
{
	const struct stack_image *image = data;
	for (size_t i = 0; i < image->function_count; i++)
		if (!strcmp(image->functions[i].name, name)) {
			*ret = to_symbol(&image->functions[i]);
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no %s", name);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	const struct stack_image *image = data;
	for (size_t i = 0; i < image->function_count; i++)
		if (address - image->functions[i].start < image->functions[i].size) {
			*ret = to_symbol(&image->functions[i]);
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no symbol at 0x%" PRIx64, address);
}

static void destroy_nothing(void *data)
{
	(void)data;
}

static const struct gg_symbol_finder_ops finder_ops = { .find = find_symbol,
							.find_at = find_at,
							.destroy = destroy_nothing };

// ---- Types ----

// The ids that add_types() gives.
enum { LONG = 1, SHORT, INT, THREAD, LLIST_NODE, LLIST_HEAD };

struct field {
	const char *name;
	int type;
};

// Adds the struct NAME, whose fields are 8 bytes each.
static void add_struct(struct btf *btf, const char *name, const struct field *fields, size_t count)
{
	btf__add_struct(btf, name, (uint32_t)(8 * count));
	for (size_t i = 0; i < count; i++)
		btf__add_field(btf, fields[i].name, fields[i].type, (uint32_t)(64 * i), 0);
}

#define STRUCT(btf, name, ...)                                                                     \
	add_struct(btf, name, (const struct field[]){ __VA_ARGS__ },                               \
		   sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field))

static void add_orc_entry(struct btf *btf, unsigned int version)
{
	const int type_bits = version < 3 ? 2 : 3;
	btf__add_struct(btf, "orc_entry", ORC_SIZE);
	btf__add_field(btf, "sp_offset", SHORT, 0, 0);
	btf__add_field(btf, "bp_offset", SHORT, 16, 0);
	btf__add_field(btf, "sp_reg", INT, 32, 4);
	btf__add_field(btf, "bp_reg", INT, 36, 4);
	btf__add_field(btf, "type", INT, 40, type_bits);
	if (version > 1)
		btf__add_field(btf, "signal", INT, 40 + (uint32_t)type_bits, 1);
	if (version < 3)
		btf__add_field(btf, "end", INT, 41 + version, 1);
}

static void add_types(struct btf *btf, const struct stack_image *image)
{
	btf__add_int(btf, "long", 8, 0);
	btf__add_int(btf, "short", 2, 0);
	btf__add_int(btf, "int", 4, 0);
	STRUCT(btf, "thread_struct", { "sp", LONG });
	STRUCT(btf, "llist_node", { "next", LONG });
	STRUCT(btf, "llist_head", { "first", LONG });
	STRUCT(btf, "task_struct", { "thread", THREAD }, { "ret_stack", LONG },
	       { "curr_ret_stack", INT }, { "rethooks", LLIST_HEAD },
	       { "kretprobe_instances", LLIST_HEAD });
	STRUCT(btf, "inactive_task_frame", { "r15", LONG }, { "r14", LONG }, { "r13", LONG },
	       { "r12", LONG }, { "bx", LONG }, { "bp", LONG }, { "ret_addr", LONG });
	STRUCT(btf, "ftrace_ret_stack", { "ret", LONG }, { "func", LONG }, { "retp", LONG });
	STRUCT(btf, "rethook_node", { "llist", LLIST_NODE }, { "ret_addr", LONG },
	       { "frame", LONG });
	STRUCT(btf, "kretprobe_instance", { "llist", LLIST_NODE }, { "ret_addr", LONG },
	       { "fp", LONG });
	STRUCT(btf, "ftrace_ops", { "next", LONG }, { "flags", LONG }, { "trampoline", LONG },
	       { "trampoline_size", LONG });
	if (image->packed)
		STRUCT(btf, "fgraph_ops", { "idx", INT });
	if (image->version)
		add_orc_entry(btf, image->version);
}

static struct gg_error *put_types(struct stack_image *image)
{
	uint32_t size = 0;
	struct btf *btf = btf__new_empty();
	if (!btf)
		return gg_enomem;
	btf__set_pointer_size(btf, 8);
	add_types(btf, image);
	const void *bytes = btf__raw_data(btf, &size);
	put_area(image, BTF_AT, bytes, size);
	btf__free(btf);
	add_function(image, "__start_BTF", BTF_AT, size, MOST_FUNCTIONS + 16);
	add_function(image, "__stop_BTF", BTF_AT + size, 0, MOST_FUNCTIONS + 16);
	return NULL;
}

// ---- Lines ----

static unsigned int base_number(unsigned int version, const char *name)
{
	static const char *const old[16] = { "-",  "CFA", "DX",  "DI",   "BP",
					     "SP", "R10", "R13", "(BP)", "(SP)" };
	static const char *const new[16] = { "-",   "AX",  "DX",  "SP",   "BP",  "DI",
					     "R10", "R13", "CFA", "(SP)", "(BP)" };
	const char *const *names = version == 4 ? new : old;
	for (unsigned int i = 0; i < 16; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return 15;
}

static unsigned int flags_of(unsigned int version, const char *type, bool signal)
{
	static const char *const old[] = { "call", "regs", "partial", "bad" };
	static const char *const new[] = { "none", "end", "call", "regs", "partial", "bad" };
	const char *const *names = version < 3 ? old : new;
	const unsigned int count = version < 3 ? 4 : 6;
	unsigned int number = 0;
	while (number + 1 < count && strcmp(names[number], type))
		number++;
	if (version >= 3)
		return number << 8 | (unsigned int)signal << 11;
	number = strcmp(names[number], type) ? 0 : number;
	const unsigned int end = !strcmp(type, "end");
	return version == 1 ? number << 8 | end << 10
			    : number << 8 | (unsigned int)signal << 10 | end << 11;
}

// Parses " sp=BASE+N" behind NAME. BASE and *OFFSET stay as they are where LINE has none.
static void parse_base(const char *line, const char *name, char base[8], int *offset)
{
	const char *at = strstr(line, name);
	if (at)
		sscanf(at + strlen(name), "%7[A-Z0-9()]%d", base, offset);
}

static bool add_entry(struct stack_image *image, const char *line)
{
	uint64_t pc;
	char type[12], sp[8] = "-", bp[8] = "-";
	int sp_offset = 0, bp_offset = 0;
	if (sscanf(line, "%" SCNx64 " %11[a-z]", &pc, type) != 2 || !image->version ||
	    image->entry_count == MOST_ENTRIES)
		return false;
	parse_base(line, " sp=", sp, &sp_offset);
	parse_base(line, " bp=", bp, &bp_offset);
	const unsigned int flags = flags_of(image->version, type, strstr(line, " signal")) |
				   base_number(image->version, sp) |
				   base_number(image->version, bp) << 4;
	const size_t i = image->entry_count++;
	image->ips[i] = (int32_t)(uint32_t)(pc - (IPS_AT + IP_SIZE * i));
	const uint8_t bytes[ORC_SIZE] = { (uint8_t)sp_offset, (uint8_t)(sp_offset >> 8),
					  (uint8_t)bp_offset, (uint8_t)(bp_offset >> 8),
					  (uint8_t)flags,     (uint8_t)(flags >> 8) };
	memcpy(image->entries[i], bytes, sizeof(bytes));
	return true;
}

static bool put_words(struct stack_image *image, const char *line)
{
	const size_t word = image->is_32 ? 4 : 8;
	char *end;
	uint64_t address = strtoull(line, &end, 0);
	bool any = false;
	while (*end == ' ') {
		const char *start = end + 1;
		const uint64_t value = strtoull(start, &end, 0);
		uint8_t *bytes = find_bytes(image, address, word);
		if (end == start || !bytes)
			return false;
		memcpy(bytes, &value, word);
		address += word;
		any = true;
	}
	return any;
}

bool stack_image_line(struct stack_image *image, const char *line)
{
	char name[LONGEST_NAME];
	uint64_t start, size;
	unsigned int version;
	if (sscanf(line, "orc %u", &version) == 1 && version <= 4) {
		image->version = version;
		image->has_version = true;
		return true;
	}
	if (!strncmp(line, "i386", 4)) {
		image->is_32 = image->has_version = true;
		return true;
	}
	if (sscanf(line, "tracers %39s", name) == 1) {
		image->packed = !strcmp(name, "packed");
		return true;
	}
	if (sscanf(line, "function %39s %" SCNx64 " %" SCNx64, name, &start, &size) == 3)
		return add_function(image, name, start, size, MOST_FUNCTIONS);
	if (!strncmp(line, "entry ", 6))
		return add_entry(image, line + 6);
	if (sscanf(line, "area %" SCNx64 " %" SCNx64, &start, &size) == 2)
		return add_area(image, start, size, MOST_AREAS);
	return !strncmp(line, "word ", 5) && put_words(image, line + 5);
}

// ---- The kernel ----

static struct gg_error *image_read(void *data, uint64_t address, void *buffer, size_t size)
{
	return read_memory(data, address, buffer, size);
}

static struct gg_error *image_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct stack_image *image = data;
	return gg_symbols_address(image->kernel.symbols, name, ret);
}

static struct gg_error *image_member(void *data, const char *type, const char *path,
				     struct gg_member *ret)
{
	const struct stack_image *image = data;
	return gg_members_find(image->kernel.typed_members, type, path, ret);
}

static const struct gg_host_ops image_ops = { .read = image_read,
					      .symbol = image_symbol,
					      .member = image_member };

static void put_tables(struct stack_image *image)
{
	const size_t count = image->entry_count, room = MOST_FUNCTIONS + 16;
	if (!image->version || !count)
		return;
	put_area(image, IPS_AT, image->ips, count * IP_SIZE);
	put_area(image, ENTRIES_AT, image->entries, count * ORC_SIZE);
	add_function(image, "_stext", STACK_IMAGE_TEXT, 0, room);
	add_function(image, "_etext", STACK_IMAGE_TEXT + STACK_IMAGE_TEXT_SIZE, 0, room);
	add_function(image, "__start_orc_unwind_ip", IPS_AT, 0, room);
	add_function(image, "__stop_orc_unwind_ip", IPS_AT + count * IP_SIZE, 0, room);
	add_function(image, "__start_orc_unwind", ENTRIES_AT, 0, room);
}

struct gg_error *stack_image_kernel(struct stack_image *image, const struct gg_answerers **ret)
{
	const struct gg_kernel_memory memory = {
		.host = { .ops = &image_ops, .data = image, .address_size = image->is_32 ? 4 : 8 }
	};
	const struct gg_symbol_finder finder = {
		.name = "image", .ops = &finder_ops, .data = image, .size = UINT64_MAX
	};
	if (!image->has_version || image->has_kernel)
		return gg_error_create(GG_INVALID, "no line orc or i386, or a second kernel");
	struct gg_error *err = image->is_32 ? NULL : put_types(image);
	put_tables(image);
	if (!err)
		err = gg_answerers_init(&image->kernel,
					image->is_32 ? &gg_arch_i386 : &gg_arch_x86_64, &memory,
					NULL);
	image->has_kernel = true;
	if (!err)
		err = gg_symbols_add(image->kernel.symbols, &finder);
	image->kernel.typed = image->kernel.host = memory.host;
	*ret = &image->kernel;
	return err;
}

struct gg_task stack_image_task(gg_gva_t stack)
{
	return (struct gg_task){ .address = STACK_IMAGE_TASK, .pid = 1, .stack = stack };
}

struct stack_image *stack_image_create(void)
{
	struct stack_image *image = calloc(1, sizeof(*image));
	if (!image || !add_area(image, STACK_IMAGE_TASK, TASK_SIZE, 1))
		abort();
	return image;
}

void stack_image_destroy(struct stack_image *image)
{
	if (image->has_kernel)
		gg_answerers_deinit(&image->kernel);
	for (size_t i = 0; i < image->area_count; i++)
		free(image->areas[i].bytes);
	free(image);
}
