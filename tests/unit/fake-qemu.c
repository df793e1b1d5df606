// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_member {
	const char *type, *path;
	uint64_t offset, size;
};

static const struct fake_member common_members[] = {
	{ "AddressSpace", "", 0, 64 },
	{ "AddressSpace", "current_map", 32, 8 },
	{ "FlatView", "ranges", 8, 8 },
	{ "FlatView", "nr", 16, 4 },
	{ "FlatView", "nr_allocated", 20, 4 },
	{ "FlatRange", "", 0, FAKE_FLAT_RANGE_SIZE },
	{ "FlatRange", "mr", 0, 8 },
	{ "FlatRange", "offset_in_region", 8, 8 },
	{ "FlatRange", "addr.start", 16, 16 },
	{ "FlatRange", "addr.size", 32, 16 },
	{ "MemoryRegion", "", 0, FAKE_REGION_SIZE },
	{ "MemoryRegion", "ram", 40, 1 },
	{ "MemoryRegion", "alias", 128, 8 },
	{ "MemoryRegion", "alias_offset", 136, 8 },
	{ "RAMBlock", "", 0, FAKE_BLOCK_STRUCT_SIZE },
	{ "RAMBlock", "mr", 16, 8 },
	{ "RAMBlock", "host", 24, 8 },
	{ "RAMBlock", "offset", 32, 8 },
	{ "RAMBlock", "idstr", 56, 256 },
	{ "CPUState", "", 0, 0x80 },
	{ "CPUState", "node.tqe_next", FAKE_CPU_NEXT, 8 },
	{ "CPUState", "cpu_index", FAKE_CPU_INDEX, 4 },
	{ "CPUState", "running", FAKE_CPU_RUNNING, 1 },
	{ "X86CPU", "", 0, FAKE_CPU_SIZE },
	{ "X86CPU", "env.regs", FAKE_CPU_REGS, 128 },
	{ "X86CPU", "env.eip", FAKE_CPU_EIP, 8 },
	{ "X86CPU", "env.eflags", FAKE_CPU_EFLAGS, 8 },
	{ "X86CPU", "env.hflags", FAKE_CPU_HFLAGS, 4 },
	{ "X86CPU", "env.segs", FAKE_CPU_SEGS, 6 * FAKE_SEGMENT_SIZE },
	{ "X86CPU", "env.ldt", FAKE_CPU_LDT, FAKE_SEGMENT_SIZE },
	{ "X86CPU", "env.tr", FAKE_CPU_TR, FAKE_SEGMENT_SIZE },
	{ "X86CPU", "env.gdt", FAKE_CPU_GDT, FAKE_SEGMENT_SIZE },
	{ "X86CPU", "env.idt", FAKE_CPU_IDT, FAKE_SEGMENT_SIZE },
	{ "X86CPU", "env.cr", FAKE_CPU_CR, 40 },
	{ "X86CPU", "env.kernelgsbase", FAKE_CPU_KERNELGSBASE, 8 },
	{ "SegmentCache", "", 0, FAKE_SEGMENT_SIZE },
	{ "SegmentCache", "selector", 0, 4 },
	{ "SegmentCache", "base", 8, 8 },
	{ "SegmentCache", "limit", 16, 4 },
	{ "SegmentCache", "flags", 20, 4 },
};

