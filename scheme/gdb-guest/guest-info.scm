;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-info)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (srfi srfi-1)
  #:export (guest-info
            guest-layout))

(define (guest-info)
  "What there is to know of the guest at a glance, as an association list: target, run-state-before (of a
stub's guest, before GDB connected: ran, paused, resumed, unknown), qemu, cpus, nested (a list of pairs: the
number of a CPU that executes a nested guest, or may, and the symbol nested or maybe), ram, hidden and absent (lists of
#(START SIZE HVA BLOCK)), backing, kernel, notices; absent-count, absent-size and absent-advice, since of
many thousand pieces absent has only the first.  In the place of what could not be had is
(error . MESSAGE)."
  (define (try thunk)
    (catch 'gdb-guest-error
      thunk
      (lambda (key kind message)
        (if (final? kind)
            (throw key kind message)
            (cons 'error message)))))
  (call-with-guest
   (lambda (guest)
     ;; Without RAM there is nothing to look at: that is the command's error.
     (let* ((ram (%guest-ram guest))
            (info (%guest-info guest))
            (target (current-target)))
       (append `((target . ,target)
                 (run-state-before . ,(and (eq? (target-kind target) 'stub) (state-before)))
                 (ram . ,ram)
                 (hidden . ,(%guest-hidden guest)))
               ;; Behind the search for the kernel, which may have found more that cannot be read.
               (match (try (lambda () (%guest-absent guest)))
                 (('error . message) `((absent error . ,message)))
                 (absent absent))
               info)))))

(define (fact facts name)
  "The value of a fact; #f for what is missing or an error, which `problems' tells."
  (match (and (pair? facts) (list? facts) (assq name facts))
    ((_ . ('error . _)) #f)
    ((_ . value) value)
    (_ #f)))

(define (problems facts)
  (filter-map (match-lambda
                ((_ . ('error . message)) message)
                (_ #f))
              (if (list? facts) facts '())))

;; A line fits into a terminal of 80 columns.
(define columns 79)
(define indentation 10)

(define (ends-of-parts text)
  "Behind which characters of TEXT it may be broken: behind commas and semicolons."
  (filter (lambda (i)
            (and (memv (string-ref text i) '(#\, #\;))
                 (char=? #\space (string-ref text (+ i 1)))))
          (iota (max 0 (- (string-length text) 1)))))

(define (wrap text)
  "TEXT as lines: as few parts as will do are in the first, or as many words as fit into it."
  (define room (- columns indentation))
  (define (fits? from to) (<= (- to from) room))
  (define length (string-length text))
  (define (break-behind end)
    (cons (substring text 0 (+ end 1)) (wrap (substring text (+ end 2)))))
  (cond
   ((fits? 0 length) (list text))
   ((find (lambda (end) (and (fits? 0 (+ end 1)) (fits? (+ end 2) length)))
          (ends-of-parts text))
    => break-behind)
   ((string-rindex text #\space 0 (min length (+ room 1)))
    => (lambda (space)
         (cons (substring text 0 space) (wrap (substring text (+ space 1))))))
   (else (list text))))

(define (line name format-string . arguments)
  (let ((texts (wrap (apply format #f format-string arguments))))
    (for-each (lambda (name text) (say "~a~a\n" (string-pad-right name indentation) text))
              (cons name (map (const "") (cdr texts)))
              texts)))

(define (print-version info)
  (line "gdb-guest" "~a" (%version)))

(define (print-target info)
  (let ((target (assq-ref info 'target)))
    (match (target-kind target)
      ('core (line "core" "~a" (target-core target)))
      ('stub
       (line "gdbstub" "~a" (target-connection target))
       (line "" "~a" (run-state-text (assq-ref info 'run-state-before))))
      (_ (line "process" "~a" (target-pid target))))))

;; QEMU lets it run at GDB's detach.
(define (run-state-text before)
  (match before
    ('ran "the guest ran until GDB connected, and runs on when GDB leaves (unless by disconnect)")
    ('paused
     (if (stays-paused?)
         "the guest was paused when GDB connected, and stays so when GDB leaves (unless by detach)"
         "the guest was paused when GDB connected: end with disconnect, or GDB lets it run"))
    ('resumed "the guest has been let run since GDB connected, and runs on when GDB leaves")
    (_ "whether the guest ran before GDB connected is not known: GDB lets it run when it leaves (unless by \
disconnect)")))

(define (print-qemu info)
  (let ((qemu (assq-ref info 'qemu)))
    (line "QEMU" "~a, machine ~a, ~a, ~a"
          (or (fact qemu 'version) "version unknown")
          (or (fact qemu 'machine) "unknown")
          (or (fact qemu 'run-state) "run state unknown")
          (match (fact qemu 'accelerator)
            ((or #f "unknown") "accelerator unknown")
            (accelerator accelerator)))
    (line "layout" (match (fact qemu 'layout)
                     ('types "from QEMU's debuginfo")
                     ('structure "found by structure: QEMU has no debuginfo here")
                     ('monitor "as QEMU's monitor tells it")))))

(define (print-cpus info)
  (define (cpus-with list value)
    "The numbers of those in an association list that have VALUE, as a text; #f for none."
    (match (filter-map (lambda (cpu)
                         (and (eq? (cdr cpu) value) (number->string (car cpu))))
                       list)
      (() #f)
      (numbers (string-join numbers ","))))
  (define (part list word value)
    (let ((numbers (cpus-with list value)))
      (and numbers (format #f "~a ~a" word numbers))))
  (match (assq-ref info 'cpus)
    (('error . _) (line "CPUs" "unknown"))
    (cpus
     (line "CPUs" "~a: ~a" (length cpus)
           (string-join
            (filter identity
                    (append (map (lambda (freshness) (part cpus freshness freshness))
                                 '(current stale unknown))
                            (map (lambda (word value) (part (assq-ref info 'nested) word value))
                                 '("in a nested guest" "perhaps in a nested guest")
                                 '(nested maybe))))
            "; ")))))

;; A guest with a virtio-mem may have thousands of ranges.
(define ranges-shown 12)

(define (print-ranges name ranges count suffix)
  (let ((shown (list-head ranges (min ranges-shown (length ranges)))))
    (for-each (lambda (range name) (line name "~a~a" (format-range range) suffix))
              shown
              (cons name (make-list (length shown) "")))
    (when (> count ranges-shown)
      (line "" "... and ~a more" (- count ranges-shown)))))

(define (total ranges)
  (fold (lambda (range sum) (+ sum (vector-ref range 1))) 0 ranges))

(define (print-ram info)
  (let ((ram (assq-ref info 'ram)))
    (line "RAM" "~a in ~a range~a, read from ~a" (format-size (total ram)) (length ram)
          (if (= (length ram) 1) "" "s") (assq-ref info 'backing))
    (print-ranges "" ram (length ram) "")
    (match (assq-ref info 'hidden)
      (() #t)
      (hidden
       (line "hidden" "~a: a device, a ROM or SMRAM is mapped over it" (format-size (total hidden)))
       (print-ranges "" hidden (length hidden) "")))
    (match (assq-ref info 'absent)
      (() #t)
      (('error . message) (note "~a" message))
      (absent
       (let ((count (assq-ref info 'absent-count)))
         (line "missing" "~a in ~a range~a" (format-size (assq-ref info 'absent-size)) count
               (if (= count 1) "" "s"))
         (print-ranges "" absent count ", missing"))))))

;; As the kernel prints it, which cuts off what is below a microsecond.
(define (kernel-time nanoseconds)
  (let ((microseconds (quotient nanoseconds 1000)))
    (format #f "~d.~6,'0d" (quotient microseconds 1000000) (remainder microseconds 1000000))))

;; The kernel's clock starts later than QEMU's, after the firmware: so this much ago at most.
(define (print-last-record info kernel)
  (let ((last (fact kernel 'last-record))
        (now (fact (assq-ref info 'qemu) 'virtual-clock)))
    (when last
      (line "" "last log line at ~a s~a" (kernel-time last)
            (if (and now (>= now last))
                (format #f ", at most ~,1f s before the machine stopped" (/ (- now last) 1e9))
                "")))))

(define (print-kernel info)
  (match (assq-ref info 'kernel)
    (('error . _) (line "kernel" "none found"))
    (kernel
     (line "kernel" "Linux ~a, ~a" (fact kernel 'release)
           (match (fact kernel 'nodename)
             (#f "host name unknown")
             ;; The kernel's default (CONFIG_DEFAULT_HOSTNAME).
             ("(none)" "host name not set")
             (name (string-append "host name " name))))
     (when (fact kernel 'version)
       (line "" "~a" (fact kernel 'version)))
     (line "" "VMCOREINFO at guest-physical 0x~x, ~a~a" (fact kernel 'vmcoreinfo)
           (match (fact kernel 'vmcoreinfo-by)
             ('device "as the vmcoreinfo device has it")
             ('tables "found by the CPUs' page tables")
             ('choice "as chosen by guest-kernel")
             ('kdump "as the kernel that was booted after the crash has it")
             (_ "found by scanning"))
           (match (fact kernel 'kaslr-offset)
             (#f "")
             (offset (string-append ", KASLR offset 0x" offset))))
     (line "" "~a-level page tables, image at 0x~x (guest-physical 0x~x~a)"
           (fact kernel 'levels) (fact kernel 'image) (fact kernel 'image-gpa)
           (match (fact kernel 'image-size)
             (#f "")
             (size (string-append ", " (format-size size)))))
     (when (fact kernel 'direct-map)
       (line "" "direct map at 0x~x" (fact kernel 'direct-map)))
     (print-last-record info kernel))))

(define (print-notes info)
  (when (pair? (assq-ref info 'absent))
    (and=> (assq-ref info 'absent-advice)
           (lambda (advice) (note "missing: ~a" advice))))
  (for-each (lambda (text) (note "~a" text))
            (delete-duplicates
             (append (problems (assq-ref info 'qemu))
                     (problems (list (assq 'cpus info) (assq 'kernel info)))
                     (assq-ref info 'notices)))))

;;; Layouts: for those who work on how they are found.

(define (guest-layout)
  "Where members of QEMU's types are: a list of #(TYPE PATH BY-TYPES BY-STRUCTURE PROOF), with
(OFFSET . SIZE), or #f for what is not known."
  (call-with-guest %guest-layout))

(define (print-layout)
  (define (place member)
    (match member
      ((offset . size) (format #f "+~a, ~a bytes" offset size))
      (#f "unknown")))
  (for-each
   (match-lambda
     (#(type path by-types by-structure proof)
      (say "~a~a~a: ~a (~a)\n" type (if (string-null? path) "" ".") path
           (cond
            ((not by-structure) "NOT FOUND")
            ((not by-types) (string-append "by structure only, " (place by-structure)))
            ((equal? by-types by-structure) (string-append "both agree, " (place by-types)))
            ;; QEMU saves some arrays in part.
            ((and (= (car by-types) (car by-structure)) (> (cdr by-types) (cdr by-structure)))
             (format #f "both agree, ~a, of which ~a are saved" (place by-types)
                     (cdr by-structure)))
            (else (string-append "DIFFER, by types " (place by-types) ", by structure "
                                 (place by-structure))))
           proof)))
   (guest-layout)))

(define (print-info options)
  (if (option options 'layout)
      (print-layout)
      (print-overview)))

(define (print-overview)
  (let ((info (guest-info)))
    (for-each (lambda (print) (print info))
              (list print-version print-target print-qemu print-cpus print-ram print-kernel print-notes))))

(register-guest-command "guest-info" print-info)
