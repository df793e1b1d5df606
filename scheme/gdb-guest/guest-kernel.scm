;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-kernel)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest json)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (srfi srfi-1)
  #:export (guest-kernels
            choose-guest-kernel))

(define* (guest-kernels #:key scan?)
  "The Linux kernels in the guest's RAM, those that more CPUs run first, a list of association lists:
number (from 1), release, architecture, identity and vmcoreinfo (where that is), vmcoreinfo-by
(scan, device, tables, choice or kdump), chosen (it is the one that all commands show), cpus (a list of those
that run it), crash-time (seconds since 1970 if it has crashed, or #f), panic (the line of its log
that says so, or #f), last-record (nanoseconds of its clock, or #f) and last-text (the last line of
its log, or #f).  At a gdbstub all of RAM is looked at only with SCAN?."
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
                 (format #f "there is no kernel ~a; guest-kernel lists those that there are" number)))
        (let ((before (chosen-kernel target)))
          (choose-kernel! target (list-ref listed (- number 1)))
          (let ((chosen (find (lambda (kernel) (assq-ref kernel 'chosen))
                              (call-with-guest (lambda (guest) (%guest-kernels guest #f))))))
            (unless (and chosen (chosen-kernel target))
              (choose-kernel! target before)
              (throw 'gdb-guest-error 'not-found
                     (format #f "kernel ~a is not there any more; guest-kernel lists those that there are"
                             number)))
            (assq-ref chosen 'release))))))))

;;; Text.

(define (cpus-text cpus crashed?)
  (match cpus
    (() "no CPU runs it")
    (_ (format #f "~a CPU~a ~a" (if crashed? "has parked" "running on")
               (if (= (length cpus) 1) "" "s") (string-join (map number->string cpus) ",")))))

(define (crash-text seconds)
  (if seconds
      (strftime ", crashed at %Y-%m-%d %H:%M:%S UTC" (gmtime seconds))
      ""))

(define (place-text kernel)
  (match (assq-ref kernel 'vmcoreinfo-by)
    ('device "as the vmcoreinfo device has it")
    ('tables "found by the CPUs' page tables")
    ('choice "where guest-kernel found it")
    ('kdump "as the kernel that was booted after the crash has it")
    (_ "found by scanning")))

;; As the kernel prints it.
(define (time-text nanoseconds)
  (let ((microseconds (quotient nanoseconds 1000)))
    (format #f "[~5d.~6,'0d] " (quotient microseconds 1000000) (remainder microseconds 1000000))))

(define (print-kernel kernel)
  (say "~a~a  Linux ~a, ~a, ~a~a\n" (if (assq-ref kernel 'chosen) "*" " ")
       (assq-ref kernel 'number) (assq-ref kernel 'release) (assq-ref kernel 'architecture)
       (cpus-text (assq-ref kernel 'cpus) (assq-ref kernel 'crash-time)) (crash-text (assq-ref kernel 'crash-time)))
  (say "    VMCOREINFO at guest-physical 0x~x, ~a\n" (assq-ref kernel 'vmcoreinfo)
       (place-text kernel))
  (let ((panic (assq-ref kernel 'panic)))
    (when panic
      (say "    panic: ~a\n" panic)))
  (let ((last (assq-ref kernel 'last-text))
        (time (assq-ref kernel 'last-record)))
    (when last
      (say "    last log line: ~a~a\n" (if time (time-text time) "") last))))

(define (print-json kernel)
  (define (or-null value) (or value 'null))
  (say "~a\n"
       (json `((number . ,(assq-ref kernel 'number))
               (release . ,(assq-ref kernel 'release))
               (architecture . ,(assq-ref kernel 'architecture))
               (chosen . ,(assq-ref kernel 'chosen))
               (cpus . ,(list->vector (assq-ref kernel 'cpus)))
               (crash_time . ,(or-null (assq-ref kernel 'crash-time)))
               (vmcoreinfo . ,(assq-ref kernel 'vmcoreinfo))
               (vmcoreinfo_by . ,(assq-ref kernel 'vmcoreinfo-by))
               (panic . ,(or-null (assq-ref kernel 'panic)))
               (last_record_ns . ,(or-null (assq-ref kernel 'last-record)))
               (last_text . ,(or-null (assq-ref kernel 'last-text)))))))

(define (print-kernels options)
  (let ((print (if (option options 'json) print-json print-kernel)))
    (for-each print (guest-kernels #:scan? (option options 'scan)))))

(define (parse-number text)
  (let ((number (string->number text)))
    (unless (and number (exact-integer? number) (positive? number))
      (throw 'gdb-guest-error 'invalid
             (format #f "~s is not a kernel's number, which guest-kernel shows" text)))
    number))

(define (run-command options)
  (let ((number (option options 'number)))
    (cond
     ((and number (option options 'auto))
      (throw 'gdb-guest-error 'invalid "a number and -auto do not go together"))
     (number
      (let ((number (parse-number number)))
        (say "kernel ~a is chosen: Linux ~a\n" number (choose-guest-kernel number))))
     ((option options 'auto) (choose-guest-kernel #f))
     (else (print-kernels options)))))

(register-guest-command "guest-kernel" run-command)
