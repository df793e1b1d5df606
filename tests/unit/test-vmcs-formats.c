// SPDX-License-Identifier: GPL-3.0-or-later
//
// Formats of a VMCS that no table has: by VMCSINFO, and by what KVM knows of the VMCSs of several vCPUs, in a made-up
// kernel with made-up places.
#include "fake-kvm.h"
#include "arch/x86/vmcs-derive.h"
#include "arch/x86/vmcsinfo.h"
#include "linux/arch-ops.h"
#include "linux/image-note.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CR3 = X86_CR0 + 3, REVISION = 0x4 };

static const struct fake_vmcs places = {
	.revision = REVISION,
	.rip = 0xc48,
	.rsp = 0x120,
	.rflags = 0x7f0,
	.cr0 = 0x200,
	.cr3 = 0xa18,
	.cr4 = 0x90,
	.link = 0x300,
	.cs = 0x802,
	.cs_base = 0x810,
	.cs_limit = 0xffc,
	.cs_rights = 0x824,
	.ss = 0x806,
	.host_cr0 = 0x400,
	.host_cr3 = 0x428,
	.host_cr4 = 0x430,
	.host_rsp = 0x438,
	.host_rip = 0x440,
};

// ---- VMCSINFO ----

static const char *vmcsinfo;

static struct gg_error *find_note(void *data, const char *name, const char **text, size_t *size)
{
	(void)data;
	if (!vmcsinfo || strcmp(name, "VMCSINFO") != 0)
		return gg_error_create(GG_NOT_FOUND, "no note");
	*text = vmcsinfo;
	*size = strlen(vmcsinfo);
	return NULL;
}

// The start of a real VMCSINFO, of a Core 2 Duo E7500: Linux kernel mailing list, April 2012, "[PATCH 0/4] Export offsets
// of VMCS fields as note information for kdump".
static const char real[] = "REVISION_ID=d\n"
			   "FIELD(PIN_BASED_VM_EXEC_CONTROL)=01840180\n"
			   "FIELD(CPU_BASED_VM_EXEC_CONTROL)=01940190\n"
			   "FIELD(SECONDARY_VM_EXEC_CONTROL)=0fe40fe0\n"
			   "FIELD(VM_EXIT_CONTROLS)=01e401e0\n"
			   "FIELD(VM_ENTRY_CONTROLS)=03140310\n"
			   "FIELD(GUEST_ES_SELECTOR)=0500\n";

static void test_real_info(void **state)
{
	(void)state;
	struct x86_vmcs_layout layout;
	assert_null(x86_vmcsinfo_parse(real, strlen(real), &layout));
	const struct x86_vmcs_layout *penryn = x86_vmcs_layout(layout.revision);
	assert_non_null(penryn);
	assert_int_equal(layout.offsets[VMCS_SEGMENTS], penryn->offsets[VMCS_SEGMENTS]);
	// VM_EXIT_CONTROLS of Actaeon's penryn.py.
	assert_int_equal(layout.offsets[VMCS_EXIT_CONTROLS], 0x1c * 4);
	assert_int_equal(layout.offsets[VMCS_RIP], 0);
}

static void expect_refused(const char *text, const char *message)
{
	struct x86_vmcs_layout layout;
	struct gg_error *err = x86_vmcsinfo_parse(text, strlen(text), &layout);
	assert_non_null(err);
	assert_string_equal(gg_error_message(err), message);
	gg_error_destroy(err);
}

static void expect_place(const char *value, unsigned int place)
{
	char text[128];
	struct x86_vmcs_layout layout;
	snprintf(text, sizeof(text), "REVISION_ID=4\nFIELD(GUEST_RIP)=%s\n", value);
	assert_null(x86_vmcsinfo_parse(text, strlen(text), &layout));
	assert_int_equal(layout.offsets[VMCS_RIP], place);
}

static void test_info(void **state)
{
	(void)state;
	expect_place("011c011801140110", 8);
	expect_place("3ffc3ff83ff43ff0", 4088);
	// The bytes are not side by side, lead out of the VMCS or to its head, or are no places.
	expect_place("011c011801140118", 0);
	expect_place("410441003ffc3ff8", 0);
	expect_place("010c010801040100", 0);
	expect_place("021c021802140210", 0);
	expect_refused("REVISION_ID=4\nFIELD(GUEST_RIP)=1234567890123456789\n",
		       "VMCSINFO: GUEST_RIP has no value");
	expect_refused("REVISION_ID=4\nFIELD(GUEST_RIP)=", "VMCSINFO: GUEST_RIP has no value");
	expect_refused("FIELD(GUEST_RIP)=011c011801140110\n", "VMCSINFO: it has no revision");
	expect_refused("REVISION_ID=4\nREVISION_ID=5\n", "VMCSINFO: it has no single revision");
	expect_refused("REVISION_ID=4\nFIELD(GUEST_RIP)=011c011801140110\n"
		       "FIELD(GUEST_RIP)=012c012801240120\n",
		       "VMCSINFO: GUEST_RIP is there twice, at 8 and 16");
	expect_refused("REVISION_ID=4\nFIELD(GUEST_RIP)=011c011801140110\n"
		       "FIELD(GUEST_CS_LIMIT)=01140110\n",
		       "VMCSINFO: two fields are at 8");
}