static const struct fake_member members_7_2[] = {
	{ "SaveState", "handlers.tqh_first", 0, 8 },
	{ "SaveStateEntry", "entry.tqe_next", FAKE_SAVE_STATE_NEXT, 8 },
	{ "SaveStateEntry", "idstr", FAKE_SAVE_STATE_IDSTR, 256 },
	{ "SaveStateEntry", "opaque", FAKE_SAVE_STATE_OPAQUE, 8 },
	{ "VMCoreInfoState", "has_vmcoreinfo", FAKE_DEVICE_HAS, 1 },
	{ "VMCoreInfoState", "vmcoreinfo.guest_format", FAKE_DEVICE_FORMAT, 2 },
	{ "VMCoreInfoState", "vmcoreinfo.paddr", FAKE_DEVICE_PADDR, 8 },
	{ "CPUState", "vcpu_dirty", FAKE_CPU_DIRTY, 1 },
	{ "X86CPU", "parent_obj.halted", FAKE_CPU_HALTED, 4 },
	{ "X86CPU", "env.efer", FAKE_CPU_EFER, 8 },
	{ "X86CPU", "env.cc_dst", FAKE_CPU_CC_DST, 8 },
	{ "X86CPU", "env.cc_src", FAKE_CPU_CC_SRC, 8 },
	{ "X86CPU", "env.cc_src2", FAKE_CPU_CC_SRC2, 8 },
	{ "X86CPU", "env.cc_op", FAKE_CPU_CC_OP, 4 },
	{ "X86CPU", "env.df", FAKE_CPU_DF, 4 },
	{ "X86CPU", "env.a20_mask", FAKE_CPU_A20_MASK, 4 },
	{ "X86CPU", "env.mp_state", FAKE_CPU_MP_STATE, 4 },
	{ "X86CPU", "env.fpuc", FAKE_CPU_FPUC, 2 },
	{ "X86CPU", "env.fpus", FAKE_CPU_FPUS, 2 },
	{ "X86CPU", "env.fpstt", FAKE_CPU_FPSTT, 4 },
	{ "X86CPU", "env.fptags", FAKE_CPU_FPTAGS, 8 },
	{ "X86CPU", "env.mxcsr", FAKE_CPU_MXCSR, 4 },
	{ "X86CPU", "env.sse_status.float_exception_flags", FAKE_CPU_SSE_EXCEPTIONS, 2 },
	{ "X86CPU", "env.xcr0", FAKE_CPU_XCR0, 8 },
	{ "X86CPU", "env.dr", FAKE_CPU_DR, 64 },
	{ "X86CPU", "env.fpregs", FAKE_CPU_FPREGS, 128 },
	{ "X86CPU", "env.xmm_regs", FAKE_CPU_XMM_REGS, 2048 },
	{ "X86CPU", "apic_state", FAKE_CPU_APIC, 8 },
	{ "X86CPU", "env.vm_hsave", FAKE_CPU_VM_HSAVE, 8 },
	{ "X86CPU", "env.vm_vmcb", FAKE_CPU_VM_VMCB, 8 },
	{ "X86CPU", "env.nested_state", FAKE_CPU_NESTED_STATE, 8 },
	{ "APICCommonState", "tpr", FAKE_APIC_TPR, 1 },
	{ "MemoryRegion", "ram_block", 56, 8 },
	{ "MemoryRegion", "ram_device", 41, 1 },
	{ "MemoryRegion", "nonvolatile", 42, 1 },
	{ "MemoryRegion", "rdm", 200, 8 },
	{ "RAMBlock", "used_length", 40, 8 },
	{ "RAMBlock", "receivedmap", FAKE_BLOCK_RECEIVEDMAP, 8 },
	{ "RAMBlock", "guest_memfd", FAKE_BLOCK_GUEST_MEMFD, 4 }, // in fact since v9.1
	{ "Object", "class", 0, 8 },
	{ "ObjectClass", "type", 0, 8 },
	{ "TypeImpl", "name", 8, 8 },
	{ "VirtIOMEM", "bitmap", 16, 8 },
	{ "VirtIOMEM", "bitmap_size", 24, 4 },
	{ "VirtIOMEM", "block_size", 32, 8 },
};

static const struct fake_member members_2_5[] = {
	{ "CPUState", "kvm_vcpu_dirty", FAKE_CPU_DIRTY, 1 },
	{ "MemoryRegion", "ram_addr", 56, 8 },
	{ "MemoryRegion", "skip_dump", 41, 1 },
	{ "RAMBlock", "used_length", 40, 8 },
	{ "RAMList", "blocks.lh_first", 8, 8 },
	{ "RAMBlock", "next.le_next", 0x180, 8 },
};

