# SPDX-License-Identifier: BSD-2-Clause
"""callgated and the module together: who takes what, and what outlives whom. C06, C20, C30, C43.

Only where the module is loaded: tests/vm/run --kernel 6.1 -- sh -c
'modprobe callgate && tests/daemon/run'; there all the other cases run with the module, too.
"""
import contextlib
import json
import os
import re
import shutil
import signal

import calls
from calls import fresh
from peer import check, host, need_module, until

CONFIG = calls.CONFIG
CONTROL = '/run/callgate/control.sock'
USERS = [f'g{n}' for n in range(40)]


def counter(world, name):
    need_module()
    status = json.loads(world.daemon.command('status', '--json'))
    return {r['name']: r['count'] for r in status['reasons']}.get(name, 0)


def takes(world, names, function):
    """What a counter goes up by meanwhile."""
    before = [counter(world, name) for name in names]
    result = function()
    return [counter(world, name) - n for name, n in zip(names, before)], result


def c43_kernel_takes_the_call(world):
    """A stranger's call to a registered phone: no message of it comes to callgated."""
    phone, caller = fresh(world), world.outside()
    forwarded, (seen, final) = takes(world, ['forwarded-request', 'forwarded-response', 'up-route'],
                                     lambda: calls.answered_call(world, caller, phone))
    check(forwarded == [2, 2, 0], f'INVITE, ACK; 180, 200: {forwarded}')
    forwarded, _ = takes(world, ['forwarded-request', 'forwarded-response'],
                         lambda: calls.end_call(caller, phone, seen, final))
    check(forwarded[0] == 1, f'BYE: {forwarded}')


def c43_inside_callers_prove_who_they_are(world):
    """A user of ours who calls is challenged: callgated has it all."""
    phone, caller = fresh(world), fresh(world)
    forwarded, _ = takes(world, ['forwarded-request'],
                         lambda: calls.invite(caller, phone))
    check(forwarded == [0], f'{forwarded}')


def c20_unknown_here_asked_for(world):
    """A name that is nobody's: the kernel asks, callgated answers."""
    caller = world.outside()
    asked, answer = takes(world, ['user-asked-for', 'user-answered'], lambda: caller.transact(
        caller.request('INVITE', f'sip:nobody@{world.domain}')))
    check(answer.code == 404, answer.start)
    check(asked == [1, 1], f'{asked}')


def c17_gone_is_gone(world):
    """Who unregisters is not reached by the kernel's copy either."""
    phone, caller = fresh(world), world.outside()
    seen, _ = calls.invite(caller, phone)
    phone.answer(seen, 486, 'Busy')
    caller.expect('486', lambda m: m.code == 486)
    phone.credentials.challenge = None
    check(phone.register(expires=0).code == 200, 'unregisters')
    answer = caller.transact(caller.request('INVITE', calls.address(phone)))
    check(answer.code == 480, answer.start)


def c43_works_on_without_the_daemon(world):
    """callgated is killed in a call: it goes on, a new one begins, and the successor knows all."""
    counter(world, 'forwarded-request')
    phone, caller, other = fresh(world), world.outside(), world.outside()
    seen, final = calls.answered_call(world, caller, phone)
    world.daemon.kill()
    calls.end_call(caller, phone, seen, final)
    second, _ = calls.invite(other, phone)
    world.daemon.start()
    phone.answer(second, 180, 'Ringing')
    other.expect('180', lambda m: m.code == 180)
    late = world.outside()
    third, _ = calls.invite(late, phone)
    phone.answer(third, 486, 'Busy')
    late.expect('486', lambda m: m.code == 486)
    log = world.daemon.log()
    check('in use' not in log, 'it took over the socket')


c43_works_on_without_the_daemon.alone = True


def status(world):
    """callgate status, as text and as JSON; counted by the module, not by callgated."""
    text = world.daemon.command('status')
    return text, json.loads(world.daemon.command('status', '--json'))


