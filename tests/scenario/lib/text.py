# SPDX-License-Identifier: BSD-2-Clause
"""Text with edit marks: what was sent and what must arrive, written once.

  {A}  {A:5060}           address or host:port as in a URI
  {in A}  {ip A}          SDP's 'IN IP4 address', the bare address
  {5004}  {$m}  {$m+1}    a port; $m is bound at first sight and equal afterwards
  {"text"}                literal text
  {len}                   the length of the body, on each side its own
  {fill}                  as many x as the step's 'size' asks for
  {L => R}                the sender writes L, the receiver must see R
Everything outside of braces arrives as it was sent.
"""
import re

TOKEN = re.compile(r'\{([^{}]*)\}')
TERM = re.compile(r'''(?x) ^(?:
    (?P<sdp>in\s+|ip\s+)? (?P<name>[A-Z]\w*) (?: :(?P<port>\d+|\$\w+(?:\+\d+)?) )?
  | (?P<num>\d+) | (?P<var>\$\w+(?:\+\d+)?) | "(?P<text>[^"]*)" | (?P<len>len|fill)
)$''')
SENT, SEEN = 0, 1


class Mismatch(Exception):
    """A difference between what was expected and what came."""


class Names:
    """The addresses of a run and the ports that it has seen so far."""

    def __init__(self, family, hosts):
        self.family = family
        self.hosts = hosts
        self.ports = {}
        self.rules = {}         # variable -> list of constraint words
        self.pool = range(16384, 24576)

    def host(self, name):
        if name not in self.hosts:
            raise Mismatch(f'no host named {name} here')
        return self.hosts[name]

    def uri(self, name):
        host = self.host(name)
        return f'[{host}]' if ':' in host else host

    def sdp(self, name):
        host = self.host(name)
        return f'IN IP{6 if ":" in host else 4} {host}'

    def port(self, text):
        """The number, or None for a variable that has none yet."""
        if not text.startswith('$'):
            return int(text)
        name, _, plus = text[1:].partition('+')
        value = self.ports.get(name)
        return None if value is None else value + int(plus or 0)

    def bind(self, text, value):
        """A port is seen: learn it, or compare it with what is known."""
        known = self.port(text)
        if known is not None:
            if known != value:
                raise Mismatch(f'port {text} is {value}, was {known}')
            return
        name, _, plus = text[1:].partition('+')
        value -= int(plus or 0)
        for word in self.rules.get(name, ()):
            if not self.allowed(word, value):
                raise Mismatch(f'port ${name} is {value}, must be {word}')
        self.ports[name] = value

    def allowed(self, word, value):
        if word == 'even' or word == 'odd':
            return value % 2 == (word == 'odd')
        if word == 'pool':
            return value in self.pool
        other = self.port(word.lstrip('!='))
        if word.startswith('!='):
            return other is None or value != other
        return value == other


def parse_term(text):
    match = TERM.match(text.strip())
    if not match:
        raise ValueError(f'cannot read {{{text}}}')
    return match.groupdict()


class Text:
    """One message or payload, parsed."""

    def __init__(self, source, inside_sends, edits=True):
        """inside_sends: which side's text stands when nothing is edited."""
        self.parts = []
        pos = 0
        for match in TOKEN.finditer(source):
            self.parts.append(source[pos:match.start()])
            left, arrow, right = match.group(1).partition('=>')
            pair = [parse_term(left), parse_term(right if arrow else left)]
            if not edits:
                pair = [pair[SENT if inside_sends else SEEN]] * 2
            self.parts.append(pair)
            pos = match.end()
        self.parts.append(source[pos:])
        self.fill = 0

    def pieces(self, names, side):
        """(text, unbound variable) pairs; a length stays as the word 'len'."""
        for part in self.parts:
            if isinstance(part, str):
                yield part, None
                continue
            term = part[side]
            if term['text'] is not None:
                yield term['text'], None
            elif term['len'] == 'fill':
                yield 'x' * self.fill, None
            elif term['len']:
                yield None, 'len'
            elif term['num']:
                yield term['num'], None
            elif term['var']:
                yield from self.port_piece(names, term['var'])
            elif term['sdp']:
                bare = term['sdp'].startswith('ip')
                yield (names.host if bare else names.sdp)(term['name']), None
            else:
                yield names.uri(term['name']), None
                if term['port']:
                    yield ':', None
                    yield from self.port_piece(names, term['port'])

    @staticmethod
    def port_piece(names, word):
        value = names.port(word)
        yield (None, word) if value is None else (str(value), None)

    def render(self, names, side):
        """The bytes, and whether variables without a value are left in them."""
        unbound = False
        out = []
        length_at = None
        for text, word in self.pieces(names, side):
            if word == 'len':
                length_at = len(out)
                text = ''
            elif word:
                unbound = True
                text = f'<{word}>'
            out.append(text)
        if length_at is not None:
            body = ''.join(out[length_at:]).partition('\r\n\r\n')[2]
            out[length_at] = str(len(body.encode()))
        return ''.join(out).encode(), unbound

    def sent(self, names, size=0):
        """The sender's bytes, filled up to this size."""
        if size:
            self.fill = size - len(self.render(names, SENT)[0])
        data, unbound = self.render(names, SENT)
        if unbound:
            raise Mismatch('the message to send has a port that was never seen: '
                           + str(re.findall(rb'<\$\w+', data)))
        return data

    def compare(self, names, got):
        """Learns ports from what came; returns the bytes expected, for the diff."""
        want, unbound = self.render(names, SEEN)
        if unbound:
            pattern, words = [], []
            for text, word in self.pieces(names, SEEN):
                pattern.append(rb'(\d+)' if word else re.escape(text.encode()))
                if word:
                    words.append(word)
            match = re.fullmatch(b''.join(pattern), got, re.DOTALL)
            if match:
                for word, value in zip(words, match.groups()):
                    if word != 'len':
                        names.bind(word, int(value))
                want, unbound = self.render(names, SEEN)
        return want
