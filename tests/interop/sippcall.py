# SPDX-License-Identifier: BSD-2-Clause
"""Runs two sipp against each other: starts them, answers when they wait, judges how they ended."""

import glob
import os
import socket
import struct

import net
import sipp
import sniff
import world

MEDIA_PORT, PACKETS, ENOUGH, MARK = 30000, 25, 20, 0xC6A70000
PATIENCE = net.PATIENCE


class Failure(Exception):
    """What a user would complain about."""


def write_media(folder):
    """N.pcap: 25 packets of 20 ms; eight bytes of header, then the marker."""
    for number in range(1, 4):
        with open(f"{folder}/{number}.pcap", "wb") as file:
            file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for n in range(PACKETS):
                payload = struct.pack("!BBHII", 0x80, 0, n + 1, n * 160, MARK + number)
                payload += b"\xff" * 160
                udp = struct.pack("!HHHH", 4000, 4000, 8 + len(payload), 0) + payload
                packet = bytes(12) + b"\x08\0" + struct.pack(
                    "!BBHHHBBH8x", 0x45, 0, 20 + len(udp), n, 0, 64, 17, 0) + udp
                file.write(struct.pack("=IIII", 1, n * 20000, len(packet), len(packet)) + packet)


def listens(host, family, port):
    name = "udp6" if family == 6 else "udp"
    with host.inside(), open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
        return any(line.split()[1].endswith(f":{port:04X}") for line in file.readlines()[1:])


class End:
    """One sipp with one script."""

    def __init__(self, lab, host, family, profile):
        self.lab, self.host, self.family, self.profile = lab, host, family, profile
        self.process = self.control = self.sniffer = None
        self.buffer = b""

    def start(self, name, text, run):
        """name: of its files; run: the Call-ID's first part, for the caller."""
        self.stem = f"{self.lab.folder}/{name}"
        with open(f"{self.stem}.xml", "w", encoding="ascii") as file:
            file.write(text)
        with self.host.inside():
            server = socket.create_server(("127.0.0.1", 0))
        self.sniffer = sniff.Sniffer(self.host)
        address = world.address(self.host.name, self.family)
        self.process = self.host.start(
            "sipp", "-sf", f"{self.stem}.xml", "-i", address, "-mi", address, "-bind_local",
            "-p", str(self.profile.port), "-mp", str(self.media_port()), "-m", "1", "-nostdin",
            "-3pcc", "127.0.0.1:%d" % server.getsockname()[1], "-cid_str", f"{run}@{address}",
            "-recv_timeout", f"{PATIENCE}s", "-trace_err", "-error_file", f"{self.stem}.errors",
            f"{world.provider_at(self.family)}:5060", log=f"{self.stem}.out",
            cwd=self.lab.folder, env={**os.environ, "TERM": "dumb"})
        with server:
            server.settimeout(PATIENCE)
            try:
                self.control = server.accept()[0]
            except TimeoutError:
                raise Failure(f"sipp does not start: {self.errors()}") from None
        self.control.setblocking(False)
        if not net.until(lambda: listens(self.host, self.family, self.profile.port), PATIENCE):
            raise Failure("sipp does not listen")

    def media_port(self):
        """One for each port of SIP: two sipp of one host may be at work at once."""
        return MEDIA_PORT + (self.profile.port - sipp.Profile.port) * 10 % 1000

    def commands(self):
        """The steps at which it has arrived, each a list of words."""
        try:
            self.buffer += self.control.recv(65536)
        except BlockingIOError:
            pass
        *whole, self.buffer = self.buffer.split(b"\x1b")
        for text in whole:
            fields = dict(line.split(": ", 1) for line in text.decode().splitlines()
                          if ": " in line)
            if "Step" in fields:        # others are of sipp to sipp: that it gives up
                self.call_id = fields["Call-ID"]
                yield fields["Step"].split()

    def go_on(self):
        self.control.setblocking(True)
        self.control.sendall(f"Call-ID: {self.call_id}\r\nStep: on\r\n\r\n\x1b".encode())
        self.control.setblocking(False)

    def errors(self):
        text = ""
        for path in glob.glob(f"{self.stem}.errors"):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return " ".join(text.split()) or f"exit status {self.process.poll()}"

    def stop(self):
        for thing in (self.control, self.sniffer and self.sniffer.sock):
            if thing:
                thing.close()
        if self.process and self.process.poll() is None:
            self.host.end(self.process)
        elif self.process:
            self.host.processes.remove(self.process)


class Call:
    """A script between two ends, or with one of them (a registration, a call to a program).

    other: what decides whether an end goes on that waits for more than the two ends.
    """

    def __init__(self, lab, script, run, ends, other=None):
        self.lab, self.script, self.run, self.ends = lab, script, run, ends
        self.other, self.told, self.waiting = other, set(), []
        self.learned = None

    def compile(self, role, end, third):
        other = [e for r, e in self.ends.items() if r != role]
        peer = other[0].profile.user if other else third
        compiler = sipp.Compiler(end.profile, peer, f"{self.run}{role}", third)
        return compiler.xml(self.lab.scripts[self.script][role])

    def play(self, third=""):
        """Plays the script to its end; raises Failure."""
        try:
            for role in sorted(self.ends, reverse=True):    # the called first: it must listen
                end = self.ends[role]
                end.start(f"{self.run}-{role}", self.compile(role, end, third), self.run)
            if not net.until(self.step, 2 * PATIENCE):
                raise Failure("it does not end; waits for: " + "; ".join(
                    " ".join(words) for _, words in self.waiting))
            for role, end in self.ends.items():
                if end.process.returncode:
                    raise Failure(f"{role}: {end.errors()}")
        finally:
            for end in self.ends.values():
                end.stop()

    def step(self):
        """Takes what the ends say; lets go on who may; true when all have ended."""
        for end in self.ends.values():
            for words in end.commands():
                if words[0] == "tell":
                    self.told.add(words[1])
                    self.learned = " ".join(words[2:]) or self.learned
                else:
                    self.waiting.append((end, words))
        for end, words in list(self.waiting):
            if self.may_go_on(*words):
                self.waiting.remove((end, words))
                end.go_on()
        codes = [end.process.poll() for end in self.ends.values()]
        return any(codes) or None not in codes

    def may_go_on(self, verb, *words):
        if verb == "hear":
            return words[0] in self.told
        if verb == "until":
            ends = self.ends.values() if words[1] == "both" else [self.ends[words[1]]]
            return all(end.sniffer.marked(MARK + int(words[0])) >= ENOUGH for end in ends)
        return self.other()

    def heard_from(self, role):
        """The addresses that sent the media which this end received."""
        sources = self.ends[role].sniffer.sources
        return {each for mark, found in sources.items() if MARK < mark < MARK + 8
                for each in found}
