// SPDX-License-Identifier: GPL-3.0-or-later
//
// x86 guests, of 64 and of 32 bits.
//
// The notes' layouts are those of QEMU's target/i386/arch_dump.c (v7.2): NT_PRSTATUS as Linux's
// struct elf_prstatus has it, and QEMU's own note, version 1.
#include "x86.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

// The place of each register. FTW and the x87 registers are as the monitor shows them.
struct x86_values {
	uint64_t general[X86_GENERAL_REGISTERS], rip, rflags;
	struct {
		uint64_t base;
		uint32_t limit, flags;
		uint16_t selector;
	} segments[10];
	uint64_t control[X86_CONTROL_REGISTERS], cr8, efer, kernel_gs_base, star, lstar, cstar;
	uint64_t fmask, sysenter_esp, sysenter_eip, debug[8], xcr0, masks[8];
	uint64_t hflags, raw_eflags, vm_hsave, vm_vmcb, nested_state;
	uint32_t sysenter_cs, mxcsr, mp_state;
	uint16_t fcw, fsw;
	uint8_t ftw, halted, a20, fpr[8][10], zmm[32][64];
};

_Static_assert(sizeof(struct x86_values) <= GG_REGISTERS_SIZE, "the registers of x86 have room");

#define R(name, member)                                                                            \
	{                                                                                          \
		name, offsetof(struct x86_values, member),                                         \
			sizeof(((struct x86_values *)NULL)->member)                                \
	}
#define SEGMENT(name, index)                                                                       \
	R(name, segments[index].selector), R(name "_base", segments[index].base),                  \
		R(name "_limit", segments[index].limit), R(name "_flags", segments[index].flags)
#define TABLE(name, index)                                                                         \
	R(NULL, segments[index].selector), R(name "_base", segments[index].base),                  \
		R(name "_limit", segments[index].limit), R(NULL, segments[index].flags)
#define EIGHT(name, member)                                                                        \
	R(name "0", member[0]), R(name "1", member[1]), R(name "2", member[2]),                    \
		R(name "3", member[3]), R(name "4", member[4]), R(name "5", member[5]),            \
		R(name "6", member[6]), R(name "7", member[7])

// The names are GDB's, where it has one.
// clang-format off
static const struct gg_register_info infos[X86_REGISTERS] = {
	[X86_RAX] = R("rax", general[0]), R("rcx", general[1]), R("rdx", general[2]),
		R("rbx", general[3]), R("rsp", general[4]), R("rbp", general[5]),
		R("rsi", general[6]), R("rdi", general[7]),
	[X86_R8] = R("r8", general[8]), R("r9", general[9]), R("r10", general[10]),
		R("r11", general[11]), R("r12", general[12]), R("r13", general[13]),
		R("r14", general[14]), R("r15", general[15]),
	[X86_RIP] = R("rip", rip),
	[X86_RFLAGS] = R("rflags", rflags),
	[X86_ES] = SEGMENT("es", 0), SEGMENT("cs", 1), SEGMENT("ss", 2), SEGMENT("ds", 3),
		SEGMENT("fs", 4), SEGMENT("gs", 5), SEGMENT("ldt", 6), SEGMENT("tr", 7),
	[X86_GDT] = TABLE("gdt", 8), TABLE("idt", 9),
	[X86_CR0] = R("cr0", control[0]), R(NULL, control[1]), R("cr2", control[2]),
		R("cr3", control[3]), R("cr4", control[4]),
	[X86_CR8] = R("cr8", cr8),
	[X86_EFER] = R("efer", efer),
	[X86_KERNEL_GS_BASE] = R("k_gs_base", kernel_gs_base),
	[X86_STAR] = R("star", star),
	[X86_LSTAR] = R("lstar", lstar),
	[X86_CSTAR] = R("cstar", cstar),
	[X86_FMASK] = R("fmask", fmask),
	[X86_SYSENTER_CS] = R("sysenter_cs", sysenter_cs),
	[X86_SYSENTER_ESP] = R("sysenter_esp", sysenter_esp),
	[X86_SYSENTER_EIP] = R("sysenter_eip", sysenter_eip),
	[X86_DR0] = R("dr0", debug[0]), R("dr1", debug[1]), R("dr2", debug[2]), R("dr3", debug[3]),
		R(NULL, debug[4]), R(NULL, debug[5]), R("dr6", debug[6]), R("dr7", debug[7]),
	[X86_XCR0] = R("xcr0", xcr0),
	[X86_FCW] = R("fcw", fcw),
	[X86_FSW] = R("fsw", fsw),
	[X86_FTW] = R("ftw", ftw),
	[X86_MXCSR] = R("mxcsr", mxcsr),
	[X86_FPR0] = EIGHT("fpr", fpr),
	[X86_K0] = EIGHT("k", masks),
	[X86_ZMM0] = EIGHT("zmm", zmm), R("zmm8", zmm[8]), R("zmm9", zmm[9]),
		R("zmm10", zmm[10]), R("zmm11", zmm[11]), R("zmm12", zmm[12]), R("zmm13", zmm[13]),
		R("zmm14", zmm[14]), R("zmm15", zmm[15]), R("zmm16", zmm[16]), R("zmm17", zmm[17]),
		R("zmm18", zmm[18]), R("zmm19", zmm[19]), R("zmm20", zmm[20]), R("zmm21", zmm[21]),
		R("zmm22", zmm[22]), R("zmm23", zmm[23]), R("zmm24", zmm[24]), R("zmm25", zmm[25]),
		R("zmm26", zmm[26]), R("zmm27", zmm[27]), R("zmm28", zmm[28]), R("zmm29", zmm[29]),
		R("zmm30", zmm[30]), R("zmm31", zmm[31]),
	[X86_HALTED] = R("halted", halted),
	[X86_MP_STATE] = R("mp_state", mp_state),
	[X86_A20] = R("a20", a20),
	[X86_HFLAGS] = R(NULL, hflags), R(NULL, raw_eflags), R(NULL, vm_hsave), R(NULL, vm_vmcb),
		R(NULL, nested_state),
};
// clang-format on

