// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor prints of CPUs, damaged. With bit 0 of the first byte the rest of the input
// is the text; else it is a list of changes, (offset u16, character u8) with 0 for none, to the
// sound text of two CPUs, whose mode and accelerator the other bits choose.
#include "fuzz.h"

#include "arch/x86/x86.h"
#include "base/buffer.h"
#include "machine/find-arch.h"
#include "qemu/monitor/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 3, AVX = 3 << 1, AVX512 = AVX | 7 << 5, EFER_LMA = 1 << 10 };

// A debugger whose every register has the same bytes.
struct debugger {
	uint8_t byte;
	size_t size;
};

static struct gg_error *find_register(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret)
{
	const struct debugger *debugger = data;
	if (debugger->size > size)
		return gg_error_create(GG_NOT_FOUND, "thread %u has no %s", thread, name);
	memset(buffer, debugger->byte, debugger->size);
	*ret = debugger->size;
	return NULL;
}

static const struct gg_host_ops ops = { .registers = find_register };

static char *print(const struct gg_registers *registers, size_t *size)
{
	char *text;
	FILE *out = open_memstream(&text, size);
	x86_print_registers(registers, out);
	fclose(out);
	return text;
}

static void append_sound(struct gg_buffer *text, uint8_t choice)
{
	static const struct {
		uint64_t hflags, efer, xcr0;
	} modes[] = {
		{ X86_HF_LMA | X86_HF_CS64 | X86_HF_PE, EFER_LMA, AVX512 },
		{ X86_HF_LMA | X86_HF_CS64 | X86_HF_PE | X86_HF_CPL, EFER_LMA, AVX },
		{ X86_HF_LMA | X86_HF_PE, EFER_LMA, 0 },
		{ X86_HF_PE, 0, 0 },
	};
	const size_t mode = choice % (sizeof(modes) / sizeof(*modes));
	struct gg_registers registers;
	gg_registers_init(&registers, &x86_registers, 8);
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		gg_register_set(&registers, id, UINT64_C(0x0123456789ab) * (id + 1));
	gg_register_set(&registers, X86_A20, 1);
	gg_register_set(&registers, X86_HALTED, 1);
	gg_register_set(&registers, X86_HFLAGS, modes[mode].hflags);
	gg_register_set(&registers, X86_EFER, modes[mode].efer);
	gg_register_set(&registers, X86_XCR0, modes[mode].xcr0);
	for (unsigned int i = 0; i < 2; i++) {
		size_t size;
		char *cpu = print(&registers, &size);
		gg_buffer_format(text, "\r\nCPU#%u\r\n", i);
		gg_buffer_append(text, cpu, size);
		free(cpu);
	}
}

// Returns whether there was nothing to change.
static bool change(struct gg_buffer *text, const uint8_t *data, size_t size)
{
	bool sound = true;
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		if (data[at + 2]) {
			const size_t offset = (size_t)(data[at] | data[at + 1] << 8);
			text->bytes[offset % text->size] = data[at + 2];
			sound = false;
		}
	return sound;
}

// The text of the registers up to the vector ones, which may be of several widths in a damaged
// text.
static size_t comparable(const char *text)
{
	const char *end = strstr(text, "FPR6=");
	if (!end || !(end = strchr(end, '\n')))
		abort();
	return (size_t)(end - text);
}

// Checks that the printed text of a parsed text, parsed again, is the same.
static void check_again(const struct gg_registers *registers, const struct gg_qemu_cpu *cpu)
{
	size_t size, size_again;
	struct gg_registers again;
	char *text = print(registers, &size);
	struct gg_qemu_cpu second = *cpu;
	second.text = text;
	second.thread = 0;
	struct gg_error *err = x86_read_monitor(NULL, &second, &again);
	if (!err) {
		char *text_again = print(&again, &size_again);
		if (comparable(text) != comparable(text_again) ||
		    memcmp(text, text_again, comparable(text)) != 0)
			abort();
		free(text_again);
	}
	gg_error_destroy(err);
	free(text);
}

static void use_registers(const struct gg_arch *arch, const struct gg_registers *registers,
			  const struct gg_qemu_cpu *cpu)
{
	struct gg_buffer notes = { 0 };
	struct gg_cpu_summary summary;
	struct gg_paging pagings[GG_KERNEL_PAGINGS];
	arch->cpu->summarize(registers, &summary);
	(void)gg_arch_kernel_paging(arch, registers, pagings);
	(void)arch->notes->known(registers);
	gg_error_destroy(arch->notes->write_prstatus(registers, cpu->index, &notes));
	gg_error_destroy(arch->notes->write_qemu_note(registers, &notes));
	gg_buffer_deinit(&notes);
	check_again(registers, cpu);
}

static void use_cpu(const struct gg_host *host, struct gg_qemu_cpu *cpu, bool sound)
{
	const struct gg_arch *arch;
	struct gg_registers registers;
	cpu->thread = cpu->index;
	for (const char *c = cpu->text; *c; c++)
		if (*c != '\n' && (*c < ' ' || *c > '~'))
			abort();
	const struct gg_qemu_cpus alone = { .cpus = cpu, .count = 1 };
	struct gg_error *err = gg_arch_find_by_texts(&alone, &arch);
	if (!err)
		err = arch->cpu->read_monitor(host, cpu, &registers);
	if (!err)
		use_registers(arch, &registers, cpu);
	if (err && sound)
		abort();
	gg_error_destroy(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gg_qemu_cpus cpus;
	struct gg_buffer text = { 0 };
	const uint8_t choice = size ? data[0] : 0;
	struct debugger debugger = { .byte = choice, .size = choice >> 4 };
	const struct gg_host host = { .ops = &ops, .data = &debugger, .address_size = 8 };
	bool sound = false;
	if (choice & 1) {
		gg_buffer_append(&text, data + 1, size - 1);
	} else {
		append_sound(&text, choice >> 1 & 3);
		sound = change(&text, data, size);
	}
	struct gg_error *err =
		gg_qemu_monitor_cpus((const char *)text.bytes, text.size,
				     (enum gg_accelerator)(choice >> 3 & 3) % 3, &cpus);
	for (size_t i = 0; !err && i < cpus.count; i++)
		use_cpu(&host, &cpus.cpus[i], sound);
	if (!err)
		gg_qemu_cpus_deinit(&cpus);
	gg_error_destroy(err);
	gg_buffer_deinit(&text);
	return 0;
}
