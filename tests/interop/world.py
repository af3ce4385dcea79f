# SPDX-License-Identifier: BSD-2-Clause
"""The network of ../README.md: hosts, router and provider, both families at once."""

import re

import net
import provider
import router

# what the addresses of a family begin with: behind NAT, routed, outside
PREFIX = {4: ("192.168.77.", "192.0.2.", "203.0.113."),
          6: ("fd00:77::", "2001:db8:1::", "2001:db8::")}
BITS = {4: 24, 6: 64}
# host: which of the prefixes, and the last part of the address
HOSTS = {"ann": (0, 11), "lin": (0, 12), "sam": (0, 13), "rob": (1, 21),
         "bob": (2, 51), "leo": (2, 52), "sue": (2, 53)}
PROVIDER, PUBLIC = 10, 2
MASQUERADE = """ip saddr 192.168.77.0/24 oifname "wan0" masquerade
		ip6 saddr fd00:77::/64 oifname "wan0" masquerade"""


def address(name, family):
    prefix, last = HOSTS[name]
    return f"{PREFIX[family][prefix]}{last}"


def provider_at(family):
    """As it stands in a URI."""
    text = f"{PREFIX[family][2]}{PROVIDER}"
    return f"[{text}]" if family == 6 else text


def public(family):
    """The router's, outside."""
    return f"{PREFIX[family][2]}{PUBLIC}"


def learned(via):
    """The address and port that a Via came back with, as they stand in a script's URI."""
    host = re.search(r"received=([0-9a-f.:]+)", via)[1]
    port = re.search(r"rport=(\d+)", via)[1]
    # sipp's own names are in brackets too
    return f"\\x5b{host}\\x5d:{port}" if ":" in host else f"{host}:{port}"


def with_bits(prefix, last):
    return " ".join(f"{PREFIX[f][prefix]}{last}/{BITS[f]}" for f in (4, 6))


def net_of(prefix, family):
    return PREFIX[family][prefix] + ("0/24" if family == 4 else "/64")


class World:
    def __init__(self, folder, plain):
        self.folder, self.plain, self.hosts = folder, plain, {}
        self.switch = self.add("switch", net.Host("switch"))
        self.router = self.add("router", router.Router(folder))
        self.provider = self.add("provider", provider.Provider(folder))
        self.build()
        self.start_router()

    def add(self, name, host):
        host.set(net__ipv6__conf__default__dad_transmits=0)
        self.hosts[name] = host
        return host

    def build(self):
        net.bridges(self.switch, "lan", "wan")
        inside = f"{with_bits(0, 1)} {with_bits(1, 1)}"
        net.cable(self.router, "lan0", inside, self.switch, "lan")
        net.cable(self.router, "wan0", with_bits(2, PUBLIC), self.switch, "wan")
        self.router.set(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
        net.cable(self.provider, "eth0", with_bits(2, PROVIDER), self.switch, "wan")
        self.route_back(self.provider)
        for name, (prefix, last) in HOSTS.items():
            host = self.add(name, net.Host(name))
            host.without_names()
            net.cable(host, "eth0", with_bits(prefix, last), self.switch,
                      "wan" if prefix == 2 else "lan")
            if prefix == 2:
                self.route_back(host)
            else:
                host.batch(*(f"route add default via {PREFIX[family][prefix]}1"
                             for family in (4, 6)))

    def route_back(self, host):
        """The outside knows the way to the routed prefix, and that there is none to the one
        behind NAT. linphone without a default route thinks that there is no network."""
        routes = []
        for family in (4, 6):
            routes.append(f"route add default via {PREFIX[family][2]}{PUBLIC}")
            if not self.plain:
                routes.append(f"route add unreachable {net_of(0, family)}")
        host.batch(*routes)

    def start_router(self):
        if self.plain:
            return
        self.router.load(router.RULES.format(masquerade=MASQUERADE))
        self.router.load(self.router.run("callgate", "nft", "--lan", "lan0", "--wan", "wan0"))
        self.router.set(net__netfilter__nf_conntrack_acct=1)

    def serve(self):
        return self.provider.serve(*map(provider_at, (4, 6)))

    def left(self, users):
        """What the router still has of the calls of these users."""
        if self.plain:
            return []
        return [call for call in self.router.listed("calls")
                if any(f"sip:{user}" in call.get(end, "") for user in users
                       for end in ("from", "to"))]

    def close(self):
        for host in self.hosts.values():
            host.stop()
        for host in self.hosts.values():
            host.close()
