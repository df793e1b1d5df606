;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-vtop)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (srfi srfi-1)
  #:export (guest-walk))

(define* (guest-walk address #:key (cpu #f) (notice (const #t)))
  "The way from the guest-virtual ADDRESS to guest-physical memory, through the page tables of the
CPU whose number CPU is, or those of the guest's kernel: (ENTRIES . TRANSLATION).  ENTRIES is a list
of #(LEVEL GPA VALUE FLAGS), TRANSLATION #(GPA PAGE-SIZE BLOCK OFFSET ABSENT?) or, if it is
not mapped, #f; BLOCK is #f if that is not RAM; ABSENT? says that it is, and its bytes are missing.  NOTICE is called as that of guest-read."
  (call-with-guest
   (lambda (guest)
     (%guest-walk guest cpu address notice))))

(define print-entry
  (match-lambda
    (#(level gpa value flags)
     (say "~a at ~a  ~a  ~a\n" (string-pad-right level 5) (format-address gpa)
          (format-address value) flags))))

(define (print-translation address entries translation)
  (match translation
    (#(gpa page-size block offset absent?)
     (say "guest-physical 0x~x~a, ~a~a\n" gpa
          (if (null? entries)
              ", paging is off"
              (format #f " in a page of ~a" (format-size page-size)))
          (if block
              (format #f "~a + 0x~x" block offset)
              "not RAM")
          (if absent? ", absent" "")))
    (#f
     (match (last entries)
       (#(level gpa value _)
        (throw 'gdb-guest-error 'fault
               (format #f "0x~x is not mapped: its ~a at guest-physical 0x~x is 0x~x, not present"
                       address level gpa value)))))))

(define (show-walk options)
  (call-with-guest
   (lambda (guest)
     (let* ((cpu (option options 'cpu))
            (notice (lambda (text) (note "~a" text)))
            (address (evaluate-address guest (option options 'address) #:cpu cpu
                                       #:notice notice)))
       (match (%guest-walk guest cpu address notice)
         ((entries . translation)
          (for-each print-entry entries)
          (print-translation address entries translation)))))))

(register-guest-command "guest-vtop" show-walk)
