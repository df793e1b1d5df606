# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in a guest as lab.script=/troubles/script: makes troubles, each to its end, so that the guest's kernel has reported it
# when this ends.
#
#   lab.troubles=WORD,...   warn, oops         by lab_waits.c
#                           hung               two tasks in a deadlock, which the kernel finds hung
#                           oom                a program that takes too much memory for its cgroup, and another for the guest
#                           softlockup         a loop in the kernel, which its watchdog and RCU report
#                           hardlockup         a loop with interrupts off, 3 s after this has ended
#                           forge              lines in the log that a program wrote, and programs with odd names that die
#   lab.truth=1             then the guest's own words about itself go to the second serial port

fail() {
	echo "troubles: $*"
	exit 1
}

# Waits until the kernel has logged the text.
until_logged() {
	until dmesg | grep -q "$1"; do usleep 50000; done
}

make() {
	echo "$1" >/proc/lab_waits || fail "no $1"
}

# A program that fills memory until the kernel ends it.
fill() {
	tail /dev/zero
}

fill_cgroup() {
	mkdir -p /cgroup
	mount -t cgroup2 none /cgroup
	echo +memory >/cgroup/cgroup.subtree_control
	mkdir /cgroup/small
	echo 16M >/cgroup/small/memory.max
	(
		sh -c 'echo $PPID' >/cgroup/small/cgroup.procs
		fill
	)
}

# The kernel reports the death of a program whose signal is not its own affair; the log has the program's name first.
forge() {
	local name
	echo "<5>Kernel panic - not syncing: a program wrote this" >/dev/kmsg
	echo "<5>BUG: kernel NULL pointer dereference, address: 0000000000000000" >/dev/kmsg
	echo "<5>INFO: task forged:1 blocked for more than 120 seconds." >/dev/kmsg
	echo 1 >/proc/sys/kernel/print-fatal-signals
	for name in "kernel BUG at x" "WARNING: at 1" "a: 0000 [#1] b"; do
		ln /bin/busybox "/bin/$name"
		(exec -a sh "/bin/$name" -c 'kill -SEGV $$')
	done
}

words=$(sed 's/.*lab\.troubles=\([^ ]*\).*/\1/' /proc/cmdline | tr , ' ')
insmod /waits/lab_waits.ko || fail "no module"
for word in $words; do
	case $word in
	warn) make warn; until_logged "WARNING: " ;;
	oops) make oops; until_logged "end trace .* \]---" ;;
	hung)
		echo 1 >/proc/sys/kernel/hung_task_timeout_secs
		make deadlock2
		until_logged "blocked for more than"
		echo 0 >/proc/sys/kernel/hung_task_timeout_secs
		;;
	oom)
		fill_cgroup
		until_logged "Memory cgroup out of memory: Kill"
		fill
		until_logged "Out of memory: Kill"
		;;
	softlockup)
		echo 2 >/proc/sys/kernel/watchdog_thresh
		echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
		make softlockup
		until_logged "BUG: soft lockup"
		until_logged "rcu.*stall"
		;;
	hardlockup)
		echo 2 >/proc/sys/kernel/watchdog_thresh
		(sleep 3; echo hardlockup >/proc/lab_waits) &
		;;
	forge) forge ;;
	*) fail "no $word" ;;
	esac
done

case " $(cat /proc/cmdline) " in *" lab.truth=1 "*)
	stty -F /dev/ttyS1 raw -echo
	{
		echo "tainted $(cat /proc/sys/kernel/tainted)"
		echo "load $(cat /proc/loadavg)"
		echo "uptime $(cat /proc/uptime)"
		echo "date $(date +%s)"
		grep '^oom_kill ' /proc/vmstat
		echo "online $(nproc)"
		echo "warnings $(cat /sys/kernel/warn_count)"
		echo "oopses $(cat /sys/kernel/oops_count)"
		echo "states $(cat /proc/[0-9]*/task/[0-9]*/stat | sed 's/.*) \(.\) .*/\1/' | sort | uniq -c | tr '\n' ' ')"
		echo "end"
	} >/dev/ttyS1
	;;
esac
