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
registers).  NOTICE is called with a line where the kernel's symbols cannot be read."
  (define told #f)
  (define (tell-once text)
    (unless (equal? text told)
      (set! told text)
      (notice text)))
  (call-with-guest
   (lambda (guest)
     (map (lambda (cpu)
            (acons 'symbol (symbol-text guest (assq-ref cpu 'pc) tell-once) cpu))
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

(define (print-short cpu)
  (say "~a\n" (string-trim-right
               (format #f "CPU ~a ~a ~a ~a ~a  ~a"
                       (string-pad-right (number->string (assq-ref cpu 'index)) 3)
                       (string-pad-right (assq-ref cpu 'activity) 8)
                       (string-pad-right (format #f "~a-bit" (assq-ref cpu 'bits)) 6)
                       (string-pad-right (assq-ref cpu 'privilege) 7)
                       (format-address (assq-ref cpu 'pc))
                       (place-text cpu))))
  (say "        rsp ~a  cr3 ~a  ~a\n" (format-address (assq-ref cpu 'sp))
       (format-address (assq-ref cpu 'root)) (state-text cpu)))

(define (print-all cpu)
  (say "\nCPU#~a~a\n~a" (assq-ref cpu 'index)
       (if (eq? (assq-ref cpu 'state) 'current)
           ""
           (string-append " " (state-text cpu)))
       (assq-ref cpu 'text)))

(define (print-json cpu)
  (let ((fact (lambda (name) (cons name (assq-ref cpu name))))
        (address (lambda (name) (cons name (hex (assq-ref cpu name) 16)))))
    (say "~a\n"
         (json `((cpu . ,(assq-ref cpu 'index))
                 ,(fact 'state) ,(fact 'why) ,(fact 'activity) ,(fact 'bits) ,(fact 'privilege)
                 ,(address 'pc) ,(address 'sp)
                 (symbol . ,(or (assq-ref cpu 'symbol) 'null))
                 (registers
                  . ,(map (match-lambda
                            ((name . register)
                             (cons (string->symbol name)
                                   (if (all-unknown? register)
                                       'null
                                       (register-text register)))))
                          (assq-ref cpu 'registers))))))))

;;; Convenience variables.

(define (set-variables cpu)
  (define (set name value)
    (set-convenience-variable (string-append "guest_" name) value))
  (set "cpu" (assq-ref cpu 'index))
  (set "current" (if (eq? (assq-ref cpu 'state) 'current) 1 0))
  (set "pc" (assq-ref cpu 'pc))
  (set "sp" (assq-ref cpu 'sp))
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

(define-guest-command (guest-regs
                       #:argument #f
                       #:options
                       ((cpu cpus "Only these CPUs, by QEMU's numbers: N, N-M, or a list with commas.  Where it is one, its
    registers are set as $guest_rip and so on, its number as $guest_cpu, and $guest_current
    is 1 if they are its registers of now.")
                        (all flag "All registers, in the layout of QEMU's \"info registers\".")
                        (json flag "A JSON object for each CPU, on a line of its own.")))
  "Show the registers of the guest's CPUs, and whether to believe them.

Each CPU is current, stale or unknown.  It is stale where KVM has run it since QEMU last asked for
its registers: what is shown is what they were then.  It is unknown where TCG was executing, or QEMU
does not tell.  A digit that is not known is a question mark."
  show-registers)
