# SPDX-License-Identifier: BSD-2-Clause
"""The messages of RFC 4475 and RFC 5118, each sent to callgated: torture.expect has the outcomes.

The messages are not part of this project; they are read from ../shared/data/torture beside the
checkout, or from $CALLGATE_TORTURE.
"""
import os
import re
import select
import socket

import peer
from peer import Failed, Skipped
from sipmsg import Message

CONFIG = ''.join(f'domain "{name}" {{ registrar = main }}\n' for name in ('example.com',
                                                                          'biloxi.example.com'))
REFUSALS = {400, 416, 420, 483, 500, 501, 505, 513}


def find_messages():
    places = [os.environ.get('CALLGATE_TORTURE', ''),
              os.path.join(peer.ROOT, '..', 'shared', 'data', 'torture')]
    return next((place for place in places if place and os.path.isdir(place)), None)


def message_of(name):
    place = find_messages()
    if not place:
        raise Skipped('the messages are not here (../shared/data/torture, $CALLGATE_TORTURE)')
    path = os.path.join(place, name)
    with open(path + '.dat' if os.path.exists(path + '.dat') else path, 'rb') as file:
        return file.read()


def answer_ports(data):
    """Ports that the top Via may name: answers without rport go there."""
    head = data.partition(b'\r\n\r\n')[0].decode('latin-1')
    return {5060} | {int(port) for port in re.findall(r'[\w.\]]\s*:\s*(\d{4,5})\b', head)
                     if 1024 <= int(port) < 65536}


def sockets(first, space):
    """More sockets at the address of a peer, one for each port that an answer may go to."""
    def one(port):
        with space:
            sock = socket.socket(first.sock.family, socket.SOCK_DGRAM)
        sock.bind((first.address, port))
        return sock
    return one


def first_answer(world, data):
    """What comes back first: the answer, or that to an OPTIONS sent behind it (None)."""
    asker = world.inside()
    open_one = sockets(asker, world.nets.inside)
    others = [open_one(port) for port in answer_ports(data) - {asker.port}]
    try:
        asker.send(data)
        after = asker.request('OPTIONS', f'sip:{peer.host(asker.router)}', call_id='after')
        asker.send(after)
        while True:
            ready = select.select([asker.sock, *others], [], [], peer.LIMIT)[0]
            if not ready:
                raise Failed('no answer, nor one to the OPTIONS behind it')
            # both may be there: the OPTIONS is answered by the peer's own socket
            for sock in sorted(ready, key=lambda s: s is asker.sock):
                message = Message(sock.recv(70000))
                if message.response and message.get('call-id') == 'after':
                    return None
                return message
    finally:
        for sock in others:
            sock.close()


def outcome(answer):
    if answer is None:
        return {'discard'}
    return {str(answer.code)} | (set() if answer.code in REFUSALS else {'accept'})


def case(name, expected):
    def run(world):
        answer = first_answer(world, message_of(name))
        if answer and not answer.response:
            raise Failed(f'sent back: {answer.start}')
        if not outcome(answer) & expected:
            raise Failed(f'expected {" or ".join(sorted(expected))}, got '
                         f'{answer.start if answer else "nothing"}')
    run.alone = True    # some are the same transaction
    return run


def read_cases():
    with open(os.path.join(peer.HERE, 'torture.expect'), encoding='ascii') as file:
        rows = [line.split() for line in file if line.strip() and line[0] != '#']
    return {f'c10_{row[0].replace("/", "_")}': case(row[0], set(row[1:])) for row in rows}


MORE = read_cases()
