# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what: wrong passwords and their end (C28), users of MD5, sources (C13), relay (C08)."""
import hashlib
import json
import re

from peer import Credentials, check, code as ok, until
from sipmsg import challenges, unique

CONFIG = '''\
domain "office.example" { registrar = main }
ban-failures = 5
'''
USERS = ['alice', 'bob']
DOMAIN = 'sip:office.example'
LIMIT = 0.3


def bans(world):
    return json.loads(world.daemon.callgate('bans', '--json'))['bans']


def guess(phone, times=1):
    """The last answer to so many wrong passwords."""
    phone.credentials = Credentials(phone.user, 'wrong')
    for _ in range(times):
        phone.credentials.challenge = None
        answer = phone.register()
    return answer


def ping(peer):
    """An OPTIONS, and whether it was answered."""
    peer.send(peer.request('OPTIONS', DOMAIN))
    return peer.receive(LIMIT) is not None


def c28_guessing_ends_in_a_ban(world):
    """403 for the last guess, then nothing: nft drops. Who did not guess is not touched."""
    phone, other = world.phone('alice', 'outside'), world.phone('bob', 'outside')
    ok(guess(phone, 4), 401)
    ok(guess(phone), 403)
    until(lambda: not ping(phone), 'a banned source is dropped')
    if world.family == 4:           # IPv6 is banned by network
        ok(other.register())
    mine = [ban for ban in bans(world) if not ban['one_user']]
    source = phone.address if world.family == 4 else '2001:db8:f::/64'
    check([ban['source'] for ban in mine] == [source] and mine[0]['failures'] == 5, str(mine))
    check(0 < mine[0]['left'] <= 3600, str(mine))
    world.daemon.callgate('bans', 'remove', phone.address)
    until(lambda: ping(phone), 'the ban is lifted')
    world.daemon.callgate('bans', 'remove', phone.address, status=1)
    phone.login('alice', 'alice-secret')
    ok(phone.register())
    check(not bans(world), str(bans(world)))


c28_guessing_ends_in_a_ban.alone = True


def c28_a_ban_outlives_a_restart(world):
    phone = world.phone('alice', 'outside')
    ok(guess(phone, 5), 403)
    until(lambda: not ping(phone), 'a banned source is dropped')
    for end in (world.daemon.stop, world.daemon.kill):
        end()
        world.daemon.start()
        check(not ping(phone), 'the ban has gone')
        check(len(bans(world)) == 1, str(bans(world)))
    world.daemon.callgate('bans', 'remove', phone.address)
    until(lambda: ping(phone), 'the ban is lifted')


c28_a_ban_outlives_a_restart.alone = True


def c28_who_is_never_banned(world):
    """Inside; a source that has a live binding: there the name alone is refused."""
    phone = world.phone('alice')
    ok(guess(phone, 12), 401)
    phone = world.phone('alice', 'outside')
    ok(phone.register())
    ok(guess(phone, 5), 403)
    check(ping(phone), 'a source of a live binding is dropped')
    phone.login('alice', 'alice-secret')
    ok(phone.register(), 403)
    phone.login('bob', 'bob-secret')
    ok(phone.register())
    check([ban['one_user'] for ban in bans(world)] == [True], str(bans(world)))
    world.daemon.callgate('bans', 'remove', phone.address)
    phone.login('alice', 'alice-secret')
    ok(phone.register())


c28_who_is_never_banned.alone = True


def c28_bans_by_others_nonces_do_not_count(world):
    """Nobody can have another address banned: it takes a nonce that was sent there."""
    victim, thief = world.phone('alice', 'outside'), world.phone('alice', 'inside')
    victim.credentials, kept = None, victim.credentials
    challenge = challenges(ok(victim.register(), 401))[0]
    thief.credentials = None
    stolen = challenges(ok(thief.register(), 401))[0]
    for taken in (stolen,) * 8:
        victim.credentials = Credentials('alice', 'wrong')
        victim.credentials.take(taken)
        line = victim.credentials.line('REGISTER', DOMAIN)
        answer = victim.transact(victim.request('REGISTER', DOMAIN, lines=[line],
                                                to='sip:alice@office.example'))
        ok(answer, 401)
        check('stale=true' in answer.get('www-authenticate'), str(answer))
    check(not bans(world), str(bans(world)))
    victim.credentials = kept
    victim.credentials.take(challenge)
    ok(victim.register())


def c28_first_requests_do_not_count(world):
    """Nor do the challenges of normal work, however many."""
    phone = world.phone('bob', 'outside')
    for _ in range(20):
        phone.credentials.challenge = None
        ok(phone.register())
    check(not bans(world), str(bans(world)))


