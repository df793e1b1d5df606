# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest that lab/pages-initramfs packs, as lab.script=/pages/script: makes pages of all kinds, and sends what /proc
# says of the memory to the second serial port, as lab/truth.py reads it.

fail() {
	echo "pages: $*"
	exit 1
}

for module in /pages/modules/*.ko; do
	insmod "$module" || fail "no module $module"
done
mkdir -p /shared /disk
mount -t tmpfs lab /shared
dd if=/dev/urandom of=/shared/pages bs=1M count=7 2>/dev/null
# Page cache of a disk, of a file system, with buffers where its blocks are smaller than pages.
dd if=/dev/ram1 of=/dev/null bs=1M count=5 2>/dev/null || fail "no disk"
mke2fs -b 1024 /dev/ram0 >/dev/null && mount -t ext4 /dev/ram0 /disk || fail "no file system"
dd if=/dev/urandom of=/disk/pages bs=1M count=6 2>/dev/null || fail "no file"
echo 4 >/proc/sys/vm/nr_hugepages
# A kernel with less than 512 MiB does without.
echo always >/sys/kernel/mm/transparent_hugepage/enabled
/pages/pages >/pages/said &
until grep -q ready /pages/said; do
	kill -0 $! || fail "the program with pages has ended"
	sleep 0.1
done
stty -F /dev/ttyS1 raw
cat /proc/meminfo >/shared/meminfo
echo "@ /proc/meminfo $(stat -c %s /shared/meminfo)" >/dev/ttyS1
cat /shared/meminfo >/dev/ttyS1 && echo >/dev/ttyS1
