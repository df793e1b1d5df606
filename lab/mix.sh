# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest that lab/mix-initramfs packs, as lab.script=/mix/script, on two CPUs: a kernel thread loops in a function of a
# module on one of them; on the other lab-zero reads zeros and lab-random random bytes, both in the kernel, beside the processes
# that lab.spin=N starts, which loop in a program. The kernel counts the time of each.

fail() {
	echo "mix: $*"
	exit 1
}

# start NAME COMMAND...: busybox as a process called NAME.
start() {
	local name=$1
	shift
	ln /bin/busybox "/bin/$name"
	(applet=$1; shift; exec -a "$applet" "/bin/$name" "$@") </dev/null >/dev/null 2>&1 &
}

insmod /waits/lab_waits.ko || fail "no module"
# The thread goes to the CPU that is idle. A process that the scheduler put there, beside the thread, would never run.
for process in 1 $$; do
	taskset -p 2 "$process" >/dev/null || fail "no CPU for the processes"
done
start lab-zero dd if=/dev/zero of=/dev/null bs=64k
start lab-random dd if=/dev/urandom of=/dev/null bs=4k
echo softlockup >/proc/lab_waits || fail "no thread in the module"
