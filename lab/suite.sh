# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Programs of another of Debian's suites, with the libraries of that suite, unpacked into the cache: they run in place,
# and nothing of them is installed. lib.sh has been sourced.
#
# A program is Debian's but for some 200 bytes, which settle-elf.py explains. The other ways to run it were worse:
# - as an argument of the suite's ld.so: /proc/PID/exe is ld.so then, which GDB takes for the program, and a program does
#   not find what stands beside it;
# - in a namespace or by chroot: needs a right that a container may lack, and the names of files in a core are those of
#   the machine's own files then, which are others;
# - by patchelf: what the tests are about, where in the file things are, would be patchelf's and not Debian's.

suite_libraries=usr/lib/x86_64-linux-gnu

# Libraries are in one folder then, whether the suite has merged /usr or not.
make_suite_root() {
	local name
	for name in bin sbin lib lib64; do
		mkdir -p "$work/root/usr/$name"
		ln -s "usr/$name" "$work/root/$name"
	done
}

# All but what no program needs in order to run. A package may have /lib as a folder.
unpack_suite_debs() {
	local deb
	for deb in "$work"/apt/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/root" --keep-directory-symlink --no-same-owner \
			--wildcards --no-wildcards-match-slash \
			--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
			--exclude='./usr/share/perl*' --exclude='./usr/lib/*/perl*' --exclude='./dev/*' || return
	done
}

# unpack_from_suite SUITE NAME PACKAGE...: the packages, and what they need, in $work/root, which is to become $final: NAME,
# the suite and the first package's version. Called with the product's lock held.
unpack_from_suite() {
	local suite=$1 name=$2 log deb version
	shift 2
	need_packages python3
	make_work "$name-$suite"
	log=$(new_log "$name-$suite")
	use_suite "$suite"
	run_logged "downloading the $name of $suite and its libraries" "$log" \
		"${private_apt[@]}" -y install --no-install-recommends --download-only "$@"
	deb=$(basename "$work/apt/cache/archives/$1"_*.deb)
	version=$(printf '%s' "$deb" | cut -d_ -f2 | sed 's/^.*%3a//')
	final="$cache/$name-$suite-$version"

	make_suite_root
	run_logged "unpacking the $name of $suite" "$log" unpack_suite_debs
}

# Makes a program in $work/root use the loader and the libraries of $final.
settle_program() {
	"$lab/settle-elf.py" "$1" "$final/$suite_libraries/ld-linux-x86-64.so.2" "$final/$suite_libraries"
}
