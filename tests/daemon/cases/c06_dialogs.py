# SPDX-License-Identifier: BSD-2-Clause
"""One provider for many users, and dialogs whose marks come back whole, cut, or not at all. C06,
C20, C43, C46."""
import re

from calls import CONFIG, address, contact_of, fresh, in_dialog, invite, routes
from peer import check, host
from sipmsg import Message

__all__ = ['CONFIG']
MANY = 25
USERS = [f'd{n}' for n in range(60)]


def token(uri):
    match = re.search(r';cg=([^;?>]*)', uri)
    return match[1] if match else ''


def call(caller, callee):
    """An answered call: what the callee got, and the caller."""
    seen, _ = invite(caller, callee)
    callee.answer(seen, 200, tag=f't-{callee.user}',
                  lines=[f'Contact: <sip:{callee.user}@{callee.hostport};line=7>'])
    final = caller.expect('200', lambda m: m.code == 200
                          and m.get('call-id') == seen.get('call-id'))
    return seen, final


def bye(caller, callee, final, target, route):
    """A BYE to a target by a route; how the callee gets it."""
    caller.send(in_dialog(caller, 'BYE', target, route, call_id=final.get('call-id'), cseq=9,
                          to=address(callee), to_tag=final.tag('to')))
    got = callee.expect_request('BYE')
    callee.answer(got, 200)
    caller.expect('200 of the BYE', lambda m: m.code == 200 and m.cseq()[1] == 'BYE')
    check(got.get('call-id') == final.get('call-id'), 'of another call')
    return got


def c06_one_provider_many_users(world):
    """By one pair of addresses and ports; each request reaches its own device."""
    provider = world.outside()
    phones = [fresh(world) for _ in range(MANY)]
    known = [call(provider, phone)[1] for phone in phones]
    for phone, final in sorted(zip(phones, known), key=lambda pair: pair[0].user):
        got = bye(provider, phone, final, contact_of(final), [])
        check(got.uri == f'sip:{phone.user}@{phone.hostport};line=7', got.uri)
    check(all(phone.silent() for phone in phones), 'a request reached another phone')


def c20_contact_hides_the_phone(world):
    """User and parameters as the phone wrote them, host and port ours, at most 24 characters."""
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    target = contact_of(final)
    check(target.startswith(f'sip:{callee.user}@{host(caller.router)}:5060;line=7;cg='), target)
    check(len('cg=' + token(target)) <= 24, f'{token(target)} is too long')
    check(callee.address not in str(final).replace(f'{callee.user}', ''), f'{final}')


def c43_token_and_route(world):
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    got = bye(caller, callee, final, contact_of(final), routes(final)[::-1])
    check(got.uri == f'sip:{callee.user}@{callee.hostport};line=7', got.uri)
    check(not got.all('route'), f'Route {got.all("route")}')


def c43_token_cut_short(world):
    """The Record-Route knows the device."""
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    target = contact_of(final)
    bye(caller, callee, final, target[:-4], routes(final)[::-1])


def c43_no_token(world):
    """The device of the dialog, though its user has registered another one since."""
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    moved = world.phone(callee.user)
    check(moved.register(lines=[f'Contact: <sip:{callee.user}@{callee.hostport}>;expires=0']).code
          == 200, 'cannot move')
    bye(caller, callee, final, f'sip:{callee.user}@{host(caller.router)}', routes(final)[::-1])
    check(moved.silent(), 'the new device got it')


def c43_no_token_and_no_route(world):
    """By Call-ID and tags."""
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    bye(caller, callee, final, f'sip:{callee.user}@{host(caller.router)}', [])


def c43_dialog_outlives_callgated(world):
    """All that a dialog needs is in its messages."""
    caller, callee = world.outside(), fresh(world)
    _, final = call(caller, callee)
    world.daemon.kill()
    world.daemon.start()
    got = bye(caller, callee, final, contact_of(final), routes(final)[::-1])
    check(got.uri == f'sip:{callee.user}@{callee.hostport};line=7', got.uri)


c43_dialog_outlives_callgated.alone = True


def c43_forged_route_is_no_dialog(world):
    """A Route of ours with another call's token opens nothing: a stranger is not relayed."""
    caller, callee, liar, victim = world.outside(), fresh(world), world.outside(), world.outside()
    _, final = call(caller, callee)
    lines = [f'Route: <{uri}>' for uri in routes(final)[::-1]]
    answer = liar.transact(liar.request('BYE', f'sip:x@{victim.hostport}', lines=lines, cseq=3,
                                        to_tag='t', contact=False))
    check(answer.code in (403, 404, 481), answer.start)
    check(victim.silent(), 'it was relayed')


def c08_a_call_is_no_licence(world):
    """Who had a call may not use its route for something else: not begin anything with it, nor
    reach hosts inside that it did not lead to."""
    caller, callee = world.outside(), fresh(world)
    seen, final = call(caller, callee)
    lines = [f'Route: <{uri}>' for uri in routes(final)[::-1]]
    for method, victim, tag in (('INVITE', world.outside(), None), ('INVITE', world.inside(), None),
                                ('MESSAGE', world.inside(), None), ('BYE', world.inside(), 'callee'),
                                ('MESSAGE', world.inside(), 'made-up'),
                                ('INFO', world.outside(), 'callee')):
        answer = caller.transact(caller.request(
            method, f'sip:x@{victim.hostport}', lines=lines, cseq=50, to_tag=tag,
            call_id=seen.get('call-id')))
        check(answer.code == 403, f'{method}, tag {tag}: {answer.start}')
        check(victim.silent(), f'{method}, tag {tag}: it was relayed')
        more = [*lines, f'Route: <sip:{victim.hostport};lr>']
        answer = caller.transact(caller.request(
            method, contact_of(final), lines=more, cseq=51, to_tag=tag,
            call_id=seen.get('call-id')))
        check(answer.code == 403, f'{method} by Route, tag {tag}: {answer.start}')
        check(victim.silent(), f'{method} by Route, tag {tag}: it was relayed')
    check(callee.silent(), 'it came to the callee')
    got = bye(caller, callee, final, contact_of(final), routes(final)[::-1])
    check(got.method == 'BYE', got.start)


def c46_record_route_of_both_sides(world):
    """RFC 5658: the callee sees its own side first, the caller its own last."""
    caller, callee = world.outside(), fresh(world)
    seen, final = call(caller, callee)
    found = [re.search(r'sip:(\[[^]]*\]|[^:;]*)', uri)[1] for uri in routes(seen)]
    check(found == [host(callee.router), host(caller.router)], str(found))
    check(routes(seen) == routes(final), 'another set came back')
    check(all(';lr' in uri for uri in routes(seen)), 'no lr')


def c46_one_record_route_within_a_side(world):
    caller, callee = fresh(world), fresh(world)
    seen, _ = invite(caller, callee)
    check(len(routes(seen)) == 1, str(routes(seen)))
    check(contact_of(seen) == f'sip:{caller.user}@{caller.hostport}', contact_of(seen))


def c46_loop_is_refused(world):
    """RFC 3261 16.3, item 4: what came through here comes back with the same Request-URI."""
    caller, callee = world.outside(), fresh(world)
    seen, sent = invite(caller, callee)
    text = sent.decode().replace('Via: ', f'Via: SIP/2.0/UDP {caller.hostport};rport;branch='
                                 'z9hG4bKround\r\nVia: ' + seen.all('via')[0] + '\r\nVia: ', 1)
    answer = caller.transact(text.encode())
    check(answer.code == 482, answer.start)
    check(Message(text.encode()).get('call-id') == answer.get('call-id'), 'of another call')
