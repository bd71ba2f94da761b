#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""late.py HTTAPD LOAD WWW TRIPS JSON: how late a motor's line takes its safe value when its driver falls silent, as a distribution: on an
idle machine, and while 16 kept connections write and read as fast as they can. The line belongs to the simulated chip, so this is
the server's part of it.

Twice judged. By the server's own stamps in /?events: the moment of the last write, and that of the stop. And from outside: the moment
at which the event of the stop arrives here, on the same clock (CLOCK_MONOTONIC); that has the way here in it, and what this process
waits for a core. A goal is met when the stamps meet it at their worst, and what arrives meets it for 99 of 100.
"""
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

FAILSAFE_MS = 50  # the shortest there is: more trips in a minute
GOALS_MS = {"idle": 2.0, "16 connections": 10.0}
PATIENCE_S = 10


def request(method, target, body=None, fields=""):
    length = f"Content-Length: {len(body)}\r\n" if body is not None else ""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}{length}\r\n{body or ''}".encode()


@contextlib.contextmanager
def server(httapd, www):
    env = {"HTTAP_GPIOCHIP": "sim", "HTTAP_STATICPATH": www, "HTTAP_TCPPORT": "0", "HTTAP_LOG": "errors",
           "HTTAP_USER": "nobody", "HTTAP_LINES": f"LED=GPIO17 FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms"}
    if os.geteuid() != 0:
        del env["HTTAP_USER"]
    with subprocess.Popen([httapd], env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(re.search(r"port (\d+)$", process.stdout.readline().strip())[1])
        finally:
            process.terminate()


@contextlib.contextmanager
def load(program, port, connections, seconds):
    """Half of them write, half read."""
    with contextlib.ExitStack() as stack:
        for arguments in (["/?LED", "toggle"], ["/?LED"]):
            process = stack.enter_context(subprocess.Popen([program, str(port), str(connections // 2), str(seconds), *arguments],
                                                           stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout.readline() == "there\n"
        yield


class Events:
    """Those that move FORWARD, as (value, t, when it arrived), all in milliseconds."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.sendall(request("GET", "/?events"))
        self.text = b""
        self.next()

    def next(self):
        while True:
            match = re.search(rb"data: (\{[^\n]*\})\n\n", self.text)
            if match is None:
                self.text += self.socket.recv(1 << 16)
                self.arrived = time.monotonic() * 1000
                continue
            self.text = self.text[match.end():]
            members = json.loads(match[1])
            if "FORWARD" in members:
                return members["FORWARD"], members["t"], self.arrived


def trips(port, count):
    """(by the server's stamps, from outside), in milliseconds, sorted."""
    stamped, seen = [], []
    events = Events(port)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as driver:
        for _ in range(count):
            for value in ("0", "1"):
                driver.sendall(request("POST", "/?FORWARD", value))
                assert driver.recv(65536).startswith(b"HTTP/1.1 200 ")
            value, began, _ = events.next()
            assert value == 1
            while value != 0:  # who hears late may be told the whole state between
                value, ended, arrived = events.next()
            stamped.append(ended - began - FAILSAFE_MS)
            seen.append(arrived - began - FAILSAFE_MS)
    return sorted(stamped), sorted(seen)


def figures(late):
    return {name: round(late[min(len(late) - 1, int(q * len(late)))], 3)
            for name, q in (("min", 0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1))}


def main(httapd, program, www, count, path):
    results = {}
    print(f"lateness of a stop in ms, {count} trips each         min    p50    p90    p99  p99.9    max   goal")
    for name, goal in GOALS_MS.items():
        with server(httapd, www) as port, contextlib.ExitStack() as stack:
            if name != "idle":
                stack.enter_context(load(program, port, 16, count * FAILSAFE_MS / 1000 * 3 + 60))
            stamped, seen = (figures(late) for late in trips(port, count))
        for what, row in (("the server's stamps", stamped), ("seen from outside", seen)):
            print(f"{name + ', ' + what:<46}" + "".join(f"{row[key]:7.2f}" for key in row) + f"{goal:7.1f}", flush=True)
        results[name] = {"goal_ms": goal, "stamped_ms": stamped, "seen_ms": seen}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"trips": count, "failsafe_ms": FAILSAFE_MS, "lateness": results}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
