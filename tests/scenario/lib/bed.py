# SPDX-License-Identifier: BSD-2-Clause
"""The bed of forward and media: a router, its daemon played by hand, a phone and a caller."""
import re
import socket

from . import gate, world as worlds

KEY, OTHER_KEY = bytes(range(16)), bytes(range(16, 32))


def need(condition, what):
    if not condition:
        raise AssertionError(what)


class Router:
    """A world, the daemon's socket, and one phone A that is registered as alice."""

    def __init__(self, kind):
        self.world = worlds.World(kind, worlds.Plan(kind), 'callgate')
        self.hosts = self.world.hosts
        self.family = socket.AF_INET6 if kind.endswith('6') else socket.AF_INET
        self.us, self.lan = (self.hosts['W'], 5060), (self.hosts['R'], 5060)
        self.daemon = gate.Daemon(self.world.router)
        self.sock = self.listen('::' if kind.endswith('6') else '0.0.0.0', self.world.router)
        self.caller = self.listen(self.hosts['P'], self.world.wan)
        self.phone = self.listen(self.hosts['A'], self.world.lan)
        self.rules()

    def listen(self, address, namespace, port=5060):
        with namespace:
            sock = socket.socket(self.family, socket.SOCK_DGRAM)
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.settimeout(2)
        return sock

    def rules(self, *more):
        prefix = (self.hosts['R'], 64 if self.family == socket.AF_INET6 else 24)
        self.daemon.set(
            gate.attribute(gate.G_KEY, KEY), gate.prefixes(gate.G_INSIDE, prefix),
            gate.u32(gate.G_TAKE, gate.TAKE_OUTSIDE | gate.TAKE_DIALOG),
            gate.u32(gate.G_METHODS, gate.METHODS),
            gate.nest(gate.G_DOMAINS, gate.nest(1, gate.text(1, 'office.example'))), *more)

    def attach(self):
        return self.daemon.attach(self.sock)

    def register(self, number=1, aor='alice@office.example', **more):
        a = host(self.hosts['A'])
        self.daemon.locate(number, aor, f'sip:alice@{a}:5060;x=y', (self.hosts['A'], 5060),
                           self.lan, **more)

    def counter(self, name):
        """By the module's status: what the admin would see."""
        text = self.world.router.run('callgate', 'status', '--json')
        found = re.search(r'"name": *"%s",\s*"count": *(\d+)' % re.escape(name), text)
        return int(found[1]) if found else 0

    def close(self):
        for sock in (self.sock, self.caller, self.phone):
            sock.close()
        try:
            self.daemon.detach()
            self.daemon.close()
        except OSError:
            pass
        self.world.close()


def host(address):
    return f'[{address}]' if ':' in address else address


def request(router, method='INVITE', uri='sip:alice@office.example', **more):
    """From P; more: branch, call, cseq, tag, routes, body and further header lines."""
    p = host(router.hosts['P'])
    cseq = more.get('cseq', 1)
    to = f';tag={more["tag"]}' if 'tag' in more else ''
    body = more.get('body', '')
    lines = [f'{method} {uri} SIP/2.0',
             f'Via: SIP/2.0/UDP {p}:5060;branch=z9hG4bK{more.get("branch", "one")};rport',
             *(f'Route: {r}' for r in more.get('routes', ())),
             'Max-Forwards: 70',
             f'From: <{more.get("sender", "sip:bob@elsewhere.example")}>;tag=f1',
             f'To: <sip:alice@office.example>{to}',
             f'Call-ID: {more.get("call", "c1")}',
             f'CSeq: {cseq} {more.get("cseq_method", method)}',
             f'Contact: <sip:bob@{p}:5060>',
             *more.get('headers', ()),
             f'Content-Length: {len(body)}']
    return ('\r\n'.join(lines) + '\r\n\r\n' + body).encode()


def lines_of(message, name):
    """Values of a header, in order; comma lists are not written here."""
    head = message.decode().split('\r\n\r\n')[0].split('\r\n')[1:]
    return [line.split(':', 1)[1].strip() for line in head
            if line.split(':', 1)[0].lower() == name.lower()]


def answer(message, status, tag='t1', contact=None, body=''):
    """The phone's answer to what it got."""
    kept = [f'{name}: {value}' for name in ('Via', 'Record-Route', 'From', 'Call-ID', 'CSeq')
            for value in lines_of(message, name)]
    to, = lines_of(message, 'To')
    to += f';tag={tag}' if ';tag=' not in to and status != 100 else ''
    more = [f'Contact: <{contact}>'] if contact else []
    return '\r\n'.join([f'SIP/2.0 {status} X', *kept, f'To: {to}', *more,
                        f'Content-Length: {len(body)}', '', body]).encode()


def start_of(message):
    return message.decode().split('\r\n')[0]


def arrives(sock):
    return sock.recvfrom(65536)[0]


def silent(sock, seconds=0.3):
    sock.settimeout(seconds)
    try:
        data = sock.recvfrom(65536)[0]
    except TimeoutError:
        return True
    finally:
        sock.settimeout(2)
    print(f'    not silent: {data[:60]!r}')
    return False


# ---- a call ----

def call(r, **more):
    """An INVITE that reaches the phone; what the phone got."""
    r.caller.sendto(request(r, **more), r.us)
    return arrives(r.phone)
