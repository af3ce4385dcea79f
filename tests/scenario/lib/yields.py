# SPDX-License-Identifier: BSD-2-Clause
"""Cases of tests/scenario/forward: a phone's own flow, translated by the admin's rules, and the
router's SIP port."""
import socket

from .bed import arrives, host, need, silent


def from_phone(r, word):
    """A datagram of the phone to P; the public port that it got."""
    r.phone.sendto(word, (r.hosts['P'], 5060))
    data, seen = r.caller.recvfrom(65536)
    need(data == word and seen[0] == r.hosts['W'], f'{data!r} from {seen}')
    return seen[1]


def case_yield(r):
    """A phone's translated flow gets another port than ours, and both are reached."""
    r.attach()
    port = from_phone(r, b'first')
    need(port != 5060, 'the phone has our port')
    r.caller.sendto(b'answer', (r.hosts['W'], port))
    need(arrives(r.phone) == b'answer', 'the flow works')
    r.caller.sendto(b'for the router', r.us)
    need(arrives(r.sock) == b'for the router', 'what is for us reaches the socket')
    need(silent(r.phone, .1), 'and not the phone')
    need(from_phone(r, b'again') == port, 'the same flow')
    r.world.router.run('conntrack', '-F')
    need(from_phone(r, b'anew') == port, 'the same port for the next flow')
    need(r.counter('sip-port-kept-free') == 2, 'counted for each flow')


def case_yield_two_phones(r):
    """Two phones with the same port: each has its own."""
    r.attach()
    other = r.listen(r.hosts['B'], r.world.lan)
    ports = [from_phone(r, b'of A')]
    other.sendto(b'of B', (r.hosts['P'], 5060))
    ports.append(r.caller.recvfrom(65536)[1][1])
    need(5060 not in ports and ports[0] != ports[1], f'ports {ports}')
    r.caller.sendto(b'to B', (r.hosts['W'], ports[1]))
    need(arrives(other) == b'to B' and silent(r.phone, .1), 'each its own')
    other.close()


def case_yield_not(r):
    """What the admin's rules decided stays: no socket, another port, a port forward, no NAT."""
    need(from_phone(r, b'no socket') == 5060, 'moved for nobody')
    r.attach()
    other = r.listen(r.hosts['A'], r.world.lan, 5070)
    other.sendto(b'other port', (r.hosts['P'], 5060))
    need(r.caller.recvfrom(65536)[1][1] == 5070, 'another port was moved')
    other.close()
    family = 'ip6' if r.family == socket.AF_INET6 else 'ip'
    r.world.ruleset.run(f'add rule inet router portforward iifname "wan" udp dport 5060 '
                        f'dnat {family} to {r.hosts["A"]}')
    need(from_phone(r, b'port forward') == 5060, 'a forwarded port was moved')
    r.world.router.run('conntrack', '-F')
    r.world.ruleset.run('flush chain inet router nat')
    r.phone.sendto(b'no NAT', (r.hosts['P'], 5060))
    need(r.caller.recvfrom(65536)[1][:2] == (r.hosts['A'], 5060), 'it was translated')
    need(r.counter('sip-port-kept-free') == 0, 'counted')


def case_yield_range(r):
    """An admin's range of ports is kept to, and so is our port where a rule names just that."""
    r.attach()
    rules = r.world.ruleset.run
    family = 'ip6' if r.family == socket.AF_INET6 else 'ip'
    for action, good in (('masquerade to :5055-5065', set(range(5055, 5066)) - {5060}),
                         (f'snat {family} to {host(r.hosts["W"])}:5060', {5060})):
        rules(f'flush chain inet router nat\n'
              f'add rule inet router nat oifname "wan" meta l4proto udp {action}')
        r.world.router.run('conntrack', '-F')
        port = from_phone(r, b'by range')
        need(port in good, f'{action}: {port}')
    need(r.counter('sip-port-kept-free') == 1, 'counted')
