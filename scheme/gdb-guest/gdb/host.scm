;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB's answers to the four questions of the host interface, and guests that ask them.

(define-module (gdb-guest gdb host)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb remembered)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 binary-ports)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (rnrs bytevectors)
  #:export (call-with-host
            explaining-end))

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

;; A slow line must not keep Ctrl-C waiting, and a fast one not wait for us.
(define shortest-piece 4096)
(define fast-enough (/ internal-time-units-per-second 50))

(define (value-limit)
  (match (gdb:parameter-value "max-value-size")
    ((? integer? bytes) (min bytes value-size-limit))
    (_ value-size-limit)))

(define (read-value address size)
  "Reads an array of unsigned char, so that errors of a connection come as Scheme exceptions."
  (let ((type (gdb:type-array (gdb:arch-uchar-type (gdb:current-arch)) 0 (- size 1))))
    (gdb:value->bytevector (gdb:make-lazy-value type address))))

(define (value-reader)
  "A procedure that reads by value, in pieces as large as the line is fast."
  (let ((piece shortest-piece))
    (define (adapt! seconds limit)
      (set! piece (if (< seconds fast-enough)
                      (min (* 2 piece) limit)
                      (max (quotient piece 2) (min shortest-piece limit)))))
    (lambda (address buffer)
      (let ((size (bytevector-length buffer))
            (limit (value-limit)))
        (let loop ((done 0))
          (when (< done size)
            (%check-interrupt)
            (let* ((start (get-internal-real-time))
                   (now (min piece limit (- size done)))
                   (bytes (read-value (+ address done) now)))
              (bytevector-copy! bytes 0 buffer done now)
              (when (= now piece)
                (adapt! (- (get-internal-real-time) start) limit))
              (loop (+ done now)))))))))

