# SPDX-License-Identifier: BSD-2-Clause
"""Programs of others as phones, in the namespace of the peers inside."""
import contextlib
import os
import shutil
import subprocess
import tempfile

from peer import Skipped, check


def bindings(phone):
    """Of the user of a peer, which asks for them."""
    answer = phone.register(contact='none', expires=None)
    check(answer.code == 200, answer.start)
    return answer.contacts()


@contextlib.contextmanager
def program(world, files, *command):
    """Runs it in the namespace of the phones, in a folder with these files."""
    if not shutil.which(command[0]):
        raise Skipped(f'{command[0]} is not installed (tests/setup interop)')
    folder = tempfile.mkdtemp(prefix='phone-')
    os.makedirs(os.path.join(folder, '.local/share/linphone'))
    for name, text in files.items():
        with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
            file.write(text)
    with open(os.path.join(folder, 'log'), 'wb') as log, world.nets.inside:
        process = subprocess.Popen(
            [word.replace('FOLDER', folder) for word in command], cwd=folder, stdout=log,
            stderr=subprocess.STDOUT, stdin=subprocess.PIPE,
            env={**os.environ, 'HOME': folder, 'LC_ALL': 'C'})
    try:
        yield process, os.path.join(folder, 'log')
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        shutil.rmtree(folder, ignore_errors=True)
