# SPDX-License-Identifier: BSD-2-Clause
"""Peers with the transactions of RFC 3261 (17.1, 13.3.1.4), many of them in one loop: who is not
answered asks again, in T1, 2*T1 and so on, and gives up after 64*T1."""
import heapq
import itertools
import select
import time

from peer import T1, T2, Peer
from sipmsg import Message

GIVE_UP = 64 * T1


class Loop:
    """What came, and what is due."""

    def __init__(self):
        self.poll, self.who = select.epoll(), {}
        self.timers, self.ticks = [], itertools.count()

    def add(self, sock, readable):
        self.who[sock.fileno()] = readable
        self.poll.register(sock.fileno(), select.EPOLLIN)

    def at(self, delay, what):
        heapq.heappush(self.timers, (time.monotonic() + delay, next(self.ticks), what))

    def turn(self):
        left = self.timers[0][0] - time.monotonic() if self.timers else 0.05
        for fd, _ in self.poll.poll(max(0, min(left, 0.05))):
            self.who[fd]()
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()

    def until(self, condition, limit):
        end = time.monotonic() + limit
        while not condition() and time.monotonic() < end:
            self.turn()
        return condition()


class Asked:
    """A client transaction. done(asked): the first final answer came, or none (answer None)."""

    def __init__(self, agent, data, done):
        self.agent, self.data, self.done = agent, data, done
        self.message = Message(data)
        self.method = self.message.method
        self.answer, self.ended, self.finals, self.ack = None, False, set(), None
        self.sent, self.quiet = 0, False
        self.lives = [agent.world.lives] * 2  # of the daemon: at the beginning, at the last answer
        self.interval, self.end = T1, time.monotonic() + GIVE_UP
        self.send()

    def send(self):
        if self.ended:
            return
        if time.monotonic() >= self.end:
            self.ended = True
            self.done(self)
            return
        if not self.quiet:
            self.agent.send(self.data)
            self.sent += 1
        self.agent.loop.at(self.interval, self.send)
        self.interval *= 2
        if self.method != 'INVITE':
            self.interval = min(self.interval, T2)

    def came(self, answer):
        """INVITE: a provisional answer ends the repetition, a final one gets its ACK each time."""
        if answer.code < 200:
            self.quiet = self.method == 'INVITE'
            self.end = max(self.end, time.monotonic() + GIVE_UP)
            return
        self.finals.add((answer.code, answer.tag('to')))
        self.lives[1] = self.agent.world.lives
        if self.method == 'INVITE' and answer.code >= 300:
            self.ack = self.agent.ack(self.data, answer)
        if not self.ended:
            self.answer, self.ended = answer, True
            self.done(self)
        if self.ack:
            self.agent.send(self.ack)


class Served:
    """A server transaction: a copy of the request gets what it got; a final answer to an INVITE
    is repeated until its ACK."""

    def __init__(self, agent, request):
        self.agent, self.request = agent, request
        self.code, self.sent, self.acked = 0, None, request.method != 'INVITE'
        self.interval, self.left = T1, 11

    def answer(self, code, phrase='OK', **fields):
        self.code, self.sent = code, (code, phrase, fields)
        self.again()
        if not self.acked and code >= 200:
            self.agent.loop.at(self.interval, self.repeat)

    def again(self):
        if self.sent:
            self.agent.answer(self.request, *self.sent[:2], **self.sent[2])

    def repeat(self):
        if self.acked or not self.left:
            return
        self.again()
        self.left -= 1
        self.interval = min(2 * self.interval, T2)
        self.agent.loop.at(self.interval, self.repeat)


class Agent(Peer):
    """A peer whose requests and answers go by themselves. serve(served): a new request came."""

    def __init__(self, world, space, address, port):
        super().__init__(world, space, address, port)
        self.loop, self.asked, self.served, self.serve = world.loop, {}, {}, None
        self.strays = []
        self.sock.setblocking(False)
        self.loop.add(self.sock, self.readable)

    def ask(self, data, done):
        asked = Asked(self, data, done)
        self.asked[asked.message.branch(), asked.method] = asked
        return asked

    def readable(self):
        """All that came: the one with many peers must not fall behind the many."""
        while True:
            try:
                data, source = self.sock.recvfrom(70000)
            except BlockingIOError:
                return
            except OSError:     # what an ICMP error says is for the timers to find out
                continue
            self.came(data, source)

    def came(self, data, source):
        message = Message(data)
        message.source = source[:2]
        if message.response:
            asked = self.asked.get((message.branch(), message.cseq()[1]))
            if asked and asked.message.get('call-id') == message.get('call-id'):
                asked.came(message)
            else:
                self.strays.append(message)
        else:
            self.request_came(message)

    def request_came(self, message):
        if message.method == 'ACK':
            for served in self.served.values():
                if served.request.method == 'INVITE' and served.request.cseq()[0] == \
                        message.cseq()[0] and \
                        served.request.get('call-id') == message.get('call-id'):
                    served.acked = True
            return
        key = message.branch(), message.method
        if key in self.served:
            self.served[key].again()
            return
        self.served[key] = Served(self, message)
        self.serve(self.served[key])
