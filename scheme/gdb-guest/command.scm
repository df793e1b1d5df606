;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; What all commands share: options and their completion, help, errors, progress.

(define-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 format)
  #:use-module (ice-9 ftw)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (srfi srfi-1)
  #:export (define-guest-command
            register-guest-command
            call-with-guest
            final?
            evaluate-address
            symbol-text
            option
            check-range
            last-number
            parse-options
            complete-options
            call-with-progress
            format-duration
            progress-text
            seconds-left
            note
            format-size
            format-address
            format-range))

(define (final? kind)
  "Does an error of KIND end the command, whatever else there might be to tell?"
  (memq kind '(interrupted lost no-memory)))

;;; Options.  An option is (NAME KIND [TEXT]): KIND is `flag', `file', `text',
;;; `time' (seconds of the guest's clock, or a time in UTC), (integer LOW HIGH) for a GDB expression whose value must be in that range, `cpu' for such a number of
;;; a CPU, `cpus' for a list of such numbers, a list of words of which one is meant, or (some-of WORD ...) for a list of them with commas in
;;; between; (levels WORD ...) is such a list in which WORD+ is WORD and all before it.  Arguments without a dash are what the command's #:argument has: #f for
;;; none, (KEY . "NAME FOR PEOPLE"), or a list of these.  One whose name is in brackets may be
;;; left out; one called FILE is a file's name, and ADDR an address in the guest.

(define (arguments-of argument)
  (match argument
    (#f '())
    (((? symbol?) . (? string?)) (list argument))
    (_ argument)))

(define (names-of-arguments arguments)
  (string-join (map cdr arguments)))

(define (required? argument)
  (not (string-prefix? "[" (cdr argument))))

(define (option-flag name) (string-append "-" (symbol->string name)))

(define (find-option specs word)
  (find (lambda (spec) (string=? (option-flag (car spec)) word)) specs))

(define (names-of specs)
  (if (null? specs)
      "it has none"
      (string-append "it has " (string-join (map (compose option-flag car) specs) ", "))))

(define last-number (- (expt 2 64) 1))
(define last-cpu (- (expt 2 32) 1))

(define (number-text number)
  (cond
   ((= number last-number) "2^64 - 1")
   (else (number->string number))))

(define (check-range name value low high)
  "VALUE, if it is from LOW to HIGH; else an error that calls it NAME."
  (unless (<= low value high)
    (throw 'gdb-guest-error 'invalid
           (format #f "~a is ~a, not ~a to ~a" name value low (number-text high))))
  value)

(define (parse-integer command spec text low high)
  (catch 'gdb-guest-error
    (lambda ()
      (check-range (option-flag (car spec)) (evaluate-integer text) low high))
    (lambda (key kind message)
      (when (final? kind)
        (throw key kind message))
      (fail "~a: ~a~a" command
            (if (string-prefix? "-" message) "" (string-append (option-flag (car spec)) ": "))
            message))))

(define (with-pluses words)
  (append words (map (lambda (word) (string-append word "+")) words)))

(define* (parse-some-of command spec words text #:optional (more ""))
  (let ((chosen (string-split text #\,)))
    (for-each (lambda (word)
                (unless (or (member word words)
                            (and (not (string-null? more))
                                 (member word (with-pluses words))))
                  (fail "~a: ~a is some of ~a~a, with commas in between, not ~s" command
                        (option-flag (car spec)) (string-join words ", ") more word)))
              chosen)
    chosen))

(define log-time (make-regexp "^([0-9]{1,9})(\\.([0-9]{1,9}))?$"))
(define wall-time
  (make-regexp "^([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]([0-9]{2}:[0-9]{2}(:[0-9]{2})?))?Z?$"))

(define (parse-time command spec text)
  "Nanoseconds, or for a time of a clock on a wall (wall . NANOSECONDS), since 1970."
  (define group match:substring)
  (define (wrong)
    (fail "~a: ~a is seconds (12.5) or a time in UTC (2026-11-26T15:03:39), not ~s" command
          (option-flag (car spec)) text))
  (define (seconds-since-1970 found)
    (let* ((day (group found 1))
           (time (or (group found 3) "00:00"))
           (text (string-append day "T" time (if (group found 4) "" ":00"))))
      (catch #t
        (lambda ()
          (match (strptime "%Y-%m-%dT%H:%M:%S" text)
            ((tm . (? (lambda (end) (= end (string-length text)))))
             ;; The 31st of a shorter month would be taken for the 1st of the next.
             (let* ((seconds (car (mktime tm "UTC"))))
               (unless (string=? text (strftime "%Y-%m-%dT%H:%M:%S" (gmtime seconds)))
                 (wrong))
               seconds))))
        (lambda _ (wrong)))))
  (cond
   ((regexp-exec log-time text)
    => (lambda (found)
         (+ (* (string->number (group found 1)) (expt 10 9))
            (string->number (string-pad-right (or (group found 3) "0") 9 #\0)))))
   ((regexp-exec wall-time text)
    => (lambda (found) (cons 'wall (* (seconds-since-1970 found) (expt 10 9)))))
   (else (wrong))))

(define (parse-value command spec text)
  (match (cadr spec)
    (('integer low high) (parse-integer command spec text low high))
    ('cpu (parse-integer command spec text 0 last-cpu))
    ('file (expand-file text))
    ((or 'text 'cpus) text)
    ('time (parse-time command spec text))
    (('levels . words)
     (parse-some-of command spec words text ", each alone or with + for it and worse"))
    (('some-of . words) (parse-some-of command spec words text))
    ((? list? words)
     (if (member text words)
         text
         (fail "~a: ~a is one of ~a, not ~s" command (option-flag (car spec))
               (string-join words ", ") text)))))

(define (file? argument)
  (string=? "FILE" (cdr argument)))

(define (negative-number? word)
  (and (> (string-length word) 1)
       (char-numeric? (string-ref word 1))))

(define tilde (make-regexp "^~([^/]*)(.*)$"))

(define (home user)
  "The home of USER, or for \"\" of who runs GDB; #f where there is none."
  (catch #t
    (lambda ()
      (or (and (string-null? user) (getenv "HOME"))
          (passwd:dir (if (string-null? user) (getpwuid (getuid)) (getpwnam user)))))
    (const #f)))

(define (expand-file name)
  "NAME with a home in the place of ~ or ~USER, as in GDB's own commands."
  (let* ((match (regexp-exec tilde name))
         (folder (and match (home (match:substring match 1)))))
    (if folder
        (string-append folder (match:substring match 2))
        name)))

(define (parse-options command specs argument words)
  "WORDS as an alist: a flag's value is #t, an argument without a dash has the key of ARGUMENT."
  (define arguments (arguments-of argument))
  (define (too-many word)
    (match arguments
      (() (fail "~a: it takes no argument; ~s was given" command word))
      (((_ . name)) (fail "~a: it takes one ~a; ~s is one too many (quote a name with spaces)"
                          command name word))
      (_ (fail "~a: it takes ~a; ~s is one too many (quote what has spaces)"
               command (names-of-arguments arguments) word))))
  (let loop ((words words) (left arguments) (result '()))
    (match words
      (() (if (any required? left)
              (fail "~a: it takes ~a; help ~a" command (names-of-arguments arguments) command)
              result))
      ((word . rest)
       (let ((spec (find-option specs word)))
         (cond
          ((and spec (eq? (cadr spec) 'flag))
           (loop rest left (acons (car spec) #t result)))
          ((and spec (null? rest))
           (fail "~a: ~a takes a value" command word))
          (spec
           (loop (cdr rest) left
                 (acons (car spec) (parse-value command spec (car rest)) result)))
          ((and (string-prefix? "-" word) (not (string=? word "-"))
                (not (and (pair? left) (negative-number? word) (not (file? (car left))))))
           (fail "~a: no option ~a; ~a" command word (names-of specs)))
          ;; As in GDB: x/FORMAT.
          ((and (string-prefix? "/" word) (assq 'format left))
           (loop rest (alist-delete 'format left eq?)
                 (acons 'format (substring word 1) result)))
          ((null? left) (too-many word))
          (else
           (loop rest (cdr left)
                 (acons (caar left) (if (file? (car left)) (expand-file word) word)
                        result)))))))))

(define (option options name)
  "The value of the option NAME, or #f."
  (assq-ref options name))

;;; Completion.

(define (complete-file prefix)
  (let* ((slash (string-rindex prefix #\/))
         (folder (if slash (substring prefix 0 (+ slash 1)) ""))
         (start (if slash (substring prefix (+ slash 1)) prefix))
         (names (or (scandir (if (string-null? folder) "." (expand-file folder))
                             (lambda (name)
                               (and (string-prefix? start name)
                                    (not (member name '("." ".."))))))
                    '())))
    (map (lambda (name)
           (let ((path (string-append folder name)))
             (if (folder? (expand-file path))
                 (string-append path "/")
                 path)))
         names)))

(define (folder? path)
  (and (file-exists? path) (file-is-directory? path)))

;; GDB shows 200 (set max-completions).
(define most-symbols 300)

(define (complete-in-guest procedure)
  "What PROCEDURE, which is called with the guest, returns; nothing where that fails."
  (catch #t
    (lambda () (call-with-guest procedure))
    (const '())))

(define (complete-symbol prefix)
  (if (string-null? prefix)
      '()
      (complete-in-guest
       (lambda (guest) (%guest-complete-symbol guest prefix most-symbols)))))

(define (complete-cpus)
  (complete-in-guest
   (lambda (guest)
     (map (lambda (cpu) (number->string (assq-ref cpu 'index)))
          (%guest-cpus guest)))))

(define (arguments-left specs arguments words)
  "Those of ARGUMENTS that WORDS, options and arguments, have not given yet."
  (match words
    (() arguments)
    ((word . rest)
     (let ((spec (find-option specs word)))
       (cond
        ((and spec (not (eq? (cadr spec) 'flag)))
         (arguments-left specs arguments (if (null? rest) '() (cdr rest))))
        ((or spec (string-prefix? "/" word) (null? arguments))
         (arguments-left specs arguments rest))
        (else (arguments-left specs (cdr arguments) rest)))))))

(define (complete-argument arguments word)
  "What WORD, the first of ARGUMENTS, may become."
  (match arguments
    (((_ . "FILE") . _) (complete-file word))
    (((_ . "ADDR") . _) (complete-symbol word))
    ((((? (lambda (key) (eq? key 'key))) . _) . _)
     (map (lambda (row) (vector-ref row 0)) (%sysrq-keys)))
    (_ '())))

(define (complete-some-of words text)
  "TEXT with its last word, of those with commas in between, as each of WORDS that it may become."
  (let ((start (or (and=> (string-rindex text #\,) 1+) 0)))
    (map (lambda (word) (string-append (substring text 0 start) word))
         words)))

(define (complete-options specs argument text word)
  "What TEXT, the arguments so far, may go on with, as replacements for WORD, the piece of it behind
GDB's last word break."
  (let* ((start (or (and=> (string-rindex text #\space) 1+) 0))
         (last-word (substring text start))
         (words (split-arguments (substring text 0 start)))
         (previous (and (pair? words) (find-option specs (last words))))
         (candidates
          (match (and previous (cadr previous))
            ((or #f 'flag)
             (if (string-prefix? "-" last-word)
                 (map (compose option-flag car) specs)
                 (complete-argument (arguments-left specs (arguments-of argument) words)
                                    last-word)))
            ('file (complete-file last-word))
            ('cpu (complete-cpus))
            ('cpus (complete-some-of (complete-cpus) last-word))
            ((or 'text 'time ('integer . _)) '())
            (('levels . words) (complete-some-of (with-pluses words) last-word))
            (('some-of . words) (complete-some-of words last-word))
            (words words)))
         ;; GDB takes what it gets as what stands for WORD, the end of the last word.
         (known (- (string-length last-word) (string-length word))))
    (filter-map (lambda (candidate)
                  (and (string-prefix? last-word candidate)
                       (substring candidate (max known 0))))
                candidates)))

;;; Commands.

(define* (call-with-guest procedure #:key via-host? memory)
  "Calls PROCEDURE with the guest of what GDB has in front of it."
  (interruptible
   (lambda ()
     (let ((target (current-target)))
       (check-target target)
       (call-with-host target procedure #:via-host? via-host? #:memory memory)))))

(define (check-target target)
  (case (target-kind target)
    ((none) (throw 'gdb-guest-error 'not-found
                   "no core, no process and no gdbstub: load a core of QEMU (core-file FILE), attach \
to QEMU (attach PID) or connect to its gdbstub (target remote ADDRESS)"))
    ((other) (throw 'gdb-guest-error 'unsupported
                    "the target is neither a core, nor a process of this machine, nor QEMU's \
gdbstub: load a core of QEMU (core-file FILE), attach to QEMU (attach PID) or connect to its gdbstub \
(target remote ADDRESS)"))))

(define (invoke name specs argument body text)
  (catch #t
    (lambda ()
      (stop-watching)
      (body (parse-options name specs argument (split-arguments text))))
    (lambda (key . arguments)
      (match (cons key arguments)
        (('gdb-guest-error 'interrupted _) (fail "Quit"))
        (('gdb-guest-error _ message) (fail "~a: ~a" name message))
        (('signal . _) (fail "Quit"))
        (_ (apply throw key arguments))))))

(define (register-guest-command name argument specs doc body)
  (register-command name (help-text name argument specs doc)
                    (lambda (text)
                      (invoke name specs argument body text))
                    (lambda (text word)
                      (complete-options specs argument text word))))

(define (option-help spec)
  (match spec
    ((name 'flag text) (format #f "  ~a~%    ~a" (option-flag name) text))
    ((name ('some-of . words) text)
     (format #f "  ~a ~a[,...]~%    ~a" (option-flag name) (string-join words "|") text))
    ((name ('levels . words) text)
     (format #f "  ~a ~a[+][,...]~%    ~a" (option-flag name) (string-join words "|") text))
    ((name ('integer . _) text) (format #f "  ~a N~%    ~a" (option-flag name) text))
    ((name (? list? words) text)
     (format #f "  ~a ~a~%    ~a" (option-flag name) (string-join words "|") text))
    ((name 'cpu text) (format #f "  ~a N~%    ~a" (option-flag name) text))
    ((name kind text)
     (format #f "  ~a ~a~%    ~a" (option-flag name) (string-upcase (symbol->string kind))
             text))))

(define (help-text name argument specs doc)
  "DOC's first line, how the command is called, the rest of DOC, the options."
  (let* ((end (or (string-index doc #\newline) (string-length doc)))
         (usage (string-append "Usage: " name
                               (if (null? specs) "" " [OPTION]...")
                               (string-concatenate
                                (map (lambda (argument)
                                       (string-append " " (cdr argument)))
                                     (arguments-of argument))))))
    (string-append (substring doc 0 end) "\n" usage (substring doc end)
                   (if (null? specs) "" "\n\nOptions:\n")
                   (string-join (map option-help specs) "\n"))))

(define-syntax define-guest-command
  (syntax-rules ()
    "Registers the command NAME.  A SPEC is an option, quasiquoted; BODY is called with the options and
arguments as `option' reads them."
    ((_ (name #:argument argument #:options (spec ...)) doc body)
     (register-guest-command (symbol->string 'name) 'argument `(spec ...) doc body))))

;;; Addresses in the guest.

(define symbol-expression
  (make-regexp "^([A-Za-z_.][A-Za-z0-9_.$]*)([+-](0x[0-9a-fA-F]+|[0-9]+))?$"))

(define (parse-offset text)
  (let ((digits (string-trim (substring text 1) #\0)))
    (* (if (string-prefix? "-" text) -1 1)
       (if (string-prefix? "x" digits)
           (string->number (substring digits 1) 16)
           (string->number (substring text 1))))))

(define (check-address text value)
  "VALUE, which TEXT stands for, as an address.  As in GDB -1 is the last."
  (unless (<= (- (expt 2 63)) value last-number)
    (throw 'gdb-guest-error 'invalid
           (format #f "~a is not an address: it is ~a, not 0 to 2^64 - 1" text value)))
  (modulo value (expt 2 64)))

(define (add-offset text address offset)
  (let ((sum (+ address offset)))
    (unless (<= 0 sum last-number)
      (throw 'gdb-guest-error 'invalid
             (format #f "~a is not an address: it is ~a0x~x, not 0 to 2^64 - 1" text
                     (if (negative? sum) "-" "") (abs sum))))
    sum))

(define* (evaluate-address guest text #:key (cpu #f) (notice (const #t)))
  "The address that TEXT stands for: SYMBOL, SYMBOL+OFFSET or SYMBOL-OFFSET of the guest's kernel, as
the CPU whose number CPU is has it, else a GDB expression.  A second value is the symbol, #(NAME TYPE
ADDRESS SIZE), or #f."
  (define (kernel-symbol name)
    ;; The symbol, or why there is none.
    (catch 'gdb-guest-error
      (lambda () (%guest-find-symbol guest name cpu notice))
      (lambda (key kind message)
        (if (or (final? kind) (eq? kind 'invalid))
            (throw key kind message)
            message))))
  (let* ((match (regexp-exec symbol-expression text))
         (symbol (and match (kernel-symbol (match:substring match 1)))))
    (if (vector? symbol)
        (let ((offset (match:substring match 2)))
          (values (add-offset text (vector-ref symbol 2) (if offset (parse-offset offset) 0))
                  symbol))
        (values
         (check-address
          text
          (if symbol
              (evaluate-integer
               text (format #f "a symbol of the guest's kernel (~a), nor a number" symbol))
              (evaluate-integer text)))
         #f))))

(define (offset-text name offset)
  (if (zero? offset)
      name
      (format #f "~a+0x~x" name offset)))

(define* (symbol-text guest address notice #:optional named)
  "\"NAME+0xOFFSET\" for an ADDRESS in the guest's kernel, or #f.  Of several names that an address has
it is that of NAMED, the symbol that the user asked for, or the first.  NOTICE is called with a line
where the kernel's symbols are damaged."
  (define start (and named (vector-ref named 2)))
  (catch 'gdb-guest-error
    (lambda ()
      (match (%guest-kernel-symbol-at guest address)
        (#(name _ first _)
         (offset-text (if (eqv? first start) (vector-ref named 0) name) (- address first)))))
    (lambda (key kind message)
      (cond
       ((final? kind) (throw key kind message))
       ;; A CPU's own variable is not in the kernel's image.
       ((and named (< -1 (- address start) (max 1 (vector-ref named 3))))
        (offset-text (vector-ref named 0) (- address start)))
       ((memq kind '(not-found absent)) #f)
       (else (notice message) #f)))))

;;; Words.

(define (format-size bytes)
  "BYTES with three significant digits and a unit."
  (let loop ((value bytes) (units '("bytes" "KiB" "MiB" "GiB" "TiB" "PiB" "EiB")))
    (cond
     ((and (>= value 1024) (pair? (cdr units))) (loop (/ value 1024) (cdr units)))
     ((integer? value) (format #f "~a ~a" value (car units)))
     (else (format #f "~a ~a" (round-to-tenths value) (car units))))))

(define (round-to-tenths value)
  (/ (round (* 10 (exact->inexact value))) 10))

(define (format-address address)
  (string-append "0x" (string-pad (number->string address 16) 16 #\0)))

(define (note format-string . arguments)
  "What was assumed, found by scanning, or is stale: one line."
  (say "note: ~a\n" (apply format #f format-string arguments)))

(define (format-range range)
  (match range
    (#(start size _ block)
     (format #f "~a-~a  ~a  ~a" (format-address start) (format-address (+ start (- size 1)))
             (string-pad (format-size size) 10) block))))

;;; Progress.

;; Off a terminal a line is for a log file: now and then is enough.
(define seconds-between-lines 10)

(define (format-duration seconds)
  "SECONDS with two units at most, as \"1 h 12 min\"."
  (cond
   ((< seconds 60) (format #f "~a s" seconds))
   ((< seconds 600) (format #f "~a min ~a s" (quotient seconds 60) (remainder seconds 60)))
   ((< seconds 3600) (format #f "~a min" (quotient seconds 60)))
   (else (format #f "~a h ~a min" (quotient seconds 3600)
                 (quotient (remainder seconds 3600) 60)))))

(define (seconds-left done total seconds)
  "How long the rest takes at the rate of what is done; #f before anything is."
  (and (> seconds 0) (> done 0)
       (inexact->exact (ceiling (/ (* (- total done) seconds) done)))))

(define (progress-text done total seconds)
  (let ((rate (if (> seconds 0) (/ done seconds) 0))
        (left (seconds-left done total seconds)))
    (format #f "~a of ~a, ~a/s, ~a"
            (format-size done) (format-size total) (format-size (inexact->exact (round rate)))
            (if left
                (string-append (format-duration left) " left")
                "..."))))

(define (call-with-progress procedure)
  "Calls PROCEDURE with a procedure that shows how far the work is: it takes what is done, what there
is to do, and the seconds since the beginning."
  (let* ((terminal? (isatty? (fdes->outport 2)))
         (last-shown 0)
         (width 0))
    (define (erase)
      (when (> width 0)
        (say-aside "\r~a\r" (make-string width #\space))
        (set! width 0)))
    (define (show done total seconds)
      (let ((text (progress-text done total seconds)))
        (cond
         (terminal?
          (when (> seconds 0.5)
            (erase)
            (say-aside "~a" text)
            (set! width (string-length text))))
         ((>= (- seconds last-shown) seconds-between-lines)
          (set! last-shown seconds)
          (say-aside "~a\n" text)))))
    (dynamic-wind
      (const #t)
      (lambda () (procedure show erase))
      erase)))
