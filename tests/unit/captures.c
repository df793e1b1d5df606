// SPDX-License-Identifier: GPL-3.0-or-later
#include "captures.h"
#include "unit.h"

#include "arch/x86/x86.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- A debugger that knows some registers ----

static struct {
	const char *name;
	uint64_t value;
	size_t size;
} known[8];
unsigned int asked_thread, times_asked;
struct gg_error *refusal;

void know(const char *name, uint64_t value, size_t size)
{
	size_t i = 0;
	while (known[i].name && strcmp(known[i].name, name))
		i++;
	known[i].name = name;
	known[i].value = value;
	known[i].size = size;
}

static struct gg_error *find_register(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret)
{
	(void)data;
	asked_thread = thread;
	times_asked++;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known) && known[i].name; i++)
		if (!strcmp(known[i].name, name)) {
			assert_true(size >= known[i].size);
			memset(buffer, 0xee, size);
			put_uint(buffer, known[i].size < 8 ? (unsigned int)known[i].size : 8,
				 known[i].value);
			*ret = known[i].size;
			return NULL;
		}
	if (refusal)
		return refusal;
	return gg_error_create(GG_NOT_FOUND, "thread %u has no register %s", thread, name);
}

static const struct gg_host_ops ops = { .registers = find_register };
const struct gg_host host = { .ops = &ops, .address_size = 8 };

int forget(void **state)
{
	(void)state;
	memset(known, 0, sizeof(known));
	asked_thread = times_asked = 0;
	refusal = NULL;
	return 0;
}

// ---- Files ----

char text[MAX_TEXT];
size_t text_size;
uint8_t truth[MAX_TRUTH];
size_t truth_size;

static size_t read_file(const char *path, void *bytes, size_t size)
{
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	const size_t count = fread(bytes, 1, size, file);
	assert_true(count < size);
	fclose(file);
	return count;
}

void path_of(const char *name, const char *extension, char ret[4096])
{
	const char *source = getenv("srcdir");
	snprintf(ret, 4096, "%s/tests/monitor/%s%s", source ? source : ".", name, extension);
}

void load(const char *name)
{
	char path[4096];
	path_of(name, ".txt", path);
	text_size = read_file(path, text, sizeof(text) - 1);
	text[text_size] = 0;
	path_of(name, ".notes", path);
	truth_size = read_file(path, truth, sizeof(truth));
}

// Puts NEW, of the same length, in the place of OLD wherever TEXT has it.
void edit(const char *old, const char *new)
{
	size_t count = 0;
	assert_int_equal(strlen(old), strlen(new));
	for (char *at = text; (at = strstr(at, old)); at += strlen(new), count++)
		memcpy(at, new, strlen(new));
	assert_true(count);
}

// ---- Registers ----

struct gg_qemu_cpus cpus;
struct gg_registers registers;

void parse(enum gg_accelerator accelerator)
{
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(text, text_size, accelerator, &cpus));
}

void read_cpu(size_t index, unsigned int thread)
{
	cpus.cpus[index].thread = thread;
	assert_success(x86_read_monitor(&host, &cpus.cpus[index], &registers));
}

static char *print(const struct gg_arch *arch)
{
	char *printed;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	arch->cpu->print_registers(&registers, out);
	fclose(out);
	return printed;
}

const struct gg_arch *arch_of_text(void)
{
	const struct gg_arch *arch;
	assert_success(gg_arch_find_by_texts(&cpus, &arch));
	return arch;
}

uint64_t reg(unsigned int id)
{
	return gg_register(&registers, id);
}

uint64_t unknown(unsigned int id)
{
	return gg_register_unknown(&registers, id);
}

unsigned int known_bytes(unsigned int id)
{
	unsigned int count = 0;
	while (count < gg_register_size(&registers, id) &&
	       gg_register_mask(&registers, id)[count] == 0xff)
		count++;
	return count;
}

// QEMU before 7.2 did not part the halves of XMM registers. The caller frees it.
static char *as_today(const char *piece)
{
	char *result = malloc(2 * strlen(piece) + 1), *end = result;
	while (*piece) {
		if (!strncmp(piece, "XMM", 3) && strspn(piece + 6, "0123456789abcdef") == 32) {
			end += sprintf(end, "%.22s ", piece);
			piece += 22;
		} else {
			*end++ = *piece++;
		}
	}
	*end = 0;
	return result;
}

void check_text(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu)
{
	char *expected = as_today(cpu->text), *printed = print(arch);
	char *extra = strstr(printed, "KGS=");
	assert_non_null(extra);
	*extra = 0;
	assert_string_equal(printed, expected);
	free(printed);
	free(expected);
}
