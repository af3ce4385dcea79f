# SPDX-License-Identifier: BSD-2-Clause
"""The topology of ../README.md, made anew for each run."""
import os
import subprocess
import time

from . import net

LAN = {'A': 2, 'B': 3, 'C': 4}
LAN2 = {'D': 2, 'E': 3}
WAN = {'P': 10, 'Q': 11, 'M': 20, 'N': 21}
ROUTER = ('W', 'W2', 'R', 'R2')
FIRST_PHONE = 40       # H1 is 41


class Prefix:
    """What the addresses of one kind of network begin with."""

    def __init__(self, lan, lan2, wan, wan2, strange):
        self.lan, self.lan2, self.wan, self.wan2, self.strange = lan, lan2, wan, wan2, strange
        self.bits = 64 if ':' in lan else 24

    def net(self, start):
        return f'{start}/64' if self.bits == 64 else f'{start}0/24'


WAN4, WAN6 = ('203.0.113.', '198.18.0.'), ('2001:db8::', '2001:db8:18::')
PREFIX = {
    'nat4': Prefix('192.168.1.', '192.168.2.', *WAN4, '198.51.100.'),
    'nat6': Prefix('fd00:1::', 'fd00:2::', *WAN6, '2001:db8:66::'),
    'routed4': Prefix('192.0.2.', '198.18.2.', *WAN4, '198.51.100.'),
    'routed6': Prefix('2001:db8:1::', '2001:db8:2::', *WAN6, '2001:db8:66::'),
}

RULES = '''
table inet router {{
  ct helper cg {{ type "{helper}" protocol udp; }}
  chain pre {{ type filter hook prerouting priority filter; policy accept;
    udp dport 5060 ct helper set "cg"
    udp sport 5060 ct helper set "cg"
  }}
  chain out {{ type filter hook output priority filter; policy accept;
    udp dport 5060 ct helper set "cg"
    udp sport 5060 ct helper set "cg"
  }}
  chain forward {{ type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname {{ "lan", "lan2" }} oifname {{ "wan", "wan2" }} accept
    iifname "lan" oifname "lan" accept
    iifname "lan2" oifname "lan2" accept
  }}
  chain portforward {{ type nat hook prerouting priority dstnat; policy accept; }}
  {nat}
}}
'''
MASQUERADE = '''chain nat { type nat hook postrouting priority srcnat; policy accept;
    oifname { "wan", "wan2" } masquerade
  }'''
SIP_TCP = '''
table inet router {
  ct helper cgtcp { type "sip" protocol tcp; }
  chain pre { tcp dport 5060 ct helper set "cgtcp"; }
}
'''
# a flow stays on the uplink where it began, and so does what belongs to it
STICKY = '''
table inet sticky {
  chain pre { type filter hook prerouting priority mangle;
    iifname "wan2" ct state new ct mark set 2
    iifname != "wan2" meta mark set ct mark
  }
  chain post { type filter hook postrouting priority mangle;
    oifname "wan2" ct mark set 2
  }
}
'''
IPTABLES = '''-t raw -A PREROUTING -p udp --dport 5060 -j CT --helper {helper}
-t raw -A PREROUTING -p udp --sport 5060 -j CT --helper {helper}
-P FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i lan -o wan -j ACCEPT
-t nat -A POSTROUTING -o wan -j MASQUERADE'''


def batch(namespace, lines):
    namespace.run('ip', '-batch', '-', text='\n'.join(lines) + '\n')


def flag(address):
    return ' nodad' if ':' in address else ''


class Plan:
    """The addresses of one run, with their prefix lengths. nets: what it has beside the
    two networks that there are always: 'lan2', 'wan2'; phones: so many more in lan."""

    def __init__(self, kind, public='1', nets=(), phones=0):
        prefix = PREFIX[kind]
        self.nets, self.phones = nets, phones
        self.bits = prefix.bits
        lan = {**LAN, **{f'H{i + 1}': FIRST_PHONE + i + 1 for i in range(phones)}}
        self.hosts = {name: f'{prefix.lan}{n}' for name, n in lan.items()}
        self.hosts.update({name: f'{prefix.wan}{n}' for name, n in WAN.items()})
        self.hosts.update(X=f'{prefix.strange}66', R=f'{prefix.lan}1',
                          W=f'{prefix.wan}{public}')
        self.lan = self.sized(prefix.lan, lan.values())
        self.router_lan = self.sized(prefix.lan, [1])
        self.router_wan = self.sized(prefix.wan, [public])
        self.wan = [*self.sized(prefix.wan, WAN.values()), *self.sized(prefix.strange, [66])]
        self.default = self.hosts['R']
        self.strange = prefix.net(prefix.strange), self.hosts['P']
        self.back = []
        if kind.startswith('routed'):
            self.back = [(prefix.net(prefix.lan), self.hosts['W'])]
        if 'lan2' in nets:
            self.add_lan2(prefix, kind)
        if 'wan2' in nets:
            self.hosts['W2'] = f'{prefix.wan2}1'
            self.uplink = f'{prefix.wan2}254'

    def add_lan2(self, prefix, kind):
        self.hosts.update({name: f'{prefix.lan2}{n}' for name, n in LAN2.items()})
        self.hosts['R2'] = f'{prefix.lan2}1'
        self.lan2 = self.sized(prefix.lan2, LAN2.values())
        if kind.startswith('routed'):
            self.back.append((prefix.net(prefix.lan2), self.hosts['W']))

    def sized(self, start, ends):
        return [f'{start}{n}/{self.bits}' for n in ends]


