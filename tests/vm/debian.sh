# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Packages of other Debian releases, unpacked into the cache and never
# installed; sourced. Needs lib.sh.

# apt_open NAME SUITE...: an apt of our own that knows these suites only
apt_open() {
	local dir=$cache/apt/$1

	shift
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	"$here/aptsources" "$@" >"$dir/sources.list"
	# hooks and preferences are the machine's business; a proxy is ours too
	cat >"$dir/apt.conf" <<-CONF
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear DPkg::Post-Invoke;
	#clear Acquire::IndexTargets::deb::DEP-11;
	Dir::State "$dir"; Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status"; Dir::Cache "$dir/cache";
	Dir::Etc::sourcelist "$dir/sources.list"; Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
	APT::Sandbox::User "root"; Acquire::Languages "none";
	CONF
	apt_conf=$dir/apt.conf
	apt-get -qq -c "$apt_conf" update || die "cannot read the package lists for: $*"
}

# apt_newest REGEXP: the package whose whole name matches, highest version
apt_newest() {
	apt-cache -c "$apt_conf" search --names-only "^$1\$" | cut -d' ' -f1 |
		sort -V | tail -1
}

# apt_depends PACKAGE REGEXP: those of its dependencies that match
apt_depends() {
	apt-cache -c "$apt_conf" depends --no-recommends --no-suggests "$1" |
		sed -n 's/^ *|\{0,1\}Depends: //p' | grep -xE "$2" || true
}

# apt_unpack DIRECTORY PACKAGE...
apt_unpack() {
	local into=$1 tmp deb

	shift
	tmp=$(mktemp -d "$cache/apt/unpack.XXXXXX")
	(cd "$tmp" && apt-get -qq -c "$apt_conf" download "$@") || {
		rm -rf "$tmp"
		die "cannot download: $*"
	}
	mkdir -p "$into"
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$into"
	done
	rm -rf "$tmp"
}
