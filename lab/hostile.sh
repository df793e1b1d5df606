# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest that lab/hostile-initramfs packs, as lab.script=/hostile/script: the host's name, names and arguments of
# tasks, the name of a module and lines of the log are markup, scripts and controls of a terminal.

fail() {
	echo "hostile: $*"
	exit 1
}

# Starts a task with this name and this argument, which sleeps.
start_task() {
	sh -c 'printf "%b" "$1" >/proc/$$/comm; read -r line </hostile/pipe' "$2" "$1" &
}

hostname '"><script>alert(1)</script>' || fail "no host name"
mkfifo /hostile/pipe || fail "no pipe"
start_task '<script>a(1)' '</td></tr></table><script>document.title="broken"</script>'
start_task '"\x27><b>bold' "' onclick='alert(1)"
start_task ']]>--></pre>' '<img src="http://192.0.2.1/x" onerror="alert(2)">'
start_task '\033[2J&lt;\007' '<style>*{display:none}</style>'
until [ "$(cat /proc/[0-9]*/comm | grep -ce '^<script>a(1)' -e '<b>bold' -e '^]]>-->' -e '&lt;')" -ge 4 ]; do
	sleep 0.1
done
for module in /hostile/*.ko; do
	insmod "$module" || fail "no module $module"
done
printf '<3>hostile: </pre></section><script>document.title="broken"</script>\n' >/dev/kmsg
printf '<4>hostile: <!-- ]]> --> <meta http-equiv="refresh" content="0;url=http://192.0.2.1/">\n' >/dev/kmsg
printf '<6>hostile: <a href="javascript:alert(3)">\033[31m\007\001\377\342\200\256</a>&#60;&amp;\n' >/dev/kmsg
