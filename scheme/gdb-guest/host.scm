;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB: the answers to the four questions of the host interface, and the few other things that
;;; commands need of a debugger.  The only file that imports (gdb).

(define-module (gdb-guest host)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 binary-ports)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (rnrs bytevectors)
  #:use-module (srfi srfi-1)
  #:export (call-with-host
            current-target
            target-kind
            target-core
            target-program
            target-pid
            register-command
            split-arguments
            evaluate-integer
            set-convenience-variable
            execute-to-string
            fail
            say
            say-bytes
            say-aside
            styled-output?))

;;; Errors.

(define (throw-answer kind format-string . arguments)
  (throw 'gdb-guest-error kind (apply format #f format-string arguments)))

(define (exception-text key arguments)
  ;; (SUBR MESSAGE ARGS DATA), as GDB and Guile throw them.
  (match arguments
    ((_ (? string? message) (? list? values) . _)
     (apply simple-format #f message values))
    (_ (object->string (cons key arguments)))))

(define (answering kind thunk)
  "Calls THUNK; what GDB throws becomes our own exception, of KIND."
  (catch #t
    thunk
    (lambda (key . arguments)
      (if (eq? key 'gdb-guest-error)
          (apply throw key arguments)
          (throw-answer (if (eq? key 'signal) 'interrupted kind)
                        "~a" (exception-text key arguments))))))

;;; Read.

;; Memory ports are fast, but let GDB's C++ exceptions through libguile, which ends GDB: that of
;; Ctrl-C (with `interruptible' there is none) and that of a connection which breaks.  A core or a
;; process cannot do the latter.
(define (read-by-port! address buffer)
  (let* ((size (bytevector-length buffer))
         ;; Unbuffered, and with its exact size: a buffered port reads on into what may be unmapped.
         (port (gdb:open-memory #:mode "r0" #:start address #:size size))
         (got (get-bytevector-n! port buffer 0 size)))
    (close-port port)
    (unless (eqv? got size)
      (throw-answer 'fault "only ~a of ~a bytes at 0x~x" got size address))))

;; The largest value that GDB allows is the user's setting; this is its default.
(define value-size-limit 65536)

;; As an array of unsigned char: errors of a connection come as Scheme exceptions.
(define (read-by-value! address buffer)
  (let ((size (bytevector-length buffer))
        (limit (match (gdb:parameter-value "max-value-size")
                 ((? integer? bytes) (min bytes value-size-limit))
                 (_ value-size-limit)))
        (uchar (gdb:arch-uchar-type (gdb:current-arch))))
    (let loop ((done 0))
      (when (< done size)
        (let* ((piece (min limit (- size done)))
               (type (gdb:type-array uchar 0 (- piece 1)))
               (value (gdb:make-lazy-value type (+ address done))))
          (bytevector-copy! (gdb:value->bytevector value) 0 buffer done piece)
          (loop (+ done piece)))))))

(define (read-answer target)
  (let ((read! (if (memq (target-kind target) '(core process))
                   read-by-port!
                   read-by-value!)))
    (lambda (address buffer)
      (answering 'fault
        (lambda ()
          (read! address buffer)
          #t)))))

;;; Symbol.

(define identifier (make-regexp "^[A-Za-z_][A-Za-z0-9_]*$"))

(define (symbol-answer name)
  (unless (regexp-exec identifier name)
    (throw-answer 'not-found "~s is not a symbol's name" name))
  (answering 'not-found
    (lambda ()
      (unless (or (in-debuginfo? name) (not (debuginfo?)))
        (throw-answer 'not-found "no symbol ~a" name))
      (gdb:value->integer (gdb:parse-and-eval (string-append "&" name))))))

(define (in-debuginfo? name)
  (catch #t
    (lambda () (gdb:lookup-symbol name))
    (const #t)))                        ; no frame is selected: the expression will tell

;; Where there is debuginfo, it has all symbols.  Where there is none, only an expression finds those
;; of the symbol table; to find that there is none takes GDB 13 20 ms the first time.
(define (debuginfo?)
  (gdb:lookup-global-symbol "main"))

;;; Member.

(define (find-type name)
  (define (look-up name)
    (catch #t
      (lambda () (gdb:type-strip-typedefs (gdb:lookup-type name)))
      (const #f)))
  (or (look-up name)
      (look-up (string-append "struct " name))
      (look-up (string-append "union " name))
      (look-up (string-append "enum " name))))

(define (anonymous? field)
  (let ((name (gdb:field-name field)))
    (or (not name) (string-null? name))))

(define (structured? type)
  (memv (gdb:type-code type) (list gdb:TYPE_CODE_STRUCT gdb:TYPE_CODE_UNION)))

(define (find-field type name)
  "The byte offset of the member NAME in TYPE and its type, or #f and #f."
  (let loop ((fields (if (structured? type) (gdb:type-fields type) '())))
    (match fields
      (() (values #f #f))
      ((field . rest)
       (let ((field-type (gdb:type-strip-typedefs (gdb:field-type field)))
             (offset (quotient (gdb:field-bitpos field) 8)))
         (cond
          ((equal? (gdb:field-name field) name)
           ;; field-bitsize cannot tell: in GDB 13 it is the position (gdbscm_field_bitsize).
           (unless (zero? (remainder (gdb:field-bitpos field) 8))
             (throw-answer 'unsupported "~a is a bit field" name))
           (values offset field-type))
          ((anonymous? field)
           (call-with-values (lambda () (find-field field-type name))
             (lambda (inner-offset inner-type)
               (if inner-offset
                   (values (+ offset inner-offset) inner-type)
                   (loop rest)))))
          (else (loop rest))))))))

(define (enumerator type name)
  "The value of the enumerator NAME, with the size of TYPE, or #f."
  (and=> (find (lambda (field) (equal? (gdb:field-name field) name)) (gdb:type-fields type))
         (lambda (field)
           (let ((value (gdb:field-enumval field)))
             (when (negative? value)
               (throw-answer 'unsupported "~a is negative" name))
             (cons value (gdb:type-sizeof type))))))

(define (member-answer type-name path)
  (define (no-member)
    (throw-answer 'not-found "type ~a has no member ~a" type-name path))
  (answering 'not-found
    (lambda ()
      (let loop ((type (or (find-type type-name)
                           (throw-answer 'not-found "no type ~a" type-name)))
                 (offset 0)
                 (names (if (string-null? path) '() (string-split path #\.))))
        (match names
          (() (cons offset (gdb:type-sizeof type)))
          ((and (name) (? (const (= (gdb:type-code type) gdb:TYPE_CODE_ENUM))))
           (or (enumerator type name) (no-member)))
          ((name . rest)
           (call-with-values (lambda () (find-field type name))
             (lambda (inner-offset inner-type)
               (unless inner-offset (no-member))
               (loop inner-type (+ offset inner-offset) rest)))))))))

;;; Registers.

(define (selected-thread)
  (gdb:value->integer (gdb:parse-and-eval "$_thread")))

(define (select-thread number)
  (execute-to-string (format #f "thread ~a" number)))

(define (registers-answer thread name)
  (answering 'not-found
    (lambda ()
      (let ((before (selected-thread)))
        (dynamic-wind
          (lambda () (unless (= thread before) (select-thread thread)))
          (lambda ()
            ;; value->integer refuses flags registers; bytes serve all.
            (gdb:value->bytevector
             (gdb:frame-read-register (gdb:newest-frame) name)))
          (lambda () (unless (= thread before) (select-thread before))))))))

;;; The target.

(define <target> (make-record-type 'target '(kind core program pid)))
(define make-target (record-constructor <target>))
(define target-kind (record-accessor <target> 'kind)) ; core, process, other or none
(define target-core (record-accessor <target> 'core))
(define target-program (record-accessor <target> 'program))
(define target-pid (record-accessor <target> 'pid))

(define (execute-to-string command)
  (gdb:execute command #:to-string #t))

;; The line of the current inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define inferior-line
  (make-regexp "^\\* *[0-9]+ +(process ([0-9]+)|[^ ]+.*[^ ]) +[0-9]+ \\(([a-z-]+)[^)]*\\)"
               regexp/newline))

(define core-line
  (make-regexp "^Local core dump file:\n[\t ]*`(.*)', file type [^\n]*$" regexp/newline))

(define (current-target)
  (let* ((inferior (regexp-exec inferior-line (execute-to-string "info inferiors")))
         (connection (and inferior (match:substring inferior 3)))
         (core (regexp-exec core-line (execute-to-string "info files")))
         (pid (and inferior (match:substring inferior 2)))
         (program (gdb:progspace-filename (gdb:current-progspace))))
    (cond
     ((not connection) (make-target 'none #f program #f))
     ((string=? connection "core")
      (make-target 'core (and core (match:substring core 1)) program #f))
     ((string=? connection "native")
      (make-target 'process #f program (and pid (string->number pid))))
     (else (make-target 'other #f program #f)))))

;; A Ctrl-C just before the library's handler was in place is still on GDB's mind, and would come
;; out of the first memory port.  A command lets it out where it does no harm (an evaluation does
;; not look).
(define (interruptible thunk)
  "Calls THUNK such that Ctrl-C makes the library's work in it throw, and GDB's own do nothing."
  (%interruptible
   (lambda ()
     (answering 'interrupted (lambda () (execute-to-string "output 0")))
     (thunk))))

(define* (call-with-host target procedure #:key via-host?)
  "Calls PROCEDURE with a guest of TARGET's, which lasts until it returns.  Nothing is kept: the
target may run, or be another one, before the next command.  With VIA-HOST? guest memory is read
through GDB only."
  (interruptible
   (lambda ()
     (let ((guest (%guest-create (list (read-answer target) symbol-answer member-answer
                                       registers-answer)
                                 #f
                                 (gdb:type-sizeof (gdb:lookup-type "long"))
                                 (target-core target) (target-program target)
                                 (target-pid target)
                                 via-host?)))
       (dynamic-wind
         (const #t)
         (lambda () (procedure guest))
         (lambda () (%guest-destroy guest)))))))

;;; What commands need.

(define (register-command name doc invoke complete)
  "INVOKE is called with the arguments as one text; COMPLETE with that and the piece of it behind the
last word break.  An empty line does not repeat the command."
  (gdb:register-command!
   (gdb:make-command name
                     #:invoke (lambda (self text from-tty?)
                                (gdb:dont-repeat self)
                                (invoke text))
                     #:command-class gdb:COMMAND_DATA
                     #:completer-class (lambda (self text word)
                                         (complete text word))
                     #:doc doc)))

(define (split-arguments text)
  (gdb:string->argv text))

(define* (evaluate-integer text #:optional (what "a number"))
  "The value of the GDB expression TEXT, without its sign.  An error says that it is not WHAT."
  (catch #t
    (lambda ()
      (modulo (gdb:value->integer (gdb:parse-and-eval text)) (expt 2 64)))
    (lambda (key . arguments)
      (fail "~s is not ~a: ~a" text what (exception-text key arguments)))))

(define (set-convenience-variable name value)
  "Sets $NAME to VALUE, an integer of up to 64 bits without a sign, or for #f to void."
  (gdb:parse-and-eval
   (format #f "$~a = ~a" name (if value (format #f "(unsigned long) 0x~x" value) "(void) 0"))))

(define (fail format-string . arguments)
  "Ends a command with one line."
  (gdb:throw-user-error "~a" (apply format #f format-string arguments)))

;; Off a terminal GDB's ports are buffered, and what is in the buffer at exit is lost.
(setvbuf (gdb:output-port) 'none)
(setvbuf (gdb:error-port) 'none)

(define (say format-string . arguments)
  "A command's result."
  (display (apply format #f format-string arguments) (gdb:output-port)))

(define (say-bytes bytes)
  "A command's result, in GDB's character set."
  (put-bytevector (gdb:output-port) bytes))

(define (styled-output?)
  "Does GDB's output go to a terminal that shows colours, and does the user want them?"
  (and (gdb:parameter-value "style enabled")
       (isatty? (fdes->outport 1))
       (not (member (or (getenv "TERM") "dumb") '("" "dumb")))))

(define (say-aside format-string . arguments)
  "Progress: what is not the result, and is not paged."
  (display (apply format #f format-string arguments) (gdb:error-port)))
