#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# procd.sh SCRIPT VERB: in the place of OpenWrt's rc.common and procd. Writes what procd would be
# handed, a line for each parameter with its words in brackets; what it would ignore is a fault.
script=$1

say() {
	printf '%s:' "$1"
	shift
	for word; do
		printf ' [%s]' "$word"
	done
	echo
}

procd_open_instance() { say instance "$@"; }
procd_close_instance() { say end; }

# which of its types procd knows: as a list, a table, a number, a switch
procd_set_param() {
	case $1 in
	command | file | respawn) say "$@" ;;
	limits | env)
		[ "${2#*=}" != "$2" ] || say "no table" "$@"
		say "$@"
		;;
	term_timeout | nice)
		[ "$2" -ge 0 ] && [ $# = 2 ] || say "no number" "$@"
		say "$@"
		;;
	stdout | stderr) say "$@" ;;
	*) say "unknown to procd" "$@" ;;
	esac
}

# shellcheck disable=SC1090
. "$script"
[ "$USE_PROCD" = 1 ] || echo "it does not use procd"
say order "$START" "$STOP"
case $2 in
start)
	start_service
	say handed over
	;;
reload) reload_service ;;
esac
