;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-vtop)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest native)
  #:export (guest-walk))

(define* (guest-walk address #:key (cpu #f) (notice (const #t)))
  "The way from the guest-virtual ADDRESS to guest-physical memory, through the page tables of the
CPU whose number CPU is, or those of the guest's kernel: (ENTRIES . TRANSLATION).  ENTRIES is a list
of #(LEVEL GPA VALUE FLAGS), TRANSLATION #(GPA PAGE-SIZE BLOCK OFFSET ABSENT?) or, if it is
not mapped, #f; BLOCK is #f if that is not RAM; ABSENT? says that it is, and its bytes are missing.  NOTICE is called as that of guest-read."
  (call-with-guest
   (lambda (guest)
     (%guest-walk guest cpu address notice))))
