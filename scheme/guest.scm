;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The file to source.  Its own folder holds the compiled modules and libgdb-guest-guile.so too; the
;;; commands are loaded from there.

(let ((directory (dirname (current-filename)))
      (auto-compile? %load-should-auto-compile))
  (define (load-commands)
    ;; A user who sources this file can call the procedures under the commands: (guest-log).
    (for-each (lambda (module)
                (module-use! (current-module) (resolve-interface `(gdb-guest ,module))))
              '(dump-guest-memory guest-functions guest-info guest-kernel guest-klog guest-profile guest-regs guest-report guest-select guest-sysrq guest-trace guest-vmlinux
                guest-vtop guest-x))
    (module-define! (current-module) 'guest-data (@ (gdb-guest command) guest-data))
    ((@ (gdb-guest command) register-other-commands))
    ((@ (gdb-guest hint) register-topic))
    ((@ (gdb-guest hint) watch-prompt)))

  (unless (file-exists? (string-append directory "/libgdb-guest-guile.so"))
    (error (string-append "there is no libgdb-guest-guile.so in " directory
                          "; after a build, source the guest.scm in the folder stage")))
  (unless (member directory %load-path)
    (set! %load-path (cons directory %load-path))
    (set! %load-compiled-path (cons directory %load-compiled-path)))
  ;; The modules were compiled when the project was built.
  (dynamic-wind
    (lambda () (set! %load-should-auto-compile #f))
    load-commands
    (lambda () (set! %load-should-auto-compile auto-compile?))))
