# SPDX-License-Identifier: BSD-2-Clause
"""The 61 messages of RFC 4475 and RFC 5118, sent by an inside host that owns the
inside addresses named in them: over IPv4 and IPv6, with NAT and without, as whole
datagrams and as IP fragments, in order and the last one first. What must arrive
is in torture.expect, written for the family that the message names, with NAT. The
other cases follow from it:

  the other family  what names an address of a family is edited only where the
                    message goes over that family
  without NAT       nothing is edited
  fragments         as the whole datagram
State is the same in all of them: what is no call stays none.

The messages are not part of this project; they are read from ../shared/data/torture
beside the checkout, or from $CALLGATE_TORTURE.
"""
import fnmatch
import os
import re
import time

from . import net, state, world as worlds
from .steps import difference
from .text import Mismatch

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PUBLIC = {4: '203.0.113.1', 6: '2001:db8:f::1'}
SERVERS = {4: '203.0.113.', 6: '2001:db8:f::'}      # each message has its own server
FIRST_SERVER = 10
DEFAULT_SENDER = {4: '192.0.2.1', 6: '2001:db8::1'}
NETWORKS = ('nat4', 'nat6', 'routed4', 'routed6')
SHAPES = ('whole', 'fragments', 'reversed')
FRAGMENT = 296
PORT = 5060


def family_of(text):
    return 6 if '::' in text else 4


class Case:
    def __init__(self, words, number):
        self.name, self.verdict, self.sender = words[:3]
        options = dict(word.split('=') for word in words[3:])
        self.port = int(options.get('port', PORT))
        self.calls = int(options.get('calls', 0))
        self.number = FIRST_SERVER + number
        self.edits = []
        self.length = False

    def sender_over(self, family):
        return self.sender if family_of(self.sender) == family else DEFAULT_SENDER[family]

    def server_over(self, family):
        return f'{SERVERS[family]}{self.number:{"x" if family == 6 else "d"}}'

    def pattern(self, message, family, translated):
        """A regular expression for what must arrive, and it as text for the diff."""
        out = message
        edits = [edit for edit in self.edits if translated and family_of(edit[0]) == family]
        for before, after in edits:
            if out.count(before.encode()) != 1:
                raise Mismatch(f'{before!r} is not in the message exactly once')
            out = out.replace(before.encode(),
                              after.replace('{W}', PUBLIC[family]).encode())
        growth = len(self.body(out)) - len(self.body(message))
        if growth and self.length:
            match = re.search(rb'(?im)^(?:content-length|l)\s*:\s*(\d+)', out)
            new = str(int(match[1]) + growth).encode()
            out = out[:match.start(1)] + new + out[match.end(1):]
        expression = re.sub(rb'\\\{\\\$\w+\\\}', rb'\\d+', re.escape(out))
        return re.compile(expression, re.DOTALL), out

    @staticmethod
    def body(message):
        return message.partition(b'\r\n\r\n')[2]


def read_cases():
    cases = []
    with open(os.path.join(HERE, 'torture.expect'), encoding='utf-8') as file:
        for line in file:
            if line.startswith('  "'):
                before, after = line.strip().split(' => ')
                cases[-1].edits.append((before.strip('"'), after.strip('"')))
            elif line.strip() == 'length':
                cases[-1].length = True
            elif line.strip() and not line.startswith('#'):
                cases.append(Case(line.split(), len(cases)))
    return cases


def find_messages():
    places = [os.environ.get('CALLGATE_TORTURE', ''),
              os.path.join(HERE, '..', '..', '..', 'shared', 'data', 'torture')]
    return next((place for place in places if place and os.path.isdir(place)), None)


def message_of(place, name):
    path = os.path.join(place, name)
    with open(path + '.dat' if os.path.exists(path + '.dat') else path, 'rb') as file:
        return file.read()


def plan_of(network, cases):
    """The inside net is the one that the messages name, the outside another."""
    family = int(network[-1])
    plan = worlds.Plan(f'nat{family}')
    inside, router, bits = (({'2001:db8::1', '2001:db8::9:1'}, '2001:db8::ff', 64)
                            if family == 6 else
                            ({'192.0.2.2', '192.0.2.15'}, '192.0.2.254', 24))
    inside |= {case.sender_over(family) for case in cases}
    plan.lan = [f'{address}/{bits}' for address in sorted(inside)]
    plan.router_lan, plan.default = [f'{router}/{bits}'], router
    plan.router_wan = [f'{PUBLIC[family]}/{bits}']
    plan.wan = [f'{case.server_over(family)}/{bits}' for case in cases]
    plan.strange = ('2001:db8:66::/64' if family == 6 else '198.51.100.0/24',
                    cases[0].server_over(family))
    if network.startswith('routed'):
        plan.back = [('2001:db8::/64' if family == 6 else '192.0.2.0/24', PUBLIC[family])]
    return plan


