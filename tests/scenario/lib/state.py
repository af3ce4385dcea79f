# SPDX-License-Identifier: BSD-2-Clause
"""What the router knows: conntrack, expectations, and the module by its command.

The only place that knows the keys of `callgate ... --json`.
"""
import ipaddress
import json
import re


def plain(address):
    return str(ipaddress.ip_address(address))


class Entry:
    """A line of nf_conntrack or nf_conntrack_expect."""

    def __init__(self, line):
        self.line = line
        fields = re.findall(r'(src|dst|sport|dport)=(\S+)', line)
        self.fields = [(key, value if 'port' in key else plain(value))
                       for key, value in fields]
        self.ports = {int(value) for key, value in fields if 'port' in key}
        udp = re.search(r'\budp\b|proto=17\b', line)
        self.media = bool(udp) and 5060 not in self.ports

    def has(self, key, value):
        return (key, str(value)) in self.fields


def conntrack(router):
    return [Entry(line) for line in router.read('nf_conntrack').splitlines()]


def expectations(router):
    return [Entry(line) for line in router.read('nf_conntrack_expect').splitlines()]


class Module:
    """The command in the router's namespace."""

    def __init__(self, router, present):
        self.router = router
        self.present = present

    def ask(self, *words):
        text = self.router.run('callgate', *words, '--json')
        return json.loads(text) if text.strip() else {}

    def calls(self):
        return self.ask('calls').get('calls', [])

    def bindings(self):
        answer = self.ask('registrations')
        return answer.get('registrations', answer.get('bindings', []))

    def pinholes(self):
        return [pin for call in self.calls() for pin in call.get('pinholes', [])]

    def counter(self, name):
        """A number of the status, or the count of a reason."""
        status = self.ask('status')
        if isinstance(status.get(name), int):
            return status[name]
        for reason in status.get('reasons', []):
            if reason.get('name') == name:
                return reason.get('count', 0)
        return 0

    def dump(self):
        """Everything, for the report of a failure."""
        if not self.present:
            return ''
        return '\n'.join(self.router.run('callgate', what, '--json', okay=True).strip()
                         for what in ('calls', 'registrations', 'status'))
