# SPDX-License-Identifier: BSD-2-Clause
"""REGISTER for a domain of ours: C11-C13, C15, C17, and that nothing acknowledged is lost."""
import re

from peer import check, code as ok, host, until
from sipmsg import challenges, unique

CONFIG = '''\
domain "office.example" {
	registrar = main
	expires-min = 60
	expires-default = 600
	expires-max = 1800
	max-contacts = 3
}
domain "second.example" { registrar = main }
'''
USERS = [f'u{n}' for n in range(40)]


def expires_of(params):
    match = re.search(r';\s*expires=(\d+)', params)
    return int(match[1]) if match else None


def bindings(phone):
    """What a query answers: Contact URIs to their expiry."""
    answer = ok(phone.register(contact='none', expires=None))
    return {uri: expires_of(params) for uri, params in answer.contacts().items()}


def c11_register_and_query(world):
    phone = world.fresh_phone()
    mine = f'sip:{phone.user}@{phone.hostport}'
    answer = ok(phone.register(600))
    check(list(answer.contacts()) == [mine], str(answer))
    check(answer.get('date').endswith('GMT'), f'Date: {answer.get("date")}')
    left = bindings(phone)
    check(list(left) == [mine] and 0 < left[mine] <= 600, str(left))


def c11_all_bindings_listed(world):
    phone = world.fresh_phone()
    second = f'<sip:{phone.user}@{phone.hostport};transport=tcp>;q=0.5'
    ok(phone.register())
    answer = ok(phone.register(contact=second))
    check(len(answer.contacts()) == 2, str(answer))
    for params in answer.contacts().values():
        check(expires_of(params), f'a Contact without expires: {answer}')


def c11_remove_one_and_all(world):
    phone = world.fresh_phone()
    second = f'<sip:{phone.user}@{phone.hostport};transport=tcp>'
    ok(phone.register(lines=[f'Contact: {second}']))
    check(len(bindings(phone)) == 2, 'two were not kept')
    ok(phone.register(contact=second + ';expires=0'))
    check(len(bindings(phone)) == 1, 'one was not removed')
    ok(phone.register(contact='*', expires=0))
    check(not bindings(phone), 'not all were removed')


def c11_star_misused_400(world):
    phone = world.fresh_phone()
    ok(phone.register())
    ok(phone.register(contact='*', expires=60), 400)
    ok(phone.register(contact='*', expires=None), 400)
    ok(phone.register(contact='*', expires=0, lines=[f'Contact: <sip:x@{phone.hostport}>']), 400)
    check(len(bindings(phone)) == 1, 'a refused request changed something')


def c11_unknown_require_420(world):
    phone = world.fresh_phone()
    answer = ok(phone.register(lines=['Require: alpha, path, beta']), 420)
    check(answer.get('unsupported') == 'alpha, beta', str(answer))


def c11_no_credentials_401(world):
    phone = world.fresh_phone()
    phone.credentials = None
    answer = ok(phone.register(), 401)
    check(answer.all('www-authenticate'), 'no challenge')


def c11_another_user_403(world):
    """Who is known may not change what is another's; To names it, From does not help."""
    phone, other = world.fresh_phone(), world.fresh_phone()
    answer = phone.authenticated('REGISTER', 'sip:office.example', user=other.user,
                                 to=f'sip:{other.user}@office.example',
                                 lines=[f'Contact: <sip:{phone.hostport}>'])
    ok(answer, 403)
    check(not bindings(other), 'the other user has a binding')


def c11_foreign_to_404(world):
    phone = world.fresh_phone()
    ok(phone.authenticated('REGISTER', 'sip:office.example', to='sip:a@second.example'), 404)
    ok(phone.authenticated('REGISTER', 'sip:office.example', to='sip:a@nowhere.example'), 404)


def c11_old_cseq_changes_nothing(world):
    phone = world.fresh_phone()
    call_id = unique('order')
    ok(phone.register(call_id=call_id, cseq=10))
    late = phone.register(call_id=call_id, cseq=5, expires=0)
    check(late.code in (400, 500), late.start)
    check(len(bindings(phone)) == 1, 'an old request removed the binding')
    ok(phone.register(call_id=call_id, cseq=20, expires=0))
    check(not bindings(phone), 'a new one did not')


