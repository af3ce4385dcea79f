# SPDX-License-Identifier: BSD-2-Clause
"""callgated on a router of network namespaces, and peers inside and outside of it.

    inside peers -- lan0 [ router: callgated ] wan0 -- outside peers

Each side is a namespace with one cable to the router's. Nothing waits for a time to pass: a peer
waits for a message, up to a limit, or sends something that is answered behind what must not come.
"""
import contextlib
import hashlib
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'scenario'))
from lib import net  # noqa: E402

from sipmsg import ALGORITHMS, Credentials, Message, challenges, host, unique  # noqa: E402

CALLGATED = os.path.abspath(os.environ.get('CALLGATED') or
                            os.path.join(ROOT, 'build', 'callgated'))
LIMIT = 10.0 * float(os.environ.get('LAB_SLOW', '1'))
T1, T2 = 0.5, 4.0
PR_SET_PDEATHSIG = 1
INSIDE = {4: '192.168.7.', 6: 'fd00:7::'}
OUTSIDE = {4: '203.0.113.', 6: '2001:db8:f::'}
BITS = {4: 24, 6: 64}
PEERS = range(2, 40)

CONFIG = '''\
inside = {{ lan0 }}
outside = {{ wan0 }}
database = "{folder}/callgate.db"
control = "{folder}/control.sock"
log-level = debug
'''
DOMAIN = 'domain "office.example" { registrar = main }\n'


class Failed(Exception):
    """A rule does not hold."""