(define (read-answer target stub)
  (let ((read! (if (memq (target-kind target) '(core process))
                   read-by-port!
                   (value-reader))))
    (lambda (address buffer)
      (answering 'fault
        (lambda ()
          (when stub
            (use-physical! stub #t))
          (read! address buffer)
          #t)))))

;;; Symbol.

(define identifier (make-regexp "^[A-Za-z_][A-Za-z0-9_]*$"))

(define (symbol-answer name)
  (unless (regexp-exec identifier name)
    (throw-answer 'not-found "~s is not a symbol's name" name))
  (answering 'not-found
    (lambda ()
      (cond
       ((in-debuginfo? name) (address-by-expression name))
       ((debuginfo?) (throw-answer 'not-found "no symbol ~a" name))
       (else (or (address-in-symbol-table name) (address-by-expression name)))))))

(define (address-by-expression name)
  (gdb:value->integer (gdb:parse-and-eval (string-append "&" name))))

(define (in-debuginfo? name)
  (catch #t
    (lambda () (gdb:lookup-symbol name))
    (const #t)))                        ; no frame is selected: the expression finds the symbol

;; Debuginfo has all symbols.  Without debuginfo the symbols of the symbol table count.
(define (debuginfo?)
  (gdb:lookup-global-symbol "main"))

(define address-line
  (make-regexp "^Symbol \"[^\"]*\" is at 0x([0-9a-f]+) in a file compiled without debugging\\.$"
               regexp/newline))

;; An expression's name may be a file's too: GDB 13 takes 20 ms to look through all files the first time,
;; and 4 ms each time.
(define (address-in-symbol-table name)
  "The address of the symbol NAME, or #f where GDB says it otherwise; throws where there is none."
  (and=> (regexp-exec address-line (execute-to-string (string-append "info address " name)))
         (lambda (line)
           (string->number (match:substring line 1) 16))))

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

(define (offset-of field)
  (quotient (gdb:field-bitpos field) 8))

(define (field-type field)
  (gdb:type-strip-typedefs (gdb:field-type field)))

(define (find-field type name)
  "The byte offset of the member NAME in TYPE and its type, or #f and #f."
  (cond
   ((not (structured? type)) (values #f #f))
   ((gdb:type-has-field? type name)
    (let ((field (gdb:type-field type name)))
      ;; field-bitsize cannot tell: in GDB 13 it is the position (gdbscm_field_bitsize).
      (unless (zero? (remainder (gdb:field-bitpos field) 8))
        (throw-answer 'unsupported "~a is a bit field" name))
      (values (offset-of field) (field-type field))))
   (else (find-inner-field (filter anonymous? (gdb:type-fields type)) name))))

;; GDB does not look for a field in those that have no name.
(define (find-inner-field fields name)
  (match fields
    (() (values #f #f))
    ((field . rest)
     (call-with-values (lambda () (find-field (field-type field) name))
       (lambda (offset type)
         (if offset
             (values (+ (offset-of field) offset) type)
             (find-inner-field rest name)))))))

(define (enumerator type name)
  "The value of the enumerator NAME, with the size of TYPE, or #f."
  (and (gdb:type-has-field? type name)
       (let ((value (gdb:field-enumval (gdb:type-field type name))))
         (when (negative? value)
           (throw-answer 'unsupported "~a is negative" name))
         (cons value (gdb:type-sizeof type)))))

(define (enumeration? type)
  (= (gdb:type-code type) gdb:TYPE_CODE_ENUM))

(define enumerator-name (make-regexp "^[A-Z][A-Z0-9_]*$"))

(define (enumeration-of name type-name)
  "The enumeration of the enumerator NAME, if it can be that of TYPE-NAME: of this name, or without any.  A file
that does not use a typedef has no debuginfo of it."
  (catch #t
    (lambda ()
      (match (gdb:lookup-symbol name)
        ((symbol . _)
         (let ((type (gdb:symbol-type symbol)))
           (and (enumeration? type)
                (member (gdb:type-name type) (list #f type-name))
                type)))
        (_ #f)))
    (const #f)))

(define (find-type-of type-name path)
  "The type TYPE-NAME, in which PATH is wanted."
  ;; GDB reads a file's debuginfo for a type: the first file that has the type, which may be the largest.
  ;; The file of an enumerator is small.
  (or (and (regexp-exec enumerator-name path)
           (enumeration-of path type-name))
      (find-type type-name)
      (throw-answer 'not-found "no type ~a" type-name)))

(define (member-answer)
  "A procedure that answers for members, and remembers the structures on the way: GDB is asked for a few hundred
members of few structures."
  (define places (make-hash-table))     ; (TYPE . NAMES) -> (OFFSET . TYPE)
  (lambda (type-name path)
    (define (no-member)
      (throw-answer 'not-found "type ~a has no member ~a" type-name path))
    (define (place names)
      "The offset of a member and its type; NAMES is its path, the last name first."
      (match names
        (() (cons 0 (find-type-of type-name path)))
        ((name . outer)
         (match (known-place outer)
           ((offset . type)
            (call-with-values (lambda () (find-field type name))
              (lambda (inner-offset inner-type)
                (unless inner-offset (no-member))
                (cons (+ offset inner-offset) inner-type))))))))
    (define (known-place names)
      (let ((key (cons type-name names)))
        (or (hash-ref places key)
            (let ((found (place names)))
              (hash-set! places key found)
              found))))
    (answering 'not-found
      (lambda ()
        (match (if (string-null? path) '() (reverse (string-split path #\.)))
          ((and (name) (? (const (enumeration? (cdr (known-place '()))))))
           (or (enumerator (cdr (known-place '())) name) (no-member)))
          (names
           (match (known-place names)
             ((offset . type) (cons offset (gdb:type-sizeof type))))))))))

;;; Registers.

(define (selected-thread)
  (gdb:value->integer (gdb:parse-and-eval "$_thread")))

(define (select-thread number)
  (execute-to-string (format #f "thread ~a" number)))

(define (to-callee)
  "Selects the frame that the selected frame has called; returns #f if there is none."
  (catch 'gdb:error
    (lambda ()
      (execute-to-string "down-silently")
      #t)
    (const #f)))

(define (to-newest-frame)
  "Selects the thread's newest frame; returns the number of the frames on the way."
  (if (to-callee)
      (+ 1 (to-newest-frame))
      0))

(define (to-older-frame frames)
  (unless (zero? frames)
    (execute-to-string (format #f "up-silently ~a" frames))))

(define (register? name)
  "Tests whether the selected thread has the register NAME; GDB may throw in place of #f."
  (string-prefix? (string-append name " ") (execute-to-string (string-append "info registers " name))))

;; In the newest frame `$NAME' is the thread's own register.  For an object of the frame GDB would look for the
;; frame's caller, at any address: a read of a device there changes the guest, or ends QEMU.
(define (read-register name)
  ;; A convenience variable may have the name.
  (unless (register? name)
    (throw-answer 'not-found "no register ~a" name))
  ;; value->integer refuses flags registers; bytes serve all.
  (gdb:value->bytevector (gdb:parse-and-eval (string-append "$" name))))

(define (registers-answer stub thread name)
  (unless (regexp-exec identifier name)
    (throw-answer 'not-found "~s is not a register's name" name))
  (answering 'not-found
    (lambda ()
      (when stub
        (use-physical! stub #f))        ; GDB reads memory to show a thread's frame
      (let ((before (selected-thread))
            (thread (if stub (stub-thread thread) thread))
            (frames (to-newest-frame)))
        (dynamic-wind
          (lambda () (unless (= thread before) (select-thread thread)))
          (lambda () (read-register name))
          (lambda ()
            (unless (= thread before) (select-thread before))
            (to-older-frame frames)))))))

;;; The debug log.

(define debug-setting "guest-debug")

(define (say-debug line)
  (say-aside "~a\n" line))

(gdb:register-parameter!
 (gdb:make-parameter debug-setting
                     #:command-class gdb:COMMAND_DATA
                     #:parameter-type gdb:PARAM_BOOLEAN
                     #:initial-value #f
                     #:set-doc "Set the debug log of the commands that look into a QEMU's guest."
                     #:show-doc "Show the debug log of the commands that look into a QEMU's guest."
                     #:doc "When it is on, each command writes to GDB's standard error what it tried, found and
rejected on its way, and the reason: the members of QEMU's structures, the ranges of RAM, the
candidates for the kernel's VMCOREINFO, its symbols and log.  The lines start with \"debug: \"."
                     #:set-func (const "")
                     #:show-func (lambda (self value)
                                   (string-append "The debug log of the guest's commands is " value
                                                  "."))))

;;; Guests.

(define (explaining-end target thunk)
  "Calls THUNK; an error of it where TARGET is there no more says so."
  (catch 'gdb-guest-error
    thunk
    (lambda (key kind message)
      (let ((end (and (not (eq? kind 'interrupted))
                      (target-end target))))
        (if (and end (not (string-prefix? end message)))
            (throw key 'system (string-append end ": " message))
            (throw key kind message))))))

(define (call-with-guest-of target stub via-host? memory procedure)
  (let ((guest (%guest-create
                (list (read-answer target stub) symbol-answer (member-answer)
                      (lambda (thread name) (registers-answer stub thread name))
                      (and (setting debug-setting) say-debug))
                #f
                (gdb:type-sizeof (gdb:lookup-type "long"))
                (target-core target) (target-program target) (target-pid target)
                via-host?
                (and stub (monitor-texts)) memory
                (cons* (kept-memory target)
                       (target-nested target)
                       (named-vmlinux target)
                       (and stub (known-note target))
                       (chosen-kernel target)))))
    (dynamic-wind
      (const #t)
      (lambda () (procedure guest))
      (lambda ()
        (when stub
          (remember-note! target (%guest-note guest)))
        ;; A choice that is no longer there is forgotten.
        (when (and (chosen-kernel target) (not (%guest-choice guest)))
          (choose-kernel! target #f))
        (%guest-destroy guest)))))

(define* (call-with-host target procedure #:key via-host? memory)
  "Calls PROCEDURE with a guest of TARGET's, which lasts until it returns.  Nothing is kept: the
target may run, or change, before the next command.  With VIA-HOST? guest memory is read
through GDB only; MEMORY is a file that QEMU wrote a stub's guest to, which is read instead."
  (interruptible
   (lambda ()
     (explaining-end
      target
      (lambda ()
        (call-with-stub
         target
         (lambda (stub)
           (call-with-guest-of target stub via-host? memory procedure))))))))
