# SPDX-License-Identifier: BSD-2-Clause
"""The bytes of NAT slipstreaming, rebuilt: what a web page can make a browser inside
send to its author's server X, so that a helper takes a part of it for SIP.

Three carriers: TCP segments, UDP datagrams, IP fragments. A variant of these is never
SIP from its first byte. The fourth group is SIP from its first byte, and names what
it must not.
"""
import itertools
import struct

METHODS = ('REGISTER', 'INVITE', 'UPDATE', '200')
LOW = (22, 80, 445)
SERVICES = (2049, 3306, 3389, 5432, 5900, 6379, 8080)
OTHERS = (40000, 16384, 8444)
SIP = 5060
TURN = 3478
COOKIE = 0x2112A442


class Ends:
    """Who is who: the victim's host, another inside host, the author's server."""

    def __init__(self, hosts):
        self.victim, self.third, self.server = hosts['B'], hosts['C'], hosts['X']


class Variant:
    def __init__(self, name, **fields):
        self.name = name
        self.carrier = 'udp'
        self.parts = []         # segments, one datagram, or (offset, more, bytes) fragments
        self.to = SIP           # port of the server
        self.named = None       # the inside endpoint that must stay closed
        self.listed = False     # may be in a call's list of pinholes
        self.opens = None       # port of the author's own, which a 2xx may open
        self.source = 0
        self.answer = None      # what the server says: status, and who says it
        self.whole = True       # the datagram is complete: it must arrive
        self.mss = 0            # how many full segments go before the SIP text
        self.__dict__.update(fields)


# ---- SIP text

def uri(endpoint):
    host, port = endpoint
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


def sdp(media, attributes=()):
    host, port = media
    kind = 'IP6' if ':' in host else 'IP4'
    return '\r\n'.join(['v=0', f'o=- 1 1 IN {kind} {host}', 's=-', f'c=IN {kind} {host}',
                        't=0 0', f'm=audio {port} RTP/AVP 0', *attributes, ''])


def sip(method, ends, contact, more=(), **options):
    """A message of the victim; options: source (port), media, attributes, serial."""
    serial = options.get('serial', 0)
    via = uri((ends.victim, options.get('source', SIP)))
    media = options.get('media', contact)
    body = '' if method == 'REGISTER' or not media else sdp(media, options.get('attributes', ()))
    first = ('SIP/2.0 200 OK' if method == '200' else
             f'{method} sip:{uri((ends.server, SIP))};transport=udp SIP/2.0')
    lines = [first,
             f'Via: SIP/2.0/UDP {via};branch=z9hG4bKslip{serial}',
             'Max-Forwards: 70',
             'From: <sip:victim@example.org>;tag=v',
             'To: <sip:victim@example.org>' + (';tag=w' if method in ('UPDATE', '200') else ''),
             f'Call-ID: slip{serial}@example.org',
             f'CSeq: {serial + 1} {"INVITE" if method == "200" else method}',
             f'Contact: <sip:victim@{uri(contact)}>', *more]
    if body:
        lines.append('Content-Type: application/sdp')
    lines += [f'Content-Length: {len(body)}', '', body]
    return '\r\n'.join(lines).encode()


class Sayings:
    """SIP texts for the carriers: each names another port, every third another host."""

    def __init__(self, ends):
        self.ends = ends
        self.serial = itertools.count()
        self.ports = itertools.cycle(LOW[1:] + SERVICES + OTHERS)

    def next(self, method):
        """(text, named endpoint)"""
        serial = next(self.serial)
        host = self.ends.third if serial % 3 == 2 else self.ends.victim
        named = host, next(self.ports)
        return sip(method, self.ends, named, serial=serial), named


# ---- what stands in front

def post(host, length):
    return (f'POST / HTTP/1.1\r\nHost: {host}:5060\r\nContent-Type: text/plain\r\n'
            f'Content-Length: {length}\r\n\r\n').encode()


def stun(kind, attribute, value):
    value += b'\0' * (-len(value) % 4)
    return struct.pack('!HHI', kind, 4 + len(value), COOKIE) + b'slipstream12' + struct.pack(
        '!HH', attribute, len(value)) + value


def dtls(payload):
    return struct.pack('!BHHHIH', 22, 0xfefd, 0, 0, 1, len(payload)) + payload


def tls(payload):
    return struct.pack('!BHH', 23, 0x0303, len(payload)) + payload


