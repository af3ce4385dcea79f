# SPDX-License-Identifier: BSD-2-Clause
"""The provider: Kamailio as registrar and proxy; it knows nothing of NAT."""

import os
import re

import net

HERE = os.path.dirname(os.path.abspath(__file__))


class Provider(net.Host):
    def __init__(self, folder, name="provider"):
        super().__init__(name)
        self.folder, self.ctl = folder, f"{folder}/ctl"

    def serve(self, *addresses):
        """Starts it on these addresses; true when it answers."""
        listen = [word for address in addresses for word in ("-l", f"udp:{address}:5060")]
        self.start("kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", f"{HERE}/kamailio.cfg",
                   "-A", f'CTL="unix:{self.ctl}"', *listen,
                   "-w", self.folder, "-Y", self.folder, log=f"{self.folder}/kamailio.log")
        return net.wait("kamailio answers", lambda: "uptime" in self.kamcmd("core.uptime"))

    def kamcmd(self, *command):
        return net.run("kamcmd", "-s", f"unix:{self.ctl}", *command, check=False)

    def contacts(self):
        """(user, "") of each user that is registered, and after it ("", its Contact)."""
        return re.findall(r"AoR: (\S+)|Address: (\S+)", self.kamcmd("ul.dump"))

    def contacts_of(self, user):
        found, whose = [], None
        for aor, address in self.contacts():
            whose = aor or whose
            if address and whose == user:
                found.append(address)
        return found
