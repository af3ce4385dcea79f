# SPDX-License-Identifier: BSD-2-Clause
"""Callers whom a user does not want: 433, 603, 607 (C21)."""
import json

import calls
from peer import check
from sipmsg import unique

CONFIG = calls.CONFIG
USERS = calls.USERS


def code(caller, uri, lines=(), **who):
    """Of an INVITE by this user and domain, which nobody gets."""
    answer = caller.transact(caller.request('INVITE', uri, call_id=unique('screen'),
                                            lines=list(lines), **who))
    return answer.code


def change(world, phone, *options):
    world.daemon.callgate('users', 'change', *options, f'{phone.user}@{world.domain}')


def blocked(world, phone):
    shown = world.daemon.callgate('users', 'show', '--json', f'{phone.user}@{world.domain}')
    return [(b['caller'], b['code']) for b in json.loads(shown)['blocked']]


EVE = {'user': 'eve', 'domain': 'far.example'}
SPAM = {'user': 'anybody', 'domain': 'spam.example'}
NOBODY = {'user': 'anonymous', 'domain': 'anonymous.invalid'}


def c21_blocked_callers(world):
    callee, caller = calls.fresh(world), world.outside()
    uri = calls.address(callee)
    change(world, callee, '--block', 'sip:eve@far.example', '--block', '*@spam.example=607')
    check(blocked(world, callee) == [('*@spam.example', 607), ('eve@far.example', 603)], 'the list')
    check(code(caller, uri, **EVE) == 603, 'the one')
    check(code(caller, uri, **SPAM) == 607, 'the pattern')
    check(code(caller, f'{uri};transport=udp', **SPAM) == 607, 'by another URI')
    calls.invite(caller, callee)
    change(world, callee, '--unblock', 'eve@far.example', '--unblock', '*@spam.example')
    check(not blocked(world, callee), 'the list')
    calls.invite(caller, callee, **EVE)


def c21_anonymous_callers(world):
    callee, caller = calls.fresh(world), world.outside()
    uri = calls.address(callee)
    change(world, callee, '--no-anonymous')
    check(code(caller, uri, **NOBODY) == 433, 'anonymous')
    check(code(caller, uri, ['Privacy: id']) == 433, 'Privacy')
    calls.invite(caller, callee)
    change(world, callee, '--anonymous')
    calls.invite(caller, callee, **NOBODY)


def c21_blocked_by_a_user_who_is_away(world):
    """The caller cannot tell by it whether he is there."""
    callee, caller = calls.fresh(world, registered=False), world.outside()
    change(world, callee, '--block', 'eve@*')
    check(code(caller, calls.address(callee), **EVE) == 603, 'blocked')
    check(code(caller, calls.address(callee)) == 480, 'away')
