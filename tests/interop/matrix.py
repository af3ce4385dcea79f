# SPDX-License-Identifier: BSD-2-Clause
"""The matrix of README.md as a list of cases.

Inside, behind NAT: ann (baresip), lin (linphone), sam (sipp); inside, routed: rob (baresip).
Outside: bob (baresip), leo (linphone), sue (sipp).
"""

import collections
import functools

import sipp
import sniff
import world
from programs import Programs, must
from sippcall import ENOUGH, MARK, Call, End, Failure

Case = collections.namedtuple("Case", "name function")

# what, the program it is about, caller, called, and who else takes part in it
PROGRAMS = """
call-out baresip ann bob
call-out linphone lin leo
call-out baresip+linphone ann leo
call-in baresip bob ann
call-in linphone leo lin
call-in baresip+linphone bob lin
routed-out baresip rob bob
routed-in linphone+baresip leo rob
hold-by-inside baresip ann bob ann
hold-by-outside baresip bob ann bob
hold-by-inside linphone leo lin lin
hold-by-outside linphone lin leo leo
transfer-by-inside baresip ann bob ann lin
transfer-by-outside baresip bob ann bob leo
transfer-by-inside linphone lin leo lin ann
transfer-by-outside linphone leo lin leo bob
dtmf-out linphone+baresip lin bob
dtmf-in linphone+baresip leo ann
dtmf-out linphone lin leo
early-out baresip+linphone ann leo
early-out linphone lin leo
early-in baresip+linphone bob lin
early-in linphone leo lin
cancel-out baresip ann bob
cancel-in baresip bob ann
cancel-out linphone lin leo
cancel-in linphone leo lin
video-out linphone lin leo
video-in linphone leo lin
video-out baresip ann bob
video-in baresip bob ann
video-in linphone+baresip leo ann
"""
SCRIPTS = ("call", "early", "cancel", "hold", "held", "t38", "refer", "info", "video", "prack")


