# SPDX-License-Identifier: BSD-2-Clause
"""The topology of ../README.md, made anew for each run."""
import os
import subprocess
import time

from . import net

LAN = {'A': 2, 'B': 3, 'C': 4}
WAN = {'P': 10, 'Q': 11, 'M': 20, 'N': 21}
# kind -> what the addresses begin with: inside, outside, the stranger X
PREFIX = {
    'nat4': ('192.168.1.', '203.0.113.', '198.51.100.'),
    'nat6': ('fd00:1::', '2001:db8::', '2001:db8:66::'),
    'routed4': ('192.0.2.', '203.0.113.', '198.51.100.'),
    'routed6': ('2001:db8:1::', '2001:db8::', '2001:db8:66::'),
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
    iifname "lan" oifname "wan" accept
    iifname "lan" oifname "lan" accept
  }}
  chain portforward {{ type nat hook prerouting priority dstnat; policy accept; }}
  {nat}
}}
'''
MASQUERADE = '''chain nat { type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" masquerade
  }'''
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
    """The addresses of one run, with their prefix lengths."""

    def __init__(self, kind, public='1'):
        inside, outside, strange = PREFIX[kind]
        bits = 64 if ':' in inside else 24
        self.hosts = {name: f'{inside}{n}' for name, n in LAN.items()}
        self.hosts.update({name: f'{outside}{n}' for name, n in WAN.items()})
        self.hosts.update(X=f'{strange}66', R=f'{inside}1', W=f'{outside}{public}')
        self.lan = [f'{inside}{n}/{bits}' for n in LAN.values()]
        self.router_lan = [f'{inside}1/{bits}']
        self.router_wan = [f'{outside}{public}/{bits}']
        self.wan = [f'{outside}{n}/{bits}' for n in WAN.values()] + [f'{strange}66/{bits}']
        self.default = f'{inside}1'
        self.strange = (f'{strange}0/24' if bits == 24 else f'{strange}/64',
                        self.hosts['P'])
        self.back = None
        if kind.startswith('routed'):
            self.back = (f'{inside}0/24' if bits == 24 else f'{inside}/64', self.hosts['W'])


class World:
    """Three namespaces, new for each run, and the router's rules."""

    def __init__(self, kind, plan, helper, attach='nft'):
        self.kind = kind
        self.plan = plan
        self.lan = net.Namespace('lan')
        self.router = net.Namespace('router')
        self.wan = net.Namespace('wan')
        self.ruleset = net.Ruleset(self.router)
        self.sockets = net.Sockets()
        self.build()
        self.add_rules(helper, attach)

    def close(self):
        self.sockets.close_all()
        for namespace in (self.lan, self.router, self.wan):
            namespace.close()

    def build(self):
        plan = self.plan
        for namespace in (self.lan, self.router, self.wan):     # no second of waiting
            namespace.write('/proc/sys/net/ipv6/conf/default/dad_transmits', 0)
        batch(self.router, [
            'link set lo up',
            f'link add lan type veth peer name eth0 netns {self.lan.path()}',
            f'link add wan type veth peer name eth0 netns {self.wan.path()}',
            *(f'address add {a} dev lan{flag(a)}' for a in plan.router_lan),
            *(f'address add {a} dev wan{flag(a)}' for a in plan.router_wan),
            'link set lan up', 'link set wan up',
            'route add %s via %s' % plan.strange,
        ])
        batch(self.lan, ['link set eth0 up',
                         *(f'address add {a} dev eth0{flag(a)}' for a in plan.lan),
                         f'route add default via {plan.default}'])
        batch(self.wan, ['link set eth0 up',
                         *(f'address add {a} dev eth0{flag(a)}' for a in plan.wan),
                         *(['route add %s via %s' % plan.back] if plan.back else [])])
        for namespace, device in ((self.lan, 'eth0'), (self.wan, 'eth0'),
                                  (self.router, 'lan'), (self.router, 'wan')):
            namespace.checksums_in_software(device)
        self.router.write('/proc/sys/net/ipv4/ip_forward', 1)
        self.router.write('/proc/sys/net/ipv6/conf/all/forwarding', 1)

    def set_public(self, last):
        """The router gets another public address instead of the one it has."""
        old, = self.plan.router_wan
        new = Plan(self.kind, last)
        address, = new.router_wan
        batch(self.router, [f'address del {old} dev wan',
                            f'address add {address} dev wan{flag(address)}'])
        self.plan = new

    @property
    def hosts(self):
        return self.plan.hosts

    def namespace_of(self, name):
        if name in LAN:
            return self.lan
        return self.router if name in 'RW' else self.wan

    def add_rules(self, helper, attach):
        if attach == 'iptables':
            tool = 'ip6tables' if self.kind.endswith('6') else 'iptables'
            for line in IPTABLES.format(helper=helper).splitlines():
                self.router.run(tool, *line.split())
        else:
            nat = MASQUERADE if self.kind.startswith('nat') else ''
            self.ruleset.run(RULES.format(helper=helper, nat=nat))

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
