// SPDX-License-Identifier: GPL-3.0-or-later
//
// KVM of x86: the reasons for which SVM and VMX leave a guest, and entries of pages that Linux protects.
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

// The names of basic exit reasons (Intel SDM, volume 3, appendix C; Linux arch/x86/include/uapi/asm/vmx.h, without
// EXIT_REASON_).
static const char *const vmx_exits[] = {
	[0] = "EXCEPTION_NMI",
	[1] = "EXTERNAL_INTERRUPT",
	[2] = "TRIPLE_FAULT",
	[3] = "INIT_SIGNAL",
	[4] = "SIPI_SIGNAL",
	[7] = "INTERRUPT_WINDOW",
	[8] = "NMI_WINDOW",
	[9] = "TASK_SWITCH",
	[10] = "CPUID",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMOFF",
	[27] = "VMON",
	[28] = "CR_ACCESS",
	[29] = "DR_ACCESS",
	[30] = "IO_INSTRUCTION",
	[31] = "MSR_READ",
	[32] = "MSR_WRITE",
	[33] = "INVALID_STATE",
	[34] = "MSR_LOAD_FAIL",
	[36] = "MWAIT_INSTRUCTION",
	[37] = "MONITOR_TRAP_FLAG",
	[39] = "MONITOR_INSTRUCTION",
	[40] = "PAUSE_INSTRUCTION",
	[41] = "MCE_DURING_VMENTRY",
	[43] = "TPR_BELOW_THRESHOLD",
	[44] = "APIC_ACCESS",
	[45] = "EOI_INDUCED",
	[46] = "GDTR_IDTR",
	[47] = "LDTR_TR",
	[48] = "EPT_VIOLATION",
	[49] = "EPT_MISCONFIG",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "PREEMPTION_TIMER",
	[53] = "INVVPID",
	[54] = "WBINVD",
	[55] = "XSETBV",
	[56] = "APIC_WRITE",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "PML_FULL",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[74] = "BUS_LOCK",
	[75] = "NOTIFY",
};

const char *x86_vm_exit(uint64_t code)
{
	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		if (exits[i].code == code)
			return exits[i].name;
	return NULL;
}

const char *x86_vmx_exit(uint64_t code)
{
	const uint64_t basic = code & 0xffff;
	return basic < sizeof(vmx_exits) / sizeof(*vmx_exits) ? vmx_exits[basic] : NULL;
}

// _PAGE_PROTNONE, the bit of a global page, stands for a page that no program may touch, as by automatic
// NUMA balancing; the bits of the page's number are inverted (Linux arch/x86/include/asm/pgtable-invert.h, v4.18), not so in
// older kernels: no page is so high that its highest bit is set.
bool x86_hidden_page(const struct gg_page_entry *entry, gg_gpa_t *ret)
{
	enum {
		PRESENT = 1 << 0,
		LARGE = 1 << 7,
		PROTNONE = 1 << 8,
		LEVEL_BITS = 9,
		ADDRESS_BITS = 52
	};
	const uint64_t page = UINT64_C(1) << (12 + LEVEL_BITS * (entry->level - 1));
	const uint64_t mask = (UINT64_C(1) << ADDRESS_BITS) - page;
	const bool is_inverted = entry->value >> (ADDRESS_BITS - 1) & 1;
	*ret = (is_inverted ? ~entry->value : entry->value) & mask;
	return (entry->value & (PRESENT | PROTNONE)) == PROTNONE &&
	       (entry->level == 1 || entry->value & LARGE);
}