const struct gg_register_set x86_registers = {
	.infos = infos,
	.count = X86_REGISTERS,
	.size = sizeof(struct x86_values),
};

// ---- Notes ----

static struct gg_error *finish_note(struct gg_buffer *notes, const char *name, uint32_t type,
				    struct gg_buffer *desc)
{
	struct gg_error *err = gg_buffer_check(desc);
	if (!err)
		gg_note_append(notes, name, type, desc->bytes, desc->size);
	gg_buffer_deinit(desc);
	return err ? err : gg_buffer_check(notes);
}

// struct user_regs_struct, of 64 and of 32 bits; orig_rax, which only a system call has, is 0.
// clang-format off
static const enum x86_register user_regs_64[] = {
	X86_R15, X86_R8 + 6, X86_R8 + 5, X86_R8 + 4, X86_RBP, X86_RBX, X86_R8 + 3, X86_R8 + 2,
	X86_R8 + 1, X86_R8, X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_NO_REGISTER, X86_RIP,
	X86_CS, X86_RAW_EFLAGS, X86_RSP, X86_SS, X86_FS + X86_BASE, X86_GS + X86_BASE, X86_DS,
	X86_ES, X86_FS, X86_GS,
};
static const enum x86_register user_regs_32[] = {
	X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RAX, X86_DS, X86_ES, X86_FS,
	X86_GS, X86_NO_REGISTER, X86_RIP, X86_CS, X86_RAW_EFLAGS, X86_RSP, X86_SS,
};
// clang-format on

// struct elf_prstatus: zeros but for pr_pid, which is the CPU's number from 1, and pr_reg.
struct prstatus {
	size_t before_pid, before_registers;
	const enum x86_register *registers;
	size_t count;
	unsigned int width; // of a register, and of what follows them
};

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       const struct prstatus *layout, struct gg_buffer *notes)
{
	struct gg_buffer desc = { 0 };
	gg_buffer_zeros(&desc, layout->before_pid);
	gg_buffer_uint(&desc, 4, index + 1);
	gg_buffer_zeros(&desc, layout->before_registers);
	for (size_t i = 0; i < layout->count; i++)
		gg_buffer_uint(&desc, layout->width,
			       layout->registers[i] == X86_NO_REGISTER
				       ? 0
				       : gg_register(registers, layout->registers[i]));
	gg_buffer_zeros(&desc, layout->width);
	return finish_note(notes, "CORE", NT_PRSTATUS, &desc);
}

static struct gg_error *write_prstatus_64(const struct gg_registers *registers, uint32_t index,
					  struct gg_buffer *notes)
{
	static const struct prstatus layout = { .before_pid = 32,
						.before_registers = 76,
						.registers = user_regs_64,
						.count = sizeof(user_regs_64) /
							 sizeof(*user_regs_64),
						.width = 8 };
	return write_prstatus(registers, index, &layout, notes);
}