class Skipped(Exception):
    """It cannot be tried here."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def code(answer, wanted=200):
    check(answer.code == wanted, f'{wanted}, not "{answer.start}": {answer}')
    return answer


def has_module():
    return os.path.isdir('/sys/module/callgate')


def need_module():
    if not has_module():
        raise Skipped('the module is not loaded')


def until(condition, what, limit=LIMIT):
    """Waits for something that no socket tells of."""
    end = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f'gave up waiting: {what}')
        select.select([], [], [], 0.01)


class Net:
    """The namespaces and their cables."""

    def __init__(self):
        self.router, self.inside, self.outside = (net.Namespace(n) for n in
                                                  ('router', 'inside', 'outside'))
        self.router.run('ip', 'link', 'set', 'lo', 'up')
        for space, mine, device, networks in ((self.inside, 'eth0', 'lan0', INSIDE),
                                              (self.outside, 'eth0', 'wan0', OUTSIDE)):
            for each in (space, self.router):       # addresses are there at once
                each.write('/proc/sys/net/ipv6/conf/default/accept_dad', 0)
            space.run('ip', 'link', 'set', 'lo', 'up')
            self.router.run('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', mine,
                            'netns', space.path())
            self.addresses(self.router, device, networks, [1])
            self.addresses(space, mine, networks, PEERS)
            for family in (4, 6):
                space.run('ip', f'-{family}', 'route', 'add', 'default', 'via',
                          f'{networks[family]}1')

    @staticmethod
    def addresses(space, device, networks, numbers):
        lines = [f'link set {device} up'] + [
            f'address add {networks[family]}{n}/{BITS[family]} dev {device}'
            + (' nodad' if family == 6 else '') for family in (4, 6) for n in numbers]
        space.run('ip', '-batch', '-', text='\n'.join(lines) + '\n')


class Daemon:
    """build/callgated with a configuration of its own, in a folder of its own; or in one that was
    there before, and stays."""

    def __init__(self, space, extra=DOMAIN, folder=None):
        self.space, self.process, self.stays = space, None, folder
        self.environment = {}
        self.folder = folder or tempfile.mkdtemp(prefix='callgated-')
        self.configure(extra)

    def configure(self, extra):
        with open(self.path('callgate.conf'), 'w', encoding='utf-8') as file:
            file.write(CONFIG.format(folder=self.folder) + extra)

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self):
        with open(self.path('log'), 'ab') as log, self.space:
            self.process = subprocess.Popen(
                [CALLGATED, '-c', self.path('callgate.conf')],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                # it does not outlive whoever started it
                preexec_fn=lambda: net.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def start(self):
        self.spawn()
        try:
            until(self.ready, 'callgated is ready', 12 * LIMIT)   # a slow disk is no fault
        except Failed as why:
            raise Failed(f'{why}; its log:\n{self.log()[-2000:]}') from None

    def ready(self):
        """It answers an OPTIONS about itself."""
        if self.process.poll() is not None:
            raise Failed(f'callgated ended with {self.process.returncode}:\n{self.log()[-2000:]}')
        with self.space, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(LIMIT / 50)
            with contextlib.suppress(OSError):
                sock.connect((f'{INSIDE[4]}1', 5060))
                sock.send(b'OPTIONS sip:%s1 SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK%s\r\n'
                          b'From: <sip:ready@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: ready\r\n'
                          b'CSeq: 1 OPTIONS\r\n\r\n' % (INSIDE[4].encode(), unique('r').encode()))
                return sock.recv(2000)
        return None

    def log(self):
        with open(self.path('log'), encoding='utf-8', errors='replace') as file:
            return file.read()

    def command(self, *words, text=None, status=0):
        """The command; its output."""
        with self.space:
            done = subprocess.run([os.path.join(ROOT, 'build', 'callgate'), *words], text=True,
                                  input=text, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        check(done.returncode == status,
              f'callgate {" ".join(words)}: status {done.returncode}, {done.stderr.strip()}')
        return done.stdout

    def callgate(self, *words, **how):
        """The command, about this callgated and its database."""
        return self.command(*words, '--config', self.path('callgate.conf'), **how)

    def copy_user(self, users):
        """More users like the first, who was added by the command: a process for each of a
        thousand takes minutes in a slow virtual machine."""
        with contextlib.closing(sqlite3.connect(self.path('callgate.db'))) as database:
            found = database.execute('SELECT * FROM users WHERE name = ?', users[:1])
            names = [column[0] for column in found.description]
            row = dict(zip(names, found.fetchone()))
            for user in users[1:]:
                secret = f'{user}:{row["realm"]}:{user}-secret'.encode()
                row |= {'id': None, 'name': user} | {
                    name: hashlib.new(name, secret).digest() for name in ALGORITHMS.values()}
                database.execute(f'INSERT INTO users ({", ".join(names)}) VALUES '
                                 f'({", ".join("?" * len(names))})', list(row.values()))
            database.commit()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in order; what a sanitizer or an exit status says is a failure."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed('callgated did not end when asked to') from None
        check(status == 0, f'callgated ended with {status}:\n{self.log()[-2000:]}')

    def close(self):
        try:
            self.stop()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            if not self.stays:
                shutil.rmtree(self.folder, ignore_errors=True)


class Peer:
    """A UDP socket of a phone or a server, and requests and answers through it."""

    def __init__(self, world, space, address, port=5060):
        self.world, self.address, self.port = world, address, port
        self.family = 6 if ':' in address else 4
        with space:
            self.sock = socket.socket(socket.AF_INET6 if self.family == 6 else socket.AF_INET,
                                      socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port = self.sock.getsockname()[1]
        self.user, self.credentials, self.kept = None, None, []

    def login(self, user, password):
        self.user, self.credentials = user, Credentials(user, password)
        return self

    @property
    def hostport(self):
        return f'{host(self.address)}:{self.port}'

    @property
    def router(self):
        """The router's address on this side."""
        return self.address.rpartition('.' if self.family == 4 else ':')[0] + (
            '.1' if self.family == 4 else ':1')

    # ---- requests as text

    def request(self, method, uri, to=None, **fields):
        """fields: user, call_id, cseq, branch, from_tag, to_tag, via, lines (more), body."""
        get = fields.get
        user = get('user', self.user or 'anyone')
        domain = get('domain') or (self.world.domain if self.user else 'far.example')
        to_tag = f';tag={fields["to_tag"]}' if get('to_tag') else ''
        via = get('via', f'SIP/2.0/UDP {self.hostport};rport;branch='
                         f'{get("branch") or "z9hG4bK" + unique("b")}')
        lines = [f'{method} {uri} SIP/2.0', f'Via: {via}', 'Max-Forwards: 70',
                 f'From: <sip:{user}@{domain}>;tag={get("from_tag", "f1")}',
                 f'To: <{to or uri}>{to_tag}', f'Call-ID: {get("call_id") or unique("c")}',
                 f'CSeq: {get("cseq", 1)} {method}', *get('lines', [])]
        if method in ('INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE') and get('contact', True):
            lines.append(f'Contact: <sip:{user}@{self.hostport}>')
        body = get('body', b'')
        lines.append(f'Content-Length: {len(body)}')
        return ('\r\n'.join(lines) + '\r\n\r\n').encode() + body

    def send(self, data, to=None):
        self.sock.sendto(data if isinstance(data, bytes) else data.encode(),
                         to or (self.router, 5060))

    def receive(self, limit=LIMIT, wanted=lambda message: True):
        """The next message that is wanted; others are kept for later calls. None: none came."""
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        end, ready = time.monotonic() + limit, select.poll()
        ready.register(self.sock, select.POLLIN)
        while ready.poll(1000 * max(0, end - time.monotonic())):
            data, source = self.sock.recvfrom(70000)
            message = Message(data)
            message.source = source[:2]
            if wanted(message):
                return message
            self.kept.append(message)
        return None

    def expect(self, what, wanted, limit=LIMIT):
        message = self.receive(limit, wanted)
        check(message, f'{self.address} waited for {what}; came: '
                       + ', '.join(m.start for m in self.kept))
        return message

    def expect_request(self, method, limit=LIMIT):
        return self.expect(method, lambda m: m.method == method, limit)

    def transact(self, data, limit=LIMIT, to=None):
        """Sends until the final answer is there (RFC 3261 17.1), which it returns."""
        number, method = Message(data).cseq()
        call_id = Message(data).get('call-id')
        end, interval, again = time.monotonic() + limit, T1, True
        while time.monotonic() < end:
            if again:
                self.send(data, to)
            answer = self.receive(min(interval, end - time.monotonic()), lambda m: (
                m.response and m.get('call-id') == call_id and m.cseq() == (number, method)))
            if answer and answer.code >= 200:
                if method == 'INVITE' and answer.code >= 300:
                    self.send(self.ack(data, answer), to)
                return answer
            again = again and not (answer and method == 'INVITE')
            interval = min(interval * 2, T2)
        raise Failed(f'{self.address}: no answer to {method} in {limit} s')

    @staticmethod
    def ack(data, answer):
        """The ACK to a final answer other than 2xx: hop by hop."""
        request = Message(data)
        number = request.cseq()[0]
        return (f'ACK {request.uri} SIP/2.0\r\nVia: {request.get("via")}\r\nMax-Forwards: 70\r\n'
                f'From: {request.get("from")}\r\nTo: {answer.get("to")}\r\n'
                f'Call-ID: {request.get("call-id")}\r\nCSeq: {number} ACK\r\n'
                'Content-Length: 0\r\n\r\n').encode()

    def authenticated(self, method, uri, **fields):
        """A request that answers one challenge; returns the final answer."""
        cseq, call_id = fields.pop('cseq', 1), fields.pop('call_id', None) or unique('c')
        lines = fields.pop('lines', [])
        creds = self.credentials
        for attempt in (0, 1):
            extra = [creds.line(method, uri)] if creds and creds.challenge else []
            answer = self.transact(self.request(method, uri, call_id=call_id, cseq=cseq + attempt,
                                                lines=lines + extra, **fields))
            offered = challenges(answer) if answer.code in (401, 407) else []
            if not offered or not creds or attempt:
                return answer
            creds.take(offered[0])
        return answer

    def register(self, expires=3600, lines=(), contact=None, **fields):
        """REGISTER of its user at the domain, with its own address as Contact."""
        contact = contact or f'<sip:{self.user}@{self.hostport}>'
        more = [f'Contact: {contact}'] if contact != 'none' else []
        if expires is not None:
            more.append(f'Expires: {expires}')
        return self.authenticated('REGISTER', f'sip:{self.world.domain}',
                                  to=f'sip:{self.user}@{self.world.domain}',
                                  lines=[*lines, *more], **fields)

    def answer(self, request, code, phrase='OK', lines=(), body=b'', tag='callee'):
        """Answers a request that came in."""
        to = request.get('to') + ('' if request.tag('to') or code == 100 else f';tag={tag}')
        text = [f'SIP/2.0 {code} {phrase}', *(f'Via: {via}' for via in request.all('via')),
                *(f'Record-Route: {route}' for route in request.all('record-route')),
                f'From: {request.get("from")}', f'To: {to}', f'Call-ID: {request.get("call-id")}',
                f'CSeq: {request.get("cseq")}', *lines, f'Content-Length: {len(body)}']
        self.send(('\r\n'.join(text) + '\r\n\r\n').encode() + body, request.source)

    def silent(self):
        """
        Nothing more came for this peer. callgated answers in order: once an OPTIONS is answered
        that was sent last, all before it were dealt with.
        """
        data = self.request('OPTIONS', f'sip:{host(self.router)}')
        self.transact(data)
        return not self.kept

    def close(self):
        self.sock.close()


