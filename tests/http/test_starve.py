# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A driver among others: whatever they do, his requests are answered, and he is missed in time when he falls silent."""
import contextlib
import os
import subprocess
import sys
import time

from client import Client
from crowd import KINDS
from daemon import Daemon, new_root
from events import Listener
from tap import check, equal, test

FAILSAFE_MS = 300
CAR = f"FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms LED=GPIO17"
TABLE = 32
SECONDS = 1.2
# What a machine that is busy with other tests may add; what an idle one adds is measured in bench/.
SLACK_MS = 500


@contextlib.contextmanager
def _crowd(kind, daemon, count):
    """That many, and how they behave: crowd.py."""
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "crowd.py"), kind, str(daemon.address[1]), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            equal(process.stdout.readline(), b"there\n", "the crowd is there")
            yield
            check(process.poll() is None, "the crowd was there to the end")
        finally:
            process.kill()


def _large_root():
    root = new_root()
    with open(os.path.join(root, "large"), "wb") as file:
        file.truncate(64 << 20)
    return root


def _forward(client, value):
    equal(client.ask("POST", "/?FORWARD", body=value).json(), {"FORWARD": int(value)}, f"FORWARD={value}")


def _drives_through(daemon, driver, listener):
    """He drives for a while, and then falls silent."""
    _forward(driver, "1")
    took, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.monotonic()
        equal(driver.ask().status, 200, "his ping is answered")
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.02)
    equal(driver.ask(target="/?FORWARD").json(), {"FORWARD": 1}, "he drives on")
    check("failsafe" not in daemon.said(), "he was never missed", got=daemon.said())
    took.sort()
    print(f"# round trips of the driver: {len(took)}, median {took[len(took) // 2]:.1f} ms, most {took[-1]:.1f} ms")
    check(took[len(took) // 2] < FAILSAFE_MS / 4, "they are answered soon", got=took[-5:])
    _forward(driver, "0")
    _forward(driver, "1")
    moves = []

    def moved(me):
        moves[:] = [(members["FORWARD"], t) for _, members, t in me.events if "FORWARD" in members]
        return len(moves) >= 5  # the whole state, on, off, on, and missed
    listener.until(moved, "he is missed")
    (_, began), (value, missed) = moves[-2:]
    equal(value, 0, "it is off")
    late = missed - began - FAILSAFE_MS
    print(f"# late by {late:.1f} ms")
    check(0 <= late < SLACK_MS, "in time", got=late)


def _while_others(kind):
    def story():
        root = _large_root() if "file" in kind else None
        with Daemon(root=root, LINES=CAR, CONNECTIONS=TABLE, LOG="changes") as daemon, Client(daemon) as driver, \
                Listener(daemon) as listener:
            listener.begun()
            equal(driver.ask().status, 200, "he is no silent one")
            with _crowd(kind, daemon, TABLE - 2):
                _drives_through(daemon, driver, listener)
    test(story, name=f"a driver drives and is missed in time while {TABLE - 2} others {kind}")


for KIND in KINDS:
    _while_others(KIND)


@test
def a_driver_keeps_his_place_in_a_full_table_at_which_others_knock():
    with Daemon(LINES=CAR, CONNECTIONS=TABLE) as daemon, Client(daemon) as driver, Listener(daemon) as listener:
        listener.begun()
        equal(driver.ask().status, 200, "he is no silent one")
        with _crowd("dribble bodies", daemon, TABLE - 2), _crowd("come and go", daemon, 8):
            _drives_through(daemon, driver, listener)


@test
def a_driver_finds_a_place_among_as_many_silent_ones_as_there_is_room_for():
    with Daemon(LINES=CAR, CONNECTIONS=TABLE) as daemon:
        with _crowd("are silent", daemon, TABLE), Client(daemon) as driver:
            _forward(driver, "1")
            equal(driver.ask(target="/?FORWARD").json(), {"FORWARD": 1}, "and drives")
