# SPDX-License-Identifier: GPL-3.0-or-later
# A guest that is no operating system, whose CPU stops in System Management Mode: it puts a handler where SeaBIOS has its
# own, sends itself an SMI, and the handler says "lab: ready" and halts. MODE, on the assembler's command line, is 32.
#
# For the machine "pc", whose SMRAM SeaBIOS leaves unlocked.

	.equ HANDLER, 0xa8000		# SeaBIOS's SMBASE, and 0x8000
	.equ SMRAM, 0x80000070		# the i440FX's SMRAM register, at 0x72, in PCI's configuration space
	.equ APIC_ICR, 0xfee00300

	.include "multiboot.inc"
	mov $SMRAM, %eax
	mov $0xcf8, %dx
	out %eax, %dx
	mov $0xcfe, %dx
	mov $0x4a, %al			# open
	out %al, %dx
	mov $handler, %esi
	mov $HANDLER, %edi
	mov $handler_end - handler, %ecx
	rep movsb
	mov $0x0a, %al			# closed
	out %al, %dx
	movl $0x40200, APIC_ICR		# an SMI for this CPU
1:	hlt
	jmp 1b

	.code16
handler:
	mov $0x8000 + message - handler, %si
2:	lodsb %cs:(%si), %al
	test %al, %al
	jz 3f
	mov $COM1, %dx
	out %al, %dx
	jmp 2b
3:	hlt
	jmp 3b
message:
	.asciz "lab: ready\n"
handler_end:
