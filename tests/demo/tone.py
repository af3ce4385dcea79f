# SPDX-License-Identifier: BSD-2-Clause
"""Sine tones: writing them, and finding them in a recording (Goertzel)."""

import array
import math
import sys
import wave

RATE = 8000
BLOCK = 800  # a tenth of a second: bins of 10 Hz


def write(path, hertz, seconds):
    period = array.array("h", (int(8000 * math.sin(2 * math.pi * hertz * i / RATE))
                               for i in range(RATE)))
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(seconds):
            out.writeframes(period.tobytes())


def read(path):
    """The samples of a recording, of one that is still being written too."""
    with open(path, "rb") as file:
        data = file.read()
    start = data.find(b"data")
    if start < 0:
        return array.array("h")
    data = data[start + 8:]
    samples = array.array("h", data[:len(data) & ~1])
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


def seconds_of(path, hertz):
    """For how many seconds the recording is this tone and little else."""
    samples = read(path)
    blocks = (samples[i:i + BLOCK] for i in range(0, len(samples) - BLOCK + 1, BLOCK))
    return sum(power(block, hertz) > 0.8 for block in blocks) * BLOCK / RATE