PREFIXES = {
    'stun': lambda pad, text: stun(0x0001, 0x0006, pad + text),
    'turn': lambda pad, text: stun(0x0003, 0x0006, pad + text),
    'turn-data': lambda pad, text: stun(0x0016, 0x0013, pad + text),
    'channel': lambda pad, text: struct.pack('!HH', 0x4001, len(pad + text)) + pad + text,
    'dtls': lambda pad, text: dtls(pad + text),
    'tls': lambda pad, text: tls(pad + text),
    'quic': lambda pad, text: b'\xc3\0\0\0\1\x08slipslip\0\0' + pad + text,
    'http': lambda pad, text: post('x', len(pad + text)) + pad + text,
    'http-line': lambda pad, text: b'GET /' + pad + b' HTTP/1.1\r\n' + text,
    'nul': lambda pad, text: b'\0' + pad + text,
    'blank': lambda pad, text: b' ' + pad + text,
    'newline': lambda pad, text: b'\n' + pad + text,
    'line': lambda pad, text: b'x' + pad + b'\r\n' + text,
    'high': lambda pad, text: b'\xff' + pad + text,
}


# ---- TCP

def at_text(data, text):
    """Two segments, the second begins with the text."""
    start = data.index(text)
    return [data[:start], data[start:]]


def tcp_ways():
    """(name, full segments in front, what makes the segments of a SIP text)"""
    get = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    for n in range(125):
        yield f'post/{n}', 0, lambda text, n=n: [post('x', n + len(text)) + b'a' * n, text]
    for n in range(1, 9):
        yield f'mss/{n}', n, lambda text: [text]
    yield 'pipelined/1', 0, lambda text: [get, text]
    yield 'pipelined/2', 0, lambda text: [get + text]
    yield 'pipelined/3', 0, lambda text: [get, get, text, get]
    for n in range(8):
        yield f'stun/{n}', 0, lambda text, n=n: at_text(
            stun(0x0003, 0x0006, b'u' * (4 * n) + text), text)
    for n in (0, 1, 16, 255):
        yield f'tls/{n}', 0, lambda text, n=n: at_text(tls(b't' * n + text), text)
    for n in range(1, 13):
        yield f'split/{n}', 0, lambda text, n=n: [text[:n], text[n:]]


def tcp_variants(ends):
    sayings = Sayings(ends)
    for method, (name, full, segments) in itertools.product(METHODS, list(tcp_ways())):
        text, named = sayings.next(method)
        yield Variant(f'tcp/{method}/{name}', carrier='tcp', parts=segments(text), mss=full,
                      named=named)


# ---- UDP

def udp_variants(ends):
    sayings = Sayings(ends)
    for method, (kind, wrap), n in itertools.product(METHODS, PREFIXES.items(), range(12)):
        text, named = sayings.next(method)
        yield Variant(f'udp/{method}/{kind}/{n}', parts=[wrap(b'\0' * n, text)], named=named)


# ---- fragments

def cut(datagram, at):
    """In two, the second begins at @at; offsets count from the UDP header."""
    return [(0, True, datagram[:at]), (at, False, datagram[at:])]


def orders(datagram, at, forged):
    """(name, fragments, is the datagram whole?)"""
    first, second = cut(datagram, at)
    over = min(at, len(forged) - 8) & ~7        # all but the last are multiples of 8
    yield 'forward', [first, second], True
    yield 'reversed', [second, first], True
    yield 'second-alone', [second], False
    yield 'second-first-again', [second, second, first], None
    yield 'over-all', [first, (8, True, forged[8:8 + over]), second], None
    yield 'over-start', [(0, True, forged[:over]), first, second], None
    yield 'over-end', [first, (at - 8, False, forged)], None


def fragment_variants(ends):
    """TURN with an overlong user name: the second fragment looks like UDP with SIP in it."""
    sayings = Sayings(ends)
    for method, size, port in itertools.product(METHODS, (64, 96, 256, 576, 1232, 1448),
                                                (SIP, TURN)):
        for name, _, whole in orders(b'\0' * 64, 16, b'\0' * 64):
            text, named = sayings.next(method)
            forged = struct.pack('!HHHH', SIP, SIP, 8 + len(text), 0) + text
            # UDP header 8, STUN header 20, attribute header 4
            data = stun(0x0003, 0x0006, b'u' * (size - size % 8 - 32) + forged)
            yield Variant(f'fragments/{method}/{size}/{port}/{name}', carrier='fragments',
                          parts=[data, size - size % 8, forged, name], to=port, named=named,
                          whole=whole)


# ---- SIP from the first byte that names what it must not

def forbidden(ends):
    """(name, endpoint): never to be opened, whatever the server answers."""
    for port in LOW + SERVICES:
        yield f'own-{port}', (ends.victim, port)
    for port in LOW + SERVICES:
        yield f'third-{port}', (ends.third, port)


def unconfirmed(ends):
    """(name, endpoint): not without an answer of the server."""
    for port in OTHERS:
        yield f'own-{port}', (ends.victim, port)
    for port in OTHERS + (SIP,):
        yield f'third-{port}', (ends.third, port)


def headers_of(named):
    for name in ('Record-Route', 'Route', 'Path', 'Service-Route'):
        yield name, [f'{name}: <sip:{uri(named)};lr>']


