// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-kvm.h"
#include "arch/x86/x86.h"

#include <stdlib.h>

extern const struct gg_arch gg_arch_x86_64;

enum { WORD = 8, HALF = 4, PAGES = 16 };

static const struct fake_variable variables[] = {
	{ "vm_list", FAKE_KVM_LIST, 2 * WORD },
	{ "vmemmap_base", FAKE_KVM_FIRST_PAGE, WORD },
};

static const struct fake_member members[] = {
	{ "kvm", "vm_list", 0, 2 * WORD },
	{ "kvm", "mm", 0x10, WORD },
	{ "kvm", "memslots", 0x18, WORD },
	{ "kvm", "online_vcpus.counter", FAKE_KVM_ONLINE, HALF },
	{ "kvm", "vcpu_array", 0x28, WORD },
	{ "xarray", "xa_head", 0, WORD },
	{ "xa_node", "shift", FAKE_KVM_SHIFT, 1 },
	{ "xa_node", "slots[0]", 8, WORD },
	{ "kvm_memslots", "gfn_tree.rb_node", 0, WORD },
	{ "kvm_memslots", "node_idx", 8, HALF },
	{ "kvm_memory_slot", "gfn_node[0]", 0, 3 * WORD },
	{ "kvm_memory_slot", "base_gfn", FAKE_KVM_GFN, WORD },
	{ "kvm_memory_slot", "npages", FAKE_KVM_PAGES, WORD },
	{ "kvm_memory_slot", "userspace_addr", 0x50, WORD },
	{ "kvm_memory_slot", "flags", FAKE_KVM_FLAGS, HALF },
	{ "kvm", "arch.vm_type", FAKE_KVM_TYPE, 1 },
	{ "kvm_svm", "sev_info.active", FAKE_KVM_SEV, 1 },
	{ "rb_node", "rb_right", 8, WORD },
	{ "rb_node", "rb_left", FAKE_KVM_LEFT, WORD },
	{ "kvm_vcpu", "vcpu_id", 0, HALF },
	{ "kvm_vcpu", "mode", 4, HALF },
	{ "kvm_vcpu", "cpu", 8, HALF },
	{ "kvm_vcpu", "arch.mp_state", FAKE_KVM_STATE, HALF },
	{ "mm_struct", "pgd", 0, WORD },
	{ "kvm_vcpu", "arch.regs", FAKE_KVM_REGS, 17 * WORD },
	{ "kvm_vcpu", "arch.regs_avail", FAKE_KVM_AVAILABLE, WORD },
	{ "kvm_vcpu", "arch.cr0", 0xb0, WORD },
	{ "kvm_vcpu", "arch.cr2", 0xb8, WORD },
	{ "kvm_vcpu", "arch.cr3", FAKE_KVM_CR3, WORD },
	{ "kvm_vcpu", "arch.cr4", 0xc8, WORD },
	{ "kvm_vcpu", "arch.efer", 0xd0, WORD },
	{ "vcpu_svm", "vcpu", 0, FAKE_KVM_STRIDE },
	{ "vcpu_svm", "vmcb", 0xd8, WORD },
	{ "kvm_reg", "VCPU_EXREG_CR3", 19, 0 },
	{ "kvm_reg", "VCPU_EXREG_RFLAGS", 21, 0 },
	{ "kvm_reg", "VCPU_EXREG_SEGMENTS", 22, 0 },
	{ "kvm_vcpu", "arch.regs_dirty", FAKE_KVM_DIRTY, WORD },
	{ "kvm_vcpu", "arch.cr0_guest_owned_bits", FAKE_KVM_CR0_OWNED, WORD },
	{ "kvm_vcpu", "arch.cr4_guest_owned_bits", FAKE_KVM_CR4_OWNED, WORD },
	{ "vcpu_vmx", "vcpu", 0, FAKE_KVM_STRIDE },
	{ "vcpu_vmx", "loaded_vmcs", FAKE_KVM_LOADED_POINTER, WORD },
	{ "vcpu_vmx", "vmcs01", FAKE_KVM_LOADED - FAKE_KVM_VCPUS, 0xa0 },
	{ "vcpu_vmx", "rflags", FAKE_KVM_VMX_RFLAGS, WORD },
	{ "vcpu_vmx", "rmode.vm86_active", FAKE_KVM_VM86, HALF },
	{ "vcpu_vmx", "nested.cached_vmcs12", FAKE_KVM_INNER_POINTER, WORD },
	{ "vcpu_vmx", "exit_reason", FAKE_KVM_EXIT, HALF },
	{ "vcpu_vmx", "segment_cache.bitmask", FAKE_KVM_BITMASK, HALF },
	{ "vcpu_vmx", "segment_cache.seg[0]", FAKE_KVM_CACHED, FAKE_KVM_CACHED_SIZE },
	{ "kvm_save_segment", "selector", 0, 2 },
	{ "kvm_save_segment", "base", 8, WORD },
	{ "kvm_save_segment", "limit", 0x10, HALF },
	{ "kvm_save_segment", "ar", 0x14, HALF },
	{ "loaded_vmcs", "vmcs", 0, WORD },
	{ "loaded_vmcs", "cpu", FAKE_KVM_LOADED_CPU, HALF },
	{ "loaded_vmcs", "controls_shadow.exec", FAKE_KVM_CONTROLS, HALF },
	{ "loaded_vmcs", "host_state.cr3", FAKE_KVM_HOST_CR3, WORD },
	{ "loaded_vmcs", "host_state.cr4", 0x38, WORD },
	{ "loaded_vmcs", "host_state.rsp", 0x40, WORD },
	{ "mm_struct", "mm_mt.ma_root", 8, WORD },
	{ "vm_area_struct", "vm_start", 0, WORD },
	{ "vm_area_struct", "vm_end", 8, WORD },
	{ "vm_area_struct", "vm_ops", 0x10, WORD },
	{ "vm_area_struct", "vm_flags", FAKE_KVM_AREA_FLAGS, WORD },
	{ "vm_area_struct", "vm_file", FAKE_KVM_AREA_FILE, WORD },
	{ "maple_range_64", "pivot", 8, 3 * WORD },
	{ "maple_range_64", "slot", 0x20, 4 * WORD },
	{ "maple_arange_64", "pivot", 8, 2 * WORD },
	{ "maple_arange_64", "slot", 0x18, 3 * WORD },
	{ "vm_area_struct", "vm_pgoff", 0x28, WORD },
	{ "file", "f_mapping", 0, WORD },
	{ "address_space", "i_pages", 0, 2 * WORD },
	{ "address_space", "host", 0x10, WORD },
	{ "inode", "i_size", 0, WORD },
	{ "inode", "i_sb", 8, WORD },
	{ "super_block", "s_magic", 0, WORD },
	{ "folio", "page", 0, FAKE_KVM_FOLIO_SIZE },
	{ "folio", "mapping", FAKE_KVM_FOLIO_MAPPING, WORD },
	{ "folio", "index", FAKE_KVM_FOLIO_INDEX, WORD },
};