class World:
    """The namespaces, new for each run, and the router's rules."""

    def __init__(self, kind, plan, helper, attach='nft'):
        self.kind = kind
        self.plan = plan
        self.spaces = {name: net.Namespace(name) for name in
                       ('lan', 'router', 'wan', *(n for n in plan.nets if n == 'lan2'))}
        self.lan, self.router, self.wan = (self.spaces[n] for n in ('lan', 'router', 'wan'))
        self.ruleset = net.Ruleset(self.router)
        self.sockets = net.Sockets()
        self.build()
        if attach != 'late':
            self.add_rules(helper, attach)

    def close(self):
        self.sockets.close_all()
        for namespace in self.spaces.values():
            namespace.close()

    def build(self):
        plan = self.plan
        for namespace in self.spaces.values():      # no second of waiting
            namespace.write('/proc/sys/net/ipv6/conf/default/dad_transmits', 0)
            namespace.write('/proc/sys/net/ipv6/conf/default/keep_addr_on_down', 1)
        for namespace in self.spaces.values():      # neighbours talk by lo
            batch(namespace, ['link set lo up'])
        self.link('lan', plan.router_lan, self.lan, 'eth0', plan.lan)
        self.link('wan', plan.router_wan, self.wan, 'eth0', plan.wan)
        batch(self.router, ['route add %s via %s' % plan.strange])
        batch(self.lan, [f'route add default via {plan.default}'])
        if 'lan2' in plan.nets:
            self.link('lan2', [f'{plan.hosts["R2"]}/{plan.bits}'], self.spaces['lan2'], 'eth0',
                      plan.lan2)
            batch(self.spaces['lan2'], [f'route add default via {plan.hosts["R2"]}'])
        if 'wan2' in plan.nets:
            self.build_wan2()
        if plan.back:
            batch(self.wan, ['route add %s via %s' % way for way in plan.back])
        self.router.write('/proc/sys/net/ipv4/ip_forward', 1)
        self.router.write('/proc/sys/net/ipv6/conf/all/forwarding', 1)

    def link(self, device, addresses, peer, peer_device, peer_addresses):
        """A wire between the router and another namespace."""
        batch(self.router, [
            f'link add {device} type veth peer name {peer_device} netns {peer.path()}',
            *(f'address add {a} dev {device}{flag(a)}' for a in addresses),
            f'link set {device} up'])
        batch(peer, [*(f'address add {a} dev {peer_device}{flag(a)}' for a in peer_addresses),
                     f'link set {peer_device} up'])
        self.router.checksums_in_software(device)
        peer.checksums_in_software(peer_device)

    def build_wan2(self):
        """The second uplink: everything outside is behind it too."""
        plan = self.plan
        self.link('wan2', plan.sized(plan.hosts['W2'], ['']), self.wan, 'eth1',
                  plan.sized(plan.uplink, ['']))
        v6 = '-6 ' if ':' in plan.uplink else ''
        self.router.run('sh', '-c', f'ip route add default via {plan.uplink} dev wan2 metric 9999; '
                        f'ip route add default via {plan.uplink} dev wan2 table 2; '
                        f'ip {v6}rule add fwmark 2 lookup 2')
        self.ruleset.run(STICKY)

    def set_public(self, last):
        """The router gets another public address instead of the one it has."""
        old, = self.plan.router_wan
        new = Plan(self.kind, last, self.plan.nets, self.plan.phones)
        address, = new.router_wan
        batch(self.router, [f'address del {old} dev wan',
                            f'address add {address} dev wan{flag(address)}'])
        self.plan = new

    @property
    def hosts(self):
        return self.plan.hosts

    @staticmethod
    def inside(name):
        return name in LAN or name in LAN2 or name.startswith('H')

    def namespace_of(self, name):
        if name in LAN or name.startswith('H'):
            return self.lan
        if name in LAN2:
            return self.spaces['lan2']
        return self.router if name in ROUTER else self.wan

    def add_rules(self, helper, attach='nft'):
        if attach == 'iptables':
            tool = 'ip6tables' if self.kind.endswith('6') else 'iptables'
            for line in IPTABLES.format(helper=helper).splitlines():
                self.router.run(tool, *line.split())
        else:
            nat = MASQUERADE if self.kind.startswith('nat') else ''
            self.ruleset.run(RULES.format(helper=helper, nat=nat))
            if helper == 'sip':         # which does TCP as well
                self.ruleset.run(SIP_TCP)

    def drop_helper_rules(self):
        self.ruleset.run('flush chain inet router pre\nflush chain inet router out\n'
                         'delete ct helper inet router cg')

    def add_helper_rules(self, helper):
        text = f'add ct helper inet router cg {{ type "{helper}" protocol udp; }}\n'
        for chain in ('pre', 'out'):
            for side in ('dport', 'sport'):
                text += f'add rule inet router {chain} udp {side} 5060 ct helper set "cg"\n'
        self.ruleset.run(text)

    def clear_rules(self):
        self.ruleset.run('flush ruleset')


def loaded(module):
    return os.path.exists('/sys/module/' + module)


def unload_module(module):
    """rmmod; the rules that named it go a moment after their removal."""
    end = time.monotonic() + 10
    while loaded(module):
        done = subprocess.run(['rmmod', module], check=False, text=True,
                              stderr=subprocess.PIPE)
        if done.returncode and time.monotonic() > end:
            raise RuntimeError(done.stderr.strip())


def load_module(module, required=True):
    done = subprocess.run(['modprobe', module], check=False, text=True,
                          stderr=subprocess.PIPE)
    if done.returncode and required:
        raise RuntimeError(done.stderr.strip())
