# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest with the initramfs of lab/bpf-initramfs, as lab.script=/bpf/script: starts lab/bpf.c, and sends what /proc
# has of its task and of BPF's symbols to the second serial port, as truth.py reads it.

fail() {
	echo "bpf: $*"
	exit 1
}

echo 0 >/proc/sys/kernel/kptr_restrict
/bpf/bpf >/bpf/pid &
until grep -q handle_userfault "/proc/$!/stack"; do
	kill -0 $! || fail "it ended: $(cat /bpf/pid)"
	usleep 20000
done
cat "/proc/$!/stack" >/bpf/stack
grep '\[bpf\]' /proc/kallsyms >/bpf/kallsyms
stty -F /dev/ttyS1 raw
for name in pid stack kallsyms; do
	echo "@ /bpf/$name $(wc -c </bpf/$name)"
	cat /bpf/$name
	echo
done >/bpf/truth
cat /bpf/truth >/dev/ttyS1 || fail "no second serial port"
