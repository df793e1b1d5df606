;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; (gdb-guest command): GDB's part in options and completion; numbers for people.

(use-modules (gdb-guest command) ((gdb) #:prefix gdb:))

;;; Options, by a command that the table has.

(define (parse text)
  (call-with-options "dump-guest-memory" text
                     (lambda (options)
                       (map (lambda (name) (option options name))
                            '(force begin absent file)))))

(test-equal "options and arguments come from C as Scheme's data"
  '(#t 4096 "skip" "vmcore") (parse "-force -absent skip -begin 4096 -length 1 vmcore"))
(test-equal "what was not given is false"
  '(#f #f #f "a b") (parse "'a b'"))
(test-equal "an integer is a GDB expression"
  '(#f 4112 #f "vmcore") (parse "-begin '0x1000 + 2 * 8' -length 1 vmcore"))
(test-equal "an integer may be as large as an address"
  (list #f (- (expt 2 64) 4096) #f "vmcore") (parse "-begin 0xfffffffffffff000 -length 1 vmcore"))
(test-equal "lists and times come from C as Scheme's data"
  '(("err" "warn+") ("kern") 12500000000 (wall . 1795705419000000000))
  (call-with-options "guest-klog"
                     "-level err,warn+ -facility kern -since 12.5 -until 2026-11-26T15:03:39"
                     (lambda (options)
                       (map (lambda (name) (option options name))
                            '(level facility since until)))))
(test-throws "a wrong option is an exception of the library's"
  'invalid "-absent is one of fail, skip, not \"elv\"" (parse "-absent elv vmcore"))
(test-assert "what is no number is named, with GDB's reason"
  (let ((result (outcome (lambda () (parse "-begin no_such_symbol vmcore")))))
    (and (eq? (car result) 'invalid)
         (string-prefix? "-begin: \"no_such_symbol\" is not a number: No symbol \"no_such_symbol\""
                         (cdr result)))))
(for-each
 (lambda (row)
   (test-throws (string-append "an integer out of its range is named with its range: " (car row))
     'invalid (string-append "-length is " (cdr row) ", not 1 to 2^64 - 1")
     (parse (string-append "-length '" (car row) "' vmcore"))))
 '(("-3" . "-3") ("0" . "0") ("-0x1" . "-1") ("2 - 5" . "-3")
   ("18446744073709551616" . "18446744073709551616") ("0x10000000000000000" . "18446744073709551616")
   ("-9223372036854775808" . "-9223372036854775808")
   ("99999999999999999999999" . "99999999999999999999999")))
(test-throws "a fraction is no integer"
  'invalid "-length: \"1.5\" is not a whole number" (parse "-length 1.5 vmcore"))
(test-throws "a variable without a value is named"
  'invalid "-length: \"$none\" has no value" (parse "-length $none vmcore"))
(test-throws "of a register's variable it is said what sets it"
  'invalid
  "-length: \"$guest_rip\" has no value: guest-regs -cpu N sets $guest_rip and the like, as \
far as CPU N's registers are known"
  (parse "-length $guest_rip vmcore"))

;;; Completion.  GDB's words end at what its list of word break characters has; the answers stand
;;; for what is behind the last one.

(test-equal "a candidate replaces the last word"
  '("-force") (complete-command "dump-guest-memory" "-forc" "-forc"))
(test-equal "what is given for the last word is what stands behind GDB's word break"
  '("force") (complete-command "dump-guest-memory" "-forc" "forc"))
(test-equal "one of several words completes as what stands behind GDB's word break"
  '("warn" "warn+") (complete-command "guest-klog" "-level err,w" "w"))
(test-equal "without a guest its symbols do not complete"
  '() (complete-command "guest-x" "jif" "jif"))

;;; Data.

(define (data-of text)
  ((@ (gdb-guest native) %json->data) ((@ (rnrs bytevectors) string->utf8) text)))

(test-equal "the JSON of a command becomes association lists, one for each line"
  '(((pid . 1) (comm . "init") (idle . #f) (cpus 0 1) (none) (in (load . 0.5))) ((parent . #f)))
  (data-of "{\"pid\":1,\"comm\":\"init\",\"idle\":false,\"cpus\":[0,1],\"none\":[],\"in\":{\"load\":0.5}}\n{\"parent\":null}\n"))
(test-equal "an address becomes an integer, and a text that looks like an address stays a text"
  (list (list #xffffffff81000000 "0x00000000000fd000" "0x12"))
  (data-of "[\"0xffffffff81000000\",\"\\u0030x00000000000fd000\",\"0x12\"]\n"))
(test-equal "escapes become characters, and a byte that is not UTF-8 U+FFFD"
  (list (list "\"\\\u00e9\U01f600\ufffd\n"))
  (data-of "[\"\\\"\\\\\\u00e9\\ud83d\\ude00\\udcff\\u000a\"]\n"))
(for-each
 (lambda (text)
   (test-throws (string-append "damaged JSON is an error: " (string-trim-right text #\newline))
     'bad-data "a command's JSON is not as base/json.h has it" (data-of text)))
 (list "{\"a\":1" "[1,2\n" "\"open\n" "{\"a\"1}\n" "[nonsense]\n" "1" "[\"\\u12\"]\n" (make-string 100 #\[)))
