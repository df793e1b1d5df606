# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Shared by the scripts of the lab: the cache, packages, sources, logs.
#
# In:  the machine's own apt configuration, which is read and never changed.
# Out: whole products in the cache. A product is built beside its final place and moved there in one step, so whatever
#      has its final name is finished.

# The scripts read what other programs say.
export LC_ALL=C.UTF-8

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/gdb-guest"
logs="$cache/logs"
# Set by make_work; removed when the script ends, however it ends.
work=

say() { printf '%s\n' "$*" >&2; }

# Prints one line: what went wrong, where, what to try.
die() {
	printf '%s: error: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

clean_up() {
	[ -z "$work" ] || [ "$BASHPID" != $$ ] || rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$logs" || die "cannot create the cache $cache: set XDG_CACHE_HOME to a folder that can be written"

# --- Products -------------------------------------------------------------------------------------------------------

# Two runs at once must not build the same thing twice: the second waits here, and then finds it in the cache.
lock_product() {
	local file="$cache/$1.lock"
	exec {product_lock}>"$file"
	flock -n "$product_lock" && return
	say "waiting for another run that works on $1 ($file)"
	flock "$product_lock"
}

# A folder to build PRODUCT in. Called with its lock held, so one that is already there is the rest of a run that was
# killed before it could clean up.
make_work() {
	rm -rf -- "$cache/tmp.$1".*
	work=$(mktemp -d "$cache/tmp.$1.XXXXXX")
}

# A rename, so that FINAL is either whole or not there.
publish() {
	local from=$1 final=$2
	rm -rf -- "$final"
	mkdir -p "$(dirname "$final")"
	mv -T -- "$from" "$final"
}

# The newest version in the cache that matches the glob, or nothing.
newest_cached() {
	local found
	found=$(compgen -G "$cache/$1" | sort -V | tail -n 1) || true
	printf '%s\n' "$found"
}

# For builds of other projects: QEMU's breaks with a Python that is not the system's, and none should get what an outer
# make was told (DESTDIR, jobs).
use_system_tools() {
	export PATH="/usr/bin:/bin:$PATH"
	unset MAKEFLAGS MFLAGS MAKELEVEL
}

# --- Running long commands ------------------------------------------------------------------------------------------

duration() {
	local s=$1
	if ((s < 60)); then
		printf '%d s' "$s"
	else
		printf '%d min %02d s' $((s / 60)) $((s % 60))
	fi
}

count_objects() {
	find "$1" -name '*.o' 2>/dev/null | wc -l
}

# Says how far LABEL is until its standard input ends: which it does when the command has, and when the script dies.
show_progress() {
	local label=$1 log=$2 objects=$3 start=$SECONDS note
	local wait=30 head='' tail='\n'
	if [ -t 2 ]; then
		wait=1 head='\r\033[K' tail=''
	else
		say "$label (log: $log)"
	fi
	# read's status is above 128 when the time is over.
	while read -r -t "$wait" || (($? > 128)); do
		note=
		[ -z "$objects" ] || note=", $(count_objects "$objects") objects built"
		printf "$head%s: %s%s$tail" "$label" "$(duration $((SECONDS - start)))" "$note" >&2
	done
}

# try_logged [-o DIR] LABEL LOG COMMAND...: what the command prints goes to the log; DIR is where to count objects.
# The command stays in the foreground, so that Ctrl-C reaches it. Where it is a function, "set -e" is off in it.
try_logged() {
	local objects=
	if [ "$1" = -o ]; then
		objects=$2
		shift 2
	fi
	local label=$1 log=$2 start=$SECONDS status=0 ticker
	shift 2

	exec 8> >(show_progress "$label" "$log" "$objects")
	ticker=$!
	"$@" >>"$log" 2>&1 </dev/null 8>&- || status=$?
	exec 8>&-
	wait "$ticker" || true
	[ ! -t 2 ] || printf '\r\033[K' >&2
	((status != 0)) || say "$label: done in $(duration $((SECONDS - start)))"
	return "$status"
}

# Runs a command as run_quietly does, where failing is the end.
run_logged() {
	local status=0 words=("$@")
	try_logged "$@" || status=$?
	((status != 0)) || return 0

	[ "$1" != -o ] || words=("${words[@]:2}")
	say "--- the last lines of ${words[1]}"
	tail -n 20 "${words[1]}" >&2
	say "---"
	die "${words[0]} failed (exit $status); the whole log is ${words[1]}"
}

# An empty log under NAME; the one of the run before is kept beside it.
new_log() {
	local log="$logs/$1.log"
	[ ! -e "$log" ] || mv -f "$log" "$log.old"
	: >"$log"
	printf '%s\n' "$log"
}

# --- Packages -------------------------------------------------------------------------------------------------------

# Asks for sudo's password, if one is needed, before anything's output goes to a log. WHAT is what root is needed for.
need_root() {
	[ "$(id -u)" != 0 ] || return 0
	command -v sudo >/dev/null || die "$1 needs root: run this as root, or install sudo"
	sudo -v || die "$1 needs root, and sudo refuses: run this as root"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -- "$@"
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

lists_are_fresh=
lists_error=
# At most once in a run. A source of which there is no list, a third party's perhaps, is no reason to end: the others may
# have what is needed, and who misses a package says so.
refresh_lists() {
	local log
	[ -z "$lists_are_fresh" ] || return 0
	need_root "apt-get update"
	log=$(new_log apt-update)
	if ! try_logged "apt-get update" "$log" apt_get -o APT::Update::Error-Mode=any update; then
		lists_error=$(first_error "$log")
		say "note: apt-get update had errors, and the lists of packages may be old: $lists_error; all of them are in $log"
	fi
	lists_are_fresh=yes
}

first_error() {
	grep -m 1 '^E:' "$1" || echo "no error is in it"
}

# For whatever architecture: one word each.
is_installed() {
	[[ $(dpkg-query -W -f ' ${db:Status-Status} ' "$1" 2>/dev/null) == *" installed "* ]]
}

has_candidate() {
	[ -n "$(candidate_of "$1")" ]
}

# The version of PACKAGE that apt would take, or nothing. The apt is the machine's own or, after use_suite, another suite's.
apt_options=()
candidate_of() {
	apt-cache "${apt_options[@]}" policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

# The first of NAME|NAME... that is installed, or else that apt can install: releases differ in names. Fails if there is none.
find_package() {
	local name names
	IFS='|' read -ra names <<<"$1"
	for name in "${names[@]}"; do
		! is_installed "$name" || { printf '%s\n' "$name"; return; }
	done
	for name in "${names[@]}"; do
		! has_candidate "$name" || { printf '%s\n' "$name"; return; }
	done
	return 1
}

# need_packages [-s SET] NAME|NAME...: installs those of the packages that are missing. Where none is, apt-get and the
# network are not touched. SET is for messages. A name that starts with "?" is that of a package that is left out where
# the release has none.
need_packages() {
	local wanted package set='' missing=() unknown=() left_out=()
	[ "$1" != -s ] || { set=" of the set '$2'"; shift 2; }
	command -v apt-get >/dev/null ||
		die "there is no apt-get here: install what ./configure asks for by this system's own means, then ./quickstart build"
	for wanted in "$@"; do
		package=$(find_package "${wanted#\?}") && is_installed "$package" || missing+=("$wanted")
	done
	((${#missing[@]})) || return 0
	local names=("${missing[@]}") shown=("${missing[@]#\?}")
	need_root "installing ${shown[*]%%|*}"
	missing=()
	for wanted in "${names[@]}"; do
		find_package "${wanted#\?}" >/dev/null || refresh_lists
		if package=$(find_package "${wanted#\?}"); then
			missing+=("$package")
		elif [[ $wanted == \?* ]]; then
			left_out+=("${wanted#\?}")
		else
			unknown+=("$wanted")
		fi
	done
	((!${#left_out[@]})) || say "note: this release has no ${left_out[*]}: tests that need it will be skipped, and say so"
	((!${#unknown[@]})) || die "apt knows no package ${unknown[*]//|/ or }$set: $(reason_unknown)"
	((!${#missing[@]})) || install_packages "${missing[@]}"
}

reason_unknown() {
	local component="'main' of Debian 12 or newer"
	if [ -n "$lists_error" ]; then
		printf 'apt-get update fails (%s): is the network there?' "$lists_error"
		return
	fi
	# shellcheck source=/dev/null
	[ "$(. /etc/os-release && printf '%s' "$ID")" != ubuntu ] || component="'universe' of Ubuntu"
	printf "is the component %s in apt's sources? 'apt-cache policy' lists them" "$component"
}

# Lists that are some days old name files that have since been replaced: then, once more with new ones.
install_packages() {
	local log download=(apt_get install --no-install-recommends --download-only "$@")
	log=$(new_log apt-install)
	say "missing packages: $*"
	if ! try_logged "downloading packages" "$log" "${download[@]}"; then
		refresh_lists
		log=$(new_log apt-install)
		try_logged "downloading packages" "$log" "${download[@]}" ||
			die "packages cannot be downloaded ($(first_error "$log")): is the network there? The log is $log"
	fi
	run_logged "installing packages" "$log" apt_get install --no-install-recommends "$@"
}

# --- What Debian has, without installing it -------------------------------------------------------------------------

# The architecture of a series of lab/kernel, by Debian's name.
architecture_of() {
	case $1 in
	686*) printf 'i386\n' ;;
	[a-z]*-*) printf '%s\n' "${1%%-*}" ;;
	*) printf 'amd64\n' ;;
	esac
}

# use_suite SUITE [ARCHITECTURE]: from here on fetch_deb and candidate_of ask that suite. Its lists are in $work.
apt_suite=
use_suite() {
	local log
	apt_suite=$1
	use_private_apt "$work/apt" deb "$apt_suite"
	private_options+=(-o "APT::Architecture=${2:-amd64}" -o "APT::Architectures=${2:-amd64}")
	private_apt=(apt-get -q "${private_options[@]}")
	apt_options=("${private_options[@]}")
	log=$(new_log "lists-$apt_suite")
	try_logged "reading the list of packages of $apt_suite" "$log" apt-get -q "${apt_options[@]}" \
		-o APT::Update::Error-Mode=any update ||
		die "this machine's mirror has no suite '$apt_suite', or apt does not trust its signature (then" \
			"debian-archive-keyring is too old for it); apt's words are in $log"
}

# The file PACKAGE's candidate comes in, downloaded into DIR; prints nothing. Needs no root but where lists are stale.
fetch_deb() {
	local package=$1 dir=$2 log
	log=$(new_log "download-$package")
	[ -n "$apt_suite" ] || has_candidate "$package" || refresh_lists
	if [ -z "$apt_suite" ] && [ -z "$lists_are_fresh" ]; then
		try_logged "downloading $package" "$log" download_deb "$package" "$dir" && return
		refresh_lists
	fi
	run_logged "downloading $package" "$log" download_deb "$package" "$dir"
}

download_deb() {
	# The sandbox user of apt has no access to a user's cache, and says so in a warning.
	(cd "$2" && apt-get -q "${apt_options[@]}" -o APT::Sandbox::User=root download "$1")
}

# Lines "URI SUITE" of those sources that are Debian's and the running release's, as apt understood them; with an
# argument, without its updates. A list that apt has verified and that says Origin: Debian is Debian's, whatever mirror
# it comes from; third parties, backports and other releases are not asked. In sid os-release has testing's name.
debian_sources() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt-get's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN) $(CODENAME)' 'Created-By: Packages' |
		awk -v name="$codename" -v alone="${1:+yes}" '
			$3 == "Debian" { sub("/$", "", $1); codenames[$1 " " $2] = $4; known[$4] = 1 }
			END {
				if (!(name in known))
					name = "sid"
				for (source in codenames)
					if (codenames[source] == name || (!alone &&
					    (codenames[source] == name "-updates" || codenames[source] == name "-security")))
						print source
			}' | sort -u
}

# write_source_lists DIR TYPE [SUITE]: the machine's Debian sources as entries of the type (deb, deb-src), in the format
# that each had: their options, Signed-By above all, stay as they are. SUITE is asked for in place of the running one.
write_source_lists() {
	local dir=$1 type=$2 suite=${3:-} known file
	known=$(debian_sources "$suite")
	if [ -z "$known" ]; then
		refresh_lists
		known=$(debian_sources "$suite")
	fi
	[ -n "$known" ] || die "none of apt's sources in /etc/apt is Debian's own: 'apt-cache policy' shows what there is"

	mkdir -p "$dir"
	local convert=(awk -v known="$known" -v type="$type" -v suite="$suite" -f "$lab/apt-sources.awk")
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		"${convert[@]}" "$file" >>"$dir/lab.list"
	done
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		"${convert[@]}" -v deb822=1 "$file" >>"$dir/lab.sources"
	done
}

# use_private_apt DIR TYPE [SUITE]: apt gets lists, sources, caches and a system without packages, all in DIR, by
# "${private_apt[@]}", so that the machine's stay as they are. Needs no root.
use_private_apt() {
	local dir=$1
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	write_source_lists "$dir/sources.list.d" "$2" "${3:-}"
	private_options=(
		-o "Dir::Etc::sourcelist=/dev/null"
		-o "Dir::Etc::sourceparts=$dir/sources.list.d"
		-o "Dir::Etc::preferences=/dev/null"
		-o "Dir::Etc::preferencesparts=/dev/null"
		-o "Dir::State::lists=$dir/lists"
		-o "Dir::State::status=$dir/status"
		-o "Dir::Cache=$dir/cache"
		-o "APT::Default-Release="
		-o "APT::Sandbox::User=root"
		# A mirror that has stood still for a while is good enough for what the tests are made of.
		-o "Acquire::Check-Valid-Until=false"
	)
	private_apt=(apt-get -q "${private_options[@]}")
}

# fetch_source PACKAGE DIR: the newest source package, unpacked and patched as DIR/source. Sid's may be gone from a mirror
# that lags: then it is the stable release's.
fetch_source() {
	local package=$1 dir=$2 log
	log=$(new_log "source-$package")
	if ! download_source "$package" "$dir" "$log"; then
		say "note: no source of $package here: taking that of $stable_suite; apt's words are in $log"
		download_source "$package" "$dir" "$log" "$stable_suite" ||
			die "the source of $package cannot be downloaded ($(first_error "$log")): is the network there? The log is $log"
	fi
	# apt-get has checked the files against Debian's signed lists; hence --no-check.
	run_logged "unpacking the source of $package" "$log" \
		dpkg-source --no-check -x "$dir/${package}"_*.dsc "$dir/source"
}

stable_suite=trixie

# download_source PACKAGE DIR LOG [SUITE]
download_source() {
	local package=$1 dir=$2 log=$3
	rm -rf "$dir/apt" "$dir/${package}"_*
	use_private_apt "$dir/apt" deb-src "${4:-}"
	try_logged "reading the lists of source packages" "$log" "${private_apt[@]}" update &&
		try_logged "downloading the source of $package" "$log" \
			run_in "$dir" "${private_apt[@]}" source --only-source --download-only "$package"
}

run_in() {
	(cd "$1" && shift && "$@")
}
