# SPDX-License-Identifier: BSD-2-Clause
"""Cases of forward: dialogs whose requests do not say where they go."""
import re
import time

from . import gate
from .bed import (KEY, OTHER_KEY, answer, arrives, call, host, lines_of, need, request, silent,
                  start_of)


def answered(r, contact):
    """A call that the phone took with that Contact; what phone and caller got."""
    r.attach()
    r.register()
    got = call(r)
    r.phone.sendto(answer(got, 200, contact=contact), r.lan)
    return got, arrives(r.caller)


def die(r):
    """The daemon does; what comes after it only looks."""
    r.daemon.close()
    r.daemon = gate.Daemon(r.world.router)


def of_phone(r, method, uri, branch, tag='f1'):
    """A request of the phone in that call."""
    a = host(r.hosts['A'])
    return '\r\n'.join([
        f'{method} {uri} SIP/2.0', f'Via: SIP/2.0/UDP {a}:5060;branch=z9hG4bK{branch};rport',
        'Max-Forwards: 70', 'From: <sip:alice@office.example>;tag=t1',
        f'To: <sip:bob@elsewhere.example>;tag={tag}', 'Call-ID: c1', f'CSeq: 9 {method}',
        'Content-Length: 0', '', '']).encode()


def lost_both_ways(r, turn):
    """Neither Route nor token, from both: each request arrives, and so does its answer."""
    a, p = host(r.hosts['A']), host(r.hosts['P'])
    r.caller.sendto(request(r, 'INFO', uri=f'sip:alice@{host(r.us[0])}', tag='t1',
                            branch=f'out{turn}', cseq=turn), r.us)
    seen = arrives(r.phone)
    need(start_of(seen) == f'INFO sip:alice@{a}:5060;line=1 SIP/2.0', start_of(seen))
    r.phone.sendto(answer(seen, 200), r.lan)
    need(start_of(arrives(r.caller)) == 'SIP/2.0 200 X', 'and its answer')
    r.phone.sendto(of_phone(r, 'INFO', f'sip:bob@{p}:5060', f'in{turn}'), r.lan)
    seen = arrives(r.caller)
    need(start_of(seen) == f'INFO sip:bob@{p}:5060 SIP/2.0', start_of(seen))
    r.caller.sendto(answer(seen, 200), r.us)
    need(start_of(arrives(r.phone)) == 'SIP/2.0 200 X', 'and its answer')


def case_lost(r):
    """Neither Route nor token comes back: the other party is known, without a daemon too."""
    answered(r, f'sip:alice@{host(r.hosts["A"])}:5060;line=1')
    need(r.daemon.get()[gate.G_NDIALOGS] == 1, 'a dialog')
    lost_both_ways(r, 2)
    r.daemon.forget(1, 'alice@office.example')
    r.daemon.set(gate.u32(gate.G_TAKE, 0))
    lost_both_ways(r, 3)
    r.daemon.set(gate.attribute(gate.G_KEY, OTHER_KEY), gate.attribute(gate.G_KEY_OLD, KEY))
    die(r)
    lost_both_ways(r, 4)
    need(r.counter('forwarded-known-peer') == 6, 'counted')
    need(silent(r.sock, .1), 'nothing for the daemon')
    r.caller.sendto(request(r, 'BYE', uri=f'sip:alice@{host(r.us[0])}', tag='t1', branch='bye',
                            cseq=5), r.us)
    need(start_of(arrives(r.phone)).startswith('BYE sip:alice@'), 'BYE')


def case_lost_ends(r):
    """After a BYE a dialog is kept for its repetitions only."""
    answered(r, f'sip:alice@{host(r.hosts["A"])}:5060;line=1')
    bye = request(r, 'BYE', uri=f'sip:alice@{host(r.us[0])}', tag='t1', branch='bye', cseq=5)
    r.caller.sendto(bye, r.us)
    arrives(r.phone)
    lost_both_ways(r, 6)
    time.sleep(35)
    need(r.daemon.get()[gate.G_NDIALOGS] == 0, 'over')
    late = bye.replace(b'z9hG4bKbye', b'z9hG4bKlate')
    r.caller.sendto(late, r.us)
    need(arrives(r.sock) == late, 'the daemon may know')


case_lost_ends.timetravel = True