static const struct fake_parts parts = {
	.base = FAKE_KVM_BASE,
	.size = FAKE_KVM_SIZE,
	.variables = variables,
	.variable_count = sizeof(variables) / sizeof(*variables),
	.members = members,
	.member_count = sizeof(members) / sizeof(*members),
};

static void put(struct fake_kvm *kvm, size_t offset, uint64_t value)
{
	fake_put(&kvm->fake, offset, WORD, value);
}

// Puts slot I; LEFT and RIGHT are the numbers of others, or 0.
static void put_slot(struct fake_kvm *kvm, unsigned int i, unsigned int left, unsigned int right)
{
	const size_t at = FAKE_KVM_SLOTS + i * FAKE_KVM_STRIDE;
	const uint64_t first = FAKE_KVM_BASE + FAKE_KVM_SLOTS;
	put(kvm, at + FAKE_KVM_LEFT, left ? first + left * FAKE_KVM_STRIDE : 0);
	put(kvm, at + 8, right ? first + right * FAKE_KVM_STRIDE : 0);
	put(kvm, at + FAKE_KVM_GFN, (i - 1) * 0x100);
	put(kvm, at + FAKE_KVM_PAGES, PAGES);
	put(kvm, at + 0x50, 0x7f0000000000 + i * 0x100000);
}

static void put_vcpu(struct fake_kvm *kvm, unsigned int place, unsigned int id)
{
	enum { IN_GUEST_MODE = 1, HALTED = 3, CPU = 5 };
	const size_t at = FAKE_KVM_VCPUS + place * FAKE_KVM_STRIDE;
	put(kvm, FAKE_KVM_NODE + 8 + place * WORD, FAKE_KVM_BASE + at);
	fake_put(&kvm->fake, at, HALF, id);
	fake_put(&kvm->fake, at + 4, HALF, id ? 0 : IN_GUEST_MODE);
	fake_put(&kvm->fake, at + 8, HALF, CPU);
	fake_put(&kvm->fake, at + FAKE_KVM_STATE, HALF, id ? HALTED : 0);
}

