;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; (gdb-guest json).

(use-modules (gdb-guest json))

(test-equal "an alist is an object, a vector an array"
  "{\"name\": \"vmcore\", \"sizes\": [1, -2, [], {}], \"whole\": true, \"path\": null, \"kind\": \"core\"}"
  (json `((name . "vmcore") (sizes . ,(vector 1 -2 (vector) '())) (whole . #t) (path . null)
          (kind . core))))
(test-equal "what would end a text, or drive a terminal, is escaped"
  "\"a\\\"b\\\\c\\u001b[2J\\u000a\"" (json "a\"b\\c\x1b[2J\n"))
(test-equal "integers are whole" "18446744073709551616" (json (expt 2 64)))
