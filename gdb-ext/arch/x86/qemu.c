// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of x86 out of QEMU's CPU (target/i386/cpu.h: X86CPU, CPUX86State).
//
// In:  the host.
// Out: the registers; a register is unknown that this QEMU lacks, or that the debugger cannot find.
// Trusts nothing it reads: the sizes of members are compared with their use.
#include "x86.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

// The members are the CPU's, not those of its env, so that a host can answer too that knows their
// places in the CPU by other means than types.
struct layout {
	// The members that the notes of a vmcore need.
	struct gg_member regs, eip, eflags, hflags, segs, ldt, tr, gdt, idt, cr;
	struct gg_member segment, selector, base, limit, flags;
	// Further members.
	struct gg_member kernelgsbase, efer, star, lstar, cstar, fmask;
	struct gg_member sysenter_cs, sysenter_esp, sysenter_eip, dr, xcr0, mp_state, a20_mask;
	struct gg_member fpuc, fpus, fpstt, fptags, fpregs, mxcsr, xmm_regs, opmask_regs;
	struct gg_member sse_exceptions;
	struct gg_member cc_op, cc_dst, cc_src, cc_src2, df;
	struct gg_member halted, apic, tpr;
	struct gg_member vm_hsave, vm_vmcb, nested_state;
};

#define ROW(member, name)      GG_LAYOUT_ROW(struct layout, member, "X86CPU", name)
#define OPTIONAL(member, name) GG_LAYOUT_ROW_OPTIONAL(struct layout, member, "X86CPU", name)

static const struct gg_layout_row rows[] = {
	ROW(regs, "env.regs"),
	ROW(eip, "env.eip"),
	ROW(eflags, "env.eflags"),
	ROW(hflags, "env.hflags"),
	ROW(segs, "env.segs"),
	ROW(ldt, "env.ldt"),
	ROW(tr, "env.tr"),
	ROW(gdt, "env.gdt"),
	ROW(idt, "env.idt"),
	ROW(cr, "env.cr"),
	GG_LAYOUT_ROW(struct layout, segment, "SegmentCache", ""),
	GG_LAYOUT_ROW(struct layout, selector, "SegmentCache", "selector"),
	GG_LAYOUT_ROW(struct layout, base, "SegmentCache", "base"),
	GG_LAYOUT_ROW(struct layout, limit, "SegmentCache", "limit"),
	GG_LAYOUT_ROW(struct layout, flags, "SegmentCache", "flags"),
	// qemu-system-i386 lacks the next four.
	OPTIONAL(kernelgsbase, "env.kernelgsbase"),
	OPTIONAL(lstar, "env.lstar"),
	OPTIONAL(cstar, "env.cstar"),
	OPTIONAL(fmask, "env.fmask"),
	OPTIONAL(efer, "env.efer"),
	OPTIONAL(star, "env.star"),
	OPTIONAL(sysenter_cs, "env.sysenter_cs"),
	OPTIONAL(sysenter_esp, "env.sysenter_esp"),
	OPTIONAL(sysenter_eip, "env.sysenter_eip"),
	OPTIONAL(dr, "env.dr"),
	OPTIONAL(xcr0, "env.xcr0"),
	OPTIONAL(mp_state, "env.mp_state"),
	OPTIONAL(a20_mask, "env.a20_mask"),
	OPTIONAL(fpuc, "env.fpuc"),
	OPTIONAL(fpus, "env.fpus"),
	OPTIONAL(fpstt, "env.fpstt"),
	OPTIONAL(fptags, "env.fptags"),
	OPTIONAL(fpregs, "env.fpregs"),
	OPTIONAL(mxcsr, "env.mxcsr"),
	OPTIONAL(xmm_regs, "env.xmm_regs"),
	OPTIONAL(opmask_regs, "env.opmask_regs"),
	OPTIONAL(sse_exceptions, "env.sse_status.float_exception_flags"),
	OPTIONAL(cc_op, "env.cc_op"),
	OPTIONAL(cc_dst, "env.cc_dst"),
	OPTIONAL(cc_src, "env.cc_src"),
	OPTIONAL(cc_src2, "env.cc_src2"),
	OPTIONAL(df, "env.df"),
	OPTIONAL(halted, "parent_obj.halted"),
	OPTIONAL(apic, "apic_state"),
	OPTIONAL(vm_hsave, "env.vm_hsave"),
	OPTIONAL(vm_vmcb, "env.vm_vmcb"),
	// Since v4.1, in a QEMU that has KVM.
	OPTIONAL(nested_state, "env.nested_state"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, tpr, "APICCommonState", "tpr"),
};

