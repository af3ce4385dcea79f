# SPDX-License-Identifier: BSD-2-Clause
"""Phones at a real registrar outside, Kamailio, by callgated as their outbound proxy. C16, C20."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import c15_phones
import calls
from peer import LIMIT, OUTSIDE, ROOT, Skipped, check, host, until
from programs import program
from sipmsg import Message, challenges

DOMAIN = 'voip.example'
PLACE = {family: network + '30' for family, network in OUTSIDE.items()}
CONFIG = f'domain "{DOMAIN}" {{ registrar = passive registrars = {{ {PLACE[4]}, "{PLACE[6]}" }} }}\n'
LAB = os.path.join(ROOT, 'tests', 'lab', 'kamailio.cfg')


@contextlib.contextmanager
def kamailio(world, path=False):
    """The provider of the demonstration, here; @path: it keeps Path (RFC 3327)."""
    if not shutil.which('kamailio'):
        raise Skipped('kamailio is not installed (tests/setup interop)')
    folder = tempfile.mkdtemp(prefix='registrar-')
    with open(LAB, encoding='ascii') as file:
        text = file.read()
    if path:
        text = text.replace('loadmodule "kex.so"', 'loadmodule "kex.so"\n'
                            'modparam("registrar", "use_path", 1)\n'
                            'modparam("registrar", "path_mode", 1)')
        check('use_path' in text, 'the configuration of the laboratory is another')
    with open(f'{folder}/cfg', 'w', encoding='ascii') as file:
        file.write(text)
    log = open(f'{folder}/log', 'wb')
    with log, world.nets.outside:
        process = subprocess.Popen(
            ['kamailio', '-DD', '-E', '-m', '32', '-M', '4', '-f', f'{folder}/cfg', '-A',
             f'CTL="unix:{folder}/ctl"', '-l', f'udp:{host(PLACE[world.family])}:5060', '-w', folder,
             '-Y', folder], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True)
    probe = world.outside(5077)
    try:
        until(lambda: answers(probe), 'kamailio answers', 6 * LIMIT)
        yield probe
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LIMIT)
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def answers(probe):
    there = PLACE[probe.family], 5060
    probe.send(probe.request('OPTIONS', f'sip:{DOMAIN}'), there)
    return probe.receive(0.2, lambda m: m.code == 200)


def register(phone, expires=120, lines=()):
    """Both steps; the challenge is Kamailio's, and callgated sees only that it passes."""
    phone.domain = DOMAIN
    return phone.authenticated('REGISTER', f'sip:{DOMAIN}', domain=DOMAIN,
                               to=f'sip:{phone.user}@{DOMAIN}', lines=[
                                   f'Contact: <sip:{phone.user}@{phone.hostport};line=7>',
                                   f'Expires: {expires}', *lines])


def located(world, user):
    out = json.loads(world.daemon.callgate('registrations', '--json'))
    return {r['contact']: r for r in out['locations'] if r['aor'] == f'{user}@{DOMAIN}'}


def call_through(probe, caller, callee):
    """A subscriber of the provider, outside, calls; the INVITE that the phone gets."""
    uri, there = f'sip:{callee.user}@{DOMAIN}', (PLACE[probe.family], 5060)
    fields = {'domain': DOMAIN, 'call_id': f'call-{callee.user}'}
    answer = caller.transact(caller.request('INVITE', uri, **fields), to=there)
    check(answer.code == 407, answer.start)
    caller.credentials.take(challenges(answer)[0])
    data = caller.request('INVITE', uri, cseq=2, lines=[caller.credentials.line('INVITE', uri)],
                          **fields)
    caller.send(data, there)
    return callee.expect_request('INVITE'), data