def c43_status_with_and_without_the_daemon(world):
    """What the command shows of gateway use, from the start to the next start."""
    counter(world, 'forwarded-request')
    world.nets.router.run('conntrack', '-F')    # of a callgated of another case, at another port
    phone, caller = fresh(world), world.outside()
    before = status(world)[1]['gateway']['counts']
    calls.answered_call(world, caller, phone)
    caller.transact(caller.request('INVITE', f'sip:nobody@{world.domain}'))
    text, found = status(world)
    now = found['gateway']
    more = {name: n - before[name] for name, n in now['counts'].items()}
    check(now['daemon'] and now['daemon_port_id'] and now['gone_seconds'] is None, f'{now}')
    check({s['address'] for s in now['sockets']} == {'0.0.0.0:5060', '[::]:5060'} and
          all(s['claimed'] for s in now['sockets']), f'{now["sockets"]}')
    check(now['locations'] == 1 and now['transactions'] >= 2 and not now['held'], f'{now}')
    check([more[n] for n in ('forwarded_requests', 'forwarded_responses', 'asked', 'answered',
                             'late')] == [2, 2, 1, 1, 0], f'{more}')
    check('gateway    callgated is there' in text and 'locations 1 of ' in text and
          'forwarded: ' in text and '0.0.0.0:5060, [::]:5060' in text, text)
    check(not found['flows']['without_helper'], f'{found["flows"]}')
    check(not any('callgated' in a or 'adopt' in a for a in found['advice']),
          f'{found["advice"]}')
    world.daemon.kill()
    text, found = status(world)
    now = found['gateway']
    check(not now['daemon'] and now['gone_seconds'] < 60 and
          60 < now['takeover_seconds_left'] <= 120, f'{now}')
    check(len(now['sockets']) == 2 and not any(s['claimed'] for s in now['sockets']) and
          all(s['until'] for s in now['sockets']) and now['locations'] == 1, f'{now}')
    check('gateway    callgated went ' in text and 'wait another ' in text, text)
    check(any('callgated is gone' in a and '(1 location)' in a for a in found['advice']),
          f'{found["advice"]}')
    world.daemon.start()
    now = status(world)[1]['gateway']
    check(now['daemon'] and all(s['claimed'] for s in now['sockets']), f'{now}')


c43_status_with_and_without_the_daemon.alone = True


def c43_another_listen_after_a_crash(world):
    """The dead daemon's socket is not in the way of the next one's, which covers its port."""
    counter(world, 'forwarded-request')
    world.daemon.kill()
    world.daemon.configure(f'{CONFIG}listen = {{ "192.168.7.1:5060", "[fd00:7::1]:5060" }}\n')
    world.daemon.start()
    log = world.daemon.log()
    check('0.0.0.0:5060 of the last callgated is closed' in log, log[-2000:])
    sockets = status(world)[1]['gateway']['sockets']
    check({s['address'] for s in sockets} == {'192.168.7.1:5060', '[fd00:7::1]:5060'} and
          all(s['claimed'] for s in sockets), f'{sockets}')
    phone = fresh(world)
    world.daemon.kill()
    world.daemon.configure(CONFIG)
    world.daemon.start()
    sockets = status(world)[1]['gateway']['sockets']
    check({s['address'] for s in sockets} == {'0.0.0.0:5060', '[::]:5060'}, f'{sockets}')
    caller = world.outside()
    seen, _ = calls.invite(caller, phone)
    phone.answer(seen, 486, 'Busy')
    caller.expect('486', lambda m: m.code == 486)
    check('in use' not in world.daemon.log(), 'no port was in use')


c43_another_listen_after_a_crash.alone = True


def c43_the_module_comes_back(world):
    """The module is removed and loaded again under a running callgated."""
    counter(world, 'forwarded-request')
    phone, caller = fresh(world), world.outside()
    until(lambda: not os.system('rmmod callgate 2>/dev/null'), 'rmmod')
    seen, _ = calls.invite(caller, phone)
    phone.answer(seen, 486, 'Busy')
    caller.expect('486', lambda m: m.code == 486)
    check(not os.system('modprobe callgate'), 'modprobe')
    until(lambda: 'the module is here' in world.daemon.log(), 'it is found', limit=15)
    forwarded, _ = takes(world, ['forwarded-request'],
                         lambda: calls.invite(world.outside(), phone))
    check(forwarded == [1], f'{forwarded}')


# a rule with its helper would hold the module
c43_the_module_comes_back.config = CONFIG + 'helper = off\n'


# ---- what goes through the router ----

NAT = '''table inet nat {
  chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
}'''


