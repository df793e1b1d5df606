// SPDX-License-Identifier: GPL-3.0-or-later
//
// Machines of KVM's in a made-up kernel, sound and damaged.
#include "fake-kvm.h"
#include "arch/x86/x86.h"
#include "linux/arch-ops.h"
#include "linux/kvm/areas.h"
#include "linux/kvm/layout.h"
#include "linux/kvm/page-cache.h"
#include "printed.h"
#include "unit.h"

#include <string.h>

extern const struct gg_arch gg_arch_x86_64, gg_arch_s390x, gg_arch_riscv64;

// Reads the machine with VALUE at OFFSET of the memory, and expects so many vCPUs and slots, and the notice.
static void expect(size_t offset, uint64_t value, size_t vcpus, size_t slots, const char *notice)
{
	struct fake_kvm kvm;
	struct gg_kvm_machines machines;
	fake_kvm_init(&kvm);
	forget_output();
	if (offset)
		fake_put(&kvm.fake, offset, 8, value);
	struct gg_error *err = gg_kvm_read(&kvm.answerers, &kvm.map, false, &to_told, &machines);
	assert_null(err);
	assert_int_equal(machines.count, 1);
	assert_int_equal(machines.machines[0].vcpu_count, vcpus);
	assert_int_equal(machines.machines[0].slot_count, slots);
	if (notice)
		assert_non_null(strstr(told, notice));
	else
		assert_string_equal(told, "");
	gg_kvm_machines_deinit(&machines);
	fake_kvm_deinit(&kvm);
}

static void test_sound(void **state)
{
	(void)state;
	struct fake_kvm kvm;
	struct gg_kvm_machines machines;
	fake_kvm_init(&kvm);
	assert_null(gg_kvm_read(&kvm.answerers, &kvm.map, false, &to_told, &machines));
	const struct gg_kvm_machine *machine = &machines.machines[0];
	assert_int_equal(machine->vcpus[0].id, 0);
	assert_true(machine->vcpus[0].in_guest);
	assert_int_equal(machine->vcpus[0].cpu, 5);
	assert_int_equal(machine->vcpus[1].state, GG_KVM_HALTED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(machine->slots[i].gpa, i * 0x100000);
	assert_int_equal(machine->memory.size, 3 * 16 * 4096);
	assert_false(machine->memory.counted);
	gg_kvm_machines_deinit(&machines);
	fake_kvm_deinit(&kvm);
}

static void test_damage(void **state)
{
	(void)state;
	const uint64_t first = FAKE_KVM_BASE + FAKE_KVM_SLOTS + FAKE_KVM_STRIDE;
	const size_t slot_1 = FAKE_KVM_SLOTS + FAKE_KVM_STRIDE,
		     slot_3 = slot_1 + 2 * FAKE_KVM_STRIDE;
	expect(0, 0, 2, 3, NULL);
	expect(FAKE_KVM, FAKE_KVM_BASE + FAKE_KVM, 2, 3, "comes back to");
	expect(FAKE_KVM + FAKE_KVM_ONLINE, 0xffffffff, 0, 3, "4294967295 vCPUs, more than 4096");
	expect(FAKE_KVM + FAKE_KVM_ONLINE, 3, 2, 3, "vCPU 2 is not in the array");
	expect(FAKE_KVM_NODE + 8, (FAKE_KVM_BASE + FAKE_KVM_NODE) | 2, 0, 3,
	       "an array of more than 11 levels");
	expect(FAKE_KVM_NODE, 200, 0, 3, "a shift of 200");
	expect(slot_1 + FAKE_KVM_LEFT, first, 2, 0, "a tree of more than 64 levels");
	expect(slot_1 + 8, first, 2, 1, "overlaps the slot at 0x0");
	expect(slot_3 + FAKE_KVM_GFN, 0x108, 2, 2, "overlaps the slot at 0x100000");
	expect(slot_3 + FAKE_KVM_GFN, UINT64_MAX, 2, 2, "more than there are");
	expect(FAKE_KVM_MEMSLOTS + 8, 2, 2, 0, "node_idx is 2");
}

// A slot without pages that is its own neighbour overlaps nothing.
static void test_endless_slots(void **state)
{
	(void)state;
	struct fake_kvm kvm;
	struct gg_kvm_machines machines;
	const size_t root = FAKE_KVM_SLOTS + 2 * FAKE_KVM_STRIDE;
	fake_kvm_init(&kvm);
	forget_output();
	fake_put(&kvm.fake, root + FAKE_KVM_LEFT, 8, 0);
	fake_put(&kvm.fake, root + 8, 8, FAKE_KVM_BASE + root);
	fake_put(&kvm.fake, root + FAKE_KVM_PAGES, 8, 0);
	assert_null(gg_kvm_read(&kvm.answerers, &kvm.map, true, &to_told, &machines));
	assert_int_equal(machines.machines[0].slot_count, 32767);
	assert_non_null(strstr(told, "more than 32767 memory slots"));
	gg_kvm_machines_deinit(&machines);
	fake_kvm_deinit(&kvm);
}

// ---- Registers ----

// Reads the registers of vCPU 1, with VALUE at OFFSET of the memory; INSIDE may be NULL.
static struct gg_error *read_registers(size_t offset, uint64_t value,
				       const struct gg_registers *inside, struct gg_cpu_state *ret)
{
	struct fake_kvm kvm;
	fake_kvm_init(&kvm);
	if (offset)
		fake_put(&kvm.fake, offset, 8, value);
	struct gg_error *err =
		gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + FAKE_KVM_VCPUS, inside, ret);
	fake_kvm_deinit(&kvm);
	return err;
}

