# SPDX-License-Identifier: BSD-2-Clause
"""Who may register, from where, and with what: C12, C13, and push services (C15)."""
from peer import INSIDE, check, code

CONFIG = '''\
domain "office.example" { registrar = main  sources = { inside, "tls:any" } }
group "phones" { sources = { "udp:lan0" }  max-contacts = 1 }
group "staff" { sources = { any } }
group "secure" { sources = { "tls:any" } }
'''
USERS = [f'u{n}' for n in range(20)]


def change(world, user, *options):
    world.daemon.callgate('users', 'change', *options, f'{user}@{world.domain}')


def both(world, user, inside, outside):
    """The codes that a phone of the user gets on the two sides."""
    for side, wanted in (('inside', inside), ('outside', outside)):
        phone = world.phone(user, side)
        code(phone.register(), wanted)
        code(phone.register(contact='*', expires=0), wanted)


def c13_a_domain_s_sources(world):
    both(world, next(world.unused), 200, 403)


def c13_the_source_is_logged(world):
    user = next(world.unused)
    phone = world.phone(user, 'outside')
    code(phone.register(), 403)
    check(f'{phone.hostport}: {user}@office.example may not register from here'
          in world.daemon.log(), 'no line')


def c13_from_elsewhere_a_wrong_password_is_one(world):
    user = next(world.unused)
    phone = world.peer('outside', 5060).login(user, 'wrong')
    code(phone.register(), 401)


def c13_a_group_s_sources(world):
    user = next(world.unused)
    for group, inside, outside in (('staff', 200, 200), ('phones', 200, 403),
                                   ('secure', 403, 403)):
        change(world, user, '--group', group)
        both(world, user, inside, outside)
    change(world, user, '--no-group')
    both(world, user, 200, 403)


def c13_a_user_s_own_sources(world):
    user = next(world.unused)
    change(world, user, '--group', 'phones', '--source', 'udp:outside')
    both(world, user, 403, 200)
    change(world, user, '--source', f'{INSIDE[world.family]}0/{24 if world.family == 4 else 64}')
    both(world, user, 200, 403)
    change(world, user, '--any-source')
    both(world, user, 200, 403)


def c13_members_of_a_group_that_is_gone(world):
    user = next(world.unused)
    change(world, user, '--group', 'staff')
    both(world, user, 200, 200)
    world.daemon.configure(CONFIG.replace('"staff"', '"others"'))
    world.daemon.callgate('reload')
    both(world, user, 403, 403)


c13_members_of_a_group_that_is_gone.alone = True


def c12_a_group_s_contact_limit(world):
    user = next(world.unused)
    phone = world.phone(user)
    second = f'<sip:{user}@{phone.hostport};transport=tcp>'
    change(world, user, '--group', 'phones')
    code(phone.register(), 200)
    answer = code(phone.register(contact=second), 403)
    check('at most 1 contacts' in answer.get('warning'), str(answer))
    change(world, user, '--max-contacts', '2')
    code(phone.register(contact=second), 200)


def c12_patterns(world):
    """Who does not know the password is not told who may."""
    code(world.phone('u1').register(), 200)
    code(world.phone('u2').register(), 403)
    code(world.phone('u12').register(), 200)
    for user in ('u1', 'u2', 'nobody'):
        code(world.peer('inside', 5060).login(user, 'wrong').register(), 401)


c12_patterns.config = 'domain "office.example" { allow = { "u1*", admin } }\n'


def pushed(phone, service):
    return phone.register(contact=f'<sip:{phone.user}@{phone.hostport};pn-provider={service};'
                                  'pn-prid=abc;pn-param=x>')


def c15_push_services_555(world):
    phone = world.phone('u3')
    answer = code(pushed(phone, 'webpush'), 555)
    check(answer.phrase == 'Push Notification Service Not Supported', answer.start)
    check(not phone.register(contact='none', expires=None).contacts(), 'it was kept')
    code(pushed(phone, 'fcm'), 200)
    code(phone.register(contact='*', expires=0), 200)


c15_push_services_555.config = 'domain "office.example" { push-services = { apns, fcm } }\n'


def c15_push_parameters_are_kept(world):
    """Where no service is named they mean nothing, and come back to the phone with a call."""
    phone, caller = world.fresh_phone(), world.inside()
    code(pushed(phone, 'webpush'), 200)
    caller.send(caller.request('OPTIONS', f'sip:{phone.user}@{world.domain}'))
    seen = phone.expect_request('OPTIONS')
    check(seen.uri.endswith(';pn-provider=webpush;pn-prid=abc;pn-param=x'), seen.uri)
