# SPDX-License-Identifier: BSD-2-Clause
"""sipp as a phone: the steps of `scripts` become its XML, and it waits where they say so.

A step at which sipp has to wait for us is a command of its third-party call control: it
sends one over a TCP connection and goes on when we answer.
"""

import dataclasses
import os

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = "voip.example"
SDP = """\
v=0
o=- 7 {version} IN IP[media_ip_type] [media_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
"""
AUDIO = "m=audio [media_port] RTP/AVP 0\n"
VIDEO = "m=video [media_port+2] RTP/AVP 96\na=rtpmap:96 VP8/90000\n"
FAX = """\
m=image [media_port] udptl t38
a=T38FaxVersion:0
a=T38MaxBitRate:14400
a=T38FaxRateManagement:transferredTCF
a=T38FaxUdpEC:t38UDPRedundancy
"""
BODIES = {
    "audio": ("application/sdp", SDP + AUDIO),
    "sendonly": ("application/sdp", SDP + AUDIO + "a=sendonly\n"),
    "recvonly": ("application/sdp", SDP + AUDIO + "a=recvonly\n"),
    "inactive": ("application/sdp", SDP + AUDIO + "a=inactive\n"),
    "both": ("application/sdp", SDP + AUDIO + VIDEO),
    "fax": ("application/sdp", SDP + FAX),
    "digit": ("application/dtmf-relay", "Signal=5\nDuration=160\n"),
    "trying": ("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\n"),
    "okay": ("message/sipfrag;version=2.0", "SIP/2.0 200 OK\n"),
}
KEPT = {"via1": "Via:", "via2": "Via:", "route": "Record-Route:", "from": "From:", "to": "To:",
        "cseq": "CSeq:"}


@dataclasses.dataclass
class Profile:
    """How a phone names itself: what stands in its Via and Contact, where it sends from."""
    user: str
    via: str = "[local_ip]:[local_port];rport"
    contact: str = ""
    port: int = 5060

    def contact_uri(self):
        return self.contact or f"sip:{self.user}@[local_ip]:[local_port]"


def read_scripts():
    """{name: {"caller": [steps], "called": [steps]}}"""
    scripts, name, side = {}, None, None
    with open(f"{HERE}/scripts", encoding="ascii") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words[:1] == ["script"]:
                name = words[1]
                scripts[name] = {"caller": [], "called": []}
            elif words in (["caller"], ["called"]):
                side = words[0]
            elif words:
                scripts[name][side].append(words)
    return scripts


