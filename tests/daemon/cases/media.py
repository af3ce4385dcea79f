# SPDX-License-Identifier: BSD-2-Clause
"""Media of calls that callgated relays, with the module; without it, nothing is edited."""
import json
import re

from peer import Skipped, check, has_module, need_module
from sipmsg import Message
from calls import CONFIG  # noqa: F401: of this file too
from calls import contact_of, end_call, fresh, in_dialog, invite, next_hop, routes

USERS = [f'm{n}' for n in range(20)]


def sdp(address, port):
    kind = 'IP6' if ':' in address else 'IP4'
    return '\r\n'.join(['v=0', f'o=- 1 1 IN {kind} {address}', 's=-', f'c=IN {kind} {address}',
                        't=0 0', f'm=audio {port} RTP/AVP 0', '']).encode()


def named(message):
    """Addresses of o= and c=, and the port."""
    text = message.body.decode()
    check(int(message.get('content-length')) == len(message.body), 'Content-Length')
    return (re.search(r'o=.* (\S+)\r', text)[1], re.search(r'c=IN IP\d (\S+)\r', text)[1],
            int(re.search(r'm=audio (\d+)', text)[1]))


def calls(world):
    return json.loads(world.daemon.command('calls', '--json'))['calls']


def answered(world, caller, callee):
    """A call with a description each; what the caller and the callee saw."""
    lines = ['Content-Type: application/sdp']
    seen, sent = invite(caller, callee, body=sdp(caller.address, 7000), lines=lines)
    callee.answer(seen, 200, body=sdp(callee.address, 4000), lines=[
        f'Contact: <sip:{callee.user}@{callee.hostport}>', *lines])
    final = caller.expect('200', lambda m: m.code == 200 and m.cseq()[1] == 'INVITE')
    ack = in_dialog(caller, 'ACK', contact_of(final), routes(final)[::-1],
                    call_id=seen.get('call-id'), cseq=Message(sent).cseq()[0],
                    to=f'sip:{callee.user}@{world.domain}', to_tag=final.tag('to'))
    caller.send(ack, next_hop(caller, final))
    callee.expect_request('ACK')
    return seen, final


def c20_media_of_a_call_from_outside(world):
    """A private phone is told the caller's address, the caller the router's; BYE ends it."""
    need_module()
    caller, callee = world.outside(), fresh(world)
    seen, final = answered(world, caller, callee)
    check(named(seen) == (caller.address, caller.address, 7000), f'the offer: {named(seen)}')
    check(named(final)[:2] == (caller.router, caller.router), f'the answer: {named(final)}')
    one = calls(world)[-1]
    check(one['host'] == callee.hostport and one['peer'] == caller.hostport, str(one))
    end_call(caller, callee, seen, final)
    check(one['id'] not in [call['id'] for call in calls(world)], 'the call goes on after BYE')


def c20_media_between_phones(world):
    """Nothing is edited; each is told the other's own address."""
    need_module()
    caller, callee = fresh(world), fresh(world)
    seen, final = answered(world, caller, callee)
    check(named(seen) == (caller.address, caller.address, 7000), f'the offer: {named(seen)}')
    check(named(final) == (callee.address, callee.address, 4000), f'the answer: {named(final)}')
    end_call(caller, callee, seen, final)


def c20_no_module_no_edit(world):
    if has_module():
        raise Skipped('the module is loaded')
    caller, callee = world.outside(), fresh(world)
    seen, final = answered(world, caller, callee)
    check(named(seen) == (caller.address, caller.address, 7000), f'the offer: {named(seen)}')
    check(named(final) == (callee.address, callee.address, 4000), f'the answer: {named(final)}')
    end_call(caller, callee, seen, final)


def c29_a_hashed_body_is_left_alone(world):
    """Credentials for others with auth-int: an edited description would make them wrong (F28)."""
    need_module()
    caller, callee = fresh(world), fresh(world, 'outside')
    lines = ['Content-Type: application/sdp', 'Identity: abc;info=<https://far.example/c>;alg=ES256',
             'Authorization: Digest username="x", realm="far.example", nonce="n", uri="sip:x", '
             'qop=auth-int, nc=00000001, cnonce="c", response="00000000000000000000000000000001"']
    for more, address in ((lines, caller.address), (lines[:2], callee.router)):
        seen, _ = invite(caller, callee, body=sdp(caller.address, 7000), lines=more)
        check(named(seen)[0] == address, f'{len(more)} lines: {named(seen)}')
        check(seen.get('identity') == lines[1].partition(': ')[2], 'Identity')
        callee.answer(seen, 486, 'Busy')
        caller.expect('486', lambda m: m.code == 486)
        caller.credentials.challenge = None
