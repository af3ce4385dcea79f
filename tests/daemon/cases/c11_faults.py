# SPDX-License-Identifier: BSD-2-Clause
"""A registration that cannot be kept is not confirmed, one that was confirmed is there (C11)."""
import os
import re
import shutil
import subprocess

from peer import check, until

USERS = ['alice']
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


def fill(daemon):
    with open(daemon.path(FULL), 'wb', buffering=0) as file:
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


def c11_full_disk_503(world):
    daemon, phone = world.daemon, world.phone('alice')
    on_a_small_disk(daemon)
    try:
        check(put(phone, 0).code == 200, 'registered while there is room')
        fill(daemon)
        for number in range(1, 400):
            answer = put(phone, number)
            check(kept(phone) == str(number if answer.code == 200 else number - 1), str(answer))
            if answer.code != 200:
                break
        check(answer.code == 503 and answer.get('retry-after').isdigit(), str(answer))
        os.unlink(daemon.path(FULL))
        until(lambda: put(phone, 500).code == 200, 'there is room again')
        daemon.kill()
        daemon.start()
        phone.credentials.challenge = None
        check(kept(phone) == '500', 'what was confirmed is not on the disk')
    finally:
        daemon.stop()
        subprocess.run(['umount', daemon.folder], check=True)


c11_full_disk_503.alone = True
