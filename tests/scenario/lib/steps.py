# SPDX-License-Identifier: BSD-2-Clause
"""Carries out the steps of a scenario. One method per verb, do_VERB."""
import difflib
import os
import re
import struct
import time

from . import net, state, world as worlds
from .admin import Admin
from .streams import Streams
from .text import Mismatch, Names, Text

# a machine that emulates another is slow: these are upper bounds, not sleeps
ARRIVAL = 5.0
REPEATED = 60.0      # TCP waits twice as long after each loss of the same segment
ENDPOINT = re.compile(r'([A-Z]\w*):(\d+|\$\w+(?:\+\d+)?)$')
OPERATIONS = {'==': lambda a, b: a == b, '!=': lambda a, b: a != b,
              '>=': lambda a, b: a >= b, '<=': lambda a, b: a <= b}


def time_travels():
    """True on a User-Mode Linux whose clock jumps when nothing runs."""
    with open('/proc/cmdline', encoding='ascii') as file:
        return 'time-travel' in file.read()


def difference(want, got):
    def lines(data):
        text = data.decode('utf-8', 'backslashreplace')
        return [repr(line)[1:-1] for line in text.split('\n')]
    return '\n'.join(difflib.ndiff(lines(want), lines(got)))


class Runner(Admin, Streams):
    """One run of one scenario: its names, its sockets, its options."""

    def __init__(self, world, scenario, kind, helper):
        self.world = world
        self.scenario = scenario
        self.kind = kind
        self.helper = helper
        self.edits = kind.startswith('nat') and not helper.endswith('-open')
        self.names = Names(6 if kind.endswith('6') else 4, world.hosts)
        self.module = state.Module(world.router, helper.startswith('callgate'))
        self.lost_wait = 0.15
        self.serial = 0
        for rule in scenario.header.get('where', '').split(','):
            words = rule.split()
            if words:
                self.names.rules[words[0].lstrip('$')] = words[1:]

    def run(self):
        for step in self.scenario.steps:
            for endpoint in self.receivers(step):
                self.socket(endpoint)
        for step in self.scenario.steps:
            try:
                getattr(self, 'do_' + step.verb.replace('-', '_'))(step)
            except (Mismatch, ValueError, RuntimeError, OSError, AttributeError) as error:
                raise Mismatch(f'{step.line.at()}: {step.line.text}\n{error}') from error
        self.nothing_arrives(0)

    def close(self):
        self.close_trace()
        self.close_streams()

    def report(self):
        """The state of the router, for a failure."""
        router = self.world.router
        return '\n'.join(['conntrack:', router.read('nf_conntrack').strip(),
                          'expectations:', router.read('nf_conntrack_expect').strip(),
                          self.module.dump()])

    # ---- endpoints

    @staticmethod
    def receivers(step):
        """What has to be open before the first step: all but the router's."""
        if step.verb in ('send', 'rtp', 'raw'):
            for word in step.words[1:]:
                match = ENDPOINT.match(word)
                if match and match[1] not in worlds.ROUTER and match[2].isdigit():
                    yield word

    def endpoint(self, word):
        match = ENDPOINT.match(word)
        if not match:
            raise ValueError(f'{word} is not HOST:PORT')
        port = self.names.port(match[2])
        return self.names.host(match[1]), port, match[2]

    def socket(self, word):
        address, port, _ = self.endpoint(word)
        if port is None:
            raise Mismatch(f'the port of {word} was never seen')
        namespace = self.world.namespace_of(word.split(':')[0])
        return self.world.sockets.get(namespace, address, port)

    # ---- packets

    def route(self, step):
        """(options, sender, target, source seen, receiver): words of HOST:PORT."""
        words = step.words[1:]
        if words[1] != '->':
            raise ValueError('SOURCE -> TARGET')
        sender, target = words[0], words[2]
        options = {'from': sender, 'to': target}
        rest = iter(words[3:])
        for word in rest:
            options[word] = next(rest) if word in ('from', 'to', 'frags', 'size', 'cut') else True
        if self.kind.startswith('routed'):      # the addresses are the phones' own
            options['from'] = sender
            target = options['to']
        return options, sender, target, options['from'], options['to']

    def deliver(self, step, payload, matcher):
        options, sender, target, seen, receiver = self.route(step)
        self.put(options, sender, target, payload)
        if 'lost' in options:
            return self.nothing_arrives(self.lost_wait)
        return self.arrives(receiver, seen, matcher)

    def put(self, options, sender, target, payload):
        address, port, _ = self.endpoint(target)
        if port is None:
            raise Mismatch(f'the port of {target} was never seen')
        if 'frags' in options:
            order = 'reversed' if 'reversed' in options else 'forward'
            host = sender.split(':')[0]
            net.send_fragments(self.world.namespace_of(host), self.endpoint(sender)[:2],
                               (address, port), payload, int(options['frags']), order)
            return
        sock = self.socket(sender)
        net.dont_fragment(sock, 'df' in options)
        sock.sendto(payload, (address, port))
        # all of it happened inside that call: let the kernel's own threads run too, as they
        # would between two packets from a network (the hooks of a namespace are registered
        # by one after its first packet)
        time.sleep(0.001)

    def arrives(self, receiver, seen, matcher):
        wanted = self.endpoint(receiver)
        got = self.world.sockets.receive(ARRIVAL)
        if got is None:
            raise Mismatch(f'nothing arrived at {receiver}')
        where, source, data = got
        if where != wanted[:2]:
            raise Mismatch(f'arrived at {where}, not at {receiver} {wanted[:2]}, '
                           f'from {source}:\n{data[:2000]!r}')
        matcher(data)
        address, port, text = self.endpoint(seen)
        if source[0] != address or port not in (None, source[1]):
            raise Mismatch(f'came from {source}, not from {seen} ({address}, {port})')
        self.names.bind(text, source[1])

    def nothing_arrives(self, seconds):
        got = self.world.sockets.receive(seconds)
        if got:
            raise Mismatch(f'unexpected at {got[0]} from {got[1]}:\n{got[2][:2000]!r}')

    def do_send(self, step):
        """send SOURCE -> TARGET [from SEEN] [to RECEIVER] [df] [frags N [reversed]]
        [size N|mtu] [lost]"""
        inside = self.world.inside(step.words[1].split(':')[0])
        text = Text(step.message(), inside, self.edits)

        def matcher(got):
            want = text.compare(self.names, got)
            if want != got:
                raise Mismatch('- expected, + received:\n' + difference(want, got))
        size = self.route(step)[0].get('size', '0')
        if size == 'mtu':       # as large as one packet of 1500 bytes can carry
            size = 1452 if self.names.family == 6 else 1472
        self.deliver(step, text.sent(self.names, int(size)), matcher)

    def do_rtp(self, step):
        """rtp SOURCE -> TARGET [from SEEN] [to RECEIVER] [lost]"""
        self.serial += 1
        self.exactly(step, struct.pack('!BBHII', 0x80, 0, self.serial, 160, 7) + b'\xff' * 20)

    def do_raw(self, step):
        """raw SOURCE -> TARGET ... : the message lines are bytes with \\ escapes"""
        text = ''.join(line.text for line in step.lines)
        self.exactly(step, text.encode().decode('unicode_escape').encode('latin-1'))

    def do_tcp(self, step):
        """tcp SOURCE -> TARGET [from SEEN] [to RECEIVER] [lost]: connect, speak both ways"""
        self.connection(step, [b'MSRP a786 SEND\r\n'])

    def do_stream(self, step):
        """stream SOURCE -> TARGET [from SEEN] [to RECEIVER] [cut TEXT,TEXT...]: the message
        lines by TCP, there and back, in segments that begin at these texts"""
        data = Text(step.message(), True).sent(self.names)
        pieces, begin = [], 0
        for word in self.route(step)[0].get('cut', '').split(','):
            at = data.index(word.encode(), begin + 1) if word else len(data)
            pieces.append(data[begin:at])
            begin = at
        self.connection(step, pieces + [data[begin:]], REPEATED)

    def connection(self, step, pieces, limit=ARRIVAL):
        options, sender, target, seen, receiver = self.route(step)
        spaces = [self.world.namespace_of(word.split(':')[0]) for word in (sender, receiver)]
        ends = [self.endpoint(word)[:2] for word in (sender, target, receiver)]
        try:
            came, *got = net.tcp_exchange(spaces, ends, pieces,
                                          0.5 if 'lost' in options else limit)
        except (TimeoutError, ConnectionError) as error:
            if 'lost' in options:
                return
            raise Mismatch(f'TCP to {target}: {error}') from error
        address, port, text = self.endpoint(seen)
        if 'lost' in options or came[0] != address or port not in (None, came[1]):
            raise Mismatch(f'connected from {came}')
        self.names.bind(text, came[1])
        for data in got:
            if data != b''.join(pieces):
                raise Mismatch('- expected, + received:\n'
                               + difference(b''.join(pieces), data))

    def exactly(self, step, payload):
        def matcher(got):
            if got != payload:
                raise Mismatch('- expected, + received:\n' + difference(payload, got))
        self.deliver(step, payload, matcher)

    # ---- time

    def do_silence(self, step):
        """silence 200ms: nothing arrives anywhere"""
        self.nothing_arrives(float(step.words[1].removesuffix('ms')) / 1000)

    def do_wait(self, step):
        """wait 119s: also nothing arrives"""
        self.nothing_arrives(float(step.words[1].removesuffix('s')))

    # ---- the router

    def do_flush(self, _):
        """flush: conntrack -F"""
        net.flush_conntrack(self.world.router)

    def do_nft(self, step):
        """nft COMMAND: {A} and the like are replaced in the text"""
        self.world.ruleset.run(self.fill(step.line.text.split(None, 1)[1]))

    def fill(self, text):
        def name(match):
            if match[1] not in self.names.hosts:
                return match[0]
            return (self.names.uri(match[1]) + match[2] if match[2]
                    else self.names.host(match[1]))
        text = re.sub(r'(?<![\w$])([A-Z]\d*)(:\d+)?(?!\w)', name, text)
        text = re.sub(r'\$\w+', lambda m: str(self.names.port(m[0])), text)
        return text.replace('FAMILY', 'ip6' if self.names.family == 6 else 'ip')

    def do_shell(self, step):
        """shell lan|lan2|router|wan COMMAND"""
        namespace = self.world.spaces[step.words[1]]
        namespace.run('sh', '-c', self.fill(step.line.text.split(None, 2)[2]))

    def do_listen(self, step):
        """listen W:20000: a socket of the router itself"""
        self.socket(step.words[1])

    def do_unload(self, _):
        """unload: the rules that name the helper go first, as rmmod demands"""
        self.world.drop_helper_rules()
        worlds.unload_module('callgate')

    def do_load(self, _):
        worlds.load_module('callgate')
        self.world.add_helper_rules(self.helper)

    def do_public(self, step):
        """public 101: W changes"""
        self.world.set_public(step.words[1])
        self.names.hosts = self.world.hosts

    # ---- checks

    @staticmethod
    def compare(operation, left, right):
        return OPERATIONS[operation](left, right)

    def eventually(self, what, look, operation, wanted):
        end = time.monotonic() + 3
        while True:
            got = look()
            if OPERATIONS[operation](got, wanted):
                return
            if time.monotonic() > end:
                raise Mismatch(f'{what}: {got}, expected {operation} {wanted}')
            time.sleep(0.02)

    def count(self, step, look, words):
        """words: [OP] N"""
        operation = words[0] if words[0] in OPERATIONS else '=='
        self.eventually(step.verb, look, operation, int(words[-1]))

    def asked(self, step, look):
        if self.module.present:
            self.count(step, look, step.words[1:])

    def do_calls(self, step):
        """calls [OP] N"""
        self.asked(step, lambda: len(self.module.calls()))

    def do_pinholes(self, step):
        """pinholes [OP] N, in all calls"""
        self.asked(step, lambda: len(self.module.pinholes()))

    def do_bindings(self, step):
        """bindings [OP] N"""
        self.asked(step, lambda: len(self.module.bindings()))

    def do_counter(self, step):
        """counter NAME [OP] N: of the status, or a reason"""
        if self.module.present:
            self.count(step, lambda: self.module.counter(step.words[1]), step.words[2:])

    def do_media(self, step):
        """media [OP] N: conntrack entries that are not signalling"""
        self.count(step, lambda: sum(entry.media for entry in
                                     state.conntrack(self.world.router)), step.words[1:])

    def do_conntrack(self, step):
        """conntrack PORT [OP] N: entries that have this port"""
        port = self.names.port(step.words[1])
        self.count(step, lambda: sum(port in entry.ports for entry in
                                     state.conntrack(self.world.router)), step.words[2:])

    def do_expect(self, step):
        """expect W:PORT [to A:PORT] [OP] N: published expectations for this endpoint;
        without NAT it is the phone's own"""
        if not self.module.present:
            return
        words = step.words[1:]
        public = words.pop(0)
        if words[0] == 'to':
            inside = words[1]
            del words[:2]
            public = inside if self.kind.startswith('routed') else public
        address, port, _ = self.endpoint(public)
        address = state.plain(address)
        self.count(step, lambda: sum(
            entry.has('dst', address) and entry.has('dport', port)
            for entry in state.expectations(self.world.router)), words)

    def do_check(self, step):
        """check $m1 != $m2"""
        left, operation, right = step.words[1:]
        values = self.names.port(left), self.names.port(right)
        if not OPERATIONS[operation](*values):
            raise Mismatch(f'{left} is {values[0]}, {right} is {values[1]}')

    def do_parity(self, step):
        """parity $m1 even"""
        if self.names.port(step.words[1]) % 2 != (step.words[2] == 'odd'):
            raise Mismatch(f'{step.words[1]} is {self.names.port(step.words[1])}')


def is_root():
    return os.geteuid() == 0