class Group:
    """All messages through one network in one shape, each to a server of its own."""

    def __init__(self, network, shape, cases, helper):
        self.family = int(network[-1])
        self.translated = network.startswith('nat')
        self.shape = shape
        self.world = worlds.World(network, plan_of(network, cases), helper)
        self.module = state.Module(self.world.router, helper.startswith('callgate'))
        if self.module.present:     # the next call may have the same ports
            self.world.router.run('callgate', 'set', 'quarantine', '0')

    def send(self, case, message):
        source = case.sender_over(self.family), case.port
        target = case.server_over(self.family), PORT
        self.world.sockets.get(self.world.wan, *target)
        if self.shape == 'whole':
            self.world.sockets.get(self.world.lan, *source).sendto(message, target)
            return
        size = min(FRAGMENT, max(8, len(message) // 2))     # never only one
        net.send_fragments(self.world.lan, source, target, message, size,
                           'reversed' if self.shape == 'reversed' else 'forward')

    def run_case(self, case, message):
        self.send(case, message)
        got = self.world.sockets.receive(2)
        if got is None:
            raise Mismatch('lost')
        seen = PUBLIC[self.family] if self.translated else case.sender_over(self.family)
        if got[0] != (case.server_over(self.family), PORT) or got[1][0] != seen:
            raise Mismatch(f'at {got[0]} from {got[1]}')
        expression, want = case.pattern(message, self.family, self.translated)
        if not expression.fullmatch(got[2]):
            raise Mismatch('- expected, + received:\n' + difference(want, got[2]))
        if case.calls and self.module.present:
            self.end_calls(case.calls)

    def end_calls(self, wanted):
        calls = self.module.calls()
        for call in calls:
            self.world.router.run('callgate', 'calls', 'end', str(call['id']))
        if len(calls) != wanted:
            raise Mismatch(f'{len(calls)} calls, expected {wanted}')

    def nothing_left(self):
        """No call and no registration of those that may have none."""
        if self.module.present and (self.module.calls() or self.module.bindings()):
            raise Mismatch('a call or a registration that no message may begin:\n'
                           + self.module.dump())

    def drain(self):
        while self.world.sockets.receive(0):
            pass


def run_group(name, group, cases, place, result):
    begun, failed = time.monotonic(), result.failed
    for case in cases:
        try:
            group.run_case(case, message_of(place, case.name))
            result.passed += 1
        except (Mismatch, RuntimeError, OSError) as error:
            result.fail(f'torture/{case.name}/{name}', begun, str(error))
            group.drain()
    try:
        group.nothing_left()
    except Mismatch as error:
        result.fail(f'torture/{name}: state', begun, str(error))
    if result.failed == failed:
        result.line('ok', f'torture/{name}', begun, f'{len(cases)} messages')


def chosen(options):
    """(network, shape, cases) that the options ask for."""
    cases = read_cases()
    for network in NETWORKS:
        for shape in SHAPES:
            names = [(f'torture/{case.name}/{network}/{shape}', case) for case in cases]
            wanted = [case for name, case in names if any(
                fnmatch.fnmatch(name, glob) or fnmatch.fnmatch(name, glob + '/*')
                for glob in options.only)]
            if wanted and options.family in ('both', network[-1]):
                yield network, shape, wanted


def run_all(options, result):
    groups = list(chosen(options))
    place = find_messages()
    if groups and not place:
        print('torture: the messages of RFC 4475 and RFC 5118 are not here '
              '(../shared/data/torture or $CALLGATE_TORTURE)')
        result.skipped += sum(len(cases) for _, _, cases in groups)
        return
    helper = 'sip' if options.baseline else options.helper
    for network, shape, cases in groups:
        group = Group(network, shape, cases, helper)
        try:
            run_group(f'{network}/{shape}', group, cases, place, result)
        finally:
            group.world.close()