enum { ROW_COUNT = sizeof(rows) / sizeof(*rows) };

// Places members of the x87 unit by their neighbours. In a QEMU without debuginfo VMState knows fpuc
// and fpregs alone: members 3 and 5 of five that stand side by side, in this order, in all versions.
static void place_fpu(struct layout *layout)
{
	enum { STATUS = 2, TOP = 4, TAGS = 8, ALIGNMENT = 16 };
	const struct gg_member *fpuc = &layout->fpuc;
	const uint64_t end = fpuc->offset + fpuc->size + TAGS;
	if (layout->fpus.size || fpuc->size != 2 || fpuc->offset < STATUS + TOP ||
	    layout->fpregs.offset - end >= ALIGNMENT)
		return;
	layout->fpus = (struct gg_member){ fpuc->offset - STATUS, STATUS };
	layout->fpstt = (struct gg_member){ layout->fpus.offset - TOP, TOP };
	layout->fptags = (struct gg_member){ fpuc->offset + fpuc->size, TAGS };
}

// A CPU's bytes, from the first of its members to the last.
struct source {
	const struct gg_host *host;
	const struct layout *layout;
	struct gg_cursor cursor;
	uint64_t start; // the offset of the first byte in the CPU
	enum gg_accelerator accelerator;
	bool executing; // the CPU may be executing
};

static const struct gg_member *member_of_row(const struct layout *layout, size_t row)
{
	return (const struct gg_member *)((const char *)layout + rows[row].where);
}

static bool is_of_cpu(size_t row)
{
	return !strcmp(rows[row].type, "X86CPU");
}

static struct gg_error *read_bytes(struct source *source, const struct gg_qemu_cpu *cpu,
				   uint8_t **ret)
{
	// A CPU has some 20 KiB, with AMX.
	enum { MAX_SIZE = 1 << 20 };
	uint64_t start = UINT64_MAX, end = 0;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct gg_member *member = member_of_row(source->layout, i);
		if (!is_of_cpu(i) || !member->size)
			continue;
		if (member->offset > MAX_SIZE || member->size > MAX_SIZE)
			return gg_error_create(GG_BAD_DATA,
					       "%s has %" PRIu64 " bytes at offset %" PRIu64,
					       rows[i].paths[0], member->size, member->offset);
		if (member->offset < start)
			start = member->offset;
		if (member->offset + member->size > end)
			end = member->offset + member->size;
	}
	_cleanup_free_ uint8_t *bytes = malloc(end - start);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(source->host, cpu->address + start, bytes, end - start);
	if (err)
		return err;
	source->start = start;
	source->cursor = gg_cursor(bytes, end - start, source->host->big_endian, "X86CPU");
	*ret = no_cleanup_ptr(bytes);
	return NULL;
}

// Reads the integer of SIZE bytes at OFFSET of the CPU.
static struct gg_error *get(struct source *source, uint64_t offset, uint64_t size, uint64_t *ret)
{
	struct gg_error *err = gg_cursor_seek(&source->cursor, offset - source->start);
	return err ? err
		   : gg_cursor_uint(&source->cursor, (unsigned int)(size <= 8 ? size : 0), ret);
}

static struct gg_error *get_member(struct source *source, const struct gg_member *member,
				   uint64_t *ret)
{
	return get(source, member->offset, member->size, ret);
}

static struct gg_error *set(struct source *source, struct gg_registers *registers, unsigned int id,
			    uint64_t offset, uint64_t size)
{
	uint64_t value;
	struct gg_error *err = get(source, offset, size, &value);
	if (!err)
		gg_register_set(registers, id, value);
	return err;
}

// ---- General and control registers ----

// A register for each member. Arrays are of target_ulong, whose size is that of env.eip.
static const struct {
	size_t where;
	enum x86_register id;
} scalars[] = {
	{ offsetof(struct layout, eip), X86_RIP },
	{ offsetof(struct layout, eflags), X86_RAW_EFLAGS },
	{ offsetof(struct layout, hflags), X86_HFLAGS },
	{ offsetof(struct layout, kernelgsbase), X86_KERNEL_GS_BASE },
	{ offsetof(struct layout, efer), X86_EFER },
	{ offsetof(struct layout, star), X86_STAR },
	{ offsetof(struct layout, lstar), X86_LSTAR },
	{ offsetof(struct layout, cstar), X86_CSTAR },
	{ offsetof(struct layout, fmask), X86_FMASK },
	{ offsetof(struct layout, sysenter_cs), X86_SYSENTER_CS },
	{ offsetof(struct layout, sysenter_esp), X86_SYSENTER_ESP },
	{ offsetof(struct layout, sysenter_eip), X86_SYSENTER_EIP },
	{ offsetof(struct layout, xcr0), X86_XCR0 },
	{ offsetof(struct layout, mp_state), X86_MP_STATE },
	{ offsetof(struct layout, halted), X86_HALTED },
	{ offsetof(struct layout, fpuc), X86_FCW },
	{ offsetof(struct layout, vm_hsave), X86_VM_HSAVE },
	{ offsetof(struct layout, vm_vmcb), X86_VM_VMCB },
	{ offsetof(struct layout, nested_state), X86_NESTED_STATE },
};

