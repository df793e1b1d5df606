// SPDX-License-Identifier: GPL-3.0-or-later
//
// s390x guests: the row.
#include "s390.h"

#include <elf.h>

static const struct gg_cpu_ops cpu = {
	.is_monitor_text = s390_is_monitor_text,
	.read_registers = s390_read_registers,
	.read_monitor = s390_read_monitor,
	.summarize = s390_summarize,
	.print_registers = s390_print_registers,
	.disassemble = s390_disassemble,
	.paging = s390_paging,
	.other_paging = s390_other_paging,
};

// The numbers are of QEMU's gdb-xml/s390x-core64.xml.
static const struct gg_stub_set stub = {
	.count = 4,
	.registers = { { 1, S390_ADDRESS }, { 17, S390_R15 }, { 0, S390_MASK }, { 16, S390_R14 } },
	.mode = 2,
	.mode_mask = S390_PSW_PROBLEM,
	.mode_user = S390_PSW_PROBLEM,
	.asks_state = true,
};

const struct gg_arch gg_arch_s390x = {
	.name = "s390x",
	.uname = "s390x",
	.cpu_type = "S390CPU",
	.elf_machine = EM_S390,
	.elf_class = ELFCLASS64,
	.big_endian = true,
	.word = 8,
	.registers = &s390_registers,
	.cpu = &cpu,
	.notes = &s390_notes,
	.kernel = &s390_linux,
	.stack = &s390_stack,
	.vmlinux = &s390_vmlinux,
	.stub = &stub,
	.calls = &s390_calls,
};
