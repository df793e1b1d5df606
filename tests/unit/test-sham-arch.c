// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest whose architecture is none of the library's: whatever only one byte order, word or format
// of page tables would do for fails here.
#include "unit.h"
#include "fake-qemu.h"
#include "sham-arch.h"

#include "base/buffer.h"
#include "guest/guest.h"
#include "vmcore/format-elf.h"

#include <gdb-guest/dump.h>
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RAM = SHAM_LARGE_PAGE,
	NOTE = 0x8000,
	TEXT = 0x10000, // _stext
	TABLES = 0x100000,
	LEAVES = TABLES + SHAM_PAGE,
	VECTOR = FAKE_CPU_XMM_REGS,
};

static const struct fake_range ranges[] = { { 0x0, RAM, 0x0, FAKE_RAM, 0 } };
static const char vmcoreinfo[] = "OSRELEASE=6.1-sham\nPAGESIZE=8192\nSYMBOL(_stext)=c0010000\n"
				 "SYMBOL(swapper_pg_dir)=c0100000\nSYMBOL(here)=c0010008\n";

static struct fake_qemu qemu;
static uint8_t *cpu, *ram;
static struct gg_guest *guest;

static void put_big(uint64_t gpa, uint32_t value)
{
	value = htobe32(value);
	memcpy(ram + gpa, &value, sizeof(value));
}

