# SPDX-License-Identifier: BSD-2-Clause
"""Requests for users: to the device that registered, and back. C20, C21, C28, C43."""
import re
import time

from peer import check, host
from sipmsg import Message, challenges, unique

CONFIG = '''\
domain "office.example" { registrar = main }
'''
USERS = [f'u{n}' for n in range(40)]


def fresh(world, side='inside', registered=True):
    phone = world.fresh_phone(side)
    if registered:
        answer = phone.register()
        check(answer.code == 200, f'{phone.user} cannot register: {answer.start}')
        phone.credentials.challenge = None
    return phone


def address(phone):
    return f'sip:{phone.user}@{phone.world.domain}'


def invite(caller, callee, **fields):
    """An INVITE that answers the challenge when there is one: what the callee gets, and what was
    sent at last."""
    uri = fields.pop('uri', None) or address(callee)
    call_id = unique('call')
    data = caller.request('INVITE', uri, call_id=call_id, **fields)
    caller.send(data)
    if caller.credentials:
        answer = caller.expect('a challenge', lambda m: m.code == 407)
        caller.send(caller.ack(data, answer))
        caller.credentials.take(challenges(answer)[0])
        lines = fields.pop('lines', []) + [caller.credentials.line('INVITE', uri)]
        data = caller.request('INVITE', uri, call_id=call_id, cseq=2, lines=lines, **fields)
        caller.send(data)
    return callee.expect_request('INVITE'), data


def routes(message):
    return re.findall(r'<([^>]*)>', ', '.join(message.all('record-route')))


def in_dialog(phone, method, target, route, **fields):
    lines = [f'Route: <{uri}>' for uri in route]
    return phone.request(method, target, lines=lines, **fields)


def contact_of(message):
    return next(iter(message.contacts()))


def answered_call(world, caller, callee):
    """INVITE, 180, 200, ACK: what the callee and the caller know of the dialog."""
    seen, sent = invite(caller, callee)
    check(seen.uri == f'sip:{callee.user}@{callee.hostport}', f'Request-URI {seen.uri}')
    callee.answer(seen, 180, 'Ringing', lines=[f'Contact: <sip:{callee.user}@{callee.hostport}>'])
    ringing = caller.expect('180', lambda m: m.code == 180)
    check(len(ringing.all('via')) == 1, 'a Via of ours came back')
    callee.answer(seen, 200, lines=[f'Contact: <sip:{callee.user}@{callee.hostport}>'])
    final = caller.expect('200', lambda m: m.code == 200 and m.cseq()[1] == 'INVITE')
    route = routes(final)[::-1]
    ack = in_dialog(caller, 'ACK', contact_of(final), route, call_id=seen.get('call-id'),
                    cseq=Message(sent).cseq()[0], to=address(callee), to_tag=final.tag('to'))
    caller.send(ack, next_hop(caller, final))
    got = callee.expect_request('ACK')
    check(got.tag('to') == 'callee', f'ACK with tag {got.tag("to")}')
    return seen, final


def next_hop(phone, final):
    """Where a request of the dialog is sent: to the topmost route, which is the router."""
    top = (routes(final) or [''])[-1]
    check(host(phone.router) in top, f'the route of {phone.address} is {top}')
    return phone.router, 5060


def end_call(caller, callee, seen, final):
    """The callee hangs up."""
    bye = in_dialog(callee, 'BYE', contact_of(seen), routes(seen), call_id=seen.get('call-id'),
                    cseq=7, to=address(caller), to_tag='f1', from_tag='callee')
    callee.send(bye)
    got = caller.expect_request('BYE')
    caller.answer(got, 200)
    callee.expect('200 of the BYE', lambda m: m.code == 200 and m.cseq() == (7, 'BYE'))


def c20_call_between_inside_phones(world):
    caller, callee = fresh(world), fresh(world)
    seen, final = answered_call(world, caller, callee)
    end_call(caller, callee, seen, final)


def c20_call_from_outside(world):
    """A stranger reaches a user of ours without being asked who he is."""
    caller, callee = world.outside(), fresh(world)
    seen, final = answered_call(world, caller, callee)
    end_call(caller, callee, seen, final)


