# SPDX-License-Identifier: GPL-3.0-or-later
# A boot sector: a guest that any PC boots, and that leaves values in its registers that are easy to tell. It goes into
# protected mode with paging off, says "lab: ready" on the first serial port, and halts.

	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl gdt_pointer
	lidtl idt_pointer
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $protected

	.code32
protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $24, %ax
	movw %ax, %fs
	movw %ax, %gs
	movl $0x00345000, %eax
	movl %eax, %cr3
	movl $0x600df00d, %ebx
	movl $0xc0ffee11, %ecx
	movl $0x5eed5eed, %edi
	movl $0x00077770, %ebp
	movl $0x00066660, %esp
	movl $message, %esi
	movw $0x3f8, %dx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	hlt
	jmp 2b

message:
	.asciz "lab: ready\n"

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	# code, from 0, 4 GiB
	.quad 0x00cf92000000ffff	# data, the same
	.quad 0x0040920700001fff	# data, 8 KiB from 0x70000
gdt_pointer:
	.word 31
	.long gdt
idt_pointer:
	.word 0x7ff
	.long 0x00098000

	.org 510
	.word 0xaa55
