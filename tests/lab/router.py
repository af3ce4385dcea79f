# SPDX-License-Identifier: BSD-2-Clause
"""The router between the ends: an admin's ruleset, and what callgate says of the calls."""

import json
import re

import net

# What an admin's ruleset looks like anyway. Media is let in by "related" alone.
RULES = """
table inet firewall {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "lan0" accept
	}}
	chain input {{
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname {{ "lo", "lan0" }} accept
		meta l4proto {{ icmp, icmpv6 }} accept
	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat;
		{masquerade}
	}}
}}
"""


class Router(net.Host):
    def __init__(self, folder, name="router"):
        super().__init__(name)
        self.folder = folder

    def load(self, rules):
        path = f"{self.folder}/rules.nft"
        with open(path, "w", encoding="ascii") as file:
            file.write(rules)
        self.run("nft", "-f", path)

    def callgate(self, *arguments):
        return self.run("callgate", *arguments, check=False)

    def listed(self, what):
        """What `callgate calls --json` or `callgate registrations --json` lists."""
        try:
            return json.loads(self.callgate(what, "--json")).get(what, [])
        except ValueError:
            return [{"pinholes": [f"callgate {what} --json printed no JSON"]}]

    def pinholes(self):
        """The pinholes of calls, as the module's own table has them."""
        return [pin for call in self.listed("calls") for pin in call.get("pinholes", [])]

    def expected(self):
        """Published expectations of media: their port is not one of SIP."""
        lines = self.run("conntrack", "-L", "expect", check=False, quiet=True)
        return [line for line in lines.splitlines()
                if re.search(r"dport=\d+", line) and "dport=5060" not in line]

    def media(self, family="ipv4"):
        lines = self.run("conntrack", "-L", "-f", family, "-p", "udp", check=False, quiet=True)
        return [line for line in lines.splitlines()
                if "dport=" in line and not re.search(r"[sd]port=5060\b", line)]
