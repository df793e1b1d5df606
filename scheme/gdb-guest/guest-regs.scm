;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-regs)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest json)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (srfi srfi-1)
  #:export (guest-cpus))

(define* (guest-cpus #:key (notice (const #t)))
  "The vCPUs, a list of association lists: index; state (the symbol current, stale or unknown) and
why it is not current; activity (\"running\", \"halted\"), bits (16, 32, 64), privilege (\"kernel\",
\"user\"); pc and sp, as paging sees them; place (\"SEGMENT:OFFSET\", or \"\" where that is the pc);
root (CR3); symbol (\"NAME+0xOFFSET\" of the kernel's, or #f); registers (an alist from names to
#(SIZE VALUE UNKNOWN), UNKNOWN being the bits of VALUE that nobody knows); text (as QEMU shows the
registers).  Of a CPU that executes a nested guest, activity is \"nested\", all this is of the guest
itself, unknown says why none of it is known, or is \"\", and nested is such a list of the nested guest;
maybe-nested is #t where that cannot be told.  NOTICE is called with a line where the kernel's symbols cannot be read."
  (define told #f)
  (define (tell-once text)
    (unless (equal? text told)
      (set! told text)
      (notice text)))
  (call-with-guest
   (lambda (guest)
     (map (lambda (cpu)
            (acons 'symbol
                   (and (has-registers? cpu)
                        (%guest-shows-kernel-of? guest (assq-ref cpu 'index))
                        (symbol-text guest (assq-ref cpu 'pc) tell-once))
                   cpu))
          (%guest-cpus guest)))))

;;; Values.

(define (hex value digits)
  (string-append "0x" (string-pad (number->string value 16) digits #\0)))

(define (register-text register)
  "The value of #(SIZE VALUE UNKNOWN), with ? for the digits that are not known."
  (match register
    (#(size value unknown)
     (string-append
      "0x"
      (list->string
       (map (lambda (digit)
              (let ((at (* -4 digit)))
                (if (zero? (logand 15 (ash unknown at)))
                    (string-ref (number->string (logand 15 (ash value at)) 16) 0)
                    #\?)))
            (reverse (iota (* 2 size)))))))))

(define (known? register)
  (match register
    (#(_ _ unknown) (zero? unknown))))

(define (all-unknown? register)
  (match register
    (#(size _ unknown) (= unknown (- (expt 2 (* 8 size)) 1)))))

;;; What is asked for.

(define range-text (make-regexp "^([0-9]+)(-([0-9]+))?$"))

(define (parse-range text)
  (let ((match (regexp-exec range-text text)))
    (and match
         (let* ((first (string->number (match:substring match 1)))
                (last (if (match:substring match 3)
                          (string->number (match:substring match 3))
                          first)))
           (and (<= first last) (cons first last))))))

(define (cpu-index cpu) (assq-ref cpu 'index))

(define (numbers-text numbers)
  "NUMBERS, which ascend, as \"0-3,8\"."
  (define (range-text first last)
    (if (= first last)
        (number->string first)
        (format #f "~a-~a" first last)))
  (let loop ((numbers (cdr numbers)) (first (car numbers)) (last (car numbers)) (texts '()))
    (match numbers
      (() (string-join (reverse (cons (range-text first last) texts)) ","))
      ((number . rest)
       (if (= number (+ last 1))
           (loop rest first number texts)
           (loop rest number number (cons (range-text first last) texts)))))))

(define (check-cpu cpus number)
  (unless (find (lambda (cpu) (= number (cpu-index cpu))) cpus)
    (throw 'gdb-guest-error 'not-found
           (format #f "-cpu: there is no CPU ~a; there are ~a" number
                   (numbers-text (sort (map cpu-index cpus) <))))))

(define (select-cpus cpus text)
  "Those of CPUS that TEXT, \"N,M-K\", has, in its order, each once."
  (let ((ranges (map parse-range (string-split text #\,))))
    (unless (every identity ranges)
      (throw 'gdb-guest-error 'invalid
             (format #f "-cpu: ~s is not N, N-M or a list of these" text)))
    (for-each (match-lambda
                ((first . last)
                 (check-cpu cpus first)
                 (check-cpu cpus last)))
              ranges)
    (delete-duplicates
     (append-map (match-lambda
                   ((first . last)
                    (filter (lambda (cpu) (<= first (cpu-index cpu) last)) cpus)))
                 ranges)
     eq?)))

;;; The ways to show them.

(define (state-text cpu)
  (match (assq-ref cpu 'state)
    ('current "current")
    (state (format #f "~a: ~a" state (assq-ref cpu 'why)))))

(define (place-text cpu)
  (let ((place (assq-ref cpu 'place)))
    (or (assq-ref cpu 'symbol)
        (if (string-null? place) "" place))))

(define (has-registers? cpu)
  "Is anything known of CPU's registers?"
  (string-null? (assq-ref cpu 'unknown)))

(define (mode-text cpu)
  "What CPU executes: activity, mode, privilege, pc, place."
  (string-trim-right
   (format #f "~a ~a ~a ~a  ~a"
           (string-pad-right (assq-ref cpu 'activity) 8)
           (string-pad-right (format #f "~a-bit" (assq-ref cpu 'bits)) 6)
           (string-pad-right (assq-ref cpu 'privilege) 7)
           (format-address (assq-ref cpu 'pc))
           (place-text cpu))))

(define (place-lines cpu)
  "Where CPU is, in two lines."
  (format #f "~a\n        rsp ~a  cr3 ~a" (mode-text cpu) (format-address (assq-ref cpu 'sp))
          (format-address (assq-ref cpu 'root))))

(define (print-short cpu)
  (let ((nested (assq-ref cpu 'nested)))
    (say "CPU ~a ~a  ~a\n" (string-pad-right (number->string (assq-ref cpu 'index)) 3)
         (if (has-registers? cpu)
             (place-lines cpu)
             (format #f "~a\n        rip, rsp, cr3 unknown: ~a" (assq-ref cpu 'activity)
                     (assq-ref cpu 'unknown)))
         (state-text cpu))
    (when nested
      (say "        in a nested guest:\n        ~a\n" (place-lines nested)))
    (when (assq-ref cpu 'maybe-nested)
      (say "        perhaps in a nested guest, whose registers these are then\n"))))

(define (print-all cpu)
  (let ((title (lambda (words)
                 (say "\nCPU#~a~a~a\n" (assq-ref cpu 'index) words
                      (if (eq? (assq-ref cpu 'state) 'current)
                          ""
                          (string-append " " (state-text cpu))))))
        (nested (assq-ref cpu 'nested)))
    (title (cond
            (nested " in a nested guest; the guest's own registers:")
            ((assq-ref cpu 'maybe-nested) " perhaps in a nested guest, whose registers these are then")
            (else "")))
    (if (has-registers? cpu)
        (say "~a" (assq-ref cpu 'text))
        (say "unknown: ~a\n" (assq-ref cpu 'unknown)))
    (when nested
      (title " in a nested guest; the nested guest's registers:")
      (say "~a" (assq-ref nested 'text)))))

(define (json-facts cpu)
  "What -json has of CPU, and of the nested guest that it executes."
  (let ((fact (lambda (name) (cons name (assq-ref cpu name))))
        (known (lambda (name value)
                 (cons name (if (has-registers? cpu) value 'null))))
        (address (lambda (name) (hex (assq-ref cpu name) 16))))
    `(,(fact 'activity)
      ,(known 'bits (assq-ref cpu 'bits))
      ,(known 'privilege (assq-ref cpu 'privilege))
      ,(known 'pc (address 'pc))
      ,(known 'sp (address 'sp))
      (symbol . ,(or (assq-ref cpu 'symbol) 'null))
      (registers
       . ,(map (match-lambda
                 ((name . register)
                  (cons (string->symbol name)
                        (if (all-unknown? register)
                            'null
                            (register-text register)))))
               (assq-ref cpu 'registers))))))

(define (print-json cpu)
  (let ((fact (lambda (name) (cons name (assq-ref cpu name))))
        (nested (assq-ref cpu 'nested)))
    (say "~a\n"
         (json `((cpu . ,(assq-ref cpu 'index))
                 ,(fact 'state) ,(fact 'why)
                 ,@(json-facts cpu)
                 (nested . ,(cond
                             (nested (json-facts nested))
                             ((assq-ref cpu 'maybe-nested) "unknown")
                             (else 'null)))
                 ,@(if (has-registers? cpu) '() (list (fact 'unknown))))))))

;;; Convenience variables.

(define (set-variables cpu)
  (define (set name value)
    (set-convenience-variable (string-append "guest_" name) value))
  (set "cpu" (assq-ref cpu 'index))
  (set "current" (if (eq? (assq-ref cpu 'state) 'current) 1 0))
  (set "pc" (and (has-registers? cpu) (assq-ref cpu 'pc)))
  (set "sp" (and (has-registers? cpu) (assq-ref cpu 'sp)))
  (for-each (match-lambda
              ((name . (and register #(size value _)))
               (when (<= size 8)
                 (set name (and (known? register) value)))))
            (assq-ref cpu 'registers)))

(define (show-registers options)
  (let* ((notice (if (option options 'json)
                     (lambda (text) (say-aside "note: ~a\n" text)) ; out of a script's way
                     (lambda (text) (note "~a" text))))
         (cpus (guest-cpus #:notice notice))
         (wanted (option options 'cpu))
         (chosen (if wanted (select-cpus cpus wanted) cpus)))
    (for-each (cond
               ((option options 'json) print-json)
               ((option options 'all) print-all)
               (else print-short))
              chosen)
    (match chosen
      ((cpu) (when wanted (set-variables cpu)))
      (_ #f))))

(register-guest-command "guest-regs" show-registers)