static void test_registers(void **state)
{
	(void)state;
	enum { CR3 = X86_CR0 + 3, VCPU = FAKE_KVM_VCPUS };
	static struct gg_cpu_state cpu, inner;
	assert_null(read_registers(0, 0, NULL, &cpu));
	assert_int_equal(gg_register(&cpu.own, X86_R15), 0x200f);
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x2010);
	assert_int_equal(gg_register(&cpu.own, CR3), 0x2000);
	assert_int_equal(gg_register(&cpu.own, X86_EFER), 0x500);
	assert_int_equal(gg_register(&cpu.own, X86_HALTED), 1);
	// Without nested paging the VMCB has the shadow tables.
	assert_null(read_registers(FAKE_KVM_BLOCK + FAKE_KVM_NESTED, 0, NULL, &cpu));
	assert_int_equal(gg_register(&cpu.own, CR3), 0x3000);
	// A VMCB that cannot be: the hardware has what KVM has no copy of.
	assert_null(read_registers(FAKE_KVM_BLOCK + FAKE_KVM_ASID, 0, NULL, &cpu));
	assert_int_equal(gg_register(&cpu.own, X86_R15), 0x200f);
	assert_false(gg_register_has_known(&cpu.own, CR3));
	assert_null(read_registers(VCPU + FAKE_KVM_AVAILABLE, 0x9ffff, NULL, &cpu));
	assert_null(read_registers(VCPU + FAKE_KVM_AVAILABLE, 0x1ffef, NULL, &cpu));
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x2010);
	// A CPU that is inside has the last registers, with the host's own bits.
	gg_registers_init(&inner.own, &x86_registers, 8);
	gg_register_set(&inner.own, X86_RIP, 0x1234);
	gg_register_set(&inner.own, X86_EFER, 0x1500);
	gg_register_set(&inner.own, X86_HFLAGS, X86_HF_GUEST);
	assert_null(read_registers(0, 0, &inner.own, &cpu));
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x1234);
	assert_int_equal(gg_register(&cpu.own, X86_EFER), 0x500);
	assert_int_equal(gg_register(&cpu.own, X86_HFLAGS) & X86_HF_GUEST, 0);
	struct gg_error *err = read_registers(FAKE_KVM_BLOCK + FAKE_KVM_NESTED, 7, NULL, &cpu);
	assert_string_equal(gg_error_message(err), "the hardware encrypts them (SEV-ES)");
	gg_error_destroy(err);
}

// ---- Areas ----

// Finds the area of ADDRESS, with VALUE at OFFSET of the memory; the word is the expected one.
static void expect_area(size_t offset, uint64_t value, gg_gva_t address, const char *word)
{
	struct fake_kvm kvm;
	struct gg_areas *areas;
	struct gg_area area;
	fake_kvm_init(&kvm);
	const struct gg_host host = gg_kvm_host(&kvm.answerers);
	if (offset)
		fake_put(&kvm.fake, offset, 8, value);
	assert_null(gg_areas_create(&host, FAKE_KVM_BASE + FAKE_KVM_MM, &areas));
	struct gg_error *err = gg_areas_find(areas, address, &area);
	const char *found = err ? gg_error_message(err) : area.is_zero_filled ? "zeros" : "others";
	assert_non_null(strstr(found, word));
	gg_error_destroy(err);
	gg_areas_destroy(areas);
	fake_kvm_deinit(&kvm);
}

