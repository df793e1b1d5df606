;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB: the answers to the four questions of the host interface, and the few other things that
;;; commands need of a debugger.  The only file that imports (gdb).

(define-module (gdb-guest host)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 binary-ports)
  #:use-module (ice-9 format)
  #:use-module (ice-9 iconv)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (rnrs bytevectors)
  #:use-module (srfi srfi-1)
  #:export (call-with-host
            choose-kernel!
            chosen-kernel
            listed-kernels
            remember-listed-kernels!
            interruptible
            current-target
            selected-file
            select-file!
            inferiors
            target-kind
            target-core
            target-program
            target-pid
            target-connection
            target-is-here?
            qemu-stub?
            call-with-monitor
            monitor
            register-command
            evaluate-integer
            set-convenience-variable
            execute
            execute-to-string
            execute-for
            setting
            fail
            say
            say-bytes
            say-now
            ask
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

;; A slow line must not keep Ctrl-C waiting, and a fast one not wait for us.
(define shortest-piece 4096)
(define fast-enough (/ internal-time-units-per-second 50))

(define (value-limit)
  (match (gdb:parameter-value "max-value-size")
    ((? integer? bytes) (min bytes value-size-limit))
    (_ value-size-limit)))

(define (read-value address size)
  "As an array of unsigned char: errors of a connection come as Scheme exceptions."
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
      (unless (or (in-debuginfo? name) (not (debuginfo?)))
        (throw-answer 'not-found "no symbol ~a" name))
      (gdb:value->integer (gdb:parse-and-eval (string-append "&" name))))))

