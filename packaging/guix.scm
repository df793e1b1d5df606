;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The package for Guix, of the archive that make dist made: guix build -f packaging/guix.scm

(use-modules (guix packages)
             (guix gexp)
             (guix build-system gnu)
             ((guix licenses) #:prefix license:)
             (gnu packages check)
             (gnu packages compression)
             (gnu packages elf)
             (gnu packages engineering)
             (gnu packages gdb)
             (gnu packages guile)
             (gnu packages linux)
             (gnu packages pkg-config)
             (gnu packages python)
             (gnu packages texinfo))

(package
  (name "gdb-guest")
  (version "0.2")
  (source (local-file "../gdb-guest-0.2.tar.gz"))
  (build-system gnu-build-system)
  (arguments
   (list #:configure-flags
         ;; GDB's own folder cannot be written: its auto-load files are left out.
         #~(list "--disable-guest-tests" "--without-auto-load-dir"
                 (string-append "--with-gdb=" #$(this-package-input "gdb") "/bin/gdb"))
         ;; The compiled modules are Guile's.
         #:strip-directories #~(list "bin")))
  (native-inputs (list cmocka pkg-config python texinfo))
  (inputs (list capstone elfutils gdb guile-3.0 libbpf libdeflate libkdumpfile lzo snappy zlib (list zstd "lib")))
  (synopsis "The guest inside a QEMU, from GDB or from its core")
  (description "gdb-guest shows the guest inside the core of a crashed QEMU, a QEMU process, QEMU's gdbstub or a vmcore: what
went wrong, its kernel's log, CPUs, tasks, stacks, locks, memory and types.  The guest's memory is written as a vmcore for crash,
drgn and makedumpfile.  No debuginfo is needed, neither QEMU's nor the guest's.")
  (home-page "")
  (license license:gpl3+))
