# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/nested-initramfs, as lab.script=/nested/script: starts lab/nested.c, a nested guest
# by KVM, with swap in compressed memory, and sends what it says to the second serial port, as truth.py reads it.

fail() {
	echo "nested: $*"
	exit 1
}

for module in /nested/*.ko; do
	insmod "$module" || fail "$module"
done
echo 64M >/sys/block/zram0/disksize || fail "no zram"
mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || fail "no swap"
/nested/nested >/nested/said 2>&1 &
until grep -q '^end' /nested/said; do
	kill -0 $! || fail "it ended: $(cat /nested/said)"
	usleep 20000
done
stty -F /dev/ttyS1 raw
{
	echo "@ /nested/said $(wc -c </nested/said)"
	cat /nested/said
	echo
} >/dev/ttyS1 || fail "no second serial port"
