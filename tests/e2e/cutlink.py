# SPDX-License-Identifier: LGPL-2.1-or-later
"""A link to a server that is cut again and again: all its connections, each
time that so many bytes have gone one way.

    link = CutLink(registry.port, every=50 << 20)           # towards it
    link = CutLink(registry.port, every=50 << 20, back=True)
    link = CutLink(registry.port, every=50 << 20, times=2)  # and holds then

`moved` counts the bytes of that direction, `cuts` how often it was cut.
"""
import socket
import struct
import threading

BUFFER = 256 * 1024


class CutLink:
    def __init__(self, port, every, back=False, times=10 ** 9):
        self.to = port
        self.every = every
        self.times = times
        self.back = back
        self.moved = 0
        self.cuts = 0
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            server = socket.create_connection(("127.0.0.1", self.to))
            with self.lock:
                self.sockets |= {client, server}
            for start, end, counts in ((client, server, not self.back),
                                       (server, client, self.back)):
                threading.Thread(target=self.carry, daemon=True,
                                 args=(start, end, counts)).start()

    def carry(self, start, end, counts):
        try:
            while True:
                data = start.recv(BUFFER)
                if not data:
                    end.shutdown(socket.SHUT_WR)
                    return
                end.sendall(data)
                if counts and self.count(len(data)):
                    return
        except OSError:
            self.close((start, end))

    def count(self, size):
        """True if the link was cut for it."""
        with self.lock:
            self.moved += size
            if (self.cuts == self.times or
                    self.moved < self.every * (self.cuts + 1)):
                return False
            self.cuts += 1
            cut, self.sockets = self.sockets, set()
        self.close(cut, hard=True)
        return True

    def close(self, sockets, hard=False):
        for one in sockets:
            try:
                if hard:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
                one.close()
            except OSError:
                pass
