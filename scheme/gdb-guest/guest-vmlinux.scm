;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-vmlinux)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb symbol-file)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match))

(define (check-selection)
  (interruptible
   (lambda ()
     (check-not-nested "GDB's memory is that of GDB's guest")))
  (let ((file (interruptible selected-file)))
    (when file
      (throw 'gdb-guest-error 'unsupported
             (format #f "guest-select -file chose ~a, which is not GDB's target: open it with core-file, or \
write a file for other programs (-output FILE)" file)))))

(define (make-vmlinux options)
  ;; GDB loads the file when the library is through: meanwhile it may have guest-physical addresses.
  (define made #f)
  (unless (option options 'output)
    (check-selection))
  (print-command "guest-vmlinux" options
                 (lambda ()
                   (front-end #:load (lambda (file new?) (set! made (cons file new?))))))
  (match made
    ((file . new?) (load-vmlinux! file new?))
    (#f #t)))

(register-guest-command "guest-vmlinux" make-vmlinux)