static void test_areas(void **state)
{
	(void)state;
	const gg_gva_t start = FAKE_KVM_AREA_START, end = FAKE_KVM_AREA_END;
	expect_area(0, 0, start, "zeros");
	expect_area(0, 0, end - 1, "zeros");
	expect_area(0, 0, start - 1, "is in no area");
	expect_area(0, 0, end, "is in no area");
	expect_area(FAKE_KVM_AREA + FAKE_KVM_AREA_FILE, FAKE_KVM_BASE, start, "others");
	expect_area(FAKE_KVM_AREA + FAKE_KVM_AREA_FLAGS, 0x200, start, "others");
	expect_area(FAKE_KVM_AREA, start + 0x1000, start, "is in no area");
	expect_area(FAKE_KVM_NODES + 0x20, (FAKE_KVM_BASE + FAKE_KVM_NODES) | 3 << 3, start,
		    "is no maple node");
	expect_area(FAKE_KVM_NODES + 0x20, 0x1234, start, "is no maple node");
}

// ---- Page cache ----

// Finds page INDEX of the file, with VALUE at OFFSET of the memory: a piece of KIND with so many pages at GPA, or the message
// of an error.
static void expect_page(size_t offset, uint64_t value, uint64_t index, enum gg_kvm_page kind,
			uint64_t pages, gg_gpa_t gpa, const char *message)
{
	enum { PAGE = 4096 };
	struct fake_kvm kvm;
	struct gg_page_cache *cache;
	struct gg_kvm_piece piece = { 0 };
	fake_kvm_init(&kvm);
	const struct gg_host host = gg_kvm_host(&kvm.answerers);
	if (offset)
		fake_put(&kvm.fake, offset, 8, value);
	assert_null(gg_page_cache_create(&kvm.answerers, &host, &cache));
	struct gg_error *err =
		gg_page_cache_find(cache, FAKE_KVM_BASE + FAKE_KVM_FILE, index, &piece);
	if (message)
		assert_non_null(strstr(gg_error_message(err), message));
	else
		assert_null(err);
	assert_int_equal(piece.kind, kind);
	assert_int_equal(piece.size, pages * PAGE);
	assert_int_equal(piece.gpa, gpa);
	gg_error_destroy(err);
	gg_page_cache_destroy(cache);
	fake_kvm_deinit(&kvm);
}

static void test_page_cache(void **state)
{
	(void)state;
	const size_t folio = FAKE_KVM_FOLIO, node = FAKE_KVM_FILE_NODE + 8;
	expect_page(0, 0, 0, GG_KVM_HELD, 1, 0x5000, NULL);
	expect_page(0, 0, 1, GG_KVM_HELD, 1, 0x6000, NULL);
	expect_page(0, 0, 2, GG_KVM_SWAPPED, 1, 0, NULL);
	expect_page(0, 0, 3, GG_KVM_ZEROS, 1, 0, NULL);
	// Behind the file's end no page is zeros, and behind the root's last slot there is none.
	expect_page(0, 0, 8, GG_KVM_NO_PAGE, 1, 0, NULL);
	expect_page(FAKE_KVM_INODE, 1 << 20, 64, GG_KVM_ZEROS, 192, 0, NULL);
	expect_page(FAKE_KVM_MAPPING, 0, 3, GG_KVM_ZEROS, 5, 0, NULL);
	// Files of other filesystems have pages on a disk.
	expect_page(FAKE_KVM_SUPER_BLOCK, 0xef53, 2, GG_KVM_NO_PAGE, 1, 0, NULL);
	expect_page(FAKE_KVM_SUPER_BLOCK, 0xef53, 3, GG_KVM_NO_PAGE, 1, 0, NULL);
	// A folio of another file, or of another page.
	expect_page(folio + FAKE_KVM_FOLIO_MAPPING, FAKE_KVM_BASE, 0, 0, 0, 0, "is not that of");
	expect_page(folio + FAKE_KVM_FOLIO_INDEX, 1, 0, 0, 0, 0, "is not that of page 0");
	expect_page(FAKE_KVM_FIRST_PAGE, FAKE_KVM_BASE + folio - 1, 0, 0, 0, 0, "is not that of");
	// A slot that stands for itself, and a slot that is reserved for a later entry.
	expect_page(node + 8, 1 << 2 | 2, 1, 0, 0, 0, "an entry 0x6");
	expect_page(node + 8, 1030, 1, GG_KVM_ZEROS, 1, 0, NULL);
	expect_page(FAKE_KVM_FILE_NODE, 64, 1, 0, 0, 0, "a shift of 64");
}

