#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The command callgate with the module at work: needs root, and a machine of its own.

    P phone .2 ---- lan 10.9.0.0/24 ---- R .1 | 203.0.113.1 ---- wan 203.0.113.0/24 ---- Q .10
                                         masquerade, callgate

P and Q are sockets of this program; R is where callgate runs.
"""
import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import tally  # noqa: E402
from tally import check  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PHONE, PUBLIC, PROVIDER = "10.9.0.2", "203.0.113.1", "203.0.113.10"
LISTS = {"calls": "calls", "registrations": "registrations", "reasons": "reasons"}


def shell(script):
    subprocess.run(["sh", "-ec", script], check=True)


def socket_in(space, address, kind=socket.SOCK_DGRAM):
    """A socket of another network namespace, bound."""
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{space}", 0)
    try:
        if LIBC.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        sock = socket.socket(socket.AF_INET, kind)
    finally:
        LIBC.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.settimeout(5)
    return sock


def callgate(*words, within="R", before=()):
    """(status, stdout, stderr) of the command in a namespace."""
    done = subprocess.run([*before, "ip", "netns", "exec", within, "callgate", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def ask(*words):
    status, out, err = callgate(*words, "--json")
    if status:
        raise AssertionError(f"callgate {words}: {status} {err}")
    answer = json.loads(out)
    return answer[LISTS[words[0]]] if words[0] in LISTS else answer


def wait(what, fetch, seconds=5):
    """Until fetch() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = fetch()
        if value or time.monotonic() > end:
            return check(what, value) and value
        time.sleep(0.05)


