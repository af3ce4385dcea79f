# SPDX-License-Identifier: BSD-2-Clause
"""What an admin does in the middle of a scenario: the command and its output, rules that
come late; and what a scanner does."""
import json
import subprocess
import tempfile
import time

from .text import SENT, Mismatch, Text

LONG = 3.0      # seconds for what the command shows a moment later


def squeeze(text):
    return ' '.join(text.split())


def look_up(value, path):
    """flows.tcp.# and calls.0.id in the answer of --json; # is a length."""
    for key in path.split('.'):
        if key == '#':
            value = len(value)
        elif isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


class Admin:
    """The verbs; a part of Runner."""

    tracer = None

    def do_rules(self, _):
        """rules: loads the ruleset that 'rules: late' kept back"""
        self.world.add_rules(self.helper)

    def do_refused(self, step):
        """refused nft ...: the command must fail"""
        try:
            self.do_nft(step)
        except RuntimeError:
            return
        raise Mismatch('the rule was accepted')

    def wanted(self, step):
        """The gutter lines with their names filled in."""
        return [Text(line.text, True).render(self.names, SENT)[0].decode()
                for line in step.lines]

    def run_command(self, words):
        with self.world.router:
            done = subprocess.run(['callgate', *words], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def do_callgate(self, step):
        """callgate WORDS...: its output has these lines, '!': has not; of --json: PATH == VALUE;
        without lines it must succeed"""
        if not self.module.present:
            return
        words = [self.fill(word) for word in step.words[1:]]
        check = self.json_lacks if '--json' in words else self.text_lacks
        end = time.monotonic() + LONG
        while True:
            status, output = self.run_command(words)
            wrong = [line for line in self.wanted(step) if check(output, line)]
            if not wrong and (step.lines or not status):
                return
            if time.monotonic() > end or not step.lines:
                raise Mismatch(f'not so: {wrong}\n{output}')
            time.sleep(0.05)

    @staticmethod
    def text_lacks(output, line):
        unwanted = line.startswith('!')
        return (squeeze(line.lstrip('!')) in squeeze(output)) == unwanted

    def json_lacks(self, output, line):
        path, operation, value = line.split(None, 2)
        try:
            got = look_up(json.loads(output), path)
        except ValueError:
            return True
        value = int(value) if value.isdigit() else value
        return got is None or not self.compare(operation, got, value)

    # ---- the trace

    def do_trace(self, step):
        """trace: begins to listen; trace with lines: these were shown since"""
        if not self.module.present:
            return
        if not step.lines:
            self.start_trace()
            return
        end = time.monotonic() + LONG
        while True:
            self.tracer.output.seek(0)
            shown = self.tracer.output.read().decode()
            missing = [line for line in self.wanted(step) if self.text_lacks(shown, line)]
            if not missing:
                return
            if time.monotonic() > end:
                raise Mismatch(f'not so: {missing}\n{shown}')
            time.sleep(0.05)

    def start_trace(self):
        output = tempfile.TemporaryFile()
        with self.world.router:
            self.tracer = subprocess.Popen(['callgate', 'trace', '--pinholes'], stdout=output,
                                           stderr=subprocess.STDOUT)
        self.tracer.output = output
        end = time.monotonic() + LONG
        while not self.listens(self.tracer.pid):
            if time.monotonic() > end:
                raise Mismatch('callgate trace does not listen')
            time.sleep(0.02)

    def listens(self, pid):
        """Is a netlink socket of this process in a multicast group?"""
        rows = [line.split() for line in self.world.router.read('netlink').splitlines()[1:]]
        return any(int(row[2]) % (1 << 22) == pid % (1 << 22) and int(row[3], 16)
                   for row in rows)

    def close_trace(self):
        if self.tracer:
            self.tracer.terminate()
            self.tracer.wait()
            self.tracer.output.close()

    # ---- the curious

    def do_scan(self, step):
        """scan X:9000 -> W FIRST-LAST [but PORT,PORT]: a message to each port, none arrives"""
        sender, _, target, ports, *rest = step.words[1:]
        first, last = (int(port) for port in ports.split('-'))
        spared = {self.names.port(word) for word in rest[1].split(',')} if rest else set()
        sock, address = self.socket(sender), self.names.host(target)
        text = Text(step.message(), False).sent(self.names)
        for port in range(first, last + 1):
            if port not in spared:
                self.send_until(sock, text, (address, port))
            if port % 256 == 0:
                self.nothing_arrives(0)
        self.nothing_arrives(self.lost_wait)

    def send_until(self, sock, text, where):
        """As often as the socket's own buffer is full."""
        while True:
            try:
                sock.sendto(text, where)
                return
            except BlockingIOError:
                self.nothing_arrives(0.001)

    def do_prefixes(self, step):
        """prefixes S -> T [from] [to]: each beginning of the message arrives, as it is or with
        all of its edits, never with some of them"""
        from_inside = self.world.inside(step.words[1].split(':')[0])
        text = Text(step.message(), from_inside, self.edits)
        whole = text.sent(self.names)
        names = [self.names.host(name).encode() for name in ('A', 'W')]
        untranslated, public = names if from_inside else names[::-1]

        for length in range(len(whole) + 1):
            piece = whole[:length]

            def matcher(got, piece=piece):
                if got != piece and (untranslated in got or public not in got):
                    raise Mismatch(f'of {len(piece)} bytes:\n{got!r}')
            self.deliver(step, piece, matcher)