static const struct fake_member members_2_2[] = {
	{ "MemoryRegion", "ram_addr", 56, 8 },
	{ "RAMBlock", "length", 40, 8 },
	{ "RAMList", "blocks.tqh_first", 8, 8 },
	{ "RAMBlock", "next.tqe_next", 0x180, 8 },
};

static void check(struct gg_error *err)
{
	if (err) {
		fprintf(stderr, "fake-qemu: %s\n", gg_error_message(err));
		abort();
	}
}

static void put(struct fake_qemu *qemu, uint64_t where, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		qemu->structures[where + i] = (uint8_t)(value >> 8 * i);
}

static void add_members(struct fake_qemu *qemu, const struct fake_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(gg_bytes_host_add_member(qemu->bytes, members[i].type, members[i].path,
					       members[i].offset, members[i].size));
}

static void add_types(struct fake_qemu *qemu, enum fake_version version)
{
	add_members(qemu, common_members, sizeof(common_members) / sizeof(*common_members));
	if (version == FAKE_7_2)
		add_members(qemu, members_7_2, sizeof(members_7_2) / sizeof(*members_7_2));
	else if (version == FAKE_2_5)
		add_members(qemu, members_2_5, sizeof(members_2_5) / sizeof(*members_2_5));
	else
		add_members(qemu, members_2_2, sizeof(members_2_2) / sizeof(*members_2_2));
}

static void add_virtio_mem(struct fake_qemu *qemu)
{
	const uint64_t object = FAKE_VIRTIO_MEM_OBJECT;
	put(qemu, object, FAKE_STRUCTURES + object + 64);      // Object.class
	put(qemu, object + 64, FAKE_STRUCTURES + object + 72); // ObjectClass.type
	put(qemu, object + 72 + 8, FAKE_STRUCTURES + FAKE_TYPE_NAME);
	memcpy(qemu->structures + FAKE_TYPE_NAME, "virtio-mem-pci", 15);
	put(qemu, object + 16, FAKE_STRUCTURES + FAKE_VIRTIO_MEM_BITMAP);
	put(qemu, object + 24, FAKE_BITMAP_BITS);
	put(qemu, object + 32, FAKE_BLOCK_SIZE);
}

// A ram_addr_t for each block, in one space.
static uint64_t ram_addr(unsigned int region)
{
	return (uint64_t)region << 32;
}

static void add_region(struct fake_qemu *qemu, enum fake_version version,
		       const struct fake_range *range)
{
	const unsigned int n = range->region;
	const uint64_t region = FAKE_REGION + n * FAKE_REGION_SIZE;
	const uint64_t block = FAKE_BLOCK + n * FAKE_BLOCK_STRUCT_SIZE;
	if (range->kind == FAKE_IO)
		return;

	qemu->structures[region + 40] = 1;
	qemu->structures[region + 41] = range->kind == FAKE_RAM_DEVICE;
	qemu->structures[region + 42] = range->kind == FAKE_NONVOLATILE;
	put(qemu, region + 56, version == FAKE_7_2 ? FAKE_STRUCTURES + block : ram_addr(n));
	if (range->kind == FAKE_VIRTIO_MEM)
		put(qemu, region + 200, FAKE_STRUCTURES + FAKE_VIRTIO_MEM_OBJECT);

	qemu->hva[n] = UINT64_C(0x7f0000000000) + ram_addr(n);
	if (!qemu->ram[n])
		check(gg_bytes_host_add_memory(qemu->bytes, qemu->hva[n], qemu->size[n],
					       (void **)&qemu->ram[n]));
	put(qemu, block + 16, FAKE_STRUCTURES + region);
	put(qemu, block + 24, qemu->hva[n]);
	put(qemu, block + 32, ram_addr(n));
	put(qemu, block + 40, qemu->size[n]);
	put(qemu, block + FAKE_BLOCK_GUEST_MEMFD, UINT32_MAX);
	snprintf((char *)qemu->structures + block + 56, 256, "block.%u", n);
}

