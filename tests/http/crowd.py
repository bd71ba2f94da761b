# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""crowd.py KIND PORT COUNT: COUNT peers who are a burden to a server, each in his own way, until somebody kills them. A process of its
own, so that what it costs isn't paid by whoever measures. Prints a line when all are there.
"""
import itertools
import selectors
import socket
import struct
import sys
import time

PATIENCE_S = 10
TURN_S = 0.02
TEN_MB = 10 << 20
HOST = b" HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /?LED" + HOST + b"\r\n"
POST = b"POST /?LED" + HOST + b"Content-Length: 4000\r\n\r\n"
FILE = b"GET /large" + HOST + b"\r\n"
EVENTS = b"GET /?events" + HOST + b"\r\n"
# Where a peer may be when he is gone: before a byte, within each part, with a reply or many of them under way, behind a refusal.
STATES = [b"", b"G", GET[:30], POST[:-2], POST + b"1", GET, GET * 50, FILE, EVENTS, GET + b"G", b"BAD\r\n\r\n" + b"x" * 1000,
          b"POST /?LED" + HOST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"]

# How one reads what comes, and how he leaves when he has said all.
AT_ONCE, SLOWLY, NEVER = range(3)
STAYS, CLOSES, RESETS, CLOSES_HIS_HALF = range(4)


class Peer:
    """One who says one of `first`, then `more` again and again with a turn between when he is `slow`."""

    def __init__(self, port, first=(b"",), more=b"", slow=False, reads=AT_ONCE, leaves=STAYS):
        self.port, self.first, self.more, self.slow, self.reads, self.leaves = port, first, more, slow, reads, leaves
        self.enter()

    def enter(self):
        self.socket = socket.socket()
        if self.reads != AT_ONCE:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.setblocking(False)
        first = next(self.first)
        self.left = memoryview(first or self.more)
        if not self.left:
            self.has_said_all()

    def again(self):
        self.socket.close()
        self.enter()

    def say(self):
        if not self.left:
            return
        try:
            self.left = self.left[self.socket.send(self.left):]
        except BlockingIOError:
            return
        if not self.left:
            self.left = memoryview(self.more)
            self.has_said_all()

    def has_said_all(self):
        if self.leaves == RESETS:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self.leaves in (RESETS, CLOSES):
            self.again()
        elif self.leaves == CLOSES_HIS_HALF:
            self.socket.shutdown(socket.SHUT_WR)

    def hear(self):
        """False when he was shown the door."""
        try:
            return self.socket.recv(1 << 16 if self.reads == AT_ONCE else 1000) != b""
        except BlockingIOError:
            return True

    def turn(self, may_read, may_write):
        try:
            if may_read and not self.hear():
                self.again()
            elif may_write:
                self.say()
        except OSError:
            self.again()

    def interest(self):
        return (selectors.EVENT_READ if self.reads == AT_ONCE else 0) | (selectors.EVENT_WRITE if self.left and not self.slow else 0)


KINDS = {
    "are silent": {},
    "dribble heads": {"first": [GET[:-2] + b"X-Long: "], "more": b"x", "slow": True},
    "dribble bodies": {"first": [POST], "more": b"1", "slow": True},
    "flood with requests": {"more": GET * 50},
    "flood and do not read": {"more": GET * 50, "reads": NEVER},
    "flood with garbage": {"more": b"\x00garbage\r\n" * 400},
    "pipeline garbage behind requests": {"more": GET * 20 + b"\x00garbage\r\n" * 400},
    "send heads of 10 MB": {"first": [(GET[:-2] + b"X: ", b"x"), (GET[:-2], b"X: y\r\n"), (b"GET /", b"x")]},
    "listen and do not read": {"first": [EVENTS], "reads": NEVER},
    "load a file and do not read": {"first": [FILE], "reads": NEVER},
    "load a file and read slowly": {"first": [FILE], "reads": SLOWLY, "slow": True},
    "come and go": {"more": GET, "leaves": CLOSES},
    "come and say nothing and go": {"more": b"G", "leaves": CLOSES},
    "reset in every state": {"first": STATES, "leaves": RESETS},
    "close their half in every state": {"first": STATES[1:], "leaves": CLOSES_HIS_HALF},
    "say half a request and are not heard of again": {"first": [GET[:30], POST + b"1"]},
}


def main(kind, port, count):
    how = dict(KINDS[kind])
    first = itertools.cycle([said if isinstance(said, bytes) else said[0] + said[1] * (TEN_MB // len(said[1]))
                             for said in how.pop("first", [b""])])
    crowd = [Peer(port, first, **how) for _ in range(count)]
    print("there", flush=True)
    while True:
        with selectors.DefaultSelector() as selector:
            for peer in crowd:
                if peer.interest():
                    selector.register(peer.socket, peer.interest(), peer)
            for key, events in selector.select(TURN_S):
                key.data.turn(events & selectors.EVENT_READ, events & selectors.EVENT_WRITE)
        if how.get("slow"):
            for peer in crowd:
                peer.turn(peer.reads == SLOWLY, True)
            time.sleep(TURN_S)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
