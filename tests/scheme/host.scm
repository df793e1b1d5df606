;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; (gdb-guest gdb host): GDB's answers to the four questions, about program.c: of a process, of its core,
;;; and over a connection.  What is right the program itself says, in `truth'.

(use-modules ((gdb-guest gdb command) #:select (set-convenience-variable)) (gdb-guest gdb host)
             (gdb-guest gdb selection) (gdb-guest gdb target) (gdb-guest native) (rnrs bytevectors)
             ((gdb) #:prefix gdb:))

(define core (string-append folder "/core"))
(define program (string-append folder "/program"))

(define (truth name)
  (gdb:value->integer (gdb:parse-and-eval (string-append "(unsigned long) truth." name))))

(define (with-guest procedure)
  (call-with-host (current-target) procedure))

(define (ask question . arguments)
  (with-guest (lambda (guest) (apply question guest arguments))))

(define (register thread name)
  (let ((bytes (ask %guest-registers thread name)))
    (bytevector-uint-ref bytes 0 (endianness little) (bytevector-length bytes))))

(define (test-host where)
  (define (name text) (string-append where ": " text))

  ;; Members.
  (test-equal (name "a type's size") (cons 0 (truth "outer_size")) (ask %guest-member "outer" ""))
  (test-equal (name "a typedef stands for its type")
    (cons 0 (truth "outer_size")) (ask %guest-member "Outer" ""))
  (test-equal (name "a typedef of a typedef stands for its type")
    (cons (truth "array") (truth "array_size")) (ask %guest-member "OuterAgain" "array"))
  (test-equal (name "a struct that only its typedef names")
    (cons (truth "unnamed_inner") (truth "inner_size")) (ask %guest-member "Unnamed" "inner"))
  (test-equal (name "a union by its tag") '(0 . 8) (ask %guest-member "both" "whole"))
  (test-equal (name "a member of an anonymous union")
    (cons (truth "whole") 8) (ask %guest-member "outer" "whole"))
  (test-equal (name "a member of an anonymous struct in an anonymous union")
    (cons (truth "high") 4) (ask %guest-member "outer" "high"))
  (test-equal (name "a member by a path through structs, typedef'd and not")
    (cons (truth "unnamed_second") 8) (ask %guest-member "outer" "unnamed.inner.second"))
  (test-equal (name "a member of a struct without a tag")
    (cons (truth "named_y") 4) (ask %guest-member "outer" "named.y"))
  (test-equal (name "a struct without a tag as a member")
    (cons (- (truth "named_y") 4) (truth "named_size")) (ask %guest-member "outer" "named"))
  (test-equal (name "a member by a path through a union")
    (cons (truth "both_halves") 8) (ask %guest-member "outer" "both.halves"))
  (test-equal (name "a pointer's size is its own")
    (truth "pointer_size") (cdr (ask %guest-member "outer" "pointer")))
  (test-throws (name "a path does not follow a pointer")
    'not-found "type outer has no member pointer.first" (ask %guest-member "outer" "pointer.first"))
  (test-throws (name "a missing member is named, with its type")
    'not-found "type outer has no member unnamed.outer.x"
    (ask %guest-member "outer" "unnamed.outer.x"))
  (test-equal (name "an enumerator's value, and its enumeration's size")
    '(41 . 4) (ask %guest-member "Choice" "LARGER"))
  (test-equal (name "an enumerator by the enumeration's tag")
    '(7 . 4) (ask %guest-member "tagged" "TAGGED"))
  (test-throws (name "a missing enumerator is named, with its enumeration")
    'not-found "type Choice has no member HUGE" (ask %guest-member "Choice" "HUGE"))
  (test-throws (name "a negative enumerator is refused")
    'unsupported "BELOW is negative" (ask %guest-member "Choice" "BELOW"))
  (test-throws (name "a missing type is named")
    'not-found "no type nowhere" (ask %guest-member "nowhere" "x"))
  (test-equal (name "a bit field is refused")
    'unsupported (car (outcome (lambda () (ask %guest-member "outer" "bits_high")))))

  ;; Symbols.
  (test-equal (name "a global symbol's address") (truth "pattern") (ask %guest-symbol "pattern"))
  (test-equal (name "a static symbol's address") (truth "hidden") (ask %guest-symbol "hidden"))
  (test-equal (name "a function's address") (truth "main") (ask %guest-symbol "main"))
  (test-equal (name "a missing symbol is of the kind not-found")
    'not-found (car (outcome (lambda () (ask %guest-symbol "no_such_symbol")))))
  (test-equal (name "an expression is not a symbol")
    'not-found (car (outcome (lambda () (ask %guest-symbol "pattern[1]")))))
  (test-equal (name "a symbol's name runs nothing in the program")
    'not-found (car (outcome (lambda () (ask %guest-symbol "outer, ready()")))))

  ;; Memory.
  (test-equal (name "memory is what the program wrote")
    (map (lambda (i) (logxor i #x5a)) (iota 256))
    (bytevector->u8-list (ask %guest-read (truth "pattern") 256)))
  (test-assert (name "memory in pieces is what the program wrote")
    (let ((bytes (ask %guest-read (truth "large") (truth "large_size"))))
      (let loop ((i 0))
        (or (= i (bytevector-length bytes))
            (and (= (bytevector-u8-ref bytes i) (modulo i 251))
                 (loop (+ i 1)))))))
  (test-equal (name "one byte")
    (list (logxor 77 #x5a))
    (bytevector->u8-list (ask %guest-read (+ (truth "pattern") 77) 1)))
  (test-assert (name "memory that is not mapped is an error")
    (memq (car (outcome (lambda () (ask %guest-read 16 8)))) '(fault absent)))
  (test-assert (name "the last page of the address space is an error")
    (memq (car (outcome (lambda () (ask %guest-read (- (expt 2 64) 4096) 4096)))) '(fault absent)))

  ;; Registers.
  (test-equal (name "a register of thread 1") #x1111111111111111 (register 1 "r12"))
  (test-equal (name "a register of thread 2") #x2222222222222222 (register 2 "r12"))
  (test-equal (name "the flags of thread 1: no carry") 0 (logand 1 (register 1 "eflags")))
  (test-equal (name "the flags of thread 2: carry") 1 (logand 1 (register 2 "eflags")))
  (test-equal (name "the selected thread stays selected")
    1 (gdb:value->integer (gdb:parse-and-eval "$_thread")))
  (test-equal (name "a missing register is of the kind not-found")
    'not-found (car (outcome (lambda () (ask %guest-registers 1 "no_such_register")))))
  (test-equal (name "a missing thread is of the kind not-found")
    'not-found (car (outcome (lambda () (ask %guest-registers 3 "rip")))))

  (test-throws (name "a guest does not outlive its host")
    'invalid "the guest is no longer in use"
    (%guest-symbol (with-guest (lambda (guest) guest)) "pattern")))

(test-equal "with nothing to look at the target is of the kind none"
  'none (target-kind (current-target)))

(gdb:execute "break ready" #:to-string #t)
(gdb:execute "run" #:to-string #t)
(test-equal "a process is a target of the kind process" 'process (target-kind (current-target)))
(test-equal "a process's number is known"
  (truth "pid") (target-pid (current-target)))
(test-equal "a process's program is known" program (target-program (current-target)))
(test-host "process")

(define (set-and-print value)
  (set-convenience-variable "guest_test" value)
  (gdb:execute "output $guest_test" #:to-string #t))
(test-equal "a convenience variable is set" "18446744073709551615" (set-and-print (- (expt 2 64) 1)))
(test-equal "a convenience variable is made void" "void" (set-and-print #f))
(test-equal "a convenience variable is set again" "0" (set-and-print 0))

(gdb:execute (string-append "generate-core-file " core) #:to-string #t)
(gdb:execute "kill" #:to-string #t)
(gdb:execute (string-append "core-file " core) #:to-string #t)
(test-equal "a core is a target of the kind core" 'core (target-kind (current-target)))
(test-equal "a core's file is known" core (target-core (current-target)))
(test-equal "a core's program is known" program (target-program (current-target)))
(test-host "core")

(gdb:execute "core-file" #:to-string #t)
(if (search-path (string-split (getenv "PATH") #\:) "gdbserver")
    (begin
      (gdb:execute (string-append "target remote | gdbserver --once - " program) #:to-string #t)
      (gdb:execute "continue" #:to-string #t)
      (test-equal "a connection is a target of the kind other"
        'other (target-kind (current-target)))
      (test-host "connection")
      (gdb:execute "kill" #:to-string #t))
    (skip "connection: all that holds for a process" "gdbserver is missing"))
