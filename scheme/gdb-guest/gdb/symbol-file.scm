;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The guest's symbols in GDB: the vmlinux that the library made in its cache.

(define-module (gdb-guest gdb symbol-file)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest gdb execute)
  #:use-module (ice-9 format)
  #:use-module (ice-9 regex)
  #:use-module (srfi srfi-1)
  #:export (load-vmlinux!))

;; The files in the cache, whatever the cache's folder is.
(define made (make-regexp "/gdb-guest/vmlinux/[^/]*\\.vmlinux$"))

(define (quoted file)
  (string-append "\""
                 (regexp-substitute/global #f "[\"\\]" file 'pre "\\" 0 'post)
                 "\""))

(define (loaded-files)
  "The made files that the current program space has."
  (filter (lambda (file) (regexp-exec made file))
          (map gdb:objfile-filename (gdb:objfiles))))

(define (unload! file)
  ;; A file that the user loaded by another command cannot be removed.
  (catch 'gdb-guest-error
    (lambda ()
      (answering 'system
        (lambda ()
          (execute-to-string (format #f "remove-symbol-file ~a" (quoted file))))))
    (lambda (key kind . rest)
      (when (eq? kind 'interrupted)
        (apply throw key kind rest)))))

(define (load-vmlinux! file new?)
  "Has GDB load the symbols of FILE in place of made files that are loaded; a FILE that is loaded stays,
unless it is NEW?.  Symbols that the user loaded stay."
  (define (current? loaded)
    (and (not new?) (string=? (basename loaded) (basename file))))
  (let ((before (loaded-files)))
    (for-each unload! (remove current? before))
    (unless (any current? before)
      (answering 'system
        (lambda ()
          (execute-to-string (format #f "add-symbol-file ~a" (quoted file))))))))
