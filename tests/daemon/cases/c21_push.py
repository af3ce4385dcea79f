# SPDX-License-Identifier: BSD-2-Clause
"""Phones that sleep are woken through their push service (RFC 8599): C15, C21.

The push-command here writes down what it was given; its phone is the test itself. After a start of
callgated every phone with push parameters counts as asleep, so that no case waits for one to be so.
"""
import atexit
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time

import calls
import gateway
from peer import LIMIT, check, code, need_module, until
from sipmsg import unique

PLACE = tempfile.mkdtemp(prefix='push-')
atexit.register(shutil.rmtree, PLACE, ignore_errors=True)
PROGRAM = f'{PLACE}/push'
with open(PROGRAM, 'x', encoding='ascii') as script:
    script.write('''#!/bin/sh
here=${0%/*}
{
	printf 'argument=%s\\0' "$@"
	for fd in /proc/$$/fd/*; do printf 'fd=%s\\0' "${fd##*/}"; done
	printf 'folder=%s\\0' "$PWD"
	env -0
} >"$here/new.$$"
mv "$here/new.$$" "$here/told.$$"
case $2 in
fail*) exit 3 ;;
slow*) exec sleep 60 ;;
esac
''')
os.chmod(PROGRAM, 0o755)

DOMAIN = 'domain "office.example" {{ push-services = {{ apns, fcm }} {} }}\n'
WITHOUT = DOMAIN.format('')
CONFIG = DOMAIN.format(f'push-command = "{PROGRAM}"')
BRIEF = DOMAIN.format(f'push-command = "{PROGRAM}"  push-wait = 1')
USERS = [f'p{n}' for n in range(40)]


# ---- what the program was told ----

def told():
    """Of each run since the last call: its arguments, and all that it said."""
    found = []
    for name in sorted(os.listdir(PLACE)):
        if name.startswith('told.'):
            with open(f'{PLACE}/{name}', encoding='utf-8') as file:
                said = [line.partition('=')[::2] for line in file.read().split('\0')[:-1]]
            os.unlink(f'{PLACE}/{name}')
            found.append(([value for key, value in said if key == 'argument'], said))
    return found


def pushed(n=1):
    """The arguments of the next runs."""
    found = []
    until(lambda: found.extend(told()) or len(found) >= n, f'{n} pushes')
    check(len(found) == n, f'{n} pushes, not {found}')
    return [arguments for arguments, _ in found]


# ---- phones ----

def contact(phone, prid='token', service='fcm', more=''):
    return (f'<sip:{phone.user}@{phone.hostport};pn-provider={service};pn-prid={prid}>{more}')


def register(phone, prid='token', **how):
    phone.credentials.challenge = None
    expires = how.pop('expires', 3600)
    lines = how.pop('lines', ())
    return code(phone.register(contact=contact(phone, prid, **how), expires=expires, lines=lines))


def restart(world):
    world.daemon.stop()
    world.daemon.start()
    told()


def asleep(world, prid='token', **how):
    phone = world.fresh_phone()
    register(phone, prid, **how)
    restart(world)
    return phone


def request(caller, phone, method='INVITE', **fields):
    data = caller.request(method, calls.address(phone), call_id=unique('push'), **fields)
    caller.send(data)
    return data


def ends(caller, phone, seen, sent):
    """The phone refuses the call, and the caller hears of it."""
    phone.answer(seen, 486, 'Busy')
    final = caller.expect('486', lambda m: m.code == 486)
    caller.send(caller.ack(sent, final))
    check(phone.expect_request('ACK').branch() == seen.branch(), 'the ACK has another branch')


def once(phone, method='INVITE'):
    seen = phone.expect_request(method)
    check(phone.silent(), 'it came twice')
    return seen


# ---- calls ----

def c21_a_call_waits_for_its_phone(world):
    """It arrives once, behind the REGISTER; what the caller repeats goes the same way."""
    phone, caller = asleep(world), world.outside()
    sent = request(caller, phone)
    check(pushed() == [['fcm', 'token', '', f'{phone.user}@office.example', 'call']], 'arguments')
    check(caller.receive(0.5) is None, 'the caller was answered')     # its Timer A
    caller.send(sent)
    check(caller.silent() and phone.silent() and not told(), 'repeated, and not absorbed')
    register(phone)
    seen = once(phone)
    check(seen.uri == contact(phone)[1:-1], seen.uri)
    caller.send(sent)
    again = once(phone)
    check(again.data == seen.data, f'{again}\nis not\n{seen}')
    ends(caller, phone, seen, sent)
    check(not told(), 'pushed again')


