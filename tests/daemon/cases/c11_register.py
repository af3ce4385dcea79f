# SPDX-License-Identifier: BSD-2-Clause
"""REGISTER, what registrar.py has not: order, outbound, Path, limits, times (C11, C12, C15, C17)."""
import re
import socket
import struct

from peer import LIMIT, check, code, until

USERS = ('alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy')
CONFIG = '''\
domain "office.example" {
	registrar = main
	expires-default = 600
	expires-max = 600
	max-contacts = 3
	service-route = { "sip:edge.office.example;lr" }
}
domain "strict.example" { registrar = main  path = off }
domain "open.example" { registrar = main  third-party = on }
domain "short.example" { registrar = main  expires-min = 1 }
domain "provider.example" { registrar = passive }
'''
NEXT = iter(range(1, 1000000))


def put(world, user, *contacts, lines=(), **fields):
    """REGISTER of a user's phone for these Contacts, as they are."""
    phone = fields.pop('phone', None) or world.phone(user)
    more = [f'Contact: {c}' for c in contacts]
    return phone.authenticated('REGISTER', fields.pop('uri', f'sip:{world.domain}'),
                               to=fields.pop('to', f'sip:{user}@{world.domain}'),
                               lines=[*lines, *more], cseq=fields.pop('cseq', next(NEXT) * 2),
                               **fields)


def bindings(world, user, phone=None):
    return code(put(world, user, phone=phone), 200).contacts()


def clear(world, user):
    phone = world.phone(user)
    code(put(world, user, '*', lines=['Expires: 0'], phone=phone), 200)
    return phone


def expires(params):
    return int(re.search(r';expires=(\d+)', params)[1])


# ---- C11: order of checks, codes

def c11_all_bindings_are_listed(world):
    one, two = clear(world, 'alice'), world.phone('alice')
    code(one.register(), 200)
    answer = code(put(world, 'alice', f'"A" <sip:x@{two.hostport};line=7>;q=0.5;methods="INVITE"',
                      phone=two), 200)
    found = answer.contacts()
    check(set(found) == {f'sip:alice@{one.hostport}', f'sip:x@{two.hostport};line=7'}, str(answer))
    params = found[f'sip:x@{two.hostport};line=7']
    check(';q=0.500' in params and ';methods="INVITE"' in params, params)
    check(all(0 < expires(p) <= 600 for p in found.values()), str(found))


def c11_to_of_a_domain_that_is_not_served(world):
    code(put(world, 'alice', to='sip:alice@elsewhere.example'), 404)
    code(put(world, 'alice', to='sip:alice@strict.example'), 404)
    code(put(world, 'alice', to='sip:alice@provider.example'), 404)


def c11_cseq_must_rise(world):
    phone = clear(world, 'dave')
    one, two = f'<sip:one@{phone.hostport}>', f'<sip:two@{phone.hostport}>'
    code(put(world, 'dave', one, phone=phone, call_id='d1', cseq=1000010), 200)
    code(put(world, 'dave', two, one, phone=phone, call_id='d1', cseq=1000002), 500)
    check(list(bindings(world, 'dave', phone)) == [one[1:-1]], 'all of the request fails')
    code(put(world, 'dave', '*', lines=['Expires: 0'], phone=phone, call_id='d1', cseq=1000004), 500)
    code(put(world, 'dave', two, phone=phone, call_id='d1', cseq=1000006), 200)
    code(put(world, 'dave', one + ';expires=0', phone=phone, call_id='other', cseq=1), 200)
    check(list(bindings(world, 'dave', phone)) == [two[1:-1]], 'another Call-ID may')


def c11_bad_contacts_400(world):
    phone = clear(world, 'frank')
    for contact in (f'<sip:f@{phone.hostport}>;q=2', f'<sip:f@{phone.hostport}>;q=0.1234',
                    f'<sip:f@{phone.hostport}>;reg-id=99999999999', '<sip:>'):
        code(put(world, 'frank', contact, phone=phone), 400)
    code(put(world, 'frank', '<mailto:f@example.org>', phone=phone), 416)
    check(not bindings(world, 'frank', phone), 'nothing was kept')


# ---- C11, RFC 3327 and RFC 5626

def c11_outbound(world):
    phone = clear(world, 'grace')
    flow = ';reg-id={};+sip.instance="<urn:uuid:00000000-0000-1000-8000-{}>"'
    steps = ((7001, 1, 'A', 1), (7002, 1, 'a', 1), (7002, 2, 'a', 2), (7003, 1, 'b', 3))
    for port, number, instance, count in steps:
        uri = f'sip:g@{phone.hostport.rpartition(":")[0]}:{port}'
        answer = put(world, 'grace', f'<{uri}>' + flow.format(number, instance),
                     lines=['Supported: path, outbound'], phone=phone)
        check(code(answer, 200).get('require') == 'outbound', str(answer))
        check(len(answer.all('contact')) == count, str(answer))
        check(f'Contact: <{uri}>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-{instance}>"'
              f';reg-id={number};expires=' in str(answer), str(answer))


def c11_first_hop_lacks_outbound_439(world):
    phone = clear(world, 'grace')
    via = f'SIP/2.0/UDP {phone.hostport};rport;branch=z9hG4bK-edge'
    for path, wanted in ((f'<sip:{phone.hostport};lr>', 439), (f'<sip:{phone.hostport};lr;ob>', 200)):
        answer = put(world, 'grace', f'<sip:g@{phone.hostport}>;reg-id=1;+sip.instance="<urn:x:1>"',
                     lines=[f'Via: {via}', f'Path: {path}', 'Supported: path, outbound'],
                     phone=phone)
        code(answer, wanted)


