#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/cmd/life.py [PART...]: callgated as its start script /etc/init.d/callgated runs it: from
nothing to its end. For a machine or namespaces of its own: it writes /etc/callgate/callgate.conf,
/dev/log and addresses of lo. PART: life (default), begin (leaves it running with a registration),
upgraded (the same registration, another process)."""
import contextlib
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "daemon"))
sys.dont_write_bytecode = True
import tally  # noqa: E402
from tally import check  # noqa: E402
from sipmsg import Credentials, Message, challenges, unique  # noqa: E402
SCRIPT = "/etc/init.d/callgated"
CONF, CONTROL = "/etc/callgate/callgate.conf", "/run/callgate/control.sock"
SUPERVISED = os.path.exists("/sbin/supervise-daemon")
PID = "/tmp/callgate-life.pid"      # of the one before an upgrade
SERVER, PHONE = "192.0.2.1", "192.0.2.2"
DOMAIN, USER = "office.example", "alice@office.example"
LIMIT = 60      # in an emulated machine
CONFIG = """domain "office.example" { registrar = main }
user = "%s"
log-level = debug
"""


def until(condition):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.05)
    return True


def run(*words, text=""):
    """Its status and all that it said. Returns when nobody holds its output any more."""
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=LIMIT)
    return done.returncode, done.stdout


def script(verb):
    return run(SCRIPT, verb)


def configure(more=""):
    users = {entry.pw_name for entry in pwd.getpwall()}
    with open(CONF, "w", encoding="utf-8") as file:
        file.write(CONFIG % ("callgate" if "callgate" in users else "nobody") + more)


def ask(verb):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(LIMIT)
        sock.connect(CONTROL)
        sock.sendall(json.dumps({"do": verb}).encode() + b"\n")
        return json.loads(sock.makefile().readline())["result"]


def processes(*words):
    """The programs that were called with these first words."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read().decode(errors="replace").split("\0")
            if os.path.basename(line[0]) == words[0] and line[1:len(words)] == list(words[1:]):
                found.append(int(pid))
    return found


class Phone:
    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(LIMIT)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((PHONE, 5070))
        self.sock.connect((SERVER, 5060))
        self.number, self.call_id = 0, unique("life")

    def request(self, method, *lines):
        self.number += 1
        return "\r\n".join([
            f"{method} sip:{DOMAIN} SIP/2.0",
            f"Via: SIP/2.0/UDP {PHONE}:5070;rport;branch=z9hG4bK{unique('l')}",
            "Max-Forwards: 70", f"From: <sip:{USER}>;tag=1", f"To: <sip:{USER}>",
            f"Call-ID: {self.call_id}", f"CSeq: {self.number} {method}", *lines,
            "Content-Length: 0", "", ""]).encode()

    def ask(self, method, *lines):
        self.sock.send(self.request(method, *lines))
        return Message(self.sock.recv(65536))

    def register(self, *lines):
        """Answers a challenge; without lines it asks for what is registered."""
        credentials = Credentials("alice", "secret of alice")
        credentials.take(challenges(self.ask("REGISTER", *lines))[0])
        return self.ask("REGISTER", credentials.line("REGISTER", f"sip:{DOMAIN}"), *lines)

    def contact(self):
        return f"Contact: <sip:alice@{PHONE}:5070>;expires=1800"

    def close(self):
        self.sock.close()


class Syslog:
    """/dev/log, where a logger sends what callgated says. Always read: whoever logs waits for it."""

    def __init__(self):
        with contextlib.suppress(OSError):
            os.unlink("/dev/log")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("/dev/log")
        self.lines, self.came = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            line = self.sock.recv(65536).decode(errors="replace")
            if not line:
                return
            with self.came:
                self.lines.append(line)
                self.came.notify_all()

    def hears(self, *texts):
        """A line with all of these."""
        with self.came:
            return self.came.wait_for(lambda: any(all(text in line for text in texts)
                                                  for line in self.lines), LIMIT)

    def close(self):
        os.unlink("/dev/log")
        self.sock.shutdown(socket.SHUT_RDWR)


def without_configuration():
    os.rename(CONF, CONF + ".away")
    status, said = script("start")
    check("without a configuration it does not start, and says which file to write",
          status != 0 and CONF in said and "write it" in said, f"{status}: {said}")
    os.rename(CONF + ".away", CONF)
    configure("colour = blue\n")
    status, said = script("start")
    check("nor with one that is wrong, and says which line", status != 0
          and "callgate.conf:4: colour" in said, f"{status}: {said}")
    check("nothing was left running", not processes("/usr/sbin/callgated")
          and not processes("logger", "-t", "callgated"))
    check("status: it does not run", script("status")[0] == 3)


def add_user():
    status, said = run("/usr/sbin/callgate", "users", "add", "--stdin", USER,
                       text="secret of alice\n")
    check("a user is added", status == 0, said)


