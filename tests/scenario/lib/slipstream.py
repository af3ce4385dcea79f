# SPDX-License-Identifier: BSD-2-Clause
"""NAT slipstreaming against a router on which a genuine phone registers and calls.

The variants of slipbytes.py are sent in batches. After each batch nothing of the module's
state, of conntrack's expectations and of what arrived outside may be other than before,
and packets from outside to the ports that were named must not arrive inside.
"""
import fnmatch
import math
import os
import re
import select
import socket
import struct
import time

from . import net, script, slipbytes, state, steps, world as worlds
from .text import Mismatch

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BATCH = 96
FRESH_BATCH = 64        # each of these begins with a new router
SHOWN = 20
ROUTERS = 60            # made for a search in all; then only the first of a batch is named
SND_MSS, DATA_SEGS_OUT = 16, 156        # offsets in struct tcp_info
SERVER_MSS = 536        # as the author's server asks for


class Genuine:
    """A phone that registers and calls in the usual way: before, meanwhile, after."""

    def __init__(self, world, kind):
        self.reader = script.Reader()
        self.reader.load_macros(os.path.join(HERE, 'common'))
        scenario = script.Scenario('genuine')
        scenario.header = {}
        self.runner = steps.Runner(world, scenario, kind, 'callgate')

    def play(self, *lines):
        lines = [script.Line(text, [('genuine', n + 1)]) for n, text in enumerate(lines)]
        self.runner.scenario.steps = self.reader.steps(self.reader.expand(lines))
        self.runner.run()

    def begin(self):
        self.play('@registered', '@call', '@talk')

    def talk(self):
        self.play('@talk')

    def end(self):
        self.play('@hang-up', '@call id=c2 port=6200', '@talk port=6200', '@hang-up id=c2')


class Tap:
    """Everything that reaches the hosts inside, whatever its port."""

    def __init__(self, namespace, family):
        self.v4 = family == socket.AF_INET
        with namespace:
            self.udp = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP)
            self.tcp = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
        for sock in (self.udp, self.tcp):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def close(self):
        self.udp.close()
        self.tcp.close()

    def packets(self, sock):
        while True:
            try:
                data = sock.recv(65536)
            except BlockingIOError:
                return
            yield data[(data[0] & 15) * 4:] if self.v4 else data

    def payloads(self):
        return [data for data, _ in self.datagrams()]

    def datagrams(self):
        """(payload, port it was for)"""
        return [(data[8:], struct.unpack_from('!H', data, 2)[0])
                for data in self.packets(self.udp)]

    def until(self, mark):
        """datagrams() up to the one that is the mark, at the least"""
        got, end = [], time.monotonic() + 10
        while not any(data == mark for data, _ in got):
            if not select.select([self.udp], [], [], max(0, end - time.monotonic()))[0]:
                raise Mismatch('the mark behind the probes does not arrive')
            got += self.datagrams()
        return got

    def connects(self):
        """Ports that somebody tried to connect to: SYN without ACK."""
        return [struct.unpack_from('!H', data, 2)[0] for data in self.packets(self.tcp)
                if data[13] & 0x12 == 0x02]


class Page:
    """The browser: it says what the page makes it say; the server takes it down."""

    def __init__(self, world, ends):
        self.world = world
        self.ends = ends
        self.family = socket.AF_INET6 if ':' in ends.victim else socket.AF_INET
        self.inside, self.outside = net.Sockets(), net.Sockets()
        for port in (slipbytes.SIP, slipbytes.TURN):
            self.outside.get(world.wan, ends.server, port)
        self.ident = 0
        self.mixtures = set()   # what overlapping fragments may also become
        with world.wan:
            self.listener = socket.socket(self.family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SERVER_MSS)
        self.listener.bind((ends.server, slipbytes.SIP))
        self.listener.listen(8)

    def close(self):
        self.listener.close()
        self.inside.close_all()
        self.outside.close_all()

    # ---- TCP

    def say_tcp(self, variant):
        """Raises Mismatch unless the same bytes arrive in the segments that were meant."""
        with self.world.lan:
            sock = socket.socket(self.family, socket.SOCK_STREAM)
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(5)
            sock.bind((self.ends.victim, 0))
            sock.connect((self.ends.server, slipbytes.SIP))
            server, _ = self.listener.accept()
            with server:
                mss = self.tcp_info(sock, SND_MSS)
                parts = self.fill(variant, mss) if variant.mss else variant.parts
                for part in parts:
                    sock.sendall(part)
                sock.shutdown(socket.SHUT_WR)
                if self.read(server) != b''.join(parts):
                    raise Mismatch('the stream arrived changed')
                if self.tcp_info(sock, DATA_SEGS_OUT) != sum(
                        math.ceil(len(part) / mss) for part in parts):
                    raise Mismatch('the segments are not where they were meant to be')

    @staticmethod
    def fill(variant, mss):
        """One write whose SIP text begins a segment by the length alone."""
        head = slipbytes.post('x', 99999)
        return [head + b'a' * (mss * variant.mss - len(head)) + variant.parts[0]]

    @staticmethod
    def tcp_info(sock, offset):
        return struct.unpack_from('I', sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192),
                                  offset)[0]

    @staticmethod
    def read(server):
        server.settimeout(5)
        data = b''
        while more := server.recv(65536):
            data += more
        return data

    # ---- UDP

    def say_udp(self, variant, port):
        """Returns the payload that is to arrive."""
        if variant.carrier == 'fragments':
            return self.say_fragments(variant, port)
        sock = self.inside.get(self.world.lan, self.ends.victim, port)
        sock.sendto(variant.parts[0], (self.ends.server, variant.to))
        return variant.parts[0]

    def say_fragments(self, variant, port):
        payload, at, forged, order = variant.parts
        _, ends, datagram = net.udp_packet((self.ends.victim, port),
                                           (self.ends.server, variant.to), payload)
        pieces = next(pieces for name, pieces, _ in slipbytes.orders(datagram, at, forged)
                      if name == order)
        self.ident += 1
        if order == 'over-start':       # the first of two equals may count
            self.mixtures.add((forged[:at] + datagram[at:])[8:8 + len(forged) - 8])
        with self.world.lan:
            sock = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with sock:
            for offset, more, data in pieces:
                sock.sendto(self.fragment(ends, offset, more, data), (self.ends.server, 0))
        return payload

    def fragment(self, ends, offset, more, data):
        if self.family == socket.AF_INET:
            return struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(data), self.ident,
                               more << 13 | offset >> 3, 64, 17, 0) + ends + data
        return struct.pack('!IHBB', 6 << 28, 8 + len(data), 44, 64) + ends + struct.pack(
            '!BBHI', 17, 0, offset | more, self.ident) + data

    def heard(self):
        """What arrived outside since the last time; a mark of our own comes last."""
        got = []
        for port in (slipbytes.SIP, slipbytes.TURN):
            self.inside.get(self.world.lan, self.ends.victim, 19999).sendto(
                b'the end', (self.ends.server, port))
        ends = 0
        while ends < 2:
            packet = self.outside.receive(5)
            if packet is None:
                raise Mismatch('what the browser sends last does not arrive')
            if packet[2] == b'the end':
                ends += 1
            else:
                got.append(packet)
        return got


