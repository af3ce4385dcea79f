#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the house that no common tool knows.

Prints each offence as file:line: text. The rules are the functions whose names
begin with rule_; each takes a path and its lines.
"""

import os
import re
import subprocess
import sys

COLUMNS, FUNCTION, FILE, SIP_FILE, ARGUMENTS = 100, 100, 700, 500, 5
CODE = (".c", ".h", ".py", ".sh")

# who may include what: a folder or file, what it may not name, and why
ARROWS = [
    (r"^kmod/sip/(?!port\.h$)", r"<.*>", "kmod/sip is freestanding: port.h alone includes others"),
    (r"^kmod/sip/", r'".*/.*"', "kmod/sip includes its own headers only"),
    (r"^kmod/(?!sip/|probe/|genl(_\w+)?\.[ch]$)", r"<(net/genetlink|net/netlink|linux/netlink)\.h>",
     "only genl*.c knows netlink"),
    (r"^daemon/(?!kernel(_\w+)?\.[ch]$)", r"<(netlink/.*|linux/(gen)?(nf)?netlink.*)>",
     "only daemon/kernel*.c knows netlink"),
    (r"^daemon/(?!store(_\w+)?\.[ch]$)", r"<sqlite3\.h>", "only store*.c knows SQL"),
    (r"^daemon/", r'".*kmod/(?!sip/).*"', "the daemon shares kmod/sip and uapi alone"),
    (r"^uapi/", r'".*"', "uapi includes nothing of ours"),
]
NETLINK_CALLS = re.compile(r"\b(nla_(put|nest|parse|get|for_each)\w*|genlmsg_\w+|"
                           r"genl_(un)?register\w*)\s*\(")
STRINGS = re.compile(r"\b(str(len|chr|rchr|str|nstr|sep|pbrk|spn|cspn|cpy|cat|tok|casecmp)|"
                     r"v?sprintf|sscanf|simple_strto\w+|kstrto\w+|atoi)\s*\(")
VERSIONS = re.compile(r"\b(LINUX_VERSION_CODE|KERNEL_VERSION)\b")
ALLOCATION = re.compile(r"\b(k[mzc]alloc\w*|kfree\w*|malloc|calloc|realloc|free|alloca)\s*\(")
MUTABLE = re.compile(r"^(static\s+)?(?!.*\bconst\b)(?!typedef|extern|struct \w+ \{|enum|union)"
                     r"[a-z_][\w\s\*]*\s\*?\w+(\[[^\]]*\])*\s*(=|;)")

LICENCES = [
    ("kmod/sip/", {"GPL-2.0-only OR BSD-2-Clause"}),
    ("kmod/", {"GPL-2.0-only"}),
    ("Kbuild", {"GPL-2.0-only"}),
    ("uapi/", {"(GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause"}),
    ("", {"BSD-2-Clause"}),
]
NO_LICENCE_LINE = re.compile(
    r"^LICENSES/|\.md$|\.(json|txt|dat|sip|scn|expect|wav|bin|pcap|dict)$|(^|/)corpus|"
    r"/source/format$|\.gitattributes$|/(changelog|copyright|control)$|^tests/fuzz/(?!.*\.[ch]$)")

# addresses of the web that a source may name; others tell of a machine
HOSTS = re.compile(r"(^|\.)(debian\.org|kernel\.org|rfc-editor\.org|ietf\.org|spdx\.org|gnu\.org|"
                   r"example(\.(com|org|net))?|[a-z0-9-]+\.(example|invalid|test))$")
STRING = re.compile(r"\"[^\"]{20,}\"|'[^']{20,}'")
URL = re.compile(r"\bhttps?://(?:[^/@\s]*@)?([A-Za-z0-9.-]+)")
MACHINE = re.compile(r"/home/\w|localhost:\d{4}/")


def sources():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(n for n in set(names.splitlines()) if os.path.isfile(n))


def is_c(path):
    return path.endswith((".c", ".h"))


def without_comments(lines):
    """The same number of lines, comments and string contents blanked."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"",
                  lambda m: '""' if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]),
                  "\n".join(lines), flags=re.S)
    return text.split("\n")


def functions(lines):
    """(line, name, arguments, length) of each function; kernel style: braces in column 0."""
    begin = None
    for n, line in enumerate(lines):
        if line == "{" and begin is None:
            head = n
            while head > 0 and lines[head - 1].strip() and lines[head - 1][0] not in "}#;":
                head -= 1
            begin = (n, " ".join(lines[head:n]))
        elif line.startswith("}") and begin is not None:
            match = re.search(r"(\w+)\s*\((.*)\)", begin[1])
            if match:
                yield begin[0] + 1, match[1], count_arguments(match[2]), n - begin[0] + 1
            begin = None


