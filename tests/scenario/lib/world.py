# SPDX-License-Identifier: BSD-2-Clause
"""The topology of ../README.md, made once and set up anew for each run."""
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


class World:
    def __init__(self):
        self.lan = net.Namespace('lan')
        self.router = net.Namespace('router')
        self.wan = net.Namespace('wan')
        self.ruleset = net.Ruleset(self.router)
        self.sockets = net.Sockets()
        self.public = '1'
        self.kind = None
        self.build()

    def build(self):
        batch(self.router, [
            'link set lo up',
            f'link add lan type veth peer name eth0 netns {self.lan.path()}',
            f'link add wan type veth peer name eth0 netns {self.wan.path()}',
            *self.router_addresses(),
            'link set lan up', 'link set wan up',
        ])
        lan = ['link set lo up', 'link set eth0 up']
        wan = ['link set lo up', 'link set eth0 up']
        for kind, (inside, outside, strange) in PREFIX.items():
            bits = 64 if ':' in inside else 24
            flag = ' nodad' if ':' in inside else ''
            lan += [f'address add {inside}{n}/{bits} dev eth0{flag}' for n in LAN.values()]
            if kind.startswith('nat'):
                lan.append(f'route add default via {inside}1')
                wan += [f'address add {outside}{n}/{bits} dev eth0{flag}'
                        for n in WAN.values()]
                wan += [f'address add {strange}66/{bits} dev eth0{flag}']
            else:
                wan.append(f'route add {inside}/{bits} via {outside}1'.replace('./', '.0/'))
        batch(self.lan, lan)
        batch(self.wan, wan)
        batch(self.router, ['route add 198.51.100.0/24 via 203.0.113.10',
                            'route add 2001:db8:66::/64 via 2001:db8::10'])
        for namespace, device in ((self.lan, 'eth0'), (self.wan, 'eth0'),
                                  (self.router, 'lan'), (self.router, 'wan')):
            namespace.checksums_in_software(device)
        self.router.write('/proc/sys/net/ipv4/ip_forward', 1)
        self.router.write('/proc/sys/net/ipv6/conf/all/forwarding', 1)

    @staticmethod
    def router_addresses():
        for inside, outside, _ in PREFIX.values():
            bits, flag = (64, ' nodad') if ':' in inside else (24, '')
            yield f'address replace {inside}1/{bits} dev lan{flag}'
            yield f'address replace {outside}1/{bits} dev wan{flag}'

    def set_public(self, last):
        """Another public address: one that is longer, or a new one in a call."""
        if last == self.public:
            return
        lines = []
        for kind in ('nat4', 'nat6'):
            outside = PREFIX[kind][1]
            bits, flag = (64, ' nodad') if ':' in outside else (24, '')
            lines += [f'address del {outside}{self.public}/{bits} dev wan',
                      f'address add {outside}{last}/{bits} dev wan{flag}']
        lines += ['route replace 198.51.100.0/24 via 203.0.113.10']
        batch(self.router, lines)
        self.public = last

    def renumber(self, lan, router_lan, router_wan, wan):
        """Other addresses, for good: the last scenario of a run may do that."""
        def flag(address):
            return ' nodad' if ':' in address else ''
        batch(self.router, ['address del 192.0.2.1/24 dev lan',
                            'address del 2001:db8::1/64 dev wan',
                            *(f'address add {a} dev lan{flag(a)}' for a in router_lan),
                            *(f'address add {a} dev wan{flag(a)}' for a in router_wan)])
        batch(self.lan, [f'address replace {a} dev eth0{flag(a)}' for a in lan])
        batch(self.wan, [f'address del 2001:db8::{n}/64 dev eth0' for n in WAN.values()]
              + [f'address add {a} dev eth0{flag(a)}' for a in wan])

    def hosts(self, kind):
        inside, outside, strange = PREFIX[kind]
        hosts = {name: f'{inside}{n}' for name, n in LAN.items()}
        hosts.update({name: f'{outside}{n}' for name, n in WAN.items()})
        hosts.update(X=f'{strange}66', R=f'{inside}1', W=f'{outside}{self.public}')
        return hosts

    def namespace_of(self, name):
        if name in LAN:
            return self.lan
        return self.router if name in 'RW' else self.wan

    def reset(self, kind, helper, attach, public, module):
        """The router as after boot: no state of any earlier run."""
        self.sockets.close_all()
        self.clear_rules()
        if module:
            reload_module(module)
        self.set_public(public)
        if attach == 'iptables':
            tool = 'ip6tables' if kind.endswith('6') else 'iptables'
            for line in IPTABLES.format(helper=helper).splitlines():
                self.router.run(tool, *line.split())
            self.attached = tool
        else:
            nat = MASQUERADE if kind.startswith('nat') else ''
            self.ruleset.run(RULES.format(helper=helper, nat=nat))
        net.flush_conntrack(self.router)
        self.kind = kind

    attached = None

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
        if self.attached:
            for table in ('raw', 'nat', 'filter'):
                self.router.run(self.attached, '-t', table, '-F')
            self.router.run(self.attached, '-P', 'FORWARD', 'ACCEPT')
            self.attached = None
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


def reload_module(module):
    unload_module(module)
    load_module(module)
