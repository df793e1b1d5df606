;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB's commands in Scheme, and their expressions.

(define-module (gdb-guest gdb command)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest gdb execute)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:export (evaluate-integer
            register-command
            set-convenience-variable))

(define (register-command name doc invoke complete)
  "Registers the command NAME.  INVOKE is called with the arguments as one text, COMPLETE with that text and
its piece behind the last word break.  An empty line does not repeat the command."
  (gdb:register-command!
   (gdb:make-command name
                     #:invoke (lambda (self text from-tty?)
                                (gdb:dont-repeat self)
                                (invoke text))
                     #:command-class gdb:COMMAND_DATA
                     #:completer-class (lambda (self text word)
                                         (complete text word))
                     #:doc doc)))

(define (void? text)
  "Tests whether the GDB expression TEXT is void, as a convenience variable is before it is set."
  (eqv? 1 (gdb:value->integer (gdb:parse-and-eval (string-append "$_isvoid (" text ")")))))

(define (no-integer text)
  "Throws the reason for which the GDB expression TEXT is no integer."
  (throw-answer 'invalid "~s ~a" text
                (cond
                 ((not (void? text)) "is not a whole number")
                 ((string-prefix? "$guest_" text)
                  "has no value: guest-regs -cpu N sets $guest_rip and the like, as far as CPU N's registers are known")
                 (else "has no value"))))

;; GDB takes no literal beyond 64 bits, and in the C language -9223372036854775808 has no sign.
(define literal (make-regexp "^([+-]?)(0x([0-9a-f]+)|[1-9][0-9]*)$" regexp/icase))

(define (large-literal text)
  "The integer that TEXT is, if it is a literal that does not fit into a signed integer of 64 bits."
  (let ((match (regexp-exec literal text)))
    (and match
         (let* ((digits (match:substring match 3))
                (size (if digits
                          (string->number digits 16)
                          (string->number (match:substring match 2)))))
           (and (>= size (expt 2 63))
                (if (string=? "-" (match:substring match 1)) (- size) size))))))

(define* (evaluate-integer text #:optional (what "a number"))
  "The value of the GDB expression TEXT.  An error says that it is not WHAT."
  (catch #t
    (lambda ()
      (or (large-literal text)
          (let ((value (gdb:parse-and-eval text)))
            (catch 'wrong-type-arg
              (lambda () (gdb:value->integer value))
              (lambda _ (no-integer text))))))
    (lambda (key . arguments)
      (match (cons key arguments)
        ((or ('signal . _) ('gdb-guest-error . _)) (apply throw key arguments))
        (_ (throw-answer 'invalid "~s is not ~a: ~a" text what
                         (exception-text key arguments)))))))

(define (set-convenience-variable name value)
  "Sets $NAME to VALUE, an integer of up to 64 bits without a sign, or for #f to void."
  (gdb:parse-and-eval
   (format #f "$~a = ~a" name (if value (format #f "(unsigned long) 0x~x" value) "(void) 0"))))
