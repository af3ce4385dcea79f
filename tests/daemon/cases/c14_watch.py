# SPDX-License-Identifier: BSD-2-Clause
"""What the admin sees of registrations: each change as it happens, and the last of it (C14)."""
import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time

from c11_register import expires
from peer import LIMIT, ROOT, check, code, host, until

CONFIG = '''\
domain "office.example" { registrar = main  max-contacts = 40 }
domain "short.example" { registrar = main  expires-min = 1 }
'''
USERS = ('alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', *(
    f'many{n}' for n in range(4)))


class Watch:
    """callgate registrations --watch, line by line."""

    def __init__(self, world, *words):
        self.process = spawn(world, 'registrations', *words, '--watch')
        self.kept = b''

    def line(self, limit=LIMIT):
        while b'\n' not in self.kept:
            ready, _, _ = select.select([self.process.stdout], [], [], limit)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b''
            check(data, f'the watch says no more; it said {self.kept}')
            self.kept += data
        line, _, self.kept = self.kept.partition(b'\n')
        return line.decode()

    def event(self, wanted, **fields):
        """The next one, which has to be this."""
        got = json.loads(self.line())
        check(got['event'] == wanted and 'time' in got, f'{wanted} is next, not {got}')
        for key, value in fields.items():
            check(got.get(key) == value, f'{key} is {value} in {got}')
        return got


