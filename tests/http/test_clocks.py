# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Clocks that jump, by clocks.c: the time of day, which is told and decides nothing, and the clock by which all deadlines go, when a
machine slept or the process was stopped.
"""
import email.utils
import os
import signal
import struct
import time

from client import Client, ask, request
from daemon import Daemon, scratch
from events import Listener
from tap import check, equal, test, wait_until
from tools import preloaded

FAILSAFE_MS = 2000  # long enough for a driver in Python beside other tests
CAR = f"FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms LED=GPIO17"
HOUR, YEAR = 3600, 365 * 86400
SLACK_S = 5  # a Date is made once a second, and this machine may be busy


class _Clocks:
    """A daemon's, each so many seconds off."""

    def __init__(self):
        self.path = scratch() / "clocks"
        self.path.write_bytes(bytes(16))
        self.day = self.since_start = 0

    def environment(self):
        return {"CLOCKS": str(self.path), **preloaded("clocks")}

    def leap(self, day=0, since_start=0):
        self.day += day
        self.since_start += since_start
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=qq", self.day * 10**9, self.since_start * 10**9))


def _tells(client, off):
    """Is this the time of day that is told? A clock that shows a year before there was an httapd was never set, and none is told."""
    date = client.ask().get("Date")
    if off < -15 * YEAR:
        return date is None
    return date and abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time() - off) < SLACK_S


def _forward(client, value):
    equal(client.ask("POST", "/?FORWARD", body=value).json(), {"FORWARD": int(value)}, f"FORWARD={value}")


@test(slow=True)
def the_time_of_day_may_jump_and_is_told_and_decides_nothing():
    clocks = _Clocks()
    with Daemon(LINES=CAR, KEEPALIVE="200", more_env=clocks.environment()) as daemon:
        with Client(daemon) as driver, Client(daemon) as idle, Client(daemon) as half, Listener(daemon) as listener:
            idle.ask()
            half.ask()
            half.send(request()[:20])
            listener.begun()
            _forward(driver, "1")
            for leap in (HOUR, 10 * YEAR, -30 * YEAR, 20 * YEAR - HOUR, -1, 1):
                clocks.leap(day=leap)
                wait_until(lambda: _tells(driver, clocks.day), "the new time is told")
                equal(driver.ask(target="/?FORWARD").json(), {"FORWARD": 1}, "he drives on")
            half.send(request()[20:])
            equal(half.reply().status, 200, "a request that was begun before is whole")
            idle.must_be_kept()
            check("failsafe" not in daemon.said(), "he was never missed", got=daemon.said())
            _forward(driver, "0")
            _forward(driver, "1")
            clocks.leap(day=-HOUR)
            listener.until(lambda me: me.events[-1][1] == {"FORWARD": 0} and len(me.events) == 5, "he is missed when he falls silent")
            listener.must_be_whole()
            check(listener.events[-1][2] - listener.events[-2][2] >= FAILSAFE_MS, "and not before", events=listener.events)
        daemon.must_have_descriptors()
        daemon.must_sleep()


def _must_be_done(daemon, driver, half, idle):
    """All that was due in an hour that nobody saw."""
    wait_until(lambda: ask(daemon, target="/?FORWARD,LED").json() == {"FORWARD": 0, "LED": 0}, "the motor's line is safe, the pulse is over")
    wait_until(lambda: "FORWARD 1 -> 0: failsafe" in daemon.said(), "the log says why", seconds=2)
    idle.must_end()
    driver.must_end()
    equal(half.reply().status, 408, "the request that was never complete")
    half.close()


def _skips_an_hour(leap):
    clocks = _Clocks()
    with Daemon(LINES=CAR, KEEPALIVE="200", more_env=clocks.environment()) as daemon:
        with Listener(daemon) as listener, Client(daemon) as idle, Client(daemon) as half, Client(daemon) as driver:
            listener.begun()
            idle.ask()
            half.send(request()[:20])
            equal(driver.ask("POST", "/?LED", body="pulse:60s").json(), {"LED": 1}, "the pulse begins")
            _forward(driver, "1")
            leap(daemon, clocks)
            _must_be_done(daemon, driver, half, idle)
            listener.until(lambda me: me.values() == {"FORWARD": 0, "LED": 0}, "who listens hears of it")
            listener.must_be_whole()
            daemon.must_sleep()
        daemon.must_have_descriptors()


@test
def all_that_was_due_in_an_hour_that_is_skipped_is_done_at_once():
    _skips_an_hour(lambda daemon, clocks: clocks.leap(since_start=HOUR))


@test
def all_that_was_due_while_the_process_was_stopped_is_done_when_it_goes_on():
    def leap(daemon, clocks):
        os.kill(daemon.pid, signal.SIGSTOP)
        clocks.leap(since_start=HOUR)
        os.kill(daemon.pid, signal.SIGCONT)
    _skips_an_hour(leap)
