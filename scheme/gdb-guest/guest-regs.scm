;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-regs)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest native)
  #:export (guest-cpus))

(define* (guest-cpus #:key (notice (const #t)))
  "The vCPUs, a list of association lists: index; state (the symbol current, stale or unknown) and
why it is not current; activity (\"running\", \"halted\"), bits (16, 32, 64), privilege (\"kernel\",
\"user\"); pc and sp, as paging sees them; place (\"SEGMENT:OFFSET\", or \"\" where that is the pc);
root (the register that tells where the page tables are); symbol (\"NAME+0xOFFSET\" of the kernel's,
or #f); registers (an alist from names to #(SIZE VALUE UNKNOWN), UNKNOWN being the unknown bits of
VALUE); text (the registers as QEMU shows them).  For a CPU that executes a nested guest, activity is
\"nested\", all this is of the guest itself, unknown is the reason where none of it is known, or \"\",
and nested is such a list of the nested guest; maybe-nested is #t where that is not known.  NOTICE is
called with a line where the kernel's symbols cannot be read."
  (call-with-guest
   (lambda (guest) (%guest-cpus-with-symbols guest notice))))
