# SPDX-License-Identifier: BSD-2-Clause
"""The cases of the programs: what two people with phones do, and what they notice."""

import net
import sniff
from sippcall import PATIENCE, Failure

AUDIO = 1.0     # seconds of the other's tone that count as hearing it
PICTURES = 5    # packets of video
QUIET = 0.4     # seconds


def must(what, condition, limit=PATIENCE):
    found = net.until(condition, limit)
    if not found:
        raise Failure(what)
    return found


class Programs:
    """The cases: what a caller and a called do."""

    def mark(self, *parties):
        for each in parties:
            each.mark()

    def hear(self, *pair):
        """Each of the two hears the other's tone, from now on."""
        ears = [(each, other, each.ear.listen(other.hertz))
                for each, other in (pair, reversed(pair))]
        for each, other, ear in ears:
            must(f"{each.user} hears {other.user}", lambda e=ear: e.heard() >= AUDIO)

    def hear_on_the_wire(self, *pair):
        """The same where a program's recording ends with its first hold (baresip's)."""
        with sniff.Sniffer(pair[0].host, pair[1].hertz) as one, \
             sniff.Sniffer(pair[1].host, pair[0].hertz) as two:
            for sniffer, each, other in ((one, *pair), (two, *reversed(pair))):
                must(f"{each.user} gets {other.user}'s audio",
                     lambda s=sniffer: s.heard() >= AUDIO)

    def connect(self, caller, called, video=False):
        """A call up to where both see it answered. Who must be asked rings first."""
        self.mark(caller, called)
        line = called.line("manual")
        caller.call(line, video)
        must(f"{called.user} rings", called.is_ringing)
        must(f"{caller.user} is told that it rings", caller.hears_ringing)
        called.answer()
        must("both are in the call", lambda: caller.in_call() and called.in_call())

    def end(self, *parties, by):
        self.end_of(by)
        must("all see that the call has ended", lambda: all(e.has_ended() for e in parties))

    def end_of(self, phone):
        phone.hang_up()
        must(f"{phone.user} has hung up", phone.has_ended)

    # ---- the cases

    def call(self, caller, called):
        self.connect(caller, called)
        self.hear(caller, called)
        self.end(caller, called, by=called)

    def hold(self, caller, called, who):
        """who, one of the two, puts the other on hold, and comes back."""
        self.connect(caller, called)
        self.hear(caller, called)
        who.hold()
        self.silent(who)
        who.resume()
        self.hear_on_the_wire(caller, called)
        self.end(caller, called, by=caller)

    def silent(self, phone):
        """The other end speaks no more: no media for as long as twenty packets would take."""
        with sniff.Sniffer(phone.host) as sniffer:
            def quiet():
                before = sniffer.media()
                return not net.until(lambda: sniffer.media() > before, QUIET)
            must(f"{phone.user} hears no more", quiet)

    def transfer(self, caller, called, who, third):
        """who, one of the two, sends the other on to a third, who answers."""
        self.connect(caller, called)
        self.hear(caller, called)
        other = called if who is caller else caller
        self.mark(caller, called, third)
        who.transfer(third.line("manual"))
        must(f"{third.user} rings", third.is_ringing)
        third.answer()
        must("the new pair is in a call", lambda: other.in_call() and third.in_call())
        if not who.has_ended():
            must(f"{who.user} is out of it", who.has_ended)
        self.hear(other, third)
        self.mark(other, third)
        self.end(other, third, by=third)

    def dtmf(self, caller, called):
        """Digits by INFO, while the call goes on."""
        self.connect(caller, called)
        for digit in "57":
            caller.press(digit)
            must(f"{called.user} gets the digit {digit}", lambda d=digit: called.got_digit(d))
        self.hear(caller, called)
        self.end(caller, called, by=caller)

    def early(self, caller, called):
        """The caller hears the called end before it is answered, and after."""
        self.mark(caller, called)
        ear = caller.ear.listen(called.hertz)
        caller.call(called.line("manual"))
        must("the caller hears early media", lambda: ear.heard() >= AUDIO)
        if caller.in_call():
            raise Failure("answered too early")
        called.answer()
        must("both are in the call", lambda: caller.in_call() and called.in_call())
        self.hear(caller, called)
        self.end(caller, called, by=caller)

    def cancel(self, caller, called):
        self.mark(caller, called)
        caller.call(called.line("manual"))
        must(f"{called.user} rings", called.is_ringing)
        must(f"{caller.user} is told that it rings", caller.hears_ringing)
        self.end(caller, called, by=caller)

    def video(self, caller, called):
        self.connect(caller, called, video=True)
        with sniff.Sniffer(caller.host) as one, sniff.Sniffer(called.host) as two:
            self.hear(caller, called)
            for phone, sniffer in ((caller, one), (called, two)):
                must(f"{phone.user} gets pictures", lambda s=sniffer: s.video() >= PICTURES)
        self.end(caller, called, by=caller)
