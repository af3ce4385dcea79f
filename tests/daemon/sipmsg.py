# SPDX-License-Identifier: BSD-2-Clause
"""SIP messages as text, and digest credentials: for the peers of peer.py."""
import hashlib
import itertools
import re
import secrets

COMPACT = {'v': 'via', 'f': 'from', 't': 'to', 'i': 'call-id', 'm': 'contact',
           'l': 'content-length', 'c': 'content-type', 'k': 'supported', 's': 'subject',
           'o': 'event', 'e': 'content-encoding', 'r': 'refer-to', 'b': 'referred-by',
           'x': 'session-expires', 'u': 'allow-events'}
ALGORITHMS = {'MD5': 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512_256'}
numbers = itertools.count(1)


class Message:
    """What came in: .start, .code or .method and .uri, headers in order, .body."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b'\r\n\r\n')
        lines = re.sub(r'\r\n[ \t]+', ' ', head.decode('utf-8', 'replace')).split('\r\n')
        self.start = lines[0]
        words = self.start.split(' ', 2)
        self.response = words[0] == 'SIP/2.0'
        self.code = int(words[1]) if self.response else 0
        self.phrase = words[2] if self.response and len(words) > 2 else ''
        self.method, self.uri = (None, None) if self.response else words[:2]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(':')
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        """The first value of a header, or ''."""
        return next(iter(self.all(name)), '')

    def cseq(self):
        number, _, method = self.get('cseq').partition(' ')
        return int(number or 0), method.strip()

    def tag(self, name):
        match = re.search(r';\s*tag\s*=\s*([^;\s>]+)', re.sub(r'<[^>]*>|"[^"]*"', '', self.get(name)))
        return match[1] if match else ''

    def branch(self):
        match = re.search(r'branch=([^;,\s]+)', self.get('via'))
        return match[1] if match else ''

    def contacts(self):
        """URI to the parameters behind it, of all Contact values."""
        found = {}
        for value in self.all('contact'):
            for match in re.finditer(r'<([^>]*)>([^,<]*)', value):
                found[match[1]] = match[2]
        return found

    def __str__(self):
        return self.data.decode('utf-8', 'replace')


def unquote(text):
    return text[1:-1].replace('\\"', '"') if text[:1] == '"' else text


class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate value."""

    def __init__(self, value, proxy):
        self.proxy = proxy
        self.values = {name.lower(): unquote(text) for name, text in
                       re.findall(r'(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,\s]+)', value)}
        self.algorithm = self.values.get('algorithm', 'MD5')


def challenges(message):
    """Those of a 401 or 407 whose algorithm is known here, in their order."""
    proxy = message.code == 407
    found = [Challenge(value, proxy) for value in
             message.all('proxy-authenticate' if proxy else 'www-authenticate')]
    return [c for c in found if c.algorithm.upper() in ALGORITHMS]


class Credentials:
    """Answers challenges of one realm; the nonce is used again with a count that rises."""

    def __init__(self, user, password):
        self.user, self.password = user, password
        self.challenge, self.count = None, 0

    def take(self, challenge):
        self.challenge, self.count = challenge, 0

    def line(self, method, request_uri, **changes):
        """The header line; changes: fields to lie about, None to leave out."""
        values, self.count = self.challenge.values, self.count + 1
        name = ALGORITHMS[self.challenge.algorithm.upper()]

        def digest(*parts):
            return hashlib.new(name, ':'.join(parts).encode()).hexdigest()

        fields = {'username': self.user, 'realm': values['realm'], 'nonce': values['nonce'],
                  'uri': request_uri, 'algorithm': self.challenge.algorithm}
        if 'opaque' in values:
            fields['opaque'] = values['opaque']
        if 'qop' in values:
            fields |= {'qop': 'auth', 'nc': f'{self.count:08x}', 'cnonce': secrets.token_hex(8)}
        fields |= {key: value for key, value in changes.items() if key != 'response'}
        ha1 = digest(str(fields['username']), str(fields['realm']), self.password)
        middle = [str(fields[key]) for key in ('nonce', 'nc', 'cnonce', 'qop') if key in fields]
        fields['response'] = changes.get('response') or digest(
            ha1, *middle, digest(method, str(fields['uri'])))
        bare = ('algorithm', 'qop', 'nc')
        text = ', '.join(f'{key}={value}' if key in bare else f'{key}="{value}"'
                         for key, value in fields.items() if value is not None)
        return f'{"Proxy-" if self.challenge.proxy else ""}Authorization: Digest {text}'


def host(address):
    return f'[{address}]' if ':' in address else address


def unique(what):
    return f'{what}{next(numbers)}-{secrets.token_hex(4)}'
