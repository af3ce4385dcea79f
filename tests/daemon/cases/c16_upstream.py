# SPDX-License-Identifier: BSD-2-Clause
"""Phones that use the router as their outbound proxy, and a registrar elsewhere. C07, C16, C20."""
import json
import re

from peer import INSIDE, OUTSIDE, Peer, check, host
from sipmsg import Message, unique

PORT = 5070


def place(networks, family):
    return f'{host(networks[family] + "30")}:{PORT}'


CONFIG = ''.join(
    f'domain "voip{f}.example" {{ registrar = passive relay = "sip:{place(OUTSIDE, f)}" }}\n'
    f'domain "pbx{f}.example" {{ registrar = relay relay = "sip:{place(INSIDE, f)}" }}\n'
    for f in (4, 6)) + '''\
domain "office.example" { registrar = main }
domain "named.example" { registrar = passive relay = "sip:registrar.named.example" }
domain "quiet.example" { registrar = passive }
'''


class Registrar(Peer):
    """Answers what it is told to."""

    def grant(self, request, contacts, code=200, lines=()):
        text = [f'SIP/2.0 {code} X', *(f'Via: {via}' for via in request.all('via')),
                f'From: {request.get("from")}', f'To: {request.get("to")};tag=r',
                f'Call-ID: {request.get("call-id")}', f'CSeq: {request.get("cseq")}',
                *(f'Contact: {c}' for c in contacts), *lines, 'Content-Length: 0']
        data = ('\r\n'.join(text) + '\r\n\r\n').encode()
        self.send(data, request.source)
        return data


def registrar(world, side='outside'):
    space, networks = ((world.nets.outside, OUTSIDE) if side == 'outside' else
                       (world.nets.inside, INSIDE))
    found = Registrar(world, space, f'{networks[world.family]}30', PORT)
    world.peers.append(found)
    return found


def domain(world, side='outside'):
    return f'{"voip" if side == "outside" else "pbx"}{world.family}.example'


def phone_of(world, side='inside'):
    phone = world.inside() if side == 'inside' else world.outside()
    phone.name = unique('p')
    return phone


def register(phone, at, contact=None, where=None, **fields):
    """Sends a REGISTER; what the registrar gets, and what was sent."""
    where = where or domain(phone.world)
    lines = fields.pop('lines', [])
    contact = contact or f'<sip:{phone.name}@{phone.hostport}>;expires=600'
    if contact != 'none':
        lines = [*lines, *(f'Contact: {c}' for c in contact.split(' & '))]
    data = phone.request('REGISTER', fields.pop('uri', f'sip:{where}'), user=phone.name,
                         domain=where, to=f'sip:{phone.name}@{where}', lines=lines, **fields)
    phone.send(data)
    return at.expect_request('REGISTER'), data


def granted(phone, at, **fields):
    """Registered: the Contact as the registrar knows it."""
    seen, _ = register(phone, at, **fields)
    contacts = seen.all('contact')
    at.grant(seen, contacts)
    final = phone.expect('200', lambda m: m.code == 200)
    check(final.all('contact') == Message(_).all('contact'), f'{final}')
    return list(seen.contacts())


def located(world, name, where=None):
    """What callgated knows of a user: Contact to what is left."""
    out = json.loads(world.daemon.callgate('registrations', '--json'))
    return {r['contact']: r['left'] for r in out['locations']
            if r['aor'] == f'{name}@{where or domain(world)}'}


def call(caller, uri, **fields):
    data = caller.request('INVITE', uri, **fields)
    caller.send(data)
    return data


def refused(caller, uri, code):
    answer = caller.transact(caller.request('INVITE', uri))
    check(answer.code == code, f'{uri}: {answer.start}')