static struct gg_error *write_prstatus_32(const struct gg_registers *registers, uint32_t index,
					  struct gg_buffer *notes)
{
	static const struct prstatus layout = { .before_pid = 24,
						.before_registers = 44,
						.registers = user_regs_32,
						.count = sizeof(user_regs_32) /
							 sizeof(*user_regs_32),
						.width = 4 };
	return write_prstatus(registers, index, &layout, notes);
}

static void append_segment(struct gg_buffer *desc, const struct gg_registers *registers,
			   unsigned int id)
{
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_SELECTOR));
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_LIMIT));
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_FLAGS));
	gg_buffer_zeros(desc, 4);
	gg_buffer_uint(desc, 8, gg_register(registers, id + X86_BASE));
}

static struct gg_error *write_qemu_note(const struct gg_registers *registers,
					struct gg_buffer *notes)
{
	enum { STATE_VERSION = 1, STATE_SIZE = 440, NOTE_TYPE = 0 };
	// R8 and those behind it follow in order.
	static const enum x86_register order[] = { X86_RAX, X86_RBX, X86_RCX, X86_RDX,
						   X86_RSI, X86_RDI, X86_RSP, X86_RBP };
	static const enum x86_register segments[] = { X86_CS, X86_DS,  X86_ES, X86_FS,  X86_GS,
						      X86_SS, X86_LDT, X86_TR, X86_GDT, X86_IDT };
	struct gg_buffer desc = { 0 };
	gg_buffer_uint(&desc, 4, STATE_VERSION);
	gg_buffer_uint(&desc, 4, STATE_SIZE);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		gg_buffer_uint(&desc, 8, gg_register(registers, order[i]));
	for (unsigned int id = X86_R8; id <= X86_R15; id++)
		gg_buffer_uint(&desc, 8, gg_register(registers, id));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_RIP));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_RAW_EFLAGS));
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++)
		append_segment(&desc, registers, segments[i]);
	for (unsigned int i = 0; i < X86_CONTROL_REGISTERS; i++)
		gg_buffer_uint(&desc, 8, gg_register(registers, X86_CR0 + i));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_KERNEL_GS_BASE));
	return finish_note(notes, "QEMU", NOTE_TYPE, &desc);
}

// Those that the notes have and that a CPU in long mode has. The parts of a segment's flags that
// repeat its base do not count: KVM leaves them out.
static bool notes_known(const struct gg_registers *registers)
{
	const unsigned int last_segment = X86_IDT + X86_LIMIT;
	const uint64_t flags = 0x00ffff00, long_mode = gg_register(registers, X86_HFLAGS);
	bool known = true;
	for (unsigned int id = X86_RAX; id <= last_segment; id++) {
		const bool is_flags =
			id >= X86_ES && (id - X86_ES) % X86_SEGMENT_PARTS == X86_FLAGS;
		const bool is_extended = id >= X86_R8 && id <= X86_R15;
		if (id != X86_RFLAGS && (!is_extended || long_mode & X86_HF_LMA))
			known &= !(gg_register_unknown(registers, id) &
				   (is_flags ? flags : UINT64_MAX));
	}
	for (unsigned int i = 0; i < X86_CONTROL_REGISTERS; i++)
		known &= i == 1 || gg_register_known(registers, X86_CR0 + i);
	// A qemu-system-i386 has no such register.
	return known && gg_register_known(registers, X86_RAW_EFLAGS) &&
	       (registers->word == 4 || gg_register_known(registers, X86_KERNEL_GS_BASE));
}

// ---- Modes ----

static bool is_long_mode(const struct gg_registers *registers)
{
	return gg_register(registers, X86_HFLAGS) & X86_HF_LMA;
}

static bool is_any_mode(const struct gg_registers *registers)
{
	(void)registers;
	return true;
}

static bool is_long_mode_text(const char *text)
{
	bool long_mode;
	return x86_is_monitor_text(text, &long_mode) && long_mode;
}

static bool is_any_text(const char *text)
{
	bool long_mode;
	return x86_is_monitor_text(text, &long_mode);
}

static const char *firmware_mode(const struct gg_registers *registers)
{
	const bool smm = gg_register(registers, X86_HFLAGS) >> X86_HF_SMM_BIT & 1;
	return smm ? "System Management Mode" : NULL;
}

// ---- Sources ----

