;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The module (gdb), where GDB has no Guile of its own: the procedures that gdb-guest/gdb/ uses, as
;;; GDB's manual has them, each a question to GDB's Python (debugger.py).  Things of GDB's are
;;; objects that only Python can look into.
;;;
;;; It also stands in when the modules are compiled, with no GDB there: so nothing of it may be
;;; inlined into them.

(define-module (gdb)
  #:declarative? #f
  #:use-module (ice-9 binary-ports)
  #:use-module (ice-9 match)
  #:use-module (rnrs bytevectors)
  #:use-module (srfi srfi-1)
  #:use-module (srfi srfi-9)
  #:export (execute
            parameter-value
            throw-user-error

            parse-and-eval
            make-lazy-value
            value->integer
            value->bytevector
            lookup-symbol
            lookup-global-symbol
            symbol-type

            lookup-type
            type-array
            type-code
            type-field
            type-fields
            type-has-field?
            type-name
            type-sizeof
            type-strip-typedefs
            field-name
            field-type
            field-bitpos
            field-enumval
            current-arch
            arch-uchar-type

            current-progspace
            progspace-filename
            objfiles
            objfile-filename

            open-memory
            input-port
            output-port
            error-port

            make-command
            register-command!
            dont-repeat

            make-parameter
            register-parameter!

            COMMAND_DATA
            PARAM_BOOLEAN
            TYPE_CODE_ENUM
            TYPE_CODE_STRUCT
            TYPE_CODE_UNION))

;;; Questions.  What Python cannot answer it says with GDB's words, and it is thrown with GDB's keys.