def c16_relayed_as_it_came(world):
    """Only what a proxy may change is another; the registrar's challenge and its answer pass."""
    phone, at = phone_of(world), registrar(world)
    seen, data = register(phone, at)
    sent = Message(data)
    check(seen.uri == sent.uri == f'sip:{domain(world)}', seen.uri)
    check(len(seen.all('via')) == 2 and host(at.router) in seen.get('via'), f'{seen}')
    check(seen.get('max-forwards') == '69' and not seen.all('record-route'), f'{seen}')
    for name in ('from', 'to', 'call-id', 'cseq'):
        check(seen.get(name) == sent.get(name), f'{name} was changed')
    at.grant(seen, [], 401, ['WWW-Authenticate: Digest realm="x", nonce="n", qop="auth"'])
    answer = phone.expect('401', lambda m: m.code == 401)
    check(answer.get('www-authenticate') == 'Digest realm="x", nonce="n", qop="auth"', f'{answer}')
    check(len(answer.all('via')) == 1, 'a Via of ours came back')
    line = f'Authorization: Digest username="{phone.name}", realm="x", nonce="n", response="0"'
    seen, _ = register(phone, at, lines=[line], cseq=2, call_id=sent.get('call-id'))
    check(f'Authorization: {seen.get("authorization")}' == line, f'{seen}')
    at.grant(seen, seen.all('contact'), 407, ['Proxy-Authenticate: Digest realm="y", nonce="m"'])
    answer = phone.expect('407', lambda m: m.code == 407)
    check(answer.get('proxy-authenticate') == 'Digest realm="y", nonce="m"', f'{answer}')
    check(not located(world, phone.name), 'a refusal was taken for a registration')


def c16_credentials_are_never_swallowed(world):
    """A refresh in time, the same branch with credentials, a copy: the registrar gets each."""
    phone, at = phone_of(world), registrar(world)
    granted(phone, at, call_id=(call_id := unique('c')))
    for number in (2, 3):
        seen, data = register(phone, at, call_id=call_id, cseq=number, branch='z9hG4bKsame',
                              lines=[f'Authorization: Digest username="u", nonce="n{number}"'])
        check(f'n{number}' in seen.get('authorization'), f'{seen}')
        phone.send(data)
        again = at.expect_request('REGISTER')
        check(again.data == seen.data, f'{again}\nis not\n{seen}')
        at.grant(seen, seen.all('contact'))
        phone.expect('200', lambda m: m.code == 200)


def c16_learned_from_the_answer(world):
    """For as long as the registrar says; calls by name and by the published Contact reach him."""
    phone, at = phone_of(world), registrar(world)
    seen, data = register(phone, at)
    published = seen.get('contact')
    check(host(at.router) in published and phone.hostport not in published, published)
    check(not located(world, phone.name), 'known before the answer')
    at.grant(seen, [re.sub('expires=600', 'expires=120', published),
                    '<sip:other@192.0.2.77>;expires=50'], lines=['Expires: 9'])
    final = phone.expect('200', lambda m: m.code == 200)
    mine = f'sip:{phone.name}@{phone.hostport}'
    check(list(final.contacts().items())[0] == (mine, ';expires=120') and
          len(final.contacts()) == 2, f'{final}')
    left = located(world, phone.name)
    check(list(left) == [mine] and 100 < left[mine] <= 120, f'{left}')
    for uri in (f'sip:{phone.name}@{domain(world)}', next(iter(seen.contacts()))):
        call(at, uri)
        got = phone.expect_request('INVITE')
        check(got.uri == mine, f'{uri}: {got.uri}')


def c28_who_a_registrar_says_is_calling(world):
    """RFC 3325: its own users believe it, by callgated as without; a stranger they do not."""
    phone, at, stranger = phone_of(world), registrar(world), world.outside()
    published = granted(phone, at)[0]
    line = 'P-Asserted-Identity: <tel:+49301234>'
    for who, left in ((at, [line.partition(': ')[2]]), (stranger, [])):
        data = call(who, published, lines=[line])
        seen = phone.expect_request('INVITE')
        check(seen.all('p-asserted-identity') == left, f'{seen}')
        who.send(data)
        check(phone.expect_request('INVITE').data == seen.data, 'its repetition is another')


def c16_calls_both_ways(world):
    """A call from the registrar, and one to it by who has no main domain of ours."""
    phone, at = phone_of(world), registrar(world)
    published = granted(phone, at)[0]
    data = call(at, published)
    seen = phone.expect_request('INVITE')
    phone.answer(seen, 200, lines=[f'Contact: <sip:{phone.name}@{phone.hostport}>'])
    final = at.expect('200', lambda m: m.code == 200)
    at.send(at.request('ACK', next(iter(final.contacts())), cseq=1, to=published,
                       call_id=Message(data).get('call-id'), to_tag='callee',
                       lines=[f'Route: {r}' for r in reversed(final.all('record-route'))]), None)
    check(phone.expect_request('ACK').tag('to') == 'callee', 'the ACK')
    call(phone, f'sip:somebody@{domain(world)}', user=phone.name, domain=domain(world))
    got = at.expect_request('INVITE')
    check(got.uri == f'sip:somebody@{domain(world)}', got.uri)


