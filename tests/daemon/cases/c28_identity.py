# SPDX-License-Identifier: BSD-2-Clause
"""P-Asserted-Identity: who is believed, and who is told (RFC 3325). By callgated, and by the module
where it is loaded."""
import c28_credentials
import calls
import gateway
from peer import BITS, OUTSIDE, check

CONFIG = calls.CONFIG
TRUSTED = f'trusted = {{ "{OUTSIDE[4]}0/{BITS[4]}", "{OUTSIDE[6]}/{BITS[6]}" }}\n'
USERS = [f'i{n}' for n in range(20)]
BOSS = 'P-Asserted-Identity: "Boss" <sip:boss@office.example>'


def asserted(message):
    return message.all('p-asserted-identity')


def own(phone):
    return f'P-Asserted-Identity: <{calls.address(phone)}>'


def c28_a_stranger_asserts_nothing(world):
    """Neither in what begins a call, nor in it, nor in an answer."""
    caller, callee = world.outside(), calls.fresh(world)
    seen, _ = calls.invite(caller, callee, lines=[BOSS])
    check(not asserted(seen), str(seen))
    callee.answer(seen, 200, lines=[f'Contact: <sip:x@{callee.hostport}>'])
    final = caller.expect('200', lambda m: m.code == 200)
    update = c28_credentials.dialog_request(caller, 'UPDATE', seen, final, cseq=2)
    caller.send(update.replace(b'Content-Length', BOSS.encode() + b'\r\nContent-Length'))
    got = callee.expect_request('UPDATE')
    check(not asserted(got), str(got))
    callee.answer(got, 200, lines=[own(callee), f'Contact: <sip:x@{callee.hostport}>'])
    answer = caller.expect('200 of the UPDATE', lambda m: m.cseq() == (2, 'UPDATE'))
    check(asserted(answer) == [own(callee).partition(': ')[2]], 'from inside it may be told')
    back = calls.in_dialog(callee, 'MESSAGE', calls.contact_of(seen), calls.routes(seen),
                           call_id=seen.get('call-id'), cseq=7, to=f'sip:{caller.user}@x',
                           to_tag='f1', from_tag='callee')
    callee.send(back)
    got = caller.expect_request('MESSAGE')
    caller.answer(got, 200, lines=[BOSS])
    check(not asserted(callee.expect('200 of the MESSAGE', lambda m: m.cseq()[0] == 7)), 'told')


def c28_the_module_believes_no_stranger_either(world):
    gateway.counter(world, 'forwarded-request')
    forwarded, _ = gateway.takes(world, ['forwarded-request', 'forwarded-response'],
                                 lambda: c28_a_stranger_asserts_nothing(world))
    check(forwarded == [2, 2], f'UPDATE, MESSAGE, and their 200: {forwarded}')


def trusted_until_a_reload(world):
    caller, callee = world.outside(), calls.fresh(world)
    seen, _ = calls.invite(caller, callee, lines=[BOSS])
    check(len(asserted(seen)) == 1, f'who is trusted is believed\n{seen}')
    world.daemon.configure(CONFIG)
    world.daemon.callgate('reload')


def c28_who_is_no_longer_trusted(world):
    """A list that was emptied is empty."""
    trusted_until_a_reload(world)
    c28_a_stranger_asserts_nothing(world)


def c28_the_module_trusts_nobody_longer(world):
    gateway.need_module()
    trusted_until_a_reload(world)
    c28_the_module_believes_no_stranger_either(world)


c28_who_is_no_longer_trusted.config = c28_the_module_trusts_nobody_longer.config = TRUSTED + CONFIG


def c28_who_proved_who_he_is_is_nobody_else(world):
    """From is checked; no other header may say more."""
    caller, callee = calls.fresh(world), calls.fresh(world)
    for lines, left in (([own(caller)], 1), ([BOSS], 0), ([own(caller), BOSS], 0),
                        (['P-Preferred-Identity: <sip:boss@office.example>'], 0)):
        seen, sent = calls.invite(caller, callee, lines=lines)
        check(len(asserted(seen)) == left and not seen.all('p-preferred-identity'), str(seen))
        caller.send(sent)
        again = callee.expect_request('INVITE')
        check(again.data == seen.data, f'{again}\nis not\n{seen}')
        caller.credentials.challenge = None


def c28_nor_who_was_not_asked(world):
    """An inside phone in a stranger's name."""
    caller, callee = world.inside(), calls.fresh(world)
    for line, left in ((BOSS, 0), ('P-Asserted-Identity: <sip:anyone@far.example>', 1)):
        seen, _ = calls.invite(caller, callee, lines=[line])
        check(len(asserted(seen)) == left, str(seen))


def c28_privacy_ends_at_strangers(world):
    """RFC 3325 7: "id" in Privacy."""
    caller, callee = calls.fresh(world), calls.fresh(world, 'outside')
    for privacy, left in (('id', 0), ('user;ID', 0), ('user', 1)):
        seen, _ = calls.invite(caller, callee, lines=[own(caller), f'Privacy: {privacy}'])
        check(len(asserted(seen)) == left and seen.get('privacy') == privacy, str(seen))
        caller.credentials.challenge = None