def whole_call(probe, caller, callee):
    """INVITE, 200, ACK, and BYE of the one who was called, along the routes that they got."""
    seen, sent = call_through(probe, caller, callee)
    mine = f'sip:{callee.user}@{callee.hostport};line=7'
    check(seen.uri == mine, f'Request-URI {seen.uri}')
    callee.answer(seen, 200, lines=[f'Contact: <{mine}>'])
    final = caller.expect('200', lambda m: m.code == 200)
    route = calls.routes(final)[::-1]
    there = PLACE[probe.family], 5060
    caller.send(calls.in_dialog(caller, 'ACK', calls.contact_of(final), route, cseq=2,
                                domain=DOMAIN, call_id=Message(sent).get('call-id'),
                                to=f'sip:{callee.user}@{DOMAIN}', to_tag=final.tag('to')), there)
    check(callee.expect_request('ACK').tag('to') == 'callee', 'the ACK')
    callee.send(calls.in_dialog(callee, 'BYE', calls.contact_of(seen), calls.routes(seen), cseq=7,
                                domain=DOMAIN, call_id=seen.get('call-id'),
                                to=f'sip:{caller.user}@{DOMAIN}', to_tag='f1', from_tag='callee'))
    caller.answer(caller.expect_request('BYE'), 200)
    callee.expect('200 of the BYE', lambda m: m.code == 200 and m.cseq() == (7, 'BYE'))


def life(world, path):
    with kamailio(world, path) as probe:
        phone, caller = world.phone('alice'), world.phone('carl', 'outside')
        lines = ['Supported: path'] if path else []
        wrong = world.phone('alice')
        wrong.credentials.password = 'wrong'
        check(register(wrong).code == 401, 'a wrong password')
        check(not located(world, 'alice'), 'located without a registration')
        answer = register(phone, lines=lines)
        check(answer.code == 200, f'{answer}')
        mine = f'sip:{phone.user}@{phone.hostport};line=7'
        check(answer.contacts() == {mine: ';expires=120'}, f'{answer}')
        check(bool(answer.all('path')) == path, f'{answer}')
        found = located(world, 'alice')
        check(list(found) == [mine] and found[mine]['origin'] == 'relayed' and
              100 < found[mine]['left'] <= 120, f'{found}')
        whole_call(probe, caller, phone)
        # a second device; both are in Kamailio's answer, as they wrote themselves
        other = world.phone('alice')
        answer = register(other, 90, lines)
        both = {mine, f'sip:{other.user}@{other.hostport};line=7'}
        check(set(answer.contacts()) == both and set(located(world, 'alice')) == both, f'{answer}')
        check(register(other, 0, lines).code == 200, 'one goes')
        check(list(located(world, 'alice')) == [mine], f'{located(world, "alice")}')
        check(register(phone, 0, lines).code == 200 and not located(world, 'alice'), 'all gone')


def c16_life_at_kamailio(world):
    life(world, False)


def c16_life_at_kamailio_with_path(world):
    life(world, True)


def c16_baresip_by_us(world):
    """A phone of others at a registrar of others: it registers, and rings."""
    account = (f'<sip:bare@{DOMAIN};transport=udp>;auth_user=bare;auth_pass=bare-secret;'
               'outbound="sip:{proxy};transport=udp";regint=120;answermode=manual\n')
    with kamailio(world) as probe:
        caller, inside = world.phone('carl', 'outside'), world.phone('watch')
        texts = {name: c15_phones.filled(world, text, proxy=host(inside.router)) for name, text in
                 (('accounts', account), ('config', c15_phones.BARESIP))}
        with program(world, texts, 'baresip', f'-{world.family}', '-f', 'FOLDER'):
            until(lambda: located(world, 'bare'), 'baresip is located', LIMIT * 3)
            uri, there = f'sip:bare@{DOMAIN}', (PLACE[probe.family], 5060)
            caller.domain = DOMAIN
            answer = caller.transact(caller.request('INVITE', uri, domain=DOMAIN, call_id='b'),
                                     to=there)
            caller.credentials.take(challenges(answer)[0])
            lines = [caller.credentials.line('INVITE', uri), 'Content-Type: application/sdp']
            body = (f'v=0\r\no=- 1 1 IN IP{world.family} {caller.address}\r\ns=-\r\n'
                    f'c=IN IP{world.family} {caller.address}\r\nt=0 0\r\n'
                    'm=audio 4000 RTP/AVP 0\r\n').encode()
            caller.send(caller.request('INVITE', uri, domain=DOMAIN, call_id='b', cseq=2,
                                       lines=lines, body=body), there)
            caller.expect('180', lambda m: m.code == 180, LIMIT * 2)