def c16_several_contacts_and_zero(world):
    """Each as the registrar's list says: other expiries, one not in it, one with 0."""
    phone, at = phone_of(world), registrar(world)
    a, b, c, d = (f'sip:{n}@{phone.hostport}' for n in 'abcd')
    seen, _ = register(phone, at, contact=' & '.join(f'<{u}>;expires=600' for u in (a, b, c, d)))
    pub = seen.all('contact')
    check(len(pub) == 4, f'{pub}')
    at.grant(seen, [pub[0].replace('=600', '=60'), pub[1].replace('=600', '=300'),
                    pub[2].replace('=600', '=0')])
    phone.expect('200', lambda m: m.code == 200)
    left = located(world, phone.name)
    check(sorted(left) == [a, b] and left[a] <= 60 < left[b] <= 300, f'{left}')
    # an answer to a query counts, too
    seen, _ = register(phone, at, contact='none')
    at.grant(seen, [pub[1].replace('=600', '=290')])
    phone.expect('200', lambda m: m.code == 200)
    check(list(located(world, phone.name)) == [b], f'{located(world, phone.name)}')
    seen, _ = register(phone, at, contact='*', lines=['Expires: 0'])
    check(seen.get('contact') == '*', f'{seen}')
    at.grant(seen, [])
    phone.expect('200', lambda m: m.code == 200)
    check(not located(world, phone.name), 'all were removed')
    refused(at, f'sip:{phone.name}@{domain(world)}', 480)


def c16_refusals_leave_the_binding(world):
    phone, at = phone_of(world), registrar(world)
    granted(phone, at)
    before = located(world, phone.name)
    for code in (302, 401, 403, 407, 423, 500, 503):
        seen, _ = register(phone, at, contact=f'<sip:{phone.name}@{phone.hostport}>;expires=0')
        at.grant(seen, ['<sip:else@192.0.2.99>;expires=7'], code)
        got = phone.expect(f'{code}', lambda m, code=code: m.code == code)
        check('192.0.2.99' in got.get('contact'), f'{got}')
        check(list(located(world, phone.name)) == list(before), f'{code} changed something')


def c16_late_and_repeated_answers(world):
    """An old answer again, one of before the last, one with another branch: nothing changes."""
    phone, at = phone_of(world), registrar(world)
    call_id, mine = unique('c'), f'sip:{phone.name}@{phone.hostport}'
    first, _ = register(phone, at, call_id=call_id)
    second, _ = register(phone, at, call_id=call_id, cseq=2)
    at.grant(second, [second.get('contact').replace('=600', '=500')])
    phone.expect('200', lambda m: m.code == 200)
    at.grant(first, [first.get('contact').replace('=600', '=50')])
    phone.expect('the late 200', lambda m: m.code == 200)
    check(located(world, phone.name)[mine] > 400, 'an older one counted')
    third, _ = register(phone, at, call_id=call_id, cseq=3,
                        contact=f'<{mine}>;expires=0')
    at.grant(third, [])
    phone.expect('200', lambda m: m.code == 200)
    for old in (second, first, third):
        at.grant(old, [second.get('contact')])
        phone.expect('a copy', lambda m: m.code == 200)
        check(not located(world, phone.name), 'an answer counted twice')


def c16_another_device_registered_meanwhile(world):
    """The copy of an answer that was lost does not know of who has registered since."""
    one, two, at = phone_of(world), phone_of(world), registrar(world)
    two.name = one.name
    slow, _ = register(one, at)
    fast, _ = register(two, at)
    at.grant(fast, [fast.get('contact')])
    two.expect('200', lambda m: m.code == 200)
    at.grant(slow, [slow.get('contact')])
    one.expect('200', lambda m: m.code == 200)
    check(len(located(world, one.name)) == 2, f'{located(world, one.name)}')
    # the next one knows, and says that it is gone
    seen, _ = register(one, at)
    at.grant(seen, [seen.get('contact')])
    one.expect('200', lambda m: m.code == 200)
    check(list(located(world, one.name)) == [f'sip:{one.name}@{one.hostport}'], 'is gone')


def c16_who_hides_contacts(world):
    """A list with one Contact that nobody here has; and none at all."""
    phone, at = phone_of(world), registrar(world)
    mine = f'sip:{phone.name}@{phone.hostport}'
    for contacts, lines, most in ((['<sip:x@192.0.2.1>;expires=70'], [], 70),
                                  ([], ['Expires: 80'], 80), ([], [], 600)):
        seen, _ = register(phone, at)
        at.grant(seen, contacts, lines=lines)
        phone.expect('200', lambda m: m.code == 200)
        left = located(world, phone.name)
        check(most - 20 < left[mine] <= most, f'{contacts} {lines}: {left}')


