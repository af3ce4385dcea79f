#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""callgated as a service: start, readiness, signals, privileges, sockets handed over, and each way
in which a start fails, with its line and its exit status. Needs root, for a network of its own."""
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

BURST = 60
PHONE, SERVER = "192.0.2.2", ("192.0.2.1", 5060)       # addresses of this machine, too
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DAEMON, COMMAND = (os.path.join(ROOT, "build", name) for name in ("callgated", "callgate"))
CLONE_NEWNET = 0x40000000
CAP_NET_BIND_SERVICE, CAP_NET_ADMIN = 10, 12
sys.path.insert(0, os.path.join(ROOT, "tests", "daemon"))
sys.dont_write_bytecode = True
import tally  # noqa: E402
from tally import check  # noqa: E402
from sipmsg import Credentials, Message, challenges  # noqa: E402
LIMIT = 20
CONFIG = """listen = {{ 127.0.0.1:{port} }}
database = "{folder}/lib/callgate.db"
control = "{folder}/run/control.sock"
domain "office.example" {{ registrar = main }}
"""


class Service:
    """One callgated with a folder, a configuration and a service manager (this program)."""

    def __init__(self, more="", port=5060):
        self.folder = tempfile.mkdtemp(prefix="callgate-service-")
        os.chmod(self.folder, 0o755)
        self.configure(more, port)
        os.mkdir(self.path("manager"), 0o700)   # root's alone
        self.manager = None
        self.manage()
        self.process, self.heard = None, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def manage(self):
        """As a service manager that begins, perhaps anew."""
        if self.manager:
            self.manager.close()
            os.unlink(self.path("manager/notify"))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path("manager/notify"))
        self.manager.settimeout(LIMIT)

    def configure(self, more="", port=5060):
        with open(self.path("conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, port=port) + more)

    def begin(self, *before, environment=(), fds=()):
        while select.select([self.manager], [], [], 0)[0]:
            self.manager.recv(1024)
        self.heard.clear()
        env = dict(os.environ, NOTIFY_SOCKET=self.path("manager/notify"), **dict(environment))
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen([*before, DAEMON, "-c", self.path("conf")], env=env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=fds)
        return self

    def hear(self, what):
        """Waits for a line to the service manager."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            for text in self.heard:
                if what in text:
                    self.heard.remove(text)
                    return True
            try:
                self.heard.append(self.manager.recv(1024).decode())
            except socket.timeout:
                break
        return False

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def say(self, pattern):
        """Waits for a line of the log."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if re.search(pattern, self.log()):
                return True
            time.sleep(0.02)
        return False

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait() and None

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def command(self, *words, text=""):
        done = subprocess.run([COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, input=text, check=False)
        return done.returncode, done.stdout, done.stderr

    def ask(self, verb):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(LIMIT)
            sock.connect(self.path("run/control.sock"))
            sock.sendall(json.dumps({"do": verb}).encode() + b"\n")
            return json.loads(sock.makefile().readline())

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.manager.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def options(port):
    """The first line of the answer to an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(LIMIT)
        sock.connect(("127.0.0.1", port))
        sock.send(f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
                  "Via: SIP/2.0/UDP h;rport;branch=z9hG4bKo\r\nFrom: <sip:a@h>;tag=1\r\n"
                  "To: <sip:h>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
                  "Content-Length: 0\r\n\r\n".encode())
        return sock.recv(4000).decode().split("\r\n")[0]


def life():
    """From the start to the end in order."""
    s = Service("log-level = info\n").begin()
    check("READY=1 when it serves", s.hear("READY=1"), s.log())
    check("an OPTIONS is answered", options(5060) == "SIP/2.0 200 OK")
    check("the folders were made", os.path.isdir(s.path("lib")) and os.path.isdir(s.path("run")))
    check("the socket is for root and its group",
          os.stat(s.path("run/control.sock")).st_mode & 0o777 == 0o660)
    answer = s.ask("status")["result"]
    check("status: its version, file, ports",
          answer["config"] == s.path("conf") and answer["listen"] == ["127.0.0.1:5060"]
          and answer["pid"] == s.process.pid, answer)
    check("status: its counters", answer["transport"]["in"] >= 1 and answer["domains"] == 1, answer)
    reloads(s)
    s.signal(signal.SIGUSR1)
    check("SIGUSR1: the counters in the log", s.say(r"transport: in \d+, out \d+"), s.log())
    check("SIGTERM: exit status 0", s.stop() == 0, s.log())
    check("STOPPING=1", s.hear("STOPPING=1"))
    check("the socket is gone", not os.path.exists(s.path("run/control.sock")))
    s.begin()
    check("a second start", s.hear("READY=1"), s.log())
    s.process.kill()
    s.wait()
    s.begin()
    check("a start after kill -9", s.hear("READY=1"), s.log())
    s.manage()
    s.signal(signal.SIGHUP)
    check("a manager that began anew is told", s.hear("READY=1"), s.log())
    s.signal(signal.SIGINT)
    check("SIGINT: exit status 0", s.wait() == 0, s.log())
    s.close()