def c28_md5_alone_for_who_needs_it(world):
    """Outside, after two retries without credentials, for a user that is marked."""
    world.add_user('mara', None, '--md5')
    phone = world.phone('mara', 'outside')
    kept, phone.credentials = phone.credentials, None
    seen = [challenges(ok(phone.register(), 401)) for _ in range(3)]
    check([[c.algorithm for c in each] for each in seen] == [['SHA-256']] * 2 + [['MD5']],
          str([[c.algorithm for c in each] for each in seen]))
    phone.credentials = kept
    phone.credentials.take(seen[2][0])
    ok(phone.register())
    # and from then on at once
    phone.credentials = None
    check(challenges(ok(phone.register(), 401))[0].algorithm == 'MD5', 'it was forgotten')
    other = world.phone('bob', 'outside')
    other.credentials = None
    for _ in range(5):
        check(challenges(ok(other.register(), 401))[0].algorithm == 'SHA-256', 'MD5 for all')


def c28_disabled_user_is_unknown(world):
    world.add_user('dora', None, '--disabled')
    phone = world.phone('dora')
    answer = ok(phone.register(), 401)
    check('stale' not in answer.get('www-authenticate'), str(answer))


def c13_source_of_a_user(world):
    """Only from where he may: after the password, so that nobody learns of it."""
    network = '192.168.7.0/24' if world.family == 4 else 'fd00:7::/64'
    world.add_user('sam', None, '--source', network)
    ok(world.phone('sam').register())
    phone = world.phone('sam', 'outside')
    ok(phone.register(), 403)
    ok(guess(phone), 401)


def c12_alias_registers(world):
    world.add_user('vera', None, '--alias', 'sales')
    phone = world.phone('vera')
    answer = phone.authenticated('REGISTER', DOMAIN, to='sip:sales@office.example',
                                 lines=[f'Contact: <sip:vera@{phone.hostport}>'])
    ok(answer)


def c08_no_relay_for_strangers(world):
    """Not to anywhere, by no method, by no Route, with no tag made up."""
    peer = world.outside()
    target = 'sip:victim@far.example'
    route = f'Route: <{DOMAIN};lr>, <sip:far.example;lr>'
    for method in ('INVITE', 'MESSAGE', 'OPTIONS', 'BYE', 'NOTIFY'):
        ok(peer.transact(peer.request(method, target)), 403)
        ok(peer.transact(peer.request(method, target, to_tag=unique('t'))), 403)
        ok(peer.transact(peer.request(method, 'sip:bob@office.example', lines=[route])), 403)


def c08_in_our_name_from_outside(world):
    """A From of ours is asked for its password, a tag or not."""
    peer = world.outside()
    for tag in (None, unique('t')):
        for method in ('INVITE', 'MESSAGE'):
            answer = peer.transact(peer.request(method, 'sip:bob@office.example', user='alice',
                                                domain='office.example', to_tag=tag))
            ok(answer, 407)
            check(len(answer.all('proxy-authenticate')) == 1, str(answer))


def c08_the_right_remote(world):
    """From outside to elsewhere: only a user with that right, who proves who he is."""
    world.add_user('rita', None, '--remote')
    victim = world.outside()
    target = f'sip:x@{victim.hostport}'
    for user, code in (('rita', 0), ('bob', 403)):
        phone = world.phone(user, 'outside')
        for method in ('OPTIONS', 'INVITE'):
            ok(phone.transact(phone.request(method, target)), 407)
            check(victim.silent(), f'{method} of {user} was relayed unasked')
            phone.credentials.take(challenges(phone.transact(phone.request(method, target)))[0])
            phone.send(phone.request(method, target,
                                     lines=[phone.credentials.line(method, target)]))
            if code:
                ok(phone.expect('a refusal', lambda m, c=code: m.code == c), code)
            else:
                got = victim.expect_request(method)
                check(not got.all('proxy-authorization'), str(got))
    check(victim.silent(), 'something of bob was relayed')


c08_the_right_remote.config = CONFIG + 'foreign = relay\n'


def c28_the_answer_proves_who_wrote_it(world):
    """Authentication-Info: rspauth is made with what only who knows the user has (RFC 7616 3.5)."""
    phone = world.phone('bob')
    answer = ok(phone.register())
    info = dict(re.findall(r'(\w+)="?([^",]*)"?', answer.get('authentication-info')))
    nonce = phone.credentials.challenge.values['nonce']

    def digest(*parts):
        return hashlib.sha256(':'.join(parts).encode()).hexdigest()

    want = digest(digest('bob', 'office.example', 'bob-secret'), nonce, '00000001',
                  info.get('cnonce', ''), 'auth', digest('', DOMAIN))
    check(info.get('rspauth') == want and info.get('qop') == 'auth' and
          info.get('nc') == '00000001', str(info))
