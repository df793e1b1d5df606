;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Data as JSON (RFC 8259), on one line.

(define-module (gdb-guest json)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (json))

(define (escape char)
  (case char
    ((#\" #\\) (string #\\ char))
    (else (if (char<? char #\space)
              (format #f "\\u~4,'0x" (char->integer char))
              (string char)))))

(define (json-string text)
  (string-append "\"" (string-concatenate (map escape (string->list text))) "\""))

(define (join values) (string-join values ", "))

(define (json value)
  "VALUE as text: an alist with symbols as keys is an object, a vector an array, `null' is null."
  (match value
    ((? boolean?) (if value "true" "false"))
    ('null "null")
    ((? integer?) (number->string value))
    ((? string?) (json-string value))
    ((? symbol?) (json-string (symbol->string value)))
    ((? vector?) (string-append "[" (join (map json (vector->list value))) "]"))
    (((keys . values) ...)
     (string-append "{"
                    (join (map (lambda (key value)
                                 (string-append (json-string (symbol->string key)) ": "
                                                (json value)))
                               keys values))
                    "}"))))
