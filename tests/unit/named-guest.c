// SPDX-License-Identifier: GPL-3.0-or-later
#include "named-guest.h"
#include "fake-kallsyms.h"

#include <string.h>

static const struct fake_range ranges[] = { { 0x0, FAKE_KERNEL_RAM, 0x0, FAKE_RAM, 0 } };
static const struct fake_kernel kernel = { .tables = NAMED_TABLES,
					   .note = 0x30000,
					   .text_gpa = NAMED_TEXT,
					   .large_pages = true,
					   .release = "6.15.0" };

struct named_guest named;

static struct gg_error *collect(char *text, size_t size, const char *more, size_t more_size)
{
	const size_t used = strlen(text);
	assert_true(more_size && used + more_size < size);
	memcpy(text + used, more, more_size);
	text[used + more_size] = 0;
	return NULL;
}

static struct gg_error *write_text(void *data, const char *text, size_t size)
{
	struct named_guest *guest = data;
	return collect(guest->printed, sizeof(guest->printed), text, size);
}

static struct gg_error *tell(void *data, const char *text)
{
	struct named_guest *guest = data;
	collect(guest->told, sizeof(guest->told), text, strlen(text));
	return collect(guest->told, sizeof(guest->told), "\n", 1);
}

static const struct fake_kallsyms *find_kallsyms(const char *version)
{
	for (size_t i = 0; i < fake_kallsyms_count; i++)
		if (!strcmp(fake_kallsyms[i].version, version))
			return &fake_kallsyms[i];
	fail_msg("no kallsyms of %s", version);
	return NULL;
}

int named_guest_begin(void **state)
{
	enum {
		KALLSYMS = NAMED_TEXT + 0x100000,
		LONG_MODE = 1 << 15 | 1 << 14 | 1 << 7, // HF_CS64, HF_LMA, HF_PE (QEMU's cpu.h)
	};
	struct gg_kallsyms_hints hints;
	(void)state;
	named = (struct named_guest){ 0 };
	fake_qemu_init(&named.qemu, FAKE_7_2, ranges, 1);
	named.ram = named.qemu.ram[0];
	fake_kernel_write(named.ram, &kernel);
	// The tables are found by their structure, wherever in the image they are.
	fake_kallsyms_write(find_kallsyms("v6.15"), named.ram + KALLSYMS, &hints);
	for (unsigned int i = 0; i < 2; i++) {
		named.cpus[i] = named.qemu.structures + FAKE_CPU + i * FAKE_CPU_SIZE;
		put_uint(named.cpus[i] + FAKE_CPU_CR, 8, 0x80000001);
		put_uint(named.cpus[i] + FAKE_CPU_CR + 3 * 8, 8, NAMED_TABLES);
		put_uint(named.cpus[i] + FAKE_CPU_HFLAGS, 4, LONG_MODE);
		put_uint(named.cpus[i] + FAKE_CPU_EIP, 8, NAMED_SYMBOL(1 + i) + i);
	}
	named.writer = (struct gg_writer){ .write = write_text, .data = &named };
	named.notices = (struct gg_notices){ .tell = tell, .data = &named };
	named_guest_reopen();
	return 0;
}

int named_guest_end(void **state)
{
	(void)state;
	gg_guest_destroy(named.guest);
	fake_qemu_deinit(&named.qemu);
	return 0;
}

void named_guest_reopen(void)
{
	const struct gg_target target = { 0 };
	gg_guest_destroy(named.guest);
	named.guest = NULL;
	assert_success(gg_guest_create(gg_bytes_host(named.qemu.bytes), &target, &named.guest));
	named_guest_clear();
}

void named_guest_clear(void)
{
	named.printed[0] = named.told[0] = 0;
}

void named_guest_execute(unsigned int cpu)
{
	put_uint(named.cpus[cpu] + FAKE_CPU_RUNNING, 1, 1);
	named_guest_reopen();
}
