# SPDX-License-Identifier: BSD-2-Clause
"""What callgated has and what the module has are the same again within two seconds, whatever came
between them: both are dumped and compared. C06, C16; only with the module (cases/gateway.py)."""
import contextlib
import json
import operator
import os
import signal
import socket
import time

from lib import gate
from peer import LIMIT, Failed, Skipped, check, until
from sipmsg import host

CONFIG = '''\
domain "office.example" { registrar = main }
domain "voip.example" { registrar = passive }
durability = 1s
helper = off
'''
USERS = [f't{n}' for n in range(30)]
PHONES = 12
SOON = 2.0 * float(os.environ.get('LAB_SLOW', '1'))
STOPPED = 10
LOOKS = 2.0         # callgated looks for the module this often
PAUSE = 0.1         # between two turns of the load
MANY, LATE = 400, 20
RECEIVE = '/proc/sys/net/core/rmem_max'
HELPER = '''\
table {family} tables {{
	ct helper sip {{ type "callgate" protocol udp; }}
	chain in {{
		type filter hook prerouting priority 0;
		iifname "lan0" udp dport 5060 ct helper set "sip"
	}}
	chain nat {{
		type nat hook postrouting priority 100;
		oifname "wan0" masquerade
	}}
}}
'''


def need_module():
    if not os.path.isdir('/sys/module/callgate'):
        raise Skipped('the module is not loaded')


# ---- the two tables

def now():
    return gate.boot_ms() / 1000


def ours(world):
    """callgated's: id, user, contact, source; how long is left."""
    with world.nets.router, socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(LIMIT)
        sock.connect(world.daemon.path('control.sock'))
        sock.sendall(b'{"do": "registrations"}\n')
        with sock.makefile() as lines:
            found = {}
            for line in lines:
                answer = json.loads(line)
                if 'item' not in answer:
                    check(answer['ok'], line)
                    return found
                one = answer['item']
                found[one['id'], one['aor'], one['contact'], one['source']] = one['left']
    raise Failed('callgated ended in its list')


def place(wire):
    family = socket.AF_INET if len(wire) == 6 else socket.AF_INET6
    return f'{host(socket.inet_ntop(family, wire[:-2]))}:{int.from_bytes(wire[-2:], "big")}'


def string(wire):
    return wire.rstrip(b'\0').decode()


def theirs(link):
    """The module's, as it lists them; when it ends."""
    return {(int.from_bytes(one[gate.L_ID], 'little'), string(one[gate.L_AOR]),
             string(one[gate.L_URI]), place(one[gate.L_REMOTE])):
            int.from_bytes(one[gate.L_EXPIRES], 'little') / 1000 for one in link.locations()}


def differences(world, link):
    """How many there are; what only one of them has, or both with another end."""
    begun = now()
    mine = ours(world)
    listed = now()
    other = theirs(link)
    wrong = {one for one in mine.keys() & other.keys()
             if not begun - 2 < other[one] - mine[one] < listed + 2}
    return len(mine), (mine.keys() ^ other.keys()) | wrong


def soon(since, what):
    """Nothing differs in a comparison that was begun within two seconds: comparing takes long."""
    while True:
        took = time.monotonic() - since
        wrong = what()
        if not wrong:
            return
        check(took < SOON, f'{len(wrong)} differ after {took:.1f} s: {sorted(wrong)[:4]}')


def equal_soon(world, link, since, least=1):
    count = 0

    def compared():
        nonlocal count
        count, wrong = differences(world, link)
        return wrong

    soon(since, compared)
    check(count >= least, f'{count} locations, and {least} registered')


@contextlib.contextmanager
def link_of(world):
    link = gate.Daemon(world.nets.router)
    try:
        yield link
    finally:
        link.close()


# ---- load

class Load:
    """Phones that move with each REGISTER, and a stranger who asks for nobody: nothing is waited
    for, as callgated may be away."""

    def __init__(self, world, number=PHONES):
        self.world, self.stranger = world, world.outside()
        self.phones = [world.phone(user) for user in USERS[:number]]
        self.cseq, self.at = {}, {}
        for phone in self.phones:
            answer = phone.register()
            check(answer.code == 200, answer.start)
            self.cseq[phone], self.at[phone] = 10, phone.hostport

    def move(self, phone):
        self.cseq[phone] += 1
        uri, user = f'sip:{self.world.domain}', phone.user
        lines = [phone.credentials.line('REGISTER', uri), 'Contact: '
                 f'<sip:{user}@{self.at[phone]};n={self.cseq[phone]}>;expires=3600']
        phone.send(phone.request('REGISTER', uri, to=f'sip:{user}@{self.world.domain}',
                                 call_id=f'load-{user}', cseq=self.cseq[phone], lines=lines))

    def turn(self):
        for number, phone in enumerate(self.phones):
            self.move(phone)
            self.stranger.send(self.stranger.request(
                'MESSAGE', f'sip:nobody-{number}-{self.cseq[phone]}@{self.world.domain}'))
            while phone.receive(0) or self.stranger.receive(0):
                pass
        self.stranger.receive(PAUSE)

    def settled(self):
        """callgated answers in order: what was sent before this is done, or was dropped."""
        self.stranger.transact(self.stranger.request('OPTIONS', f'sip:{self.world.domain}'))


# ---- cases