def c16_changed_source(world):
    """The same Contact from another address: calls go there."""
    phone, at = phone_of(world), registrar(world)
    moved = phone_of(world)
    moved.name, contact = phone.name, f'<sip:{phone.name}@phone.local>;expires=600'
    for each in (phone, moved):
        granted(each, at, contact=contact)
    check(len(located(world, phone.name)) == 1, 'one binding')
    call(at, f'sip:{phone.name}@{domain(world)}')
    check(moved.expect_request('INVITE').uri == f'sip:{phone.name}@phone.local', 'not there')


def c16_only_its_registrar_counts(world):
    """An answer from somewhere else, to the right branch."""
    phone, at, liar = phone_of(world), registrar(world), world.outside()
    seen, _ = register(phone, at)
    Registrar.grant(liar, seen, [seen.get('contact')])
    phone.expect('200', lambda m: m.code == 200)
    check(not located(world, phone.name), 'a stranger granted it')


def c16_a_third_host_is_not_ours(world):
    """A Contact that means somebody else is passed on as it is, and is no binding of ours."""
    phone, at = phone_of(world), registrar(world)
    far = '192.0.2.44' if world.family == 4 else '[2001:db8:99::4]'
    seen, _ = register(phone, at, contact=f'<sip:me@{far}>;expires=600')
    check(seen.get('contact') == f'<sip:me@{far}>;expires=600', f'{seen}')
    at.grant(seen, seen.all('contact'))
    phone.expect('200', lambda m: m.code == 200)
    check(not located(world, phone.name), 'it became a binding')


def c16_path(world):
    """RFC 3327: ours on top where the phone knows it; calls go by the proxies behind us."""
    edge, at = phone_of(world), registrar(world)
    seen, _ = register(edge, at)
    check(not seen.all('path'), 'the phone does not know Path')
    behind = f'sip:{edge.name}@{"192.168.7.99" if world.family == 4 else "[fd00:7::99]"}:5060'
    theirs, ours = f'<sip:{edge.hostport};lr;x>', f'<sip:{host(at.router)}:5060;lr>'
    seen, _ = register(edge, at, contact=f'<{behind}>;expires=600',
                       lines=['Supported: path', f'Path: {theirs}'])
    check(seen.all('path') == [ours, theirs], f'{seen}')
    at.grant(seen, [seen.get('contact')], lines=[f'Path: {p}' for p in seen.all('path')])
    edge.expect('200', lambda m: m.code == 200)
    for uri, lines in ((next(iter(seen.contacts())), [f'Route: {ours}']),
                       (f'sip:{edge.name}@{domain(world)}', [])):
        call(at, uri, lines=lines)
        got = edge.expect_request('INVITE')
        check(got.all('route') == [theirs] and got.uri == behind, f'{uri}: {got}')


def c16_registrar_not_known_503(world):
    """Names are not looked up, and nobody was seen: later, perhaps."""
    phone = phone_of(world)
    for where in ('named.example', 'quiet.example'):
        answer = phone.transact(phone.request('REGISTER', f'sip:{where}', to=f'sip:a@{where}'))
        check(answer.code == 503 and answer.get('retry-after') and answer.get('warning'),
              f'{answer}')


def c16_not_for_strangers(world):
    """From outside nobody registers at somebody else's registrar through us."""
    stranger = world.outside()
    answer = stranger.transact(stranger.request('REGISTER', f'sip:{domain(world)}',
                                                to=f'sip:a@{domain(world)}'))
    check(answer.code == 403, answer.start)


def c16_loops_and_hops(world):
    """Max-Forwards, and a registrar that sends it back."""
    phone, at = phone_of(world), registrar(world)
    data = phone.request('REGISTER', f'sip:{domain(world)}', to=f'sip:a@{domain(world)}')
    answer = phone.transact(data.replace(b'Max-Forwards: 70', b'Max-Forwards: 0'))
    check(answer.code == 483, answer.start)
    seen, _ = register(phone, at)
    via = f'Via: SIP/2.0/UDP {at.hostport};branch={unique("z9hG4bK")}\r\n'
    at.send(seen.data.replace(b'Via:', via.encode() + b'Via:', 1))
    answer = at.expect('an answer', lambda m: m.code >= 400)
    check(answer.code in (403, 482), answer.start)


