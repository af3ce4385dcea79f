# SPDX-License-Identifier: BSD-2-Clause
"""The 61 messages of RFC 4475 and RFC 5118, sent by an inside host that owns the
inside addresses named in them, through NAT. What must arrive is in torture.expect.

The messages are not part of this project; they are read from ../shared/data/torture
beside the checkout, or from $CALLGATE_TORTURE.
"""
import fnmatch
import os
import re
import time

from . import state, world as worlds
from .steps import difference
from .text import Mismatch

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WAN = {4: ('203.0.113.1', '203.0.113.10'), 6: ('2001:db8:f::1', '2001:db8:f::10')}


class Case:
    def __init__(self, words):
        self.name, self.verdict, self.sender = words[:3]
        options = dict(word.split('=') for word in words[3:])
        self.port = int(options.get('port', 5060))
        self.calls = int(options.get('calls', 0))
        self.edits = []
        self.length = False

    def family(self):
        return 6 if ':' in self.sender else 4

    def pattern(self, message):
        """A regular expression for what must arrive, and it as text for the diff."""
        public = WAN[self.family()][0]
        out = message
        for before, after in self.edits:
            if out.count(before.encode()) != 1:
                raise Mismatch(f'{before!r} is not in the message exactly once')
            out = out.replace(before.encode(), after.replace('{W}', public).encode())
        if self.length:
            growth = len(out) - len(message) - (len(self.head(out)) - len(self.head(message)))
            match = re.search(rb'(?im)^(?:content-length|l)\s*:\s*(\d+)', out)
            new = str(int(match[1]) + growth).encode()
            out = out[:match.start(1)] + new + out[match.end(1):]
        expression = re.sub(rb'\\\{\\\$\w+\\\}', rb'\\d+', re.escape(out))
        return re.compile(expression, re.DOTALL), out

    @staticmethod
    def head(message):
        return message.partition(b'\r\n\r\n')[0]


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
                cases.append(Case(line.split()))
    return cases


def find_messages():
    places = [os.environ.get('CALLGATE_TORTURE', ''),
              os.path.join(HERE, '..', '..', '..', 'shared', 'data', 'torture')]
    return next((place for place in places if place and os.path.isdir(place)), None)


def message_of(place, name):
    path = os.path.join(place, name)
    with open(path + '.dat' if os.path.exists(path + '.dat') else path, 'rb') as file:
        return file.read()


def plan_of(case):
    """The inside net is the one that the messages name, the outside another."""
    plan = worlds.Plan(f'nat{case.family()}')
    if case.family() == 6:
        plan.lan = [f'{a}/64' for a in {case.sender, '2001:db8::1', '2001:db8::9:1'}]
        plan.router_lan = ['2001:db8::ff/64']
        plan.default = '2001:db8::ff'
    else:
        plan.lan = [f'{a}/24' for a in {case.sender, '192.0.2.2', '192.0.2.15'}]
        plan.router_lan = ['192.0.2.254/24']
        plan.default = '192.0.2.254'
    public, server = WAN[case.family()]
    bits = 64 if case.family() == 6 else 24
    plan.router_wan, plan.wan = [f'{public}/{bits}'], [f'{server}/{bits}']
    plan.strange = ('2001:db8:66::/64' if bits == 64 else '198.51.100.0/24', server)
    return plan


def run_case(world, case, place, module):
    message = message_of(place, case.name)
    public, server = WAN[case.family()]
    world.sockets.get(world.wan, server, 5060)
    sender = world.sockets.get(world.lan, case.sender, case.port)
    sender.sendto(message, (server, 5060))
    got = world.sockets.receive(5)
    if got is None:
        raise Mismatch('lost')
    if got[0] != (server, 5060) or got[1][0] != public:
        raise Mismatch(f'at {got[0]} from {got[1]}')
    expression, want = case.pattern(message)
    if not expression.fullmatch(got[2]):
        raise Mismatch('- expected, + received:\n' + difference(want, got[2]))
    if module.present:
        calls, bindings = len(module.calls()), len(module.bindings())
        if (calls, bindings) != (case.calls, 0):
            raise Mismatch(f'{calls} calls, {bindings} registrations; '
                           f'expected {case.calls}, 0')


def run_all(options, result):
    cases = [case for case in read_cases()
             if any(fnmatch.fnmatch('torture/' + case.name, glob) for glob in options.only)
             and options.family in ('both', str(case.family()))]
    place = find_messages()
    if cases and not place:
        print('torture: the messages of RFC 4475 and RFC 5118 are not here '
              '(../shared/data/torture or $CALLGATE_TORTURE)')
        result.skipped += len(cases)
        return
    if not cases:
        return
    helper = 'sip' if options.baseline else options.helper
    for case in cases:
        begun = time.monotonic()
        world = worlds.World(f'nat{case.family()}', plan_of(case), helper)
        try:
            run_case(world, case, place,
                     state.Module(world.router, helper.startswith('callgate')))
            result.ok('torture/' + case.name, begun)
        except (Mismatch, RuntimeError, OSError) as error:
            result.fail('torture/' + case.name, begun, str(error))
        finally:
            world.close()
