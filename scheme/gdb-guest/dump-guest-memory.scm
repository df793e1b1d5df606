;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest dump-guest-memory)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (dump-guest-memory))

(define* (dump-guest-memory file #:key (flags '()) (filter #f) (via-host? #f)
                            (progress (const #t)) (notice (const #t)))
  "Writes the guest's memory to FILE.  Returns #(MEMORY-SIZE FILE-SIZE SECONDS).  FLAGS is a list of
the symbols force, no-notes and skip-absent.  FILTER, (BEGIN . LENGTH), leaves out all other
guest-physical addresses.  PROGRESS is called with a range #(START SIZE HVA BLOCK), the bytes done,
the bytes to do and the seconds so far; NOTICE with each line that the user should know."
  (call-with-guest
   (lambda (guest)
     (%guest-dump guest file flags filter progress notice))
   #:via-host? via-host?))

(define (selected-flags options)
  (append (if (option options 'force) '(force) '())
          (if (option options 'no-notes) '(no-notes) '())
          (if (equal? (option options 'absent) "skip") '(skip-absent) '())))

(define (selected-filter options)
  (let ((begin (option options 'begin))
        (length (option options 'length)))
    (cond
     ((and begin length) (cons begin length))
     ((or begin length)
      (throw 'gdb-guest-error 'invalid "-begin and -length go together"))
     (else #f))))

(define (dump-and-print options)
  (define file (option options 'file))
  (call-with-progress
   (lambda (show-progress erase-progress)
     (let* ((last-range #f)
            (result (dump-guest-memory
                     file
                     #:flags (selected-flags options)
                     #:filter (selected-filter options)
                     #:via-host? (equal? (option options 'via) "gdb")
                     #:progress
                     (lambda (range done total seconds)
                       (unless (equal? range last-range)
                         (erase-progress)
                         (say "~a\n" (format-range range))
                         (set! last-range range))
                       (show-progress done total seconds))
                     #:notice
                     (lambda (text)
                       (erase-progress)
                       (note "~a" text)))))
       (erase-progress)
       (match result
         (#(memory-size file-size seconds)
          (say "~a: ~a of guest memory in ~,2f s (~a/s)\n" file (format-size memory-size) seconds
               (format-size (inexact->exact (round (/ memory-size (max seconds 1e-3))))))))))))

(define-guest-command (dump-guest-memory
                       #:argument (file . "FILE")
                       #:options
                       ((force flag "Replace FILE if it exists.")
                        (begin integer "Only guest-physical addresses from here on ...")
                        (length integer "... and as many bytes of them, as QMP's command has it.")
                        (absent ("fail" "skip")
                                "What to do where the core lacks some of the guest's memory: fail,
    which is what happens without this, or skip: leave it out, and say what was left out.")
                        (no-notes flag "Only memory: not the CPUs' registers, nor VMCOREINFO.")
                        (via ("gdb" "fastest")
                             "How guest memory is read: through GDB, slowly, or the fastest way.")))
  "Write the guest's memory to FILE, as a vmcore.

What GDB has in front of it is a core of QEMU or a QEMU process; its binary needs debuginfo.
FILE is an ELF vmcore for crash, drgn, makedumpfile and libkdumpfile.  It has the notes of QEMU's own
dump, and where a Linux kernel is found in the guest, its VMCOREINFO and virtual addresses.  It
appears when it is whole; where the core lacks some of the guest's memory, there is an error that
says which, and no file."
  dump-and-print)