static struct gg_error *read_scalars(struct source *source, struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(scalars) / sizeof(*scalars); i++) {
		const struct gg_member *member =
			(const struct gg_member *)((const char *)source->layout + scalars[i].where);
		if (member->size)
			err = set(source, registers, scalars[i].id, member->offset, member->size);
	}
	return err;
}

static struct gg_error *read_array(struct source *source, struct gg_registers *registers,
				   unsigned int first, const struct gg_member *member,
				   uint64_t count)
{
	const uint64_t width = registers->word;
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < count; i++)
		err = set(source, registers, first + (unsigned int)i, member->offset + i * width,
			  width);
	return err;
}

static struct gg_error *read_arrays(struct source *source, struct gg_registers *registers)
{
	const struct layout *layout = source->layout;
	// There are 8 in qemu-system-i386; registers behind the sixteenth are APX's.
	uint64_t general = layout->regs.size / registers->word;
	if (general > X86_GENERAL_REGISTERS)
		general = X86_GENERAL_REGISTERS;
	struct gg_error *err = read_array(source, registers, X86_RAX, &layout->regs, general);
	if (!err)
		err = read_array(source, registers, X86_CR0, &layout->cr, X86_CONTROL_REGISTERS);
	if (!err && layout->dr.size)
		err = read_array(source, registers, X86_DR0, &layout->dr, X86_DR7 - X86_DR0 + 1);
	return err;
}

static struct gg_error *read_segment(struct source *source, struct gg_registers *registers,
				     unsigned int first, uint64_t offset)
{
	const struct gg_member *const parts[] = {
		[X86_SELECTOR] = &source->layout->selector,
		[X86_BASE] = &source->layout->base,
		[X86_LIMIT] = &source->layout->limit,
		[X86_FLAGS] = &source->layout->flags,
	};
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < X86_SEGMENT_PARTS; i++)
		err = set(source, registers, first + i, offset + parts[i]->offset, parts[i]->size);
	return err;
}

static struct gg_error *read_segments(struct source *source, struct gg_registers *registers)
{
	const struct layout *layout = source->layout;
	const struct gg_member *const tables[] = { &layout->ldt, &layout->tr, &layout->gdt,
						   &layout->idt };
	struct gg_error *err = NULL;
	for (unsigned int id = X86_ES; !err && id < X86_LDT; id += X86_SEGMENT_PARTS)
		err = read_segment(source, registers, id,
				   layout->segs.offset + (id - X86_ES) / X86_SEGMENT_PARTS *
								 layout->segment.size);
	for (unsigned int i = 0; !err && i < sizeof(tables) / sizeof(*tables); i++)
		err = read_segment(source, registers, X86_LDT + i * X86_SEGMENT_PARTS,
				   tables[i]->offset);
	return err;
}

// ---- Flags ----

static struct gg_error *read_condition(struct source *source, const struct gg_registers *registers,
				       uint64_t *ret, bool *known)
{
	const struct layout *layout = source->layout;
	struct x86_condition condition = { .word = registers->word };
	*known = false;
	*ret = 0;
	if (source->accelerator != GG_ACCELERATOR_TCG || !layout->cc_op.size ||
	    !layout->cc_dst.size || !layout->cc_src.size || !layout->cc_src2.size ||
	    !layout->df.size)
		return NULL;
	struct gg_error *err = get_member(source, &layout->cc_op, &condition.op);
	if (!err)
		err = get_member(source, &layout->cc_dst, &condition.dst);
	if (!err)
		err = get_member(source, &layout->cc_src, &condition.src);
	if (!err)
		err = get_member(source, &layout->cc_src2, &condition.src2);
	if (!err)
		err = x86_condition_codes(source->host, &condition, ret, known);
	// 1 or -1, for the string instructions to add.
	uint64_t direction = 0;
	if (!err)
		err = get_member(source, &layout->df, &direction);
	*ret |= direction & X86_DF;
	return err;
}