def c21_a_message_waits_for_its_phone(world):
    phone, caller = asleep(world), world.outside()
    sent = request(caller, phone, 'MESSAGE', body=b'hello')
    pushed()
    register(phone)
    seen = once(phone, 'MESSAGE')
    check(seen.body == b'hello', str(seen))
    phone.answer(seen, 200)
    check(caller.expect('200', lambda m: m.response).code == 200, sent)


def c21_our_own_user_is_challenged_once(world):
    """Who has shown who he is waits, and is not asked again."""
    phone, caller = asleep(world), calls.fresh(world)
    restart(world)
    answer = caller.transact(caller.request('INVITE', calls.address(phone), call_id='own'))
    check(answer.code == 407 and not told(), answer.start)
    caller.credentials.take(calls.challenges(answer)[0])
    caller.send(caller.request('INVITE', calls.address(phone), call_id='own', cseq=2,
                               lines=[caller.credentials.line('INVITE', calls.address(phone))]))
    pushed()
    register(phone)
    once(phone)
    check(caller.silent(), 'he was asked again')


def c21_nobody_wakes_480(world):
    phone, caller = asleep(world), world.outside()
    begun = time.monotonic()
    answer = caller.transact(request(caller, phone))
    check(answer.code == 480 and answer.get('retry-after'), str(answer))
    check(time.monotonic() - begun >= 1, 'it did not wait')
    check(len(pushed()) == 1 and phone.silent(), 'it came')


c21_nobody_wakes_480.config = BRIEF


def counts(world):
    """What callgate status shows of it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(LIMIT)
        sock.connect(world.daemon.path('control.sock'))
        sock.sendall(b'{"do": "status"}\n')
        with sock.makefile() as file:
            return json.loads(file.readline())['result']['push']


def c21_the_command_fails_480(world):
    phone, caller = asleep(world, 'fails'), world.outside()
    begun = time.monotonic()
    answer = caller.transact(request(caller, phone))
    check(answer.code == 480 and answer.get('retry-after'), str(answer))
    check(time.monotonic() - begun < 15, 'it waited')
    check('push-command: ended with status 3' in world.daemon.log(), 'the log')
    pushed()
    answer = caller.transact(request(caller, phone))
    check(answer.code == 480 and not told(), 'and tried again at once')
    shown = counts(world)
    check([shown[name] for name in ('sent', 'failed', 'waiting', 'held', 'woken', 'late')] ==
          [0, 1, 0, 1, 0, 1], f'{shown}')


def c21_one_of_two_commands_fails(world):
    """There is hope as long as one phone may come."""
    phone = world.fresh_phone()
    second = world.phone(phone.user)
    register(second, 'good')
    register(phone, 'fails')
    restart(world)
    caller = world.outside()
    sent = request(caller, phone)
    check({run[1] for run in pushed(2)} == {'good', 'fails'}, 'both are woken')
    register(second, 'good')
    ends(caller, second, once(second), sent)


def c21_cancelled_while_it_waits(world):
    phone, caller = asleep(world), world.outside()
    sent = request(caller, phone)
    pushed()
    caller.send(sent.replace(b'INVITE sip', b'CANCEL sip').replace(b' INVITE\r\n', b' CANCEL\r\n'))
    caller.expect('200 of the CANCEL', lambda m: m.code == 200 and m.cseq()[1] == 'CANCEL')
    final = caller.expect('487', lambda m: m.code == 487)
    caller.send(caller.ack(sent, final))
    register(phone)
    check(phone.silent() and caller.silent(), 'it went on')


def c21_who_is_awake_comes_first(world):
    """Two devices, and the one that is preferred sleeps: the other gets it, nobody is woken."""
    phone = world.fresh_phone()
    awake, caller = world.phone(phone.user), world.outside()
    register(phone)
    restart(world)
    code(awake.register(contact=f'<sip:{phone.user}@{awake.hostport}>;q=0.1'))
    sent = request(caller, phone)
    ends(caller, awake, once(awake), sent)
    check(phone.silent() and not told(), 'somebody was woken')


def c21_who_registered_just_now_is_awake(world):
    phone, caller = asleep(world), world.outside()
    register(phone)
    sent = request(caller, phone)
    ends(caller, phone, once(phone), sent)
    check(not told(), 'it was woken')


def c21_the_first_that_comes_gets_it(world):
    """All devices are woken, each once; what an app has left behind is none of them."""
    phone = world.fresh_phone()
    second, old = world.phone(phone.user), world.phone(phone.user)
    for each, prid in ((old, 'two'), (phone, 'one'), (second, 'two')):
        register(each, prid)
    restart(world)
    caller = world.outside()
    sent = request(caller, phone)
    check(sorted(run[1] for run in pushed(2)) == ['one', 'two'], 'who is woken')
    register(phone, 'one')
    ends(caller, phone, once(phone), sent)
    register(second, 'two')
    check(second.silent() and old.silent(), 'the other got it, too')


def c21_one_device_by_its_gruu(world):
    phone = world.fresh_phone()
    second = world.phone(phone.user)
    more, lines = ';+sip.instance="<urn:uuid:{}>"', ['Supported: gruu']
    answer = register(phone, 'one', more=more.format(1), lines=lines)
    register(second, 'two', more=more.format(2), lines=lines)
    gruu = re.search(r'pub-gruu="([^"]*urn:uuid:1[^"]*)"', str(answer))[1]
    restart(world)
    caller = world.outside()
    sent = caller.request('INVITE', gruu)
    caller.send(sent)
    check([run[1] for run in pushed()] == ['one'], 'who is woken')
    register(second, 'two', more=more.format(2), lines=lines)
    check(second.silent(), 'another device got it')
    register(phone, 'one', more=more.format(1), lines=lines)
    ends(caller, phone, once(phone), sent)


def c21_new_contact_of_an_app_that_was_started_anew(world):
    """It unregisters, and registers from another port."""
    phone, caller = asleep(world), world.outside()
    sent = request(caller, phone)
    pushed()
    phone.credentials.challenge = None
    code(phone.register(contact='*', expires=0))
    check(caller.silent(), 'refused meanwhile')
    moved = world.peer('inside', 5070).login(phone.user, f'{phone.user}-secret')
    register(moved)
    ends(caller, moved, once(moved), sent)


def c21_eight_of_one_user_wait(world):
    phone, caller = asleep(world), world.outside()
    sent = [request(caller, phone, branch=f'z9hG4bK{n}', from_tag=f'f{n}') for n in range(8)]
    check(caller.silent(), 'one was refused')
    answer = caller.transact(request(caller, phone))
    check(answer.code == 480, answer.start)
    check(len(pushed()) == 1, 'one push for all')
    register(phone)
    seen = {phone.expect_request('INVITE').get('call-id') for _ in sent}
    check(len(seen) == 8 and phone.silent(), f'{seen}')


# ---- callgated meanwhile ----

def c21_a_reload_without_the_option(world):
    """A server on the way wakes phones then: what waits goes to the Contact."""
    phone, caller = asleep(world), world.outside()
    sent = request(caller, phone)
    pushed()
    world.daemon.configure(WITHOUT)
    os.kill(world.daemon.process.pid, signal.SIGHUP)
    ends(caller, phone, once(phone), sent)


c21_a_reload_without_the_option.alone = True


def c21_killed_or_stopped_meanwhile(world):
    """The caller's retransmission begins anew, and gets through."""
    phone, caller = asleep(world), world.outside()
    for end in (world.daemon.kill, world.daemon.stop):
        sent = request(caller, phone)
        pushed()
        end()
        world.daemon.start()
        check(caller.silent(), 'the caller was answered')
        caller.send(sent)
        pushed()
        register(phone)
        ends(caller, phone, once(phone), sent)
        restart(world)


