# SPDX-License-Identifier: BSD-2-Clause
"""GRUUs (RFC 5627): one device of several is reached, and no other, over moves and restarts (C15)."""
import re

from peer import check, host
from sipmsg import unique

CONFIG = '''\
domain "office.example" { registrar = main }
domain "second.example" { registrar = main }
'''
USERS = [f'u{n}' for n in range(20)]
GRUU = ['Supported: gruu, path']


def device(world, user, number, **fields):
    """A phone that registers as one device of a user; its GRUUs."""
    phone = fields.pop('phone', None) or world.phone(user)
    phone.instance = f'urn:uuid:00000000-0000-1000-8000-{number:012d}'
    answer = phone.register(lines=fields.pop('lines', GRUU), contact=contact(phone), **fields)
    check(answer.code == 200, answer.start)
    return phone, gruus(phone, answer)


def contact(phone):
    return f'<sip:{phone.user}@{phone.hostport}>;+sip.instance="<{phone.instance}>"'


def gruus(phone, answer):
    params = next(line for line in answer.all('contact') if f'{phone.hostport}>' in line)
    return [found[1] if found else None for found in (
        re.search(rf';{kind}-gruu="([^"]*)"', params) for kind in ('pub', 'temp'))]


def name(world):
    return next(world.unused)


def reaches(world, uri, phone):
    caller, call_id = world.outside(), unique('ask')
    caller.send(caller.request('OPTIONS', uri, call_id=call_id))
    seen = phone.expect('the request', lambda m: m.get('call-id') == call_id)
    check(seen.uri == f'sip:{phone.user}@{phone.hostport}', f'Request-URI {seen.uri}')
    phone.answer(seen, 200)
    caller.expect('its answer', lambda m: m.code == 200)


def refused(world, uri, code):
    caller = world.outside()
    answer = caller.transact(caller.request('OPTIONS', uri))
    check(answer.code == code, f'{uri}: {code}, not "{answer.start}"')


def c15_gruus_are_given_to_who_asks(world):
    user = name(world)
    phone, (public, temporary) = device(world, user, 1)
    check(public == f'sip:{user}@office.example;gr={phone.instance}', str(public))
    check(re.fullmatch(r'sip:[a-z2-7]{45}@office\.example;gr', temporary), str(temporary))
    check(user not in temporary, 'a temporary one names nobody')
    _, again = device(world, user, 1, phone=phone, call_id=unique('again'))
    check(again[0] == public and again[1] != temporary, str(again))
    answer = phone.register(contact=contact(phone))
    check(gruus(phone, answer) == [None, None], f'not asked for: {answer}')


def c15_a_gruu_reaches_its_device_only(world):
    user = name(world)
    phones = [device(world, user, number) for number in (1, 2, 3)]
    for phone, each in phones:
        for uri in each:
            reaches(world, uri, phone)
    check(all(phone.silent() for phone, _ in phones), 'another device was asked')


def c15_at_our_address(world):
    user = name(world)
    _, (one, _) = device(world, user, 1)
    phone, each = device(world, user, 2)
    us = host(world.outside().router)
    check('@office.example' in one, one)
    for uri in each:
        reaches(world, uri.replace('office.example', us), phone)


def c15_unknown_404_absent_480(world):
    user = name(world)
    phone, (public, temporary) = device(world, user, 1)
    refused(world, public[:-1] + '9', 480)
    refused(world, public.replace(user, 'nobody'), 404)
    user_part = temporary[4:49]
    forged = user_part[:-2] + ('a' if user_part[-2] != 'a' else 'b') + user_part[-1]
    for token in (forged, user_part[:-1], user_part + 'a', user):
        refused(world, f'sip:{token}@office.example;gr', 404)
    refused(world, temporary.replace('office', 'second'), 404)
    phone.register(contact='*', expires=0)
    refused(world, public, 480)
    refused(world, temporary, 404)


def c15_temporary_ones_end_with_the_call_id(world):
    user, first = name(world), unique('first')
    phone, (public, one) = device(world, user, 1, call_id=first, cseq=1)
    _, (_, two) = device(world, user, 1, phone=phone, call_id=first, cseq=10)
    reaches(world, one, phone)
    reaches(world, two, phone)
    _, (again, three) = device(world, user, 1, phone=phone, call_id=unique('second'))
    refused(world, one, 404)
    refused(world, two, 404)
    reaches(world, three, phone)
    check(again == public, 'the public one stays')