def c06_tables_after_a_stop(world):
    """SIGSTOP for ten seconds, with REGISTERs and questions all the time."""
    need_module()
    load = Load(world)
    with link_of(world) as link:
        equal_soon(world, link, time.monotonic(), PHONES)
        before = theirs(link).keys()
        world.daemon.process.send_signal(signal.SIGSTOP)
        try:
            end = time.monotonic() + STOPPED
            while time.monotonic() < end:
                load.turn()
        finally:
            world.daemon.process.send_signal(signal.SIGCONT)
        load.settled()
        since = time.monotonic()
        until(lambda: theirs(link).keys() != before, 'what waited is done')
        equal_soon(world, link, since, PHONES)
        load.turn()
        load.settled()
        equal_soon(world, link, time.monotonic(), PHONES)


def c06_tables_after_a_restart(world):
    """Killed; what the module has is changed meanwhile: one gone, one false, one elsewhere."""
    need_module()
    load = Load(world)
    with link_of(world) as link:
        equal_soon(world, link, time.monotonic(), PHONES)
        world.daemon.kill()
        (lost, user, *_), (moved, second, uri, _), *_ = sorted(theirs(link))
        phone = load.phones[0]
        elsewhere = ('192.0.2.77', 5060) if world.family == 4 else ('2001:db8:77::7', 5060)
        local = (phone.router, 5060)
        link.forget(lost, user)
        link.locate(1 << 40, f'ghost@{world.domain}', f'sip:ghost@{host(elsewhere[0])}', elsewhere,
                    local)
        link.locate(moved, second, uri, elsewhere, local)
        world.daemon.start()
        equal_soon(world, link, time.monotonic(), PHONES)


def c06_tables_after_a_reload(world):
    """The module goes, phones move, it comes back: empty, and then as callgated."""
    need_module()
    load = Load(world)
    until(lambda: not os.system('rmmod callgate 2>/dev/null'), 'rmmod')
    load.turn()
    check(not os.system('modprobe callgate'), 'modprobe')
    since = time.monotonic() + LOOKS
    with link_of(world) as link:
        equal_soon(world, link, since, PHONES)


@contextlib.contextmanager
def forwarding(world):
    """Phones reach the outside through the router, the helper on the way."""
    router, family = world.nets.router, 'ip' if world.family == 4 else 'ip6'
    names = 'ipv4/ip_forward', 'ipv6/conf/all/forwarding'
    for name in names:
        router.write(f'/proc/sys/net/{name}', 1)
    router.run('nft', '-f', '-', text=HELPER.format(family=family))
    try:
        yield
    finally:
        router.run('nft', 'delete', 'table', family, 'tables')
        for name in names:
            router.write(f'/proc/sys/net/{name}', 0)


def granted(phone, provider, users, expires=3600):
    """Registrations at the provider; each is granted."""
    for user in users:
        uri = 'sip:voip.example'
        phone.send(phone.request(
            'REGISTER', uri, user=user, domain='voip.example', to=f'sip:{user}@voip.example',
            lines=[f'Contact: <sip:{user}@{phone.hostport}>', f'Expires: {expires}']),
            (provider.address, 5060))
        got = provider.expect_request('REGISTER')
        provider.answer(got, 200, lines=[f'Contact: {got.get("contact")};expires={expires}']
                        if expires else [])
        phone.expect('200', lambda m: m.code == 200)


def passive(world):
    """Those of the passive domain: callgated's and the module's."""
    text = world.daemon.command('registrations', '--json', '--config',
                                world.daemon.path('callgate.conf'))
    found = json.loads(text)
    return ({(one['aor'], one['contact']) for one in found['locations']
             if one['origin'] == 'passive'},
            {(one['aor'].removeprefix('sip:'), one['contact']) for one in found['registrations']})


def overruns(world):
    """Messages that a netlink socket of the router had no room for."""
    return sum(int(line.split()[8]) for line in world.nets.router.read('netlink').splitlines()[1:])


def write(name, text):
    with open(name, 'w', encoding='ascii') as file:
        file.write(text)


@contextlib.contextmanager
def small_sockets():
    """Whatever is opened meanwhile has little room."""
    with open(RECEIVE, encoding='ascii') as file:
        kept = file.read()
    write(RECEIVE, '32768')
    try:
        yield
    finally:
        write(RECEIVE, kept)


def all_known(world):
    """How many; 0: not all, or none."""
    mine, other = passive(world)
    return len(mine) if mine == other else 0


def overrun(world):
    """Of the second registration callgated will read that it began, and not that it ended."""
    phone, provider = world.inside(), world.outside()
    granted(phone, provider, ['first'])
    first = until(lambda: all_known(world), 'the first is known')
    before = overruns(world)
    world.daemon.process.send_signal(signal.SIGSTOP)
    try:
        granted(phone, provider, ['second'] + [f'p{n}' for n in range(MANY)])
        granted(phone, provider, ['second'], 0)
    finally:
        world.daemon.process.send_signal(signal.SIGCONT)
    granted(phone, provider, [f'late{n}' for n in range(LATE)])
    since = time.monotonic()
    check(overruns(world) > before, 'nothing was lost: the socket is too large')
    soon(since, lambda: operator.xor(*passive(world)))
    mine, _ = passive(world)
    check(len(mine) == first + MANY + LATE, f'{len(mine)} and not {first + MANY + LATE}')


def c06_tables_after_an_overrun(world):
    """ENOBUFS: more events than callgated's socket holds, while it is stopped."""
    need_module()
    with small_sockets():
        world.daemon.stop()
        world.daemon.start()
    with forwarding(world):
        overrun(world)
    with link_of(world) as link:
        equal_soon(world, link, time.monotonic(), MANY + LATE + 1)


for each in (c06_tables_after_a_stop, c06_tables_after_a_restart, c06_tables_after_a_reload,
             c06_tables_after_an_overrun):
    each.alone = True
