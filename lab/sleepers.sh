# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/sleepers-initramfs, as lab.script=/sleepers/script: starts the sleepers, and sends
# their truth to the second serial port, compressed by gzip.
#
#   lab.trace=1   before that, function_graph and return probes are set on functions in which tasks sleep

fail() {
	echo "sleepers: $*"
	exit 1
}

for module in /sleepers/modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module" || fail "no module $module"
done
ifconfig lo up
echo 0 >/proc/sys/kernel/kptr_restrict
# Debian's default since Linux 6.12 is off.
[ ! -e /proc/sys/kernel/io_uring_disabled ] || echo 0 >/proc/sys/kernel/io_uring_disabled
for name in cgroup2 freezer ramfs tmpfs mnt dev/pts; do
	mkdir -p "/$name"
done
mount -t cgroup2 lab /cgroup2
mount -t cgroup -o freezer lab /freezer
mount -t ramfs lab /ramfs
mount -t tmpfs lab /tmpfs
mount -t devpts -o ptmxmode=666 lab /dev/pts
# The keyboard's interrupts go to the first CPU.
echo 1 >/proc/irq/1/smp_affinity
grep -E ' (nmi_cpu_backtrace|__printk_cpu_sync_put|__x64_sys_getrandom|do_task_dead|__sched_text_(start|end))$' /proc/kallsyms \
	>/sleepers/symbols
echo lab-guest >/proc/sys/kernel/hostname

# Tasks that sleep in these functions from here on have return addresses that are not their callers'.
trace() {
	local folder=/sys/kernel/tracing name
	mount -t tracefs lab "$folder"
	# pipe_read became anon_pipe_read in 6.14.
	for name in do_nanosleep pipe_read anon_pipe_read do_wait do_sys_poll; do
		! grep -q " $name$" /proc/kallsyms || echo "r:lab/$name $name" >>"$folder/kprobe_events" || fail "no probe of $name"
	done
	echo 1 >"$folder/events/lab/enable"
	echo "do_wait hrtimer_nanosleep vfs_read ksys_read futex_wait do_epoll_wait do_sys_poll __se_sys_poll schedule_timeout" \
		"schedule worker_thread kthread do_select wait_woken do_sigtimedwait" | tr ' ' '\n' |
		while read -r name; do
			echo "$name" >>"$folder/set_ftrace_filter"
		done 2>/dev/null
	echo function_graph >"$folder/current_tracer" || fail "no function_graph"
}

case $(cat /proc/cmdline) in
*lab.trace=1*) trace ;;
esac

ENVIRONMENT=a-variable-that-gives-the-environment-some-room-for-the-title-of-a-process /sleepers/sleepers /sleepers/truth &
until [ -e /sleepers/truth ]; do
	kill -0 $! || fail "they ended"
	usleep 50000
done
stty -F /dev/ttyS1 raw
gzip -c /sleepers/truth >/dev/ttyS1 || fail "no second serial port"
kill -USR1 $!
until grep -q '^State:.R' "/proc/$(pidof s-busy-user)/status"; do
	usleep 10000
done