class Compiler:
    """Writes the XML of one side. run: a text that no other call has."""

    def __init__(self, profile, peer, run, third=""):
        self.profile, self.peer, self.run, self.third = profile, peer, run, third
        self.out, self.cseq, self.invite, self.version = [], 0, 0, 0
        self.accepted = False

    def xml(self, steps):
        for verb, *words in steps:
            getattr(self, verb)(*words)
        kept = ",".join(KEPT) if self.accepted else ""
        reference = f'<Reference variables="{kept}"/>' if kept else ""
        return ('<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="interop">\n'
                + "\n".join(self.out) + f"\n{reference}</scenario>\n")

    # ---- messages

    def message(self, lines, body="none", headers=(), attributes=""):
        lines = lines + [header.replace("_", " ").format(third=self.third, cseq=self.invite)
                         for header in headers]
        kind, text = BODIES.get(body, ("", ""))
        if kind:
            self.version += 1
            lines.append(f"Content-Type: {kind}")
        lines += ["Content-Length: [len]", "", text.format(version=self.version)]
        self.out.append(f"<send{attributes}><![CDATA[\n\n" + "\n".join(lines) + "\n]]></send>")

    def request(self, method, uri, to, cseq):
        return [f"{method} {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.profile.via};branch=z9hG4bK{self.run}{cseq}",
                "Max-Forwards: 70",
                f"From: <sip:{self.profile.user}@{DOMAIN}>;tag={self.run}",
                f"To: {to}", "Call-ID: [call_id]",
                f"CSeq: {cseq.rstrip('a')} {method}",
                f"Contact: <{self.profile.contact_uri()}>"]

    def within(self, method, cseq):
        """A request in the dialog, by either side."""
        to = "[$from]" if self.accepted else f"<sip:{self.peer}@{DOMAIN}>[peer_tag_param]"
        return self.request(method, "[next_url]", to.strip(), cseq) + ["[routes]"]

    def next_cseq(self):
        self.cseq += 1
        return str(self.cseq)

    # ---- steps: requests

    def challenged(self, method, uri, to, more=("none", ())):
        """A request, its challenge, and the request with the answer."""
        code = {"REGISTER": 401}.get(method, 407)
        self.message(self.request(method, uri, to, self.next_cseq()), *more,
                     attributes=' retrans="500"')
        self.out.append('<recv response="100" optional="true"/>')
        self.out.append(f'<recv response="{code}" auth="true"/>')
        if method == "INVITE":
            self.message([line if not line.startswith("To:") else "[last_To:]" for line in
                          self.request("ACK", uri, to, str(self.cseq))])
        user = self.profile.user
        answer = f"[authentication username={user} password={user}-secret]"
        self.message(self.request(method, uri, to, self.next_cseq()) + [answer], *more,
                     attributes=' retrans="500"')

    def register(self):
        to = f"<sip:{self.profile.user}@{DOMAIN}>"
        self.challenged("REGISTER", f"sip:{DOMAIN}", to, ("none", ["Expires: 600"]))
        self.out.append('<recv response="200"><action><ereg regexp=".*" search_in="hdr" '
                        'header="Via:" assign_to="via1"/></action></recv>')
        self.tell("registered", "[$via1]")

    def call(self, body, *headers):
        uri = f"sip:{self.peer}@{DOMAIN}"
        self.challenged("INVITE", uri, f"<{uri}>", (body, headers))
        self.invite = self.cseq
        self.out.append('<recv response="100" optional="true"/>')

    def send(self, method, body="none", *headers):
        if method == "CANCEL":
            uri = f"sip:{self.peer}@{DOMAIN}"
            self.message(self.request(method, uri, f"<{uri}>", str(self.invite)))
            return
        lines = self.within(method, self.next_cseq())
        if method == "INVITE":
            self.invite = self.cseq
        self.message(lines, body, headers, ' retrans="500"')
        if method == "INVITE":
            self.out.append('<recv response="100" optional="true"/>')

    def ack(self, refused=""):
        """Of a 2xx: a request of its own; of a refusal: a part of the INVITE."""
        if refused:
            uri = f"sip:{self.peer}@{DOMAIN}"
            self.message([line if not line.startswith("To:") else "[last_To:]" for line in
                          self.request("ACK", uri, "", str(self.invite))])
        else:
            self.message(self.within("ACK", f"{self.invite}a"))

    def expect(self, code, _method=""):
        self.out.append(f'<recv response="{code}" rrs="true"/>')

    def maybe(self, code):
        self.out.append(f'<recv response="{code}" optional="true"/>')

    # ---- steps: responses

    def accept(self):
        self.accepted = True
        actions = "".join(
            f'<ereg regexp=".*" search_in="hdr" header="{header}" '
            f'occurrence="{2 if name == "via2" else 1}" assign_to="{name}"/>'
            for name, header in KEPT.items())
        self.out.append(f'<recv request="INVITE" rrs="true"><action>{actions}</action></recv>')

    def answer(self, code, body="none", *headers):
        self.message([f"SIP/2.0 {code} Whatever", "Via:[$via1]", "Via:[$via2]",
                      "Record-Route:[$route]", "From:[$from]", f"To:[$to];tag={self.run}",
                      "Call-ID: [call_id]", "CSeq:[$cseq]",
                      f"Contact: <{self.profile.contact_uri()}>"], body, headers,
                     "" if code.startswith("1") else ' retrans="500"')

    def receive(self, method):
        self.out.append(f'<recv request="{method}"/>')

    def reply(self, code, body="none"):
        self.message([f"SIP/2.0 {code} Whatever", "[last_Via:]", "[last_From:]", "[last_To:]",
                      "[last_Call-ID:]", "[last_CSeq:]",
                      f"Contact: <{self.profile.contact_uri()}>"], body)

    # ---- steps: media, and waiting for us

    def play(self, number, kind="audio"):
        self.out.append(f'<nop><action><exec play_pcap_{kind}="{number}.pcap"/></action></nop>')

    def tell(self, *words):
        self.out.append("<sendCmd><![CDATA[\nCall-ID: [call_id]\nStep: "
                        + " ".join(["tell", *words]) + "\n\n]]></sendCmd>")

    def wait(self, *words):
        self.out.append("<sendCmd><![CDATA[\nCall-ID: [call_id]\nStep: " + " ".join(words)
                        + "\n\n]]></sendCmd>\n<recvCmd/>")

    def until(self, number, who):
        self.wait("until", number, who)

    def hear(self, name):
        self.wait("hear", name)

    def transfer(self):
        self.wait("transfer")

    def heard(self):
        self.wait("heard")
