# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A listener of /?events: reads the stream as it comes, and forgives nothing about its form."""
import json
import re
import select
import time

from client import Client, request
from tap import check, equal

EVENT = re.compile(rb'(?:retry: (\d+)\n)?id: (\d+)\ndata: (\{[ -~]+\})\n\n')
COMMENT = b":\n\n"


class Listener(Client):
    """The events that came, each as (id, members, t); the first is the whole state."""

    def __init__(self, daemon, fields=(), **more):
        super().__init__(daemon, **more)
        self.events = []
        self.arrived = []
        self.comments = 0
        self.retry = None
        self.send(request(target="/?events", fields=fields))
        self.head = None

    def _parse(self):
        if self.head is None:
            if b"\r\n\r\n" not in self.buffer:
                return
            at = self.buffer.index(b"\r\n\r\n") + 4
            self.head, self.buffer = self.buffer[:at], self.buffer[at:]
            check(self.head.startswith(b"HTTP/1.1 200 "), "a listener is let in", got=self.head)
            check(b"\r\nContent-Type: text/event-stream\r\n" in self.head, "the type of the stream", got=self.head)
            check(b"content-length" not in self.head.lower() and b"\r\nConnection: close\r\n" in self.head, "its end is the connection's")
        while True:
            if self.buffer.startswith(COMMENT):
                self.comments += 1
                self.buffer = self.buffer[len(COMMENT):]
                continue
            match = EVENT.match(self.buffer)
            if not match:
                check(len(self.buffer) < 3000, "an event ends", got=self.buffer[:300])
                return
            if match[1]:
                check(self.retry is None, "retry comes once", got=self.buffer[:100])
                self.retry = int(match[1])
            members = json.loads(match[3])
            self.events.append((int(match[2]), members, members.pop("t")))
            self.arrived.append(time.monotonic() * 1000)
            self.buffer = self.buffer[match.end():]

    def take(self, seconds=0.0):
        """What is there, or comes within that time. False at the end of the stream."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return True
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            return False
        self.buffer += data
        self._parse()
        return bool(data)

    def until(self, condition, what, seconds=8.0):
        end = time.monotonic() + seconds
        while not condition(self):
            check(time.monotonic() < end, f"waited in vain: {what}", events=self.events[-3:])
            check(self.take(0.2), f"the stream ended: {what}", events=self.events[-3:])
        return self

    def begun(self):
        return self.until(lambda me: me.events, "the whole state")

    def values(self):
        """What all that was told comes to."""
        state = {}
        for _, members, _ in self.events:
            state.update(members)
        return state

    def must_be_whole(self):
        """Every change came, once, in order."""
        ids = [number for number, _, _ in self.events]
        equal(ids, list(range(ids[0], ids[0] + len(ids))), "the ids count by one")
        times = [t for _, _, t in self.events]
        check(times == sorted(times), "time goes on")