def c11_all_or_nothing(world):
    """One Contact that cannot be kept: none is."""
    phone = world.fresh_phone()
    ok(phone.register(lines=[f'Contact: <sip:b@{phone.hostport}>;expires=7']), 423)
    check(not bindings(phone), 'a part was kept')


def c11_contacts_compared_by_uri_rules(world):
    phone = world.fresh_phone()
    where = phone.hostport
    ok(phone.register(contact=f'<sip:Ab@{where};x=1>'))
    ok(phone.register(contact=f'"Name" <sip:%41b@{where};X=1>'))
    check(len(bindings(phone)) == 1, 'an escape made another contact')
    ok(phone.register(contact=f'<sip:ab@{where};x=1>'))
    check(len(bindings(phone)) == 2, 'the case of the user was ignored')


def c11_at_our_address(world):
    """Request-URI and To name the router's address instead of the domain."""
    phone = world.fresh_phone()
    us = f'sip:{host(phone.router)}'
    ok(phone.authenticated('REGISTER', us, to=f'sip:{phone.user}@{host(phone.router)}',
                           lines=[f'Contact: <sip:{phone.user}@{phone.hostport}>']))
    check(len(bindings(phone)) == 1, 'not registered in the domain')


def c11_retransmissions_change_nothing(world):
    """Each copy gets the same answer, also those that come while the first is on its way."""
    phone = world.fresh_phone()
    ok(phone.register())
    uri = f'sip:{world.domain}'
    data = phone.request('REGISTER', uri, to=f'sip:{phone.user}@{world.domain}', lines=[
        phone.credentials.line('REGISTER', uri),
        f'Contact: <sip:again@{phone.hostport}>', 'Expires: 300'])
    for _ in range(6):
        phone.send(data)
    answers = {phone.expect('an answer', lambda m: m.code >= 200).data}
    phone.send(data)
    answers.add(phone.expect('an answer', lambda m: m.code >= 200).data)
    check(len(answers) == 1, f'{len(answers)} different answers')
    check(b'SIP/2.0 200' in answers.pop(), 'not accepted')
    phone.silent()
    phone.kept.clear()
    check(len(bindings(phone)) == 2, str(bindings(phone)))


def c12_unknown_user_like_wrong_password(world):
    """Status, headers and their number are the same."""
    phone = world.fresh_phone()
    shapes = set()
    for user in (phone.user, 'nobody-here'):
        other = world.phone(user)
        other.credentials.password = 'wrong'
        answer = ok(other.register(), 401)
        shapes.add((answer.start, tuple(name for name, _ in answer.headers),
                    tuple(re.sub(r'nonce="[^"]*"|opaque="[^"]*"', '', value)
                          for value in answer.all('www-authenticate'))))
    check(len(shapes) == 1, str(shapes))


def c12_too_many_contacts(world):
    phone = world.fresh_phone()
    for n in range(3):
        ok(phone.register(contact=f'<sip:c{n}@{phone.hostport}>'))
    answer = phone.register(contact=f'<sip:c3@{phone.hostport}>')
    check(answer.code in (403, 503), answer.start)
    check(len(bindings(phone)) == 3, 'another number of contacts')
    ok(phone.register(contact=f'<sip:c0@{phone.hostport}>'))


def c13_contact_of_a_third_host_403(world):
    phone = world.fresh_phone()
    far = '198.51.100.7' if world.family == 4 else '[2001:db8:66::7]'
    ok(phone.register(contact=f'<sip:trick@{far}>'), 403)
    check(not bindings(phone), 'it was kept')


def c15_path_kept_and_returned(world):
    phone = world.fresh_phone()
    path = f'<sip:{phone.hostport};lr>'     # of an edge that is where the request came from
    answer = ok(phone.register(lines=['Supported: path', f'Path: {path}']))
    check(path in ', '.join(answer.all('path')), str(answer))


