# SPDX-License-Identifier: BSD-2-Clause
"""Sine tones: writing them, and finding them in a recording (Goertzel)."""

import array
import glob
import math
import os
import sys
import wave

RATE = 8000
BLOCK = 800  # a tenth of a second: bins of 10 Hz
HEADER = 44


def write(path, hertz, seconds):
    period = array.array("h", (int(8000 * math.sin(2 * math.pi * hertz * i / RATE))
                               for i in range(RATE)))
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(seconds):
            out.writeframes(period.tobytes())


def read(path, start=0):
    """The samples of a recording from byte start on; of one that is still being written too."""
    with open(path, "rb") as file:
        head = file.read(HEADER)
        # a header that is written at the end reads as zeros until then
        found = head.find(b"data")
        data = found + 8 if found >= 0 else HEADER
        file.seek(max(start & ~1, data))
        text = file.read()
    samples = array.array("h", text[:len(text) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def power(block, hertz):
    """The share of the block's energy that is at this frequency: 0 to 1."""
    energy = sum(s * s for s in block)
    if energy < len(block) * 100 * 100:  # silence
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * hertz / RATE)
    s1 = s2 = 0.0
    for sample in block:
        s1, s2 = sample + coefficient * s1 - s2, s1
    return (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (energy * len(block) / 2)


def seconds_of(path, hertz, start=0):
    """For how many seconds the recording, from byte start on, is this tone and little else."""
    return seconds_in(read(path, start), hertz)


def seconds_in(samples, hertz):
    blocks = (samples[i:i + BLOCK] for i in range(0, len(samples) - BLOCK + 1, BLOCK))
    return sum(power(block, hertz) > 0.8 for block in blocks) * BLOCK / RATE


def from_ulaw(data):
    """The samples of G.711 mu-law, as it is in RTP."""
    return array.array("h", map(ULAW.__getitem__, data))


def ulaw_sample(code):
    code = ~code & 255
    size = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132
    return -size if code & 128 else size


ULAW = [ulaw_sample(code) for code in range(256)]


class Ear:
    """The recordings of one end: what was heard since a mark, in whichever file."""

    def __init__(self, pattern):
        self.pattern = pattern

    def mark(self):
        return {path: os.path.getsize(path) for path in glob.glob(self.pattern)}

    def heard(self, hertz, since=()):
        """For how many seconds, since the mark, this tone was what was heard."""
        since, total = dict(since), 0.0
        for path in glob.glob(self.pattern):
            # a program may begin the same file anew
            start = since.get(path, 0)
            start = start if os.path.getsize(path) >= start else 0
            total += seconds_of(path, hertz, start)
        return total
