# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A driver among others: whatever they do, his requests are answered soon, and he is missed in time when he falls silent. Behind each
attack nothing is left of it: no descriptor, no memory, and nothing that keeps the daemon awake.
"""
import contextlib
import os
import resource
import subprocess
import sys
import time

from client import Client, request
from crowd import KINDS
from daemon import Daemon, is_sanitized, new_root
from events import Listener
from tap import Failure, check, equal, test, wait_until
from tools import built

FAILSAFE_MS = 300
CAR = f"FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms LED=GPIO17"
TABLE = 32
SLOT_KB = 64  # of a connection, with both its buffers full
SECONDS = 0.8
# Of a hundred of the driver's requests 99 are answered within this, without what he and the daemon waited for a core of a machine that
# has other work to do (driver.c). An idle machine needs a hundredth of it.
MOST_MS = 50
# What a machine that is busy with other tests may add to a stop; what an idle one adds is measured in bench/.
SLACK_MS = 500
CONNECTS, STORMS = 100000, 4


@contextlib.contextmanager
def _others(*command):
    """A process of others, from when it says that they are there."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            equal(process.stdout.readline(), b"there\n", "the crowd is there")
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def _crowd(kind, daemon, count):
    """That many, and how they behave: crowd.py."""
    with _others(sys.executable, os.path.join(os.path.dirname(__file__), "crowd.py"), kind, str(daemon.address[1]), str(count)) as process:
        yield
        check(process.poll() is None, "the crowd was there to the end")