static uint32_t big(const void *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static void write_kernel(void)
{
	put_big(TABLES + 4 * (SHAM_KERNEL >> 24), SHAM_ENTRY_VALID | SHAM_ENTRY_PAGE);
	put_big(TABLES, SHAM_ENTRY_VALID | LEAVES);
	put_big(LEAVES + 4 * 2, SHAM_ENTRY_VALID | 0x20000);
	put_big(LEAVES + 4 * 3, 0x22000);
	put_big(NOTE, 11);
	put_big(NOTE + 4, sizeof(vmcoreinfo) - 1);
	memcpy(ram + NOTE + 12, "VMCOREINFO\0", 12);
	memcpy(ram + NOTE + 24, vmcoreinfo, sizeof(vmcoreinfo) - 1);
	memcpy(ram + TEXT + 8, "\x01\x02\x03\x04", 4);
}

// QEMU's own memory is in the host's byte order.
static void write_cpu(void)
{
	for (unsigned int i = 0; i < 4; i++)
		put_uint(cpu + FAKE_CPU_REGS + 4 * i, 4, 0x11111111 * (i + 1));
	put_uint(cpu + FAKE_CPU_EIP, 4, SHAM_KERNEL + TEXT + 8);
	put_uint(cpu + FAKE_CPU_EIP + 4, 4, SHAM_KERNEL + 0x3000);
	put_uint(cpu + FAKE_CPU_CR, 4, TABLES);
	for (unsigned int i = 0; i < SHAM_VECTOR; i++)
		cpu[VECTOR + i] = (uint8_t)i;
}

static void add_types(const char *type)
{
	static const struct {
		const char *path;
		uint64_t offset, size;
	} members[] = {
		{ "", 0, FAKE_CPU_SIZE },       { "env.regs", FAKE_CPU_REGS, 16 },
		{ "env.pc", FAKE_CPU_EIP, 4 },  { "env.sp", FAKE_CPU_EIP + 4, 4 },
		{ "env.root", FAKE_CPU_CR, 4 }, { "env.vector", VECTOR, SHAM_VECTOR },
	};
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		assert_success(gg_bytes_host_add_member(qemu.bytes, type, members[i].path,
							members[i].offset, members[i].size));
}

static void begin(const char *type)
{
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	cpu = qemu.structures + FAKE_CPU;
	ram = qemu.ram[0];
	add_types(type);
	write_cpu();
	memcpy(cpu + FAKE_CPU_SIZE + FAKE_CPU_REGS, cpu + FAKE_CPU_REGS,
	       FAKE_CPU_SIZE - FAKE_CPU_REGS);
	write_kernel();
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
}

static int begin_test(void **state)
{
	(void)state;
	begin("ShamCPU");
	return 0;
}

static int begin_mute(void **state)
{
	(void)state;
	begin("MuteCPU");
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}

// ---- CPUs ----

static struct gg_error *check_cpu(void *data, const struct gg_cpu *shown)
{
	unsigned int *count = data;
	assert_int_equal(shown->pc, SHAM_KERNEL + TEXT + 8);
	assert_int_equal(shown->root, TABLES);
	assert_string_equal(shown->root_name, "root");
	assert_int_equal(shown->nesting, GG_NOT_NESTED);
	assert_int_equal(shown->register_count, SHAM_REGISTERS);
	assert_int_equal(shown->registers[SHAM_R3].value, 0x44444444);
	const struct gg_register *vector = &shown->registers[SHAM_V0];
	assert_int_equal(vector->size, SHAM_VECTOR);
	for (unsigned int i = 0; i < SHAM_VECTOR; i++)
		assert_true(vector->bytes[i] == i && vector->known[i] == 0xff);
	assert_non_null(strstr(shown->text, "PC=c0010008 SP=c0003000 V0=fffefdfc"));
	++*count;
	return NULL;
}

static void test_registers(void **state)
{
	(void)state;
	unsigned int count = 0;
	assert_success(gg_guest_cpus(guest, check_cpu, &count));
	assert_int_equal(count, FAKE_CPUS);
}

// ---- Text ----

static struct gg_error *collect_text(void *data, const char *text, size_t size)
{
	char *to = data;
	const size_t used = strlen(to);
	assert_true(used + size < 65536);
	memcpy(to + used, text, size);
	to[used + size] = 0;
	return NULL;
}

static void test_text(void **state)
{
	(void)state;
	char *text = calloc(1, 65536);
	const struct gg_writer writer = { .write = collect_text, .data = text };
	const struct gg_address_text here = { .text = "here", .cpu = 0 };
	assert_success(gg_print_registers(guest, &(struct gg_registers_options){ .cpus = "0" },
					  &writer, NULL));
	assert_non_null(strstr(text, "\n        sp 0x00000000c0003000  root 0x0000000000100000  "));
	*text = 0;
	assert_success(gg_print_registers(
		guest, &(struct gg_registers_options){ .cpus = "0", .json = true }, &writer, NULL));
	assert_non_null(strstr(text, ":\"0xfffefdfcfbfaf9"));
	*text = 0;
	assert_success(gg_print_examine(
		guest, &(struct gg_examine_options){ .address = here, .format = "2xh" }, &writer,
		NULL));
	assert_non_null(strstr(text, ":\t0x0102\t0x0304\n"));
	*text = 0;
	assert_success(gg_print_translation(
		guest, &(struct gg_translation_options){ .address = here }, &writer, NULL));
	assert_string_equal(text,
			    "branch at 0x0000000000100300  0x00000000c0000000\n"
			    "guest-physical 0x10008 in a page of 16 MiB, block.0 + 0x10008\n");
	free(text);
}

// ---- Page tables ----

static struct gg_error *collect_entry(void *data, const struct gg_walk_entry *entry)
{
	char *text = data;
	const size_t used = strlen(text);
	snprintf(text + used, 256 - used, "%s %lx=%lx; ", entry->level, entry->gpa, entry->value);
	return NULL;
}

static void expect_walk(struct gg_address_space *space, uint64_t gva, const char *entries,
			bool mapped, uint64_t gpa, uint64_t page_size)
{
	char text[256] = "";
	struct gg_translation translation;
	assert_success(gg_address_space_walk(space, gva, collect_entry, text, &translation));
	assert_string_equal(text, entries);
	assert_int_equal(translation.mapped, mapped);
	assert_int_equal(translation.page_size, page_size);
	if (mapped)
		assert_int_equal(translation.gpa, gpa);
}

static void test_walks(void **state)
{
	(void)state;
	uint8_t bytes[8];
	struct gg_address_space *space;
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	expect_walk(space, SHAM_KERNEL + TEXT + 8, "branch 100300=c0000000; ", true, TEXT + 8,
		    SHAM_LARGE_PAGE);
	expect_walk(space, 0x5123, "branch 100000=80102000; leaf 102008=80020000; ", true, 0x21123,
		    SHAM_PAGE);
	expect_walk(space, 0x6123, "branch 100000=80102000; leaf 10200c=22000; ", false, 0,
		    SHAM_PAGE);
	expect_walk(space, 0x1000000, "branch 100004=0; ", false, 0, SHAM_LARGE_PAGE);
	assert_success(gg_address_space_read(space, SHAM_KERNEL + TEXT + 8, bytes, 4));
	assert_memory_equal(bytes, "\x01\x02\x03\x04", 4);
	assert_error(gg_address_space_read(space, 0x5ffc, bytes, 8), GG_FAULT,
		     "0x6000 is not mapped: its leaf at guest-physical 0x10200c is 0x22000, not "
		     "present");
	assert_error(gg_address_space_read(space, UINT64_C(1) << 32, bytes, 1), GG_BAD_DATA,
		     "beyond the 32 bits");
	// A table that is not in RAM.
	put_big(TABLES + 4, SHAM_ENTRY_VALID | 0x3fff0000);
	assert_error(gg_address_space_read(space, 0x1000000, bytes, 1), GG_FAULT,
		     "the page tables of 0x1000000: the leaf: ");
}

// Bytes that are no tables at all, at random, do no harm: each walk ends in a page, a fault, or nowhere.
static void test_random_tables(void **state)
{
	(void)state;
	struct gg_address_space *space;
	unsigned int mapped = 0;
	for (unsigned int i = 0; i < 2 * SHAM_PAGE; i += 4)
		put_big(TABLES + i, (uint32_t)random() << 1 ^ (uint32_t)random());
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	for (unsigned int i = 0; i < 20000; i++) {
		const uint64_t gva = (uint32_t)random() << 1;
		char text[256] = "";
		struct gg_translation translation;
		struct gg_error *err =
			gg_address_space_walk(space, gva, collect_entry, text, &translation);
		if (!err) {
			mapped += translation.mapped;
			assert_true(translation.page_size == SHAM_PAGE ||
				    translation.page_size == SHAM_LARGE_PAGE);
			assert_true(!translation.mapped ||
				    (translation.gpa ^ gva) % SHAM_PAGE == 0);
		} else {
			assert_int_equal(gg_error_kind(err), GG_FAULT);
		}
		gg_error_destroy(err);
	}
	assert_between(mapped, 100, 19900);
}

// ---- Linux ----

static void test_kernel(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	struct gg_address_space *space;
	gg_gva_t address;
	uint8_t bytes[4];
	assert_success(gg_guest_kernel(guest, NULL, NULL, &kernel));
	assert_ptr_equal(kernel->arch, &gg_arch_sham);
	assert_int_equal(kernel->note, NOTE);
	assert_int_equal(kernel->running, FAKE_CPUS);
	assert_int_equal(kernel->direct_map, SHAM_KERNEL);
	assert_int_equal(gg_page_table_reach(kernel->table, 0x5123), SHAM_LARGE_PAGE - 0x5123);
	assert_success(gg_guest_symbol(guest, "here", &address));
	assert_int_equal(address, 0xc0010008);
	assert_success(gg_guest_address_space(guest, GG_KERNEL_TABLES, NULL, &space));
	assert_success(gg_address_space_read(space, address, bytes, 4));
	assert_memory_equal(bytes, "\x01\x02\x03\x04", 4);
}

// ---- The dump ----

static char folder[] = "/tmp/test-sham-arch-XXXXXX";

// Dumps to a file, and returns its bytes, which the caller frees.
static uint8_t *dump(bool no_notes, struct gg_error **err, size_t *size)
{
	char path[sizeof(folder) + 8];
	struct gg_dump_result result;
	snprintf(path, sizeof(path), "%s/vmcore", folder);
	const struct gg_dump_options options = { .path = path, .no_notes = no_notes };
	*err = gg_dump(guest, &options, &result);
	if (*err)
		return NULL;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	uint8_t *bytes = malloc(result.file_size);
	*size = fread(bytes, 1, result.file_size, file);
	assert_int_equal(*size, result.file_size);
	fclose(file);
	unlink(path);
	return bytes;
}

static const uint8_t *check_headers(const uint8_t *bytes, uint16_t machine)
{
	const Elf32_Ehdr *ehdr = (const void *)bytes;
	assert_int_equal(bytes[EI_CLASS], ELFCLASS32);
	assert_int_equal(bytes[EI_DATA], ELFDATA2MSB);
	assert_int_equal(be16toh(ehdr->e_machine), machine);
	assert_int_equal(be16toh(ehdr->e_ehsize), sizeof(*ehdr));
	return bytes + be32toh(ehdr->e_phoff);
}

static void test_dump(void **state)
{
	(void)state;
	size_t size;
	struct gg_error *err;
	uint8_t *bytes = dump(false, &err, &size);
	assert_success(err);
	const Elf32_Phdr *phdr = (const void *)check_headers(bytes, SHAM_MACHINE);
	assert_int_equal(be32toh(phdr[0].p_type), PT_NOTE);
	assert_int_equal(be32toh(phdr[1].p_vaddr), SHAM_KERNEL);
	assert_int_equal(be32toh(phdr[1].p_paddr), 0);
	assert_int_equal(be32toh(phdr[1].p_filesz), RAM);
	assert_memory_equal(bytes + be32toh(phdr[1].p_offset), ram, RAM);

	const uint8_t *note = bytes + be32toh(phdr[0].p_offset);
	for (unsigned int i = 0; i < FAKE_CPUS; i++, note += 20 + SHAM_PRSTATUS) {
		assert_int_equal(big(note), sizeof("CORE"));
		assert_int_equal(big(note + 4), SHAM_PRSTATUS);
		assert_int_equal(big(note + 8), NT_PRSTATUS);
		assert_int_equal(big(note + 20 + 24), i + 1);
		assert_int_equal(big(note + 20 + 72 + 4 * SHAM_R3), 0x44444444);
		assert_int_equal(big(note + 20 + 72 + 4 * SHAM_PC), SHAM_KERNEL + TEXT + 8);
	}
	assert_int_equal(big(note + 4), sizeof(vmcoreinfo) - 1);
	assert_memory_equal(note + 24, vmcoreinfo, sizeof(vmcoreinfo) - 1);
	free(bytes);
}

static void expect_class(uint64_t gpa, uint64_t size, uint8_t elf_class)
{
	struct gg_vmcore_segment segment = { .gpa = gpa, .size = size };
	const struct gg_buffer notes = { .size = 0 };
	struct gg_vmcore_elf elf = {
		.arch = &gg_arch_sham, .notes = &notes, .segments = &segment, .count = 1
	};
	uint64_t file_size;
	size_t headers_size;
	void *headers;
	assert_success(gg_vmcore_elf_lay_out(&elf, &file_size));
	assert_success(gg_vmcore_elf_encode(&elf, &headers, &headers_size));
	const Elf64_Ehdr *ehdr = headers;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	assert_int_equal(ehdr->e_ident[EI_CLASS], elf_class);
	assert_int_equal(ehdr->e_ident[EI_DATA], ELFDATA2MSB);
	if (elf_class == ELFCLASS64) {
		assert_int_equal(be64toh(phdr->p_paddr), gpa);
		assert_int_equal(be64toh(phdr->p_filesz), size);
	}
	free(headers);
}

static void test_large_addresses(void **state)
{
	(void)state;
	expect_class(0xffff0000, 0x10000, ELFCLASS32);
	expect_class(0xffff0000, 0x10001, ELFCLASS64);
	expect_class(UINT64_C(1) << 36, 0x1000, ELFCLASS64);
	// The file's offsets.
	expect_class(0, UINT64_C(1) << 32, ELFCLASS64);
}

// ---- What is not done yet ----

static void test_not_yet(void **state)
{
	(void)state;
	size_t size;
	struct gg_error *err;
	unsigned int count = 0;
	struct gg_address_space *space;
	const struct gg_disassembly code = { .address = SHAM_KERNEL, .count = 1 };
	assert_error(gg_guest_cpus(guest, check_cpu, &count), GG_UNSUPPORTED,
		     "the registers of mute guests are not known here yet");
	assert_error(gg_guest_address_space(guest, 0, NULL, &space), GG_UNSUPPORTED,
		     "the registers of mute guests are not known here yet");
	assert_error(gg_guest_disassemble(guest, &code, NULL, NULL, NULL), GG_UNSUPPORTED,
		     "of mute guests are not known here yet");
	uint8_t *bytes = dump(true, &err, &size);
	assert_success(err);
	const Elf32_Phdr *phdr = (const void *)check_headers(bytes, SHAM_MACHINE + 1);
	assert_int_equal(be32toh(phdr[0].p_type), PT_LOAD);
	assert_memory_equal(bytes + be32toh(phdr[0].p_offset), ram, RAM);
	free(bytes);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(begin_test, end_test,
			       "registers of an architecture's own are shown, one of 256 bytes too",
			       test_registers),
		UNIT_TEST_WITH(begin_test, end_test,
			       "the text has the architecture's names and byte order", test_text),
		UNIT_TEST_WITH(begin_test, end_test,
			       "page tables of an architecture's own format are walked",
			       test_walks),
		UNIT_TEST_WITH(begin_test, end_test,
			       "random bytes in the place of page tables do no harm",
			       test_random_tables),
		UNIT_TEST_WITH(
			begin_test, end_test,
			"a big-endian kernel of 32 bits is found, and its symbols lead to bytes",
			test_kernel),
		UNIT_TEST_WITH(begin_test, end_test,
			       "the vmcore has the architecture's class, byte order and notes",
			       test_dump),
		UNIT_TEST_WITH(NULL, NULL,
			       "a vmcore of 32 bits becomes one of 64 where RAM or file need that",
			       test_large_addresses),
		UNIT_TEST_WITH(begin_mute, end_test,
			       "without a row an operation is not known yet, and memory is dumped",
			       test_not_yet),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
