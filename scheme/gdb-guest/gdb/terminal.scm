;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB's output, its pager and its questions.

(define-module (gdb-guest gdb terminal)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 binary-ports)
  #:use-module (ice-9 format)
  #:use-module (ice-9 iconv)
  #:use-module (ice-9 match)
  #:export (ask
            fail
            say
            say-aside
            say-bytes
            say-now
            styled-output?))

(define failure #f)                     ; the last failure's text

(define (fail format-string . arguments)
  "Ends a command with one line."
  (set! failure (apply format #f format-string arguments))
  (gdb:throw-user-error "~a" failure))

;; GDB's Guile has "ERROR: " before an error's text, and an empty line behind it, where GDB's own
;; commands have the text alone.
(define (print-failures-as-gdb)
  (let ((printer (module-variable (resolve-module '(gdb)) '%print-exception-message)))
    (when printer
      (let ((print (variable-ref printer)))
        (variable-set! printer
                       (lambda (port frame key arguments)
                         (match arguments
                           ((_ _ ((? string? text)) . _)
                            (if (eq? text failure)
                                (display text port)
                                (print port frame key arguments)))
                           (_ (print port frame key arguments)))))))))

(print-failures-as-gdb)

;; Off a terminal GDB's ports are buffered, and what is in the buffer at exit is lost.
(setvbuf (gdb:output-port) 'none)
(setvbuf (gdb:error-port) 'none)

;; Writes bytes: where the pager ends a command within `display', encoded bytes stay in the port, which
;; takes no text after that.
(define (encode text port)
  (string->bytevector text (or (port-encoding port) "UTF-8") 'substitute))

(define (put-bytes port bytes)
  (if (pager?)
      ;; While GDB waits for a key there, it hears Ctrl-C itself.
      (when (%lend-interrupt (lambda () (put-bytevector port bytes)))
        (throw-pending-interrupt))
      (put-bytevector port bytes)))

(define (pager?)
  "Tests whether GDB may ask whether to show the next page."
  (and (gdb:parameter-value "pagination")
       (not (memv (gdb:parameter-value "height") '(0 #:unlimited)))
       (isatty? (fdes->inport 0))
       (isatty? (fdes->outport 1))))

(define (say format-string . arguments)
  "Prints a part of a command's result."
  (let ((port (gdb:output-port)))
    (put-bytes port (encode (apply format #f format-string arguments) port))))

(define (say-bytes bytes)
  "Prints a part of a command's result, bytes in GDB's character set."
  (put-bytes (gdb:output-port) bytes))

(define (say-now)
  "Shows the output so far: GDB's own output is buffered too, off a terminal."
  (gdb:execute "echo"))

;; A Ctrl-C must not wait for the line.
(define (read-typed-line)
  (let ((port (fdes->inport 0)))
    (define (typed?)
      (catch 'system-error
        (lambda () (pair? (car (select (list 0) '() '() 0 100000))))
        (const #f)))
    (setvbuf port 'none)
    (let loop ((characters '()))
      (%check-interrupt)
      (if (not (typed?))
          (loop characters)
          (match (read-char port)
            ((or (? eof-object?) #\newline) (list->string (reverse characters)))
            (character (loop (cons character characters))))))))

(define (ask question)
  "Asks QUESTION, and returns whether the user says yes.  As with GDB's own questions, the answer is yes
where nobody is asked (set confirm off, a script, batch mode).  Inside of `interruptible' only."
  (or (not (gdb:parameter-value "confirm"))
      (not (isatty? (fdes->inport 0)))
      (let loop ()
        (say "~a (y or n) " question)
        (say-now)
        (let ((answer (string-downcase (string-trim-both (read-typed-line)))))
          (cond
           ((string-prefix? "y" answer) #t)
           ((or (string-null? answer) (string-prefix? "n" answer)) #f)
           (else
            (say "Please answer y or n.\n")
            (loop)))))))

(define (styled-output?)
  "Tests whether GDB's output goes to a terminal that shows colours, and the user wants colours."
  (and (gdb:parameter-value "style enabled")
       (isatty? (fdes->outport 1))
       (not (member (or (getenv "TERM") "dumb") '("" "dumb")))))

(define (say-aside format-string . arguments)
  "Prints progress and other text beside the result, which is not paged."
  (let ((port (gdb:error-port)))
    (put-bytevector port (encode (apply format #f format-string arguments) port))))
