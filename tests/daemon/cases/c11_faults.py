# SPDX-License-Identifier: BSD-2-Clause
"""A registration that cannot be kept is not confirmed, one that was confirmed is there (C11)."""
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess

import calls
from peer import HERE, LIMIT, Skipped, check, until

CONFIG = calls.CONFIG
USERS = ['alice', 'bob']
FULL = 'filler'


def on_a_small_disk(daemon):
    """The same files, on a disk of one megabyte."""
    daemon.stop()
    aside = daemon.folder + '-aside'
    os.rename(daemon.folder, aside)
    os.mkdir(daemon.folder)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', daemon.folder], check=True)
    for name in os.listdir(aside):
        if not name.endswith('.sock'):
            shutil.copy(os.path.join(aside, name), daemon.folder)
    shutil.rmtree(aside)
    os.chmod(daemon.folder, 0o755)
    daemon.start()


def fill(daemon, limit=0):
    with open(daemon.path(FULL), 'wb', buffering=0) as file:
        if limit:
            file.write(bytes(limit))
            return
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


def kept(phone):
    """The mark of the one binding."""
    answer = phone.register(contact='none', expires=None)
    check(answer.code == 200 and len(answer.contacts()) == 1, str(answer))
    return re.search(r';n=(\d+)', str(answer))[1]


def put(phone, number):
    """Renews it with another mark."""
    return phone.register(contact=f'<sip:a@{phone.hostport}>;n={number};pad={"x" * 700}')


def refused(world, answer, callee, words):
    """503, said in the log, and calls go on."""
    check(answer.code == 503 and answer.get('retry-after').isdigit(), str(answer))
    check(re.search(words, world.daemon.log()), f'the log does not say {words}')
    calls.answered_call(world, world.outside(), callee)


def two_phones(world):
    """One that registers again and again, one that is called."""
    phone, callee = world.phone('alice'), world.phone('bob')
    check(put(phone, 0).code == 200 and callee.register().code == 200, 'before the fault')
    return phone, callee


def known_after_a_crash(world, phone, number):
    world.daemon.kill()
    world.daemon.start()
    phone.credentials.challenge = None
    check(kept(phone) == str(number), 'what was confirmed is not on the disk')


def c11_full_disk_503(world):
    daemon = world.daemon
    on_a_small_disk(daemon)
    try:
        phone, callee = two_phones(world)
        fill(daemon)
        for number in range(1, 400):
            answer = put(phone, number)
            check(kept(phone) == str(number if answer.code == 200 else number - 1), str(answer))
            if answer.code != 200:
                break
        refused(world, answer, callee, 'callgate.db: .*full')
        os.unlink(daemon.path(FULL))
        until(lambda: put(phone, 500).code == 200, 'there is room again')
        known_after_a_crash(world, phone, 500)
    finally:
        daemon.stop()
        subprocess.run(['umount', daemon.folder], check=True)


c11_full_disk_503.alone = True


def flush_can_fail(daemon):
    """From its next start."""
    library = daemon.path('failing_flush.so')
    if not shutil.which('cc'):
        raise Skipped('there is no compiler')
    subprocess.run(['cc', '-shared', '-fPIC', '-O1', '-o', library,
                    os.path.join(HERE, 'failing_flush.c')], check=True)
    daemon.environment = {'LD_PRELOAD': library, 'FLUSH_FAILS': daemon.path(FULL),
                          'ASAN_OPTIONS': 'verify_asan_link_order=0'}
    daemon.stop()
    daemon.start()


def c11_failed_flush_503(world):
    """fdatasync fails: what it was for is not confirmed, nor what comes next."""
    daemon = world.daemon
    flush_can_fail(daemon)
    phone, callee = two_phones(world)
    fill(daemon, 1)
    for number in (1, 2):
        refused(world, put(phone, number), callee, 'callgate.db: disk I.O error')
        check(kept(phone) == '0', 'it is in the table')
    os.unlink(daemon.path(FULL))
    until(lambda: put(phone, 3).code == 200, 'the disk works again')
    known_after_a_crash(world, phone, 3)


def c11_locked_database_503(world):
    """Another program has it, and lets it go."""
    daemon = world.daemon
    phone, callee = two_phones(world)
    with contextlib.closing(sqlite3.connect(daemon.path('callgate.db'), timeout=LIMIT,
                                            isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        refused(world, put(phone, 1), callee, 'callgate.db: database is locked')
        check(kept(phone) == '0', 'it is in the table')
        other.execute('ROLLBACK')
    until(lambda: put(phone, 2).code == 200, 'the database is free')
    known_after_a_crash(world, phone, 2)


def c11_corrupt_database_is_refused(world):
    """Pages in the middle that are none: callgated does not start, and says why."""
    daemon = world.daemon
    two_phones(world)
    daemon.stop()
    with open(daemon.path('callgate.db'), 'r+b') as file:
        size = os.path.getsize(file.name)
        file.seek(4096)
        file.write(b'\xa5' * (size - 4096))
    daemon.spawn()
    until(lambda: daemon.process.poll() is not None, 'it ends')
    check(daemon.process.returncode == 74, f'status {daemon.process.returncode}')
    line = daemon.log().strip().splitlines()[-1]
    check(re.search('fatal: .*callgate.db', line), line)


for each in (c11_failed_flush_503, c11_locked_database_503, c11_corrupt_database_is_refused):
    each.alone = True
