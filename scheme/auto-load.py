# SPDX-License-Identifier: GPL-3.0-or-later
# GDB runs this when it opens the QEMU that it is named after.
gdb.execute("source @EXTENSION_DIRECTORY@/guest.py")
