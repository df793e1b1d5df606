# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/nested-linux-initramfs, as lab.script=/nested/script: starts a nested guest with Linux
# in a QEMU, by KVM, and sends what the nested guest says of itself to the second serial port, as truth.py reads it.

fail() {
	echo "nested: $*"
	exit 1
}

for module in /nested/*.ko; do
	insmod "$module" || fail "$module"
done
/nested/qemu -M microvm,pit=on,pic=on,rtc=on,isa-serial=on -accel kvm -cpu host -m 128 -smp 2 -nodefaults -no-user-config \
	-no-reboot -display none -L /nested/data -kernel /nested/vmlinuz -initrd /nested/initrd \
	-append "console=ttyS0 panic=-1 no_timer_check tsc=unstable printk.devkmsg=on loglevel=1 lab.procs=2 lab.script=/inner/script" \
	-serial file:/nested/serial >/nested/errors 2>&1 &
until grep -q '^lab: ready' /nested/serial 2>/dev/null; do
	kill -0 $! || fail "it ended: $(cat /nested/errors)"
	! grep '^lab: failed' /nested/serial || fail "its own initramfs"
	usleep 100000
done
stty -F /dev/ttyS1 raw
{
	echo "@ /nested/serial $(wc -c </nested/serial)"
	cat /nested/serial
	echo
} >/dev/ttyS1 || fail "no second serial port"
