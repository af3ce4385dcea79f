# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # used by those who source this
# Shared by the scripts of tests/vm; sourced.

set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${CALLGATE_CACHE:-${HOME:-/root}/.cache/callgate}
mkdir -p "$cache"

say() { echo "vm: $*" >&2; }
die() { echo "vm: $*" >&2; exit 1; }

# One builder at a time for each thing in the cache. The lock lasts as long as
# the calling script; its descriptor is closed for what must not hold it.
lock() {
	exec 9>"$cache/$1.lock"
	flock 9
}

# a marker is there completely or not at all
mark() {
	printf '%s\n' "$2" >"$1.new"
	mv "$1.new" "$1"
}