class World:
    """One callgated and the peers of one family."""
    made = {}

    def __init__(self, nets, family, config=DOMAIN, users=()):
        self.nets, self.family, self.domain = nets, family, 'office.example'
        self.peers, self.next = [], {'inside': PEERS[0], 'outside': PEERS[0]}
        self.unused = iter(users)
        self.daemon = Daemon(nets.router, config)
        try:
            self.add_users(config, tuple(users))
            self.daemon.start()
        except BaseException:
            self.daemon.close()
            raise

    def inside(self, port=5060):
        return self.peer('inside', port)

    def outside(self, port=5060):
        return self.peer('outside', port)

    def peer(self, side, port):
        networks = INSIDE if side == 'inside' else OUTSIDE
        number = self.next[side]
        self.next[side] = PEERS[(number - PEERS[0] + 1) % len(PEERS)]
        peer = Peer(self, getattr(self.nets, side), f'{networks[self.family]}{number}', port)
        self.peers.append(peer)
        return peer

    def phone(self, user, side='inside'):
        """A peer that is a user; the password is the name with "-secret"."""
        return self.peer(side, 5060).login(user, f'{user}-secret')

    def fresh_phone(self, side='inside'):
        """A phone of a user of the file that no other case of this callgated had."""
        return self.phone(next(self.unused), side)

    def add_users(self, config, users):
        """Made once: the other family gets a copy of the database."""
        made = self.made.get((config, users))
        if made:
            with open(self.daemon.path('callgate.db'), 'xb') as file:
                file.write(made)
            return
        for user in users[:1]:
            self.add_user(user)
        if users:
            self.daemon.copy_user(users)
            with open(self.daemon.path('callgate.db'), 'rb') as file:
                self.made[config, users] = file.read()

    def add_user(self, user, password=None, *options, domain=None):
        self.daemon.callgate('users', 'add', '--stdin', *options, f'{user}@{domain or self.domain}',
                             text=f'{password or user + "-secret"}\n')

    def drop_peers(self):
        for peer in self.peers:
            peer.close()
        self.peers = []

    def close(self):
        self.drop_peers()
        self.daemon.close()