def case_lost_strangers(r):
    """Who knows Call-ID and tags, and is not where its party is, gets nowhere."""
    answered(r, f'sip:alice@{host(r.hosts["A"])}:5060;line=1')
    bye = request(r, 'BYE', uri=f'sip:alice@{host(r.us[0])}', tag='t1', branch='x1', cseq=5)
    other = r.listen(r.hosts['P'], r.world.wan, 5070)
    other.sendto(bye, r.us)
    need(arrives(r.sock) == bye, 'from another port')
    elsewhere = r.listen(r.hosts['A'], r.world.lan, 5070)
    elsewhere.sendto(bye, r.lan)
    need(arrives(r.sock) == bye, 'from the other side')
    for number, (was, now) in enumerate([(b'tag=t1', b'tag=t2'), (b'tag=f1', b'tag=f2'),
                                         (b': c1', b': c3')]):
        bad = bye.replace(was, now).replace(b'z9hG4bKx1', b'z9hG4bKy%d' % number)
        r.caller.sendto(bad, r.us)
        need(arrives(r.sock) == bad, f'{now} is not of the dialog')
    bad = of_phone(r, 'BYE', f'sip:bob@{host(r.hosts["P"])}:5060', 'z1', 'f2')
    r.phone.sendto(bad, r.lan)
    need(arrives(r.sock) == bad, 'nor for the phone')
    routed = request(r, 'BYE', uri=f'sip:alice@{host(r.us[0])}', tag='t1', branch='x2', cseq=5,
                     routes=['<sip:192.0.2.99;lr>'])
    r.caller.sendto(routed, r.us)
    need(arrives(r.sock) == routed, 'with a Route of somebody else')
    need(silent(r.phone, .1) and silent(r.caller, .1), 'nobody got anything')
    other.close()
    elsewhere.close()
    lost_both_ways(r, 7)


def case_known_peer(r):
    """A GRUU, a token gone bad, a Contact known by its hash: without a daemon to the peer."""
    a = host(r.hosts['A'])
    _, okay = answered(r, 'sip:alice@phone.invalid;line=1')
    masked = re.search(r'<(.*)>', lines_of(okay, 'Contact')[0])[1]
    us = f'sip:alice@{host(r.us[0])}:5060'
    tries = [('sip:alice@office.example;gr=urn:x', f'sip:alice@{a}:5060;gr=urn:x'),
             (f'{us};gr=x;cg=abcdef', f'sip:alice@{a}:5060;gr=x;cg=abcdef'),
             (masked, f'sip:alice@{a};line=1')]
    dialog = {'tag': 't1', 'routes': lines_of(okay, 'Record-Route')[::-1]}
    for number, (uri, _) in enumerate(tries):
        message = request(r, 'INFO', uri=uri, branch=f'k{number}', cseq=2 + number, **dialog)
        r.caller.sendto(message, r.us)
        need(arrives(r.sock) == message, f'{uri}: the daemon knows better')
    die(r)
    for number, (uri, want) in enumerate(tries):
        r.caller.sendto(request(r, 'INFO', uri=uri, branch=f'd{number}', cseq=6 + number,
                                **dialog), r.us)
        seen = arrives(r.phone)
        need(start_of(seen) == f'INFO {want} SIP/2.0', start_of(seen))
    need(silent(r.sock, .1), 'nothing waits for a daemon')


def case_identity(r):
    """In a dialog too a stranger says nothing about who he is; who is trusted does."""
    _, okay = answered(r, f'sip:alice@{host(r.hosts["A"])}:5060')
    contact = re.search(r'<(.*)>', lines_of(okay, 'Contact')[0])[1]
    boss = ['P-Asserted-Identity: <sip:boss@office.example>', 'P-Asserted-Identity: <tel:+1>']
    for number, trusted in enumerate((False, True)):
        if trusted:
            bits = 128 if ':' in r.hosts['P'] else 32
            r.rules(gate.prefixes(gate.G_TRUSTED, (r.hosts['P'], bits)))
        r.caller.sendto(request(r, 'UPDATE', uri=contact, tag='t1', branch=f'u{number}',
                                cseq=2 + number, headers=boss,
                                routes=lines_of(okay, 'Record-Route')[::-1]), r.us)
        seen = arrives(r.phone)
        need(start_of(seen).startswith('UPDATE sip:alice@'), start_of(seen))
        need(len(lines_of(seen, 'P-Asserted-Identity')) == (2 if trusted else 0), seen)
    need(silent(r.sock, .1), 'nothing for the daemon')
