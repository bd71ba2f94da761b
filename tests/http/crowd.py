# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""crowd.py KIND PORT COUNT: COUNT peers who are a burden to a server, each in his own way, until somebody kills them. A process of its
own, so that what it costs isn't paid by whoever measures. Prints a line when all are there.
"""
import selectors
import socket
import sys
import time

PATIENCE_S = 10
GET = b"GET /?LED HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Peer:
    """One who says `first`, then `more` again and again with `pace_s` between, and reads, or not, what comes."""

    def __init__(self, port, first=b"", more=b"", pace_s=0.0, reads=True, leaves=False):
        self.port, self.first, self.more, self.pace_s, self.reads, self.leaves = port, first, more, pace_s, reads, leaves
        self.enter()

    def enter(self):
        self.socket = socket.socket()
        if not self.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.setblocking(False)
        self.left = self.first or self.more
        self.due = 0.0

    def again(self):
        self.socket.close()
        self.enter()

    def say(self, now):
        if now < self.due or not self.left:
            return
        try:
            self.left = self.left[self.socket.send(self.left):]
        except BlockingIOError:
            return
        if not self.left:
            self.due = now + self.pace_s
            self.left = self.more
            if self.leaves:
                self.again()

    def hear(self):
        """False when he was shown the door."""
        try:
            return self.socket.recv(1 << 16) != b""
        except BlockingIOError:
            return True


KINDS = {
    "are silent": {},
    "dribble heads": {"first": b"GET /?LED HTTP/1.1\r\nHost: localhost\r\nX-Long: ", "more": b"x", "pace_s": 0.02},
    "dribble bodies": {"first": b"POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n", "more": b"1", "pace_s": 0.02},
    "flood with requests": {"more": GET * 50},
    "flood and do not read": {"more": GET * 50, "reads": False},
    "flood with garbage": {"more": b"\x00garbage\r\n" * 400},
    "listen and do not read": {"first": b"GET /?events HTTP/1.1\r\nHost: localhost\r\n\r\n", "reads": False},
    "load a file and do not read": {"first": b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", "reads": False},
    "come and go": {"more": GET, "leaves": True},
    "come and say nothing and go": {"more": b"G", "leaves": True},
}


def main(kind, port, count):
    how = KINDS[kind]
    crowd = [Peer(port, **how) for _ in range(count)]
    print("there", flush=True)
    busy = bool(how.get("more")) and not how.get("pace_s")
    while True:
        with selectors.DefaultSelector() as selector:
            for peer in crowd:
                events = selectors.EVENT_READ if peer.reads else 0
                if busy and peer.left:
                    events |= selectors.EVENT_WRITE
                if events:
                    selector.register(peer.socket, events, peer)
            ready = selector.select(0.02)
            now = time.monotonic()
            for key, events in ready:
                try:
                    if events & selectors.EVENT_READ and not key.data.hear():
                        key.data.again()
                    elif events & selectors.EVENT_WRITE:
                        key.data.say(now)
                except OSError:
                    key.data.again()
            for peer in () if busy else crowd:
                try:
                    peer.say(now)
                except OSError:
                    peer.again()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
