;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest dump-guest-memory)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 match)
  #:export (dump-guest-memory))

(define* (dump-guest-memory file #:key force? (progress (const #t)))
  "Writes the guest's memory to FILE.  Returns #(MEMORY-SIZE FILE-SIZE SECONDS).  PROGRESS is called
with a range #(START SIZE HVA BLOCK), the bytes done, the bytes to do and the seconds so far."
  (interruptible
   (lambda ()
     (call-with-guest
      (lambda (guest)
        (%guest-dump guest file force? progress))))))

(define (print-range range)
  (match range
    (#(start size _ block)
     (say "~a-~a  ~a  ~a\n" (format-address start) (format-address (+ start (- size 1)))
          (string-pad (format-size size) 10) block))))

(define (dump-and-print options)
  (define file (option options 'file))
  (call-with-progress
   (lambda (show-progress erase-progress)
     (let* ((last-range #f)
            (result (dump-guest-memory
                     file
                     #:force? (option options 'force)
                     #:progress
                     (lambda (range done total seconds)
                       (unless (equal? range last-range)
                         (erase-progress)
                         (print-range range)
                         (set! last-range range))
                       (show-progress done total seconds)))))
       (erase-progress)
       (match result
         (#(memory-size file-size seconds)
          (say "~a: ~a of guest memory in ~,2f s (~a/s)\n" file (format-size memory-size) seconds
               (format-size (inexact->exact (round (/ memory-size (max seconds 1e-3))))))))))))

(define-guest-command (dump-guest-memory
                       #:argument (file . "FILE")
                       #:options ((force flag "Replace FILE if it exists.")))
  "Write the guest's memory to FILE, as a vmcore.

What GDB has in front of it is a core of QEMU or a QEMU process; its binary needs debuginfo.
FILE is an ELF vmcore as crash and others read it.  It appears when it is whole; where the core
lacks some of the guest's memory, there is an error that says which, and no file."
  dump-and-print)
