# SPDX-License-Identifier: BSD-2-Clause
"""A thousand users on a thousand devices behind one address and port of a provider, all at once.
C06, C20, C43: each request reaches its own device, each answer comes back to who asked. $SEED: the
order of an earlier run."""
import heapq
import itertools
import os
import random
import re
import resource
import select
import time

from calls import address, contact_of, routes
from peer import BITS, LIMIT, OUTSIDE, PEERS, T1, T2, check, host
from sipmsg import Message, unique

MANY = 1000
AT_ONCE = 100
USERS = [f'm{n}' for n in range(MANY)]
CONFIG = (f'trusted = {{ "{OUTSIDE[4]}0/{BITS[4]}", "{OUTSIDE[6]}/{BITS[6]}" }}\n'
          'durability = none\ndomain "office.example" { registrar = main }\n')
METHODS = ('INVITE', 'OPTIONS', 'MESSAGE')
SEED = int(os.environ.get('SEED') or random.randrange(1 << 32))


class Asked:
    """A request on its way, and what is to become of it."""

    def __init__(self, device, method, data, whole=False):
        self.device, self.method, self.data, self.whole = device, method, data, whole
        self.message = Message(data)
        self.interval, self.arrived, self.answer = T1, 0, None

    def reached_by(self, uri):
        """With its whole mark the Request-URI is what the device published, else its address."""
        where = f'sip:{self.device.user}@{self.device.hostport}'
        if self.whole:
            return uri == f'{where};line=7'
        return uri == where or (self.message.tag('to') and uri.startswith(f'{where};line=7'))


class Traffic:
    """The provider's one socket, all devices, and what is between them."""

    def __init__(self, world, provider, devices):
        self.world, self.provider = world, provider
        self.asked, self.open, self.again, self.ticks = {}, 0, [], itertools.count()
        self.crossed, self.last = [], 0
        self.who = {peer.sock.fileno(): peer for peer in [provider, *devices]}
        self.poll = select.epoll()
        for fd in self.who:
            self.poll.register(fd, select.EPOLLIN)

    def ask(self, *request):
        asked = Asked(*request)
        self.asked[asked.message.get('call-id'), *asked.message.cseq()] = asked
        self.provider.send(asked.data)
        if asked.method != 'ACK':
            self.open += 1
            self.later(asked)
        return asked

    def later(self, asked):
        heapq.heappush(self.again, (time.monotonic() + asked.interval, next(self.ticks), asked))
        asked.interval = min(2 * asked.interval, T2)

    def turn(self):
        """What came, and what is to be sent again."""
        for fd, _ in self.poll.poll(0.05):
            peer = self.who[fd]
            data, source = peer.sock.recvfrom(70000)
            message = Message(data)
            message.source = source[:2]
            (self.at_provider if peer is self.provider else self.at_device)(peer, message)
        while self.again and self.again[0][0] <= time.monotonic():
            asked = heapq.heappop(self.again)[2]
            if not asked.answer:
                self.provider.send(asked.data)
                self.later(asked)

    def at_device(self, device, message):
        asked = self.asked.get((message.get('call-id'), *message.cseq()))
        if not asked or asked.device is not device or not asked.reached_by(message.uri):
            self.crossed.append(f'{device.user} at {device.hostport} got {message.start} of '
                                f'{message.get("to")}')
            return
        asked.arrived += 1
        self.last = time.monotonic()
        if message.method == 'ACK':
            return
        tag = f't-{device.user}'
        if message.method == 'INVITE' and not message.tag('to'):
            device.answer(message, 180, 'Ringing', tag=tag)
        device.answer(message, 200, tag=tag,
                      lines=[f'Contact: <sip:{device.user}@{device.hostport};line=7>'])

    def at_provider(self, _, message):
        asked = self.asked.get((message.get('call-id'), *message.cseq()))
        wrong = self.not_mine(asked, message)
        if wrong:
            self.crossed.append(f'the provider got {message.start}: {wrong}')
        elif message.code >= 200 and not asked.answer:
            asked.answer = message
            self.open -= 1
            if asked.method == 'INVITE':
                self.acknowledge(asked)

    @staticmethod
    def not_mine(asked, message):
        """Why this is no answer to what was asked."""
        if not asked or not message.response:
            return 'nobody asked that'
        sent, back = asked.message.get('via'), message.all('via')
        plain = re.sub(r';(received|rport)(=[^;]*)?', '', back[0])
        if len(back) != 1 or plain != re.sub(r';rport', '', sent):
            return f'Via {back}, sent {sent}'
        if message.tag('to') != f't-{asked.device.user}':
            return f'{asked.device.user} was asked, {message.get("to")} answers'
        return '' if message.code in (180, 200) else 'refused'

    def acknowledge(self, asked):
        final = asked.answer
        self.ask(asked.device, 'ACK', in_dialog(self.provider, 'ACK', asked, contact_of(final),
                                                routes(final)[::-1], asked.message.cseq()[0]),
                 True)

    def goes_on(self):
        return not self.crossed and time.monotonic() < self.last + LIMIT

    def all(self, requests):
        """Sends them, so many at once, until each is answered and each ACK is there."""
        begun = []
        self.last = time.monotonic()
        for request in requests:
            begun.append(self.ask(*request()))
            while self.open >= AT_ONCE and self.goes_on():
                self.turn()
        while self.goes_on() and (self.open or
                                  not all(a.arrived for a in self.asked.values())):
            self.turn()
        lost = [a for a in self.asked.values() if not a.arrived or
                (a.method != 'ACK' and not a.answer)]
        check(not self.crossed, f'seed {SEED}: {len(self.crossed)} crossed: {self.crossed[:3]}')
        check(not lost, f'seed {SEED}: {len(lost)} lost: '
                        + ', '.join(f'{a.method} to {a.device.user}' for a in lost[:5]))
        return begun