// Reads the machine with VALUE at OFFSET, and returns the name of its encryption; *IS_PRIVATE is slot 1's.
static const char *encryption(size_t offset, uint64_t value, bool *is_private)
{
	struct fake_kvm kvm;
	struct gg_kvm_machines machines;
	fake_kvm_init(&kvm);
	fake_put(&kvm.fake, offset, 1, value);
	assert_null(gg_kvm_read(&kvm.answerers, &kvm.map, false, &to_told, &machines));
	const char *name = machines.machines[0].encrypted;
	*is_private = machines.machines[0].slots[0].is_private;
	gg_kvm_machines_deinit(&machines);
	fake_kvm_deinit(&kvm);
	return name;
}

static void test_encryption(void **state)
{
	(void)state;
	bool is_private;
	assert_null(encryption(FAKE_KVM + FAKE_KVM_TYPE, 1, &is_private));
	assert_string_equal(encryption(FAKE_KVM + FAKE_KVM_TYPE, 4, &is_private), "SEV-SNP");
	assert_string_equal(encryption(FAKE_KVM + FAKE_KVM_TYPE, 5, &is_private), "TDX");
	assert_string_equal(encryption(FAKE_KVM + FAKE_KVM_SEV, 1, &is_private), "SEV");
	assert_false(is_private);
	assert_null(encryption(FAKE_KVM_SLOTS + FAKE_KVM_STRIDE + FAKE_KVM_FLAGS, 4, &is_private));
	assert_true(is_private);
}

static bool finds(const struct gg_linux_ops *ops, unsigned int level, uint64_t entry, gg_gpa_t *ret)
{
	return ops->hidden_page(&(struct gg_page_entry){ .level = level, .value = entry }, ret);
}

static void test_hidden_pages(void **state)
{
	(void)state;
	gg_gpa_t page;
	const struct gg_linux_ops *ops = gg_arch_x86_64.kernel, *s390 = gg_arch_s390x.kernel,
				  *riscv = gg_arch_riscv64.kernel;
	const uint64_t key = UINT64_C(5) << 59;
	assert_true(
		finds(ops, 1, (~UINT64_C(0x12345000) & UINT64_C(0xffffffffff000)) | 0x100, &page));
	assert_int_equal(page, 0x12345000);
	assert_true(finds(ops, 1, key | 0x12345100, &page));
	assert_int_equal(page, 0x12345000);
	assert_true(
		finds(ops, 2, (~UINT64_C(0x12200000) & UINT64_C(0xfffffffe00000)) | 0x1180, &page));
	assert_int_equal(page, 0x12200000);
	assert_false(finds(ops, 2, 0x12200100, &page));
	assert_false(finds(ops, 1, UINT64_C(0x7fffffffffbfe00a), &page));
	assert_false(finds(ops, 1, 0, &page));
	assert_true(finds(s390, 1, 0x12345703, &page));
	assert_int_equal(page, 0x12345000);
	assert_false(finds(s390, 1, 0x12345702, &page));
	assert_true(finds(s390, 2, 0x12300420, &page));
	assert_int_equal(page, 0x12300000);
	assert_false(finds(s390, 2, 0x20, &page));
	assert_false(finds(s390, 2, 0x12300430, &page));
	assert_false(finds(s390, 3, 0x401, &page));
	assert_true(finds(riscv, 1, UINT64_C(0x12345) << 10 | 0x20, &page));
	assert_int_equal(page, 0x12345000);
	assert_true(finds(riscv, 1, UINT64_C(0x12345) << 10 | 0x22, &page));
	assert_int_equal(page, 0x12345000);
	assert_false(finds(riscv, 1, UINT64_C(0x12345) << 10, &page));
	assert_false(finds(riscv, 1, UINT64_C(0x12345) << 10 | 0x23, &page));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("A machine has its vCPUs by their ids, and its slots ascending",
			  test_sound),
		UNIT_TEST("Damage costs the damaged part alone, is bounded, and is named",
			  test_damage),
		UNIT_TEST("A tree of memory slots that comes back to itself ends",
			  test_endless_slots),
		UNIT_TEST("A vCPU's registers are KVM's copies and the VMCB's, or those of the CPU "
			  "that is "
			  "inside, as the guest sees them",
			  test_registers),
		UNIT_TEST("Memory that nobody has touched is zeros in a private anonymous area "
			  "alone; "
			  "damage of the areas' tree is bounded",
			  test_areas),
		UNIT_TEST("A page of a file is in the page cache, also in a large folio; a page "
			  "that a "
			  "tmpfs lacks is zeros, and a damaged tree is no page",
			  test_page_cache),
		UNIT_TEST("A machine whose memory the hardware encrypts (SEV, TDX) is called so, "
			  "and so is "
			  "a slot of guest_memfd",
			  test_encryption),
		UNIT_TEST("A page that Linux protects from its program is there, a swapped page is "
			  "not",
			  test_hidden_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
