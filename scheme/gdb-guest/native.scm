;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The procedures of libgdb-guest-guile.so, as they are; gdb-ext/guile/ documents them.

(define-module (gdb-guest native)
  #:export (%guest-create
            %guest-destroy
            %guest-note
            %guest-nested-name
            %guest-kernels
            %guest-choice
            %guest-check-vmlinux
            %monitor-commands
            %monitor-dump-command
            %monitor-dump-query
            %monitor-dump-progress
            %kept
            %kept-end
            %guest-ran
            %guest-read
            %guest-symbol
            %guest-member
            %guest-registers
            %guest-ram
            %guest-dump
            %progress-text
            %guest-info
            %guest-run-state
            %guest-cpus-with-symbols
            %guest-kernel-symbol
            %guest-kernel-symbol-at
            %guest-read-virtual
            %guest-walk
            %guest-layout
            %vmcore-text
            %guest-log
            %log-follow
            %log-follow-end
            %log-follow-look
            %sysrq-keys
            %commands
            %parse-options
            %options-end
            %takes-guest?
            %run-command
            %json->data
            %complete
            %completes-guest?
            %output
            %output-write
            %output-end
            %interruptible
            %lend-interrupt
            %interrupt-after
            %interrupt-pending?
            %process-ended?
            %check-interrupt
            %forget-interrupt))

;; GDB's load-extension needs an absolute name.  The library lies beside this module's folder.
(load-extension (string-append (dirname (dirname (%search-load-path "gdb-guest/native.scm")))
                               "/libgdb-guest-guile.so")
                "gg_guile_init")