def in_dialog(provider, method, call, target, route, cseq):
    """A request of the provider in the dialog of a call that was answered."""
    return provider.request(method, target, cseq=cseq, to=address(call.device),
                            to_tag=call.answer.tag('to'), call_id=call.message.get('call-id'),
                            lines=[f'Route: <{uri}>' for uri in route])


def first(provider, device, method):
    return device, method, provider.request(method, address(device), call_id=unique('thousand'))


def follow(provider, call, method, cseq, how):
    """The target as the device published it, its mark whole, cut or gone; by route or not."""
    target, route = contact_of(call.answer), routes(call.answer)[::-1]
    if how == 'cut':
        target = target[:-5]
    elif how in ('gone', 'nothing'):
        target = f'sip:{call.device.user}@{host(provider.router)}'
    if how in ('bare', 'nothing'):
        route = []
    data = in_dialog(provider, method, call, target, route, cseq)
    return call.device, method, data, how in ('whole', 'bare')


def registered(world):
    """A device for each user."""
    devices = []
    for number, user in enumerate(USERS):
        device = world.inside(5060 + 2 * (number // len(PEERS))).login(user, f'{user}-secret')
        answer = device.register()
        check(answer.code == 200, f'{user} cannot register: {answer.start}')
        devices.append(device)
    return devices


def c06_thousand_users_one_provider(world):
    dice = random.Random(SEED)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], min(4096, limit[1])), limit[1]))
    provider = world.outside()
    traffic = Traffic(world, provider, registered(world))
    devices = list(traffic.who.values())[1:]
    wanted = [(device, method) for device in devices for method in METHODS]
    dice.shuffle(wanted)
    asked = traffic.all(lambda d=d, m=m: first(provider, d, m) for d, m in wanted)
    calls = [a for a in asked if a.method == 'INVITE']
    hows = ('whole', 'bare', 'cut', 'gone', 'nothing')
    for number, method in enumerate(('INVITE', 'BYE')):
        dice.shuffle(calls)
        traffic.all(lambda c=c, how=hows[n % len(hows)]: follow(provider, c, method, 2 + number,
                                                               how)
                    for n, c in enumerate(calls))
    check(len(calls) == MANY and len(traffic.asked) == 7 * MANY,
          f'{len(calls)} calls, {len(traffic.asked)} requests')
