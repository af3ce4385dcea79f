# SPDX-License-Identifier: BSD-2-Clause
"""What Kamailio's own tests ask of a registrar, asked of callgated (C11, C12, C17, C28).

Those of kamailio/kamailio test/unit that are about it: 11.sh and its sisters for other databases
(contacts come, are listed, renewed, removed, end), 39.sh (many rows are read at the start), and the
one with reg_auth.xml and inv_auth.xml (digest for REGISTER and INVITE); of kamailio/kamailio-tests
units/tauthx0001 (digest with one domain and with several). units/tregxx0001 is about variables of
its scripts, tauthx0002 to tauthx0005 about tokens between its own hosts: neither has a like here.
"""
import contextlib
import json
import sqlite3

from peer import check, code as ok, until
from sipmsg import Credentials, challenges, unique

CONFIG = '''\
domain "office.example" { registrar = main  expires-min = 2  max-contacts = 300 }
domain "branch.example" { registrar = main }
'''
USERS = ('alice', 'bob', 'carol', 'dave', *(f'k{n}' for n in range(10)))


def contact(phone, name):
    return f'sip:{name}@{phone.hostport}'


def put(phone, name, expires=None):
    """Registers a contact of this name, or ends it; all there are then."""
    return ok(phone.register(expires, contact=f'<{contact(phone, name)}>')).contacts()


def listed(phone):
    return set(ok(phone.register(None, contact='none')).contacts())


def shown(world, user):
    """The contacts of a user, by the command."""
    answer = json.loads(world.daemon.callgate('registrations', '--json'))
    return [each for each in json.dumps(answer).split('"') if each.startswith('sip:')
            and user in each]


def c11_contacts_come_and_go(world):
    """11.sh, step by step."""
    phone = world.phone('alice')
    one, two = contact(phone, 'foo'), contact(phone, 'bar')
    put(phone, 'foo')
    check(set(put(phone, 'bar')) == {one, two}, 'both are in the answer')
    check(shown(world, 'foo@') and shown(world, 'bar@'), 'and the admin sees them')
    check(listed(phone) == {one, two}, 'who asks gets both')
    check(set(put(phone, 'foo')) == {one, two}, 'renewed, it is the same contact')
    check(set(put(phone, 'third', 0)) == {one, two}, 'to end what is not there is no fault')
    check(set(put(phone, 'foo', 0)) == {two}, 'one has ended')
    check(set(put(phone, 'foo', 0)) == {two}, 'to end it again is no fault')
    check(set(put(phone, 'foo')) == {one, two}, 'it may come again')
    check(not ok(phone.register(0, contact='*')).contacts(), 'all have ended')
    check(not listed(phone) and not shown(world, 'foo@'), 'and nobody sees them')
    ok(phone.register(1, contact=f'<{one}>'), 423)
    put(phone, 'foo', 2)
    until(lambda: not listed(phone), 'a short one has ended')


def c11_several_users_at_once(world):
    """11.sh, its last part: each has its own contact."""
    phones = [world.phone(f'k{n}') for n in range(10)]
    for phone in phones:
        put(phone, phone.user)
    for phone in phones:
        check(listed(phone) == {contact(phone, phone.user)}, phone.user)


def c17_many_rows_are_read_at_the_start(world):
    """39.sh: 250 contacts that stand in the database."""
    phone = world.phone('bob')
    put(phone, 'first', 3600)
    world.daemon.stop()
    with contextlib.closing(sqlite3.connect(world.daemon.path('callgate.db'))) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute('SELECT * FROM contacts').fetchone())
        for number in range(249):
            row |= {'id': None, 'uri': contact(phone, f'n{number}'), 'call_id': unique('row')}
            database.execute(f'INSERT INTO contacts ({", ".join(row)}) VALUES '
                             f'({", ".join("?" * len(row))})', list(row.values()))
        database.commit()
    world.daemon.start()
    phone.credentials.challenge = None
    check(len(listed(phone)) == 250, 'all are there')


c17_many_rows_are_read_at_the_start.alone = True


def c28_digest_for_register_and_invite(world):
    """reg_auth.xml, inv_auth.xml: without, with wrong and with right credentials."""
    phone, callee = world.phone('carol'), world.phone('dave')
    put(callee, 'dave')
    uri = 'sip:dave@office.example'
    for wrong in (None, Credentials('carol', 'wrong')):
        kept, phone.credentials = phone.credentials, wrong
        ok(phone.register(), 401)
        ok(phone.authenticated('INVITE', uri), 407)
        phone.credentials = kept
    check(not listed(phone), 'nothing was registered')
    put(phone, 'carol')
    data = phone.request('INVITE', uri, call_id='right', cseq=1)
    phone.credentials.take(challenges(ok(phone.transact(data), 407))[0])
    line = phone.credentials.line('INVITE', uri)
    phone.send(phone.request('INVITE', uri, call_id='right', cseq=2, lines=[line]))
    invite = callee.expect_request('INVITE')
    callee.answer(invite, 486, 'Busy Here')
    answer = phone.expect('the answer', lambda m: m.code == 486)
    phone.send(phone.ack(data.replace(b'CSeq: 1', b'CSeq: 2'), answer))


def c28_digest_with_two_domains(world):
    """tauthx0001: the same name in two domains is two users."""
    name = f'eve{world.family}'
    for domain, password in (('office.example', 'one'), ('branch.example', 'two')):
        world.add_user(name, password, domain=domain)
    for domain, password, code in (('office.example', 'one', 200), ('branch.example', 'two', 200),
                                   ('office.example', 'two', 401), ('branch.example', 'one', 401)):
        phone = world.inside().login(name, password)
        answer = phone.authenticated('REGISTER', f'sip:{domain}', to=f'sip:{name}@{domain}',
                                     domain=domain, lines=[f'Contact: <sip:{phone.hostport}>'])
        ok(answer, code)


def c11_one_register_by_two_ways(world):
    """RFC 3261 8.2.2.2: a proxy before us has sent it twice. It is done once."""
    phone, uri = world.phone('alice'), f'sip:{world.domain}'
    to, lines = f'sip:alice@{world.domain}', [f'Contact: <{contact(phone, "merged")}>']
    phone.credentials.take(challenges(phone.transact(phone.request(
        'REGISTER', uri, to=to, call_id='merged', cseq=1)))[0])
    lines.append(phone.credentials.line('REGISTER', uri))
    for _ in range(2):
        phone.send(phone.request('REGISTER', uri, to=to, call_id='merged', cseq=2, lines=lines))
    codes = sorted(phone.expect('an answer', lambda m: m.cseq()[0] == 2).code for _ in range(2))
    check(codes == [200, 482], str(codes))
    check(len([uri for uri in listed(phone) if 'merged' in uri]) == 1, 'it is there once')