(define (in-debuginfo? name)
  (catch #t
    (lambda () (gdb:lookup-symbol name))
    (const #t)))                        ; no frame is selected: the expression will tell

;; Debuginfo has all symbols.  Without debuginfo only an expression finds the symbols
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

(define (registers-answer stub thread name)
  (answering 'not-found
    (lambda ()
      (when stub
        (use-physical! stub #f))        ; GDB reads memory to find a thread's frame
      (let ((before (selected-thread))
            (thread (if stub (stub-thread thread) thread)))
        (dynamic-wind
          (lambda () (unless (= thread before) (select-thread thread)))
          (lambda ()
            ;; value->integer refuses flags registers; bytes serve all.
            (gdb:value->bytevector
             (gdb:frame-read-register (gdb:newest-frame) name)))
          (lambda () (unless (= thread before) (select-thread before))))))))

;;; The target.

(define <target> (make-record-type 'target '(kind core program pid connection)))
(define make-target (record-constructor <target>))
(define target-kind (record-accessor <target> 'kind)) ; core, process, stub, other or none
(define target-core (record-accessor <target> 'core))
(define target-program (record-accessor <target> 'program))
(define target-pid (record-accessor <target> 'pid))
(define target-connection (record-accessor <target> 'connection)) ; of a stub: where it is

(define (execute command)
  (gdb:execute command))

(define (execute-to-string command)
  (gdb:execute command #:to-string #t))

;; The line of the current inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define inferior-line
  (make-regexp "^\\* *[0-9]+ +(process ([0-9]+)|[^ ]+.*[^ ]) +[0-9]+ \\(([a-z-]+) ?([^ )]*)[^)]*\\)"
               regexp/newline))

(define core-line
  (make-regexp "^Local core dump file:\n[\t ]*`(.*)', file type [^\n]*$" regexp/newline))

(define (gdb-target)
  "What GDB has in front of it."
  (let* ((inferior (regexp-exec inferior-line (execute-to-string "info inferiors")))
         (connection (and inferior (match:substring inferior 3)))
         (core (regexp-exec core-line (execute-to-string "info files")))
         (pid (and inferior (match:substring inferior 2)))
         (program (gdb:progspace-filename (gdb:current-progspace))))
    (cond
     ((not connection) (make-target 'none #f program #f #f))
     ((string=? connection "core")
      (make-target 'core (and core (match:substring core 1)) program #f #f))
     ((string=? connection "native")
      (make-target 'process #f program (and pid (string->number pid)) #f))
     ((and (member connection '("remote" "extended-remote")) (qemu-stub?))
      (make-target 'stub #f #f #f (match:substring inferior 4)))
     (else (make-target 'other #f program #f #f)))))

;;; The file that guest-select chose.

;; (FILE . MARK), the mark being that of GDB's target at that time; or #f.
(define selection #f)

(define (inferiors-text)
  (execute-to-string "info inferiors"))

(define (target-mark)
  "What tells GDB's target from another one: the inferior, its connection, its core.  Not by the target
itself, since a stub must be stopped for that."
  (define (part regexp text)
    (and=> (regexp-exec regexp text) match:substring))
  (list (part current-inferior-line (inferiors-text))
        (part core-line (execute-to-string "info files"))))

;; Up to the connection; the program behind it may come later.
(define current-inferior-line
  (make-regexp "^\\* *[0-9]+ +[^(\n]*(\\([^)\n]*\\))?" regexp/newline))

(define (select-file! file)
  "Has `current-target' be FILE, until GDB's target is another one; for #f it is GDB's target."
  (set! selection (and file (cons file (target-mark)))))

(define (selected-file)
  "The file that is looked at, or #f.  Where GDB's target has become another one since, that is selected."
  (match selection
    (#f #f)
    ((file . mark)
     (cond
      ((equal? mark (target-mark)) file)
      (else
       (set! selection #f)
       (say "note: GDB's target has changed since guest-select -file ~a: the target is looked at\n" file)
       #f)))))

(define (current-target)
  "What is looked at: a file, or what GDB has in front of it.  A command asks inside of `interruptible': a
Ctrl-C that GDB gets in here may be lost, and what GDB prints of that is not shown."
  (match (selected-file)
    (#f (gdb-target))
    (file (make-target 'core file #f #f #f))))

;; A line for each inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define any-inferior-line
  (make-regexp "^([* ]) *([0-9]+) +(<null>|process ([0-9]+)|[^ ]+.*[^ ])( +[0-9]+ \\(([a-z-]+) ?([^)]*)\\))?(  +(/.*[^ ]))? *$"
               regexp/newline))

(define (inferior-facts found)
  (define (part number)
    (match:substring found number))
  (let* ((current? (string=? (part 1) "*"))
         (core (and current? (regexp-exec core-line (execute-to-string "info files")))))
    (call-with-values
        (lambda ()
          (match (part 6)
            ("core" (values 'core (and core (match:substring core 1))))
            ("native" (values 'process (part 4)))
            ((or "remote" "extended-remote") (values 'gdbstub (part 7)))
            (#f (values 'none #f))
            (_ (values 'other (part 7)))))
      (lambda (kind name)
        `((current . ,current?) (number . ,(string->number (part 2))) (kind . ,kind) (name . ,name)
          (about . ,(part 9)))))))

(define (inferiors)
  "GDB's inferiors, a list of association lists: current, number, kind (core, process, gdbstub, other or none),
name (the current one's core, a process's number, an address, or #f) and about, the program or #f."
  (let ((text (inferiors-text)))
    (map inferior-facts (list-matches any-inferior-line text))))

;; A Ctrl-C just before the library's handler was in place is still on GDB's mind, and would come
;; out of the first memory port.  A command lets it out where it does no harm (an evaluation does
;; not look); a raw value, since GDB forgets a Ctrl-C that it finds while it looks for a
;; pretty-printer.
(define let-out "output/r 0")

(define (interruptible thunk)
  "Calls THUNK such that Ctrl-C makes the library's work in it throw, and GDB's own do nothing."
  (%interruptible
   (lambda ()
     (answering 'interrupted (lambda () (execute-to-string let-out)))
     (thunk))))

;; A Ctrl-C that came as the target stopped for another reason is still pending in GDB too.
(define (let-out-interrupt)
  (catch #t
    (lambda () (execute-to-string let-out))
    (const #f)))

(define (execute-for milliseconds process command)
  "Has GDB execute COMMAND, which lets the target run, a PROCESS or with #f a stub's, and stops the
target after so many MILLISECONDS as Ctrl-C does; a Ctrl-C of the user's stops it at once.  Three values: had the time
passed; the key of the exception that GDB threw, or #f; what GDB printed, or the exception's text.
Inside of `call-with-host' or `interruptible' only."
  (match (%interrupt-after
          milliseconds process
          (lambda ()
            (catch #t
              (lambda () (cons #f (execute-to-string command)))
              (lambda (key . arguments)
                (cons key (exception-text key arguments))))))
    ((elapsed? . (key . text))
     (let-out-interrupt)
     (values elapsed? key text))))

;;; QEMU's gdbstub.  Its memory is that of the selected CPU's page tables, but in its physical mode
;;; guest-physical memory.  GDB must not look at a frame in that mode.

;; The state of one call: whether the stub is in physical mode, and whether it was before.
(define <stub> (make-record-type 'stub '(physical? before?)))
(define make-stub (record-constructor <stub>))
(define stub-physical? (record-accessor <stub> 'physical?))
(define set-stub-physical! (record-modifier <stub> 'physical?))
(define stub-before? (record-accessor <stub> 'before?))

(define reply-line (make-regexp "^received: \"(.*)\"$" regexp/newline))

(define (packet text)
  "The stub's reply to the packet TEXT."
  (match (regexp-exec reply-line (execute-to-string (string-append "maintenance packet " text)))
    (#f "")
    (reply (match:substring reply 1))))

;; GDB counts threads as they come and go.
(define (stub-thread number)
  "GDB's number for the thread that the stub numbers NUMBER."
  (let* ((answer (execute-to-string (format #f "thread find ^Thread [0-9]*\\.~a$" number)))
         (match (string-match "^Thread ([0-9]+) has target id" answer)))
    (unless match
      (throw-answer 'not-found "the gdbstub has no thread ~a" number))
    (string->number (match:substring match 1))))

(define (monitor command)
  "What QEMU's monitor prints for COMMAND, by way of the stub."
  (string-delete #\return (execute-to-string (string-append "monitor " command))))

(define (use-physical! stub physical?)
  (unless (eq? physical? (stub-physical? stub))
    (unless (string=? (packet (if physical? "Qqemu.PhyMemMode:1" "Qqemu.PhyMemMode:0")) "OK")
      (throw-answer 'unsupported "this QEMU's gdbstub has no physical mode, which QEMU has since \
4.1: the guest's memory cannot be read through it; attach to QEMU, or take its core"))
    (set-stub-physical! stub physical?)))

;; A packet would stop a guest that runs, behind GDB's back.  Not by newest-frame: a Ctrl-C while GDB
;; unwinds for that goes through libguile, and ends GDB.
(define (check-stopped)
  (catch #t
    (lambda () (execute-to-string "output/r $pc"))
    (lambda (key . arguments)
      (when (eq? key 'signal)
        (apply throw key arguments))
      (let ((text (exception-text key arguments)))
        (when (string-contains text "running")
          (throw-answer 'invalid "the guest is running: stop it first (interrupt)"))))))

;; By what QEMU's has always told of its single steps, and no other.
(define (qemu-stub?)
  (check-stopped)
  (string-prefix? "ENABLE=" (packet "qqemu.sstepbits")))

(define (open-stub)
  (let ((physical? (string=? (packet "qqemu.PhyMemMode") "1")))
    (make-stub physical? physical?)))

(define (close-stub stub)
  (define (put-back)
    (catch #t
      (lambda ()
        (use-physical! stub (stub-before? stub))
        #t)
      (const #f)))
  ;; Ctrl-C may come out of the first attempt.  Where the connection is gone there is nothing to put
  ;; back.
  (unless (or (put-back) (put-back) (not (connected?)))
    (say "note: the gdbstub is left in its physical mode, in which GDB shows the guest's physical \
memory: maintenance packet Qqemu.PhyMemMode:0\n")))

(define (connected?)
  (catch #t
    (lambda ()
      (execute-to-string "output/r $pc")  ; for newest-frame, see `check-stopped'
      #t)
    (const #f)))

(define (call-with-stub target procedure)
  "Calls PROCEDURE with a <stub> if TARGET is one, else with #f."
  (if (eq? (target-kind target) 'stub)
      (let ((stub (answering 'system open-stub)))
        (dynamic-wind
          (const #t)
          (lambda () (procedure stub))
          (lambda () (close-stub stub))))
      (procedure #f)))

(define (monitor-texts)
  "What QEMU's monitor tells of the guest; for a command that it refuses, an empty text."
  (map (lambda (command)
         (answering 'system (lambda () (monitor command))))
       (%monitor-commands)))

(define here
  (make-regexp "^((tcp[46]?:)?(localhost|127\\.[0-9.]+|\\[?::1\\]?)?:[0-9]+|[^:]*/.*|[^:]*)$"))

(define (target-is-here? target)
  "Does the stub's address, a socket's file or one of this machine's, say that QEMU runs here?"
  (->bool (regexp-exec here (target-connection target))))

(define (call-with-monitor target procedure)
  "Calls PROCEDURE, in which `monitor' may be used; TARGET is QEMU's gdbstub, or an error says so."
  (interruptible
   (lambda ()
     (call-with-stub target (lambda (stub) (procedure))))))

;; The place of a stub's guest's VMCOREINFO when last seen: an association list by connection.  A reader that
;; uses it finds out whether it still is so.
(define known-notes '())

(define (known-note target)
  (assoc-ref known-notes (target-connection target)))

(define (remember-note! target note)
  (when (and note (target-connection target))
    (set! known-notes
          (acons (target-connection target) note
                 (alist-delete (target-connection target) known-notes)))))

;; The kernels that the user chose, and those that guest-kernel listed last: association lists by
;; target.  A kernel is (NOTE . IDENTITY), which is tried anew by each command.
(define chosen-kernels '())
(define kernels-listed '())

(define (target-key target)
  (or (target-connection target) (target-core target) (target-pid target)))

(define (chosen-kernel target)
  (assoc-ref chosen-kernels (target-key target)))

(define (choose-kernel! target kernel)
  "Has the commands show KERNEL of TARGET from now on; for #f the one that runs."
  (let ((others (alist-delete (target-key target) chosen-kernels)))
    (set! chosen-kernels
          (if kernel (acons (target-key target) kernel others) others))))

(define (listed-kernels target)
  (or (assoc-ref kernels-listed (target-key target)) '()))

(define (remember-listed-kernels! target kernels)
  (set! kernels-listed
        (acons (target-key target) kernels (alist-delete (target-key target) kernels-listed))))

;;; Guests.

(define* (call-with-host target procedure #:key via-host? memory)
  "Calls PROCEDURE with a guest of TARGET's, which lasts until it returns.  Nothing is kept: the
target may run, or be another one, before the next command.  With VIA-HOST? guest memory is read
through GDB only; MEMORY is a file that QEMU wrote a stub's guest to, which is read instead."
  (interruptible
   (lambda ()
     (call-with-stub
      target
      (lambda (stub)
        (let ((guest (%guest-create
                      (list (read-answer target stub) symbol-answer member-answer
                            (lambda (thread name) (registers-answer stub thread name))
                            (and (setting debug-setting) say-debug))
                      #f
                      (gdb:type-sizeof (gdb:lookup-type "long"))
                      (target-core target) (target-program target) (target-pid target)
                      via-host?
                      (and stub (monitor-texts)) memory
                      (cons (and stub (known-note target)) (chosen-kernel target)))))
          (dynamic-wind
            (const #t)
            (lambda () (procedure guest))
            (lambda ()
              (when stub
                (remember-note! target (%guest-note guest)))
              ;; A choice that is no longer there is forgotten.
              (when (and (chosen-kernel target) (not (%guest-choice guest)))
                (choose-kernel! target #f))
              (%guest-destroy guest)))))))))

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

;;; Procedures for commands.

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

(define (void? text)
  "Is the value of the GDB expression TEXT void, as that of a convenience variable before it is set?"
  (eqv? 1 (gdb:value->integer (gdb:parse-and-eval (string-append "$_isvoid (" text ")")))))

(define (no-integer text)
  "Throws why the value of the GDB expression TEXT is no integer."
  (throw-answer 'invalid "~s ~a" text
                (cond
                 ((not (void? text)) "is not a whole number")
                 ((string-prefix? "$guest_" text)
                  "has no value: guest-regs -cpu N sets $guest_rip and the like, for what is known of CPU N")
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

(define failure #f)                     ; the text of the last one

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

;; Writes bytes: where the pager's end of a command interrupts `display', encoded bytes stay in the
;; port, which takes no text after that.
(define (encode text port)
  (string->bytevector text (or (port-encoding port) "UTF-8") 'substitute))

(define (put-bytes port bytes)
  (if (pager?)
      ;; While GDB waits for a key there, it hears Ctrl-C itself.
      (when (%lend-interrupt (lambda () (put-bytevector port bytes)))
        (answering 'interrupted (lambda () (execute-to-string let-out))))
      (put-bytevector port bytes)))

(define (pager?)
  "May GDB ask whether to show the next page?"
  (and (gdb:parameter-value "pagination")
       (not (memv (gdb:parameter-value "height") '(0 #:unlimited)))
       (isatty? (fdes->inport 0))
       (isatty? (fdes->outport 1))))

(define (say format-string . arguments)
  "A command's result."
  (let ((port (gdb:output-port)))
    (put-bytes port (encode (apply format #f format-string arguments) port))))

(define (say-bytes bytes)
  "A command's result, in GDB's character set."
  (put-bytes (gdb:output-port) bytes))

(define (say-now)
  "What was said is shown now: GDB's own output is buffered too, off a terminal."
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
  "Does the user say yes to QUESTION?  As with GDB's own, where nobody is asked (set confirm off, a
script, batch mode) that is yes.  Inside of `interruptible' only."
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

(define (setting name)
  "The value of GDB's setting NAME."
  (gdb:parameter-value name))

(define (styled-output?)
  "Does GDB's output go to a terminal that shows colours, and does the user want them?"
  (and (gdb:parameter-value "style enabled")
       (isatty? (fdes->outport 1))
       (not (member (or (getenv "TERM") "dumb") '("" "dumb")))))

(define (say-aside format-string . arguments)
  "Progress: what is not the result, and is not paged."
  (let ((port (gdb:error-port)))
    (put-bytevector port (encode (apply format #f format-string arguments) port))))