// While TCG executes, env.eflags lacks the flags of the last operation. When TCG stops, it puts all
// flags into env.eflags; but a debugger of QEMU's that sets flags then removes them again.
static struct gg_error *read_flags(struct source *source, struct gg_registers *registers)
{
	uint64_t codes;
	bool known;
	struct gg_error *err = NULL;
	gg_register_set(registers, X86_RFLAGS, gg_register(registers, X86_RAW_EFLAGS));
	if (source->accelerator == GG_ACCELERATOR_KVM)
		return NULL;
	err = read_condition(source, registers, &codes, &known);
	if (err)
		return err;
	gg_register_set(registers, X86_RFLAGS, gg_register(registers, X86_RFLAGS) | codes);
	if (!known && source->executing)
		gg_register_forget(registers, X86_RFLAGS, X86_CONDITION_CODES | X86_DF);
	return NULL;
}

// ---- x87 and SSE ----

enum { WIDEST = 64 }; // bytes of a register

static struct gg_error *set_wide(struct source *source, struct gg_registers *registers,
				 unsigned int id, uint64_t offset, uint64_t size)
{
	uint8_t lowest_first[WIDEST];
	struct gg_cursor bytes;
	struct gg_error *err = gg_cursor_seek(&source->cursor, offset - source->start);
	if (!err)
		err = gg_cursor_sub(&source->cursor, size, &bytes);
	if (err)
		return err;
	for (uint64_t i = 0; i < size; i++)
		lowest_first[i] = bytes.bytes[source->host->big_endian ? size - 1 - i : i];
	gg_register_set_bytes(registers, id, lowest_first, size);
	return NULL;
}

// CPUX86State.fpus lacks the top of the stack, which is fpstt.
static struct gg_error *read_fpu_status(struct source *source, struct gg_registers *registers)
{
	enum { TOP_SHIFT = 11, TOP_MASK = 7 << TOP_SHIFT };
	const struct layout *layout = source->layout;
	uint64_t status, top;
	if (!layout->fpus.size || !layout->fpstt.size)
		return NULL;
	struct gg_error *err = get_member(source, &layout->fpus, &status);
	if (!err)
		err = get_member(source, &layout->fpstt, &top);
	if (!err)
		gg_register_set(registers, X86_FSW,
				(status & ~(uint64_t)TOP_MASK) | (top << TOP_SHIFT & TOP_MASK));
	return err;
}

// CPUX86State.fptags has a byte for each register, 1 for an empty register.
static struct gg_error *read_fpu_tags(struct source *source, struct gg_registers *registers)
{
	enum { COUNT = 8 };
	uint64_t tags = 0, empty;
	if (source->layout->fptags.size != COUNT)
		return NULL;
	for (unsigned int i = 0; i < COUNT; i++) {
		struct gg_error *err = get(source, source->layout->fptags.offset + i, 1, &empty);
		if (err)
			return err;
		tags |= empty ? 0 : UINT64_C(1) << i;
	}
	gg_register_set(registers, X86_FTW, tags);
	return NULL;
}

// Under TCG exceptions gather in sse_status until MXCSR is read (QEMU
// target/i386/tcg/fpu_helper.c, since v5.1). Their numbers changed when they got 16 bits
// (include/fpu/softfloat-types.h, v7.0).
static uint64_t sse_exceptions(uint64_t gathered, uint64_t size)
{
	enum { INVALID = 1, DIVIDE = 4, OVERFLOW = 8, UNDERFLOW = 16, PRECISION = 32 };
	static const struct {
		unsigned int old, new, bit;
	} exceptions[] = {
		{ 1, 1, INVALID },    { 4, 2, DIVIDE },      { 8, 4, OVERFLOW },
		{ 16, 8, UNDERFLOW }, { 32, 16, PRECISION }, { 128, 64, UNDERFLOW },
	};
	uint64_t bits = 0;
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (gathered & (size == 1 ? exceptions[i].old : exceptions[i].new))
			bits |= exceptions[i].bit;
	return bits;
}

static struct gg_error *read_mxcsr(struct source *source, struct gg_registers *registers)
{
	enum { EXCEPTIONS = 0x3f };
	const struct layout *layout = source->layout;
	const bool tcg = source->accelerator == GG_ACCELERATOR_TCG;
	uint64_t mxcsr, gathered = 0;
	if (!layout->mxcsr.size)
		return NULL;
	struct gg_error *err = get_member(source, &layout->mxcsr, &mxcsr);
	if (!err && tcg && layout->sse_exceptions.size)
		err = get_member(source, &layout->sse_exceptions, &gathered);
	if (err)
		return err;
	gg_register_set(registers, X86_MXCSR,
			mxcsr | sse_exceptions(gathered, layout->sse_exceptions.size));
	if (tcg && !layout->sse_exceptions.size)
		gg_register_forget(registers, X86_MXCSR, EXCEPTIONS);
	return NULL;
}