def c20_call_by_our_address(world):
    caller, callee = world.outside(), fresh(world)
    seen, _ = invite(caller, callee, uri=f'sip:{callee.user}@{host(caller.router)}')
    check(seen.uri == f'sip:{callee.user}@{callee.hostport}', seen.uri)


def c20_hop_by_hop_headers(world):
    caller, callee = world.outside(), fresh(world)
    seen, sent = invite(caller, callee)
    check(seen.get('max-forwards') == '69', f'Max-Forwards {seen.get("max-forwards")}')
    vias = seen.all('via')
    check(len(vias) == 2 and host(callee.router) in vias[0], str(vias))
    check(f'received={caller.address}' in vias[1] and f'rport={caller.port}' in vias[1], vias[1])
    check(seen.all('record-route'), 'no Record-Route')
    for name in ('from', 'to', 'call-id', 'cseq'):
        check(seen.get(name) == Message(sent).get(name), f'{name} was changed')


def c20_best_contact_by_q(world):
    user = fresh(world, registered=False)
    second = world.phone(user.user)
    check(user.register(contact=f'<sip:{user.user}@{user.hostport}>;q=0.2').code == 200, 'first')
    check(second.register(contact=f'<sip:{user.user}@{second.hostport}>;q=0.9').code == 200, 'second')
    seen, _ = invite(world.outside(), second)
    check(second.hostport in seen.uri, seen.uri)


def c21_who_is_not_there(world):
    """404 for who does not exist, 480 for who is not registered, 403 or 404 for other domains."""
    caller, absent = world.outside(), fresh(world, registered=False)
    for uri, codes in (('sip:nobody-here@office.example', (404,)), (address(absent), (480,)),
                       ('sip:a@nowhere.example', (403, 404)), ('tel:+4930123', (403, 404))):
        answer = caller.transact(caller.request('INVITE', uri))
        check(answer.code in codes, f'{uri}: {answer.start}')


def c21_uniform_for_strangers(world):
    caller, absent = world.outside(), fresh(world, registered=False)
    answers = [caller.transact(caller.request('INVITE', uri))
               for uri in ('sip:nobody-here@office.example', address(absent))]
    check(len({a.start for a in answers}) == 1, f'{[a.start for a in answers]}')


c21_uniform_for_strangers.config = CONFIG + 'uniform = on\n'


def c21_gone_after_unregistering(world):
    caller, callee = world.outside(), fresh(world)
    check(callee.register(0).code == 200, 'cannot unregister')
    answer = caller.transact(caller.request('INVITE', address(callee)))
    check(answer.code == 480, answer.start)


def c28_own_users_are_challenged(world):
    caller, callee = fresh(world), fresh(world)
    for method in ('INVITE', 'MESSAGE', 'SUBSCRIBE'):
        answer = caller.transact(caller.request(method, address(callee)))
        check(answer.code == 407 and answer.all('proxy-authenticate'), f'{method}: {answer.start}')
    check(callee.silent(), 'something reached the callee')


def c29_from_of_another_refused(world):
    caller, callee, other = fresh(world), fresh(world), fresh(world)
    answer = caller.authenticated('INVITE', address(callee), user=other.user)
    check(answer.code == 403, answer.start)
    check(callee.silent(), 'something reached the callee')


def c43_cancel_follows_its_invite(world):
    caller, callee = world.outside(), fresh(world)
    seen, sent = invite(caller, callee)
    callee.answer(seen, 180, 'Ringing')
    caller.expect('180', lambda m: m.code == 180)
    cancel = sent.replace(b'INVITE sip', b'CANCEL sip').replace(b' INVITE\r\n', b' CANCEL\r\n')
    caller.send(cancel)
    got = callee.expect_request('CANCEL')
    check(got.branch() == seen.branch() and got.uri == seen.uri, 'another branch or Request-URI')
    callee.answer(got, 200)
    callee.answer(seen, 487, 'Request Terminated')
    caller.expect('200 of the CANCEL', lambda m: m.code == 200 and m.cseq()[1] == 'CANCEL')
    final = caller.expect('487', lambda m: m.code == 487)
    caller.send(caller.ack(sent, final))
    check(callee.expect_request('ACK').branch() == seen.branch(), 'the ACK has another branch')


