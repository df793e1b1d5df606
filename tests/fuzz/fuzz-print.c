// SPDX-License-Identifier: GPL-3.0-or-later
//
// The text of guest-x, guest-vtop and guest-regs. The input's first byte chooses the command and JSON,
// the second and the third an address, a list of CPUs and a format, or that these are the input's
// rest; the rest is the guest memory that is shown too.
#include "fuzz.h"

#include "../unit/fake-kernel.h"
#include "../unit/fake-qemu.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 0x400000, SHOWN = TEXT + 0x20000, SHOWN_SIZE = 0x2000, OWN = 0x80 };

static const struct fake_range ranges[] = { { 0x0, FAKE_KERNEL_RAM, 0x0, FAKE_RAM, 0 } };
static const struct fake_kernel kernel = { .tables = 0x10000,
					   .note = 0x30000,
					   .text_gpa = TEXT,
					   .large_pages = true,
					   .release = "6.1.0" };

static struct gg_guest *guest;
static uint8_t *shown;

static void create_guest(void)
{
	static struct fake_qemu qemu;
	static const struct gg_target target;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	fake_kernel_write(qemu.ram[0], &kernel);
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		uint8_t *cpu = qemu.structures + FAKE_CPU + i * FAKE_CPU_SIZE;
		memcpy(cpu + FAKE_CPU_CR, &(const uint32_t){ 0x80000001 }, 4);
		memcpy(cpu + FAKE_CPU_CR + 3 * 8, &(const uint32_t){ 0x10000 }, 4);
		memcpy(cpu + FAKE_CPU_EIP, &(const uint64_t){ FAKE_KERNEL_STEXT + 0x20000 }, 8);
	}
	shown = qemu.ram[0] + SHOWN;
	if (gg_guest_create(gg_bytes_host(qemu.bytes), &target, &guest))
		abort();
}

// Nothing may drive a terminal; a piece is made of whole lines.
static struct gg_error *check_text(void *data, const char *text, size_t size)
{
	const bool *has_own_text = data;
	if (!size || text[size - 1] != '\n')
		abort();
	for (size_t i = 0; !*has_own_text && i < size; i++)
		if (text[i] != '\n' && text[i] != '\t' && (text[i] < ' ' || text[i] > '~'))
			abort();
	return NULL;
}

static const char *choose(const char *const *texts, size_t count, uint8_t choice, const char *own)
{
	return choice & OWN ? own : texts[choice % count];
}

static struct gg_error *print(const uint8_t *data, const char *own, const struct gg_writer *writer)
{
	static const char *const addresses[] = { "_stext+0x20000",
						 "0xffff888040420000",
						 "0xffffffff813ffff8",
						 "$pc",
						 "0xffff888040ffffc0",
						 "-8",
						 "0" };
	static const char *const lists[] = { NULL, "0", "1,0", "0-1", "0-2" };
	static const char *const formats[] = { NULL,  "9i", "3s", "20c", "5a",   "9xg",
					       "7dh", "8t", "9o", "4ub", "600xb" };
	static const struct gg_front_end front = { .evaluate = gg_number_evaluate };
	const struct gg_address_text address = {
		.text = choose(addresses, sizeof(addresses) / sizeof(*addresses), data[1], own),
		.cpu = data[0] % 3 - 1,
		.front = &front
	};
	const bool is_json = data[0] & OWN;
	switch (data[0] >> 2 & 3) {
	case 0:
		return gg_print_registers(
			guest,
			&(const struct gg_registers_options){
				.cpus = choose(lists, sizeof(lists) / sizeof(*lists), data[1], own),
				.all = data[2] & 1,
				.json = is_json },
			writer, NULL);
	case 1:
		return gg_print_translation(guest,
					    &(const struct gg_translation_options){
						    .address = address, .json = is_json },
					    writer, NULL);
	default:
		return gg_print_examine(
			guest,
			&(const struct gg_examine_options){
				.address = address,
				.format = choose(formats, sizeof(formats) / sizeof(*formats),
						 data[2], own),
				.intel = data[0] & 1,
				.json = is_json },
			writer, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { CHOICES = 3, OWN_SIZE = 64 };
	char own[OWN_SIZE] = "";
	bool has_own_text;
	const struct gg_writer writer = { .write = check_text, .data = &has_own_text };
	if (size < CHOICES)
		return 0;
	if (!guest)
		create_guest();
	has_own_text = (data[1] | data[2]) & OWN;
	const size_t rest = size - CHOICES < SHOWN_SIZE ? size - CHOICES : SHOWN_SIZE;
	memset(shown, 0, SHOWN_SIZE);
	memcpy(shown, data + CHOICES, rest);
	memcpy(own, data + CHOICES, rest < OWN_SIZE ? rest : OWN_SIZE - 1);
	gg_error_destroy(print(data, own, &writer));
	return 0;
}
