# SPDX-License-Identifier: BSD-2-Clause
"""A linphonec without sound hardware, by its console: it plays a tone and records what it hears."""

import os
import re
import subprocess

import net
import tone

CONFIG = """\
[sip]
sip_port=5060
use_ipv6={ipv6}
default_proxy=0
guess_hostname=1
register_only_when_network_is_up=0
use_info=1
use_rfc2833=0
inc_timeout=300
incoming_calls_early_media=1
[net]
mtu=0
dns_srv_enabled=0
firewall_policy=0
[app]
sender_name_hidden_in_forward_message=0
[misc]
uuid={uuid}
[rtp]
audio_rtp_port={rtp}
video_rtp_port={video}
audio_adaptive_jitt_comp_enabled=0
nortp_timeout=300
[sound]
echocancellation=0
remote_ring=
local_ring=
[video]
size=qcif
capture=1
display=0
automatically_initiate=1
automatically_accept=1
[proxy_0]
reg_proxy=<sip:{proxy};transport=udp>
reg_route=<sip:{proxy};transport=udp;lr>
reg_identity="{user}" <sip:{user}@voip.example>
reg_expires=300
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd={user}-secret
realm=voip.example
domain=voip.example
{codecs}"""
CODECS = (("opus", 48000, 2), ("speex", 16000, 1), ("speex", 8000, 1), ("PCMU", 8000, 1),
          ("PCMA", 8000, 1), ("GSM", 8000, 1), ("G722", 8000, 1), ("G729", 8000, 1))


def codecs():
    """PCMU alone: cheap, and recorded at the rate that tone.py reads."""
    return "".join(f"[audio_codec_{n}]\nmime={mime}\nrate={rate}\nchannels={channels}\n"
                   f"enabled={int(mime == 'PCMU')}\n"
                   for n, (mime, rate, channels) in enumerate(CODECS))


class Linphone:
    def __init__(self, host, hertz, proxy, folder, user):
        self.host, self.hertz, self.user = host, hertz, user
        self.folder = f"{folder}/{user}"
        self.log, self.recordings = f"{self.folder}/log", 0
        os.makedirs(f"{self.folder}/.local/share/linphone")
        tone.write(f"{self.folder}/tone.wav", hertz, 300)
        with open(f"{self.folder}/rc", "w", encoding="ascii") as file:
            file.write(CONFIG.format(user=user, proxy=proxy, ipv6=int(":" in proxy), rtp=20000,
                                     video=20002, codecs=codecs(),
                                     uuid=f"00000000-0000-4000-8000-{hertz:012d}"))

    def start(self):
        self.process = self.host.start(
            "linphonec", "-C", "-c", f"{self.folder}/rc", log=self.log, stdin=subprocess.PIPE,
            env={**os.environ, "HOME": self.folder, "LC_ALL": "C"})
        for line in ("soundcard use files", f"play {self.folder}/tone.wav",
                     f"ringback {self.folder}/tone.wav"):
            self.type(line)

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def printed(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def mark(self):
        """What is printed from now on; the next call is recorded in a file of its own."""
        self.recordings += 1
        self.type(f"record {self.folder}/heard-{self.recordings}.wav")
        return len(self.printed())

    def says(self, pattern, since=0):
        return re.search(pattern, self.printed()[since:])
