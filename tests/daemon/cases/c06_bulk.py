# SPDX-License-Identifier: BSD-2-Clause
"""C06, RFC 6140: a PBX registers all its numbers with one Contact."""
import calls
from peer import check, host

CONFIG = 'domain "office.example" { registrar = main }\n'
NUMBERS = ('+493012345', '+493012346')


def pbx_of(world):
    """A PBX with two numbers, registered."""
    pbx = world.phone('pbx')
    if not getattr(world, 'has_pbx', False):
        world.has_pbx = True
        world.add_user('pbx', None, *(word for n in NUMBERS for word in ('--alias', n)))
    answer = pbx.register(contact=f'<sip:{pbx.hostport};bnc>', lines=[
        'Require: gin', 'Proxy-Require: gin', 'Supported: path'])
    check(answer.code == 200, answer.start)
    check(f'sip:{pbx.hostport};bnc' in answer.contacts(), str(answer))
    return pbx


def c06_each_number_reaches_the_pbx(world):
    """With the number that was called, and without the mark of the Contact."""
    pbx, caller = pbx_of(world), world.outside()
    for number in (*NUMBERS, 'pbx'):
        for uri in (f'sip:{number}@{world.domain}', f'sip:{number}@{host(caller.router)}'):
            seen, _ = calls.invite(caller, pbx, uri=uri)
            check(seen.uri == f'sip:{number}@{pbx.hostport}', f'{uri} became {seen.uri}')
    answer = caller.transact(caller.request('INVITE', f'sip:+493012399@{world.domain}'))
    check(answer.code == 404, f'a number of nobody: {answer.start}')


def c06_bulk_contact_with_a_user_400(world):
    pbx = pbx_of(world)
    answer = pbx.register(contact=f'<sip:pbx@{pbx.hostport};bnc>', lines=['Require: gin'])
    check(answer.code == 400, answer.start)
