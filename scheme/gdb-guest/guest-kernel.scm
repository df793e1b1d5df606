;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-kernel)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb remembered)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (srfi srfi-1)
  #:export (guest-kernels
            name-guest-vmlinux
            choose-guest-kernel))

(define* (guest-kernels #:key scan?)
  "Returns the Linux kernels in the guest's RAM, a list of association lists, those that more CPUs run
first: number (from 1), release, architecture, identity, vmcoreinfo (its address), vmcoreinfo-by (scan,
device, tables, choice or kdump), chosen (all commands show this kernel), cpus (the numbers of the CPUs
that run it), crash-time (seconds since 1970, or #f for a kernel that has not crashed), panic (the line of
its log about a panic, or #f), last-record (nanoseconds of its clock, or #f) and last-text (the last line
of its log, or #f).  At a gdbstub all of RAM is looked at only with SCAN?."
  (call-with-guest
   (lambda (guest)
     (let ((kernels (%guest-kernels guest scan?)))
       (remember-listed-kernels! (current-target) (map kernel-choice kernels))
       (map (lambda (number kernel) (acons 'number number kernel))
            (iota (length kernels) 1)
            kernels)))))

(define (kernel-choice kernel)
  (cons (assq-ref kernel 'vmcoreinfo) (assq-ref kernel 'identity)))

(define (choose-guest-kernel number)
  "Has all commands show the kernel NUMBER of the list that was shown last, or of a new one; for #f
the kernel that runs.  Returns the release, or #f."
  (let ((target (current-target)))
    (cond
     ((not number) (choose-kernel! target #f) #f)
     (else
      (when (null? (listed-kernels target))
        (guest-kernels))
      (let ((listed (listed-kernels target)))
        (unless (<= 1 number (length listed))
          (throw 'gdb-guest-error 'not-found
                 (format #f "there is no kernel ~a; guest-kernel lists the kernels" number)))
        (let ((before (chosen-kernel target)))
          (choose-kernel! target (list-ref listed (- number 1)))
          (let ((chosen (find (lambda (kernel) (assq-ref kernel 'chosen))
                              (call-with-guest (lambda (guest) (%guest-kernels guest #f))))))
            (unless (and chosen (chosen-kernel target))
              (choose-kernel! target before)
              (throw 'gdb-guest-error 'not-found
                     (format #f "kernel ~a is no longer there; guest-kernel lists the kernels"
                             number)))
            (assq-ref chosen 'release))))))))

(define (name-guest-vmlinux file)
  "Has all commands take the types of the guest's kernel from FILE, its vmlinux with debuginfo, where
the kernel has no BTF; for #f from no file."
  (let* ((target (current-target))
         (before (named-vmlinux target)))
    (name-vmlinux! target file)
    (when file
      (catch #t
        (lambda () (call-with-guest %guest-check-vmlinux))
        (lambda arguments
          (name-vmlinux! target before)
          (apply throw arguments))))))

;;; Text.

(define (front-end-of-kernels)
  ;; The list is remembered although the user may end its text.
  (let ((target (current-target))
        (kernels '()))
    (front-end #:listed (lambda (kernel)
                          (set! kernels (append kernels (list kernel)))
                          (remember-listed-kernels! target kernels)))))

(define (parse-number text)
  (let ((number (string->number text)))
    (unless (and number (exact-integer? number) (positive? number))
      (throw 'gdb-guest-error 'invalid
             (format #f "~s is not a kernel's number, which guest-kernel shows" text)))
    number))

(define (choose-or-list options)
  (let ((number (option options 'number)))
    (cond
     ((and number (option options 'auto))
      (throw 'gdb-guest-error 'invalid "a number and -auto do not go together"))
     (number
      (let ((number (parse-number number)))
        (say "kernel ~a is chosen: Linux ~a\n" number (choose-guest-kernel number))))
     ((option options 'vmlinux)
      => (lambda (file) (name-guest-vmlinux (and (not (string-null? file)) file))))
     ((option options 'auto) (choose-guest-kernel #f))
     (else (print-command "guest-kernel" options front-end-of-kernels)))))

(register-guest-command "guest-kernel" choose-or-list)
