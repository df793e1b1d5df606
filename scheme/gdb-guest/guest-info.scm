;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-info)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 match)
  #:export (guest-info
            guest-layout
            front-end-of-info))

(define (guest-info)
  "Returns the facts about the guest, an association list: target, run-state-before (of a stub's guest,
before GDB connected: ran, paused, resumed, unknown), qemu, cpus, nested (a list of pairs: the number of a
CPU that executes a nested guest, or may, and the symbol nested or maybe), ram, hidden and absent (lists of
#(START SIZE HVA BLOCK)), backing, kernel, notices; absent-count, absent-size and absent-advice: of many
thousand pieces absent has only the first.  A fact that is not known is (error . MESSAGE)."
  (call-with-guest
   (lambda (guest)
     (let ((target (current-target)))
       `((target . ,target)
         (run-state-before . ,(state-before-connection target))
         ,@(%guest-info guest))))))

(define (guest-layout)
  "Returns the places of members of QEMU's types, a list of #(TYPE PATH BY-TYPES BY-STRUCTURE PROOF): a
place is (OFFSET . SIZE), or #f where it is not known."
  (call-with-guest %guest-layout))

;;; Text.

(define (state-before-connection target)
  (and (eq? (target-kind target) 'stub) (state-before)))

(define (target-names target)
  "Returns the kind of TARGET and its name."
  (match (target-kind target)
    ('core (list "core" (target-core target)))
    ('stub (list "gdbstub" (target-connection target)))
    (_ (list "process" (number->string (target-pid target))))))

;; QEMU lets the guest run at GDB's detach.
(define (state-text before)
  "Returns a sentence about the guest's state BEFORE GDB connected and after GDB leaves; #f for #f."
  (match before
    (#f #f)
    ('ran "the guest ran until GDB connected, and runs on when GDB leaves (unless by disconnect)")
    ('paused
     (if (stays-paused?)
         "the guest was paused when GDB connected, and stays so when GDB leaves (unless by detach)"
         "the guest was paused when GDB connected: end with disconnect, or GDB lets it run"))
    ('resumed "the guest has been let run since GDB connected, and runs on when GDB leaves")
    (_ "whether the guest ran before GDB connected is not known: GDB lets it run when it leaves (unless by \
disconnect)")))

(define* (front-end-of-info #:key (threads #f) (progress #f))
  (let* ((target (current-target))
         (before (state-before-connection target)))
    (front-end #:target (target-names target) #:state (and=> before symbol->string)
               #:state-text (state-text before)
               #:threads threads #:progress progress)))

(register-guest-command
 "guest-info"
 (lambda (options)
   (print-command "guest-info" options front-end-of-info)))