class Lab:
    """A router, a genuine phone with a call, and a victim."""

    def __init__(self, kind, settings=()):
        self.kind = kind
        self.world = worlds.World(kind, worlds.Plan(kind), 'callgate')
        self.hosts = self.world.hosts
        self.ends = slipbytes.Ends(self.hosts)
        self.module = state.Module(self.world.router, True)
        for word in settings:
            self.world.router.run('callgate', 'set', *word.split('='))
        self.page = Page(self.world, self.ends)
        self.tap = Tap(self.world.lan, self.page.family)
        self.genuine = Genuine(self.world, kind)
        self.probe_port = 7100
        self.genuine.begin()
        self.prove_tap()
        self.before = self.snapshot()

    def close(self):
        self.tap.close()
        self.page.close()
        self.world.close()

    def prove_tap(self):
        """What the genuine call let in was seen, and a connection would be."""
        if not any(data[:2] == b'\x80\0' for data in self.tap.payloads()):
            raise Mismatch('the tap does not see the media of the genuine call')
        self.connect(self.world.router, self.hosts['R'], self.hosts['C'], 9)
        end = time.monotonic() + 10
        while 9 not in self.tap.connects():     # it may wait for the neighbour's address
            if time.monotonic() > end:
                raise Mismatch('the tap does not see a connection')
            time.sleep(.01)

    def snapshot(self):
        """Everything that there is."""
        return {
            'calls': {(call['id'], pin['inside']) for call in self.module.calls()
                      for pin in call.get('pinholes', [])},
            'registrations': {binding['id'] for binding in self.module.bindings()},
            'expectations': self.expectations(),
            'numbers': self.numbers(),
        }

    def expectations(self):
        return {tuple(entry.fields) for entry in state.expectations(self.world.router)}

    def numbers(self):
        """How much there is, and how often something was edited."""
        status = self.module.ask('status')
        return {key: status[key] for key in ('calls', 'pinholes', 'registrations',
                                             'transactions', 'edited')}

    def compare(self, wrong):
        """Nothing is new since the beginning. The dumps only where the numbers are."""
        after = {'expectations': self.expectations(), 'numbers': self.numbers()}
        # what is older may have come to its end meanwhile
        if any(number > self.before['numbers'][key]
               for key, number in after['numbers'].items()):
            after = self.snapshot()
            wrong[None] = f'numbers: {after["numbers"]}, were {self.before["numbers"]}'
        for key in set(after) - {'numbers'}:
            if not after[key] <= self.before[key]:
                wrong[None] = f'{key}: {after[key] - self.before[key]}'

    # ---- packets from outside

    def connect(self, namespace, source, target, port):
        with namespace:
            sock = socket.socket(self.page.family, socket.SOCK_STREAM)
        with sock:
            sock.setblocking(False)
            sock.bind((source, 0))
            sock.connect_ex((target, port))

    def probe(self, port, name, host, own=False):
        """From the server and from another host, by UDP and TCP. own: also from the
        very port that the server speaks from."""
        sources = [(self.hosts['X'], self.probe_port), (self.hosts['Q'], self.probe_port)]
        if own:
            sources += [(self.hosts['X'], slipbytes.SIP), (self.hosts['Q'], slipbytes.SIP)]
        for source in sources:
            sock = self.page.outside.get(self.world.wan, *source)
            sock.sendto(b'probe ' + name.encode(), (host, port))
        for source in ('X', 'Q'):
            self.connect(self.world.wan, self.hosts[source], host, port)

    def door(self, named):
        """Where somebody outside would knock for this inside endpoint."""
        return self.hosts['W'] if self.kind.startswith('nat') else named[0]

    def mark(self):
        """A datagram that follows all the probes to the victim: the server's answer to what
        the victim says now. The kernel delivers late at times, but in this order."""
        mark = b'behind the probes'
        self.page.inside.get(self.world.lan, self.ends.victim, 19998).sendto(
            mark, (self.ends.server, slipbytes.SIP))
        while True:
            packet = self.page.outside.receive(5)
            if packet is None:
                raise Mismatch('the server does not hear the victim')
            if packet[2] == mark:
                break
        self.page.outside.get(self.world.wan, *packet[0]).sendto(mark, packet[1])
        return mark

    def arrived(self, opened=None):
        """(names of probes that arrived by UDP, ports that were connected to); opened: the
        port that the author opened for itself, in a call that was answered"""
        return ({data[6:].decode() for data, port in self.tap.until(self.mark())
                 if data[:6] == b'probe ' and port != opened}, set(self.tap.connects()))

    # ---- never SIP from the first byte

    def say_all(self, variants, wrong):
        sent = {}
        for number, variant in enumerate(variants):
            try:
                if variant.carrier == 'tcp':
                    self.page.say_tcp(variant)
                else:
                    sent[self.page.say_udp(variant, 31000 + number)] = variant
            except (Mismatch, OSError) as error:
                wrong[variant] = str(error)
        heard = {data for _, _, data in self.page.heard()}
        for payload, variant in sent.items():
            if variant.whole and payload not in heard:
                wrong[variant] = 'lost or changed'
        for data in heard - set(sent) - self.page.mixtures:
            wrong[None] = f'arrived outside: {data[:300]!r}'

    def attack(self, variants):
        """{variant: what is wrong}; None is the whole batch."""
        wrong = {}
        self.tap.connects()             # the browser's own are not ours to judge
        self.say_all(variants, wrong)
        self.compare(wrong)
        self.probe_port += 1
        self.tap.payloads()
        self.tap.connects()
        for named in {variant.named for variant in variants}:
            self.probe(named[1], str(named[1]), self.door(named))
        datagrams, connects = self.arrived()
        if datagrams or connects:
            wrong[None] = f'reached from outside: {sorted(datagrams)} {sorted(connects)}'
        self.genuine.talk()
        for port in range(31000, 31000 + len(variants)):
            if (self.ends.victim, port) in self.page.inside.open:
                self.page.inside.close(self.ends.victim, port)
        return wrong

    # ---- SIP that names what it must not

    def say_sip(self, variant):
        """Returns the ports at which the named endpoint might be found from outside."""
        sock = self.page.inside.get(self.world.lan, self.ends.victim, variant.source)
        sock.sendto(variant.parts[0], (self.ends.server, slipbytes.SIP))
        got = self.page.outside.receive(5)
        if got is None:
            raise Mismatch('lost')
        _, seen, data = got
        if variant.answer:
            status, who = variant.answer
            answer = slipbytes.answer(data, status, (self.hosts[who], slipbytes.SIP))
            self.page.outside.get(self.world.wan, self.hosts[who], slipbytes.SIP).sendto(
                answer, seen)
            if who == 'X':      # what it opens is open when it has arrived
                self.page.inside.receive(5)
        public = re.escape(slipbytes.uri((self.hosts['W'], 0))[:-2].encode())
        ports = set(map(int, re.findall(public + rb':(\d+)', data)))
        ports |= set(map(int, re.findall(rb'(?m)^(?:m=audio |a=rtcp:)(\d+)', data)))
        ports |= set(map(int, re.findall(rb'(?m)^a=[ac][^\r]* (\d+)(?: typ host)?\r', data)))
        return (ports | {variant.named[1]}) - {seen[1]}

    def attack_named(self, variants):
        wrong, doors = {}, {}
        for variant in variants:
            try:
                doors[variant] = self.say_sip(variant)
            except (Mismatch, OSError) as error:
                wrong[variant] = str(error)
        self.check_listed(variants, wrong)
        self.tap.payloads()
        for variant, ports in doors.items():
            self.tap.connects()
            for port in ports:
                self.probe(port, f'{variant.name}|{port}', self.door(variant.named), True)
            datagrams, connects = self.arrived(variant.opens)
            if datagrams or connects:
                wrong[variant] = f'reached from outside: {datagrams} {connects}'
        self.genuine.talk()
        self.genuine.end()
        return wrong

    def check_listed(self, variants, wrong):
        pins = {pin['inside'] for pin in self.module.pinholes()}
        expected = state.expectations(self.world.router)
        for variant in variants:
            host, port = state.plain(variant.named[0]), variant.named[1]
            if slipbytes.uri((host, port)) in pins and not variant.listed:
                wrong[variant] = 'has a pinhole'
            if any(entry.has('dst', host) and entry.has('dport', port) for entry in expected):
                wrong[variant] = 'has an expectation'


