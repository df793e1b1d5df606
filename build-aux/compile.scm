;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Compiles the modules, in a plain Guile: for GDB's module (gdb) that of scheme/stock stands in.  The
;;; environment says where they are and which; a failure ends Guile with an error.

(define stage (getenv "GDB_GUEST_STAGE"))

(set! %load-path (cons* stage (string-append stage "/stock") %load-path))
(set! %load-should-auto-compile #f)

(for-each
 (lambda (name)
   (let* ((source (string-append stage "/" name))
          (output (string-append (string-drop-right source 4) ".go")))
     (catch #t
       (lambda ()
         (compile-file source #:output-file output))
       (lambda (key . arguments)
         (format (current-error-port) "~a: ~s ~s~%" source key arguments)
         (primitive-_exit 1)))))
 (string-tokenize (getenv "GDB_GUEST_MODULES")))
