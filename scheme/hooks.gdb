# SPDX-License-Identifier: GPL-3.0-or-later
# GDB calls these before and after it connects. Whether a guest ran until then is seen at that moment only.
define target hook-remote
  guile ((@ (gdb-guest run-state) before-connection))
end
document target hook-remote
See whether the guest runs: a hook of gdb-guest's.
end
define target hookpost-remote
  guile ((@ (gdb-guest run-state) after-connection))
end
document target hookpost-remote
Remember whether the guest ran: a hook of gdb-guest's.
end
define target hook-extended-remote
  guile ((@ (gdb-guest run-state) before-connection))
end
document target hook-extended-remote
See whether the guest runs: a hook of gdb-guest's.
end
define target hookpost-extended-remote
  guile ((@ (gdb-guest run-state) after-connection))
end
document target hookpost-extended-remote
Remember whether the guest ran: a hook of gdb-guest's.
end
