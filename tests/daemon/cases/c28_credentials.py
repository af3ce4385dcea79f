# SPDX-License-Identifier: BSD-2-Clause
"""Credentials of our realm end here, those of others go on: RFC 3261 22.3. By callgated, and by the
module where it is loaded."""
import calls
import gateway
from peer import check
from sipmsg import Message

CONFIG = calls.CONFIG
USERS = [f'k{n}' for n in range(20)]
OURS = ['Proxy-Authorization: Digest username="x", realm="office.example", nonce="n", uri="sip:x", '
        'response="00000000000000000000000000000001"',
        'proxy-authorization: Digest response="00000000000000000000000000000002" username="x"\r\n'
        ' realm = "office\\.example"',
        'Authorization: Digest username="x",realm="office.example", nonce="n", '
        'response="00000000000000000000000000000003"']
THEIRS = ['Proxy-Authorization: Digest username="x", realm="voip.example", nonce="n", uri="sip:x", '
          'response="00000000000000000000000000000004"',
          'Authorization: Digest username="x", realm="OFFICE.example", opaque="realm=office.example"']
LINES = [THEIRS[0], *OURS, THEIRS[1]]
FIRST = [THEIRS[0], OURS[2], THEIRS[1]]     # beside what callgated has asked for


def only_theirs(message):
    """None of ours, all of the others, byte for byte."""
    left = [f'{name}: {value}' for name, value in message.headers if name.endswith('authorization')]
    check([line.lower() for line in left] == [line.lower() for line in THEIRS],
          f'{message.start}: {left}')


def dialog_request(phone, method, seen, final, **fields):
    return calls.in_dialog(phone, method, calls.contact_of(final), calls.routes(final)[::-1],
                           call_id=seen.get('call-id'), to=final.get('to').split('>')[0][1:],
                           to_tag=final.tag('to'), **fields).replace(
                               b'Content-Length', '\r\n'.join([*LINES, 'Content-Length']).encode())


def talk(caller, callee, seen, final):
    """A re-INVITE with its ACK, and the BYE, each with credentials."""
    for method, cseq in (('INVITE', 5), ('ACK', 5), ('MESSAGE', 6), ('BYE', 7)):
        caller.send(dialog_request(caller, method, seen, final, cseq=cseq))
        got = callee.expect_request(method)
        only_theirs(got)
        if method != 'ACK':
            callee.answer(got, 200, lines=[f'Contact: <sip:x@{callee.hostport}>'])
            caller.expect('200', lambda m, c=(cseq, method): m.code == 200 and m.cseq() == c)


def c28_callee_sees_no_credentials_of_ours(world):
    """A call of a user who proves who he is, from its first INVITE to its BYE."""
    caller, callee = calls.fresh(world), calls.fresh(world)
    seen, sent = calls.invite(caller, callee, lines=FIRST)
    check(len(Message(sent).all('proxy-authorization')) == 2, 'nothing was sent')
    only_theirs(seen)
    caller.send(sent)
    check(callee.expect_request('INVITE').data == seen.data, 'the repetition is another one')
    callee.answer(seen, 200, lines=[f'Contact: <sip:x@{callee.hostport}>'])
    final = caller.expect('200', lambda m: m.code == 200 and m.cseq()[1] == 'INVITE')
    talk(caller, callee, seen, final)


def c28_cancel_and_its_ack_without_credentials(world):
    """RFC 3261 22.1: they carry those of their INVITE."""
    caller, callee = calls.fresh(world), calls.fresh(world)
    seen, sent = calls.invite(caller, callee, lines=FIRST)
    callee.answer(seen, 180, 'Ringing')
    caller.expect('180', lambda m: m.code == 180)
    caller.send(sent.replace(b'INVITE sip', b'CANCEL sip').replace(b' INVITE\r\n', b' CANCEL\r\n'))
    got = callee.expect_request('CANCEL')
    only_theirs(got)
    callee.answer(got, 200)
    callee.answer(seen, 487, 'Request Terminated')
    final = caller.expect('487', lambda m: m.code == 487)
    caller.send(caller.ack(sent, final).replace(b'Content-Length', '\r\n'.join(
        [*LINES, 'Content-Length']).encode()))
    only_theirs(callee.expect_request('ACK'))


def c28_asked_in_our_name(world):
    """A callee that challenges in our realm gets no answer to it."""
    caller, callee = world.outside(), calls.fresh(world)
    seen, _ = calls.invite(caller, callee, lines=[OURS[2], THEIRS[1]])
    check(seen.all('authorization') == [THEIRS[1].partition(': ')[2]], str(seen))


def c28_the_module_takes_them_out_too(world):
    """A stranger's call is the module's: nothing of it comes to callgated."""
    caller, callee = world.outside(), calls.fresh(world)
    gateway.counter(world, 'forwarded-request')
    seen, final = calls.answered_call(world, caller, callee)
    forwarded, _ = gateway.takes(world, ['forwarded-request', 'up-policy', 'up-route'],
                                 lambda: talk(caller, callee, seen, final))
    check(forwarded == [4, 0, 0], f'{forwarded}')


def c28_taken_out_without_callgated(world):
    """While it is gone calls go on, and what is for it goes nowhere else."""
    caller, callee = world.outside(), calls.fresh(world)
    gateway.counter(world, 'forwarded-request')
    seen, final = calls.answered_call(world, caller, callee)
    world.daemon.kill()
    talk(caller, callee, seen, final)
    world.daemon.start()


c28_taken_out_without_callgated.alone = True