def c43_retransmission_is_relayed_the_same(world):
    """Also after the callee registered from elsewhere: one target per transaction."""
    caller, callee = world.outside(), fresh(world)
    seen, sent = invite(caller, callee)
    moved = world.phone(callee.user)
    check(moved.register(lines=[f'Contact: <sip:{callee.user}@{callee.hostport}>;expires=0']).code
          == 200, 'cannot move')
    caller.send(sent)
    again = callee.expect_request('INVITE')
    check(again.data == seen.data, f'{again}\nis not\n{seen}')
    check(moved.silent(), 'the new device got a copy')


def c43_refusal_repeated_until_its_ack(world):
    """17.2.1: in T1, 2*T1; and not again behind the ACK."""
    caller = world.outside()
    data = caller.request('INVITE', 'sip:nobody-here@office.example')
    caller.send(data)
    first = caller.expect('404', lambda m: m.code == 404)
    begun = time.monotonic()
    again = caller.expect('404 again', lambda m: m.code == 404)
    check(again.data == first.data, 'another answer')
    check(0.4 < time.monotonic() - begun < 1.5, f'after {time.monotonic() - begun:.2f} s')
    caller.send(caller.ack(data, first))
    check(caller.receive(1.5, lambda m: m.code == 404) is None, 'again behind the ACK')


def c43_response_of_nobody_dropped(world):
    """A Via of ours that we did not write is nobody's: nothing is sent."""
    liar, victim = world.outside(), world.inside()
    seen_via = f'SIP/2.0/UDP {host(liar.router)};branch=z9hG4bKd{"a" * 58}'
    liar.send(f'SIP/2.0 200 OK\r\nVia: {seen_via}\r\nVia: SIP/2.0/UDP {victim.hostport};branch='
              'z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n'
              'CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n')
    check(liar.silent() and victim.silent(), 'a forged response was forwarded')


def c43_ten_calls_interleaved(world):
    """Each INVITE reaches its callee, each answer its caller."""
    pairs = [(world.outside(), fresh(world)) for _ in range(5)]
    seen = {}
    for caller, callee in pairs:
        seen[caller], _ = invite(caller, callee)
    for caller, callee in reversed(pairs):
        callee.answer(seen[caller], 180, 'Ringing', tag=f'tag-{callee.user}')
    for caller, callee in pairs:
        got = caller.expect('180', lambda m: m.code == 180)
        check(got.tag('to') == f'tag-{callee.user}', f'the answer of {got.tag("to")}')
        check(got.get('call-id') == seen[caller].get('call-id'), 'of another call')


def c08_a_redirection_is_passed_on(world):
    """RFC 3261 16.7, item 4: never followed by us, or a phone could have others called."""
    caller, callee, third = world.outside(), fresh(world), world.outside()
    seen, _ = invite(caller, callee)
    callee.answer(seen, 302, 'Moved Temporarily', lines=[f'Contact: <sip:x@{third.hostport}>'])
    final = caller.expect('302', lambda m: m.code >= 300)
    check(final.code == 302 and contact_of(final).startswith('sip:x@'), str(final))
    check(third.silent(), 'it was followed')


def c30_a_port_of_the_admins_choice(world):
    """Another port beside 5060: who registers there is called from there."""
    caller, callee = world.outside(), fresh(world, registered=False)
    other = (callee.router, 5080)
    contact = [f'Contact: <sip:{callee.user}@{callee.hostport}>']
    uri = f'sip:{world.domain}'

    def register(*more, cseq):
        return callee.transact(callee.request('REGISTER', uri, to=address(callee), cseq=cseq,
                                              call_id=f'port-{callee.user}',
                                              lines=[*contact, *more]), to=other)

    callee.credentials.take(challenges(register(cseq=1))[0])
    check(register(callee.credentials.line('REGISTER', uri), cseq=2).code == 200, 'no 200')
    seen, _ = invite(caller, callee)
    check(seen.source == other, f'the INVITE comes from {seen.source}')
    check(f'{host(callee.router)}:5080' in seen.get('via'), seen.get('via'))
    callee.answer(seen, 486, 'Busy')
    caller.expect('486', lambda m: m.code == 486)


c30_a_port_of_the_admins_choice.config = CONFIG + (
    'listen = { "0.0.0.0:5060", "[::]:5060", "0.0.0.0:5080", "[::]:5080" }\n')
