;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest dump-guest-memory)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb host)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (dump-guest-memory))

;;; -via monitor: QEMU writes its own dump, which is the source of the vmcore then.

(define (wait-for-qemu progress)
  "Waits until QEMU has written its dump.  PROGRESS is called with the part that is done, 0 to 1."
  (let loop ()
    (%check-interrupt)
    (match (%monitor-dump-progress (monitor (%monitor-dump-query)))
      ((done . ended?)
       (progress done)
       (unless ended?
         (usleep 50000)
         (loop))))))

(define (have-qemu-write file progress)
  (let ((answer (string-trim-both (monitor (%monitor-dump-command file)))))
    (unless (string-null? answer)
      (throw 'gdb-guest-error 'system (format #f "QEMU does not write ~a: ~a" file answer))))
  (wait-for-qemu progress))

(define (total-size target)
  (call-with-host target
    (lambda (guest)
      (apply + (map (lambda (range) (vector-ref range 1)) (%guest-ram guest))))))

(define (absolute file)
  (if (absolute-file-name? file) file (string-append (getcwd) "/" file)))

(define (call-with-qemu-file target file progress procedure)
  "Has QEMU write the guest's memory to a file, calls PROCEDURE with the name of the file, and deletes the
file."
  (let ((written (format #f "~a.~36r.part" (absolute file)
                         (random (expt 36 8) (random-state-from-platform))))
        (total (total-size target))
        (start (get-internal-real-time)))
    (define (show done)
      (progress #f (inexact->exact (round (* done total))) total
                (exact->inexact (/ (- (get-internal-real-time) start)
                                   internal-time-units-per-second))))
    (dynamic-wind
      (const #t)
      (lambda ()
        (call-with-monitor target (lambda () (have-qemu-write written show)))
        (unless (file-exists? written)
          (throw 'gdb-guest-error 'not-found
                 (format #f "QEMU wrote ~a on its side, where it stays: it cannot be seen from \
here.  It is QEMU's own dump, without VMCOREINFO" written)))
        (procedure written))
      (lambda ()
        (when (file-exists? written)
          (delete-file written))))))

(define (dump-on-the-other-side target file progress notice)
  "Has QEMU write FILE on its own machine."
  (call-with-monitor target (lambda () (have-qemu-write file (lambda (done) (progress #f 0 0 0)))))
  (notice (format #f "QEMU wrote ~a on its own machine: it is QEMU's dump, without VMCOREINFO and the \
kernel's addresses" file))
  #f)

(define (call-with-dumped-guest file force? via progress notice procedure)
  "Calls PROCEDURE with the guest whose memory goes into FILE, which is read as VIA says.  Returns what
PROCEDURE returns, or #f where QEMU wrote FILE on another machine."
  (define (call memory)
    (call-with-guest procedure #:via-host? (eq? via 'gdb) #:memory memory))
  (define (call-via-monitor)
    (let ((target (current-target)))
      (cond
       ((not (eq? (target-kind target) 'stub))
        (throw 'gdb-guest-error 'unsupported
               "-via monitor is for QEMU's gdbstub (target remote ADDRESS)"))
       ((not (target-is-here? target))
        (dump-on-the-other-side target file progress notice))
       ((and (file-exists? file) (not force?))
        (throw 'gdb-guest-error 'invalid (format #f "~a exists; -force replaces it" file)))
       (else (call-with-qemu-file target file progress call)))))
  (unless (memq via '(#f gdb monitor))
    (throw 'gdb-guest-error 'invalid (format #f "via is ~s, not #f, gdb or monitor" via)))
  (if (eq? via 'monitor)
      (interruptible call-via-monitor)
      (call #f)))

(define* (dump-guest-memory file #:key (flags '()) (filter #f) (format "elf") (level 0)
                            (via #f) (progress (const #t)) (notice (const #t)))
  "Writes the guest's memory to FILE.  Returns #(MEMORY-SIZE FILE-SIZE SECONDS), or #f if the file is
on another machine.  FLAGS is a list of the symbols force, no-notes, skip-absent, small and flattened.
FILTER, (BEGIN . LENGTH), leaves out all other guest-physical addresses.  FORMAT is elf, kdump-zlib or
another of the command's formats; LEVEL, 0 to 31, leaves out pages as makedumpfile's -d.  Neither is for
a file that QEMU writes on another machine.  VIA is #f, gdb or monitor.  PROGRESS is called
with a range #(START SIZE HVA BLOCK), or #f while QEMU writes, the bytes done, the bytes to do and the
seconds so far; NOTICE with each line that the user should know."
  (unless (string? format)
    (throw 'gdb-guest-error 'invalid (simple-format #f "format is ~s, not a string" format)))
  (call-with-dumped-guest
   file (memq 'force flags) via progress notice
   (lambda (guest)
     (%guest-dump guest file flags filter format level
                  (lambda (range done total seconds written)
                    (progress range done total seconds))
                  notice))))

;;; Text.

(define (selected-via options)
  (match (option options 'via)
    ("gdb" 'gdb)
    ("monitor" 'monitor)
    (_ #f)))

(define (dump-and-print options)
  (call-with-progress
   (lambda (show-progress erase-progress)
     (define (progress range done total seconds)
       (show-progress (%progress-text done total 0 seconds) seconds))
     (define (notice text)
       (erase-progress)
       (note "~a" text))
     (call-with-dumped-guest
      (option options 'file) (option options 'force) (selected-via options) progress notice
      (lambda (guest)
        (run-command "dump-guest-memory" options guest (front-end #:progress show-progress)
                     erase-progress))))))

(register-guest-command "dump-guest-memory" dump-and-print)
