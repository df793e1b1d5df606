;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-x)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest host)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (rnrs bytevectors)
  #:use-module (srfi srfi-1)
  #:export (guest-read))

(define* (guest-read address size #:key (cpu #f) (notice (const #t)))
  "SIZE bytes at the guest-virtual ADDRESS, as a bytevector, through the page tables of the CPU whose
number CPU is, or those of the guest's kernel.  NOTICE is called with a line where these may not be
what was asked for, or not be current."
  (call-with-guest
   (lambda (guest)
     (%guest-read-virtual guest cpu address size notice))))

;;; What is asked for: [COUNT][LETTER][SIZE], letter and size in either order, as in GDB.

(define max-bytes (expt 2 20))
(define max-string 4096)
(define sizes '((#\b . 1) (#\h . 2) (#\w . 4) (#\g . 8)))
(define letters "xduotacsi")
(define max-instructions (expt 2 16))
(define format-text (make-regexp "^(-?[0-9]*)([a-z]*)$"))

(define (parse-letters text)
  "The letter and the size that TEXT has, or #f for one that it has not."
  (let loop ((chars (string->list text)) (letter #f) (size #f))
    (match chars
      (() (values letter size))
      ((char . rest)
       (cond
        ((and (assv char sizes) (not size)) (loop rest letter (assv-ref sizes char)))
        ((and (string-index letters char) (not letter)) (loop rest char size))
        (else (throw 'gdb-guest-error 'invalid
                     (format #f "~s is not [COUNT][FORMAT]: a number, a letter of ~a and a size of b, h, w, g"
                             text letters))))))))

(define (default-size letter)
  (case letter
    ((#\a) 8)
    ((#\c #\s #\i) 1)
    (else 4)))

(define (parse-format text)
  "COUNT, LETTER and SIZE of TEXT."
  (let ((match (regexp-exec format-text text)))
    (unless match
      (throw 'gdb-guest-error 'invalid (format #f "~s is not [COUNT][FORMAT]" text)))
    (call-with-values (lambda () (parse-letters (match:substring match 2)))
      (lambda (letter size)
        (let* ((letter (or letter #\x))
               (size (or size (default-size letter)))
               (count (or (string->number (match:substring match 1)) 1)))
          (check-range (format #f "COUNT of ~s" text) count 1
                       (if (eqv? letter #\i) max-instructions (quotient max-bytes size)))
          (when (and (eqv? letter #\s) (not (= size 1)))
            (throw 'gdb-guest-error 'invalid
                   (format #f "~s: a string has characters of size b" text)))
          (values count letter size))))))

;;; How it is shown.

(define (format-char value)
  (let ((signed (if (> value 127) (- value 256) value)))
    (format #f "~a '~a'" signed
            (cond
             ((memv value (map char->integer '(#\' #\\))) (format #f "\\~a" (integer->char value)))
             ((<= 32 value 126) (string (integer->char value)))
             (else (format #f "\\~3,'0o" value))))))

(define (format-unit guest letter size bytes offset)
  (let ((unsigned (bytevector-uint-ref bytes offset (endianness little) size)))
    (case letter
      ((#\x) (string-append "0x" (string-pad (number->string unsigned 16) (* 2 size) #\0)))
      ((#\d) (number->string (bytevector-sint-ref bytes offset (endianness little) size)))
      ((#\u) (number->string unsigned))
      ((#\o) (if (zero? unsigned) "0" (string-append "0" (number->string unsigned 8))))
      ((#\t) (string-pad (number->string unsigned 2) (* 8 size) #\0))
      ((#\c) (format-char (logand unsigned 255)))
      ((#\a) (let ((symbol (symbol-text guest unsigned (const #t))))
               (format #f "0x~x~a" unsigned (if symbol (format #f " <~a>" symbol) "")))))))

(define (units-per-line letter size)
  (cond
   ((memv letter '(#\a)) 2)
   ((memv letter '(#\c)) 8)
   (else (quotient 16 (max size 2)))))

(define (address-text guest address named)
  (let ((symbol (symbol-text guest address (const #t) named)))
    (format #f "0x~x~a" address (if symbol (format #f " <~a>" symbol) ""))))

(define (print-units guest named read address count letter size)
  (when (> (+ address (* count size)) (expt 2 64))
    (throw 'gdb-guest-error 'invalid
           (format #f "~a bytes from 0x~x on go beyond the last address, 0x~x" (* count size) address
                   last-number)))
  (let loop ((address address) (left count))
    (when (> left 0)
      (let* ((units (min left (units-per-line letter size)))
             (bytes (read address (* units size))))
        (say "~a:" (address-text guest address named))
        (for-each (lambda (i)
                    (say "\t~a" (format-unit guest letter size bytes (* i size))))
                  (iota units))
        (say "\n")
        (loop (+ address (* units size)) (- left units))))))

(define (read-string read address)
  "The bytes at ADDRESS up to a NUL, and whether there was one within the limit."
  (let loop ((at address) (bytes '()))
    ;; Not across a page before the NUL is seen: the next one may not be mapped.
    (let* ((piece (- 64 (modulo at 64)))
           (got (bytevector->u8-list (read at piece)))
           (text (take-while (negate zero?) got))
           (all (append bytes text)))
      (cond
       ((< (length text) (length got)) (values all #t))
       ((>= (length all) max-string) (values all #f))
       (else (loop (+ at piece) all))))))

(define (escape-byte byte)
  (cond
   ((memv byte '(34 92)) (format #f "\\~a" (integer->char byte)))
   ((<= 32 byte 126) (string (integer->char byte)))
   (else (format #f "\\~3,'0o" byte))))

(define (print-strings guest named read address count)
  (let loop ((address address) (left count))
    (when (> left 0)
      (call-with-values (lambda () (read-string read address))
        (lambda (bytes whole?)
          (say "~a:\t\"~a\"~a\n" (address-text guest address named)
               (string-concatenate (map escape-byte bytes)) (if whole? "" "..."))
          (loop (+ address (length bytes) (if whole? 1 0)) (- left 1)))))))

;;; Code.

(define (program-counters guest)
  "Where the CPUs are whose registers are current: a list of (PC . INDEX)."
  (catch 'gdb-guest-error
    (lambda ()
      (filter-map (lambda (cpu)
                    (and (eq? 'current (assq-ref cpu 'state))
                         (cons (assq-ref cpu 'pc) (assq-ref cpu 'index))))
                  (%guest-cpus guest)))
    (lambda (key kind message)
      (when (final? kind)
        (throw key kind message))
      '())))

(define (target-text guest named text target branch?)
  "TEXT, an instruction, with the symbol of what it names."
  (let ((symbol (and target (symbol-text guest target (const #t) named))))
    (cond
     ((not target) text)
     (branch? (if symbol (format #f "~a <~a>" text symbol) text))
     (else (format #f "~a  # ~a" text (address-text guest target named))))))

(define (print-instruction guest named cpus instruction)
  (match instruction
    (#(address _ text target branch?)
     (let ((here (filter-map (match-lambda
                               ((pc . index) (and (= pc address) (number->string index))))
                             cpus)))
       (say "~a~a:\t~a~a\n" (if (null? here) "   " "=> ")
            (address-text guest address named)
            (target-text guest named text target branch?)
            (if (null? here) "" (format #f "  # CPU ~a" (string-join here ","))))))))

(define (print-code guest named cpu address count notice)
  (match (%guest-disassemble guest cpu address count
                             (equal? (setting "disassembly-flavor") "intel") notice)
    ((instructions . problem)
     (let ((cpus (program-counters guest)))
       (for-each (lambda (instruction) (print-instruction guest named cpus instruction))
                 instructions))
     (match problem
       (#f #t)
       ((kind . message) (throw 'gdb-guest-error kind message))))))

(define (print-memory options)
  (define cpu (option options 'cpu))
  (define (notice text) (note "~a" text))
  (call-with-values (lambda () (parse-format (or (option options 'format) "")))
    (lambda (count letter size)
      (call-with-guest
       (lambda (guest)
         (define (read address size)
           (%guest-read-virtual guest cpu address size notice))
         (call-with-values
             (lambda ()
               (evaluate-address guest (option options 'address) #:cpu cpu #:notice notice))
           (lambda (address named)
             (case letter
               ((#\s) (print-strings guest named read address count))
               ((#\i) (print-code guest named cpu address count notice))
               (else (print-units guest named read address count letter size))))))))))

(register-guest-command "guest-x" print-memory)
