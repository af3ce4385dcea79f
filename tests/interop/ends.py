# SPDX-License-Identifier: BSD-2-Clause
"""Programs with a person's view of them: what one can do at a phone, and see, and hear.

The same verbs for baresip and linphone, so that a case reads alike for both.
"""

import re

import linphone
import phone
import tone


class Baresip:
    """NAME answers by itself, NAMEm rings."""
    LINES = {"": "auto", "m": "manual"}

    def __init__(self, host, hertz, proxy, folder, suffix):
        self.user, self.hertz, self.host = f"{host.name}{suffix}", hertz, host
        users = {f"{host.name}{line}{suffix}": how for line, how in self.LINES.items()}
        self.program = phone.Phone(host, hertz, proxy, folder, users)
        self.users, self.ear = list(users), self.program.ear
        self.since, self.involved = 0, False

    def line(self, how):
        return next(user for user, each in self.program.users.items() if each == how)

    def start(self, video=False):
        return self.program.start(video)

    def stop(self):
        self.program.stop()

    def last_words(self):
        return last_words(f"{self.program.folder}/log")

    def mark(self):
        self.since = self.program.mark()

    def call(self, user, video=False):
        self.program.command("dial", f"sip:{user}@voip.example")

    def answer(self):
        self.program.command("accept")

    def hang_up(self):
        self.program.command("hangup")

    def hold(self):
        self.program.command("hold")

    def resume(self):
        self.program.command("resume")

    def transfer(self, user):
        self.program.command("transfer", f"sip:{user}@voip.example")

    def is_ringing(self):
        return self.program.has("CALL_INCOMING", since=self.since)

    def hears_ringing(self):
        return self.program.has("CALL_RINGING", "CALL_PROGRESS", since=self.since)

    def in_call(self):
        return self.program.has("CALL_ESTABLISHED", since=self.since)

    def has_ended(self):
        return self.program.has("CALL_CLOSED", since=self.since)

    def got_digit(self, digit):
        return any(event.get("type") == "CALL_DTMF_START" and event.get("param") == digit
                   for event in self.program.poll()[self.since:])


def last_words(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub(r"\x1b\[;?\d*m", "", file.read().replace("\r", "\n"))
    lines = [line for line in text.splitlines() if line.strip() and "(bit/s)" not in line]
    return "\n".join("       " + line for line in lines[-12:])


class Linphone:
    """Always asks before it answers, and sends its tone meanwhile."""

    def __init__(self, host, hertz, proxy, folder, suffix):
        self.user, self.hertz, self.host = f"{host.name}{suffix}", hertz, host
        self.users = [self.user]
        self.program = linphone.Linphone(host, hertz, proxy, folder, self.user)
        self.ear = tone.Ear(f"{self.program.folder}/heard-*.wav")
        self.since, self.involved = 0, False

    def line(self, _how):
        return self.user

    def start(self):
        self.program.start()

    def stop(self):
        self.host.end(self.program.process)

    def last_words(self):
        return last_words(f"{self.program.folder}/log")

    def mark(self):
        self.since = self.program.mark()

    def call(self, user, video=False):
        self.program.type(f"call sip:{user}@voip.example" + ("" if video else " --audio-only"))

    def answer(self):
        self.program.type("answer")

    def hang_up(self):
        self.program.type("terminate")

    def hold(self):
        self.program.type("pause")

    def resume(self):
        self.program.type("resume")

    def transfer(self, user):
        self.program.type(f"transfer sip:{user}@voip.example")

    def press(self, digit):
        self.program.type(digit)

    def is_ringing(self):
        return self.program.says("Receiving new incoming call", self.since)

    def hears_ringing(self):
        return self.program.says(r"Call \d+ (to .* ringing|with .* early media)", self.since)

    def in_call(self):
        return self.program.says(r"Media streams established", self.since)

    def has_ended(self):
        return self.program.says(r"Call \d+ with .* ended", self.since)

    def got_digit(self, digit):
        return self.program.says(f"Receiving tone {digit} ", self.since)