def c17_expiry(world):
    phone = world.fresh_phone()
    uri = f'sip:{phone.user}@{phone.hostport}'
    for asked, contact, least, most in (
            (None, f'<{uri}>', 60, 600),                # the default
            (300, f'<{uri}>', 60, 300),
            (300, f'<{uri}>;expires=120', 60, 120),     # that of the Contact wins
            (86400, f'<{uri}>', 60, 1800)):             # shortened, never refused
        answer = ok(phone.register(asked, contact=contact))
        got = expires_of(answer.contacts()[uri])
        check(least <= got <= most, f'asked {asked}, {contact}: got {got}')


def c17_too_brief_423(world):
    phone = world.fresh_phone()
    answer = ok(phone.register(59), 423)
    check(answer.get('min-expires') == '60', str(answer))
    ok(phone.register(60))


def c17_kept_over_a_kill(world):
    """An acknowledged registration is there after kill -9."""
    phone = world.fresh_phone()
    ok(phone.register(1800))
    before = bindings(phone)
    world.daemon.kill()
    world.daemon.start()
    phone.credentials.challenge = None
    after = bindings(phone)
    check(list(after) == list(before), f'{before} became {after}')


c17_kept_over_a_kill.alone = True


def c28_algorithms_offered_inside(world):
    """SHA-256 first, then MD5; each is accepted."""
    phone = world.fresh_phone()
    phone.credentials, kept = None, phone.credentials
    offered = ok(phone.register(), 401).all('www-authenticate')
    names = [re.search(r'algorithm="?([\w-]+)', value)[1] for value in offered]
    check(names == ['SHA-256', 'MD5'], str(names))
    for value in offered:
        check('qop="auth"' in value and 'realm="office.example"' in value, value)
    phone.credentials = kept
    for index in (0, 1):
        answer_with(phone, index)


def answer_with(phone, index, **changes):
    """Registers by the challenge with this number; the credentials may lie."""
    call_id, uri = unique('alg'), f'sip:{phone.world.domain}'

    def request(cseq, lines):
        return phone.request('REGISTER', uri, to=f'sip:{phone.user}@{phone.world.domain}', cseq=cseq,
                             call_id=call_id, lines=lines + [f'Contact: <sip:{phone.hostport}>'])

    phone.credentials.take(challenges(phone.transact(request(1, [])))[index])
    line = phone.credentials.line('REGISTER', uri, **changes)
    answer = phone.transact(request(2, [line]))
    if not changes:
        ok(answer)
    return answer, line, request


def c28_lies_are_refused(world):
    phone = world.fresh_phone()
    for changes in ({'nonce': 'made-up'}, {'realm': 'other'}, {'response': '0' * 64},
                    {'username': 'somebody'}, {'uri': 'sip:other.example'}, {'nc': '0000000'},
                    {'algorithm': 'MD5-sess'}):
        answer = answer_with(phone, 0, **changes)[0]
        check(answer.code in (400, 401, 403), f'{changes}: {answer.start}')
    check(not bindings(phone), 'registered by a lie')


def c28_replay_refused(world):
    """The same credentials in another request: the count was used."""
    phone = world.fresh_phone()
    _, line, request = answer_with(phone, 0)
    answer = phone.transact(request(3, [line]))
    check(answer.code == 401, answer.start)


def c28_nonce_of_another_source_refused(world):
    phone = world.fresh_phone()
    answer_with(phone, 0)
    line = phone.credentials.line('REGISTER', f'sip:{world.domain}')
    # a nonce is good for the /64 of a phone that has several addresses of IPv6
    thief = world.phone(phone.user, 'inside' if world.family == 4 else 'outside')
    answer = thief.transact(thief.request('REGISTER', f'sip:{world.domain}', lines=[line],
                                          to=f'sip:{phone.user}@{world.domain}'))
    check(answer.code == 401, answer.start)


def c28_outside_sha256_alone(world):
    phone = world.fresh_phone('outside')
    phone.credentials = None
    offered = ok(phone.register(), 401).all('www-authenticate')
    check(len(offered) == 1 and 'SHA-256' in offered[0], str(offered))


def c11_many_users_at_once(world):
    """Each of 10 phones gets the answer to its own, and its own binding."""
    phones = [world.fresh_phone() for _ in range(8)]
    for phone in phones:
        ok(phone.register())
    for phone in phones:
        until(lambda p=phone: list(bindings(p)) == [f'sip:{p.user}@{p.hostport}'], 'its binding')
