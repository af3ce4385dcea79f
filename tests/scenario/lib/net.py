# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces, sockets in them, packets made by hand."""
import ctypes
import errno
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_PROBE = 10, 2, 3
IPV6_MTU_DISCOVER, IPV6_HDRINCL = 23, 36
IP_HDRINCL = 3
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')


class Namespace:
    """A network namespace that lives until close() or the end of this process."""

    def __init__(self, name):
        self.name = name
        home = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        check(libc.unshare(CLONE_NEWNET), 'unshare')
        self.fd = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        check(libc.setns(home, CLONE_NEWNET), 'setns')
        os.close(home)

    def close(self):
        """Gives it up: it goes when nothing is left in it."""
        os.close(self.fd)

    def path(self):
        return f'/proc/{os.getpid()}/fd/{self.fd}'

    def __enter__(self):
        self.home = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        check(libc.setns(self.fd, CLONE_NEWNET), 'setns')
        return self

    def __exit__(self, *_):
        check(libc.setns(self.home, CLONE_NEWNET), 'setns')
        os.close(self.home)

    def run(self, *command, text=None, okay=False):
        """Runs a command inside; returns its output."""
        with self:
            done = subprocess.run(command, input=text, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode and not okay:
            raise RuntimeError(f'{" ".join(command)} in {self.name}: '
                               f'{(done.stderr or done.stdout).strip()}')
        return done.stdout

    def write(self, path, value):
        with self, open(path, 'w', encoding='ascii') as file:
            file.write(str(value))

    def read(self, name):
        """/proc/net/NAME as this namespace has it."""
        try:
            with self, open('/proc/thread-self/net/' + name, encoding='ascii') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def checksums_in_software(self, device):
        """So that receivers verify what the module computed."""
        value = ctypes.create_string_buffer(struct.pack('II', 0x17, 0))
        request = struct.pack('16sP', device.encode(), ctypes.addressof(value)) + bytes(16)
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, 0x8946, request)


def flush_conntrack(namespace):
    """What conntrack -F does: IPCTNL_MSG_CT_DELETE without a tuple."""
    with namespace, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:
        sock.send(struct.pack('IHHIIBBH', 20, (1 << 8) | 2, 5, 1, 0, 0, 0, 0))
        code = struct.unpack_from('i', sock.recv(4096), 16)[0]
        if code not in (0, -errno.ENOENT):
            raise OSError(-code, 'flush of conntrack: ' + os.strerror(-code))


class Ruleset:
    """nft without a process per call: libnftables in the namespace."""

    def __init__(self, namespace):
        self.lib = ctypes.CDLL('libnftables.so.1')
        self.lib.nft_ctx_new.restype = ctypes.c_void_p
        self.lib.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self.namespace = namespace

    def run(self, text):
        with self.namespace:
            context = ctypes.c_void_p(self.lib.nft_ctx_new(0))
            self.lib.nft_ctx_buffer_error(context)
            self.lib.nft_ctx_buffer_output(context)
            failed = self.lib.nft_run_cmd_from_buffer(context, text.encode())
            error = self.lib.nft_ctx_get_error_buffer(context).decode()
            self.lib.nft_ctx_free(context)
        if failed:
            raise RuntimeError('nft: ' + error.strip())


class Sockets:
    """Every UDP endpoint that a scenario names, and what arrives at any."""

    def __init__(self):
        self.open = {}
        self.selector = selectors.DefaultSelector()

    def get(self, namespace, address, port):
        key = (address, port)
        if key not in self.open:
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            with namespace:
                sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
            sock.setblocking(False)
            self.open[key] = sock
            self.selector.register(sock, selectors.EVENT_READ, key)
        return self.open[key]

    def close(self, address, port):
        sock = self.open.pop((address, port))
        self.selector.unregister(sock)
        sock.close()

    def close_all(self):
        for key in list(self.open):
            self.close(*key)

    def receive(self, seconds):
        """(endpoint, source, bytes) of the next datagram anywhere, or None."""
        end = time.monotonic() + seconds
        while True:
            for key, _ in self.selector.select(max(0, end - time.monotonic())):
                try:
                    data, source = key.fileobj.recvfrom(65536)
                except ConnectionError:     # an ICMP error, not a datagram
                    continue
                except BlockingIOError:
                    continue
                return key.data, source[:2], data
            if time.monotonic() >= end:
                return None


def tcp_socket(namespace, address, seconds):
    with namespace:
        sock = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET,
                             socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(seconds)
    sock.bind(address)
    return sock


def read_all(sock, length):
    """As many bytes as were sent; and nothing follows them."""
    data = b''
    while len(data) < length:
        more = sock.recv(65536)
        if not more:
            break
        data += more
    sock.settimeout(0.05)
    try:
        return data + sock.recv(65536)
    except TimeoutError:
        return data


def tcp_exchange(spaces, addresses, pieces, seconds):
    """Connects, sends the pieces, each in its segment, and the server sends them back.

    spaces: of client and server; addresses: of the client, connected to, of the server.
    Returns the client as the server saw it, and what each side received.
    """
    source, target, listen = addresses
    listener = tcp_socket(spaces[1], listen, seconds)
    caller = tcp_socket(spaces[0], source, seconds)
    length = sum(map(len, pieces))
    with listener, caller:
        listener.listen(1)
        caller.connect(target)
        answerer, seen = listener.accept()
        with answerer:
            answerer.settimeout(seconds)
            for piece in pieces:
                caller.sendall(piece)
            there = read_all(answerer, length)
            answerer.sendall(there)
            return seen[:2], there, read_all(caller, length)


def dont_fragment(sock, value):
    """value: True for DF as many SIP phones set it."""
    mode = IP_PMTUDISC_PROBE if value else 0
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, mode)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_packet(source, target, payload):
    family = socket.AF_INET6 if ':' in source[0] else socket.AF_INET
    ends = socket.inet_pton(family, source[0]) + socket.inet_pton(family, target[0])
    length = 8 + len(payload)
    head = struct.pack('!HHHH', source[1], target[1], length, 0)
    pseudo = ends + struct.pack('!IHBB', length, 0, 0, 17)
    head = head[:6] + struct.pack('!H', checksum(pseudo + head + payload) or 0xffff)
    return family, ends, head + payload


def send_fragments(namespace, source, target, payload, size, order):
    """Sends a datagram in pieces of 'size' bytes, in 'order': forward or reversed."""
    family, ends, data = udp_packet(source, target, payload)
    size -= size % 8
    packets = []
    for offset in range(0, len(data), size):
        piece = data[offset:offset + size]
        more = offset + size < len(data)
        if family == socket.AF_INET:
            packets.append(struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(piece), 4711,
                                       more << 13 | offset >> 3, 64, 17, 0) + ends + piece)
        else:
            packets.append(struct.pack('!IHBB', 6 << 28, 8 + len(piece), 44, 64) + ends
                           + struct.pack('!BBHI', 17, 0, offset | more, 4711) + piece)
    if order == 'reversed':
        packets.reverse()
    with namespace:
        sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with sock:
        for packet in packets:
            sock.sendto(packet, (target[0], 0))
