# SPDX-License-Identifier: GPL-3.0-or-later
# A hypervisor that is no operating system: it enters a nested guest by SVM (AMD APM, volume 2, chapter 15), which fills
# registers, says "lab: ready", and halts. MODE, on the assembler's command line, is the nested guest's: 64 is long mode
# with page tables and nested page tables, 32 protected mode without.
#
# Where the nested guest's CR3 leads in this guest's memory is a table too, whose entries all lead to that page itself.

	.equ NESTED, 0x1000000		# the nested guest's memory, 2 MiB
	.equ NESTED_CR3, 0x1000
	.equ NESTED_CODE, 0x10000
	.equ NESTED_RSP, 0x9000
	.equ EFER, 0xc0000080
	.equ VM_HSAVE_PA, 0xc0010117

	.include "multiboot.inc"
	lgdt gdt_pointer
	mov %cr4, %eax
	or $0x20, %eax			# PAE
	mov %eax, %cr4
	mov $level4, %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	rdmsr
	or $0x1100, %eax		# SVME, LME
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	ljmp $0x08, $long_mode

	.code64
long_mode:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $idt_pointer, %eax
	lidt (%rax)
	mov $stack_end - 0x40, %esp

	mov $NESTED_CR3, %edi		# the table that leads nowhere
	mov $NESTED_CR3 + 7, %eax
	mov $512, %ecx
	rep stosq

	mov $NESTED + NESTED_CR3, %edi	# of each level one entry
	movq $NESTED_CR3 + 0x1007, (%rdi)
	movq $NESTED_CR3 + 0x2007, 0x1000(%rdi)
	movq $0x87, 0x2000(%rdi)
	mov $NESTED + NESTED_CODE, %edi
	mov $nested_code, %esi
	mov $nested_code_end - nested_code, %ecx
	rep movsb

	mov $VM_HSAVE_PA, %ecx
	mov $hsave, %eax
	xor %edx, %edx
	wrmsr
	movabs $0x1111111111111111, %rbx
	movabs $0x1212121212121212, %r15
	mov $vmcb, %eax
	.globl vmrun, after_vmrun
vmrun:
	vmrun
after_vmrun:
	hlt
	jmp after_vmrun

	.if MODE == 64
	.code64
	.else
	.code32
	.endif
nested_code:
	mov $NESTED_CODE + message - nested_code, %esi
1:	lodsb
	test %al, %al
	jz 2f
	mov $COM1, %edx
	outb %al, %dx
	jmp 1b
2:
	.if MODE == 64
	movabs $0xc0de0000c0de0001, %rax
	movabs $0xc0de0000c0de0002, %rbx
	movabs $0xc0de0000c0de0003, %r15
	.else
	mov $0xc0de0001, %eax
	mov $0xc0de0002, %ebx
	.endif
3:	hlt
	jmp 3b
message:
	.asciz "lab: ready\n"
nested_code_end:

	.section .data
	.align 8
gdt:
	.quad 0
	.quad 0x00af9a000000ffff	# 08: code of 64 bits
	.quad 0x00cf92000000ffff	# 10: data
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt, 0
idt_pointer:
	.word 0x7ff
	.quad 0x5000
	.globl marker
	.align 16
marker:
	.asciz "the guest's own"

	.align 4096
level4:
	.long level3 + 7, 0
	.skip 8 * 511
level3:
	.long level2 + 7, 0
	.skip 8 * 511
level2:					# 64 MiB at their own place
	.set i, 0
	.rept 32
	.quad i * 0x200000 + 0x87
	.set i, i + 1
	.endr
	.skip 8 * 480
nested_level4:
	.long nested_level3 + 7, 0
	.skip 8 * 511
nested_level3:
	.long nested_level2 + 7, 0
	.skip 8 * 511
nested_level2:
	.quad NESTED + 0x87
	.skip 8 * 511

	# A segment: selector, attributes, limit, base.
	.macro segment offset, selector, attributes, limit, base
	.org vmcb + 0x400 + \offset
	.word \selector, \attributes
	.long \limit
	.quad \base
	.endm
	.macro value offset, value
	.org vmcb + \offset
	.quad \value
	.endm
	.globl vmcb
vmcb:
	value 0x10, 1			# intercepts VMRUN
	value 0x58, 1			# ASID
	.if MODE == 64
	.set CODE, 0xa9b
	.else
	.set CODE, 0xc9b
	.endif
	value 0x90, 1			# nested paging
	.org vmcb + 0xb0
	.long nested_level4, 0
	segment 0x00, 0x18, 0xc93, 0xffffffff, 0
	segment 0x10, 0x10, CODE, 0xffffffff, 0
	segment 0x20, 0x18, 0xc93, 0xffffffff, 0
	segment 0x30, 0x18, 0xc93, 0xffffffff, 0
	segment 0x60, 0, 0, 0x2f, 0x7000
	segment 0x80, 0, 0, 0xff, 0x8000
	.if MODE == 64
	value 0x4d0, 0x1500		# EFER: SVME, LMA, LME
	value 0x548, 0x20		# CR4: PAE
	value 0x550, NESTED_CR3
	value 0x558, 0x80000011
	.else
	value 0x4d0, 0x1000
	value 0x548, 0
	value 0x550, NESTED_CR3
	value 0x558, 0x11
	.endif
	value 0x560, 0x400		# DR7
	value 0x568, 0xffff0ff0		# DR6
	value 0x570, 2			# RFLAGS
	value 0x578, NESTED_CODE
	value 0x5d8, NESTED_RSP
	.org vmcb + 4096

	.bss
	.align 4096
	.globl hsave
hsave:
	.skip 4096
	.skip 4096
	.globl stack_end
stack_end:
