;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; (gdb-guest command): options, their completion, numbers for people.

(use-modules (gdb-guest command) (srfi srfi-1) ((gdb) #:prefix gdb:))

;;; Options.

(define specs `((force flag "Replace it.")
                (format ("elf" "kdump" "kdump-zstd") "How to write it.")
                (first (integer 0 ,last-number) "Where to begin.")
                (count (integer 1 ,last-number) "How many.")
                (seconds (integer 1 60) "How long.")
                (cpu cpu "Whose.")
                (map file "Where the map is.")
                (only (some-of "red" "green" "grey") "Which of them.")
                (like text "What it is like.")))

(define (parse . words)
  (sort (parse-options "command" specs '(file . "FILE") words)
        (lambda (a b)
          (string<? (symbol->string (car a)) (symbol->string (car b))))))

(test-equal "the argument without a dash has its key"
  '((file . "vmcore")) (parse "vmcore"))
(test-equal "a flag is true, before the argument"
  '((file . "vmcore") (force . #t)) (parse "-force" "vmcore"))
(test-equal "a flag is true, behind the argument"
  '((file . "vmcore") (force . #t)) (parse "vmcore" "-force"))
(test-equal "an option's value is one of its words"
  '((file . "vmcore") (format . "kdump")) (parse "-format" "kdump" "vmcore"))
(test-equal "an option's value may be a file's name that starts with a dash"
  '((file . "vmcore") (map . "-odd")) (parse "-map" "-odd" "vmcore"))
(test-equal "an option's value may be several of its words"
  '((file . "vmcore") (only . ("red" "grey"))) (parse "-only" "red,grey" "vmcore"))
(test-equal "an option's value may be any text"
  '((file . "vmcore") (like . "-a b")) (parse "-like" "-a b" "vmcore"))
(test-equal "an integer is a GDB expression"
  '((file . "vmcore") (first . 4112)) (parse "-first" "0x1000 + 16" "vmcore"))
(test-equal "an integer may be as large as an address"
  `((file . "vmcore") (first . ,(- (expt 2 64) 4096)))
  (parse "-first" "0xfffffffffffff000" "vmcore"))
(test-equal "option finds a value" "kdump"
  (option (parse "-format" "kdump" "vmcore") 'format))
(test-equal "option is false for what was not given" #f
  (option (parse "vmcore") 'force))
(test-equal "without an argument there may be none" '()
  (parse-options "command" '() #f '()))

(define two '((address . "ADDR") (format . "[COUNT][FORMAT]")))
(define (parse-two . words)
  (sort (parse-options "command" specs two words)
        (lambda (a b)
          (string<? (symbol->string (car a)) (symbol->string (car b))))))

(test-equal "two arguments have their keys, in order, options in between"
  '((address . "jiffies") (force . #t) (format . "4x")) (parse-two "jiffies" "-force" "4x"))
(test-equal "an argument in brackets may be left out"
  '((address . "jiffies")) (parse-two "jiffies"))
(test-throws "one without brackets may not"
  'gdb:user-error "command: it takes ADDR [COUNT][FORMAT]; help command" (parse-two))
(test-throws "a third argument is one too many"
  'gdb:user-error "command: it takes ADDR [COUNT][FORMAT]; \"c\" is one too many (quote what has spaces)"
  (parse-two "a" "b" "c"))
(test-throws "a missing argument is named"
  'gdb:user-error "command: it takes FILE; help command" (parse "-force"))
(test-throws "an argument too many is named"
  'gdb:user-error "command: it takes one FILE; \"b\" is one too many (quote a name with spaces)"
  (parse "a" "b"))
(test-throws "an argument where there is to be none is named"
  'gdb:user-error "command: it takes no argument; \"a\" was given"
  (parse-options "command" specs #f '("a")))
(test-throws "an unknown option is answered with the known ones"
  'gdb:user-error "command: no option -formt; it has -force, -format, -first, -count, -seconds, -cpu, -map, -only, -like"
  (parse "-formt" "elf" "vmcore"))
(test-throws "an unknown option is answered where there is none"
  'gdb:user-error "command: no option -x; it has none"
  (parse-options "command" '() #f '("-x")))
(test-throws "a wrong word is answered with the right ones"
  'gdb:user-error "command: -format is one of elf, kdump, kdump-zstd, not \"elv\""
  (parse "-format" "elv" "vmcore"))
(test-throws "a wrong word among several is answered with the right ones"
  'gdb:user-error
  "command: -only is some of red, green, grey, with commas in between, not \"blue\""
  (parse "-only" "red,blue" "vmcore"))
(test-throws "no word at all is answered with the right ones"
  'gdb:user-error
  "command: -only is some of red, green, grey, with commas in between, not \"\""
  (parse "-only" "" "vmcore"))
(test-throws "an option without its value is named"
  'gdb:user-error "command: -format takes a value" (parse "vmcore" "-format"))
(test-assert "what is no number is named, with GDB's reason"
  (let ((result (outcome (lambda () (parse "-first" "no_such_symbol" "vmcore")))))
    (and (eq? (car result) 'gdb:user-error)
         (string-prefix? "command: -first: \"no_such_symbol\" is not a number: No symbol \"no_such_symbol\""
                         (cdr result)))))
(for-each
 (lambda (row)
   (test-throws (string-append "an integer out of its range is named with its range: " (car row))
     'gdb:user-error (string-append "command: -count is " (cdr row) ", not 1 to 2^64 - 1")
     (parse "-count" (car row) "vmcore")))
 '(("-3" . "-3") ("0" . "0") ("-0x1" . "-1") ("2 - 5" . "-3")
   ("18446744073709551616" . "18446744073709551616") ("0x10000000000000000" . "18446744073709551616")
   ("-9223372036854775808" . "-9223372036854775808")
   ("99999999999999999999999" . "99999999999999999999999")))
(test-equal "the last integer of a range is in it"
  `((count . ,(- (expt 2 64) 1)) (file . "vmcore"))
  (parse "-count" "18446744073709551615" "vmcore"))
(test-throws "a range has an end"
  'gdb:user-error "command: -seconds is 61, not 1 to 60" (parse "-seconds" "61" "vmcore"))
(test-throws "a CPU's number is not negative"
  'gdb:user-error "command: -cpu is -1, not 0 to 4294967295" (parse "-cpu" "-1" "vmcore"))
(test-throws "a fraction is no integer"
  'gdb:user-error "command: -count: \"1.5\" is not a whole number" (parse "-count" "1.5" "vmcore"))
(test-throws "a variable without a value is named"
  'gdb:user-error "command: -count: \"$none\" has no value" (parse "-count" "$none" "vmcore"))
(test-throws "of a register's variable it is said what sets it"
  'gdb:user-error
  "command: -count: \"$guest_rip\" has no value: guest-regs -cpu N sets $guest_rip and the like, for \
what is known of CPU N"
  (parse "-count" "$guest_rip" "vmcore"))
(test-equal "a number with a sign is an argument, where that is no file"
  '((address . "-1") (format . "-4x")) (parse-two "-1" "-4x"))
(test-throws "a file's name does not start with a dash"
  'gdb:user-error
  "command: no option -1; it has -force, -format, -first, -count, -seconds, -cpu, -map, -only, -like"
  (parse "-1"))
(test-equal "a lone dash is an argument, not an option" '((file . "-")) (parse "-"))

;;; Completion.  GDB's words end at what its list of word break characters has; the answers stand
;;; for what is behind the last one.

(define (complete text word)
  (sort (complete-options specs '(file . "FILE") text word) string<?))

(define tree (string-append folder "/tree"))
(mkdir tree)
(for-each (lambda (name) (mkdir (string-append tree "/" name))) '("sub" "other"))
(for-each (lambda (name)
            (call-with-output-file (string-append tree "/" name) (const #t)))
          '("vmcore" "vmlinux" "sub/inner" ".hidden"))

(define (in-tree name) (string-append tree "/" name))

(test-equal "a dash completes to all options"
  '("-count" "-cpu" "-first" "-force" "-format" "-like" "-map" "-only" "-seconds") (complete "-" "-"))
(test-equal "the start of an option completes to those that start so"
  '("-force" "-format") (complete "-fo" "-fo"))
(test-equal "what is given for the last word is what stands behind GDB's word break"
  '("force" "format") (complete "-fo" "fo"))
(test-equal "an option completes behind other words"
  '("-map") (complete "-force -m" "-m"))
(test-equal "an option's words complete"
  '("kdump" "kdump-zstd") (complete "-format k" "k"))
(test-equal "an option's words complete from nothing"
  '("elf" "kdump" "kdump-zstd") (complete "-format " ""))
(test-equal "one of several words completes"
  '("green" "grey" "red") (complete "-only " ""))
(test-equal "one of several words completes behind a comma"
  '("red,green" "red,grey") (complete "-only red,gr" "red,gr"))
(test-equal "one of several words completes as what stands behind GDB's word break"
  '("green" "grey") (complete "-only red,gr" "gr"))
(test-equal "any text completes to nothing" '() (complete "-like a" "a"))
(test-equal "a number completes to nothing"
  '() (complete "-first 0" "0"))
(test-equal "files complete, folders with a slash"
  (map in-tree '(".hidden" "other/" "sub/" "vmcore" "vmlinux"))
  (complete (in-tree "") (in-tree "")))
(test-equal "the start of a file's name completes"
  (list (in-tree "vmcore")) (complete (in-tree "vmc") (in-tree "vmc")))
(test-equal "files complete behind a flag"
  (list (in-tree "vmcore")) (complete (string-append "-force " (in-tree "vmc")) (in-tree "vmc")))
(test-equal "files complete as an option's value"
  (list (in-tree "sub/")) (complete (string-append "-map " (in-tree "s")) (in-tree "s")))
(test-equal "in a folder that is not there nothing completes"
  '() (complete (in-tree "none/x") (in-tree "none/x")))
(define home (getenv "HOME"))
(setenv "HOME" tree)
(test-equal "files complete behind a tilde, which stays"
  '("~/sub/") (complete "~/s" "~/s"))
(test-equal "a file's name may start with a tilde, the argument's and an option's"
  `((file . ,(in-tree "vmcore")) (map . ,(in-tree "map")))
  (parse "~/vmcore" "-map" "~/map"))
(test-equal "a tilde alone is the home" `((file . ,tree)) (parse "~"))
(test-equal "the tilde of a user is that user's home"
  `((file . ,(string-append (passwd:dir (getpwnam "root")) "/vmcore"))) (parse "~root/vmcore"))
(test-equal "the tilde of nobody is a tilde" '((file . "~no-one/vmcore")) (parse "~no-one/vmcore"))
(test-equal "a tilde within a name is a tilde" '((file . "a~/b")) (parse "a~/b"))
(setenv "HOME" home)
(test-equal "SysRq's keys complete"
  '("b" "c") (filter (lambda (key) (member key '("b" "c")))
                     (sort (complete-options '() '(key . "[KEY]") "" "") string<?)))
(test-equal "behind a format an argument completes as without"
  (list (in-tree "vmcore"))
  (complete-options specs '((file . "FILE") (format . "[FORMAT]"))
                    (string-append "/4x " (in-tree "vmc")) (in-tree "vmc")))
(test-equal "a format with a slash comes before or behind the argument"
  '((((address . "a") (format . "16gx"))) (((format . "16gx") (address . "a"))))
  (list (list (parse-options "command" '() two '("/16gx" "a")))
        (list (parse-options "command" '() two '("a" "/16gx")))))
(test-equal "an argument that is no file does not complete to files"
  '() (complete-options specs two (in-tree "vmc") (in-tree "vmc")))
(test-equal "without an argument files do not complete"
  '() (complete-options specs #f (in-tree "vmc") (in-tree "vmc")))

;;; Numbers for people.

(for-each (lambda (row)
            (test-equal (string-append "format-size says " (cdr row))
              (cdr row) (format-size (car row))))
          `((0 . "0 bytes") (1023 . "1023 bytes") (1024 . "1 KiB") (1536 . "1.5 KiB")
            (268435456 . "256 MiB") (268697600 . "256.2 MiB") (5368709120 . "5 GiB")
            (,(expt 2 60) . "1 EiB")))

(for-each (lambda (row)
            (test-equal (string-append "format-duration says " (cdr row))
              (cdr row) (format-duration (car row))))
          '((0 . "0 s") (59 . "59 s") (60 . "1 min 0 s") (599 . "9 min 59 s") (600 . "10 min")
            (3599 . "59 min") (3600 . "1 h 0 min") (4320 . "1 h 12 min") (360000 . "100 h 0 min")))
(test-equal "progress has the time left, in hours where it is hours"
  "1 GiB of 64 GiB, 14.9 MiB/s, 1 h 12 min left"
  (progress-text (expt 2 30) (* 64 (expt 2 30)) 68.6))
(test-equal "before anything is done progress has no time left"
  "0 bytes of 64 GiB, 0 bytes/s, ..." (progress-text 0 (* 64 (expt 2 30)) 1.5))

(test-equal "format-address has 16 digits"
  "0x00000000fffc0000" (format-address #xfffc0000))
(test-equal "format-address knows the last address"
  "0xffffffffffffffff" (format-address (- (expt 2 64) 1)))