class Translating:
    """The router forwards, and an admin's rule masquerades."""

    def __init__(self, world):
        self.router = world.nets.router

    def forward(self, value):
        self.router.write('/proc/sys/net/ipv4/ip_forward', value)
        self.router.write('/proc/sys/net/ipv6/conf/all/forwarding', value)

    def __enter__(self):
        self.forward(1)
        self.router.run('nft', '-f', '-', text=NAT)

    def __exit__(self, *_):
        self.forward(0)
        self.router.run('nft', 'delete', 'table', 'inet', 'nat')
        self.router.run('conntrack', '-F')  # no flow without its helper when the module went


def rules(world):
    """What is in callgated's table."""
    with world.nets.router:
        return os.popen('nft list table inet callgate 2>/dev/null').read()


def has_rules(world):
    return rules(world).count('ct helper set "transit"') == 2


@contextlib.contextmanager
def found_by_the_command(world):
    """callgate status asks a callgated at the place where it is by default."""
    os.makedirs(os.path.dirname(CONTROL), exist_ok=True)
    os.symlink(world.daemon.path('control.sock'), CONTROL)
    try:
        yield
    finally:
        os.unlink(CONTROL)


def advised(world, *words):
    """Is each of them said?"""
    said = json.loads(world.daemon.command('status', '--json'))['advice']
    return [any(each in advice for advice in said) for each in words]


def through(world, phone, provider):
    """OPTIONS of a phone to a provider and its answer; what the provider saw."""
    phone.send(phone.request('OPTIONS', f'sip:{provider.hostport}'), (provider.address, 5060))
    seen = provider.expect_request('OPTIONS')
    provider.answer(seen, 200)
    phone.expect('its answer', lambda m: m.code == 200)
    return seen


def c30_transit_and_our_own_port(world):
    """A phone at 5060 behind masquerade: translated by the helper, at another port than ours; and
    what its provider sends to our port comes to callgated."""
    counter(world, 'edited')
    until(lambda: has_rules(world), 'the rules')
    phone, provider = world.inside(), world.outside()
    world.nets.router.run('conntrack', '-F')    # of a peer of another case with its address
    with Translating(world):
        kept, seen = takes(world, ['sip-port-kept-free', 'edited'],
                           lambda: through(world, phone, provider))
        check(seen.source[0] == provider.router and seen.source[1] != 5060, str(seen.source))
        place = f'{host(provider.router)}:{seen.source[1]}'
        check(place in seen.all('via')[0], f'{place} is not in {seen.all("via")[0]}')
        check(kept[0] == 1 and kept[1] >= 1, str(kept))
        check(provider.silent() and not phone.kept, 'callgated does not answer the provider')
        through(world, phone, provider)


c30_transit_and_our_own_port.alone = True


def c30_the_rules_come_and_go(world):
    """Off and on by a reload; back after a flush; gone at an orderly end, while the sets stay."""
    counter(world, 'edited')
    until(lambda: has_rules(world), 'the rules')
    for more, there in (('helper = off\n', False), ('', True)):
        world.daemon.configure(CONFIG + more)
        os.kill(world.daemon.process.pid, signal.SIGHUP)
        until(lambda there=there: has_rules(world) == there, f'rules {there} by a reload')
        with found_by_the_command(world):
            check(advised(world, 'no rule assigns') == [False], 'it is the word of the admin')
    world.nets.router.run('nft', 'flush', 'ruleset')
    until(lambda: has_rules(world) and 'chain bans' in rules(world), 'back after a flush', limit=60)
    world.daemon.kill()
    world.daemon.start()
    until(lambda: has_rules(world), 'once after a kill')
    world.daemon.stop()
    check('banned4' in rules(world), 'the sets are gone')
    check('chain' not in rules(world) and 'ct helper' not in rules(world), rules(world))
    check('SIP by TCP passes untouched' in world.daemon.log(), 'nothing of TCP in the log')


c30_the_rules_come_and_go.alone = True


def handles(world):
    """Of the chain and of its rule."""
    with world.nets.router:
        text = os.popen('nft -a list chain inet callgate transit 2>/dev/null').read()
    return re.findall(r'# handle (\d+)', text)


