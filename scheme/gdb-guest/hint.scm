;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The line that says, when GDB has opened a QEMU, that the commands for its guest are there; the topic "help guest".

(define-module (gdb-guest hint)
  #:use-module (gdb-guest gdb command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:export (register-topic
            say-hint
            watch-prompt))

(define folder (dirname (dirname (%search-load-path "gdb-guest/hint.scm"))))

(define (watch-prompt)
  "Has GDB say the hint at its prompt, where GDB has Python."
  (catch #t
    (lambda () (execute-to-string (string-append "source " folder "/hint.py")))
    (const #f))
  *unspecified*)

(define qemu-name (make-regexp "^qemu-(system-|kvm)"))

;; A convenience variable, which ~/.gdbinit can set before any command of ours is there.
(define (off?)
  (catch #t
    (lambda () (zero? (evaluate-integer "$guest_hint")))
    (const #f)))

(define (say-hint)
  "Says that the commands are there, if GDB has the core or process of a QEMU."
  (let* ((target (gdb-target))
         (program (target-program target)))
    (when (and (memq (target-kind target) '(core process))
               program
               (regexp-exec qemu-name (basename program))
               (not (off?)))
      (say "gdb-guest: \"guest-info\" shows the guest of this QEMU, \"help guest\" lists the commands\n"))))

;;; The topic.

(define (summary help)
  "The sentence before a command's usage, on one line."
  (string-map (lambda (letter) (if (char=? letter #\newline) #\space letter))
              (substring help 0 (string-contains help "\nUsage:"))))

(define (topic)
  (format #f "Show the guest inside a QEMU: a command for each question.~%~%~:{~18a ~a~%~}~%~a"
          (map (match-lambda ((name . help) (list name (summary help)))) (%commands))
          "They take a core of QEMU, a QEMU process, QEMU's gdbstub and a vmcore; start with guest-info.
\"help guest-info\" shows a command's options, \"set guest-debug on\" what a command tries.
\"set $guest_hint = 0\", in ~/.gdbinit too, turns off the line that GDB prints when it opens a QEMU.
The manual: info gdb-guest."))

(define (register-topic)
  "Registers \"help guest\", which the command guest prints too."
  (let ((text (topic)))
    (register-command "guest" text
                      (lambda (arguments) (say "~a\n" text))
                      (const '()))))