def reloads(s):
    check("callgate reload", s.command("reload", "--config", s.path("conf"))
          == (0, f"{s.path('conf')} is in force\n", ""))
    check("RELOADING=1, READY=1", s.hear("RELOADING=1\nMONOTONIC_USEC=") and s.hear("READY=1"))
    s.configure("domain b.example { }\nnonce-life = 20\n", port=5070)
    s.signal(signal.SIGHUP)
    check("SIGHUP: the new domain", s.hear("RELOADING=1") and s.hear("READY=1")
          and s.ask("status")["result"]["domains"] == 2)
    check("what takes a restart is named, and stays", "listen: it was changed" in s.log()
          and s.ask("status")["result"]["listen"] == ["127.0.0.1:5060"], s.log())
    s.configure("colour = blue\n")
    s.signal(signal.SIGHUP)
    check("SIGHUP with an error: the line", s.say(r"conf:5: colour: unknown option"), s.log())
    check("and nothing changed", s.hear("READY=1") and s.ask("status")["result"]["domains"] == 2
          and "nothing was changed" in s.log(), s.log())
    status, _, err = s.command("reload", "--config", s.path("conf"))
    check("callgate reload with an error: the line", status == 1 and "conf:5: colour" in err, err)
    status, _, err = s.command("reload", "--control", s.path("run/control.sock"))
    check("refused by callgated itself", status == 1 and "conf:5: colour" in err, err)
    s.configure()
    status, out, err = s.command("reload", "--config", s.path("conf"), "--json")
    check("reload --json", status == 0 and json.loads(out)["config"] == s.path("conf"), err)