def c30_the_rules_hold_the_module(world):
    """A crash leaves the rules, the next start replaces them in one step; an orderly end, or the
    admin, takes them away, and the module can be removed."""
    counter(world, 'edited')
    until(lambda: has_rules(world), 'the rules')
    check(os.system('rmmod callgate 2>/dev/null'), 'removed under its rules')
    before = handles(world)
    world.daemon.kill()
    check(handles(world) == before, 'they stay after a crash')
    world.daemon.start()
    until(lambda: has_rules(world) and handles(world)[1] != before[1], 'rules of the next one')
    check(handles(world)[0] == before[0], 'the chain was away meanwhile')
    world.daemon.kill()
    world.nets.router.run('nft', 'delete', 'table', 'inet', 'callgate')
    check(advised(world, 'callgated makes such rules') == [True], 'what is missing')
    for end in ('crash', 'stop'):
        until(lambda: not os.system('rmmod callgate 2>/dev/null'), f'rmmod after a {end}')
        check(not os.system('modprobe callgate'), 'modprobe')
        if end == 'crash':
            world.daemon.start()
            until(lambda: has_rules(world), 'the rules again')
            world.daemon.stop()


c30_the_rules_hold_the_module.alone = True


IN_THE_WAY = '''table inet callgate {
  chain transit { }
  chain admin { jump transit; }
}'''


def c30_what_nft_refuses_is_tried_again(world):
    """A chain that is in use has the name of ours: said once, and over when it is gone."""
    counter(world, 'edited')
    world.daemon.stop()
    run = world.nets.router.run
    run('nft', 'delete', 'table', 'inet', 'callgate')
    run('nft', '-f', '-', text=IN_THE_WAY)
    before = len(world.daemon.log())
    world.daemon.start()
    check('ct helper' not in rules(world), rules(world))
    run('nft', 'flush', 'chain', 'inet', 'callgate', 'admin')
    until(lambda: has_rules(world), 'the rules', limit=60)
    said = world.daemon.log()[before:]
    check(said.count('SIP through this router is not translated') == 1, said)
    check('SIP by UDP through this router is served' in said, said)


c30_what_nft_refuses_is_tried_again.alone = True


GIVES, FORWARDS = 'gives flows port 5060', 'forwards port 5060'
NAT_RULES = (
    ('postrouting', 'meta l4proto udp snat ip to 198.51.100.1:5060', GIVES),
    ('postrouting', 'meta l4proto udp snat ip6 to [2001:db8::7]:5060', GIVES),
    ('postrouting', 'meta l4proto { tcp, udp } masquerade to :5060', GIVES),
    ('postrouting', 'meta l4proto udp snat ip to 198.51.100.1:5060-5070', None),
    ('postrouting', 'meta l4proto udp snat ip to 198.51.100.1:5061', None),
    ('postrouting', 'meta l4proto tcp masquerade to :5060', None),
    ('postrouting', 'masquerade', None),
    ('prerouting', 'udp dport { 5059-5061 } dnat ip to 192.168.7.9', FORWARDS),
    ('prerouting', 'udp dport 5061 dnat ip to 192.168.7.9:5060', None),
    ('prerouting', 'tcp dport 5060 dnat ip to 192.168.7.9', None),
)
IPTABLES = (
    ('POSTROUTING -p udp -j SNAT --to-source 198.51.100.1:5060', GIVES),
    ('POSTROUTING -p udp -j MASQUERADE --to-ports 5060', GIVES),
    ('POSTROUTING -p udp -j SNAT --to-source 198.51.100.1:5060-5070', None),
    ('POSTROUTING -j SNAT --to-source 198.51.100.1', None),
    ('POSTROUTING -p tcp -j MASQUERADE --to-ports 5060', None),
    ('PREROUTING -p udp --dport 5060 -j DNAT --to-destination 192.168.7.9', FORWARDS),
    ('PREROUTING -p udp --dport 5062 -j DNAT --to-destination 192.168.7.9:5060', None),
)


def is_said(world, rule, words):
    said = advised(world, GIVES, FORWARDS)
    check(said == [words == GIVES, words == FORWARDS], f'{rule}: {said}')


def c43_status_says_what_hides_the_port(world):
    """NAT rules of the admin that name callgated's port have their way, and status says so."""
    counter(world, 'edited')
    run = world.nets.router.run
    for hook, rule, words in NAT_RULES:
        run('nft', '-f', '-', text=f'table inet admin {{ chain c {{ type nat hook {hook} '
            f'priority 0; {rule}; }}; }}\n')
        is_said(world, rule, words)
        run('nft', 'delete', 'table', 'inet', 'admin')
    for rule, words in IPTABLES if shutil.which('iptables') else ():
        run('iptables', '-t', 'nat', '-A', *rule.split())
        is_said(world, rule, words)
        run('iptables', '-t', 'nat', '-F')


c43_status_says_what_hides_the_port.families = (4,)     # it has the rules of both