def c11_stun_keeps_an_outbound_flow(world):
    """RFC 5626 8: the answer names the flow as it is seen here."""
    phone = world.inside()
    request = b'\0\1\0\0\x21\x12\xa4\x42' + bytes(range(12))
    phone.send(request)
    phone.sock.settimeout(LIMIT)
    answer = phone.sock.recv(100)
    address = socket.inet_pton(phone.sock.family, phone.address)
    mapped = bytes(a ^ b for a, b in zip(struct.pack('!H', phone.port), b'\x21\x12')) + bytes(
        a ^ b for a, b in zip(address, request[4:]))
    check(answer[:2] == b'\1\1' and answer[4:20] == request[4:] and answer[26:] == mapped,
          answer.hex())


# ---- C12, C13

def c12_contact_limit_403(world):
    phone = clear(world, 'heidi')
    contacts = [f'<sip:h{n}@{phone.hostport}>' for n in range(4)]
    code(put(world, 'heidi', *contacts[:3], phone=phone), 200)
    answer = code(put(world, 'heidi', contacts[3], phone=phone), 403)
    check(answer.get('warning').startswith('399 '), str(answer))
    code(put(world, 'heidi', contacts[0], phone=phone), 200)
    code(put(world, 'heidi', contacts[3], contacts[0] + ';expires=0', phone=phone), 200)
    check(len(bindings(world, 'heidi', phone)) == 3, 'one for another')


def c12_third_party_403(world):
    phone = world.phone('bob')
    code(put(world, 'alice', f'<sip:alice@{phone.hostport}>', phone=phone), 403)
    answer = phone.authenticated('REGISTER', f'sip:{world.domain}', user='alice',
                                 to=f'sip:bob@{world.domain}',
                                 lines=[f'Contact: <sip:bob@{phone.hostport}>'])
    code(answer, 403)


def c12_third_party_where_it_is_on(world):
    """A secretary registers the boss; nobody registers who does not exist."""
    _, boss = at(world, f'boss{world.family}', 'open.example')
    phone, register = at(world, f'desk{world.family}', 'open.example')
    contact = f'<sip:boss@{phone.hostport}>'
    for name, wanted in ((f'boss{world.family}', 200), (f'ghost{world.family}', 404)):
        answer = phone.authenticated('REGISTER', 'sip:open.example', to=f'sip:{name}@open.example',
                                     domain='open.example', lines=[f'Contact: {contact}'])
        code(answer, wanted)
    check(list(code(boss(), 200).contacts()) == [contact[1:-1]], 'it is the boss\'s')
    check(not code(register(), 200).contacts(), 'and not the desk\'s')


# ---- C15, C17: times

def c15_service_route(world):
    phone = world.phone('ivan')
    answer = put(world, 'ivan', f'<sip:ivan@{phone.hostport}>', phone=phone)
    check(code(answer, 200).get('service-route') == '<sip:edge.office.example;lr>', str(answer))


def c15_too_long_is_shortened_and_spread(world):
    phone = world.phone('judy')
    granted = set()
    for _ in range(12):
        answer = code(put(world, 'judy', f'<sip:judy@{phone.hostport}>', lines=['Expires: 99999'],
                          phone=phone), 200)
        granted.add(expires(answer.contacts()[f'sip:judy@{phone.hostport}']))
    check(max(granted) <= 600 and min(granted) >= 480, f'80 to 100 %: {granted}')
    check(len(granted) > 4, f'they are spread: {granted}')


def c17_parameter_beats_header_beats_default(world):
    phone = clear(world, 'judy')
    contact, uri = f'<sip:judy@{phone.hostport}>', f'sip:judy@{phone.hostport}'
    for params, lines, most in ((';expires=60', ['Expires: 300'], 60), ('', ['Expires: 60'], 60),
                                ('', [], 600), (';expires=never', ['Expires: 60'], 600)):
        found = code(put(world, 'judy', contact + params, lines=lines, phone=phone), 200).contacts()
        least = 60 if most == 60 else most * 4 // 5
        check(least <= expires(found[uri]) <= most, f'{params} {lines}: {found}')


def at(world, user, domain, **fields):
    """A phone of a user of another domain, who is added for it, and its REGISTER."""
    world.add_user(user, domain=domain)
    phone = world.phone(user)

    def register(*contacts):
        return put(world, user, *contacts, phone=phone, uri=f'sip:{domain}', domain=domain,
                   to=f'sip:{user}@{domain}', **fields)
    return phone, register


def c15_path_that_the_phone_does_not_know_421(world):
    phone, register = at(world, f'path{world.family}', 'strict.example',
                         lines=['Path: <sip:10.1.1.1;lr>'])
    check(code(register(f'<sip:p@{phone.hostport}>'), 421).get('require') == 'path', 'Require')


def c17_a_registration_ends(world):
    """It is waited for, not slept for."""
    phone, register = at(world, f'short{world.family}', 'short.example')
    answer = code(register(f'<sip:s@{phone.hostport}>;expires=1'), 200)
    check([expires(p) for p in answer.contacts().values()] == [1], str(answer))
    until(lambda: not code(register(), 200).contacts(), 'the registration has ended')
    caller = world.outside()
    answer = caller.transact(caller.request('OPTIONS', f'sip:short{world.family}@short.example'))
    check(code(answer, 480).get('retry-after'), 'C21: it exists, and is nowhere')
