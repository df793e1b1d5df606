;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The reference of all commands, as Texinfo or for a man page, made of the table of commands.
;;;
;;; In:  texinfo FOLDER, man-gdb or man-core; in the build tree, the library and guest-core. FOLDER has prose and examples of
;;;      a command, NAME.texi.
;;; Out: on standard output, a node for each command of GDB's, or a subsection for each command of GDB's or of guest-core's.

(use-modules (ice-9 match) (ice-9 popen) (ice-9 rdelim) (ice-9 regex) (ice-9 textual-ports) (srfi srfi-1))

(load-extension (string-append (getcwd) "/stage/libgdb-guest-guile.so") "gg_guile_init")

;;; A command's help: (NAME SUMMARY USAGE PARAGRAPHS OPTIONS), an option being (WORDS . LINES).

(define (split-paragraphs lines)
  "The LINES, as lists of lines, where an empty line ends a list."
  (let loop ((lines lines) (paragraph '()) (done '()))
    (define (with-paragraph)
      (if (null? paragraph) done (cons (reverse paragraph) done)))
    (cond
     ((null? lines) (reverse (with-paragraph)))
     ((string-null? (car lines)) (loop (cdr lines) '() (with-paragraph)))
     (else (loop (cdr lines) (cons (car lines) paragraph) done)))))

(define (parse-options lines)
  (reverse
   (fold (lambda (line options)
           (if (string-prefix? "  -" line)
               (cons (list (string-trim line)) options)
               (cons (append (car options) (list (string-trim line))) (cdr options))))
         '() lines)))

(define (options? paragraph)
  (string=? (car paragraph) "Options:"))

(define (parse-help name text)
  (match (split-paragraphs (string-split text #\newline))
    (((summary ... usage) paragraphs ...)
     (list name (string-join summary " ") (substring usage (string-length "Usage: "))
           (remove options? paragraphs)
           (match (find options? paragraphs)
             (#f '())
             ((_ lines ...) (parse-options lines)))))))

(define (output-of . command)
  (let* ((port (apply open-pipe* OPEN_READ command))
         (text (get-string-all port)))
    (unless (zero? (close-pipe port))
      (error "a command failed" command))
    text))

(define (gdb-commands)
  (map (match-lambda ((name . help) (parse-help name help))) (%commands)))

(define (core-names)
  (map (lambda (match) (match:substring match 1))
       (list-matches "\n  ([a-z]+) +[A-Z]" (output-of "./guest-core" "-help"))))

(define (core-commands)
  (map (lambda (name) (parse-help name (output-of "./guest-core" name "-help"))) (core-names)))

(define (core-name-of name names)
  "guest-core's name of GDB's command NAME, or #f."
  (find (lambda (core-name)
          (or (string=? name (string-append "guest-" core-name))
              (string-prefix? (string-append core-name "-") name)))
        names))

;;; The columns of a paragraph that has some are the author's.

(define (as-typed? paragraph)
  (any (lambda (line) (string-contains line ":  ")) paragraph))

(define (replace-all text replacements)
  (fold (match-lambda* (((from . to) text) (regexp-substitute/global #f from text 'pre to 'post))) text replacements))

;;; Texinfo.

(define (texinfo-escape text)
  (regexp-substitute/global #f "[@{}]" text 'pre (lambda (match) (string-append "@" (match:substring match))) 'post))

(define (texinfo-text lines)
  (regexp-substitute/global #f "dump-guest-memory|guest-[a-z]+|(^| )-[a-z][-a-zA-Z]*|\\$[a-z_]+"
                            (texinfo-escape (string-join lines "\n"))
                            'pre
                            (lambda (match)
                              (let* ((word (match:substring match)) (bare (string-trim word)))
                                (string-append (if (string=? word bare) "" " ") "@code{" bare "}")))
                            'post))

(define (write-texinfo-paragraph paragraph)
  (if (as-typed? paragraph)
      (format #t "@smallexample\n~a\n@end smallexample\n\n" (texinfo-escape (string-join paragraph "\n")))
      (format #t "~a\n\n" (texinfo-text paragraph))))

(define (write-texinfo-options name options)
  (unless (null? options)
    (format #t "@table @code\n")
    (for-each (match-lambda
                ((words lines ...)
                 (format #t "@item ~a\n@findex ~a ~a\n~a\n"
                         (replace-all (texinfo-escape words) '(("\\|" . "|@/")))
                         name (car (string-split words #\space)) (texinfo-text lines))))
              options)
    (format #t "@end table\n\n")))

(define (write-texinfo folder)
  (define commands (gdb-commands))
  (define names (core-names))
  (format #t "@c Made by doc/reference.scm of the table of commands.\n@menu\n")
  (for-each (match-lambda
              ((name summary . _) (format #t "* ~a:: ~a\n" name (texinfo-escape summary))))
            commands)
  (format #t "@end menu\n\n")
  (for-each
   (match-lambda
     ((name summary usage paragraphs options)
      (format #t "@node ~a\n@section @code{~a}\n@findex ~a\n\n~a\n\n@example\n~a\n" name name name
              (texinfo-escape summary) (texinfo-escape usage))
      (let ((core-name (core-name-of name names)))
        (when core-name
          (format #t "guest-core @var{file} ~a~a\n" core-name (texinfo-escape (string-drop usage (string-length name))))))
      (format #t "@end example\n\n")
      (for-each write-texinfo-paragraph paragraphs)
      (write-texinfo-options name options)
      (when (file-exists? (string-append folder "/" name ".texi"))
        (format #t "@include commands/~a.texi\n\n" name))))
   commands))

;;; A man page.

(define (man-escape text)
  (replace-all text '(("\\\\" . "\\e") ("-" . "\\-") ("'" . "\\(aq") ("^\\." . "\\&.") ("\n\\." . "\n\\&."))))

(define (write-man-paragraph paragraph)
  (if (as-typed? paragraph)
      (format #t ".PP\n.nf\n~a\n.fi\n" (man-escape (string-join paragraph "\n")))
      (format #t ".PP\n~a\n" (man-escape (string-join paragraph "\n")))))

(define (write-man commands)
  (for-each
   (match-lambda
     ((name summary usage paragraphs options)
      (format #t ".SS ~a\n~a\n.PP\n.B ~a\n" (man-escape name) (man-escape summary) (man-escape usage))
      (for-each write-man-paragraph paragraphs)
      (for-each (match-lambda
                  ((words lines ...)
                   (format #t ".TP\n.B ~a\n~a\n" (replace-all (man-escape words) '(("\\|" . "|\\:")))
                           (man-escape (string-join lines "\n")))))
                options)))
   commands))

(setlocale LC_ALL "C.UTF-8")
(match (command-line)
  ((_ "texinfo" folder) (write-texinfo folder))
  ((_ "man-gdb") (write-man (gdb-commands)))
  ((_ "man-core") (write-man (core-commands)))
  (_ (format (current-error-port) "usage: reference.scm texinfo FOLDER|man-gdb|man-core\n") (exit 2)))
