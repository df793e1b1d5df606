# SPDX-License-Identifier: GPL-3.0-or-later
#
# Completion of guest-core's arguments in bash. Where guest-core has no candidates, files complete.
_guest_core() {
	mapfile -t COMPREPLY < <("$1" -complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
	return 0
}
complete -o bashdefault -o default -F _guest_core guest-core