static void add_cpus(struct fake_qemu *qemu, enum fake_version version)
{
	enum { LONG_MODE = 1 << 14 };
	uint64_t link = FAKE_CPUS_HEAD;
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		const uint64_t cpu = FAKE_CPU + i * FAKE_CPU_SIZE;
		put(qemu, link, FAKE_STRUCTURES + cpu);
		link = cpu + FAKE_CPU_NEXT;
		put(qemu, cpu + FAKE_CPU_INDEX, i);
		put(qemu, cpu + FAKE_CPU_HFLAGS, LONG_MODE);
	}
	qemu->structures[FAKE_TCG_ALLOWED] = 1;
	// The list's head was renamed after 7.2; both are tried.
	check(gg_bytes_host_add_symbol(qemu->bytes, version == FAKE_7_2 ? "cpus_queue" : "cpus",
				       FAKE_STRUCTURES + FAKE_CPUS_HEAD));
	check(gg_bytes_host_add_symbol(qemu->bytes, "kvm_allowed",
				       FAKE_STRUCTURES + FAKE_KVM_ALLOWED));
	check(gg_bytes_host_add_symbol(qemu->bytes, "tcg_allowed",
				       FAKE_STRUCTURES + FAKE_TCG_ALLOWED));
}

// The enumerators of CCOp (QEMU target/i386/cpu.h), which were put in another order in v9.1 and in
// v10.0.
static const struct {
	const char *version;
	const struct {
		const char *name;
		uint64_t value;
	} ops[20];
} cc_ops[] = {
	{ "7.2",
	  { { "CC_OP_DYNAMIC", 0 },
	    { "CC_OP_EFLAGS", 1 },
	    { "CC_OP_MULB", 2 },
	    { "CC_OP_ADDB", 6 },
	    { "CC_OP_ADCB", 10 },
	    { "CC_OP_SUBB", 14 },
	    { "CC_OP_SBBB", 18 },
	    { "CC_OP_LOGICB", 22 },
	    { "CC_OP_INCB", 26 },
	    { "CC_OP_DECB", 30 },
	    { "CC_OP_SHLB", 34 },
	    { "CC_OP_SARB", 38 },
	    { "CC_OP_BMILGB", 42 },
	    { "CC_OP_ADCX", 46 },
	    { "CC_OP_ADOX", 47 },
	    { "CC_OP_ADCOX", 48 },
	    { "CC_OP_CLR", 49 },
	    { "CC_OP_POPCNT", 50 } } },
	{ "9.1",
	  { { "CC_OP_DYNAMIC", 0 },
	    { "CC_OP_EFLAGS", 1 },
	    { "CC_OP_ADCX", 2 },
	    { "CC_OP_ADOX", 3 },
	    { "CC_OP_ADCOX", 4 },
	    { "CC_OP_CLR", 5 },
	    { "CC_OP_MULB", 6 },
	    { "CC_OP_ADDB", 10 },
	    { "CC_OP_ADCB", 14 },
	    { "CC_OP_SUBB", 18 },
	    { "CC_OP_SBBB", 22 },
	    { "CC_OP_LOGICB", 26 },
	    { "CC_OP_INCB", 30 },
	    { "CC_OP_DECB", 34 },
	    { "CC_OP_SHLB", 38 },
	    { "CC_OP_SARB", 42 },
	    { "CC_OP_BMILGB", 46 },
	    { "CC_OP_POPCNT", 53 } } },
	{ "10.0",
	  { { "CC_OP_EFLAGS", 0 },
	    { "CC_OP_ADCX", 1 },
	    { "CC_OP_ADOX", 2 },
	    { "CC_OP_ADCOX", 3 },
	    { "CC_OP_MULB", 4 },
	    { "CC_OP_ADDB", 8 },
	    { "CC_OP_ADCB", 12 },
	    { "CC_OP_SUBB", 16 },
	    { "CC_OP_SBBB", 20 },
	    { "CC_OP_LOGICB", 24 },
	    { "CC_OP_INCB", 28 },
	    { "CC_OP_DECB", 32 },
	    { "CC_OP_SHLB", 36 },
	    { "CC_OP_SARB", 40 },
	    { "CC_OP_BMILGB", 44 },
	    { "CC_OP_BLSIB", 48 },
	    { "CC_OP_POPCNT", 55 },
	    { "CC_OP_DYNAMIC", 56 } } },
};

