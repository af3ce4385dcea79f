# SPDX-License-Identifier: BSD-2-Clause
"""Sine tones: writing them, and finding them in a recording (one line of a Fourier transform)."""

import array
import functools
import glob
import math
import operator
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


@functools.lru_cache(maxsize=None)
def waves(hertz):
    """A cosine and a sine as long as a block."""
    steps = [2 * math.pi * hertz * i / RATE for i in range(BLOCK)]
    return list(map(math.cos, steps)), list(map(math.sin, steps))


def power(block, hertz):
    """The share of the block's energy that is at this frequency: 0 to 1."""
    energy = sum(map(operator.mul, block, block))
    if energy < len(block) * 100 * 100:  # silence
        return 0.0
    parts = (sum(map(operator.mul, block, wave)) for wave in waves(hertz))
    return sum(part * part for part in parts) / (energy * len(block) / 2)


class Counter:
    """For how many seconds the samples that it is given are this tone and little else."""

    def __init__(self, hertz):
        self.hertz, self.seconds, self.rest = hertz, 0.0, array.array("h")

    def add(self, samples):
        self.rest += samples
        whole = len(self.rest) - len(self.rest) % BLOCK
        for start in range(0, whole, BLOCK):
            if power(self.rest[start:start + BLOCK], self.hertz) > 0.8:
                self.seconds += BLOCK / RATE
        self.rest = self.rest[whole:]


def from_ulaw(data):
    """The samples of G.711 mu-law, as it is in RTP."""
    return array.array("h", map(ULAW.__getitem__, data))


def ulaw_sample(code):
    code = ~code & 255
    size = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132
    return -size if code & 128 else size


ULAW = [ulaw_sample(code) for code in range(256)]


class Ear:
    """The recordings of one end: whichever files a program makes of what it hears."""

    def __init__(self, pattern):
        self.pattern = pattern

    def listen(self, hertz):
        """Hears from now on whether it is this tone: see Listener.heard."""
        return Listener(self.pattern, Counter(hertz))


class Listener:
    def __init__(self, pattern, counter):
        self.pattern, self.counter = pattern, counter
        self.ends = {path: os.path.getsize(path) for path in glob.glob(pattern)}

    def heard(self):
        """For how many seconds the tone was what was heard."""
        for path in glob.glob(self.pattern):
            self.counter.add(self.new_samples(path))
        return self.counter.seconds

    def new_samples(self, path):
        with open(path, "rb") as file:
            # a header may be written at the end only, and a file begun anew
            end = max(self.ends.get(path, 0), HEADER)
            file.seek(end if os.path.getsize(path) >= end else HEADER)
            text = file.read()
            self.ends[path] = file.tell() - len(text) % 2
        samples = array.array("h", text[:len(text) & ~1])
        if sys.byteorder == "big":
            samples.byteswap()
        return samples