static void put_registers(struct fake_kvm *kvm, unsigned int place, unsigned int id)
{
	const size_t at = FAKE_KVM_VCPUS + place * FAKE_KVM_STRIDE;
	for (unsigned int i = 0; i < 17; i++)
		put(kvm, at + FAKE_KVM_REGS + i * WORD, 0x1000 * (id + 1) + i);
	put(kvm, at + FAKE_KVM_AVAILABLE, 0x1ffff);
	put(kvm, at + 0xb0, 0x80000011);
	put(kvm, at + FAKE_KVM_CR3, 0x3000);
	put(kvm, at + 0xc8, 0x20);
	put(kvm, at + 0xd0, 0x500);
	put(kvm, at + 0xd8, FAKE_KVM_BASE + FAKE_KVM_BLOCK);
}

static void put_block(struct fake_kvm *kvm)
{
	put(kvm, FAKE_KVM_BLOCK + 0x10, 1);
	put(kvm, FAKE_KVM_BLOCK + FAKE_KVM_ASID, 1);
	put(kvm, FAKE_KVM_BLOCK + FAKE_KVM_NESTED, 1);
	put(kvm, FAKE_KVM_BLOCK + FAKE_KVM_SAVED_CR3, 0x2000);
	put(kvm, FAKE_KVM_BLOCK + 0x4d0, 0x1500);
}

// Puts a tree of two levels, whose first slots are empty.
static void put_areas(struct fake_kvm *kvm)
{
	enum { ROOT = 2, LEAF = 1 << 3 | 4, WIDE_RANGE = 3 << 3 };
	put(kvm, FAKE_KVM_MM + 8, (FAKE_KVM_BASE + FAKE_KVM_NODES) | WIDE_RANGE | ROOT);
	put(kvm, FAKE_KVM_NODES + 8, FAKE_KVM_AREA_START - 1);
	put(kvm, FAKE_KVM_NODES + 0x20, (FAKE_KVM_BASE + FAKE_KVM_LEAF) | LEAF);
	put(kvm, FAKE_KVM_LEAF + 8, FAKE_KVM_AREA_START - 1);
	put(kvm, FAKE_KVM_LEAF + 0x10, FAKE_KVM_AREA_END - 1);
	put(kvm, FAKE_KVM_LEAF + 0x28, FAKE_KVM_BASE + FAKE_KVM_AREA);
	put(kvm, FAKE_KVM_AREA, FAKE_KVM_AREA_START);
	put(kvm, FAKE_KVM_AREA + 8, FAKE_KVM_AREA_END);
}

// Puts a file of a tmpfs.
static void put_file(struct fake_kvm *kvm)
{
	enum { NODE = 2, SIBLING = 2, VALUE = 1, TMPFS = 0x01021994, SIZE = 8 * 4096 };
	put(kvm, FAKE_KVM_FILE, FAKE_KVM_BASE + FAKE_KVM_MAPPING);
	put(kvm, FAKE_KVM_MAPPING, (FAKE_KVM_BASE + FAKE_KVM_FILE_NODE) | NODE);
	put(kvm, FAKE_KVM_MAPPING + 0x10, FAKE_KVM_BASE + FAKE_KVM_INODE);
	put(kvm, FAKE_KVM_INODE, SIZE);
	put(kvm, FAKE_KVM_INODE + 8, FAKE_KVM_BASE + FAKE_KVM_SUPER_BLOCK);
	put(kvm, FAKE_KVM_SUPER_BLOCK, TMPFS);
	put(kvm, FAKE_KVM_FIRST_PAGE,
	    FAKE_KVM_BASE + FAKE_KVM_FOLIO - FAKE_KVM_FOLIO_PAGE * FAKE_KVM_FOLIO_SIZE);
	put(kvm, FAKE_KVM_FILE_NODE + 8, FAKE_KVM_BASE + FAKE_KVM_FOLIO);
	put(kvm, FAKE_KVM_FILE_NODE + 8 + WORD, SIBLING);
	put(kvm, FAKE_KVM_FILE_NODE + 8 + 2 * WORD, 0x1234 << 1 | VALUE);
	put(kvm, FAKE_KVM_FOLIO + FAKE_KVM_FOLIO_MAPPING, FAKE_KVM_BASE + FAKE_KVM_MAPPING);
}

