# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# For what runs inside of the machine: a host in a network namespace of its own.

# link NAMESPACE NET: NET.2 there, NET.1 on the router's device to-NAMESPACE.
# Large packets are to be one packet each: fragments have costs of their own.
# Neighbours are permanent: a stale one costs each packet more.
link() {
	local ns=$1 net=$2 here there

	ip netns add "$ns"
	ip link add "to-$ns" mtu 65535 type veth peer name eth0 mtu 65535 netns "$ns"
	ip addr add "$net.1/24" dev "to-$ns"
	ip link set "to-$ns" up
	ip -n "$ns" addr add "$net.2/24" dev eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns" link set lo up
	ip -n "$ns" route add default via "$net.1"
	here=$(<"/sys/class/net/to-$ns/address")
	there=$(ip -n "$ns" -br link show dev eth0 | awk '{ print $3 }')
	ip neigh replace "$net.2" lladdr "$there" dev "to-$ns" nud permanent
	ip -n "$ns" neigh replace "$net.1" lladdr "$here" dev eth0 nud permanent
}
