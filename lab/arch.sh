# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/arch-initramfs, as lab.script=/arch/script: starts tasks that sleep in a few ways
# and tasks that never wait, and sends the truth about the guest to the console, for some machines have no second serial port:
# base64 between the lines "lab: truth" and "lab: end of truth", of what truth.py reads.

cmp -s /sys/devices/system/cpu/present /sys/devices/system/cpu/online || echo "lab: a CPU is missing"
echo 0 >/proc/sys/kernel/kptr_restrict
echo lab-guest >/proc/sys/kernel/hostname
mkfifo /fifo
ln /bin/busybox /bin/arch-sleeper
(exec -a sleep /bin/arch-sleeper 1000000) &
(cd /proc && exec -a sleep /bin/arch-sleeper 2000000) &
sleep 3000000 &
cat /fifo &
(read -r word </fifo) &
tail -f /dev/null &
ash -c 'sleep 4000000; :' &
busybox nc -lU /socket 2>/dev/null &
sh -c 'kill -STOP $$' &
(while :; do :; done) &
usleep 500000

show() {
	local size
	# The files of /proc have no size.
	cat "$1" >/arch/file 2>/dev/null || return
	size=$(wc -c </arch/file)
	echo "@ $1 $size"
	cat /arch/file
	echo
}

show_link() {
	local target
	target=$(readlink "$1") || return
	echo "@ $1 ${#target}"
	echo "$target"
}

truth() {
	local task
	show /proc/version
	show /proc/cmdline
	show /proc/iomem
	show /proc/modules
	show /proc/kallsyms
	for task in /proc/[0-9]*/task/[0-9]*; do
		for name in stat stack status comm; do
			show "$task/$name"
		done
		show "${task%/task/*}/cmdline"
		show_link "${task%/task/*}/exe"
		show_link "${task%/task/*}/cwd"
	done
	dmesg -r >/arch/log
	show /arch/log
}

truth | gzip -c >/arch/truth
echo "lab: truth"
base64 /arch/truth
echo "lab: end of truth"