def watchdog():
    s = Service().begin(environment={"WATCHDOG_USEC": "200000"})
    check("WATCHDOG=1, again and again", all(s.hear("WATCHDOG=1") for _ in range(3)), s.log())
    s.stop()
    s.begin(environment={"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    s.hear("READY=1")
    s.stop()
    check("not for another process", s.hear("STOPPING=1")
          and not any("WATCHDOG" in text for text in s.heard), s.heard)
    s.close()


def register(number, credentials=None):
    """A REGISTER of alice for one device more."""
    lines = [credentials.line("REGISTER", "sip:office.example")] if credentials else []
    return "\r\n".join([
        "REGISTER sip:office.example SIP/2.0",
        f"Via: SIP/2.0/UDP {PHONE}:5070;rport;branch=z9hG4bKr{number}", "Max-Forwards: 70",
        "From: <sip:alice@office.example>;tag=1", "To: <sip:alice@office.example>",
        f"Call-ID: device{number}", "CSeq: 1 REGISTER", *lines,
        f"Contact: <sip:device{number}@{PHONE}:5070>", "Expires: 600", "Content-Length: 0",
        "", ""]).encode()


def up_to_mark(sock):
    """What reached a socket whose peer is gone: a datagram in the peer's place comes last."""
    mark = b"behind the answers"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(sock.getpeername())
        peer.sendto(mark, sock.getsockname())
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionRefusedError:      # of a REGISTER that nobody took any more
            continue
        if data == mark:
            return
        yield data


def in_order():
    """SIGTERM in the midst of registrations: whoever is kept has got the answer, and nobody else."""
    s = Service()
    rewrite(s, "registrar = main", "registrar = main max-contacts = 1000")
    rewrite(s, "127.0.0.1", "0.0.0.0")
    s.begin()
    s.hear("READY=1")
    done = s.command("users", "add", "--config", s.path("conf"), "--stdin", "alice@office.example",
                     text="secret of alice\n")
    check("a user", done[0] == 0, done)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(LIMIT)
        sock.bind((PHONE, 5070))
        sock.connect(SERVER)
        sock.send(register(0))
        credentials = Credentials("alice", "secret of alice")
        credentials.take(challenges(Message(sock.recv(4000)))[0])
        for number in range(1, BURST + 1):
            sock.send(register(number, credentials))
        answers = [Message(sock.recv(65536)).code]
        check("it ends in order", s.stop() == 0, s.log())
        answers += [Message(data).code for data in up_to_mark(sock)]
    check("200, and nothing else", set(answers) == {200}, answers)
    s.begin()
    s.hear("READY=1")
    kept = s.ask("status")["result"]["registrations"]["all"]
    check(f"of {BURST}, {len(answers)} were answered, and as many are kept", kept == len(answers),
          kept)
    s.stop()
    s.close()


def facts(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def privileges():
    s = Service('user = nobody\n').begin()
    check("as another user, who may not connect to the manager", s.hear("READY=1"), s.log())
    for thread in os.listdir(f"/proc/{s.process.pid}/task"):
        f = facts(f"{s.process.pid}/task/{thread}")
        check("is that user, in every thread", f["Uid"].split() == ["65534"] * 4
              and f["Gid"].split() == ["65534"] * 4, f)
        check("with these two capabilities at most", int(f["CapPrm"], 16)
              & ~(1 << CAP_NET_ADMIN | 1 << CAP_NET_BIND_SERVICE) == 0
              and f["CapEff"] == f["CapPrm"] and int(f["CapInh"], 16) == 0, f)
        check("and no way to more", f["NoNewPrivs"] == "1", f)
    main = int(facts(s.process.pid)["CapEff"], 16)
    check("the loop has them", main == 1 << CAP_NET_ADMIN | 1 << CAP_NET_BIND_SERVICE, hex(main))
    owners = {name: os.stat(s.path(name)).st_uid for name in
              ("lib", "lib/callgate.db", "lib/callgate.key", "run", "run/control.sock")}
    check("what was made is that user's", set(owners.values()) == {65534}, owners)
    check("the key is for it alone", os.stat(s.path("lib/callgate.key")).st_mode & 0o777 == 0o600)
    s.signal(signal.SIGHUP)
    check("it can read its configuration again", s.hear("RELOADING") and s.hear("READY=1")
          and "read again" in s.log(), s.log())
    check("it takes its socket away", s.stop() == 0
          and not os.path.exists(s.path("run/control.sock")), s.log())
    s.close()
    s = Service().begin()
    s.hear("READY=1")
    check("root that stays root loses most", int(facts(s.process.pid)["CapEff"], 16).bit_count()
          == 5, facts(s.process.pid)["CapEff"])
    s.stop()
    s.close()


def handed_over():
    """The sockets of the service manager; the descriptors begin at 3."""
    s = Service(port=5062)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        mine.bind(("127.0.0.1", 5062))
        other.bind(("127.0.0.1", 5999))
        start = f"export LISTEN_PID=$$ LISTEN_FDS=2; exec \"$@\" 3<&{mine.fileno()} " \
                f"4<&{other.fileno()}"
        s.begin("bash", "-c", start, "bash", fds=(mine.fileno(), other.fileno()))
        check("with a socket that is bound already", s.hear("READY=1"), s.log())
    check("and it is served", options(5062) == "SIP/2.0 200 OK", s.log())
    check("one that was not asked for is named", "socket 4 of the service manager" in s.log(),
          s.log())
    s.stop()
    s.close()


def refused(what, status, pattern, s, *before):
    """A start that fails: its status, a fatal line that matches, no more than that."""
    s.begin(*before)
    got = s.wait()
    lines = [line for line in s.log().splitlines() if "fatal" in line]
    check(f"{what}: exit status {status}", got == status, f"{got}\n{s.log()}")
    check(f"{what}: one line: {lines[0] if lines else ''}",
          len(lines) == 1 and re.search(pattern, lines[0]), s.log())
    check(f"{what}: not ready", not s.heard or "READY=1" not in "".join(s.heard))


def another(name, status, pattern, change):
    """Refused beside a callgated that runs, with @change made to the configuration."""
    first, second = Service().begin(), Service()
    if not first.hear("READY=1"):
        check(f"{name}: the first one", False, first.log())
    change(first, second)
    refused(name, status, pattern, second)
    check(f"{name}: the first one lives", first.stop() == 0, first.log())
    for s in (first, second):
        s.close()


def rewrite(s, old, new):
    with open(s.path("conf"), encoding="utf-8") as file:
        text = file.read()
    with open(s.path("conf"), "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def taken():
    another("a port in use", 69, r"listen: .*5060.*127.0.0.1", lambda a, b: None)

    def same_socket(a, b):
        b.configure(port=5064)
        rewrite(b, b.path("run"), a.path("run"))

    another("a control socket in use", 69, r"control: another callgated", same_socket)

    def same_database(a, b):
        b.configure(port=5064)
        rewrite(b, b.path("lib"), a.path("lib"))

    another("a database in use", 74, r"database: .*another callgated", same_database)


def failures():
    s = Service("colour = blue\n")
    refused("an unknown option", 78, r"conf:5: colour: unknown option: ", s)
    os.unlink(s.path("conf"))
    refused("no configuration", 78, r"conf: No such file", s)
    s.close()
    s = Service()
    rewrite(s, "127.0.0.1", "192.0.2.77")
    refused("an address that is not here", 69, r"listen: .*192\.0\.2\.77", s)
    s.close()
    s = Service()
    refused("no permission for the port", 77, r"listen: no permission for UDP port 60",
            open_to_all(s, 60), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all")
    s.close()
    s = Service("user = nobody\n")
    refused("no permission to become a user", 77, r"privileges: cannot become user 'nobody'", s,
            "setpriv", "--reuid=1", "--regid=1", "--clear-groups")
    s.close()
    databases()


def open_to_all(s, port):
    """For a callgated that begins without rights."""
    s.configure(port=port)
    os.chmod(s.folder, 0o777)
    return s


def databases():
    s = Service()
    os.mkdir(s.path("lib"))
    with open(s.path("lib/callgate.db"), "wb") as file:
        file.write(b"no database\n" * 400)
    refused("a file that is no database", 74, r"database: .*callgate.db", s)
    os.unlink(s.path("lib/callgate.db"))
    s.begin()
    s.hear("READY=1")
    s.stop()
    with sqlite3.connect(s.path("lib/callgate.db")) as db:
        db.execute("PRAGMA user_version = 9999")
    refused("a database of a newer version", 74, r"database: .*newer", s)
    s.close()


NOT_OURS = """add table inet callgate
delete table inet callgate
table inet callgate {
	set banned4 { type ipv6_addr; }
	chain helper { }
	chain admin { jump helper; }
}
"""


def degraded(what, s, port, words, *before):
    """A start without nft: one line with its reason and what to do, and service all the same."""
    s.begin(*before)
    check(f"{what}: it is ready", s.say("ready: version"), s.log())
    lines = [line for line in s.log().splitlines() if "warn" in line and "nft: " in line]
    check(f"{what}: one line: {lines[0] if lines else ''}",
          len(lines) == 1 and all(word in lines[0] for word in words), s.log())
    check(f"{what}: it serves", options(port) == "SIP/2.0 200 OK", s.log())
    check(f"{what}: exit status 0", s.stop() == 0, s.log())
    s.close()


def without_nft():
    remedy = ["bans act inside callgated alone", "CAP_NET_ADMIN", '"ban-failures = 0"']
    subprocess.run(["nft", "-f", "-"], input=NOT_OURS, text=True, check=True)
    degraded("a table with other things", Service(), 5060, [*remedy, "nft: Error: ", "nft list table"])
    subprocess.run(["nft", "delete", "table", "inet", "callgate"], check=True)
    degraded("no right to use nft", open_to_all(Service(), 5065), 5065,
             [*remedy, "Operation not permitted"], "setpriv", "--reuid=65534", "--regid=65534",
             "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


def main():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        print("skip  callgated as a service: takes root\n0 passed, 0 failed, 1 skipped")
        return 0
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (PHONE, SERVER[0]):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    for part in (life, in_order, watchdog, privileges, handed_over, taken, failures,
                 without_nft):
        try:
            part()
        except Exception as why:    # any: the others are to run, too
            check(part.__name__, False, repr(why))
    return tally.end()


sys.exit(main())
