# SPDX-License-Identifier: BSD-2-Clause
"""What is tried, a line for each as it comes, and the counts."""
import collections
import sys

COUNTS = collections.Counter()


def check(what, good, more=""):
    COUNTS["passed" if good else "failed"] += 1
    print(("ok    " if good else "FAIL  ") + what)
    if not good and more:
        print("        " + str(more)[:2000].replace("\n", "\n        "))
    sys.stdout.flush()
    return good


def end():
    """The last line; returns the exit status."""
    print(f"{COUNTS['passed']} passed, {COUNTS['failed']} failed, 0 skipped")
    return 1 if COUNTS["failed"] else 0