static struct gg_error *read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				       struct gg_registers *ret)
{
	return cpu->text ? x86_read_monitor(host, cpu, ret) : x86_read_registers(host, cpu, ret);
}

// ---- Paging ----

// Intel SDM, volume 3, chapters 2.5 and 4.
static void cpu_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { CR0_PG = 1u << 31, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_LA57 = 1 << 12 };
	enum { PDE_PS = 1 << 7 };
	const uint64_t cr3 = gg_register(registers, X86_CR0 + 3);
	const uint64_t cr4 = gg_register(registers, X86_CR4);
	*ret = (struct gg_paging){ .format = GG_PTE_NONE };
	if (!(gg_register(registers, X86_CR0) & CR0_PG))
		return;
	if (gg_register(registers, X86_HFLAGS) & X86_HF_LMA)
		*ret = (struct gg_paging){ .format = GG_PTE_X86_64,
					   .levels = cr4 & CR4_LA57 ? 5 : 4,
					   .root = cr3 & UINT64_C(0x000ffffffffff000) };
	else if (cr4 & CR4_PAE)
		*ret = (struct gg_paging){ .format = GG_PTE_IA32_PAE,
					   .levels = 3,
					   .root = cr3 & 0xffffffe0 };
	else
		*ret = (struct gg_paging){ .format = GG_PTE_IA32,
					   .levels = 2,
					   .root = cr3 & 0xfffff000,
					   .ignored_bits = cr4 & CR4_PSE ? 0 : PDE_PS };
}

// Where PTI is on, a root is two pages, the even one the kernel's, the odd one a program's (Linux
// arch/x86/include/asm/pgtable.h: PTI_PGTABLE_SWITCH_BIT). Elsewhere bit 12 of CR3 is part of the
// address, since v6.15 of any.
static bool other_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { PTI_USER = 1 << 12 };
	cpu_paging(registers, ret);
	if (ret->format == GG_PTE_IA32 || !(ret->root & PTI_USER))
		return false;
	ret->root &= ~(gg_gpa_t)PTI_USER;
	return true;
}

// ---- Linux ----

// Linux arch/x86/include/asm/page_64_types.h and Documentation/arch/x86/x86_64/mm.rst.
#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)

enum { DEFAULT_IMAGE_SIZE = 1 << 30, MAX_IMAGE_SIZE_32 = 64 << 20 };

static struct gg_error *read_paging_64(const struct gg_vmcoreinfo *info,
				       struct gg_kernel_paging *ret)
{
	// "init_top_pgt" was "init_level4_pgt" before v4.13.
	static const char *const roots[] = { "init_top_pgt", "init_level4_pgt", "swapper_pg_dir",
					     NULL };
	gg_gva_t root;
	int64_t phys_base, level5, sme_mask, image_size;
	struct gg_error *err = gg_vmcoreinfo_symbol(info, roots, &root);
	if (!err)
		err = gg_vmcoreinfo_symbol(info, (const char *const[]){ "_stext", NULL },
					   &ret->text);
	if (!err)
		err = gg_vmcoreinfo_number(info, "phys_base", &phys_base);
	if (err)
		return err;
	if (root < START_KERNEL_MAP || ret->text < START_KERNEL_MAP)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both above 0x%" PRIx64,
				       ret->text, root, START_KERNEL_MAP);

	level5 = gg_vmcoreinfo_number_or(info, "pgtable_l5_enabled", 0);
	sme_mask = gg_vmcoreinfo_number_or(info, "sme_mask", 0);
	image_size = gg_vmcoreinfo_number_or(info, "KERNEL_IMAGE_SIZE", DEFAULT_IMAGE_SIZE);
	if (image_size <= 0 || image_size > DEFAULT_IMAGE_SIZE)
		image_size = DEFAULT_IMAGE_SIZE;
	ret->paging = (struct gg_paging){
		.format = GG_PTE_X86_64,
		.levels = level5 ? 5 : 4,
		.root = root - START_KERNEL_MAP + (uint64_t)phys_base,
		.ignored_bits = (uint64_t)sme_mask,
	};
	ret->text_gpa = ret->text - START_KERNEL_MAP + (uint64_t)phys_base;
	ret->image_start = START_KERNEL_MAP;
	ret->image_size = (uint64_t)image_size;
	ret->word = 8;
	// From behind the hypervisor's hole and the LDT, as far as KASLR may push it.
	ret->direct_map_start =
		level5 ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	ret->direct_map_end = level5 ? UINT64_C(0xffd2000000000000) : UINT64_C(0xffffea0000000000);
	return NULL;
}