def attributes_of(named):
    host, port = named
    kind = 'IP6' if ':' in host else 'IP4'
    yield 'rtcp', [f'a=rtcp:{port} IN {kind} {host}']
    yield 'candidate', [f'a=candidate:1 1 UDP 2130706431 {host} {port} typ host']
    yield 'altc', [f'a=altc:1 {kind} {host} {port}']


def answers_of(method):
    """(name, (status, who)): the server, or a host that was never asked."""
    yield 'unanswered', None
    if method in ('REGISTER', 'INVITE'):
        yield 'refused', (401, 'X')
        yield 'by-another', (200, 'Q')


class Named:
    """Each variant sends from a port of its own, that it may be answered on."""

    def __init__(self, ends):
        self.ends = ends
        self.serial = itertools.count(5000)

    def make(self, name, method, named, prefix=b'', **options):
        serial = next(self.serial)
        answer = options.pop('answer', None)
        contact = options.pop('contact', named)
        text = sip(method, self.ends, contact, options.pop('more', ()), serial=serial,
                   source=26000 + serial % 5000, **options)
        # the sender's own media is listed with its call, though nobody may send to it yet
        own = named[0] == self.ends.victim and named[1] not in LOW + SERVICES
        opens = contact[1] if answer and contact != named else None
        return Variant(f'named/{method}/{name}', carrier='sip', parts=[prefix + text],
                       source=26000 + serial % 5000, named=named, answer=answer, listed=own,
                       opens=opens)


def named_contacts(make, ends):
    """Nothing is opened for these without a 2xx of the server that was asked."""
    for method in METHODS:
        for name, named in itertools.chain(forbidden(ends), unconfirmed(ends)):
            for said, answer in answers_of(method):
                yield make(f'{name}/{said}', method, named, answer=answer,
                           **({'media': None} if answer else {}))
            yield make(f'{name}/crlf', method, named, prefix=b'\r\n\r\n')


def named_although_answered(make, ends):
    """A 2xx of the author's own server opens no service, and nothing of another host."""
    own = ends.victim, 30000
    for name, named in forbidden(ends):
        for method in ('REGISTER', 'INVITE'):
            yield make(f'{name}/answered', method, named, answer=(200, 'X'), media=None)
        yield make(f'media-{name}/answered', 'INVITE', named, answer=(200, 'X'),
                   contact=own, media=named)
        for what, lines in attributes_of(named):
            yield make(f'{what}-{name}/answered', 'INVITE', named, answer=(200, 'X'),
                       contact=own, media=own, attributes=lines)
    yield make('third-40000/answered', 'REGISTER', (ends.third, 40000), answer=(200, 'X'))
    for method in ('REGISTER', 'INVITE'):
        for what, lines in headers_of((ends.third, 3389)):
            yield make(f'{what}/answered', method, (ends.third, 3389), answer=(200, 'X'),
                       contact=own, more=lines, media=None)


def answered_variants(ends):
    yield from named_although_answered(Named(ends).make, ends)


def named_variants(ends):
    make = Named(ends).make
    yield from named_contacts(make, ends)
    # media that the sender may name, but of which the other side has not spoken
    for i in range(8):
        yield make(f'silent/{i}', 'INVITE', (ends.victim, 30100 + 2 * i),
                   contact=(ends.victim, 30100 + 2 * i))


def confirmed_variants(ends):
    """A phone that is called on another port than it sends from: open from the 2xx on,
    and never where the admin set strict."""
    make = Named(ends).make
    for port in OTHERS:
        yield make(f'own-{port}/confirmed', 'REGISTER', (ends.victim, port), answer=(200, 'X'))


GROUPS = {'tcp': tcp_variants, 'udp': udp_variants, 'fragments': fragment_variants,
          'named': named_variants, 'answered': answered_variants,
          'confirmed': confirmed_variants}


# ---- what the server says

def answer(request, status, server):
    """The answer to a message as it arrived, whoever sends it."""
    lines = request.lstrip(b'\r\n').decode().partition('\r\n\r\n')[0].split('\r\n')
    kept = [line for line in lines[1:] if line.split(':')[0] in ('Via', 'From', 'Call-ID', 'CSeq')]
    kept += [line + ('' if ';tag=' in line else ';tag=server') for line in lines
             if line.startswith('To:')]
    register = lines[0].startswith('REGISTER')
    body = ''
    if register:
        kept += [line + ';expires=3600' for line in lines if line.startswith('Contact:')]
    else:
        kept.append(f'Contact: <sip:server@{uri(server)}>')
        body = sdp((server[0], 7000)) if status == 200 else ''
    if body:
        kept.append('Content-Type: application/sdp')
    return '\r\n'.join([f'SIP/2.0 {status} Whatever', *kept, f'Content-Length: {len(body)}', '',
                        body]).encode()