def count_arguments(text):
    depth, count = 0, 1
    for char in text:
        depth += (char in "([") - (char in ")]")
        count += char == "," and depth == 0
    return 0 if text.strip() in ("", "void") else count


def rule_sizes(path, lines):
    if not path.startswith(("kmod", "uapi", "daemon", "tests", "Makefile", "packaging")):
        return
    if not path.endswith(CODE) and not (lines and lines[0].startswith("#!")):
        return
    limit = SIP_FILE if path.startswith("kmod/sip/") else FILE
    if len(lines) > limit:
        yield len(lines), f"{len(lines)} lines, the limit of a file is {limit}"
    for n, line in enumerate(lines, 1):
        # a string that is searched for is not broken up
        if len(line.expandtabs(8)) > COLUMNS and not STRING.search(line):
            yield n, f"{len(line.expandtabs(8))} columns, the limit is {COLUMNS}"
    if path.endswith(".c"):
        for n, name, arguments, length in functions(without_comments(lines)):
            if length > FUNCTION:
                yield n, f"{name} has {length} lines, the limit of a function is {FUNCTION}"
            if arguments > ARGUMENTS:
                yield n, f"{name} has {arguments} arguments, the limit is {ARGUMENTS}"


def rule_arrows(path, lines):
    for n, line in enumerate(lines, 1):
        match = re.match(r"\s*#\s*include\s*([<\"].*[>\"])", line)
        if not match:
            continue
        for where, what, why in ARROWS:
            if re.search(where, path) and re.fullmatch(what, match[1]):
                yield n, f"includes {match[1]}: {why}"


def rule_kernel(path, lines):
    if not path.startswith("kmod/") or not is_c(path):
        return
    in_sip = path.startswith("kmod/sip/")
    for n, line in enumerate(without_comments(lines), 1):
        call = STRINGS.search(line)
        if call and "not packet data" not in lines[n - 1]:
            yield n, f"{call[1]}: packet data has no end of string"
        if VERSIONS.search(line) and path != "kmod/compat.h":
            yield n, "tests a kernel version outside compat.h"
        if NETLINK_CALLS.search(line) and not re.match(r"kmod/genl(_\w+)?\.[ch]$", path):
            yield n, "only genl*.c knows netlink"
        if in_sip and ALLOCATION.search(line):
            yield n, "kmod/sip allocates nothing"
        if in_sip and path.endswith(".c") and MUTABLE.match(line) and "(" not in line.split("=")[0]:
            yield n, "kmod/sip has no globals"


def rule_licence(path, lines):
    if NO_LICENCE_LINE.search(path) or not lines:
        return
    found = None
    for line in lines[:4]:
        match = re.search(r"SPDX-License-Identifier:\s*(.*?)\s*(\*/|-->)?$", line)
        found = found or (match and match[1])
    if not found:
        yield 1, "no SPDX-License-Identifier in the first lines"
        return
    for folder, licences in LICENCES:
        if path.startswith(folder):
            if found.strip("()") not in {l.strip("()") for l in licences}:
                yield 1, f"licence {found}, expected {' or '.join(licences)}"
            return


def rule_version(path, lines):
    if path != "Kbuild":
        return
    with open("dkms.conf", encoding="utf-8") as file:
        version = re.search(r'^PACKAGE_VERSION="(.*)"', file.read(), re.M)[1]
    for n, line in enumerate(lines, 1):
        found = re.search(r"\$\(or \$\(CG_VERSION\),(.*?)\)", line)
        if found and found[1] != version:
            yield n, f"version {found[1]}, dkms.conf says {version}"


def rule_places(path, lines):
    if path.startswith(("LICENSES/", "tests/vectors/", "tests/lint/")) or "corpus" in path:
        return
    for n, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield n, "names a place on one machine"
        for host in URL.findall(line):
            if not HOSTS.search(host):
                yield n, f"names the host {host}"


def main():
    offences = 0
    for path in sources():
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except UnicodeDecodeError:
            continue
        if lines and not lines[-1]:
            lines.pop()
        for name, rule in sorted(globals().items()):
            if not name.startswith("rule_"):
                continue
            for line, text in rule(path, lines):
                print(f"{path}:{line}: {text}")
                offences += 1
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
