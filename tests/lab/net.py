# SPDX-License-Identifier: BSD-2-Clause
"""Hosts as network namespaces, their cables, and processes in them."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

# Under emulation everything takes longer: the limit of a wait, in seconds
PATIENCE = int(os.environ.get("LAB_PATIENCE", "150"))


def run(*command, check=True, quiet=False, text=None):
    """Runs a command to its end and returns what it printed; text: what it reads."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, input=text)
    if check and done.returncode:
        sys.exit(f"lab: {' '.join(command)}: {done.stderr.strip() or done.returncode}")
    if done.returncode and not quiet:
        return done.stdout + done.stderr
    return done.stdout


def until(condition, limit=PATIENCE):
    """Waits until the condition holds and returns what it returned; None when it never did."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    return None


def wait(what, condition, limit=PATIENCE):
    """The same, and says what it gave up."""
    found = until(condition, limit)
    if not found:
        print(f"  gave up after {limit} s: {what}")
    return found


class Host:
    """A network namespace with what runs in it."""

    def __init__(self, name):
        self.name = name
        self.netns = f"cg-{name}"
        self.processes = []
        run("ip", "netns", "add", self.netns)
        self.batch("link set lo up")

    def without_names(self):
        """Its programs are told at once that there is no name server, and do not wait for one."""
        os.makedirs(f"/etc/netns/{self.netns}", exist_ok=True)
        with open(f"/etc/netns/{self.netns}/resolv.conf", "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\n")

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.netns, *command, **options)

    def batch(self, *lines):
        """Commands of ip without its name, in one process: starting one is slow in a VM."""
        done = subprocess.run(["ip", "-n", self.netns, "-batch", "-"], text=True, check=False,
                              input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"lab: ip in {self.name}: {done.stdout.strip()}")

    def set(self, **settings):
        with self.inside():
            for name, value in settings.items():
                with open("/proc/sys/" + name.replace("__", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))

    def start(self, *command, log, **options):
        """Starts a program that goes on; its output goes to the file log."""
        options = {"stdin": subprocess.DEVNULL, **options}
        with open(log, "wb") as out:
            process = subprocess.Popen(["ip", "netns", "exec", self.netns, *command],
                                       stdout=out, stderr=subprocess.STDOUT, **options)
        self.processes.append(process)
        return process

    def end(self, process):
        """Ends one of its programs and waits for it."""
        process.terminate()
        self.processes.remove(process)
        reap(process)

    @contextlib.contextmanager
    def inside(self):
        """This process is in the namespace for a while: sockets made meanwhile stay there."""
        with open("/proc/self/ns/net", encoding="ascii") as home, \
             open(f"/run/netns/{self.netns}", encoding="ascii") as there:
            setns(there)
            try:
                yield
            finally:
                setns(home)

    def stop(self):
        for process in self.processes:
            process.terminate()

    def close(self):
        for process in self.processes:
            reap(process)
        run("ip", "netns", "del", self.netns, check=False, quiet=True)
        shutil.rmtree(f"/etc/netns/{self.netns}", ignore_errors=True)


def reap(process):
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def setns(file):
    if libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def cable(host, interface, addresses, switch, bridge):
    """A cable from a host's interface to a bridge on the switch; addresses: separated by blanks."""
    port = f"{bridge}-{host.name}"[:15]
    switch.batch(f"link add {port} type veth peer {interface} netns {host.netns}",
                 f"link set {port} master {bridge} up")
    host.batch(f"link set {interface} up", *(
        f"address add {each} dev {interface}" + (" nodad" if ":" in each else "")
        for each in addresses.split()))


def bridges(switch, *names):
    for name in names:
        switch.batch(f"link add {name} type bridge forward_delay 0 mcast_snooping 0",
                     f"link set {name} up")
