# SPDX-License-Identifier: BSD-2-Clause
"""The virtual machine: its first file system, its command line, its process."""
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import time

PROBE_SECONDS = 6
LIBC = ctypes.CDLL(None)


class Kernel:
    """A directory that tests/vm/kernel made."""

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.kind, self.release = self.read('kind'), self.read('release')
        self.image = os.path.join(path, 'kernel')

    def read(self, name):
        with open(os.path.join(self.path, name), encoding='utf-8') as file:
            return file.read().strip()


def newc(entries):
    """A cpio archive: (name, mode, content) each."""
    out = bytearray()
    for inode, (name, mode, data) in enumerate([*entries, ('TRAILER!!!', 0, b'')], 1):
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b'070701' + b''.join(b'%08X' % field for field in fields)
        out += name.encode() + b'\0'
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def read_bytes(name):
    with open(name, 'rb') as file:
        return file.read()


def initrd(kernel, here, parameters, disk=False):
    """What the guest has before it sees the host's files; and modules for a disk."""
    busybox = shutil.which('busybox', path='/bin:/usr/bin')
    entries = [(name, 0o40755, b'') for name in (
        'bin', 'dev', 'proc', 'sys', 'lower', 'rw', 'new', 'keep', 'modules')]
    entries += [
        ('init', 0o100755, read_bytes(os.path.join(here, 'guest-init'))),
        ('guest-agent', 0o100755, read_bytes(os.path.join(here, 'guest-agent'))),
        ('bin/busybox', 0o100755, read_bytes(busybox)),
        ('seed', 0o100600, os.urandom(64)),
        ('params', 0o100644, ''.join(
            f'{name}={shlex.quote(value)}\n' for name, value in parameters.items()).encode()),
    ]
    for folder in ('initrd', 'disk')[:1 + disk]:
        modules = os.path.join(kernel.path, folder)
        for name in sorted(os.listdir(modules)) if os.path.isdir(modules) else []:
            entries.append(('modules/' + name, 0o100644, read_bytes(os.path.join(modules, name))))
    return newc(entries)


def qemu_command(kernel, options, files, accel):
    """files: log, initrd (names) and channel (an open descriptor)."""
    append = ('console=ttyS0 loglevel=5 panic=-1 no_timer_check tsc=reliable clocksource=tsc '
              'slab_nomerge mitigations=off nokaslr random.trust_cpu=on cryptomgr.notests '
              'audit=0 apparmor=0 net.ifnames=0 printk.devkmsg=on watchdog_thresh=60')
    if options.icount:
        # time leaps whenever the guest waits for a file of the host's
        append += (' nowatchdog sysctl.kernel.hung_task_timeout_secs=0 '
                   'rcupdate.rcu_cpu_stall_suppress=1')
    command = ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot',
               '-display', 'none', '-net', 'none', '-m', str(options.mem),
               '-smp', str(options.smp), '-kernel', kernel.image, '-initrd', files.initrd,
               '-append', append,
               '-chardev', f'file,id=log,path={files.log},append=on', '-serial', 'chardev:log']
    if options.icount:
        # one nanosecond for each instruction; fast byte-string copies are off,
        # TCG would count an instruction for each byte of them
        command += ['-accel', 'tcg', '-icount', 'shift=0,sleep=off',
                    '-cpu', 'max,erms=off,fsrm=off']
    elif accel == 'kvm':
        command += ['-accel', 'kvm', '-cpu', 'host']
    else:
        # five page table levels cost an emulated processor a fifth more
        command += ['-accel', 'tcg', '-cpu', 'max,la57=off']
    if files.channel is not None:
        command += ['-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,'
                    'multidevs=remap',
                    '-device', 'virtio-9p-pci,fsdev=root,mount_tag=host',
                    '-device', 'virtio-serial-pci',
                    '-chardev', f'socket,id=channel,fd={files.channel}',
                    '-device', 'virtserialport,chardev=channel,name=callgate']
        if options.disk:
            command += ['-drive', f'if=none,id=disk,format=raw,file={options.disk}',
                        '-device', 'virtio-blk-pci,drive=disk']
        if options.port:
            command += ['-chardev', f'socket,id=port,path={options.port}',
                        '-device', 'isa-debugcon,iobase=0xe9,chardev=port']
    return command


