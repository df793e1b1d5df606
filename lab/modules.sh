# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest that lab/modules-initramfs packs, as lab.script=/modules/script: loads the modules, and sends what /proc and
# /sys say of the kernel's modules and symbols to the second serial port, compressed by gzip; and then, at the very end, what
# /proc says of the memory to the third port. Both are as lab/truth.py reads them, the latter not compressed.

fail() {
	echo "modules: $*"
	exit 1
}

# Writes "@ PATH LENGTH", the bytes of each file, and a newline.
send_files() {
	local file
	for file; do
		cat "$file" >/truth/one
		echo "@ $file $(stat -c %s /truth/one)"
		cat /truth/one
		echo
	done
}

for module in /modules/*.ko; do
	insmod "$module" || fail "no module $module"
done
echo 0 >/proc/sys/kernel/kptr_restrict
mkdir -p /truth /dev/net /shared
mount -t tmpfs lab /truth
mount -t tmpfs lab /shared
# A module that is in use, and pages of each kind.
sleep 1000000 3<>/dev/net/tun &
dd if=/dev/urandom of=/shared/pages bs=1M count=7 2>/dev/null
mkswap /dev/ram0 >/dev/null && swapon /dev/ram0 || fail "no swap"
dd if=/dev/ram1 of=/dev/null bs=1M count=5 2>/dev/null || fail "no disk"
echo 4 >/proc/sys/vm/nr_hugepages
stty -F /dev/ttyS1 raw
stty -F /dev/ttyS2 raw
send_files /proc/kallsyms /proc/modules /sys/module/*/notes/.note.gnu.build-id /sys/module/*/taint /sys/module/*/refcnt |
	gzip -c >/dev/ttyS1 || fail "no second serial port"
# Twice: what the first time allocates is there the second time.
send_files /proc/meminfo /proc/zoneinfo /proc/slabinfo /proc/vmstat >/truth/memory
send_files /proc/meminfo /proc/zoneinfo /proc/slabinfo /proc/vmstat >/truth/memory
cat /truth/memory >/dev/ttyS2 || fail "no third serial port"