def begin(log=None):
    """Without a log it is the second time, and the user is there."""
    configure()
    status, said = script("start")
    check("it starts, and is ready then", status == 0 and ask("status")["domains"] == 1,
          f"{status}: {said}")
    check("status: it runs", script("status")[0] == 0, script("status"))
    if log:
        check("its log goes to the system's, under its name, as a daemon's",
              log.hears("<30>", " callgated: callgated: ready"), log.lines)
    pid = ask("status")["pid"]
    status, said = script("start")
    check("a second start changes nothing", (status, ask("status")["pid"]) == (0, pid), said)
    if log:
        add_user()
    phone = Phone()
    answer = phone.register(phone.contact())
    check("a phone registers", answer.code == 200, answer)
    phone.close()
    with open(PID, "w", encoding="ascii") as file:
        file.write(str(pid))


def kept(before):
    """The registration, in another process."""
    check("it runs again", until(lambda: os.path.exists(CONTROL)) and ask("status")["pid"] != before)
    phone = Phone()
    answer = phone.register()
    check("the registration is there", f"sip:alice@{PHONE}:5070" in answer.contacts(), answer)
    phone.close()


def reloads():
    pid = ask("status")["pid"]
    configure('domain "other.example" { }\n')
    status, said = script("reload")
    check("reload: the new domain", status == 0 and ask("status")["domains"] == 2, said)
    configure("colour = blue\n")
    status, said = script("reload")
    check("reload: one that is wrong is refused, with its line", status != 0
          and "callgate.conf:4: colour" in said and ask("status")["domains"] == 2, said)
    configure()
    check("it is the same process", script("reload")[0] == 0 and ask("status")["pid"] == pid)


def answers(phone, count):
    """That many OPTIONS, one by one."""
    return all(phone.ask("OPTIONS").code == 200 for _ in range(count))


def without_a_log(log):
    """Nobody takes the log, nobody reads it, the logger dies: the phones do not notice."""
    phone = Phone()
    log.close()
    check("without /dev/log it serves", answers(phone, 100))
    for logger in processes("logger", "-t", "callgated"):
        os.kill(logger, signal.SIGSTOP)
    check("a logger that stands still is not waited for", answers(phone, 2000))
    for logger in processes("logger", "-t", "callgated"):
        os.kill(logger, signal.SIGKILL)
    check("a logger that died is not missed", until(
        lambda: not processes("logger", "-t", "callgated")) and answers(phone, 100))
    phone.close()


def port_taken_while_supervised():
    """It is tried again until it works."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 5060))
        status, said = script("start")
        check("with its port taken it is tried again", status == 0
              and "does not answer yet" in said, said)
    check("until it is free", until(lambda: os.path.exists(CONTROL)))
    check("it is stopped for good", script("stop")[0] == 0 and until(
        lambda: not processes("/usr/sbin/callgated") and not os.path.exists(CONTROL)))


def killed():
    """Only under a supervisor."""
    pid = ask("status")["pid"]
    os.kill(pid, signal.SIGKILL)
    check("killed, it comes back", until(lambda: os.path.exists(CONTROL) and serves(pid)))
    kept(pid)


def serves(other_than):
    with contextlib.suppress(OSError):
        return ask("status")["pid"] != other_than
    return False


def port_taken():
    log = Syslog()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 5060))
        status, said = script("start")
        check("with its port taken it does not start", status != 0, said)
        check("and the log says so", log.hears("fatal: listen:"), log.lines)
        script("stop")
    log.close()


def gone():
    check("it is stopped", script("stop")[0] == 0)
    check("no process and no socket is left", until(
        lambda: not processes("/usr/sbin/callgated") and not os.path.exists(CONTROL)))
    check("no logger either", until(lambda: not processes("logger", "-t", "callgated")))
    check("status: it does not run", script("status")[0] == 3)
    check("a second stop is no fault", script("stop")[0] == 0)


def life():
    log = Syslog()
    without_configuration()
    begin(log)
    reloads()
    pid = ask("status")["pid"]
    status, said = script("restart")
    check("it is restarted", status == 0, said)
    kept(pid)
    if SUPERVISED:
        killed()
    without_a_log(log)
    gone()
    if SUPERVISED:
        port_taken_while_supervised()
    else:
        port_taken()


def upgraded():
    with open(PID, encoding="ascii") as file:
        kept(int(file.read()))
    with open(CONF, encoding="utf-8") as file:
        check("the configuration is as it was", "log-level = debug" in file.read())


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (PHONE, SERVER):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    for part in sys.argv[1:] or ["life"]:
        try:
            {"life": life, "begin": begin, "upgraded": upgraded}[part]()
        except Exception as why:    # any: what was counted is to be told
            check(part, False, repr(why))
    return tally.end()


sys.exit(main())