void fake_qemu_add_cc_ops(struct fake_qemu *qemu, const char *version)
{
	for (size_t i = 0; i < sizeof(cc_ops) / sizeof(*cc_ops); i++)
		for (size_t j = 0; !strcmp(version, cc_ops[i].version) && j < 20; j++)
			if (cc_ops[i].ops[j].name)
				check(gg_bytes_host_add_member(qemu->bytes, "CCOp",
							       cc_ops[i].ops[j].name,
							       cc_ops[i].ops[j].value, 4));
}

static void link_blocks(struct fake_qemu *qemu)
{
	uint64_t link = FAKE_RAM_LIST + 8;
	for (unsigned int n = 0; n < FAKE_REGIONS; n++) {
		if (!qemu->ram[n])
			continue;
		const uint64_t block = FAKE_BLOCK + n * FAKE_BLOCK_STRUCT_SIZE;
		put(qemu, link, FAKE_STRUCTURES + block);
		link = block + 0x180;
	}
}

void fake_qemu_init(struct fake_qemu *qemu, enum fake_version version,
		    const struct fake_range *ranges, size_t count)
{
	*qemu = (struct fake_qemu){ 0 };
	check(gg_bytes_host_create(&qemu->bytes));
	check(gg_bytes_host_add_memory(qemu->bytes, FAKE_STRUCTURES, FAKE_STRUCTURES_SIZE,
				       (void **)&qemu->structures));
	check(gg_bytes_host_add_symbol(qemu->bytes, "address_space_memory",
				       FAKE_STRUCTURES + FAKE_ADDRESS_SPACE));
	check(gg_bytes_host_add_symbol(qemu->bytes, "ram_list", FAKE_STRUCTURES + FAKE_RAM_LIST));
	check(gg_bytes_host_add_symbol(qemu->bytes, "savevm_state",
				       FAKE_STRUCTURES + FAKE_SAVEVM_STATE));
	add_types(qemu, version);
	add_virtio_mem(qemu);
	add_cpus(qemu, version);

	put(qemu, FAKE_ADDRESS_SPACE + 32, FAKE_STRUCTURES + FAKE_FLAT_VIEW);
	put(qemu, FAKE_FLAT_VIEW + 8, FAKE_STRUCTURES + FAKE_FLAT_RANGE);
	put(qemu, FAKE_FLAT_VIEW_NR, (uint64_t)32 << 32 | count);
	for (size_t i = 0; i < count; i++) {
		const struct fake_range *range = &ranges[i];
		uint64_t needed = range->offset_in_region + range->size;
		if (qemu->size[range->region] < needed)
			qemu->size[range->region] = needed;
	}
	for (size_t i = 0; i < count; i++) {
		const struct fake_range *range = &ranges[i];
		const uint64_t entry = FAKE_FLAT_RANGE + i * FAKE_FLAT_RANGE_SIZE;
		put(qemu, entry, FAKE_STRUCTURES + FAKE_REGION + range->region * FAKE_REGION_SIZE);
		put(qemu, entry + 8, range->offset_in_region);
		put(qemu, entry + 16, range->start);
		put(qemu, entry + 32, range->size);
		add_region(qemu, version, range);
	}
	link_blocks(qemu);
}

void fake_qemu_deinit(struct fake_qemu *qemu)
{
	gg_bytes_host_destroy(qemu->bytes);
}