// ---- The note in the kernel's data ----

enum { DATA = 0x40, DATA_END = 0x4000, DATA_SIZE = 0x5000 };

// Puts a note at OFFSET of the kernel's data, and returns the text that is found, which the caller frees; NULL without.
static char *find_in_image(size_t offset, const char *name, uint32_t name_size, uint32_t size)
{
	static const struct fake_variable variables[] = { { "_sdata", DATA, 8 },
							  { "_end", DATA_END, 8 } };
	static const struct fake_parts parts = { .base = FAKE_KVM_BASE,
						 .size = DATA_SIZE,
						 .variables = variables,
						 .variable_count = 2 };
	enum { HEADER = 12, TEXT = 24 };
	struct fake_answerers fake;
	struct gg_answerers kernel = { 0 };
	char *text;
	size_t found;
	fake_answerers_init(&fake, &parts, &kernel);
	fake_put(&fake, offset, 4, name_size);
	fake_put(&fake, offset + 4, 4, size);
	memcpy(fake.memory + offset + HEADER, name, strlen(name));
	memcpy(fake.memory + offset + TEXT, "REVISION_ID=4", strlen("REVISION_ID=4"));
	struct gg_error *err = gg_image_note(&kernel, "VMCSINFO", &text, &found);
	assert_int_equal(!err, text != NULL);
	assert_true(!text || found == size);
	gg_error_destroy(err);
	fake_answerers_deinit(&fake, &kernel);
	return text;
}

static void expect_in_image(size_t offset, const char *name, uint32_t name_size, uint32_t size,
			    bool is_found)
{
	char *text = find_in_image(offset, name, name_size, size);
	assert_int_equal(text != NULL, is_found);
	assert_true(!text || !memcmp(text, "REVISION_ID=4", strlen("REVISION_ID=4")));
	free(text);
}

static void test_image(void **state)
{
	(void)state;
	const uint32_t size = strlen("REVISION_ID=4");
	// In a page, and with the header, the name or the text in two.
	expect_in_image(0x1100, "VMCSINFO", 9, size, true);
	expect_in_image(0x1ffc, "VMCSINFO", 9, size, true);
	expect_in_image(0x1ff0, "VMCSINFO", 9, size, true);
	expect_in_image(0x1fe0, "VMCSINFO", 9, size, true);
	expect_in_image(0x1100, "VMCSINFO", 8, size, false);
	expect_in_image(0x1100, "VMCSINFOS", 9, size, false);
	expect_in_image(0x1100, "VMCSINFO", 9, 0, false);
	expect_in_image(0x1100, "VMCSINFO", 9, 1 << 20, false);
	expect_in_image(0x1100, "VMCSINFO", 9, 0x8000, false);
	expect_in_image(DATA_END + 0x100, "VMCSINFO", 9, size, false);
}

// ---- A vCPU among others ----

// Reads the registers of vCPU 1, whose VMCS has them alone, beside so many peers. VALUE, SIZE bytes, is put at OFFSET of the memory
// before.
static void read_beside(size_t peers, size_t offset, unsigned int size, uint64_t value,
			struct gg_cpu_state *ret)
{
	struct fake_kvm kvm;
	gg_gva_t vcpus[FAKE_KVM_PEERS + 1] = { FAKE_KVM_BASE + FAKE_KVM_VCPUS };
	const struct gg_vcpu_peers all = { .vcpus = vcpus, .count = peers + 1, .note = find_note };
	fake_kvm_init(&kvm);
	fake_kvm_use_vmx(&kvm, &places);
	for (unsigned int i = 1; i <= peers; i++)
		vcpus[i] = fake_kvm_add_peer(&kvm, i, &places);
	fake_put(&kvm.fake, offset, size, value);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, &all, vcpus[0], NULL, ret));
	fake_kvm_deinit(&kvm);
}

