;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The package for Guix, of the archive that make dist made: guix build -f packaging/guix.scm

(use-modules (guix packages)
             (guix gexp)
             (guix git-download)
             (guix build-system gnu)
             ((guix licenses) #:prefix license:)
             (gnu packages autotools)
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

;; Guix has no libkdumpfile of its own.
(define libkdumpfile
  (package
    (name "libkdumpfile")
    (version "0.5.4")
    (source (origin
              (method git-fetch)
              (uri (git-reference
                    (url "https://github.com/ptesarik/libkdumpfile")
                    (commit (string-append "v" version))))
              (file-name (git-file-name name version))
              (sha256 (base32 "1f74wgyb9bwwzprsy1gd9hnhj02yxk5g9j2crvqsvrpxwzlsj37q"))))
    (build-system gnu-build-system)
    (arguments (list #:configure-flags #~(list "--without-python" "--disable-static")))
    (native-inputs (list autoconf automake libtool pkg-config))
    (inputs (list lzo snappy zlib (list zstd "lib")))
    (synopsis "Reader of kernel dumps")
    (description "libkdumpfile reads the memory of dumps of a crashed kernel in several
formats; its libaddrxlat walks page tables of several architectures.")
    (home-page "https://github.com/ptesarik/libkdumpfile")
    (license (list license:lgpl3+ license:gpl2+))))

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
  (inputs (list capstone elfutils gdb guile-3.0 isa-l libbpf libdeflate libkdumpfile lzo snappy zlib
                (list zstd "lib")))
  (synopsis "The guest inside a QEMU, from GDB or from its core")
  (description "gdb-guest shows the guest inside the core of a crashed QEMU, a QEMU process, QEMU's
gdbstub or a vmcore: what went wrong, its kernel's log, CPUs, tasks, stacks, locks, memory and
types.  The guest's memory is written as a vmcore for crash, drgn and makedumpfile.  No debuginfo
is needed, neither QEMU's nor the guest's.")
  (home-page "")
  (license license:gpl3+))
