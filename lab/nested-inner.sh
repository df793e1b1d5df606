# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the nested guest of lab/nested-linux-initramfs, as lab.script=/inner/script: prints the truth about its kernel, a part
# behind a line "inner: NAME" each, and leaves a program that is in the kernel's random numbers nearly always.

echo 0 >/proc/sys/kernel/kptr_restrict
mkfifo /kmsg
echo "<6>lab: end of the log" >/dev/kmsg
cat /dev/kmsg >/kmsg &
echo "inner: kmsg"
awk '{ print } index($0, "lab: end of the log") { exit }' </kmsg
kill $!
echo "inner: symbols"
grep -E ' (_stext|init_task|linux_banner|jiffies)$' /proc/kallsyms
echo "inner: random"
grep -A 1 ' chacha_permute$' /proc/kallsyms
echo "inner: uname"
uname -a
echo "inner: tasks"
for task in /proc/[0-9]*; do
	cat "$task/stat" 2>/dev/null
done
echo "inner: stacks"
for task in /proc/[0-9]*; do
	echo "of ${task#/proc/}"
	cat "$task/stack" 2>/dev/null
done
echo "inner: end"
dd if=/dev/urandom of=/dev/null bs=1M 2>/dev/null &
