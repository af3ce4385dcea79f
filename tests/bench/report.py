#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/bench/report.py PACKETS [PARSER]: tables and verdicts from what was measured.

PACKETS is the output of tests/bench/guest, PARSER that of bench-parser. A cost is
the median with a helper minus the median without one, on the same chains.
"""
import collections
import re
import sys

INVITE, CALL, REGISTRATION, BINARY, RTP = 0.35, 0.35, 0.35, 150, 50
FLAT, FLAT_FROM, PARSER_PER_BYTE = 1.25, 1200, 12.0
CALL_STEPS = ('INVITE', 'INVITE-180', 'INVITE-200', 'ACK', 'BYE', 'BYE-200')
REG_STEPS = ('REGISTER', 'REGISTER-200')

Value = collections.namedtuple('Value', 'bytes low median high lost')


class Verdicts:
    def __init__(self, width=47):
        self.passed = self.failed = self.skipped = 0
        self.width = width

    def line(self, what, text, good):
        """@good: True, False, or None where it could not be measured."""
        if good is None:
            self.skipped += 1
        elif good:
            self.passed += 1
        else:
            self.failed += 1
        word = {True: 'PASS', False: 'FAIL', None: 'skip'}[good]
        print(f'{word:5} {what:{self.width}} {text}')

    def finish(self):
        print(f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped')
        return 1 if self.failed or self.skipped else 0


class Packets:
    def __init__(self, name):
        self.values = {}
        with open(name, encoding='ascii', errors='replace') as file:
            for line in file:
                field = line.split()
                if len(field) == 8 and all(f.isdigit() for f in field[3:]):
                    self.values[tuple(field[:3])] = Value(*map(int, field[3:]))

    def get(self, path, helper, series, what):
        return self.values.get((f'{path}+{helper}', series, what))

    def cost(self, path, helper, series, what):
        """What the helper adds; None if something is missing or was lost."""
        with_it = self.get(path, helper, series, what)
        without = self.get(path, 'none', series, what)
        if not with_it or not without or with_it.lost or without.lost:
            return None
        return with_it.median - without.median

    def total(self, path, helper, series, steps):
        costs = [self.cost(path, helper, series, s) for s in steps]
        return None if None in costs else sum(costs)

    def messages(self, path, series):
        return [k[2] for k in self.values if k[:2] == (f'{path}+none', series)]


def number(n):
    return '-' if n is None else f'{n:,}'


def ratio(ours, peer):
    return ours / peer if ours is not None and peer and peer > 0 else None


def show_ratio(ours, peer):
    r = ratio(ours, peer)
    return '-' if r is None or peer < 1000 else f'{r:.2f}'


def table(packets, path, series, title):
    print(f'{title}\n{"message":14} {"bytes":>6} {"without":>8} {"in-tree":>9} {"ours":>9} '
          f'{"ratio":>6}   min .. p90 with ours')
    for what in packets.messages(path, series):
        plain = packets.get(path, 'none', series, what)
        mine = packets.get(path, 'callgate', series, what)
        ours, peer = (packets.cost(path, h, series, what) for h in ('callgate', 'sip'))
        spread = f'{mine.low} .. {mine.high}' if mine else '-'
        if mine and mine.lost:
            spread += f'  {mine.lost} LOST'
        print(f'{what:14} {plain.bytes or "":>6} {number(plain.median):>8} {number(peer):>9} '
              f'{number(ours):>9} {show_ratio(ours, peer):>6}   {spread}')
    print()


def size_table(packets):
    print('INVITE through NAT by its length: instructions over plain NAT, per byte')
    print(f'{"padded":10} {"bytes":>6} {"in-tree":>12} {"ours":>10} {"in-tree/B":>10} {"ours/B":>8}')
    for what in packets.messages('nat', 'sizes'):
        size = packets.get('nat', 'none', 'sizes', what).bytes
        ours, peer = (packets.cost('nat', h, 'sizes', what) for h in ('callgate', 'sip'))
        each = ['-' if c is None else f'{c / size:.1f}' for c in (peer, ours)]
        print(f'{what.split("-")[0]:10} {size:>6} {number(peer):>12} {number(ours):>10} '
              f'{each[0]:>10} {each[1]:>8}')
    print()


def judge_ratio(verdicts, what, ours, peer, limit):
    r = ratio(ours, peer)
    text = f'{number(ours)} / {number(peer)} = {"-" if r is None else f"{r:.3f}"} (<= {limit})'
    verdicts.line(what, text, None if r is None else r <= limit)


def judge_calls(packets, verdicts):
    for series, said in (('again', 'repeated'), ('new', 'new')):
        for what, steps, limit in (('INVITE with SDP', ('INVITE',), INVITE),
                                   ('whole call', CALL_STEPS, CALL),
                                   ('REGISTER + 200', REG_STEPS, REGISTRATION)):
            ours, peer = (packets.total('nat', h, series, steps) for h in ('callgate', 'sip'))
            judge_ratio(verdicts, f'{what}, {said}: ours / in-tree', ours, peer, limit)


def judge_added(packets, verdicts, what, said, limit):
    cost = packets.cost('nat', 'callgate', 'again', what)
    verdicts.line(f'{said}: over plain NAT', f'{number(cost)} (<= {limit})',
                  None if cost is None else cost <= limit)


def judge_flow(packets, verdicts):
    value = packets.get('nat', 'callgate', 'flow', 'offloaded')
    rtp = packets.get('nat', 'callgate', 'flow', 'RTP-up')
    plain = packets.get('nat', 'none', 'again', 'RTP-up')
    text = f'RTP {number(rtp.median)} instead of {number(plain.median)}' if rtp and plain else ''
    verdicts.line('media of a call is [OFFLOAD] in a flowtable', text,
                  None if not value else value.median == 1)
    value = packets.get('nat', 'callgate', 'flow', 'offloaded-after-BYE')
    verdicts.line('and no more after BYE', '', None if not value else value.median == 0)


def judge_sizes(packets, verdicts):
    for kind in ('headers', 'sdp'):
        each = []
        for what in packets.messages('nat', 'sizes'):
            size = packets.get('nat', 'none', 'sizes', what).bytes
            cost = packets.cost('nat', 'callgate', 'sizes', what)
            if what.startswith(kind + '-') and size >= FLAT_FROM:
                each.append(None if cost is None else cost / size)
        known = each and None not in each
        # what is to be found is growth; falling is the fixed part wearing off
        growth = max(b / a for i, a in enumerate(each) for b in each[i:]) if known else None
        spread = max(each) / min(each) if known else None
        verdicts.line(f'per byte from 1.2 to 60 kB, {kind}: growth',
                      f'{growth:.2f} (<= {FLAT}); largest / smallest {spread:.2f}' if known else '',
                      growth <= FLAT if known else None)


def read(name):
    with open(name, encoding='utf-8', errors='replace') as file:
        return file.read()


def judge_parser(text, verdicts):
    found = re.search(r'real messages.*?\n  all +\d+ +\d+ +([\d.]+)', text, re.S)
    each = float(found[1]) if found else None
    verdicts.line('parser, instructions per byte, real messages',
                  f'{each} (<= {PARSER_PER_BYTE:g})' if each else '',
                  each <= PARSER_PER_BYTE if each else None)


def main():
    packets, verdicts = Packets(sys.argv[1]), Verdicts()
    table(packets, 'nat', 'again', 'NAT, equal bytes again and again: instructions over plain NAT')
    table(packets, 'nat', 'new', 'NAT, each message new: instructions over plain NAT')
    table(packets, 'ct', 'again', 'no NAT, equal bytes: instructions over plain conntrack')
    table(packets, 'ct', 'new', 'no NAT, each message new: instructions over plain conntrack')
    size_table(packets)
    parser = read(sys.argv[2]) if len(sys.argv) > 2 else ''
    print(parser)
    judge_calls(packets, verdicts)
    judge_added(packets, verdicts, 'RTP-up', 'RTP out', RTP)
    judge_added(packets, verdicts, 'RTP-down', 'RTP in', RTP)
    judge_added(packets, verdicts, 'not-SIP', 'not SIP, on a SIP flow', BINARY)
    judge_flow(packets, verdicts)
    judge_sizes(packets, verdicts)
    if parser:
        judge_parser(parser, verdicts)
    return verdicts.finish()


if __name__ == '__main__':
    sys.exit(main())
