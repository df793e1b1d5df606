# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/calls-initramfs, as lab.script=/calls-lab/script: starts lab/calls.c at the third
# serial port, with the module tun.
#
#   lab.ftrace=1  before that, the kernel's own tracing of do_sys_openat2 is switched on

fail() {
	echo "calls: $*"
	exit 1
}

trace() {
	local folder=/sys/kernel/tracing
	mount -t tracefs lab "$folder"
	echo do_sys_openat2 >"$folder/set_ftrace_filter" || fail "no do_sys_openat2"
	echo function >"$folder/current_tracer" || fail "no function tracer"
}

case $(cat /proc/cmdline) in
*lab.ftrace=1*) trace ;;
esac

for module in /calls-lab/*.ko; do
	insmod "$module" || fail "no module $module"
done
# A file of somebody's.
echo "calls" >/calls-lab/owned
chown 1234 /calls-lab/owned

/calls-lab/calls /dev/ttyS2 &
