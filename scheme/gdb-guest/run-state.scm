;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; A gdbstub's guest that did not run when GDB connected: it shall not run when GDB leaves, unless the
;;; user let it.
;;;
;;; QEMU lets the guest run at GDB's detach, and GDB detaches when it leaves.  Where the connection is
;;; only closed, as by GDB's command disconnect, QEMU leaves the guest as it is.
;;;
;;; QEMU stops a guest that runs as soon as GDB connects.  Before 8.1 it sends the packet of that stop
;;; unasked (gdb_chr_event and gdb_vm_state_change in QEMU's gdbstub; its commit 758370052fb6 ended that).
;;; GDB drops the packet, since it waits for the acknowledgement of a packet of its own, and says so only
;;; in its log.  Later QEMUs show a reason of their own for which a guest does not run (prelaunch,
;;; io-error), but not whether it was their monitor's "stop" or GDB's connection.

(define-module (gdb-guest run-state)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 receive)
  #:use-module (ice-9 regex)
  #:use-module (ice-9 textual-ports)
  #:use-module (srfi srfi-1)
  #:export (before-connection
            after-connection
            stop-watching
            before-exit
            state-before
            stays-paused?
            call-with-own-run))

(define folder (dirname (dirname (%search-load-path "gdb-guest/run-state.scm"))))

