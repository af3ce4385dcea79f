#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random requests to the genl family: none may do harm, all are answered.

garbage.py [NUMBER [SEED]]. Half of the requests are random bytes behind a valid head, half are
trees of attributes with wrong lengths, types and nesting. The guest's log is the judge.
"""
import random
import socket
import struct
import sys

NETLINK_GENERIC, GENL_ID_CTRL, GETFAMILY = 16, 16, 3
REQUEST, ACK, DUMP = 1, 4, 0x300
COMMANDS = range(0, 29)


def message(kind, flags, seq, command, body):
    head = struct.pack("=BBH", command, 1, 0) + body
    return struct.pack("=IHHII", 16 + len(head), kind, flags, seq, 0) + head


def attribute(kind, body):
    return (struct.pack("=HH", 4 + len(body), kind) + body).ljust((7 + len(body)) // 4 * 4, b"\0")


def family(sock):
    sock.send(message(GENL_ID_CTRL, REQUEST, 1, GETFAMILY, attribute(2, b"callgate\0")))
    data = sock.recv(65536)
    at = 20
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if kind == 1:
            return struct.unpack_from("=H", data, at + 4)[0]
        at += (size + 3) & ~3
    raise SystemExit("no family callgate")


def tree(rnd, depth=0):
    body = b""
    for _ in range(rnd.randrange(5)):
        kind = rnd.randrange(24) | rnd.choice((0, 0, 0x8000, 0x4000))
        if depth < 3 and rnd.random() < .4:
            inner = tree(rnd, depth + 1)
        else:
            inner = rnd.randbytes(rnd.choice((0, 1, 2, 3, 4, 8, 12, rnd.randrange(300))))
        part = attribute(kind, inner)
        if rnd.random() < .1:   # a length that lies
            part = struct.pack("=H", rnd.randrange(65536)) + part[2:]
        body += part
    return body


def ends(data):
    """Is there an error, an acknowledgement or the end of a dump in the datagram?"""
    at = 0
    while at + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, at)
        if kind in (2, 3):
            return True
        at += (size + 3) & ~3
    return False


def main():
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rnd = random.Random(seed)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.bind((0, 0))
    sock.settimeout(10)
    kind = family(sock)
    unanswered = 0
    for seq in range(2, number + 2):
        body = rnd.randbytes(rnd.randrange(200)) if rnd.random() < .5 else tree(rnd)
        flags = REQUEST | ACK | rnd.choice((0, 0, DUMP))
        sock.send(message(kind, flags, seq, rnd.choice(COMMANDS), body))
        try:
            while not ends(sock.recv(1 << 17)):
                pass
        except TimeoutError:
            unanswered += 1
    print(f"{number} requests, {unanswered} without an answer (seed {seed})")
    return 1 if unanswered else 0


if __name__ == "__main__":
    sys.exit(main())