class _Driver:
    """driver.c: he drives from here on, until he falls silent."""

    def __init__(self, daemon):
        self.process = subprocess.Popen([built("driver"), str(daemon.address[1]), str(daemon.pid)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal(self.process.stdout.readline(), b"drives\n", "he drives")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def falls_silent(self):
        """Judges what he has measured. His last word was to go on."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().split()
        check(len(said) == 7, "he was answered to the end", said=said, complaint=self.process.stderr.read() if len(said) != 7 else b"")
        count, *took = (int(number) for number in said)
        median, p99, most, served_median, served_p99, served_most = (number / 1000 for number in took)
        print(f"# {count} requests of the driver, in ms: median {median:.2f}, 99 of 100 within {p99:.2f}, longest {most:.2f}; without "
              f"waiting for a core {served_median:.2f}, {served_p99:.2f}, {served_most:.2f}")
        check(served_p99 < MOST_MS, "he is answered soon", milliseconds=served_p99)


def _large_root():
    root = new_root()
    with open(os.path.join(root, "large"), "wb") as file:
        file.truncate(64 << 20)
    with open(os.path.join(root, "large-enough"), "wb") as file:
        file.truncate(1 << 20)
    sub = os.path.join(root, "sub")  # what lies there is read each time, and not kept
    os.mkdir(sub, 0o755)
    with open(os.path.join(sub, "small"), "wb") as file:
        file.truncate(1000)
    return root


def _forward(client, value):
    equal(client.ask("POST", "/?FORWARD", body=value).json(), {"FORWARD": int(value)}, f"FORWARD={value}")


def _must_be_missed(daemon, driver, listener):
    check("failsafe" not in daemon.said(), "he was never missed", got=daemon.said())
    driver.falls_silent()
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


def _for_a_while(daemon):
    """No slot takes more than there is of it."""
    time.sleep(SECONDS)
    check(is_sanitized() or daemon.memory() <= 1024 + SLOT_KB * (TABLE + 4), "memory has an end", got=daemon.memory())


def _drives_among(*crowds, meanwhile=_for_a_while, **variables):
    """He drives before they come, and falls silent while they are there. When they have gone all is as it was."""
    with Daemon(root=_large_root(), LINES=CAR, CONNECTIONS=TABLE, LOG="changes", **variables) as daemon:
        with Listener(daemon) as listener, _Driver(daemon) as driver, contextlib.ExitStack() as others:
            listener.begun()
            before = daemon.memory()
            for kind, count in crowds:
                others.enter_context(_crowd(kind, daemon, count))
            meanwhile(daemon)
            _must_be_missed(daemon, driver, listener)
        daemon.must_have_descriptors()
        daemon.must_sleep()
        # What is left is three pages of each slot, which may have been used for the first time, and files that are kept.
        check(is_sanitized() or daemon.memory() <= before + 12 * (TABLE + 4) + 64, "memory is flat", before=before, after=daemon.memory())


def _while_others(kind):
    test(lambda: _drives_among((kind, TABLE - 2)), name=f"a driver drives and is missed in time while {TABLE - 2} others {kind}")


for KIND in KINDS:
    _while_others(KIND)


@test
def a_driver_keeps_his_place_in_a_full_table_at_which_others_knock():
    _drives_among(("dribble bodies", TABLE - 2), ("come and go", 8))


@test
def a_driver_finds_a_place_among_as_many_silent_ones_as_there_is_room_for():
    with Daemon(LINES=CAR, CONNECTIONS=TABLE) as daemon:
        with _crowd("are silent", daemon, TABLE), Client(daemon) as driver:
            _forward(driver, "1")
            equal(driver.ask(target="/?FORWARD").json(), {"FORWARD": 1}, "and drives")


@test
def a_driver_drives_and_is_missed_in_time_while_no_descriptor_is_left():
    def meanwhile(daemon):
        old = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (daemon.descriptors(), old[1]))
        _for_a_while(daemon)
        with Client(daemon) as waiting:
            waiting.send(request())
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, old)
            check(waiting.reply().status in (200, 503), "who has waited is answered as soon as there are some")
    _drives_among(("come and go", TABLE - 2), meanwhile=meanwhile, USER=None)  # limits are set for a process of the same user


@contextlib.contextmanager
def _failing(daemon, call, error):
    """From here on the daemon's calls of that name fail."""
    with subprocess.Popen(["strace", "-q", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}", "-p", str(daemon.pid)],
                          stderr=subprocess.PIPE) as tracer:
        try:
            def attached():
                check(tracer.poll() is None, "strace is attached", said=tracer.stderr.read() if tracer.poll() is not None else b"")
                return int(daemon.status("TracerPid")) == tracer.pid
            wait_until(attached, "strace is attached")
            yield
        finally:
            tracer.terminate()
            tracer.wait(10)


def _fate(daemon, target):
    """The status of a file's reply; 0 when the reply was cut."""
    with Client(daemon) as client:
        client.send(request(target=target))
        try:
            return client.reply().status
        except Failure:
            return 0


@test
def a_driver_drives_and_is_missed_in_time_while_the_disk_fails():
    """A file can't be opened, looked at, read, or read on: its reply is an error or is cut, and no other one's is."""
    fates = {"openat2": (404, 404), "?fstat,?newfstatat": (404, 404), "pread64": (500, 200), "sendfile": (200, 0)}

    def meanwhile(daemon):
        for call, expected in fates.items():
            with _failing(daemon, call, "EIO"):
                for _ in range(5):
                    equal((_fate(daemon, "/sub/small"), _fate(daemon, "/large-enough")), expected, f"the replies while {call} fails")
            equal((_fate(daemon, "/sub/small"), _fate(daemon, "/large-enough")), (200, 200), "the disk is back")
    _drives_among(meanwhile=meanwhile)


@test
def a_driver_drives_and_is_missed_in_time_through_a_hundred_thousand_connects():
    def meanwhile(daemon):
        with contextlib.ExitStack() as stack:
            storms = [stack.enter_context(_others(built("storm"), str(daemon.address[1]), str(CONNECTS // STORMS))) for _ in range(STORMS)]
            began, before = time.monotonic(), wait_until(daemon.memory, "it has memory")
            done = sum(int(storm.stdout.readline() or 0) for storm in storms)
            print(f"# {done} connects in {time.monotonic() - began:.1f} s")
            equal(done, CONNECTS, "all of them")
            check(is_sanitized() or daemon.memory() <= before + 12 * (TABLE + 4), "memory is flat", before=before, after=daemon.memory())
    _drives_among(meanwhile=meanwhile)
