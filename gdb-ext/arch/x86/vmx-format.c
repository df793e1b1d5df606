// SPDX-License-Identifier: GPL-3.0-or-later
//
// The format of a VMCS, by what its dump says, by the tables, or by what KVM knows of the VMCSs of all vCPUs.
//
// In:  KVM's state of the vCPUs.
// Out: a layout.
// Trusts nothing it reads: the number of vCPUs that are looked at is bounded.
//
// KVM wrote the fields of the host, and has copies of fields that it read: arch/x86/kvm/vmx/vmx.c, vmx_set_host_fs_gs(),
// vmx_update_host_rsp(), vmx_vcpu_run(), vmx_cache_reg(), vmx_read_guest_seg_...() (Linux v6.12).
#include "vmx.h"
#include "vmcs-derive.h"
#include "vmcsinfo.h"

#include <inttypes.h>
#include <stdlib.h>

// ---- What KVM knows of a VMCS ----

static void learn(struct x86_vmcs_sample *sample, enum x86_vmcs_field field, uint64_t value)
{
	sample->known[field] = true;
	sample->values[field] = value;
}

// Adds the fields of the host; KVM has 0 for a field that it has not written.
static struct gg_error *add_host(const struct x86_vmx *vmx, struct x86_vmcs_sample *sample)
{
	const struct x86_vmx_layout *layout = vmx->layout;
	const struct {
		const struct gg_member *member;
		enum x86_vmcs_field field;
	} fields[] = { { &layout->host_cr3, VMCS_HOST_CR3 },
		       { &layout->host_cr4, VMCS_HOST_CR4 },
		       { &layout->host_rsp, VMCS_HOST_RSP },
		       { &layout->gs, VMCS_HOST_GS_BASE },
		       { &layout->fs, VMCS_HOST_FS_BASE } };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(fields) / sizeof(*fields); i++) {
		uint64_t value;
		err = x86_vmx_read(vmx, vmx->loaded, fields[i].member, &value);
		if (!err && value)
			learn(sample, fields[i].field, value);
	}
	return err;
}

static struct gg_error *add_segments(const struct x86_vmx *vmx, struct x86_vmcs_sample *sample)
{
	struct gg_error *err = NULL;
	for (unsigned int segment = 0; !err && segment < X86_VMX_SEGMENTS; segment++)
		for (unsigned int part = 0; !err && part < X86_SEGMENT_PARTS; part++) {
			uint64_t value;
			bool has;
			err = x86_vmx_segment(vmx, segment, part, &has, &value);
			if (!err && has)
				learn(sample, VMCS_SEGMENTS + segment * X86_SEGMENT_PARTS + part,
				      value);
		}
	return err;
}

// Adds the registers that KVM read out of the VMCS and has not changed since. In real mode that is virtual-8086 mode for the
// hardware the VMCS has other flags, and without paging it may have another CR3.
static struct gg_error *add_registers(const struct x86_vmx *vmx, struct x86_vmcs_sample *sample)
{
	const uint64_t paging = UINT64_C(1) << 31;
	const struct x86_vmx_layout *layout = vmx->layout;
	const struct x86_vcpu_copies *copies = vmx->copies;
	uint64_t dirty, rflags, is_vm86;
	bool keeps_cr3;
	struct gg_error *err = x86_vmx_read(vmx, copies->address, &layout->dirty, &dirty);
	if (!err)
		err = x86_vmx_read(vmx, vmx->vendor, &layout->rflags, &rflags);
	if (!err)
		err = x86_vmx_read(vmx, vmx->vendor, &layout->vm86, &is_vm86);
	if (!err)
		err = x86_vmx_keeps_cr3(vmx, &keeps_cr3);
	if (err || !layout->dirty.size)
		return err;
	const uint64_t clean = copies->available & ~dirty;
	if (clean >> X86_PLACE_OF_RIP & 1)
		learn(sample, VMCS_RIP, copies->general[X86_PLACE_OF_RIP]);
	if (clean >> X86_RSP & 1)
		learn(sample, VMCS_RSP, copies->general[X86_RSP]);
	if (layout->rflags.size && layout->vm86.size && !is_vm86 &&
	    x86_vmx_has(vmx, &layout->has_rflags))
		learn(sample, VMCS_RFLAGS, rflags);
	if (layout->controls.size && !keeps_cr3 && copies->cr0 & paging &&
	    x86_vmx_has(vmx, &layout->has_cr3) && !(dirty >> layout->has_cr3.offset & 1))
		learn(sample, VMCS_CR3, copies->cr3);
	return NULL;
}