const struct fake_vmcs fake_vmcs12 = {
	.revision = 0x11e57ed0,
	.rip = 544,
	.rsp = 536,
	.rflags = 552,
	.cr0 = 424,
	.cr3 = 432,
	.cr4 = 440,
	.link = 176,
	.cs = 966,
	.cs_base = 456,
	.cs_limit = 844,
	.cs_rights = 884,
	.ss = 968,
	.host_cr0 = 584,
	.host_cr3 = 592,
	.host_cr4 = 600,
	.host_rsp = 664,
	.host_rip = 672,
};

static void put_field(struct fake_kvm *kvm, size_t page, unsigned int place, unsigned int size,
		      uint64_t value)
{
	if (place)
		fake_put(&kvm->fake, page + place, size, value);
}

// Puts a VMCS; MORE is added to the values that differ between vCPUs.
static void put_vmcs(struct fake_kvm *kvm, size_t page, const struct fake_vmcs *places,
		     uint64_t more)
{
	const struct {
		unsigned int place, size;
		uint64_t value;
	} fields[] = {
		{ places->rip, WORD, 0x500000000 + more },
		{ places->rsp, WORD, 0x5001 + more },
		{ places->rflags, WORD, 0x5002 + more },
		{ places->cr0, WORD, 0x80000039 },
		{ places->cr3, WORD, 0x5004 + more },
		{ places->cr4, WORD, 0x26a0 },
		{ places->link, WORD, UINT64_MAX },
		{ places->cs, 2, 0x5007 + more },
		{ places->cs_base, WORD, 0x5008 + more },
		{ places->cs_limit, HALF, 0x5009 + more },
		{ places->cs_rights, HALF, 0xa09b },
		{ places->ss, 2, 0x500b + more },
		{ places->host_cr0, WORD, 0x80050033 },
		{ places->host_cr3, WORD, 0x600d + more },
		{ places->host_cr4, WORD, 0x3526e0 },
		{ places->host_rsp, WORD, 0x600f + more },
		{ places->host_rip, WORD, 0x6010 },
	};
	fake_put(&kvm->fake, page, HALF, places->revision);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		put_field(kvm, page, fields[i].place, fields[i].size, fields[i].value);
}

void fake_kvm_use_vmx(struct fake_kvm *kvm, const struct fake_vmcs *places)
{
	enum { NOT_RSP_NOR_RIP = 0xffef, TS = 1 << 3, PGE = 1 << 7 };
	const size_t vcpu = FAKE_KVM_VCPUS;
	put(kvm, FAKE_KVM_BLOCK + FAKE_KVM_ASID, 0);
	put(kvm, vcpu + FAKE_KVM_AVAILABLE, NOT_RSP_NOR_RIP);
	put(kvm, vcpu + FAKE_KVM_LOADED_POINTER, FAKE_KVM_BASE + FAKE_KVM_LOADED);
	put(kvm, vcpu + FAKE_KVM_CR0_OWNED, TS);
	put(kvm, vcpu + FAKE_KVM_CR4_OWNED, PGE);
	put(kvm, vcpu + FAKE_KVM_INNER_POINTER, FAKE_KVM_BASE + FAKE_KVM_INNER);
	put(kvm, FAKE_KVM_LOADED, FAKE_KVM_BASE + FAKE_KVM_VMCS);
	fake_put(&kvm->fake, FAKE_KVM_LOADED + FAKE_KVM_LOADED_CPU, HALF, UINT32_MAX);
	put(kvm, FAKE_KVM_LOADED + FAKE_KVM_HOST_CR3, 0x600d);
	put(kvm, FAKE_KVM_LOADED + 0x38, 0x3526e0);
	put(kvm, FAKE_KVM_LOADED + 0x40, 0x600f);
	put_vmcs(kvm, FAKE_KVM_VMCS, places, 0);
	put_vmcs(kvm, FAKE_KVM_INNER, &fake_vmcs12, 0);
	put(kvm, FAKE_KVM_INNER + 768, 1 << 9); // the exit's controls: to long mode
}

size_t fake_kvm_peer(unsigned int number)
{
	enum { SIZE = 0x200 };
	return FAKE_KVM_PEER_1 + (number - 1) * SIZE;
}