static void expect_own(const struct gg_cpu_state *cpu)
{
	assert_int_equal(gg_register(&cpu->own, X86_RIP), 0x500000000);
	assert_int_equal(gg_register(&cpu->own, X86_RSP), 0x5001);
	assert_int_equal(gg_register(&cpu->own, X86_RFLAGS), 0x5002);
	assert_int_equal(gg_register(&cpu->own, CR3), 0x5004);
}

static void expect_unknown(const struct gg_cpu_state *cpu, const char *reason)
{
	assert_false(gg_register_has_known(&cpu->own, X86_RIP));
	assert_false(gg_register_has_known(&cpu->own, X86_RSP));
	assert_false(gg_register_has_known(&cpu->own, CR3));
	assert_false(gg_register_has_known(&cpu->own, X86_CS));
	assert_non_null(strstr(cpu->origin, reason));
}

static void test_derived(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	struct gg_paging paging;
	for (size_t peers = 2; peers <= FAKE_KVM_PEERS; peers++) {
		read_beside(peers, 0, 0, 0, &cpu);
		expect_own(&cpu);
		assert_int_equal(gg_register(&cpu.own, X86_CS), 0x5007);
		assert_int_equal(gg_register(&cpu.own, X86_CS + X86_BASE), 0x5008);
		assert_int_equal(gg_register(&cpu.own, X86_CS + X86_LIMIT), 0x5009);
		assert_int_equal(gg_register(&cpu.own, X86_SS), 0x500b);
		// All vCPUs have the same access rights, and nothing shows TS, which the guest owns.
		assert_false(gg_register_has_known(&cpu.own, X86_CS + X86_FLAGS));
		assert_int_equal(gg_register_unknown(&cpu.own, X86_CR0), 8);
		x86_paging(&cpu.own, &paging);
		assert_false(paging.unknown);
		assert_int_equal(paging.root, 0x5000);
		assert_string_equal(cpu.origin,
				    "KVM's copies: general registers; of the VMCS (its format by "
				    "KVM's copies): RSP, RIP, RFLAGS, CR3, segments");
	}
}

static void test_too_little(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	const size_t peer_2 = fake_kvm_peer(2);
	read_beside(0, 0, 0, 0, &cpu);
	expect_unknown(&cpu, "the format of revision 0x4 is not known: what KVM knows of 1 of them "
			     "shows no places");
	read_beside(1, 0, 0, 0, &cpu);
	expect_unknown(&cpu, "what KVM knows of 2 of them shows no places");
	// The second peer has no copies, its VMCS is of another revision, or no hardware has had it.
	read_beside(2, peer_2 + FAKE_KVM_AVAILABLE, 8, 0xffef, &cpu);
	expect_unknown(&cpu, "what KVM knows of 3 of them shows no places");
	read_beside(2, fake_kvm_peer_vmcs(2), 4, 5, &cpu);
	expect_unknown(&cpu, "what KVM knows of 2 of them shows no places");
	read_beside(2, peer_2 + FAKE_KVM_PEER_LOADED + 0x40, 8, 0, &cpu);
	expect_unknown(&cpu, "what KVM knows of 2 of them shows no places");
	// A copy of RIP that is newer than the VMCS is no proof, and RIP alone is unknown.
	read_beside(2, peer_2 + FAKE_KVM_DIRTY, 8, 1 << 16, &cpu);
	assert_false(gg_register_has_known(&cpu.own, X86_RIP));
	assert_int_equal(gg_register(&cpu.own, X86_RSP), 0x5001);
}

static void test_contradicted(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	read_beside(3, fake_kvm_peer_vmcs(3) + places.rip, 8, 0x1234, &cpu);
	expect_unknown(&cpu, "what KVM knows of 3 of them is at no place that they share");
	read_beside(3, fake_kvm_peer_vmcs(2) + places.host_rsp, 8, 0x1234, &cpu);
	expect_unknown(&cpu, "what KVM knows of 4 of them is at no place that they share");
	// The VMCS of the vCPU itself is not what KVM wrote.
	read_beside(3, FAKE_KVM_VMCS + places.host_rsp, 8, 0x1234, &cpu);
	expect_unknown(&cpu, "is at no place that they share");
}

