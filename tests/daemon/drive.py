# SPDX-License-Identifier: BSD-2-Clause
"""A drive with a cache that does not outlive its power, for a machine of QEMU's.

QEMU writes to it by the protocol of network block devices (NBD, its proto.md) over a local socket.
What is written stays in the cache until a FLUSH, which puts all of it into the drive's file and
takes a moment. When the power goes, each sector of the file becomes what it was at the last FLUSH
or any of what was written there since: a drive writes its cache back in whatever order it likes.
The superblock's two sectors are one to it: ext4 rewrites it in place, and could not be mounted if
drives were not that kind.
"""
import os
import random
import socket
import struct
import threading

SECTOR = 512
SUPERBLOCK = (2, 3)     # 1024 bytes, from 1024 on
LATENCY = 0.02          # of a FLUSH, in seconds, at most
OPTION = struct.Struct('>8sII')
OPTION_REPLY = struct.Struct('>QIII')
REQUEST = struct.Struct('>IHHQQI')
REPLY = struct.Struct('>IIQ')
OPTION_REPLY_MAGIC, REQUEST_MAGIC, REPLY_MAGIC = 0x3e889045565a9, 0x25609513, 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
GO, ACK, INFO, UNSUPPORTED = 7, 1, 3, 0x80000001
HAS_FLAGS, SEND_FLUSH = 1, 4
READ, WRITE, DISCONNECT, FLUSH = range(4)


class Drive:
    """One boot's time of it."""

    def __init__(self, file, address, seed):
        self.file = os.open(file, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.dice = random.Random(seed)
        self.cache = {}                 # number of a sector: what was written since, in order
        self.flushes = 0
        self.lock, self.off = threading.Lock(), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    # ---- the protocol

    @staticmethod
    def take(conn, length):
        data = bytearray()
        while len(data) < length:
            more = conn.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return bytes(data)

    def agree(self, conn):
        """Until the client says GO."""
        conn.sendall(b'NBDMAGICIHAVEOPT' + struct.pack('>H', FIXED_NEWSTYLE | NO_ZEROES))
        self.take(conn, 4)
        while True:
            _, option, length = OPTION.unpack(self.take(conn, OPTION.size))
            self.take(conn, length)
            if option != GO:
                conn.sendall(OPTION_REPLY.pack(OPTION_REPLY_MAGIC, option, UNSUPPORTED, 0))
                continue
            about = struct.pack('>HQH', 0, self.size, HAS_FLAGS | SEND_FLUSH)
            conn.sendall(OPTION_REPLY.pack(OPTION_REPLY_MAGIC, option, INFO, len(about)) + about +
                         OPTION_REPLY.pack(OPTION_REPLY_MAGIC, option, ACK, 0))
            return

    def serve(self):
        try:
            conn, _ = self.listener.accept()
            with conn:
                self.agree(conn)
                while self.request(conn):
                    pass
        except (EOFError, OSError):
            pass                        # the machine has ended

    def request(self, conn):
        magic, _, kind, handle, offset, length = REQUEST.unpack(self.take(conn, REQUEST.size))
        assert magic == REQUEST_MAGIC and not offset % SECTOR and not length % SECTOR
        answer = b''
        if kind == READ:
            answer = self.read(offset, length)
        elif kind == WRITE:
            self.write(offset, self.take(conn, length))
        elif kind == FLUSH:
            self.flush()
        if kind == DISCONNECT or self.off.is_set():
            return False
        conn.sendall(REPLY.pack(REPLY_MAGIC, 0, handle) + answer)
        return True

    # ---- the drive

    def read(self, offset, length):
        data = bytearray(os.pread(self.file, length, offset))
        for at in range(0, length, SECTOR):
            written = self.cache.get((offset + at) // SECTOR)
            if written:
                data[at:at + SECTOR] = written[-1]
        return bytes(data)

    def write(self, offset, data):
        with self.lock:
            if not self.off.is_set():
                for at in range(0, len(data), SECTOR):
                    self.cache.setdefault((offset + at) // SECTOR, []).append(
                        data[at:at + SECTOR])

    def flush(self):
        self.off.wait(self.dice.uniform(0, LATENCY))
        with self.lock:
            if not self.off.is_set():
                self.flushes += 1
                for number, written in self.cache.items():
                    os.pwrite(self.file, written[-1], number * SECTOR)
                self.cache.clear()

    def cut(self):
        """The power goes."""
        with self.lock:
            self.off.set()
            share = self.dice.random()
            for number, written in self.cache.items():
                if number == SUPERBLOCK[1] or self.dice.random() >= share:
                    continue
                which = self.dice.randrange(len(written))
                for one in SUPERBLOCK if number == SUPERBLOCK[0] else (number,):
                    os.pwrite(self.file, self.cache[one][which], one * SECTOR)

    def close(self):
        """The machine has ended. Without a cut what is in the cache reaches the file."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.flush()
        self.listener.close()
        os.close(self.file)