size_t fake_kvm_peer_vmcs(unsigned int number)
{
	static const size_t pages[FAKE_KVM_PEERS] = { 0xa000, 0xb000, 0xc000, 0xe000 };
	return pages[number - 1];
}

gg_gva_t fake_kvm_add_peer(struct fake_kvm *kvm, unsigned int number,
			   const struct fake_vmcs *places)
{
	enum { ALL = 0x69ffff, CS_AND_SS = 0xf0 | 1 << 8, RIP = 16, RSP = 4 };
	const uint64_t more = 0x100 * number;
	const size_t vcpu = fake_kvm_peer(number), loaded = vcpu + FAKE_KVM_PEER_LOADED;
	const size_t cs = vcpu + FAKE_KVM_CACHED + FAKE_KVM_CACHED_SIZE;
	put(kvm, vcpu + FAKE_KVM_REGS + RIP * WORD, 0x500000000 + more);
	put(kvm, vcpu + FAKE_KVM_REGS + RSP * WORD, 0x5001 + more);
	put(kvm, vcpu + FAKE_KVM_AVAILABLE, ALL);
	put(kvm, vcpu + 0xb0, 0x80000011);
	put(kvm, vcpu + FAKE_KVM_CR3, 0x5004 + more);
	put(kvm, vcpu + FAKE_KVM_VMX_RFLAGS, 0x5002 + more);
	fake_put(&kvm->fake, vcpu + FAKE_KVM_BITMASK, HALF, CS_AND_SS);
	fake_put(&kvm->fake, cs, 2, 0x5007 + more);
	put(kvm, cs + 8, 0x5008 + more);
	fake_put(&kvm->fake, cs + 0x10, HALF, 0x5009 + more);
	fake_put(&kvm->fake, cs + 0x14, HALF, 0xa09b);
	fake_put(&kvm->fake, cs + FAKE_KVM_CACHED_SIZE, 2, 0x500b + more);
	put(kvm, vcpu + FAKE_KVM_LOADED_POINTER, FAKE_KVM_BASE + loaded);
	put(kvm, loaded, FAKE_KVM_BASE + fake_kvm_peer_vmcs(number));
	put(kvm, loaded + FAKE_KVM_HOST_CR3, 0x600d + more);
	put(kvm, loaded + 0x38, 0x3526e0);
	put(kvm, loaded + 0x40, 0x600f + more);
	put_vmcs(kvm, fake_kvm_peer_vmcs(number), places, more);
	return FAKE_KVM_BASE + vcpu;
}

void fake_kvm_init(struct fake_kvm *kvm)
{
	const struct gg_paging paging = { .format = &x86_pages_64, .levels = 4 };
	struct gg_page_table *table;
	*kvm = (struct fake_kvm){ .answerers = { .arch = &gg_arch_x86_64 } };
	fake_answerers_init(&kvm->fake, &parts, &kvm->answerers);
	if (gg_page_table_create(&kvm->map, &paging, &table))
		abort();
	kvm->answerers.memory.table = table;
	put(kvm, FAKE_KVM_LIST, FAKE_KVM_BASE + FAKE_KVM);
	put(kvm, FAKE_KVM, FAKE_KVM_BASE + FAKE_KVM_LIST);
	put(kvm, FAKE_KVM + 0x18, FAKE_KVM_BASE + FAKE_KVM_MEMSLOTS);
	put(kvm, FAKE_KVM + FAKE_KVM_ONLINE, 2);
	put(kvm, FAKE_KVM + 0x28, (FAKE_KVM_BASE + FAKE_KVM_NODE) | 2);
	put_vcpu(kvm, 0, 1);
	put_vcpu(kvm, 1, 0);
	put_registers(kvm, 0, 1);
	put_registers(kvm, 1, 0);
	put_block(kvm);
	put_areas(kvm);
	put_file(kvm);
	put(kvm, FAKE_KVM_MEMSLOTS, FAKE_KVM_BASE + FAKE_KVM_SLOTS + 2 * FAKE_KVM_STRIDE);
	put_slot(kvm, 2, 1, 3);
	put_slot(kvm, 1, 0, 0);
	put_slot(kvm, 3, 0, 0);
}

void fake_kvm_deinit(struct fake_kvm *kvm)
{
	gg_page_table_destroy(kvm->answerers.memory.table);
	fake_answerers_deinit(&kvm->fake, &kvm->answerers);
}
