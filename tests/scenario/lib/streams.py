# SPDX-License-Identifier: BSD-2-Clause
"""SIP over TCP: connections that stay open from step to step."""
import re
import socket
import time

from .text import Mismatch, Text


def listener(namespace, address):
    family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
    with namespace:
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind(address)
    return sock


def complete(data):
    """Is this a whole message?"""
    head, end, body = data.partition(b'\r\n\r\n')
    length = re.search(rb'(?im)^(?:content-length|l)\s*:\s*(\d+)', head)
    return bool(end) and len(body) >= int(length[1] if length else 0)


class Streams:
    """The verbs of a connection; a part of Runner."""

    connections = None      # (caller's word, called's word) -> their sockets

    def do_connect(self, step):
        """connect A:45000 -> P:5060 [from SEEN] [to RECEIVER]: a connection that stays"""
        _, sender, target, seen, receiver = self.route(step)
        space = [self.world.namespace_of(word.split(':')[0]) for word in (sender, receiver)]
        with listener(space[1], self.endpoint(receiver)[:2]) as waiting:
            waiting.listen(1)
            waiting.settimeout(5)
            caller = listener(space[0], self.endpoint(sender)[:2])
            self.connections = {**(self.connections or {}), (sender, receiver): [caller]}
            caller.settimeout(5)
            try:
                caller.connect(self.endpoint(target)[:2])
                called, source = waiting.accept()
            except OSError as error:
                raise Mismatch(f'TCP to {target}: {error}') from error
        self.connections[sender, receiver].append(called)
        address, port, text = self.endpoint(seen)
        if source[0] != address or port not in (None, source[1]):
            raise Mismatch(f'connected from {source}, not from {seen}')
        self.names.bind(text, source[1])

    def ends(self, step):
        """The sending and the receiving socket."""
        left, _, right = step.words[1:4]
        pairs = self.connections or {}
        if (left, right) in pairs:
            return pairs[left, right]
        if (right, left) in pairs:
            return pairs[right, left][::-1]
        raise ValueError(f'{left} and {right} are not connected')

    def do_say(self, step):
        """say A:45000 -> P:5060 [cut N] [any]: the message arrives; any: in whatever form"""
        source, sink = self.ends(step)
        rest = step.words[4:]
        text = Text(step.message(), True, False)
        data = text.sent(self.names)
        cut = int(rest[rest.index('cut') + 1]) if 'cut' in rest else len(data)
        for piece in (data[:cut], data[cut:]):
            if piece:
                source.sendall(piece)
                time.sleep(0.001)
        anything = 'any' in rest or not self.module.present     # that one translates
        got = self.heard(sink, complete if anything else lambda d: len(d) >= len(data))
        if not anything and got != data:
            raise Mismatch(f'{len(data)} bytes were sent, these came:\n{got[:2000]!r}')

    @staticmethod
    def heard(sink, enough):
        sink.settimeout(5)
        data = b''
        try:
            while not enough(data):
                more = sink.recv(65536)
                if not more:
                    raise Mismatch(f'the connection was closed after {data[:2000]!r}')
                data += more
        except OSError as error:
            raise Mismatch(f'TCP: {error} after {data[:2000]!r}') from error
        return data

    def close_streams(self):
        for pair in (self.connections or {}).values():
            for sock in pair:
                sock.close()