def spawn(world, *words):
    with world.daemon.space:
        return subprocess.Popen([os.path.join(ROOT, 'build', 'callgate'), *words, '-c',
                                 world.daemon.path('callgate.conf')],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextlib.contextmanager
def watching(world, *words):
    watch = Watch(world, *words)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.communicate()


def shown(world, user, status=0):
    text = world.daemon.callgate('registrations', 'show', f'{user}@office.example', '--json',
                                 status=status)
    return json.loads(text) if not status else None


def c14_each_change_is_an_event(world):
    phone = world.phone('alice')
    contact = f'sip:alice@{phone.hostport}'
    with watching(world, '--json') as watch:
        check(watch.event('watching')['registrations'] >= 0, 'how many there are')
        asked = time.monotonic()
        answer = code(phone.register(600), 200)
        new = watch.event('registered', aor='alice@office.example', contact=contact,
                          origin='main', transport='udp')
        granted = expires(answer.contacts()[contact])
        passed = time.monotonic() - asked
        check(granted - passed - 1 < new['left'] <= granted and 'was' not in new, str(new))
        check(new['source'] == phone.hostport, str(new))
        code(phone.register(3600, cseq=11), 200)
        check(watch.event('refreshed', contact=contact, id=new['id'])['since'] == new['since'],
              'it is the same registration')
        code(phone.register(60, cseq=21), 200)
        watch.event('shortened', contact=contact)
        code(phone.register(0, cseq=31), 200)
        check('left' not in watch.event('unregistered', contact=contact, id=new['id']), 'gone')


def c14_removed_by_the_admin(world):
    phone = world.phone('bob')
    code(phone.register(), 200)
    with watching(world, '--json') as watch:
        watch.event('watching')
        world.daemon.callgate('registrations', 'remove', 'bob@office.example')
        watch.event('removed', aor='bob@office.example')


def c14_expired(world):
    phone = world.phone(f'short{world.family}')
    world.add_user(phone.user, domain='short.example')
    name = f'{phone.user}@short.example'
    with watching(world, '--json') as watch:
        watch.event('watching')
        answer = phone.authenticated('REGISTER', 'sip:short.example', to=f'sip:{name}',
                                     domain='short.example',
                                     lines=[f'Contact: <sip:s@{phone.hostport}>;expires=1'])
        code(answer, 200)
        watch.event('registered', aor=name)
        watch.event('expired', aor=name)


def c14_replaced_and_moved(world):
    """RFC 5626: another Contact of the same instance and reg-id; and the same from elsewhere."""
    one, two = world.phone('carol'), world.phone('carol')
    old = f'sip:carol@{one.hostport}'
    new = f'sip:carol@{host(one.address)}:7001'
    instance = ';reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-C>"'
    with watching(world, '--json') as watch:
        watch.event('watching')
        for number, uri in enumerate((old, new)):
            answer = one.authenticated('REGISTER', 'sip:office.example', cseq=10 * number + 1,
                                       to='sip:carol@office.example', lines=[
                                           'Supported: path, outbound',
                                           f'Contact: <{uri}>{instance}'])
            code(answer, 200)
        first = watch.event('registered', contact=old, reg_id=1)
        watch.event('replaced', contact=new, id=first['id'], was={
            'contact': old, 'source': first['source']})
        code(two.register(contact=f'<sip:carol@{two.hostport}>'), 200)
        watch.event('registered', contact=f'sip:carol@{two.hostport}')
        moved = world.peer('inside', 5070).login('carol', 'carol-secret')
        code(moved.register(contact=f'<sip:carol@{two.hostport}>', cseq=5), 200)
        watch.event('refreshed', source=moved.hostport, was={
            'contact': f'sip:carol@{two.hostport}', 'source': two.hostport})


def c14_of_one_user_and_as_text(world):
    one, two = world.phone('dave'), world.phone('erin')
    with watching(world, 'erin@office.example') as watch:
        check(' watching ' in watch.line(), 'how it begins')
        code(one.register(), 200)
        code(two.register(), 200)
        line = watch.line()
        check(f' registered   erin@office.example sip:erin@{two.hostport} from '
              f'{two.hostport}, for ' in line, line)


def c14_a_slow_reader_is_told_what_it_lost(world):
    """More changes than callgated keeps and the pipes hold, for a reader that is stopped."""
    phone = world.phone('frank')
    kept, changes = 1024, 0
    with watching(world, '--json') as slow, watching(world, '--json') as fast:
        slow.event('watching')
        fast.event('watching')
        slow.process.send_signal(signal.SIGSTOP)
        reader = threading.Thread(target=slow.process.stderr.read)
        reader.start()
        # long Contacts fill the 256 KiB of callgated and the buffer of the socket soon
        pad = ';x=' + 'y' * 900
        contacts = ', '.join(f'<sip:frank{n}@{phone.hostport}{pad}{n}>' for n in range(30))
        for turn in range(80):
            code(phone.register(None, lines=[f'Contact: {contacts}'], contact='none',
                                cseq=turn * 10 + 1), 200)
            changes += 30
            for _ in range(30):
                fast.event('refreshed' if turn else 'registered')
        slow.process.send_signal(signal.SIGCONT)
        got, lost = 0, 0
        while got + lost < changes:
            event = json.loads(slow.line())
            lost += event['n'] if event['event'] == 'lost' else 0
            got += event['event'] != 'lost'
        check(got + lost == changes and lost > 0 and got >= kept, f'{got} and {lost} of {changes}')
        slow.process.kill()
        reader.join()


def c14_the_end_of_callgated_is_said(world):
    with watching(world) as watch:
        watch.line()
        world.daemon.stop()
        _, said = watch.process.communicate(timeout=LIMIT)
        check(watch.process.returncode == 1 and b'callgated has ended' in said, said)
        world.daemon.start()


c14_the_end_of_callgated_is_said.alone = True


def c14_what_is_known_of_a_contact(world):
    phone = world.phone('grace')
    code(phone.register(lines=['User-Agent: Phone/1', 'Supported: path',
                               f'Path: <sip:edge@{phone.hostport};lr>']), 200)
    found = shown(world, 'grace')
    contact, = found['locations']
    router, here = f'{host(phone.router)}:5060', phone.hostport
    for key, value in (('source', here), ('local', router), ('transport', 'udp'), ('q', 1.0),
                       ('user_agent', 'Phone/1'), ('path', f'<sip:edge@{phone.hostport};lr>'),
                       ('origin', 'main'), ('interface', 'lan0'), ('zone', 'inside'),
                       ('flow', f'udp {router} {here}')):
        check(contact.get(key) == value, f'{key} is {value}: {contact}')
    check(contact['age'] <= LIMIT * 2 and contact['refreshed'] <= contact['until'], str(contact))
    check(found['last']['result'] == {'code': 200, 'phrase': 'OK', 'source': here,
                                      'time': contact['refreshed']}, str(found))


def c14_last_result_and_removal(world):
    phone = world.phone('heidi')
    code(phone.register(30), 423)
    shown(world, 'heidi', status=1)
    code(phone.register(cseq=11), 200)
    check(shown(world, 'heidi')['last']['result']['code'] == 200, 'the newer one')
    until(lambda: code(phone.register(30, cseq=21), 423) and shown(
        world, 'heidi')['last']['result']['code'] == 423, 'the refusal is the newest')
    wrong = world.peer('inside', 5060).login('heidi', 'guessed')
    code(wrong.register(cseq=31), 401)
    last = shown(world, 'heidi')['last']['result']
    check(last['code'] == 401 and last['source'] == wrong.hostport, str(last))
    code(phone.register(0, cseq=41), 200)
    process = spawn(world, 'registrations', 'show', 'heidi@office.example')
    _, said = process.communicate(timeout=LIMIT)
    check(process.returncode == 1 and
          b'heidi@office.example is not registered: unregistered at 20' in said, said)
