# SPDX-License-Identifier: BSD-2-Clause
"""Minutes of everything at once: calls in several namespaces, dumps, rules loaded
anew, conntrack flushed, calls ended by the admin, the module unloaded under live
calls, namespaces removed with live calls. What counts is that the kernel has no
complaint (tests/vm/run looks) and that nothing is left in its caches."""
import glob
import multiprocessing
import os
import random
import re
import subprocess
import time

from . import net, script, state, steps, world as worlds
from .text import Mismatch

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORKERS = 3
CACHES = ('nf_conntrack', 'nf_conntrack_expect', 'kmalloc-64', 'kmalloc-128',
          'kmalloc-256', 'kmalloc-512', 'kmalloc-1k', 'kmalloc-2k')


class Shared:
    """What the workers and the one who unloads agree on."""

    def __init__(self, end):
        self.end = end
        self.unload = multiprocessing.Event()
        self.gate = multiprocessing.Barrier(WORKERS + 1)
        self.rounds = multiprocessing.Value('i', 0)
        self.good = multiprocessing.Value('i', 0)
        self.troubles = multiprocessing.Queue()

    def over(self):
        """Nothing more to do: the end has come, and no unload waits for us."""
        with self.end.get_lock():
            return time.monotonic() >= self.end.value and not self.unload.is_set()

    def begin_unload(self):
        """False when it is too late: some may have gone home."""
        with self.end.get_lock():
            if time.monotonic() < self.end.value:
                self.unload.set()
        return self.unload.is_set()

    def count(self, value):
        with value.get_lock():
            value.value += 1


class Round(steps.Runner):
    """A scenario whose Call-IDs are new each time."""

    def __init__(self, world, scenario, kind, tag):
        super().__init__(world, scenario, kind, 'callgate')
        self.tag = tag

    def do_send(self, step):
        for line in step.lines:
            line.raw = getattr(line, 'raw', line.text)
            line.text = line.raw.replace('%RUN%', self.tag)
        super().do_send(step)


def drain(world):
    while world.sockets.receive(0):
        pass


def pause_for_unload(world, shared):
    if shared.unload.is_set():
        world.drop_helper_rules()
        shared.gate.wait(600)           # all rules are gone
        shared.gate.wait(600)           # the module is back
        world.add_helper_rules('callgate')
        world.router.run('callgate', 'adopt', okay=True)        # flows without helper


def disturb(world, module, chance):
    """What an admin does meanwhile."""
    if chance < 0.15:
        net.flush_conntrack(world.router)
    elif chance < 0.3:
        world.drop_helper_rules()
        world.add_helper_rules('callgate')
        world.router.run('callgate', 'adopt', okay=True)
    elif chance < 0.4:
        for call in module.calls():
            world.router.run('callgate', 'calls', 'end', str(call['id']), okay=True)
    elif chance < 0.7:
        module.dump()
        state.conntrack(world.router)
        state.expectations(world.router)


def work(number, shared):
    random.seed(number)
    steps.ARRIVAL = 0.5
    reader = script.Reader()
    reader.load_macros(os.path.join(HERE, 'common'))
    scenario = reader.read(os.path.join(HERE, 'soak.scn'))
    kind = ('nat4', 'nat6')[number % 2]
    world = worlds.World(kind, worlds.Plan(kind), 'callgate')
    turn = 0
    while not shared.over():
        pause_for_unload(world, shared)
        turn += 1
        runner = Round(world, scenario, kind, f'w{number}t{turn}p{os.getpid()}')
        shared.count(shared.rounds)
        try:
            runner.run()
            shared.count(shared.good)
        except Mismatch as error:
            if shared.troubles.qsize() < 5:
                shared.troubles.put(str(error)[:1500])
        drain(world)
        disturb(world, runner.module, random.random())
    world.sockets.close_all()
    world.clear_rules()                 # the calls stay: they go with the namespace


def short_lives(shared):
    """Namespaces with live calls that end with their process."""
    while time.monotonic() < shared.end.value:
        if not shared.unload.is_set() and worlds.loaded('callgate'):
            child = multiprocessing.Process(target=short_life)
            child.start()
            child.join()
        time.sleep(0.2)


def short_life():
    try:
        reader = script.Reader()
        reader.load_macros(os.path.join(HERE, 'common'))
        scenario = reader.read(os.path.join(HERE, 'soak.scn'))
        world = worlds.World('nat4', worlds.Plan('nat4'), 'callgate')
        Round(world, scenario, 'nat4', f'n{os.getpid()}').run()
    except (Mismatch, RuntimeError, OSError):
        pass                            # the module may be away just now


def unload_now_and_then(shared, period):
    count = 0
    while time.monotonic() + period < shared.end.value:
        time.sleep(period)
        if not shared.begin_unload():
            break
        shared.gate.wait(600)
        worlds.unload_module('callgate')
        shared.unload.clear()
        worlds.load_module('callgate')
        shared.gate.wait(600)
        count += 1
    return count


def objects():
    """Live objects by slab cache, after giving back what is free."""
    for path in glob.glob('/sys/kernel/slab/*/shrink'):
        try:
            with open(path, 'w', encoding='ascii') as file:
                file.write('1')
        except OSError:
            pass
    with open('/proc/slabinfo', encoding='ascii') as file:
        found = re.findall(r'(?m)^(\S+)\s+(\d+)', file.read())
    return {name: int(count) for name, count in found if name in CACHES}


def settle():
    """Waits until the namespaces of ended processes are gone."""
    time.sleep(5)
    subprocess.run(['sync'], check=False)
    worlds.unload_module('callgate')
    time.sleep(2)
    return objects()


def leaks(before, after, rounds):
    """Caches that grew by more than noise, which does not grow with the rounds."""
    allowed = max(200, rounds // 20)
    return [f'{name}: {before[name]} -> {after[name]}' for name in before
            if after.get(name, 0) - before[name] > allowed]


def spell(minutes, period):
    """One spell of work; returns what was counted."""
    shared = Shared(multiprocessing.Value('d', time.monotonic() + minutes * 60))
    worlds.load_module('callgate')
    people = [multiprocessing.Process(target=work, args=(n, shared)) for n in range(WORKERS)]
    people.append(multiprocessing.Process(target=short_lives, args=(shared,)))
    for person in people:
        person.start()
    try:
        unloads = unload_now_and_then(shared, period)
    finally:
        for person in people:
            person.join(minutes * 60 + 180)
    while not shared.troubles.empty():
        print('   ' + shared.troubles.get().replace('\n', '\n   '))
    bad = sum(1 for person in people if person.exitcode != 0)
    return shared.rounds.value, shared.good.value, unloads, bad