static void test_by_info(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	struct gg_paging paging;
	vmcsinfo = "REVISION_ID=4\nFIELD(GUEST_RIP)=319c319831943190\n"
		   "FIELD(GUEST_RSP)=054c054805440540\nFIELD(HOST_RSP)=117c117811741170\n"
		   "FIELD(GUEST_CS_AR_BYTES)=214c2148\n";
	read_beside(0, 0, 0, 0, &cpu);
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x500000000);
	assert_int_equal(gg_register(&cpu.own, X86_RSP), 0x5001);
	assert_int_equal(gg_register(&cpu.own, X86_CS + X86_FLAGS) & 0xf0ff00, 0xa09b00);
	assert_false(gg_register_has_known(&cpu.own, CR3));
	x86_paging(&cpu.own, &paging);
	assert_true(paging.unknown);
	assert_string_equal(cpu.origin,
			    "KVM's copies: general registers; of the VMCS (its format by "
			    "VMCSINFO): RSP, RIP; unknown: RFLAGS, CR3, segments");
	// Places that KVM contradicts.
	vmcsinfo = "REVISION_ID=4\nFIELD(GUEST_RIP)=319c319831943190\n"
		   "FIELD(HOST_RSP)=054c054805440540\n";
	read_beside(0, 0, 0, 0, &cpu);
	expect_unknown(&cpu, "its host RSP is 0x5001, and KVM wrote 0x600f");
	// A text for another processor is left, and the vCPUs show the places.
	vmcsinfo = "REVISION_ID=5\nFIELD(GUEST_RIP)=010c010801040100\n";
	read_beside(2, 0, 0, 0, &cpu);
	expect_own(&cpu);
	vmcsinfo = NULL;
}

// ---- Samples ----

enum { COUNT = 3 };

static struct x86_vmcs_sample samples[COUNT];

static void put_value(size_t sample, enum x86_vmcs_field field, size_t offset, uint64_t value)
{
	samples[sample].known[field] = true;
	samples[sample].values[field] = value;
	for (unsigned int i = 0; i < x86_vmcs_width(field); i++)
		samples[sample].page[offset + i] = (uint8_t)(value >> 8 * i);
}

// Puts values that differ between samples by STEP.
static void put_all(enum x86_vmcs_field field, size_t offset, uint64_t value, uint64_t step)
{
	for (size_t i = 0; i < COUNT; i++)
		put_value(i, field, offset, value + i * step);
}

static void test_certain(void **state)
{
	(void)state;
	struct x86_vmcs_layout layout;
	memset(samples, 0, sizeof(samples));
	put_all(VMCS_HOST_RSP, 0x400, 0xffffc90000123000, 0x8000);
	put_all(VMCS_RIP, 0x500, 0xffffffff81000000, 0x10);
	put_all(VMCS_RSP, 0x510, 0xffffc90000456000, 0);
	put_all(VMCS_CR3, 0x520, 0x1000, 0x1000);
	put_all(VMCS_CR3, 0x800, 0x1000, 0x1000);
	put_all(VMCS_RFLAGS, 0x530, 0x246, 1);
	put_all(VMCS_GDT_BASE, 0x530, 0x246, 1);
	put_all(VMCS_SEGMENTS + X86_FLAGS, 0x600, 0x93, 0x100);
	samples[1].page[0x600] = 0;
	assert_null(x86_vmcs_derive(samples, COUNT, &layout));
	assert_int_equal(layout.offsets[VMCS_HOST_RSP], 0x400);
	assert_int_equal(layout.offsets[VMCS_RIP], 0x500);
	// Equal values, two places, one place for two fields, access rights in another form.
	assert_int_equal(layout.offsets[VMCS_RSP], 0);
	assert_int_equal(layout.offsets[VMCS_CR3], 0);
	assert_int_equal(layout.offsets[VMCS_RFLAGS], 0);
	assert_int_equal(layout.offsets[VMCS_GDT_BASE], 0);
	assert_int_equal(layout.offsets[VMCS_SEGMENTS + X86_FLAGS], 0);
	// Without a field of the host nothing is certain.
	for (size_t i = 0; i < COUNT; i++)
		samples[i].known[VMCS_HOST_RSP] = false;
	struct gg_error *err = x86_vmcs_derive(samples, COUNT, &layout);
	assert_int_equal(gg_error_kind(err), GG_NOT_FOUND);
	gg_error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("a real VMCSINFO of Penryn leads to Penryn's places", test_real_info),
		UNIT_TEST("a field of VMCSINFO has a place if its bytes are side by side; a text "
			  "that "
			  "contradicts itself is refused",
			  test_info),
		UNIT_TEST("VMCSINFO is found in the kernel's data, wherever pages end", test_image),
		UNIT_TEST("a VMCS of unknown format is read by the dump's VMCSINFO; without CR3 "
			  "paging is "
			  "unknown",
			  test_by_info),
		UNIT_TEST("a VMCS of unknown format is read at the places that the VMCSs of other "
			  "vCPUs show, and its page tables are walked",
			  test_derived),
		UNIT_TEST("what one vCPU shows is not enough", test_too_little),
		UNIT_TEST("a VMCS that does not have what KVM knows makes all formats unknown",
			  test_contradicted),
		UNIT_TEST("a place is certain if it is the only one, and its values differ",
			  test_certain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
