# SPDX-License-Identifier: GPL-3.0-or-later
# GDB runs this when it opens the QEMU that it is named after. In GDB's own language: before it ran a file of Guile's, it
# would have Guile compile it and say so.
guile (primitive-load "@EXTENSION_DIRECTORY@/guest.scm")
