# SPDX-License-Identifier: BSD-2-Clause
"""What both parts of the demonstration stand on: hosts, checks that are counted, calls."""

import os
import re

import net
import phone

AUDIO = 3.0  # seconds of the tone that must be heard


class Stage:
    plain = False

    def __init__(self, folder):
        self.folder = folder
        self.hosts, self.phones, self.passed, self.failed = {}, {}, 0, 0

    def section(self, text):
        print(f"\n--- {text}", flush=True)

    def show(self, text):
        print("".join(f"  {line}\n" for line in text.rstrip().splitlines()), end="", flush=True)

    def check(self, text, good):
        self.passed += bool(good)
        self.failed += not good
        print(f"  {'ok  ' if good else 'FAIL'}  {text}", flush=True)
        return good

    def host(self, name, kind=net.Host, **more):
        self.hosts[name] = kind(name, **more)
        return self.hosts[name]

    def phone(self, name, hertz, proxy, **more):
        """more: domain, registered, password, users, label; see phone.Phone."""
        each = phone.Phone(self.hosts[name], hertz, proxy, self.folder, more.pop("users", None),
                           more.pop("label", None))
        for key, value in more.items():
            setattr(each, key, value)
        self.phones[name] = each
        return each

    def call(self, caller, uri, called, during=lambda: None):
        """A call with audio each way; during(): what is done while it lasts."""
        one, two = self.phones[caller], self.phones[called]
        since = one.mark(), two.mark()
        ears = ((one, two, one.ear.listen(two.hertz)), (two, one, two.ear.listen(one.hertz)))
        one.command("dial", uri)
        if not self.check("answered", net.wait("the call is answered", lambda: (
                one.has("CALL_ESTABLISHED", since=since[0]) and
                two.has("CALL_ESTABLISHED", since=since[1])))):
            return
        self.hear(ears)
        during()
        one.command("hangup")
        self.check("hung up", net.wait("both ends are told", lambda: (
            one.has("CALL_CLOSED", since=since[0]) and two.has("CALL_CLOSED", since=since[1]))))
        for a, b, listener in ears:
            print(f"  {a.user} heard {listener.heard():.1f} s of {b.user}'s {b.hertz} Hz")

    def hear(self, ears):
        for a, b, listener in ears:
            self.check(f"{a.user} hears {b.user}'s tone of {b.hertz} Hz",
                       net.wait("the tone", lambda l=listener: l.heard() >= AUDIO))

    def hear_anew(self, *names):
        """The same two, from now on."""
        one, two = (self.phones[name] for name in names)
        self.hear(((one, two, one.ear.listen(two.hertz)), (two, one, two.ear.listen(one.hertz))))

    def logs(self):
        for name in sorted(os.listdir(self.folder)):
            for path in (f"{self.folder}/{name}", f"{self.folder}/{name}/log"):
                if path.endswith("log") and os.path.isfile(path):
                    print(f"  the end of {path}:")
                    with open(path, encoding="utf-8", errors="replace") as file:
                        text = re.sub(r"\[\d+:\d+:\d+\] audio=\S+ \(bit/s\)|\r|\x1b\[;?\d*m", "",
                                      file.read())
                    self.show("\n".join(text.splitlines()[-15:]))

    def close(self):
        for host in self.hosts.values():
            host.stop()
        for host in self.hosts.values():
            host.close()