static struct gg_error *read_fpu_registers(struct source *source, struct gg_registers *registers)
{
	enum { COUNT = 8, SIZE = 10 };
	const struct gg_member *fpregs = &source->layout->fpregs;
	const uint64_t stride = fpregs->size / COUNT;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && stride >= SIZE && i < COUNT; i++)
		err = set_wide(source, registers, X86_FPR0 + i, fpregs->offset + i * stride, SIZE);
	return err;
}

// Reads 32 registers of 64 bytes, 8 in qemu-system-i386. Until v2.4 registers had 16 bytes, and their
// upper parts were elsewhere: those registers stay unknown.
static struct gg_error *read_vectors(struct source *source, struct gg_registers *registers)
{
	enum { COUNT = 32, MASK_COUNT = 8, SIZE = WIDEST, FEWEST = 8 };
	const struct gg_member *vectors = &source->layout->xmm_regs;
	const struct gg_member *masks = &source->layout->opmask_regs;
	const uint64_t count = vectors->size < FEWEST * SIZE ? 0 : vectors->size / SIZE;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < COUNT && i < count; i++)
		err = set_wide(source, registers, X86_ZMM0 + i, vectors->offset + i * SIZE, SIZE);
	for (unsigned int i = 0; !err && i < MASK_COUNT && (i + 1) * 8 <= masks->size; i++)
		err = set(source, registers, X86_K0 + i, masks->offset + i * 8, 8);
	return err;
}

static struct gg_error *read_vector_unit(struct source *source, struct gg_registers *registers)
{
	struct gg_error *err = read_fpu_status(source, registers);
	if (!err)
		err = read_fpu_tags(source, registers);
	if (!err)
		err = read_fpu_registers(source, registers);
	if (!err)
		err = read_mxcsr(source, registers);
	return err ? err : read_vectors(source, registers);
}

// ---- The rest ----

// Reads CR8, the upper half of the local APIC's task priority. An APIC that cannot be read leaves CR8
// alone unknown.
static struct gg_error *read_task_priority(struct source *source, struct gg_registers *registers)
{
	const struct layout *layout = source->layout;
	uint64_t apic, priority;
	if (!layout->apic.size || !layout->tpr.size)
		return NULL;
	struct gg_error *err = get_member(source, &layout->apic, &apic);
	if (err || !apic)
		return err;
	err = gg_host_read_member(source->host, apic, &layout->tpr, &priority);
	if (!err)
		gg_register_set(registers, X86_CR8, priority >> 4 & 0xf);
	return gg_error_unless_final(err);
}

static struct gg_error *read_a20(struct source *source, struct gg_registers *registers)
{
	enum { A20 = 20 };
	uint64_t mask;
	if (!source->layout->a20_mask.size)
		return NULL;
	struct gg_error *err = get_member(source, &source->layout->a20_mask, &mask);
	if (!err)
		gg_register_set(registers, X86_A20, mask >> A20 & 1);
	return err;
}

static struct gg_error *read_all(struct source *source, struct gg_registers *registers)
{
	struct gg_error *err = read_scalars(source, registers);
	if (!err)
		err = read_arrays(source, registers);
	if (!err)
		err = read_segments(source, registers);
	if (!err)
		err = read_flags(source, registers);
	if (!err)
		err = read_vector_unit(source, registers);
	if (!err)
		err = read_task_priority(source, registers);
	return err ? err : read_a20(source, registers);
}

struct gg_error *x86_read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_registers *ret)
{
	struct layout layout;
	struct source source = { .host = host,
				 .layout = &layout,
				 .accelerator = cpu->accelerator,
				 .executing = cpu->freshness == GG_UNKNOWN };
	_cleanup_free_ uint8_t *bytes = NULL;
	struct gg_error *err = gg_layout_resolve(host, rows, ROW_COUNT, &layout);
	if (!err)
		place_fpu(&layout);
	if (!err && layout.eip.size != 4 && layout.eip.size != 8)
		err = gg_error_create(GG_BAD_DATA, "env.eip has %" PRIu64 " bytes, not 4 or 8",
				      layout.eip.size);
	if (!err)
		err = read_bytes(&source, cpu, &bytes);
	if (!err) {
		gg_registers_init(ret, &x86_registers, (unsigned int)layout.eip.size);
		err = read_all(&source, ret);
	}
	if (err)
		return gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index);
	return NULL;
}
