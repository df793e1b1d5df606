;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-x)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest native)
  #:export (guest-read))

(define* (guest-read address size #:key (cpu #f) (notice (const #t)))
  "SIZE bytes at the guest-virtual ADDRESS, as a bytevector, through the page tables of the CPU whose
number CPU is, or those of the guest's kernel.  NOTICE is called with a line where these may not be
what was asked for, or not be current."
  (call-with-guest
   (lambda (guest)
     (%guest-read-virtual guest cpu address size notice))))
