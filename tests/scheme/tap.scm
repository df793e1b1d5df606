;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; SRFI-64's results as TAP.  A test's name is the sentence that it proves.

(use-modules (srfi srfi-64) (ice-9 format) (ice-9 match))

(define (say-aside format-string . arguments)
  (let ((text (apply format #f format-string arguments)))
    (for-each (lambda (line) (format #t "# ~a~%" line))
              (string-split text #\newline))))

(define (explain runner)
  (for-each (match-lambda
              ((name . property)
               (let ((value (test-result-ref runner property (string->symbol "nothing"))))
                 (unless (eq? value 'nothing)
                   (say-aside "~a: ~s" name value)))))
            '(("expected" . expected-value) ("actual" . actual-value)
              ("thrown" . actual-error) ("line" . source-line) ("form" . source-form))))

(define (make-tap-runner)
  (let ((runner (test-runner-null))
        (count 0))
    (test-runner-on-test-end! runner
      (lambda (runner)
        (set! count (+ count 1))
        (let ((passed? (memq (test-result-kind runner) '(pass xfail skip))))
          (format #t "~:[not ok~;ok~] ~a - ~a~%" passed? count (test-runner-test-name runner))
          (unless passed?
            (explain runner))
          (force-output))))
    (test-runner-on-final! runner
      (lambda (runner)
        (format #t "1..~a~%" count)
        (force-output)))
    runner))

;; The exception of a procedure, as (KEY . MESSAGE); of our own exceptions, as (KIND . MESSAGE).
(define (outcome thunk)
  (catch #t
    (lambda () (list 'returned (thunk)))
    (lambda (key . arguments)
      (match (cons key arguments)
        (('gdb-guest-error kind message) (cons kind message))
        ((key _ (? string? message) (? list? values) . _)
         (cons key (apply simple-format #f message values)))
        (other other)))))

(define-syntax test-throws
  (syntax-rules ()
    ((_ name kind message expression)
     (test-equal name (cons kind message) (outcome (lambda () expression))))))

(define (skip name reason)
  (test-skip 1)
  (test-assert (string-append name " # SKIP " reason) #f))
