# SPDX-License-Identifier: BSD-2-Clause
"""Finds in a guest's kernel log what no test may cause."""
import re

START, END = 'callgate-vm: start', 'callgate-vm: end'
BEFORE, AFTER, LONGEST, MOST = 5, 20, 60, 4

BAD = re.compile('|'.join((
    r'WARNING: ', r'\bBUG: ', r'\bBUG\b.*\bat\b', r'Kernel panic', r'KASAN', r'UBSAN:', r'KCSAN',
    r'\bOops\b', r'general protection fault', r'[Uu]nable to handle', r'double fault',
    r'unreferenced object',
    r'possible recursive locking', r'circular locking', r'inconsistent lock state',
    r'lock inversion', r'lock order', r'bad unlock balance', r'held lock freed',
    r'lock held when returning', r'suspicious RCU usage', r'non-static key',
    r'sleeping function called', r'scheduling while atomic', r'[Ii]nvalid wait context',
    r'blocked for more than \d+ seconds', r'soft lockup', r'hard LOCKUP',
    r'detected( expedited)? stalls?', r'self-detected stall',
    r'refcount_t: ', r'ODEBUG: ', r'list_(add|del) corruption', r'leaked reference',
    r'ref_tracker: ', r'waiting for \S+ to become free', r'Object already free', r'Poison overwritten',
    r'Redzone', r'stack-protector', r'kernel stack overflow', r'segfault in kernel',
)))


def judged(text):
    """The part that counts: from the guest's first own word to its last. What
    comes behind that is the machine being switched off."""
    if START in text:
        text = text[text.index(START):]
    return text[:text.index(END)] if END in text else text


def faults(text):
    """The offending passages, each with what stands around it."""
    lines = judged(text).splitlines()
    passages, begin, end = [], 0, -1
    for number, line in enumerate(lines):
        if not BAD.search(line):
            continue
        if number > end or number - begin > LONGEST:
            begin = max(end + 1, number - BEFORE)
            passages.append(begin)
        end = number + AFTER
    ends = [*passages[1:], len(lines)]
    return ['\n'.join(lines[begin:min(end, begin + LONGEST)])
            for begin, end in zip(passages, ends)]