(define %ask
  (and=> (resolve-module '(gdb-guest stock) #f #:ensure #f)
         (lambda (module) (module-ref module '%ask))))

(define (ask name . arguments)
  (unless %ask
    (error "there is no GDB here"))
  (apply %ask name arguments))

;;; GDB.

(define* (execute command #:key (from-tty #f) (to-string #f))
  (ask "execute" command from-tty to-string))

(define (parameter-value name)
  (let ((value (ask "parameter-value" name)))
    (if (eqv? value -1)
        #:unlimited
        value)))

(define (throw-user-error message . arguments)
  (throw 'gdb:user-error #f message arguments #f))

;;; Values and symbols.

(define (parse-and-eval expression)
  (ask "parse-and-eval" expression))

(define (make-lazy-value type address)
  (ask "make-lazy-value" type address))

(define (value->integer value)
  (ask "value->integer" value))

(define (value->bytevector value)
  (ask "value->bytevector" value))

(define (lookup-symbol name)
  (and=> (ask "lookup-symbol" name) list))

(define (lookup-global-symbol name)
  (ask "lookup-global-symbol" name))

(define (symbol-type symbol)
  (ask "symbol-type" symbol))

;;; Types.

(define (lookup-type name)
  (ask "lookup-type" name))

(define (type-array type low high)
  (ask "type-array" type low high))

(define (type-code type)
  (ask "type-code" type))

(define (type-name type)
  (ask "type-name" type))

(define (type-sizeof type)
  (ask "type-sizeof" type))

(define (type-strip-typedefs type)
  (ask "type-strip-typedefs" type))

(define (type-has-field? type name)
  (ask "type-has-field?" type name))

;; Not by define-record-type, whose accessors are macros, and would be in the modules that use them.
(define <field> (make-record-type 'field '(object name bitpos enumval)))
(define make-field (record-constructor <field>))
(define field-object (record-accessor <field> 'object))
(define field-name (record-accessor <field> 'name))
(define field-bitpos (record-accessor <field> 'bitpos))
(define field-enumval (record-accessor <field> 'enumval))

(define (type-field type name)
  (apply make-field (ask "type-field" type name)))

(define (type-fields type)
  (map (lambda (parts) (apply make-field parts))
       (ask "type-fields" type)))

(define (field-type field)
  (ask "field-type" (field-object field)))

(define (current-arch)
  'current)

(define (arch-uchar-type arch)
  (lookup-type "unsigned char"))

;; The numbers depend on the version.
(define (constant name)
  (and %ask (ask "constant" name)))

(define TYPE_CODE_ENUM (constant "TYPE_CODE_ENUM"))
(define TYPE_CODE_STRUCT (constant "TYPE_CODE_STRUCT"))
(define TYPE_CODE_UNION (constant "TYPE_CODE_UNION"))

;;; Program spaces, symbol files.

(define (current-progspace)
  (ask "current-progspace"))

(define (progspace-filename progspace)
  (ask "progspace-filename" progspace))

(define (objfiles)
  (ask "objfiles"))

(define (objfile-filename objfile)
  (ask "objfile-filename" objfile))

;;; Ports.

(define* (open-memory #:key (mode "r") (start 0) size)
  "The memory of the current inferior, from START on; the port is not buffered, whatever MODE says."
  (define position 0)
  (define (read! bytes offset count)
    (let ((count (min count (- size position))))
      (unless (zero? count)
        (ask "read-memory" (+ start position) bytes offset count))
      (set! position (+ position count))
      count))
  (unless (and (string-prefix? "r" mode) size)
    (error "memory is opened with a mode of r, and a size" mode size))
  (let ((port (make-custom-binary-input-port "memory" read! #f #f #f)))
    (setvbuf port 'none)
    port))

(define (stream-port stream)
  (define (write! bytes offset count)
    (let ((piece (make-bytevector count)))
      (bytevector-copy! bytes offset piece 0 count)
      (ask "write" stream piece)
      count))
  (let ((port (make-custom-binary-output-port "gdb" write! #f #f #f)))
    (setvbuf port 'none)
    (set-port-conversion-strategy! port 'substitute)
    port))

(define output (delay (stream-port "STDOUT")))
(define errors (delay (stream-port "STDERR")))
(define (output-port) (force output))
(define (error-port) (force errors))
(define (input-port) (current-input-port))

;;; Commands.

(define-record-type <command>
  (%make-command number name invoke class completer doc)
  command?
  (number command-number)
  (name command-name)
  (invoke command-invoke)
  (class command-class)
  (completer command-completer)
  (doc command-doc))

(define COMMAND_DATA 'COMMAND_DATA)

(define commands '())

(define* (make-command name #:key invoke (command-class COMMAND_DATA) completer-class (doc ""))
  (%make-command (length commands) name invoke command-class completer-class doc))

(define (register-command! command)
  (set! commands (cons command commands))
  (ask "register-command" (command-number command) (command-name command)
       (symbol->string (command-class command)) (command-doc command)))

(define (dont-repeat command)
  (ask "dont-repeat" (command-number command)))

(define (find-command number)
  (find (lambda (command) (= (command-number command) number)) commands))

;;; Parameters: those that are on or off.

(define PARAM_BOOLEAN 'PARAM_BOOLEAN)

(define* (make-parameter name #:key (command-class COMMAND_DATA) (parameter-type PARAM_BOOLEAN)
                         (initial-value #f) (set-doc "") (show-doc "") (doc "") set-func show-func)
  (list name command-class initial-value set-doc show-doc doc show-func))

(define (register-parameter! parameter)
  (match parameter
    ((name class value set-doc show-doc doc show-func)
     (ask "register-parameter" name (symbol->string class) value set-doc show-doc doc
          (show-func #f "~")))))

;;; Python's requests.  The C side calls `enter', which asks for the request.

(define (exception-message message arguments)
  (apply simple-format #f message arguments))

(define (print-thrown key arguments)
  (match (cons key arguments)
    (((or 'gdb:error 'gdb:memory-error 'gdb:user-error) _ (? string? message) (? list? values) . _)
     (format (error-port) "ERROR: ~a~%" (exception-message message values)))
    (_ (print-exception (error-port) #f key arguments))))

(define (perform request)
  "Executes REQUEST; returns the reply."
  (match request
    (("invoke" number text from-tty?)
     (let ((command (find-command number)))
       ((command-invoke command) command text from-tty?)
       #t))
    (("complete" number text word)
     (let ((command (find-command number)))
       ((command-completer command) command text word)))
    (("evaluate" text)
     (let ((value (eval-string text)))
       (unless (eq? value *unspecified*)
         (write value (output-port))
         (newline (output-port)))
       #t))
    (("load" file)
     (primitive-load file)
     #t)))

(define (outcome request)
  "The reply: \"done\" and a value, \"user-error\" and a message, or \"error\", which has been
printed."
  (catch #t
    (lambda () (list "done" (perform request)))
    (lambda (key . arguments)
      (match (cons key arguments)
        (('signal . _) '("user-error" "Quit"))
        ((and ('gdb:user-error _ (? string? message) (? list? values) . _)
              (? (const (member (car request) '("invoke" "complete")))))
         (list "user-error" (exception-message message values)))
        (_
         (print-thrown key arguments)
         '("error" #f))))))

(define (insist . question)
  "The answer, and whether there was a Ctrl-C before Python could give it."
  (let loop ((interrupted? #f))
    (match (catch 'signal
             (lambda () (list (apply ask question)))
             (const #f))
      ((answer) (values answer interrupted?))
      (_ (loop #t)))))

(define (enter)
  (call-with-values (lambda () (insist "request"))
    (lambda (request interrupted?)
      (apply insist "reply" (if interrupted?
                                '("user-error" "Quit")
                                (outcome request))))))

(when %ask
  (setlocale LC_CTYPE "")
  (set-current-output-port (output-port))
  (set-current-error-port (error-port)))