static struct gg_error *take_sample(const struct x86_vmx *vmx, struct x86_vmcs_sample *ret)
{
	*ret = (struct x86_vmcs_sample){ 0 };
	struct gg_error *err = x86_vmx_page(vmx, ret->page);
	if (!err)
		err = add_host(vmx, ret);
	if (!err)
		err = add_segments(vmx, ret);
	return err ? err : add_registers(vmx, ret);
}

// ---- All vCPUs ----

struct samples {
	struct x86_copies_layout copies;
	struct x86_vmcs_sample *samples;
	size_t count;
};

// Adds a sample of the vCPU at ADDRESS, if its VMCS is of REVISION, and KVM has executed it.
static struct gg_error *add_sample(const struct x86_vmx *like, gg_gva_t address, uint32_t revision,
				   struct samples *samples)
{
	struct x86_vmcs_sample *sample = &samples->samples[samples->count];
	struct x86_vcpu_copies copies;
	struct x86_vmx vmx = { .loaded = 0 };
	struct gg_error *err = x86_read_copies(like->kernel, &samples->copies, address, &copies);
	if (!err)
		err = x86_vmx_init(&vmx, like->kernel, like->layout, &copies);
	if (!err && vmx.loaded)
		err = take_sample(&vmx, sample);
	if (!err && vmx.loaded && sample->known[VMCS_HOST_RSP] &&
	    x86_vmcs_revision(sample->page) == revision)
		samples->count++;
	return gg_error_unless_final(err);
}

static struct gg_error *derive(const struct x86_vmx *vmx, const struct gg_vcpu_peers *peers,
			       uint32_t revision, struct x86_vmcs_layout *ret)
{
	enum { MOST = 64, MOST_PEERS = 4096 };
	const size_t count = peers->count < MOST_PEERS ? peers->count : MOST_PEERS;
	struct samples samples = { .samples = calloc(MOST, sizeof(*samples.samples)) };
	if (!samples.samples)
		return gg_enomem;
	struct gg_error *err = x86_copies_layout_resolve(vmx->kernel, &samples.copies);
	for (size_t i = 0; !err && i < count && samples.count < MOST; i++)
		err = add_sample(vmx, peers->vcpus[i], revision, &samples);
	if (!err)
		err = x86_vmcs_derive(samples.samples, samples.count, ret);
	ret->revision = revision;
	free(samples.samples);
	return err;
}

// Reads the layout of VMCSINFO; *HAS is false where there is none of REVISION.
static struct gg_error *read_info(const struct gg_vcpu_peers *peers, uint32_t revision, bool *has,
				  struct x86_vmcs_layout *ret)
{
	const char *text;
	size_t size;
	struct gg_error *err = peers->note(peers->data, "VMCSINFO", &text, &size);
	if (!err)
		err = x86_vmcsinfo_parse(text, size, ret);
	*has = !err && ret->revision == revision;
	return gg_error_unless_final(err);
}

struct gg_error *x86_vmx_format(const struct x86_vmx *vmx, const struct gg_vcpu_peers *peers,
				const uint8_t *page, struct x86_vmcs_layout *ret)
{
	const uint32_t revision = x86_vmcs_revision(page);
	const struct x86_vmcs_layout *known = x86_vmcs_layout(revision);
	bool has_info = false;
	struct gg_error *err = NULL;
	if (known) {
		*ret = *known;
		return NULL;
	}
	if (peers && peers->note)
		err = read_info(peers, revision, &has_info, ret);
	if (err || has_info)
		return err;
	err = peers ? derive(vmx, peers, revision, ret)
		    : gg_error_create(GG_NOT_FOUND, "there are no others");
	return err ? gg_error_context(err, "the format of revision 0x%" PRIx32 " is not known",
				      revision)
		   : NULL;
}