def c21_stopped_while_a_program_runs(world):
    """callgated does not wait for it, and takes it with it."""
    phone, caller = asleep(world, 'slow'), world.outside()
    request(caller, phone)
    pushed()
    before = world.daemon.process.pid
    children = until(lambda: children_of(before), 'a program runs')
    begun = time.monotonic()
    restart(world)
    check(time.monotonic() - begun < 10, 'it waited for the program')
    until(lambda: not any(os.path.exists(f'/proc/{pid}/exe') for pid in children), 'it ended')


def parent_of(pid):
    """Of any process that is there: not every kernel has a list of children."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            return int(file.read().rpartition(')')[2].split()[1])
    except OSError:
        return None


def children_of(pid):
    return [one for one in os.listdir('/proc') if one.isdigit() and parent_of(one) == pid]


# ---- the program ----

def c21_what_the_program_gets(world):
    """Each value as an argument and in the environment; nothing else of callgated."""
    phone = asleep(world, 'a%3Ab%2fc&d', more='')
    caller = world.outside()
    request(caller, phone)
    (arguments, said), = until(told, 'a push')
    check(arguments == ['fcm', 'a:b/c&d', '', f'{phone.user}@office.example', 'call'],
          f'{arguments}')
    fields = dict(said)
    check([fields.get(f'CALLGATE_{name}') for name in (
        'PN_PROVIDER', 'PN_PRID', 'PN_PARAM', 'AOR', 'REASON')] == arguments, f'{fields}')
    known = {'argument', 'fd', 'folder', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'}
    check(not [key for key in fields if key not in known and not key.startswith('CALLGATE_')],
          f'{fields}')
    check(fields['folder'] == '/', fields['folder'])
    # of the shell itself: 10, its script, perhaps 255
    fds = {value for key, value in said if key == 'fd'}
    check(fds <= {'0', '1', '2', '3', '10', '11', '255'}, f'{fds}')


HOSTILE = ('%22', '%27;id', 'a%20b', 'a%0ab', '-rf', '%2drf', '$(id)', 'a%00', '%60id%60', 'a%5c',
           'caf%c3%a9', '*', '')


def c21_names_that_could_do_harm(world):
    """They are passed to nobody: the phone is not told that it may sleep, and is called at once."""
    phone, caller = world.fresh_phone(), world.outside()
    for prid in HOSTILE:
        answer = register(phone, prid)
        check(not answer.get('feature-caps'), f'{prid}: {answer}')
        code(phone.register(contact='*', expires=0))
    phones = [world.fresh_phone() for _ in HOSTILE[:6]]
    for each, prid in zip(phones, HOSTILE):
        register(each, prid)
    restart(world)
    for each in phones:
        sent = request(caller, each)
        ends(caller, each, once(each), sent)
    check(not told(), 'a push')


# ---- REGISTER ----

def c15_feature_caps(world):
    """RFC 8599 5.3.1, RFC 6809: who reads it may sleep."""
    phone = world.fresh_phone()

    def caps(**how):
        return sorted(register(phone, **how).all('feature-caps'))

    check(caps() == ['*;+sip.pns="fcm"'], 'one')
    check(caps(service='APNS') == ['*;+sip.pns="apns"'], 'another')
    check(caps(more=';+sip.pnsreg') == ['*;+sip.pns="fcm";+sip.pnsreg="121"'], 'pnsreg')
    check(caps(expires=0) == [], 'of what is removed')
    phone.credentials.challenge = None
    answer = code(phone.register(contact=f'<sip:{phone.user}@{phone.hostport};pn-provider>'))
    check(sorted(answer.all('feature-caps')) == ['*;+sip.pns="apns"', '*;+sip.pns="fcm"'],
          f'asked for all: {answer}')
    phone.credentials.challenge = None
    check(not code(phone.register()).all('feature-caps'), 'another phone')


def c15_no_feature_caps_without_the_command(world):
    phone, caller = world.fresh_phone(), world.outside()
    check(not register(phone).all('feature-caps'), 'nobody wakes it')
    world.daemon.stop()
    world.daemon.start()
    sent = request(caller, phone)
    ends(caller, phone, once(phone), sent)


c15_no_feature_caps_without_the_command.config = WITHOUT


def c15_woken_before_the_end(world):
    """Who does not come back by himself; also after a restart."""
    told()
    able, phone = world.fresh_phone(), world.fresh_phone()
    register(able, 'able', more=';+sip.pnsreg', expires=4)
    register(phone, 'unable', expires=4)
    run = ['fcm', 'unable', '', f'{phone.user}@office.example', 'refresh']
    check(pushed() == [run], 'the first time')
    register(phone, 'unable', expires=4)
    restart(world)
    check(pushed() == [run], 'after a restart')


c15_woken_before_the_end.config = DOMAIN.format(
    f'push-command = "{PROGRAM}"  expires-min = 4')


# ---- with the module ----

TOLD = 'the module has all locations'


def c21_never_by_the_kernel(world):
    """A phone that may sleep is callgated's, awake or not, also when it became one by a reload."""
    need_module()
    phone, plain, caller = world.fresh_phone(), calls.fresh(world), world.outside()
    register(phone)

    def by_kernel(callee):
        forwarded, (seen, sent) = gateway.takes(
            world, ['forwarded-request'], lambda: calls.invite(caller, callee))
        ends(caller, callee, seen, sent)
        return forwarded[0]

    check(by_kernel(phone) == 1, 'a Contact as any other')
    before = world.daemon.log().count(TOLD)
    world.daemon.configure(CONFIG)
    os.kill(world.daemon.process.pid, signal.SIGHUP)
    until(lambda: world.daemon.log().count(TOLD) > before, 'the module is told')
    check(by_kernel(plain) == 1, 'a phone that does not sleep')
    check(by_kernel(phone) == 0, 'one that is awake')
    restart(world)
    sent = request(caller, phone)
    pushed()
    caller.send(sent)
    register(phone)
    ends(caller, phone, once(phone), sent)
    check(not told(), 'and again')


c21_never_by_the_kernel.config = WITHOUT