def c16_by_our_address(world):
    """Request-URI and To name the router and the domain: the registrar gets its own name."""
    phone, at = phone_of(world), registrar(world)
    seen, _ = register(phone, at, uri=f'sip:{host(phone.router)}')
    check(seen.uri == f'sip:{domain(world)}', seen.uri)


def c16_kept_over_a_kill(world):
    """What the phone was told is there after kill -9, and calls find it by each of its names."""
    phone, at = phone_of(world), registrar(world)
    published = granted(phone, at)[0]
    world.daemon.kill()
    world.daemon.start()
    check(len(located(world, phone.name)) == 1, 'it is not there')
    for uri in (f'sip:{phone.name}@{domain(world)}', published,
                f'sip:{phone.name}@{host(at.router)}'):
        call(at, uri)
        check(phone.hostport in phone.expect_request('INVITE').uri, uri)


c16_kept_over_a_kill.alone = True


def c06_pilot_has_all_numbers(world):
    """RFC 6140 and without it: from the registrar any number reaches the PBX, from others not."""
    at = registrar(world)
    for contact, require in (('<sip:{};bnc>;expires=600', ['Require: gin', 'Proxy-Require: gin']),
                             ('<sip:pilot@{}>;expires=600', [])):
        pbx = phone_of(world)
        published = granted(pbx, at, contact=contact.format(pbx.hostport), lines=require)[0]
        bare = re.sub(r'sip:([^@]*@)?', 'sip:+493012345@', re.sub(r';.*', '', published))
        marked = re.sub(r'sip:([^@]*@)?', 'sip:+493012345@', published).replace(';bnc', '')
        for uri in (bare, bare + ';user=phone', marked):
            call(at, uri)
            got = pbx.expect_request('INVITE')
            rest = ';user=phone' if 'phone' in uri else ''
            check(got.uri == f'sip:+493012345@{pbx.hostport}{rest}', f'{uri}: {got.uri}')
        refused(world.outside(), bare, 404)
        seen, _ = register(pbx, at, contact='*', lines=['Expires: 0'])
        at.grant(seen, [])
        pbx.expect('200', lambda m: m.code == 200)
        refused(at, bare, 404)


c06_pilot_has_all_numbers.alone = True


def c20_sips_is_not_downgraded(world):
    phone = phone_of(world)
    for where in (domain(world), domain(world, 'inside')):
        for method in ('REGISTER', 'INVITE'):
            answer = phone.transact(phone.request(method, f'sips:a@{where}' if method == 'INVITE'
                                                  else f'sips:{where}', to=f'sips:a@{where}'))
            check(answer.code == 416, f'{method} at {where}: {answer.start}')


def c20_behind_somebody_elses_nat(world):
    """The Contact means nothing here: calls go where the REGISTER came from."""
    phone, pbx = phone_of(world, 'outside'), registrar(world, 'inside')
    where = domain(world, 'inside')
    mine = f'sip:me@{"10.9.9.9" if world.family == 4 else "[fd99::9]"}:5066'
    seen, _ = register(phone, pbx, where=where, contact=f'<{mine}>;expires=600')
    published = next(iter(seen.contacts()))
    check('9.9.9' not in published and 'fd99' not in published, published)
    pbx.grant(seen, seen.all('contact'))
    final = phone.expect('200', lambda m: m.code == 200)
    check(list(final.contacts()) == [mine], f'{final}')
    for uri in (published, f'sip:{phone.name}@{where}'):
        call(pbx, uri)
        check(phone.expect_request('INVITE').uri == mine, uri)


def c07_relay_to_a_server_inside(world):
    """Phones outside register at a PBX inside, which asks for the password and calls them."""
    phone, pbx = phone_of(world, 'outside'), registrar(world, 'inside')
    where = domain(world, 'inside')
    seen, _ = register(phone, pbx, where=where)
    at = seen.contacts()
    pbx.grant(seen, seen.all('contact'))
    phone.expect('200', lambda m: m.code == 200)
    check(list(located(world, phone.name, where)) == [f'sip:{phone.name}@{phone.hostport}'], '')
    for uri in (next(iter(at)), f'sip:{phone.name}@{where}'):
        call(pbx, uri)
        got = phone.expect_request('INVITE')
        check(got.uri == f'sip:{phone.name}@{phone.hostport}', f'{uri}: {got.uri}')
    call(world.outside(), f'sip:{phone.name}@{where}')
    check(pbx.expect_request('INVITE').uri == f'sip:{phone.name}@{where}', 'the PBX decides')
