# SPDX-License-Identifier: BSD-2-Clause
"""The second part: the router is where users are.

              192.168.77.0/24                          203.0.113.0/24
   alice   .11 --+                                       +-- .1  provider (Kamailio)
   bob     .12 --+-- .1 [lan0] ROUTER [wan0] .2 ---------+-- .50 carol, a customer of it
   mallory .13 --+      masquerade, callgate, callgated  +-- .60 dave, who calls addresses

Alice registers at the router itself. Bob registers at the provider, and the router
sees it. Dave calls Alice at the router's address, Carol calls Bob by the provider.
In the middle of Dave's call callgated is killed.
"""

import json
import os

import net
import provider
import router
import stage

LAN, WAN, PROVIDER = "192.168.77", "203.0.113", "203.0.113.1"
# where everybody looks for it: this root is the virtual machine's own
FILE = "/etc/callgate/callgate.conf"
CONFIG = """\
inside  = { "lan0" }
outside = { "wan0" }
algorithms-inside = { MD5 }   # old phones stop at a challenge that they do not know
domain "office.example" { registrar = main }
domain "voip.example"   { registrar = passive }
"""
# the one rule that a gateway needs more than a helper
OPEN = 'add rule inet firewall input iifname "wan0" udp dport 5060 accept\n'


class Gateway(stage.Stage):
    def __init__(self, folder, shell):
        super().__init__(folder)
        self.shell, self.daemon = shell, None

    def build(self):
        switch = self.host("switch")
        net.bridges(switch, "lan", "wan")
        self.router = self.host("router", lambda _: router.Router(self.folder))
        net.cable(self.router, "lan0", f"{LAN}.1/24", switch, "lan")
        net.cable(self.router, "wan0", f"{WAN}.2/24", switch, "wan")
        self.router.run("ip", "route", "add", "default", "via", PROVIDER)
        self.router.set(net__ipv4__ip_forward=1)
        for name, last in (("alice", 11), ("bob", 12), ("mallory", 13)):
            net.cable(self.host(name), "eth0", f"{LAN}.{last}/24", switch, "lan")
            self.hosts[name].run("ip", "route", "add", "default", "via", f"{LAN}.1")
        self.provider = self.host("provider", lambda _: provider.Provider(self.folder))
        for name, last in (("provider", 1), ("carol", 50), ("dave", 60)):
            host = self.hosts.get(name) or self.host(name)
            net.cable(host, "eth0", f"{WAN}.{last}/24", switch, "wan")

    # ---- the daemon ----

    def start_router(self):
        self.section("the gateway: callgated beside the module")
        self.router.load(router.RULES.format(masquerade='oifname "wan0" masquerade') + OPEN)
        self.router.load(self.router.run("callgate", "nft"))
        os.makedirs(os.path.dirname(FILE), exist_ok=True)
        with open(FILE, "w", encoding="ascii") as file:
            file.write(CONFIG)
        self.show(CONFIG)
        self.check("callgated runs, with the module", self.start_daemon())

    def start_daemon(self):
        self.daemon = self.router.start("callgated", log=f"{self.folder}/callgated.log")
        return net.wait("callgated answers", lambda: self.status().get("daemon"))

    def kill_daemon(self):
        self.daemon.kill()
        self.router.processes.remove(self.daemon)
        self.daemon.wait()

    def status(self):
        try:
            return json.loads(self.router.callgate("status", "--json"))
        except ValueError:
            return {}

    def registered(self):
        """user@domain of everybody whom the router can reach."""
        try:
            listed = json.loads(self.router.callgate("registrations", "--json"))
        except ValueError:
            return set()
        return {each["aor"] for each in listed.get("locations", [])}

    # ---- the users ----

    def add_users(self):
        self.section("users: Alice, and Erna who has no phone yet")
        for user in ("alice", "erna"):
            said = self.router.run("callgate", "users", "add", f"{user}@office.example",
                                   check=False, text=f"{user}-secret\n")
            self.show(said or f"callgate users add {user}@office.example")
        self.show(self.router.callgate("users", "list"))

    def register(self):
        self.section("the phones: Alice's registers here, Bob's at the provider")
        self.check("the provider runs", self.provider.serve(PROVIDER))
        self.phone("alice", 440, f"{LAN}.1", domain="office.example").start()
        self.phone("bob", 660, PROVIDER).start()
        self.phone("carol", 880, PROVIDER).start()
        self.phone("dave", 550, None, domain="dave.example", registered=False).start()
        for each in ("alice@office.example", "bob@voip.example"):
            self.check(f"{each} is known to the router",
                       net.wait(f"{each} registers", lambda e=each: e in self.registered()))
        self.check("carol registered", net.wait(
            "carol registers", lambda: self.provider.contacts_of("carol")))
        self.show(self.router.callgate("registrations"))

    def refused(self):
        self.section("who is refused, and how")
        for user, text in (("alice", "a wrong password"), ("nobody", "an unknown user")):
            each = self.phone("mallory", 330, f"{LAN}.1", domain="office.example",
                              users={user: "auto"}, password="guessed", label=f"mallory-{user}")
            each.start()
            self.check(f"{text}: 401 once more, and no registration",
                       net.wait("the refusal", lambda e=each: e.told("REGISTER_FAIL", "401")))
            each.stop()
        for user, code in (("nobody", "404"), ("erna", "480")):
            self.check(f"dave calls {user}: {code}", self.gets(user, code))

    def gets(self, user, code):
        dave = self.phones["dave"]
        since = dave.mark()
        dave.command("dial", f"sip:{user}@{WAN}.2")
        return net.wait(f"dave gets {code}",
                        lambda: dave.told("CALL_CLOSED", code, since=since))

    # ---- calls ----

    def calls(self):
        self.section("dave calls alice at the router's address")
        self.call("dave", f"sip:alice@{WAN}.2", "alice", self.lose_daemon)
        self.section("callgated is still away: dave calls alice again")
        self.call("dave", f"sip:alice@{WAN}.2", "alice")
        self.section("callgated is back")
        self.check("it runs", self.start_daemon())
        self.check("everybody is known again",
                   {"alice@office.example", "bob@voip.example"} <= self.registered())
        self.show(self.router.callgate("registrations"))
        self.section("carol calls bob by the provider")
        self.call("carol", "sip:bob@voip.example", "bob", self.show_calls)

    def lose_daemon(self):
        self.show_calls()
        self.kill_daemon()
        print("  callgated is killed; the call goes on:")
        self.hear_anew("dave", "alice")

    def show_calls(self):
        self.show(self.router.callgate("calls"))
        self.check("the router shows the call and its pinholes", self.router.pinholes())

    def after(self):
        self.section("after the calls")
        self.check("no pinhole is left",
                   net.wait("pinholes go", lambda: not self.router.pinholes()))
        self.show(self.router.callgate("status"))

    def play(self):
        try:
            self.build()
            self.start_router()
            self.add_users()
            self.register()
            if not self.failed:
                self.refused()
                self.calls()
                self.after()
            if self.failed:
                self.logs()
            self.shell(self)
        finally:
            self.close()