// A kernel of 64 bits swaps GS's when it is entered (swapgs); one of 32 bits has it in FS.
static size_t per_cpu_bases(const struct gg_registers *registers, uint64_t ret[GG_PER_CPU_BASES])
{
	static const unsigned int ids[GG_PER_CPU_BASES] = { X86_GS + X86_BASE, X86_KERNEL_GS_BASE,
							    X86_FS + X86_BASE };
	size_t count = 0;
	for (size_t i = 0; i < GG_PER_CPU_BASES; i++)
		if (gg_register_known(registers, ids[i]))
			ret[count++] = gg_register(registers, ids[i]);
	return count;
}

// Linux arch/x86/kernel/vmcore_info_32.c: VMCOREINFO has neither PAGE_OFFSET nor where KASLR put
// the kernel, but low memory is mapped linearly, from PAGE_OFFSET on (arch/x86/Kconfig:
// VMSPLIT_...).
static struct gg_error *read_paging_32(const struct gg_vmcoreinfo *info,
				       struct gg_kernel_paging *ret)
{
	static const uint32_t page_offsets[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000,
						 0x40000000 };
	enum { COUNT = sizeof(page_offsets) / sizeof(*page_offsets) };
	gg_gva_t root;
	struct gg_error *err =
		gg_vmcoreinfo_symbol(info, (const char *const[]){ "swapper_pg_dir", NULL }, &root);
	if (!err)
		err = gg_vmcoreinfo_symbol(info, (const char *const[]){ "_stext", NULL },
					   &ret->text);
	if (err)
		return err;
	size_t split = 0;
	while (split < COUNT && page_offsets[split] > ret->text)
		split++;
	if (split == COUNT || ret->text > UINT32_MAX || root > UINT32_MAX ||
	    root < page_offsets[split])
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both in the low memory of a kernel of 32 bits",
				       ret->text, root);
	const gg_gva_t page_offset = page_offsets[split];
	char *pae = gg_vmcoreinfo_value(info, "CONFIG_X86_PAE");
	ret->paging = (struct gg_paging){ .format = pae ? GG_PTE_IA32_PAE : GG_PTE_IA32,
					  .levels = pae ? 3 : 2,
					  .root = root - page_offset };
	free(pae);
	ret->text_gpa = ret->text - page_offset;
	ret->image_start = ret->text;
	ret->image_size = MAX_IMAGE_SIZE_32;
	ret->image_is_direct = true;
	ret->word = 4;
	ret->direct_map_start = page_offset;
	ret->direct_map_end = UINT64_C(1) << 32;
	return NULL;
}

const struct gg_arch gg_arch_x86_64 = {
	.name = "x86_64",
	.cpu_type = "X86CPU",
	.is_mode = is_long_mode,
	.is_monitor_text = is_long_mode_text,
	.elf_machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
	.write_prstatus = write_prstatus_64,
	.write_qemu_note = write_qemu_note,
	.notes_known = notes_known,
	.registers = &x86_registers,
	.read_registers = read_registers,
	.per_cpu_bases = per_cpu_bases,
	.disassemble = x86_disassemble,
	.firmware_mode = firmware_mode,
	.nesting = x86_nesting,
	.read_saved = x86_read_saved,
	.summarize = x86_summarize,
	.print_registers = x86_print_registers,
	.cpu_paging = cpu_paging,
	.other_paging = other_paging,
	.image_area = START_KERNEL_MAP,
	.image_area_size = DEFAULT_IMAGE_SIZE,
	.read_paging = read_paging_64,
};

const struct gg_arch gg_arch_i386 = {
	.name = "i386",
	.cpu_type = "X86CPU",
	.is_mode = is_any_mode,
	.is_monitor_text = is_any_text,
	.elf_machine = EM_386,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
	.write_prstatus = write_prstatus_32,
	.write_qemu_note = write_qemu_note,
	.notes_known = notes_known,
	.registers = &x86_registers,
	.read_registers = read_registers,
	.per_cpu_bases = per_cpu_bases,
	.disassemble = x86_disassemble,
	.firmware_mode = firmware_mode,
	.nesting = x86_nesting,
	.read_saved = x86_read_saved,
	.summarize = x86_summarize,
	.print_registers = x86_print_registers,
	.cpu_paging = cpu_paging,
	.other_paging = other_paging,
	.read_paging = read_paging_32,
};
