# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's part of uapi/callgate_gateway.h, by hand: what a test needs of it."""
import errno
import os
import socket
import struct
import time

NETLINK_GENERIC, CONTROL, GETFAMILY = 16, 16, 3
REQUEST, ACK, DUMP, NESTED = 1, 4, 0x300, 0x8000
ERROR, DONE = 2, 3
(ATTACH, CLAIM, DETACH, SOCKET_GET, GATE_GET, GATE_SET, LOCATION_GET, LOCATION_SET, LOCATION_DEL,
 LOCATION_FLUSH, LOCATE) = range(15, 26)
A_SOCKET, A_GATE, A_LOCATION, A_LOCATE = range(13, 17)
K_ID, K_FD, K_LOCAL, K_CLAIMED, K_UNTIL = range(2, 7)
(G_KEY, G_KEY_OLD, G_TAKE, G_METHODS, G_DOMAINS, G_INSIDE, G_INTERFACES, G_TRUSTED, G_RATE,
 G_BURST, G_HEARD, G_LOCATIONS, G_TXNS, G_HELD, G_HELD_BYTES, G_EPOCH, G_NLOCATIONS, G_NTXNS,
 G_NHELD, G_MEMORY, G_DAEMON, G_NDIALOGS, G_REALMS) = range(2, 25)
(L_ID, L_GENERATION, L_AOR, L_URI, L_REMOTE, L_LOCAL, L_IFINDEX, L_EXPIRES, L_HEARD,
 L_FLAGS) = range(2, 12)
(Q_ID, Q_AOR, Q_REMOTE, Q_LOCAL, Q_IFINDEX, Q_SOCKET, Q_DEADLINE, Q_DATAGRAM, Q_VERDICT,
 Q_CONTACT) = range(2, 12)
FORWARD, MINE, DROP = 1, 2, 3
TAKE_OUTSIDE, TAKE_INSIDE, TAKE_DIALOG = 1, 2, 4
METHODS = 0x1ff
UP, NO_STRANGERS = 1, 2


def attribute(kind, body):
    return (struct.pack('=HH', 4 + len(body), kind) + body).ljust((7 + len(body)) // 4 * 4, b'\0')


def nest(kind, *parts):
    return attribute(kind | NESTED, b''.join(parts))


def u8(kind, value):
    return attribute(kind, bytes([value]))


def u32(kind, value):
    return attribute(kind, struct.pack('=I', value))


def u64(kind, value):
    return attribute(kind, struct.pack('=Q', value))


def text(kind, value):
    """Bytes are taken as they are: without the NUL that ends a text."""
    return attribute(kind, value if isinstance(value, bytes) else value.encode() + b'\0')


def realms(*names):
    return nest(G_REALMS, *(nest(1, text(2, name)) for name in names))


def wire(address, port):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    return socket.inet_pton(family, address) + struct.pack('!H', port)


def endpoint(kind, place):
    return attribute(kind, wire(*place))


def prefixes(kind, *items):
    """Items: (address, bits)."""
    return nest(kind, *(nest(1, attribute(1, wire(a, 0)[:-2] + bytes([bits])))
                        for a, bits in items))


def parse(body):
    found = {}
    while len(body) >= 4:
        size, kind = struct.unpack_from('=HH', body)
        if size < 4:
            break
        found[kind & 0x3fff] = body[4:size]
        body = body[(size + 3) & ~3:]
    return found


def location(number, aor, uri, remote, local, seconds=3600, flags=0):
    return nest(A_LOCATION, u64(L_ID, number), u64(L_GENERATION, 1), text(L_AOR, aor),
                text(L_URI, uri), endpoint(L_REMOTE, remote), endpoint(L_LOCAL, local),
                u64(L_EXPIRES, boot_ms() + seconds * 1000), u32(L_FLAGS, flags))


def boot_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000


class Daemon:
    """One netlink socket in a namespace; closing it is the daemon's death."""

    def __init__(self, namespace):
        self.namespace = namespace
        with namespace:
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.settimeout(10)
        self.seq = 0
        self.questions = []
        answer, = self.talk(CONTROL, GETFAMILY, attribute(2, b'callgate\0'), version=1)
        self.family, = struct.unpack('=H', parse(answer)[1])

    def close(self):
        self.sock.close()

    def talk(self, kind, command, body=b'', flags=ACK, version=1):
        """The attributes of each answer; raises what the kernel says."""
        self.seq += 1
        head = struct.pack('=BBH', command, version, 0) + body
        self.sock.send(struct.pack('=IHHII', 16 + len(head), kind, REQUEST | flags, self.seq, 0)
                       + head)
        answers = []
        while True:
            for one, seq, payload in self.messages():
                if seq != self.seq:
                    self.questions.append(payload)
                    continue
                if one in (ERROR, DONE):
                    code = struct.unpack_from('=i', payload)[0] if len(payload) >= 4 else 0
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return answers
                answers.append(payload[4:])

    def messages(self):
        data = self.sock.recv(262144)
        while len(data) >= 16:
            size, kind, _, seq, _ = struct.unpack_from('=IHHII', data)
            yield kind, seq, data[16:size]
            data = data[(size + 3) & ~3:]

    def ask(self, command, *parts, flags=ACK):
        return self.talk(self.family, command, b''.join(parts), flags)

    def question(self, seconds=2):
        """The next LOCATE, or None."""
        self.sock.settimeout(seconds)
        try:
            while not self.questions:
                self.questions += [payload for _, _, payload in self.messages()]
        except TimeoutError:
            return None
        finally:
            self.sock.settimeout(10)
        return parse(parse(self.questions.pop(0)[4:])[A_LOCATE])

    def answer(self, question, verdict, contact=None, *parts):
        more = () if contact is None else (u64(Q_CONTACT, contact[0]), text(Q_AOR, contact[1]))
        self.ask(LOCATE, nest(A_LOCATE, attribute(Q_ID, question[Q_ID]), u8(Q_VERDICT, verdict),
                              *more), *parts)

    def attach(self, sock):
        answer, = self.ask(ATTACH, nest(A_SOCKET, u32(K_FD, sock.fileno())))
        return struct.unpack('=I', parse(parse(answer)[A_SOCKET])[K_ID])[0]

    def claim(self, place):
        answer, = self.ask(CLAIM, nest(A_SOCKET, endpoint(K_LOCAL, place)))
        fd, = struct.unpack('=I', parse(parse(answer)[A_SOCKET])[K_FD])
        return socket.socket(fileno=fd)

    def detach(self):
        self.ask(DETACH)

    def set(self, *parts):
        self.ask(GATE_SET, nest(A_GATE, *parts))

    def get(self):
        answer, = self.ask(GATE_GET)
        return {kind: int.from_bytes(body, 'little')
                for kind, body in parse(parse(answer)[A_GATE]).items()}

    def locate(self, number, aor, *more, **options):
        self.ask(LOCATION_SET, location(number, aor, *more, **options))

    def forget(self, number, aor):
        self.ask(LOCATION_DEL, nest(A_LOCATION, u64(L_ID, number), text(L_AOR, aor)))

    def locations(self, aor=None):
        body = (nest(A_LOCATION, text(L_AOR, aor)),) if aor else ()
        return [parse(parse(a)[A_LOCATION]) for a in self.ask(LOCATION_GET, *body, flags=DUMP)]

    def sockets(self):
        return [parse(parse(a)[A_SOCKET]) for a in self.ask(SOCKET_GET, flags=DUMP)]


def refused(code, function, *arguments):
    """Does the kernel refuse it, and with this error?"""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno == code or f'{errno.errorcode[error.errno]}'
    return 'accepted'