(define (try thunk)
  "The result of THUNK, or #f where it throws: a hook ends its command at Ctrl-C only."
  (catch #t
    thunk
    (lambda (key . arguments)
      (when (eq? key 'signal)
        (apply throw key arguments))
      #f)))

;;; GDB's events.

(define events? #f)                     ; is events.py loaded?

(define (load-events)
  (unless events?
    (set! events?
          (try (lambda ()
                 (execute-to-string (string-append "source " folder "/events.py"))
                 (execute-to-string "python gdb._gdb_guest_events")
                 #t)))))

(define (call-events text)
  "The output of Python's TEXT, about the events; nothing where GDB has no Python."
  (if events?
      (execute-to-string (string-append "python " text))
      ""))

;;; Connections.

;; The guest's state before, by the number of GDB's connection, which GDB does not use again: `ran',
;; `paused' or `unknown'.
(define states '())

;; A line of "info inferiors": the inferior's number, whether it is the current one, its connection.
(define inferior-line
  (make-regexp "^(\\*| ) *([0-9]+) .* ([0-9]+) \\((extended-)?remote[ )]" regexp/newline))

(define (stub-inferiors)
  "The inferiors at a stub: a list of #(NUMBER CURRENT? CONNECTION)."
  (map (lambda (line)
         (vector (string->number (match:substring line 2))
                 (string=? (match:substring line 1) "*")
                 (string->number (match:substring line 3))))
       (list-matches inferior-line (execute-to-string "info inferiors"))))

(define (current-connection)
  (match (filter (lambda (inferior) (vector-ref inferior 1)) (stub-inferiors))
    ((#(_ _ connection)) connection)
    (() #f)))

(define (state-of connection)
  (assv-ref states connection))

(define (resumed? connection)
  "Tests whether the user has let the guest run since."
  (string-prefix? "True"
                  (call-events (format #f "print(~a in gdb._gdb_guest_events.resumed)" connection))))

(define (state-before)
  "The state of the current stub's guest before GDB connected: it `ran' or was `paused'; `resumed' where it
was not seen to run, and the user has let it run since; or `unknown', as where GDB connected before this
module was loaded."
  (let ((connection (current-connection)))
    (match (or (and connection (state-of connection)) 'unknown)
      ('ran 'ran)
      (state (if (and connection (resumed? connection)) 'resumed state)))))

(define (stays-paused?)
  "Tests whether GDB can leave a guest paused, which takes GDB's events."
  events?)

;;; GDB's log while it connects.  GDB writes it to its standard error, which is a file's meanwhile:
;;; "set logging" would write to a file too, but ends GDB where what a command prints is a string.

(define watched #f)                     ; (FILE . standard error as it was), or #f

(define log-line (make-regexp "^ *\\[remote\\] "))

(define (before-connection)
  (stop-watching)
  (try (lambda ()
         (load-events)
         ;; Without events nobody could put things back after a connection that fails, which calls no hook.
         ;; A log of the user's own stays where it is.  Elsewhere than on a command line it has other ways.
         (when (and events? (not (setting "debug remote")) (not (tui?)) (not (machine-interface?)))
           (watch))))
  *unspecified*)                        ; which is not printed

(define (tui?)
  (try (lambda ()
         (not (string-contains (execute-to-string "info win") "not active")))))

(define machine-interface (make-regexp " --?i(nterpreter)?[= ]?mi"))

(define (machine-interface?)
  (regexp-exec machine-interface
               (string-map (lambda (character) (if (char=? character #\nul) #\space character))
                           (call-with-input-file "/proc/self/cmdline" get-string-all))))

(define (watch)
  (let ((file (tmpfile)))
    (set! watched (cons file (dup->fdes 2)))
    (call-events "gdb._gdb_guest_events.watch_prompt()")
    (dup2 (fileno file) 2)
    (if (log-reaches? file)
        (execute-to-string "set debug remote on")
        (stop-watching))))

(define (log-reaches? file)
  "Tests whether GDB's log gets into FILE.  Where a script has what the command prints as a string, the log would get
into that, and GDB's Python refuses the bytes that are not UTF-8."
  (execute "python gdb._gdb_guest_events.write_to_log()")
  (let ((size (stat:size (stat file))))
    (truncate-file file 0)
    (seek file 0 SEEK_SET)
    (positive? size)))

;; GDB calls no hook after a connection that fails, nor after a command that is typed and has a target
;; stop, as connecting has.
(define (stop-watching)
  "Ends what `before-connection' began, if nothing else has."
  (when watched
    (after-connection)))

(define (log-so-far)
  "Has GDB's standard error and its log as they were, and shows what else was printed there.  Returns the
log, a list of lines, or #f where there is none."
  (match watched
    (#f #f)
    ((file . saved)
     (set! watched #f)
     (execute-to-string "set debug remote off")
     (dup2 saved 2)
     (close-fdes saved)
     (seek file 0 SEEK_SET)
     (receive (log others)
         (partition (lambda (line) (regexp-exec log-line line))
                    (string-split (get-string-all file) #\newline))
       (close-port file)
       (say-aside "~a" (string-join others "\n"))
       log))))

(define (log-has? log text)
  (any (lambda (line) (string-contains line text)) log))

(define (after-connection)
  (let ((log (or (try log-so-far) '())))
    (try (lambda ()
           (let ((connection (current-connection)))
             (when (and connection (not (state-of connection)) (qemu-stub?))
               (remember connection
                         (cond
                          ((log-has? log "Packet instead of Ack") 'ran)
                          ((stopped-by-itself?) 'paused)
                          ((and (log-has? log "Sending packet: $qSupported") (tells-stop-unasked?))
                           'paused)
                          (else 'unknown))))))))
  *unspecified*)

(define version-number (make-regexp "^ *([0-9]+)\\."))

(define (tells-stop-unasked?)
  "Tests whether it is a QEMU whose stub has reported a guest that it stopped."
  (match (regexp-exec version-number (monitor "info version"))
    (#f #f)
    (version (< (string->number (match:substring version 1)) 8))))

(define (remember connection state)
  (set! states (acons connection state states)))

;;; Runs of the library's own, which the user did not ask to last.

(define (call-with-own-run thunk)
  (dynamic-wind
    (lambda () (call-events "gdb._gdb_guest_events.is_ours = True"))
    thunk
    (lambda () (call-events "gdb._gdb_guest_events.is_ours = False"))))

;;; GDB's end.

;; QEMU's own reasons for which a guest does not run: an error of its disk, a panic, a migration.  A
;; debugger's are not in brackets, or (debug).
(define own-reason (make-regexp "paused \\((.*)\\)"))

(define (stopped-by-itself?)
  (execute-to-string "output/r $pc")    ; which a guest that runs has not
  (match (regexp-exec own-reason (monitor "info status"))
    (#f #f)
    (reason (not (string=? (match:substring reason 1) "debug")))))

(define (leave inferior)
  "Closes INFERIOR's connection to a guest that must not run when GDB leaves."
  (match inferior
    (#(number current? connection)
     (let ((state (state-of connection)))
       (when state
         (unless current?
           (execute-to-string (format #f "inferior ~a" number)))
         (let ((resumed? (resumed? connection)))
           (cond
            ((or (and (eq? state 'paused) (not resumed?)) (stopped-by-itself?))
             (execute-to-string "disconnect")
             (say "note: the guest stays paused\n"))
            ((and (eq? state 'unknown) (not resumed?))
             (say "note: GDB lets the guest run as it leaves; whether it ran before GDB connected is not \
known (disconnect leaves it paused)\n"))))
         (say-now))))))

(define (before-exit)
  (stop-watching)
  (try (lambda () (for-each leave (stub-inferiors))))
  *unspecified*)

;; A user's own hooks are left alone; when this is compiled there is no GDB.
(unless (any (lambda (name) (try (lambda () (execute-to-string (string-append "help target " name)))))
             '("hook-remote" "hookpost-remote" "hook-extended-remote" "hookpost-extended-remote"))
  (try (lambda () (execute-to-string (string-append "source " folder "/hooks.gdb")))))
