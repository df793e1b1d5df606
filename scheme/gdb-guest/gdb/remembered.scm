;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Facts about a target that outlive a command.

(define-module (gdb-guest gdb remembered)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest native)
  #:use-module (srfi srfi-1)
  #:export (choose-kernel!
            chosen-kernel
            kept-memory
            known-note
            listed-kernels
            name-vmlinux!
            named-vmlinux
            remember-listed-kernels!
            remember-note!))

;; The place of a stub's guest's VMCOREINFO when last seen: an association list by target.  A reader that
;; uses the place finds out whether the note is still there.
(define known-notes '())

(define (known-note target)
  (assoc-ref known-notes (target-key target)))

(define (remember-note! target note)
  (when (and note (target-connection target))
    (set! known-notes
          (acons (target-key target) note
                 (alist-delete (target-key target) known-notes)))))

;; The memory that guests behind a stub leave to the next guest: (CONNECTION . MEMORY), of one connection
;; alone.  Each guest tests whether its kernel is still the same.
(define kept #f)

(define (kept-memory target)
  "The kept memory of TARGET's connection, #f where TARGET has no connection; what another connection
left is dropped."
  (let ((connection (target-connection target)))
    (unless (and kept (equal? (car kept) connection))
      (when kept
        (%kept-end (cdr kept)))
      (set! kept (and connection (cons connection (%kept)))))
    (and kept (cdr kept))))

;; The kernels that the user chose, and the kernels that guest-kernel listed last: association
;; lists by target.  A kernel is (NOTE . IDENTITY), which each command tries anew.
(define chosen-kernels '())
(define kernels-listed '())

(define (target-key target)
  (cons (target-nested target)
        (or (target-connection target) (target-core target) (target-pid target))))

(define (chosen-kernel target)
  (assoc-ref chosen-kernels (target-key target)))

(define (choose-kernel! target kernel)
  "Has the commands show KERNEL of TARGET from now on; for #f the running kernel."
  (let ((others (alist-delete (target-key target) chosen-kernels)))
    (set! chosen-kernels
          (if kernel (acons (target-key target) kernel others) others))))

;; The vmlinux files that the user named: an association list by target.
(define vmlinux-files '())

(define (named-vmlinux target)
  (assoc-ref vmlinux-files (target-key target)))

(define (name-vmlinux! target file)
  "Has the commands take the types of TARGET's kernel from FILE from now on; #f takes FILE back."
  (let ((others (alist-delete (target-key target) vmlinux-files)))
    (set! vmlinux-files
          (if file (acons (target-key target) file others) others))))

(define (listed-kernels target)
  (or (assoc-ref kernels-listed (target-key target)) '()))

(define (remember-listed-kernels! target kernels)
  (set! kernels-listed
        (acons (target-key target) kernels (alist-delete (target-key target) kernels-listed))))
