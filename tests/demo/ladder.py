# SPDX-License-Identifier: BSD-2-Clause
"""The ladder of the messages that the router saw, and what was edited where.

Reads the lines of `callgate trace --json` and draws, with the inside on the
left, the router in the middle and the outside on the right:

      alice ----- INVITE sip:carol@voip.example ----> ROUTER ----> provider
                    contact: 192.168.77.11:5060 -> 203.0.113.2:5060
"""

import json

WIDTH = 46


def load(path):
    messages = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                messages.append(json.loads(line))
            except ValueError:
                continue  # the last line may be half written
    return messages


def host_of(endpoint):
    return str(endpoint or "").rsplit(":", 1)[0].strip("[]")


def title(message):
    if message.get("status"):
        return f"{message['status']} {message.get('uri', '')} ({message.get('method', '')})"
    return f"{message.get('method', '?')} {message.get('uri', '')}"


def cut(text, width=WIDTH):
    return text if len(text) <= width else text[:width - 3] + "..."


def arrow(text, left_to_right):
    text = f" {cut(text)} ".center(WIDTH + 4, "-")
    return f"{text}>" if left_to_right else f"<{text}"


def pin_text(message):
    pin = message.get("pinhole", {})
    text = f"[{message.get('trace', '?').replace('-', ' ')}] {pin.get('component', '')}"
    if pin.get("public"):
        text += f" {pin['public']} for {pin.get('inside', '?')}"
    peers = ", ".join(dict.fromkeys(peer.get("address", "") for peer in pin.get("peers", ())))
    if peers:
        text += f", from {peers}"
    return text + (f"  ({message['reason']})" if message.get("reason") else "")


def draw(messages, names):
    """The lines of the ladder; names: who lives at an address."""
    lines = []
    for message in messages:
        if message.get("trace") != "message":
            lines.append(f"{'':20}{pin_text(message)}")
            continue
        src, dst = host_of(message.get("source")), host_of(message.get("new_destination"))
        inward = message.get("direction") == "in"
        left, right = (dst, src) if inward else (src, dst)
        lines.append(f"{names.get(left, left):>10} {arrow(title(message), not inward)} ROUTER "
                     f"{'<----' if inward else '---->'} {names.get(right, right)}")
        for edit in message.get("edits", ()):
            lines.append(f"{'':20}{edit.get('field')}: {edit.get('before')} -> "
                         f"{edit.get('after')}  ({edit.get('reason')})")
        if message.get("verdict") == "drop":
            lines.append(f"{'':20}dropped: {message.get('reason')} {message.get('detail', '')}")
    return lines
