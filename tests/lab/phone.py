# SPDX-License-Identifier: BSD-2-Clause
"""A baresip without sound hardware: it sends a tone and records what it hears."""

import glob
import json
import os
import socket

import net
import tone

CONFIG = """\
poll_method		epoll
sip_listen		0.0.0.0:5060
net_interface		eth0
call_local_timeout	300
audio_player		aubridge,nothing
audio_source		aufile,{folder}/tone.wav
audio_alert		aubridge,alert
rtp_ports		{rtp}-{rtp_last}
jitter_buffer_delay	5-10
module_path		{modules}
module			g711.so
module			aufile.so
module			aubridge.so
module			sndfile.so
{video}{uuid}module_app		account.so
module_app		menu.so
module_app		ctrl_tcp.so
ctrl_tcp_listen		127.0.0.1:4444
snd_path		{folder}
"""
# a picture that nobody made and nobody sees, small: the codec is the work
VIDEO = """\
module			vp8.so
module			fakevideo.so
video_source		fakevideo,nil
video_display		fakevideo,nil
video_size		96x64
video_fps		5
"""
ACCOUNT = ('"{name}" <sip:{user}@{domain};transport=udp>;auth_user={user}'
           ';auth_pass={password};{way}answermode={answer};audio_codecs=pcmu,pcma\n')
REGISTERED = 'outbound="sip:{proxy};transport=udp";regint=300;'


def modules():
    for folder in ("/usr/lib/baresip/modules",
                   *glob.glob("/usr/lib/*/baresip/modules")):
        if os.path.exists(f"{folder}/g711.so"):
            return folder
    raise SystemExit("demo: baresip has no modules here: install baresip-core")


class Phone:
    """users: those it registers, each with how it answers: auto, early (and by hand), manual.
    domain: theirs; password: NAME-secret without it. A phone that is not 'registered' sends to
    whom it calls. label: of its folder, else that of the first user."""

    domain, registered, password = "voip.example", True, None

    def __init__(self, host, hertz, proxy, folder, users=None, label=None):
        self.host, self.hertz, self.proxy = host, hertz, proxy
        self.users = users or {host.name: "auto"}
        self.user = next(iter(self.users))
        self.folder = f"{folder}/{label or self.user}"
        self.control, self.process, self.buffer, self.events = None, None, b"", []
        os.makedirs(self.folder)
        self.ear = tone.Ear(f"{self.folder}/dump*dec.wav")
        tone.write(f"{self.folder}/tone.wav", hertz, 300)

    def configure(self, video=False):
        where = modules()
        uuid = "module_tmp\t\tuuid.so\n" if os.path.exists(f"{where}/uuid.so") else ""
        with open(f"{self.folder}/config", "w", encoding="ascii") as file:
            # all phones use the same RTP ports, as phones of one make do
            file.write(CONFIG.format(folder=self.folder, rtp=20000, rtp_last=20100, modules=where,
                                     uuid=uuid, video=VIDEO if video else ""))
        with open(f"{self.folder}/accounts", "w", encoding="ascii") as file:
            way = REGISTERED.format(proxy=self.proxy) if self.registered else "regint=0;"
            for user, answer in self.users.items():
                file.write(ACCOUNT.format(name=user.title(), user=user, domain=self.domain,
                                          password=self.password or f"{user}-secret", way=way,
                                          answer=answer))

    def start(self, video=False):
        self.configure(video)
        family = "-6" if ":" in (self.proxy or "") else "-4"
        self.process = self.host.start("baresip", family, "-f", self.folder,
                                       log=f"{self.folder}/log",
                                       env={**os.environ, "HOME": self.folder})
        self.control = net.wait(f"{self.user}'s phone starts", self.connect)
        return self.control

    def stop(self):
        self.control.close()
        self.host.end(self.process)
        self.buffer, self.events = b"", []

    def connect(self):
        with self.host.inside():
            try:
                control = socket.create_connection(("127.0.0.1", 4444), 5)
            except OSError:
                return None
        control.setblocking(False)
        return control

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": command})
        self.control.sendall(f"{len(text)}:{text},".encode())

    def poll(self):
        """Takes in the events (netstrings of JSON) that have come."""
        try:
            while data := self.control.recv(65536):
                self.buffer += data
        except BlockingIOError:
            pass
        while b":" in self.buffer:
            length, rest = self.buffer.split(b":", 1)
            if len(rest) <= int(length):
                break
            event = json.loads(rest[:int(length)])
            self.buffer = rest[int(length) + 1:]
            self.events.append(event)
        return self.events

    def has(self, *types, since=0):
        return any(e.get("type") in types for e in self.poll()[since:])

    def told(self, kind, text, since=0):
        """An event of this type whose words have this text."""
        return any(e.get("type") == kind and text in e.get("param", "")
                   for e in self.poll()[since:])

    def mark(self):
        """A place among the events: has(..., since=mark) looks at later ones only."""
        return len(self.poll())