def members():
    """The sockets of generic netlink in R that have joined a group."""
    out = subprocess.run(["ip", "netns", "exec", "R", "cat", "/proc/net/netlink"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in out.splitlines()[1:]
            if line.split()[1] == "16" and int(line.split()[3], 16)]


def listener(*words):
    """A callgate that goes on and listens already; its standard output."""
    before = len(members())
    proc = subprocess.Popen(["ip", "netns", "exec", "R", "callgate", *words],
                            stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 10
    while len(members()) <= before and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.5)
    return proc


def lines_of(proc, seconds=3):
    """What a listener has printed until it is silent for a while; ends it."""
    time.sleep(seconds)
    proc.terminate()
    return [line for line in proc.stdout.read().splitlines() if line.strip()]


def set_up():
    shell("""
        for n in P R Q; do ip netns add $n; ip -n $n link set lo up; done
        ip -n R link add lan type veth peer name eth0 netns P
        ip -n R link add wan type veth peer name eth0 netns Q
        ip -n R addr add 10.9.0.1/24 dev lan; ip -n R addr add 203.0.113.1/24 dev wan
        ip -n P addr add 10.9.0.2/24 dev eth0; ip -n Q addr add 203.0.113.10/24 dev eth0
        ip -n R link set lan up; ip -n R link set wan up
        ip -n P link set eth0 up; ip -n Q link set eth0 up
        ip -n P route add default via 10.9.0.1
        ip netns exec R sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_acct=1
        ip netns exec R nft -f - <<'X'
        table ip nat {
            chain post { type nat hook postrouting priority srcnat;
                         oifname "wan" masquerade; }
        }
X
    """)


class Call:
    """One dialog between the phone and the provider, messages by hand."""

    def __init__(self, phone, provider, name, media=40000, streams=1):
        self.phone, self.provider = phone, provider
        self.name, self.media, self.streams = name, media, streams
        self.seen = ""

    def sdp(self, address, port):
        lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
        lines += [f"m=audio {port + 2 * i} RTP/AVP 0" for i in range(self.streams)]
        return "\r\n".join(lines) + "\r\n"

    def head(self, start, cseq, tag, contact):
        return (f"{start}\r\n"
                f"Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{self.name}{cseq[0]};rport\r\n"
                f"From: <sip:alice@voip.example>;tag=a{self.name}\r\n"
                f"To: <sip:bob@voip.example>{tag}\r\nCall-ID: {self.name}@cmd.example\r\n"
                f"CSeq: {cseq}\r\nContact: <sip:{contact}>\r\nMax-Forwards: 70\r\n")

    @staticmethod
    def with_body(head, body):
        text = head
        if body:
            text += "Content-Type: application/sdp\r\n"
        return (text + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def invite(self):
        self.phone.sendto(self.with_body(
            self.head("INVITE sip:bob@voip.example SIP/2.0", "1 INVITE", "",
                      f"alice@{PHONE}:5060"), self.sdp(PHONE, self.media)), (PROVIDER, 5060))
        data, self.source = self.provider.recvfrom(65535)
        self.seen = data.decode()
        return self.seen

    def via(self):
        return next(line for line in self.seen.split("\r\n") if line.startswith("Via:"))

    def answer(self, port=30000):
        head = self.head("SIP/2.0 200 OK", "1 INVITE", f";tag=b{self.name}",
                         f"bob@{PROVIDER}:5060")
        lines = head.split("\r\n")
        lines[1] = self.via().replace(";rport", f";rport={self.source[1]};received={PUBLIC}")
        self.provider.sendto(self.with_body("\r\n".join(lines), self.sdp(PROVIDER, port)),
                             self.source)
        self.phone.recv(65535)
        ack = self.head("ACK sip:bob@203.0.113.10:5060 SIP/2.0", "1 ACK", f";tag=b{self.name}",
                        f"alice@{PHONE}:5060")
        self.phone.sendto(self.with_body(ack, ""), (PROVIDER, 5060))
        self.provider.recv(65535)

    def public_port(self):
        line = next(l for l in self.seen.split("\r\n") if l.startswith("m=audio"))
        return int(line.split()[1])


def register(phone, provider):
    head = ("REGISTER sip:voip.example SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKreg;rport\r\n"
            "From: <sip:alice@voip.example>;tag=r\r\nTo: <sip:alice@voip.example>\r\n"
            "Call-ID: reg@cmd.example\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:alice@{PHONE}:5060>\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n")
    phone.sendto(head.encode(), (PROVIDER, 5060))
    data, source = provider.recvfrom(65535)
    seen = data.decode().split("\r\n")
    keep = [l for l in seen if l.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq",
                                                   "Contact", "Expires")]
    provider.sendto(("\r\n".join(["SIP/2.0 200 OK", *keep, "Content-Length: 0"]) +
                     "\r\n\r\n").encode(), source)
    phone.recv(65535)


def before_rules(phone, provider):
    """A flow that is older than the rules."""
    status, out, _ = callgate("status")
    check("status without rules: exit status 0", status == 0, out)
    check("status says that no rule assigns the helper", "no rule assigns" in out, out)
    check("status without callgated: gateway not in use", "gateway    not in use\n" in out and
          "callgated is gone" not in out, out)
    gateway = ask("status")["gateway"]
    check("and as JSON", not gateway["in_use"] and not gateway["daemon"] and
          gateway["sockets"] == [] and gateway["gone_seconds"] is None and
          gateway["locations"] == 0 and gateway["counts"]["forwarded_requests"] == 0, gateway)
    status, _, err = callgate("adopt")
    check("adopt without rules: 1, and why", status == 1 and "no rule" in err, err)
    phone.sendto(b"\r\n\r\n", (PROVIDER, 5060))
    provider.recv(100)
    shell("ip netns exec R callgate nft --lan lan --wan wan | ip netns exec R nft -f -")
    status = ask("status")
    check("status --json names the rules",
          {r["helper"] for r in status["rules"]} == {"callgate"} and
          {r["ports"] for r in status["rules"]} == {"5060"}, status["rules"])
    bare = status["flows"]["without_helper"]
    check("status finds the older flow", len(bare) == 1 and
          bare[0]["source"] == f"{PHONE}:5060", status["flows"])
    check("status advises adopt", any("adopt" in a for a in status["advice"]), status["advice"])


def adopt(phone, provider):
    done = ask("adopt", "--dry-run")
    check("adopt --dry-run names it", len(done["dropped"]) == 1, done)
    check("and leaves it", len(ask("status")["flows"]["without_helper"]) == 1)
    status, out, _ = callgate("adopt")
    check("adopt drops it", status == 0 and f"dropped udp {PHONE}:5060" in out, out)
    phone.sendto(b"\r\n\r\n", (PROVIDER, 5060))
    provider.recv(100)
    flows = ask("status")["flows"]
    check("its next packet has the helper", flows["with_helper"] == 1 and
          not flows["without_helper"], flows)
    _, out, _ = callgate("adopt")
    check("nothing more to adopt", "nothing to adopt" in out, out)
    reasons = {r["name"]: r for r in ask("reasons")}
    check("the keep-alive was counted with its reason",
          reasons["not-sip"]["count"] >= 1 and reasons["not-sip"]["help"], reasons["not-sip"])


def registration(phone, provider):
    register(phone, provider)
    found = wait("the registration is there", lambda: ask("registrations"))
    if not found:
        return
    one = found[0]
    check("its fields", one["aor"].find("alice@voip.example") >= 0 and
          PHONE in one["contact"] and one["inside"] == f"{PHONE}:5060" and
          one["public"].startswith(PUBLIC) and one["registrar"] == f"{PROVIDER}:5060", one)
    _, out, _ = callgate("registrations")
    check("registrations as a table", PHONE in out and out.startswith("USER"), out)


def one_call(phone, provider, media):
    tracer = listener("trace", "--json", "--pinholes")
    watcher = listener("calls", "--watch", "--json")
    call = Call(phone, provider, "first")
    check("the INVITE is edited", PUBLIC in call.invite() and PHONE not in
          call.seen.replace("first@cmd.example", ""), call.seen)
    calls = ask("calls")
    check("an early call", len(calls) == 1 and calls[0]["state"] == "early", calls)
    call.answer()
    calls = ask("calls")
    check("the call is answered", len(calls) == 1 and calls[0]["state"] == "answered" and
          calls[0]["call_id"] == "first@cmd.example" and calls[0]["direction"] == "out" and
          calls[0]["host"] == f"{PHONE}:5060" and calls[0]["peer"] == f"{PROVIDER}:5060", calls)
    check("its dialog", calls[0]["dialogs"][0]["to_tag"] == "bfirst", calls[0]["dialogs"])
    pins = {p["component"]: p for p in calls[0]["pinholes"]}
    check("its pinholes", set(pins) == {"rtp", "rtcp"} and
          pins["rtp"]["inside"] == f"{PHONE}:40000" and
          pins["rtp"]["public"] == f"{PUBLIC}:{call.public_port()}", calls[0]["pinholes"])
    remote = socket_in("Q", (PROVIDER, 30000))
    for _ in range(5):
        remote.sendto(b"x" * 160, (PUBLIC, call.public_port()))
        media.recv(1000)
        media.sendto(b"y" * 160, (PROVIDER, 30000))
        remote.recv(1000)
    pin = next(p for p in ask("calls")[0]["pinholes"] if p["component"] == "rtp")
    check("its packets are counted, per direction", pin.get("packets_in") == 5 and
          pin.get("packets_out") == 5 and pin["flows"] == 1 and "bound" in pin["flags"], pin)
    explained(call, calls[0]["id"])
    status, out, err = callgate("calls", "end", str(calls[0]["id"]))
    check("calls end", status == 0 and not ask("calls"), out + err)
    status, _, err = callgate("calls", "end", str(calls[0]["id"]))
    check("calls end once more: 1, one line", status == 1 and err.count("\n") == 1, err)
    table = subprocess.run(["ip", "netns", "exec", "R", "conntrack", "-L", "-p", "udp"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           check=False).stdout
    check("its media entries are gone", "port=30000" not in table, table)
    traced([json.loads(line) for line in lines_of(tracer, 1)])
    watched([json.loads(line)["calls"] for line in lines_of(watcher, 0)])
    remote.close()


def explained(call, number):
    for word in (str(number), "first@cmd.example", "first@"):
        status, out, err = callgate("explain", word)
        check(f"explain {word}", status == 0 and f"{PHONE}:40000" in out and
              str(call.public_port()) in out and "nothing stands out" in out, out + err)
    both = ask("explain", str(number))
    check("explain --json", both["call"]["id"] == number and both["findings"] == [], both)
    _, out, _ = callgate("calls")
    check("calls as a table", out.startswith("ID") or "alice@voip.example" in out, out)


def traced(notes):
    messages = [n for n in notes if n["trace"] == "message"]
    check("trace: INVITE, 200 and ACK in order",
          [(m["method"], m.get("status")) for m in messages] ==
          [("INVITE", None), ("INVITE", 200), ("ACK", None)], messages)
    check("trace: directions", [m["direction"] for m in messages] == ["out", "in", "out"])
    edits = {(e["field"], e["reason"]): e for e in messages[0].get("edits", [])} if messages else {}
    check("trace: the edits of the INVITE, with before and after",
          any(f == "via" and PHONE in e["before"] and PUBLIC in e["after"]
              for (f, _), e in edits.items()) and
          any(f.startswith("sdp_c") for f, _ in edits), list(edits.values()))
    check("trace: sizes", messages and messages[0]["size"] > 0 and
          messages[0]["new_size"] == messages[0]["size"] + sum(
              len(e["after"]) - len(e["before"]) for e in messages[0]["edits"]), messages[:1])
    check("trace: the call's number", len({m.get("call") for m in messages}) == 1 and
          messages[0].get("call"), [m.get("call") for m in messages])
    kinds = [n["trace"] for n in notes]
    check("trace: pinholes opened and closed", kinds.count("pinhole-open") == 2 and
          kinds.count("pinhole-close") == 2, kinds)


def watched(lists):
    states = [calls[0]["state"] if calls else "none" for calls in lists]
    check("calls --watch: none, early or answered, none", states and states[0] == "none" and
          states[-1] == "none" and ("answered" in states or "early" in states), states)


def many_pinholes(phone, provider):
    """More than one netlink message holds."""
    call = Call(phone, provider, "wide", media=41000, streams=100)
    call.invite()
    calls = ask("calls")
    check("a call with 200 pinholes is one call", len(calls) == 1, len(calls))
    pins = calls[0]["pinholes"] if calls else []
    check("and all 200 are shown once", len(pins) == 200 and
          len({p["inside"] for p in pins}) == 200, len(pins))
    callgate("calls", "end", str(calls[0]["id"]))


def many_calls(phone, provider, number=150):
    shell("ip netns exec R callgate set calls-per-host 10000")
    for i in range(number):
        call = Call(phone, provider, f"many{i}", media=42000 + 2 * i)
        call.invite()
        call.answer()
    calls = ask("calls")
    ids = [c["id"] for c in calls]
    check(f"{number} calls, each once, in order", len(ids) == number and ids == sorted(set(ids)),
          len(ids))
    wanted = {c["id"] for c in calls if int(c["call_id"][4:].split("@")[0]) % 4}
    ender = subprocess.Popen(["sh", "-c", "for i in " + " ".join(map(str, set(ids) - wanted)) +
                              "; do ip netns exec R callgate calls end $i >/dev/null; done"])
    complete = dumps = 0
    while ender.poll() is None:
        seen = [c["id"] for c in ask("calls")]
        dumps += 1
        complete += wanted <= set(seen) and len(seen) == len(set(seen))
    check(f"{dumps} dumps while others end: the lasting ones always, none twice",
          dumps and complete == dumps, complete)
    check("the lasting ones remain", {c["id"] for c in ask("calls")} == wanted)
    status, _, err = callgate("explain", "many")
    check("explain: a beginning that fits several", status == 1 and "calls begin with" in err, err)
    shell("for i in " + " ".join(map(str, wanted)) +
          "; do ip netns exec R callgate calls end $i >/dev/null; done")
    check("none is left", ask("calls") == [] and ask("status")["calls"] == 0)


def limits(phone, provider):
    shell("ip netns exec R callgate set calls-per-host 1")
    check("set: the value is there", ask("set")["calls-per-host"] == 1)
    first = Call(phone, provider, "one")
    first.invite()
    first.answer()
    Call(phone, provider, "two", media=40100).invite()
    reasons = {r["name"]: r["count"] for r in ask("status")["reasons"]}
    check("a limit is counted", reasons.get("limit-host-calls", 0) >= 1, reasons)
    check("and kept", len(ask("calls")) == 1)
    shell("ip netns exec R callgate set calls-per-host 1024")
    for call in ask("calls"):
        callgate("calls", "end", str(call["id"]))
    for words, text in ((("calls", "0"), "range"), (("first-port", "20001", "last-port", "20999"),
                                                    "even"),
                        (("first-port", "20000"), "together"),
                        (("first-port", "20000", "last-port", "20001"), "64"),
                        (("silence", "5"), "60")):
        status, _, err = callgate("set", *words)
        check(f"set {' '.join(words)} is refused", status == 1 and text in err, err)
    check("and nothing of it remains", ask("set")["first-port"] == 16384)
    check("strict is off", ask("set")["strict"] is False)
    for words, want in ((("strict=on",), True), (("strict", "off"), False),
                        (("strict", "1", "calls=60000"), True),
                        (("strict=off", "calls=65536"), False)):
        callgate("set", *words)
        check(f"set {' '.join(words)}", ask("set")["strict"] is want)


def restore(what, *lines):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(lines))
        file.flush()
        status, out, err = callgate("restore", "--file", file.name)
    check(what, (status, out, err) == (0, "", ""), err)


def modes():
    """Modes of hosts: added, changed, removed; the table is bounded."""
    check("mode: nothing is capped at first", ask("mode") == {"mode": "translate", "hosts": []})
    for words in (("open", "10.9.0.77/24"), ("off", "10.9.0.2"), ("translate", "2001:db8::1"),
                  ("off", "10.9.0.0/24"), ("off",)):
        check(f"mode {' '.join(words)}", callgate("mode", *words)[0] == 0)
    want = {"mode": "off", "hosts": [{"prefix": "2001:db8::1", "mode": "translate"},
                                     {"prefix": "10.9.0.2", "mode": "off"},
                                     {"prefix": "10.9.0.0/24", "mode": "off"}]}
    check("mode shows them, the longest first", ask("mode") == want, ask("mode"))
    status = ask("status")
    check("status has them too", status["modes"] == want["hosts"] and
          "mode" in status["changed"] and "off" in " ".join(status["advice"]), status)
    check("mode --clear", callgate("mode", "--clear", "10.9.0.2")[0] == 0)
    status, _, err = callgate("mode", "--clear", "10.9.0.2")
    check("mode --clear of none", status == 1 and "10.9.0.2" in err, err)
    callgate("mode", "--clear", "all")
    restore("256 hosts by a file", *(f"mode off 10.7.0.{i}" for i in range(256)))
    check("256 hosts", len(ask("mode")["hosts"]) == 256)
    status, _, err = callgate("mode", "off", "10.7.1.1")
    check("and no more", status == 1 and "full" in err, err)
    check("a known one may change", callgate("mode", "open", "10.7.0.1")[0] == 0)
    callgate("mode", "--clear", "all")
    callgate("mode", "translate")
    check("all is gone", ask("mode") == {"mode": "translate", "hosts": []}, ask("mode"))


def provider_sets():
    check("providers: none at first", ask("providers") == {"providers": []})
    check("providers says so", "no provider sets" in callgate("providers", "list")[1])
    for words in (("one", "192.0.2.1", "192.0.2.9/24"), ("two", "2001:db8::/32", "192.0.2.1"),
                  ("three", "localhost"), ("one", "198.51.100.0/25", "198.51.100.200")):
        status, _, err = callgate("providers", "set", *words)
        check(f"providers set {' '.join(words)}", status == 0, err)
    have = {p["name"]: p["members"] for p in ask("providers")["providers"]}
    check("providers shows them", list(have) == ["one", "two", "three"] and
          have["one"] == ["198.51.100.0/25", "198.51.100.200"] and
          have["two"] == ["2001:db8::/32", "192.0.2.1"] and "127.0.0.1" in have["three"], have)
    for words, text in ((("set", "bad/name", "192.0.2.1"), "letters"),
                        (("set", "world", "0.0.0.0/0"), "world"), (("remove", "four"), "four"),
                        (("set", "x" * 32, "192.0.2.1"), ""),
                        (("set", "names", "no-such-host.invalid"), "no-such-host")):
        status, _, err = callgate("providers", *words)
        check(f"providers {words[0]} {words[1][:9]} is refused", status == 1 and text in err, err)
    status, _, err = callgate("providers", "set", "big", *(f"10.8.0.{i}" for i in range(256)))
    check("more than 256 members are refused", status == 1 and "256" in err, err)
    callgate("providers", "remove", "all")
    check("256 members are not", callgate("providers", "set", "big", *(
        f"10.8.0.{i}" for i in range(256)))[0] == 0)
    check("all are shown", len(ask("providers")["providers"][0]["members"]) == 256)
    callgate("providers", "remove", "big")
    restore("64 sets by a file", *(f"providers set n{i} 10.8.0.{i}" for i in range(64)))
    status, _, err = callgate("providers", "set", "n65", "10.8.0.65")
    check("64 sets, and no more", status == 1 and len(ask("providers")["providers"]) == 64, err)
    callgate("providers", "remove", "all")
    check("no set is left", ask("providers") == {"providers": []})


def strange_bytes(phone, provider):
    """Bytes that move terminals, or are not UTF-8, are not printed."""
    call = Call(phone, provider, "odd")
    text = call.with_body(call.head("INVITE sip:bob@voip.example SIP/2.0", "1 INVITE", "",
                                    f"alice@{PHONE}:5060"), call.sdp(PHONE, 40200))
    tracer = listener("trace", "--count", "1")
    phone.sendto(text.replace(b"odd@cmd.example", b"\xff\xc2\x9b2J@cmd.example"),
                 (PROVIDER, 5060))
    provider.recv(65535)
    out = "\n".join(lines_of(tracer, 1))
    check("trace prints no control bytes", out and all(c >= " " or c == "\n" for c in out) and
          "\x9b" not in out, repr(out))
    status, out, err = callgate("calls", "--json")
    check("calls --json stays valid", status == 0 and json.loads(out), err)
    for one in ask("calls"):
        callgate("calls", "end", str(one["id"]))


def refused(phone, provider):
    """A port that cannot be opened is traced with its reason."""
    tracer = listener("trace", "--json", "--pinholes")
    Call(phone, provider, "low", media=900).invite()
    notes = [json.loads(line) for line in lines_of(tracer, 1)]
    found = [n for n in notes if n["trace"] == "pinhole-refused"]
    check("trace: a refused pinhole, its reason and its address", found and
          found[0]["reason"] == "pinhole-low-port" and
          found[0]["pinhole"]["inside"] == f"{PHONE}:900", notes)
    for one in ask("calls"):
        callgate("calls", "end", str(one["id"]))


def privileges():
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for words in ("calls", "registrations", "reasons", "set", "set calls 5", "calls end 1",
                  "mode", "mode off", "providers", "providers remove all",
                  "trace", "calls --watch", "status", "explain 1"):
        done = subprocess.run(["ip", "netns", "exec", "R", *nobody, "callgate", *words.split()],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=10, check=False)
        check(f"{words} as nobody: exit status 4", done.returncode == 4,
              f"{done.returncode} {done.stdout} {done.stderr}")
    own = ("unshare", "-Urn")
    for words, want in (("status", 0), ("calls", 0), ("set calls 5", 0), ("set calls 60000", 4),
                        ("mode off", 0)):
        done = subprocess.run([*own, "callgate", *words.split()], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        check(f"{words} in a network namespace of a user: {want}", done.returncode == want,
              f"{done.returncode} {done.stdout} {done.stderr}")
    shell("ip netns add S")
    done = json.loads(callgate("status", "--json", within="S")[1])
    check("another namespace knows nothing of this one", done["seen"] == 0 and
          done["settings"]["calls"] == 65536, done)
    shell("ip netns del S")


def garbage():
    """Random requests; what they set is set back."""
    before = ask("set")
    done = subprocess.run(["ip", "netns", "exec", "R", "python3",
                           os.path.join(os.path.dirname(__file__), "garbage.py"), "5000"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    check("5000 random requests, all answered", done.returncode == 0, done.stdout)
    check("and the settings are in their ranges",
          all(before[k] == 0 or v or k in ("quarantine", "silence", "age", "mark-related",
                                           "publish", "strict") for k, v in ask("set").items()))
    shell("ip netns exec R callgate set " +
          " ".join(f"{k} {v if k == 'mode' else int(v)}" for k, v in before.items()))
    callgate("mode", "--clear", "all")
    callgate("providers", "remove", "all")


def unload(phone, provider):
    """The module goes while the command listens and a call is up."""
    call = Call(phone, provider, "last", media=40400)
    call.invite()
    call.answer()
    tracer, watcher = listener("trace"), listener("calls", "--watch")
    shell("ip netns exec R nft delete table inet callgate")
    done = subprocess.run(["rmmod", "callgate"], stderr=subprocess.PIPE, text=True, check=False)
    check("the module can be removed while the command listens", done.returncode == 0,
          done.stderr)
    check("trace and calls --watch end with 3", [proc.wait(10) for proc in (tracer, watcher)] ==
          [3, 3])
    status, _, _ = callgate("calls")
    check("calls without the module: 3", status == 3)
    shell("modprobe callgate")
    check("and again with it: 0, no calls", ask("calls") == [])


def events(phone, provider):
    """The watcher without JSON and terminal prints a table for each change."""
    watcher = listener("calls", "--watch")
    call = Call(phone, provider, "watched", media=40300)
    call.invite()
    call.answer()
    time.sleep(0.5)
    callgate("calls", "end", str(ask("calls")[0]["id"]))
    out = lines_of(watcher, 1)
    check("calls --watch as text", "no calls" in out[0] and "no calls" in out[-1] and
          any("answered" in line for line in out), out)


def main():
    set_up()
    try:
        phone = socket_in("P", (PHONE, 5060))
        media = socket_in("P", (PHONE, 40000))
        provider = socket_in("Q", (PROVIDER, 5060))
        for step in (before_rules, adopt, registration):
            step(phone, provider)
        one_call(phone, provider, media)
        for step in (events, many_pinholes, many_calls, limits, strange_bytes, refused):
            step(phone, provider)
        modes()
        provider_sets()
        privileges()
        garbage()
        unload(phone, provider)
    except Exception as error:  # pylint: disable=broad-except
        import traceback
        check("the test ran to its end", False, traceback.format_exc() + str(error))
        print(callgate("status")[1])
    finally:
        shell("for n in P R Q; do ip netns del $n 2>/dev/null || true; done")
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