def c15_a_gruu_follows_its_device(world):
    """The device has a new address: the contact before is still there, and is not meant."""
    user, call_id = name(world), unique('move')
    phone, each = device(world, user, 1, call_id=call_id, cseq=1)
    moved, _ = device(world, user, 1, call_id=call_id, cseq=10)
    for uri in each:
        reaches(world, uri, moved)
    device(world, user, 1, phone=phone, call_id=call_id, cseq=20)
    for uri in each:
        reaches(world, uri, phone)


def c15_gruus_survive_a_restart(world):
    user = name(world)
    phone, each = device(world, user, 1)
    other, others = device(world, user, 2)
    world.daemon.kill()
    world.daemon.start()
    for uri in each:
        reaches(world, uri, phone)
    for uri in others:
        reaches(world, uri, other)
    _, (public, temporary) = device(world, user, 1, phone=phone, call_id=unique('after'))
    check(public == each[0], public)
    refused(world, each[1], 404)
    reaches(world, temporary, phone)


c15_gruus_survive_a_restart.alone = True


def c15_a_dialog_follows_a_gruu(world):
    """The Contact of a dialog is a GRUU, its device moves: what comes next finds it."""
    user, call_id = name(world), unique('dialog')
    phone, (public, _) = device(world, user, 1, call_id=call_id, cseq=1)
    caller = world.inside()
    caller.send(caller.request('INVITE', f'sip:{user}@office.example', call_id=call_id))
    seen = phone.expect_request('INVITE')
    phone.answer(seen, 200, lines=[f'Contact: <{public}>'])
    final = caller.expect('200', lambda m: m.code == 200)
    check(list(final.contacts()) == [public], f'the GRUU stays as it is: {final}')
    route = [f'Route: {value}' for value in final.all('record-route')[::-1]]
    moved, _ = device(world, user, 1, call_id=call_id, cseq=10)
    for number, where in ((2, moved), (3, phone)):
        device(world, user, 1, phone=where, call_id=call_id, cseq=10 * number)
        bye = caller.request('BYE', public, call_id=call_id, cseq=number, lines=route,
                             to=f'sip:{user}@office.example', to_tag='callee')
        caller.send(bye)
        got = where.expect_request('BYE')
        check(got.uri == f'sip:{user}@{where.hostport}', got.uri)
        where.answer(got, 200)
        caller.expect('its answer', lambda m, n=number: m.cseq() == (n, 'BYE') and m.code == 200)
    phone.register(contact='*', expires=0, call_id=call_id, cseq=100)
    caller.send(caller.request('INFO', public, call_id=call_id, cseq=9, lines=route,
                               to=f'sip:{user}@office.example', to_tag='callee'))
    phone.expect_request('INFO')    # the peer of the dialog is left


def c15_a_masked_gruu_leads_back(world):
    """To the outside a Contact has our address; whoever calls it gets that device."""
    user, call_id = name(world), unique('mask')
    device(world, user, 2)
    phone, (public, _) = device(world, user, 1)
    caller = world.outside()
    caller.send(caller.request('INVITE', public, call_id=call_id))
    phone.answer(phone.expect_request('INVITE'), 200, lines=[f'Contact: <{public}>'])
    masked = next(iter(caller.expect('200', lambda m: m.code == 200).contacts()))
    check(host(caller.router) in masked and f';gr={phone.instance}' in masked, masked)
    reaches(world, masked, phone)


def c15_a_contact_may_not_be_a_gruu(world):
    user = name(world)
    phone, (public, _) = device(world, user, 1)
    for uri in (f'sip:{user}@office.example', public):
        answer = phone.register(contact=f'<{uri}>;+sip.instance="<{phone.instance}>"', lines=GRUU)
        check(answer.code == 403, f'{uri}: {answer.start}')
    answer = phone.register(contact=f'<tel:+4930123>;+sip.instance="<{phone.instance}>"')
    check(answer.code == 403, answer.start)