# ---- the run

def search(kind, variants, attack):
    """What is wrong with which of them: in halves, on routers of their own, as one may
    open what another names too."""
    lab = Lab(kind)
    try:
        wrong = getattr(lab, attack)(variants)
    except Mismatch as error:
        wrong = {None: str(error)}
    finally:
        lab.close()
    search.routers = getattr(search, 'routers', 0) + 1
    if wrong and len(variants) > 1 and search.routers < ROUTERS:
        print(f'     {len(variants)} variants from {variants[0].name} on: '
              f'{list(wrong.values())[0]}', flush=True)
        half = len(variants) // 2
        return {**search(kind, variants[:half], attack), **search(kind, variants[half:], attack)}
    return {variants[0] if key is None else key: why for key, why in wrong.items()}


def batches(variants, size):
    variants = list(variants)
    return [variants[n:n + size] for n in range(0, len(variants), size)]


class Run:
    def __init__(self, only):
        self.only = only
        self.passed = self.failed = self.sent = 0

    def chosen(self, kind, group):
        hosts = worlds.Plan(kind).hosts
        return [variant for variant in slipbytes.GROUPS[group](slipbytes.Ends(hosts))
                if any(fnmatch.fnmatch(f'{kind}/{variant.name}', glob) for glob in self.only)]

    def report(self, name, variants, wrong, begun):
        self.passed += len(variants) - len(wrong)
        self.failed += len(wrong)
        for variant, why in list(wrong.items())[:SHOWN]:
            print(f'FAIL {name.split("/")[0]}/{variant.name}\n     {why}', flush=True)
        if len(wrong) > SHOWN:
            print(f'     and {len(wrong) - SHOWN} more', flush=True)
        print(f'{"FAIL" if wrong else "ok":4} {name:24} {time.monotonic() - begun:5.1f} s  '
              f'{len(variants)} variants', flush=True)

    def never_sip(self, kind, group):
        variants, wrong, begun = self.chosen(kind, group), {}, time.monotonic()
        if not variants:
            return
        lab = Lab(kind)
        try:
            for batch in batches(variants, BATCH):
                found = lab.attack(batch)
                if None in found:
                    print(f'     {batch[0].name} and after: {found[None]}', flush=True)
                    found = search(kind, batch, 'attack') or {batch[0]: found[None]}
                    lab.close()
                    lab = Lab(kind)
                wrong.update(found)
            self.last_look(lab)
            lab.genuine.end()
        finally:
            lab.close()
        self.report(f'{kind}/{group}', variants, wrong, begun)

    def last_look(self, lab):
        """The dumps themselves, once for all batches."""
        after = lab.snapshot()
        for key in ('calls', 'registrations'):
            if after[key] != lab.before[key]:
                raise Mismatch(f'{key}: {after[key]}, were {lab.before[key]}')

    def named(self, kind, group):
        variants, wrong, begun = self.chosen(kind, group), {}, time.monotonic()
        for batch in batches(variants, FRESH_BATCH):
            wrong.update(search(kind, batch, 'attack_named'))
        if variants:
            self.report(f'{kind}/{group}', variants, wrong, begun)

    def confirmed(self, kind):
        """The same must be open without 'strict', and closed with it."""
        variants = self.chosen(kind, 'confirmed')
        for settings in ((), ('strict=1',)):
            begun, name = time.monotonic(), f'{kind}/confirmed{"-strict" if settings else ""}'
            if not variants:
                return
            lab = Lab(kind, settings)
            try:
                wrong = lab.attack_named(variants)
            finally:
                lab.close()
            if not settings:
                wrong = {variant: 'a confirmed port is not open' for variant in variants
                         if variant not in wrong}
            self.report(name, variants, wrong, begun)


def no_tcp():
    """A rule cannot give the helper to TCP at all."""
    world = worlds.World('nat4', worlds.Plan('nat4'), 'callgate')
    try:
        world.ruleset.run('add ct helper inet router t { type "callgate" protocol tcp; }')
    except RuntimeError:
        return True
    finally:
        world.close()
    return False
