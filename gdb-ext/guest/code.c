// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's code as instructions.
#include "guest.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum { SMALLEST_PAGE = 4096, LONGEST = 15 }; // of any instruction of a known architecture

struct reader {
	struct gg_address_space *space;
	uint8_t bytes[SMALLEST_PAGE + LONGEST];
	gg_gva_t start; // of BYTES
	size_t size;
	size_t page;             // bytes that are in the page
	struct gg_error *behind; // the reason why there are no bytes behind the page, or NULL
};

static void forget(struct reader *reader)
{
	gg_error_destroy(reader->behind);
	reader->behind = NULL;
	reader->size = reader->page = 0;
}

// Reads from ADDRESS to the end of its page, and the bytes of the next page that the page's last
// instruction may need, if the next page can be read.
static struct gg_error *fill(struct reader *reader, gg_gva_t address)
{
	forget(reader);
	const size_t page = SMALLEST_PAGE - address % SMALLEST_PAGE;
	struct gg_error *err = gg_address_space_read(reader->space, address, reader->bytes, page);
	if (err)
		return err;
	reader->start = address;
	reader->size = reader->page = page;
	const gg_gva_t next = address + page;
	reader->behind =
		next ? gg_address_space_read(reader->space, next, reader->bytes + page, LONGEST)
		     : gg_error_create(GG_INVALID, "it is at the last address");
	if (!reader->behind)
		reader->size += LONGEST;
	if (!reader->behind || !gg_error_is_final(reader->behind))
		return NULL;
	err = reader->behind;
	reader->behind = NULL;
	return err;
}

// Finds the bits of the code that the CPU whose cpu_index is CPU executes; of the kernel's code for
// GG_KERNEL_TABLES, and without a kernel of the first CPU's.
static struct gg_error *find_bits(struct gg_guest *guest, const struct gg_arch *arch, int64_t cpu,
				  unsigned int *ret)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_state state;
	struct gg_cpu_summary summary;
	if (cpu == GG_KERNEL_TABLES && guest->kernel && guest->kernel->table) {
		*ret = guest->kernel->arch->word * 8;
		return NULL;
	}
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (err)
		return err;
	size_t i = 0;
	while (cpu != GG_KERNEL_TABLES && i + 1 < cpus->count && cpus->cpus[i].index != cpu)
		i++;
	err = gg_guest_cpu_state(guest, &cpus->cpus[i], &state);
	if (err)
		return err;
	arch->cpu->summarize(&state.own, &summary);
	*ret = summary.bits;
	return NULL;
}

static struct gg_error *disassemble(struct reader *reader, const struct gg_arch *arch,
				    struct gg_code *code, uint64_t count,
				    gg_visit_instruction_fn *visit, void *data)
{
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < count; i++) {
		struct gg_instruction instruction;
		err = gg_interrupt_check();
		if (!err && code->address - reader->start >= reader->page)
			err = fill(reader, code->address);
		if (err)
			return err;
		const size_t at = code->address - reader->start;
		code->bytes = reader->bytes + at;
		code->size = reader->size - at < LONGEST ? reader->size - at : LONGEST;
		err = arch->cpu->disassemble(code, &instruction);
		if (!err && instruction.size > code->size)
			err = gg_error_create(GG_BAD_DATA, "an instruction of %u bytes",
					      instruction.size);
		if (!err)
			memcpy(instruction.bytes, code->bytes, instruction.size);
		// The instruction may go on where nothing can be read.
		if (!err && !instruction.is_whole && code->size < LONGEST && reader->behind)
			return gg_error_create(gg_error_kind(reader->behind),
					       "the instruction at 0x%" PRIx64
					       " is not all there: %s",
					       code->address, gg_error_message(reader->behind));
		if (!err)
			err = visit(data, &instruction);
		code->address += err ? 0 : instruction.size;
	}
	return err;
}

struct gg_error *gg_guest_disassemble(struct gg_guest *guest, const struct gg_disassembly *what,
				      gg_visit_instruction_fn *visit, void *data,
				      const struct gg_notices *notices)
{
	const struct gg_arch *arch;
	struct reader reader = { 0 };
	struct gg_code code = { .address = what->address, .intel = what->intel };
	struct gg_error *err = gg_guest_address_space(guest, what->cpu, notices, &reader.space);
	if (!err)
		err = gg_guest_arch(guest, &arch);
	if (!err && (!arch->cpu || !arch->cpu->disassemble))
		err = gg_arch_not_yet(arch, "instructions");
	if (!err)
		err = find_bits(guest, arch, what->cpu, &code.bits);
	if (!err)
		err = disassemble(&reader, arch, &code, what->count, visit, data);
	forget(&reader);
	return err;
}