def uml_command(kernel, options, files):
    # so little memory makes tables so small that no second call fits
    command = [kernel.image, f'mem={options.mem}M', f'initrd={files.initrd}',
               'nf_conntrack.expect_hashsize=256',
               f'uml_dir={files.folder}', 'umid=guest', 'con=null', 'con0=null,fd:1',
               f'ssl0=fd:{files.channel}', 'loglevel=5', 'panic=-1', 'slab_nomerge',
               'printk.devkmsg=on']
    if options.time_travel:
        command.append(('time-travel' + options.time_travel).strip())
    return command


def signal_at_end_of_parent(number):
    pr_set_pdeathsig = 1
    LIBC.prctl(pr_set_pdeathsig, number)


def start(command, files, uml, quiet=False):
    """In a process group of its own; killed with us, whatever happens to us."""
    us = os.getpid()

    def prepare():
        signal_at_end_of_parent(signal.SIGKILL)
        if os.getppid() != us:
            os._exit(1)

    # QEMU speaks on its error output, UML logs on both
    with open(files.log, 'ab') as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log if uml or quiet else None,
            pass_fds=[files.channel] if files.channel is not None else [],
            env={**os.environ, 'TMPDIR': '/dev/shm'} if uml else None,
            start_new_session=True, preexec_fn=prepare)     # pylint: disable=W1509
    process.guard = guard(process.pid)
    return process


def guard(group):
    """UML's helper processes do not notice that it was killed. A shell waits for
    the end of a pipe that we alone hold, and kills what is left of the group."""
    reader, writer = os.pipe()
    shell = subprocess.Popen(['/bin/sh', '-c', 'read _; kill -s KILL -- "-$0"', str(group)],
                             stdin=reader, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    os.close(reader)
    shell.held = writer
    return shell


def stop(process, uml=False):
    """UML has helper processes, which it ends itself if it is asked to; QEMU
    has nothing to put in order."""
    for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 10))[not uml:]:
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.guard.kill()
    process.guard.wait()
    os.close(process.guard.held)


def kvm_works(kernel, cache, files, options, here):
    """/dev/kvm may be there and yet hang every guest: try it, once a boot."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    boot = read_bytes('/proc/sys/kernel/random/boot_id').decode().strip()
    answer = os.path.join(cache, 'kvm')
    try:
        known = read_bytes(answer).decode().split()
        if known[0] == boot:
            return known[1] == 'yes'
    except (OSError, IndexError):
        pass
    files = files.for_probe()
    with open(files.initrd, 'wb') as file:
        # no parameters: the guest's init ends at once, after a word
        script = b'#!/bin/busybox sh\necho "<1>callgate-vm: probe" >/dev/kmsg\n'
        script = script.replace(b'echo', b'/bin/busybox mount -t devtmpfs dev /dev\necho')
        busybox = read_bytes(shutil.which('busybox', path='/bin:/usr/bin'))
        file.write(newc([('bin', 0o40755, b''), ('dev', 0o40755, b''),
                         ('init', 0o100755, script), ('bin/busybox', 0o100755, busybox)]))
    process = start(qemu_command(kernel, options, files, 'kvm'), files, False, quiet=True)
    works, end = False, time.monotonic() + PROBE_SECONDS
    while not works and time.monotonic() < end and process.poll() is None:
        time.sleep(0.1)
        works = b'callgate-vm: probe' in read_bytes(files.log)
    stop(process)
    with open(answer + f'.{os.getpid()}', 'w', encoding='utf-8') as file:
        file.write(f'{boot} {"yes" if works else "no"}\n')
    os.rename(file.name, answer)
    return works
