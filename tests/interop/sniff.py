# SPDX-License-Identifier: BSD-2-Clause
"""What arrives at a host's network card, before any program: the packets of media, counted."""

import collections
import socket
import struct

import tone

ALL, OUTGOING, UDP = 0x0003, 4, 17
SIP, PCMU = 5060, 0


class Sniffer:
    """Counts by (port, payload type, marker); the marker is the four bytes that RTP calls SSRC."""

    def __init__(self, host, hertz=0):
        """hertz: the tone that heard() is about."""
        with host.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
        self.sock.setblocking(False)
        self.counts, self.sources = collections.Counter(), collections.defaultdict(set)
        self.tone, self.speech = tone.Counter(hertz), bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def poll(self):
        while True:
            try:
                data, where = self.sock.recvfrom(2048)
            except BlockingIOError:
                return
            if where[2] != OUTGOING:
                self.take(data)

    def take(self, data):
        if data[0] >> 4 == 6:
            head, protocol, source = 40, data[6], socket.inet_ntop(socket.AF_INET6, data[8:24])
        else:
            head, protocol, source = (data[0] & 15) * 4, data[9], socket.inet_ntoa(data[12:16])
        if protocol != UDP or len(data) < head + 20:
            return
        sport, dport = struct.unpack_from("!HH", data, head)
        if SIP not in (sport, dport):
            marker, = struct.unpack_from("!I", data, head + 16)
            self.counts[dport, data[head + 9] & 127, marker] += 1
            self.sources[marker].add(source)
            if data[head + 9] & 127 == PCMU and not dport % 2:
                self.speech += data[head + 20:]

    def marked(self, marker):
        """How many packets with this marker arrived."""
        self.poll()
        return sum(n for (_, _, seen), n in self.counts.items() if seen == marker)

    def heard(self):
        """For how many seconds that which arrived is the tone."""
        self.poll()
        self.tone.add(tone.from_ulaw(self.speech))
        self.speech.clear()
        return self.tone.seconds

    def media(self):
        """How many packets of RTP arrived; RTCP has the odd ports."""
        self.poll()
        return sum(n for (port, _, _), n in self.counts.items() if port % 2 == 0)

    def video(self):
        """Those of a payload type that the call agreed on: no phone here has such audio."""
        self.poll()
        return sum(n for (port, kind, _), n in self.counts.items() if port % 2 == 0 and kind >= 96)