class Matrix:
    def __init__(self, lab, family):
        self.lab, self.family, self.video = lab, family, False
        self.out, self.runs = [], 0

    def add(self, name, function, *arguments):
        self.out.append(Case(f"{name}/ipv{self.family}", functools.partial(function, *arguments)))

    def cases(self):
        for name, program in (("ann", "baresip"), ("rob", "baresip-routed"), ("lin", "linphone")):
            self.add(f"register/{program}", self.register_program, name)
        self.add("register/sipp", self.register_sipp, sipp.Profile(f"sam{self.family}"))
        for line in PROGRAMS.split("\n"):
            if line:
                what, program, *names = line.split()
                self.add(f"{what}/{program}", self.program_case, what, names)
        for script in SCRIPTS:
            self.add(f"{script}-out/sipp", self.sipp_case, script, "sam", "sue")
            self.add(f"{script}-in/sipp", self.sipp_case, script, "sue", "sam")
        for profile in ("no-rport", "ephemeral", "truncated", "learned"):
            self.add(f"difficult/{profile}", self.difficult, profile)
        return self.out

    # ---- registrations

    def check_contacts(self, user, routed=False):
        """What the provider stored is where it can send to."""
        family = self.family
        expected = world.address("rob", family) if routed else world.public(family)
        if self.lab.plain:
            return
        for contact in self.lab.world.provider.contacts_of(user):
            host = contact.split("@")[-1].split(";")[0].strip("[]")
            if not host.startswith(expected):
                raise Failure(f"the provider has {contact}")
        bindings = self.lab.world.router.listed("registrations")
        if not any(f":{user}@" in binding.get("aor", "") for binding in bindings):
            raise Failure(f"callgate registrations does not know {user}")

    def register_program(self, name):
        for user in self.lab.phone(name, self.family).users:
            self.check_contacts(user, routed=name == "rob")

    def register_sipp(self, profile, host="sam"):
        """Registers, by one call of sipp; returns the Via as the registrar saw it."""
        call = self.sipp_call("register", {"caller": (host, profile)})
        if host == "sam":
            self.check_contacts(profile.user)
        return call.learned

    # ---- programs

    def program_case(self, what, names):
        with_video = what.startswith("video") and {"ann", "bob"} & set(names)
        if with_video and not self.video:
            self.restart_with_video()
        phones = [self.lab.phone(name, self.family) for name in names]
        programs = Programs()
        verb = what.split("-")[0]
        method = getattr(programs, {"routed": "call"}.get(verb, verb))
        try:
            method(*phones)
        except Failure:
            self.lab.hang_up(phones)
            raise
        self.nothing_left(user for phone in phones for user in phone.users)

    def restart_with_video(self):
        """A baresip with cameras offers them in each call: not before it is about them."""
        for name in ("ann", "bob"):
            phone = self.lab.phone(name, self.family)
            phone.stop()
            phone.start(video=True)
            self.lab.wait_registered(phone.users)
        self.video = True

    def nothing_left(self, users):
        users = list(users)
        must("the router has nothing left of the call", lambda: not self.lab.world.left(users))

    # ---- sipp

    def sipp_call(self, script, parties, third=None):
        """parties: role: (host, profile)"""
        ends = {role: End(self.lab, self.lab.world.hosts[host], self.family, profile)
                for role, (host, profile) in parties.items()}
        caller = parties["caller"]
        self.runs += 1
        run = f"{script}{self.runs}{caller[1].user}"
        call = Call(self.lab, script, run, ends,
                    lambda: self.third_call(caller[0], caller[1].user, third))
        call.play(third.line("auto") if third else "")
        self.nothing_left(profile.user for _, profile in parties.values())
        return call

    def party(self, name):
        """A sipp with an ordinary profile, registered once."""
        profile = sipp.Profile(f"{name}{self.family}")
        if not self.lab.world.provider.contacts_of(profile.user):
            self.register_sipp(profile, name)
        return name, profile

    def sipp_case(self, script, caller, called):
        third = None
        if script == "refer":
            # the one who is sent on: to a phone on the other side of the router
            third = self.lab.phone("bob" if caller == "sam" else "ann", self.family)
        call = self.sipp_call(script, {"caller": self.party(caller), "called": self.party(called)},
                              third)
        self.check_sources(call, "called" if caller == "sam" else "caller")

    def check_sources(self, call, outside):
        """The outside got media from the router's address and from nothing behind it."""
        sources = call.heard_from(outside)
        if sources - {world.public(self.family)} and not self.lab.plain:
            raise Failure(f"media from {', '.join(sorted(sources))}")

    def third_call(self, host, user, third):
        """The transferred end calls the third, from another port, while the first call waits."""
        end = End(self.lab, self.lab.world.hosts[host], self.family, sipp.Profile(user, port=5070))
        with sniff.Sniffer(third.host) as sniffer:
            Call(self.lab, "third", f"third{self.runs}{user}", {"caller": end}, lambda: (
                end.sniffer.media() >= ENOUGH and sniffer.marked(MARK + 3) >= ENOUGH
            )).play(third.line("auto"))
        return True

    # ---- difficult phones

    def difficult(self, kind):
        user = f"{kind.replace('-', '')}{self.family}"
        profile = sipp.Profile(user)
        calling = called = profile
        if kind == "no-rport":
            profile.via = "[local_ip]:[local_port]"
        if kind == "ephemeral":
            calling = sipp.Profile(user, "[local_ip]:5060;rport", f"sip:{user}@[local_ip]:5060",
                                   40000)
        if kind == "truncated":
            profile.contact = f"sip:{user}-at-her-desk-on-the-floor@[local_ip]:[local_port];line=7f"
        via = self.register_sipp(calling)
        if kind == "truncated":
            calling = called = sipp.Profile(user, contact=f"sip:{user}-at@[local_ip]:[local_port]")
        if kind == "learned":
            calling = called = sipp.Profile(user, contact=f"sip:{user}@{world.learned(via)}")
            self.register_sipp(calling)
        other = self.party("sue")
        call = self.sipp_call("call", {"caller": ("sam", calling), "called": other})
        self.check_sources(call, "called")
        call = self.sipp_call("call", {"caller": other, "called": ("sam", called)})
        self.check_sources(call, "caller")
        if kind == "truncated":
            self.register_sipp(called)


def cases(lab, family):
    return Matrix(lab, family).cases()
