;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The procedures of libgdb-guest.so, as they are; gdb-ext/guile/guile.c documents them.

(define-module (gdb-guest native)
  #:export (%guest-create
            %guest-destroy
            %guest-read
            %guest-symbol
            %guest-member
            %guest-registers
            %guest-ram
            %guest-absent
            %guest-dump
            %guest-info
            %guest-cpus
            %guest-kernel-symbol
            %guest-kernel-symbol-at
            %guest-kernel-symbols
            %guest-read-virtual
            %guest-walk
            %guest-layout
            %guest-log
            %guest-log-text
            %guest-log-save
            %log-level-names
            %log-facility-names
            %interruptible))

;; GDB's load-extension needs an absolute name.  The library lies beside this module's folder.
(load-extension (string-append (dirname (dirname (%search-load-path "gdb-guest/native.scm")))
                               "/libgdb-guest.so")
                "gg_guile_init")
