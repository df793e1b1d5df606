# SPDX-License-Identifier: GPL-3.0-or-later
# A guest that is no operating system: it fills the registers with what no other guest has in them, says "lab: ready",
# and halts. MODE, on the assembler's command line: 16 and 32 are protected mode without paging, 33 with page tables of
# 32-bit entries, 36 with PAE's, 64 is long mode.

	.equ WINDOW, 0x80000000		# where pages are mapped anywhere

	.include "multiboot.inc"
	mov $stack_end, %esp
	lgdt gdt_pointer
	lidt idt_pointer
	ljmp $0x08, $reload
reload:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov $0x18, %eax
	mov %eax, %es
	mov $0x23, %eax			# DPL 3
	mov %eax, %fs
	xor %eax, %eax
	mov %eax, %gs
	mov $0x28, %eax
	ltr %ax
	mov $0x38, %eax
	lldt %ax

	# x87: three values, an invalid operation, a division by zero.
	fninit
	fldpi
	fldl2e
	fld1
	fldz
	fdivrp
	fchs
	fsqrt

	# SSE, with exceptions that TCG gathers on the side.
	mov %cr4, %eax
	or $0x600, %eax			# OSFXSR, OSXMMEXCPT
	mov %eax, %cr4
	mov %cr0, %eax
	and $~4, %eax			# EM
	or $2, %eax			# MP
	mov %eax, %cr0
	movups pattern, %xmm0
	movups pattern + 16, %xmm7
	movups ones, %xmm1
	xorps %xmm2, %xmm2
	divps %xmm2, %xmm1
	sqrtps negative, %xmm3

	mov $0x1234, %eax
	mov %eax, %dr0
	mov $0x87654321, %eax
	mov %eax, %dr3

	mov $0x174, %ecx		# SYSENTER_CS, _ESP, _EIP
	mov $0x8, %eax
	xor %edx, %edx
	wrmsr
	inc %ecx
	mov $0x11112222, %eax
	wrmsr
	inc %ecx
	mov $0x33334444, %eax
	wrmsr

	mov $message, %esi
say:
	lodsb
	test %al, %al
	jz said
	mov $COM1, %edx
	outb %al, %dx
	jmp say
said:

	.if MODE == 33
	mov $directory, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x90, %eax			# PSE, PGE
	mov %eax, %cr4
	.endif
	.if MODE >= 36
	mov %cr4, %eax
	or $0xa0, %eax			# PAE, PGE
	mov %eax, %cr4
	.endif
	.if MODE == 36
	mov $pointers, %eax
	mov %eax, %cr3
	.endif
	.if MODE == 64
	mov $level4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		# EFER
	rdmsr
	or $0x901, %eax			# NXE, LME, SCE
	wrmsr
	.endif
	.if MODE >= 33
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	.endif
	.if MODE == 64
	ljmp $0x40, $long_mode
	.endif
	.if MODE == 16
	ljmp $0x48, $narrow - 0x100000
	.endif

	mov $0x11111111, %ebx
	mov $0x22222222, %ebp
	mov $0x80000000, %edi
	mov $1, %ecx
	sub %ecx, %edi			# O, P and A
	std
1:	hlt
	jmp 1b

	.if MODE == 16
	.code16
narrow:
	mov $0x7fff, %ax
	add $1, %ax			# O, S, P and A
1:	hlt
	jmp 1b
	.endif

	.if MODE == 64
	.code64
long_mode:
	mov $1, %eax
	cpuid
	bt $28, %ecx			# AVX: TCG has it since QEMU 7.2
	jnc no_avx
	mov %cr4, %rax
	or $0x40000, %eax		# OSXSAVE
	mov %rax, %cr4
	xor %ecx, %ecx
	xor %edx, %edx
	mov $7, %eax			# x87, SSE, AVX
	xsetbv
	mov $pattern, %esi
	vmovups (%rsi), %ymm3
	vmovups (%rsi), %ymm15
no_avx:
	movabs $0x123456789abcdef0, %rdx
	mov %rdx, %rax
	shr $32, %rdx
	mov $0xc0000081, %ecx		# STAR, LSTAR, CSTAR, FMASK
2:	wrmsr
	inc %eax
	inc %ecx
	cmp $0xc0000085, %ecx
	jne 2b
	mov $0xc0000100, %ecx		# the bases of FS and GS, the kernel's GS
	mov $0x7fff, %edx
3:	wrmsr
	inc %eax
	inc %ecx
	cmp $0xc0000103, %ecx
	jne 3b
	mov $5, %eax
	mov %rax, %cr8
	movabs $0xfedcba9876543210, %r8
	mov %r8, %r15
	not %r15
	mov $-1, %r9
	inc %r9				# Z, P and A
1:	hlt
	jmp 1b
	.endif

	.section .data
message:
	.asciz "lab: ready\n"
	.align 32
pattern:
	.quad 0x0123456789abcdef, 0xfedcba9876543210, 0x1122334455667788, 0x99aabbccddeeff00
ones:
	.float 1.0, 1.0, 1.0, 1.0
negative:
	.float -1.0, -2.0, -3.0, -4.0

	.align 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	# 08: code of 32 bits
	.quad 0x00cf92000000ffff	# 10: data
	.quad 0x004096000010ffff	# 18: data that expand down, not flat
	.quad 0x00cff2000000ffff	# 20: data for user mode
	.long 0x00000067, 0x00008900	# 28: the TSS, at 0; 16 bytes in long mode
	.quad 0
	.quad 0x0000820010000027	# 38: an LDT
	.quad 0x00af9a000000ffff	# 40: code of 64 bits
	.quad 0x00009a000000ffff | (0x10 << 32)	# 48: code of 16 bits from 0x100000 on
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt, 0
idt_pointer:
	.word 0x7ff
	.long 0x5000, 0

	.bss
	.align 16
	.skip 4096
stack_end:

	.if MODE == 33
	.section .data
	.align 4096
directory:
	.long low_table + 0x67
	.long 0x4001e7			# 4 MiB at their own place
	.skip 4 * (512 - 2)
	.long window_table + 0x63
	.skip 4 * (1024 - 513)
low_table:
	.set i, 0
	.rept 1024
	.long i * 4096 + 0x67
	.set i, i + 1
	.endr
window_table:				# of each second page, backwards
	.set i, 0
	.rept 512
	.long (1023 - i) * 4096 + 0x61, i * 4096 + 0x62
	.set i, i + 1
	.endr
	.endif

	.if MODE >= 36
	.section .data
	.align 4096
	.if MODE == 64
level4:
	.long pointers + 0x67, 0
	.skip 8 * 511
	.endif
	.align 4096
pointers:
	.long low_directory + 1, 0
	.quad 0
	.long window_directory + 1, 0
	.quad 0
	.skip 8 * 508
low_directory:
	.long low_table + 0x67, 0
	.quad 0x2001e7			# 2 MiB at their own place
	.skip 8 * 510
window_directory:
	.long window_table + 0x63, 0
	.skip 8 * 511
low_table:
	.set i, 0
	.rept 512
	.quad i * 4096 + 0x67
	.set i, i + 1
	.endr
window_table:
	.set i, 0
	.rept 256
	.quad (511 - i) * 4096 + 0x61, i * 4096 + 0x62
	.set i, i + 1
	.endr
	.endif
