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


def nat_rule(r, rule):
    """The only rule that translates, instead of masquerade."""
    r.world.ruleset.run('flush chain inet router nat\n'
                        f'add rule inet router nat {rule}')


def family_of(r):
    return 'ip6' if r.family == socket.AF_INET6 else 'ip'


def reaches_both(r, port):
    """What P sends to the phone's port, and what it sends to ours."""
    r.caller.sendto(b'answer', (r.hosts['W'], port))
    need(arrives(r.phone) == b'answer', 'the flow works')
    r.caller.sendto(b'for the router', r.us)
    need(arrives(r.sock) == b'for the router', 'what is for us reaches the socket')
    need(silent(r.phone, .1), 'and not the phone')


def case_yield(r):
    """A phone's masqueraded flow gets another port than ours, and both are reached."""
    r.attach()
    port = from_phone(r, b'first')
    need(port != 5060, 'the phone has our port')
    reaches_both(r, port)
    need(from_phone(r, b'again') == port, 'the same flow')
    r.world.router.run('conntrack', '-F')
    need(from_phone(r, b'anew') == port, 'the same port for the next flow')
    need(r.counter('sip-port-kept-free') == 2, 'counted for each flow')


def case_yield_snat(r):
    """The same where the admin names the address."""
    r.attach()
    for count, match in enumerate(('oifname "wan"', 'iifname "lan"', 'udp sport 5060'), 1):
        nat_rule(r, f'{match} snat {family_of(r)} to {r.hosts["W"]}')
        r.world.router.run('conntrack', '-F')
        port = from_phone(r, b'by its rule')
        need(port != 5060, f'the phone has our port: {match}')
        reaches_both(r, port)
        need(r.counter('sip-port-kept-free') == count, 'counted')


def case_yield_none_free(r):
    """No other port is free: the packet is dropped, and counted."""
    r.attach()
    r.world.router.write('/proc/sys/net/ipv4/ip_local_reserved_ports', '61000-65095')
    r.phone.sendto(b'no port', (r.hosts['P'], 5060))
    need(silent(r.caller, .1), 'it has one')
    need(r.counter('sip-port-no-other') == 1, 'counted')
    r.world.router.write('/proc/sys/net/ipv4/ip_local_reserved_ports', '\n')
    reaches_both(r, from_phone(r, b'one is free'))


def register(r, expires=3600):
    """The phone registers at P, through the router; the port that P is told."""
    a = host(r.hosts['A'])
    r.phone.sendto(f'REGISTER sip:voip.example SIP/2.0\r\n'
                   f'Via: SIP/2.0/UDP {a}:5060;branch=z9hG4bKr{expires};rport\r\n'
                   'From: <sip:bob@voip.example>;tag=r1\r\nTo: <sip:bob@voip.example>\r\n'
                   f'Call-ID: reg\r\nCSeq: {expires} REGISTER\r\nMax-Forwards: 70\r\n'
                   f'Contact: <sip:bob@{a}:5060>\r\nExpires: {expires}\r\n'
                   'Content-Length: 0\r\n\r\n'.encode(), (r.hosts['P'], 5060))
    data, seen = r.caller.recvfrom(65536)
    lines = data.decode().split('\r\n')
    kept = [line for line in lines if line.split(':')[0] in
            ('Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Expires')]
    r.caller.sendto('\r\n'.join(['SIP/2.0 200 OK', *kept, 'Content-Length: 0', '', '']).encode(),
                    seen)
    need(arrives(r.phone).startswith(b'SIP/2.0 200'), 'registered')
    contact, = [line for line in kept if line.startswith('Contact')]
    need(contact == f'Contact: <sip:bob@{host(r.hosts["W"])}:{seen[1]}>', contact)
    return seen[1]


def case_registered_before(r):
    """A phone that registered from our port before ATTACH: its pinhole and flows go."""
    r.sock.close()
    need(register(r) == 5060, 'it has our port')
    r.world.router.run('conntrack', '-F')
    r.caller.sendto(b'by its pinhole', r.us)
    need(arrives(r.phone) == b'by its pinhole', 'the pinhole')
    r.sock = r.listen('::' if r.family == socket.AF_INET6 else '0.0.0.0', r.world.router)
    r.attach()
    r.caller.sendto(b'now for the router', r.us)
    need(arrives(r.sock) == b'now for the router', 'it comes to the socket')
    need(silent(r.phone, .1), 'and not to the phone')
    need(r.counter('binding-port-taken') == 1, 'counted')
    reaches_both(r, register(r, 1800))


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
    r.world.ruleset.run(f'add rule inet router portforward iifname "wan" udp dport 5060 '
                        f'dnat {family_of(r)} to {r.hosts["A"]}')
    need(from_phone(r, b'port forward') == 5060, 'a forwarded port was moved')
    r.world.router.run('conntrack', '-F')
    r.world.ruleset.run('flush chain inet router nat')
    r.phone.sendto(b'no NAT', (r.hosts['P'], 5060))
    need(r.caller.recvfrom(65536)[1][:2] == (r.hosts['A'], 5060), 'it was translated')
    need(r.counter('sip-port-kept-free') == 0, 'counted')


def case_yield_range(r):
    """An admin's range of ports is kept to, and so is our port where a rule names just that."""
    r.attach()
    ours = f'snat {family_of(r)} to {host(r.hosts["W"])}:5060'
    for rule, good in (('oifname "wan" masquerade to :5055-5065', set(range(5055, 5066)) - {5060}),
                       (f'oifname "wan" {ours}', {5060}),
                       ('iifname "lan" masquerade to :5060-5061', {5061}),
                       (f'iifname "lan" {ours}', {5060})):
        match, action = rule.split('" ')
        nat_rule(r, f'{match}" meta l4proto udp {action}')
        r.world.router.run('conntrack', '-F')
        port = from_phone(r, b'by range')
        need(port in good, f'{rule}: {port}')
    need(r.counter('sip-port-kept-free') == 2, 'counted')
