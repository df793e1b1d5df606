// SPDX-License-Identifier: GPL-3.0-or-later
//
// KVM of x86: the reasons for which SVM leaves a guest, and entries of pages that Linux protects.
#include "x86.h"

// The names of exit codes (AMD APM, volume 2, appendix C), without VMEXIT_.
static const struct {
	uint32_t code;
	const char *name;
} exits[] = {
	{ 0x60, "INTR" },          { 0x61, "NMI" },
	{ 0x62, "SMI" },           { 0x63, "INIT" },
	{ 0x64, "VINTR" },         { 0x6e, "RDTSC" },
	{ 0x72, "CPUID" },         { 0x76, "INVD" },
	{ 0x77, "PAUSE" },         { 0x78, "HLT" },
	{ 0x79, "INVLPG" },        { 0x7b, "IOIO" },
	{ 0x7c, "MSR" },           { 0x7f, "SHUTDOWN" },
	{ 0x80, "VMRUN" },         { 0x81, "VMMCALL" },
	{ 0x89, "WBINVD" },        { 0x8a, "MONITOR" },
	{ 0x8b, "MWAIT" },         { 0x8d, "XSETBV" },
	{ 0x400, "NPF" },          { 0x401, "AVIC_INCOMPLETE_IPI" },
	{ 0x402, "AVIC_NOACCEL" }, { 0x403, "VMGEXIT" },
};

const char *x86_vm_exit(uint64_t code)
{
	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		if (exits[i].code == code)
			return exits[i].name;
	return NULL;
}

// _PAGE_PROTNONE, the bit of a global page, stands for a page that no program may touch, as by automatic
// NUMA balancing; the address is inverted (Linux arch/x86/include/asm/pgtable-invert.h, v4.18).
bool x86_hidden_page(uint64_t entry, gg_gpa_t *ret)
{
	enum { PRESENT = 1 << 0, PROTNONE = 1 << 8 };
	static const uint64_t address = UINT64_C(0x000ffffffffff000);
	*ret = ~entry & address;
	return (entry & (PRESENT | PROTNONE)) == PROTNONE;
}
