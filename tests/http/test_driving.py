# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Driven lines: one driver at a time, and what moves is safe as soon as he is silent, gone, or stopped."""
import re
import shutil
import signal
import subprocess

from client import Client, ask
from daemon import Daemon
from events import Listener
from tap import Skip, check, equal, test, wait_until

CAR = """
    FORWARD=GPIO23,failsafe=300ms,interlock=throttle,dead-time=50ms REVERSE=GPIO24,failsafe=300ms,interlock=throttle
    HORN=GPIO25,max-on=100ms LED=GPIO17
"""


def _changes(listener, name):
    """Each change of that signal, as (value, t)."""
    return [(members[name], t) for _, members, t in listener.events[1:] if name in members]


def _wait(listener, name, count):
    listener.until(lambda me: len(_changes(me, name)) >= count, f"{name} changes {count} times")
    return _changes(listener, name)


def _session(client):
    return [f"HTTaP-Session: {client.ask().get('HTTaP-Session')}"]


def _begin(client):
    """Past the dead time that counts from the start."""
    wait_until(lambda: client.ask("POST", "/?FORWARD", body="1").json() == {"FORWARD": 1}, "FORWARD goes on")


@test
def a_driver_who_is_silent_stops_and_must_let_go():
    with Daemon(LINES=CAR) as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        _begin(client)
        (_, begin), (value, end) = _wait(listener, "FORWARD", 2)[-2:]
        equal(value, 0, "it is off")
        check(300 <= end - begin < 600, "after its time", got=end - begin)
        said = client.ask("POST", "/?FORWARD", body="1").must_be_error(409).json()["error"]
        check("let go first" in said, "a stuck key does not drive on", got=said)
        equal(client.ask("POST", "/?FORWARD", body="0").json(), {"FORWARD": 0}, "let go")
        _begin(client)
        wait_until(lambda: "FORWARD 1 -> 0: failsafe: nothing was heard from 127.0.0.1 for 300 ms\n" in daemon.said(), "it is logged")


# How a drive ends, and the reason that the log has for it; {} is the session of who asked.
TRIPS = {
    "silence": r"failsafe: nothing was heard from 127\.0\.0\.1 for 300 ms",
    "closing": r"failsafe: 127\.0\.0\.1 has left",
    "reset": r"failsafe: 127\.0\.0\.1 has left",
    "goodbye": r"failsafe: 127\.0\.0\.1 has left",
    "his own stop": r"by 127\.0\.0\.1 \(session {}\): POST /\?stop",
    "another's stop": r"by 127\.0\.0\.1 \(session {}\): POST /\?stop",
}


def _trip(how, driver, other):
    """Ends the drive that way; returns the session of who asked for it."""
    if how == "closing":
        driver.close()
    elif how == "reset":
        driver.reset()
    elif how == "goodbye":
        driver.ask(target="/?invalid").must_be_error(400)
    elif how != "silence":
        return (driver if how == "his own stop" else other).ask("POST", "/?stop").get("HTTaP-Session")
    return ""


@test
def every_trip_is_logged_with_its_reason_and_told_to_all_who_listen():
    lines = "FORWARD=GPIO23,failsafe=300ms STEER=GPIO24,failsafe=10s BRAKE=GPIO25,failsafe=10s,safe=1 LED=GPIO17"
    for how, why in TRIPS.items():
        with Daemon(LINES=lines) as daemon, Client(daemon) as driver, Client(daemon) as other, Listener(daemon) as listener:
            listener.begun()
            driver.ask("POST", "/?", body="FORWARD=1&STEER=1&BRAKE=0")
            session = _trip(how, driver, other)
            listener.until(lambda me: len(me.events) == 3, f"the end by {how}")
            equal([members for _, members, _ in listener.events[1:]],
                  [{"FORWARD": 1, "STEER": 1, "BRAKE": 0}, {"FORWARD": 0, "STEER": 0, "BRAKE": 1}], f"all at one moment, by {how}")
            for change in ("FORWARD 1 -> 0", "STEER 1 -> 0", "BRAKE 0 -> 1"):
                line = re.compile(f"^httapd: {change}:? {why.format(session)}$", re.MULTILINE)
                wait_until(lambda: line.search(daemon.said()), f"the log: {line.pattern}")
            equal(other.ask(target="/?list").json()["FORWARD"]["driver"], None, f"nobody drives after {how}")


@test
def pings_keep_a_driver_and_others_are_refused():
    with Daemon(LINES=CAR) as daemon, Client(daemon) as driver, Client(daemon) as other, Listener(daemon) as listener:
        listener.begun()
        _begin(driver)
        said = other.ask("POST", "/?REVERSE", body="1").must_be_error(409).json()["error"]
        check("REVERSE is driven by 127.0.0.1, for " in said, "who drives is told", got=said)
        equal(other.ask("POST", "/?LED", body="1").json(), {"LED": 1}, "plain lines are everybody's")
        begin = listener.events[-1][2]
        while listener.events[-1][2] - begin < 700:
            driver.ask(target="/?ping")
            other.ask("POST", "/?LED", body="toggle")
            listener.take(0.05)
        equal(len(_changes(listener, "FORWARD")), 1, "it goes on driving")
        described = other.ask(target="/?list").json()
        equal([described["FORWARD"][name] for name in ("failsafe", "interlock", "driver")], [300, "throttle", "127.0.0.1"], "/?list")
        equal([described["LED"][name] for name in ("failsafe", "interlock", "driver")], [0, None, None], "of a plain line")
        equal(other.ask("POST", "/?stop").status, 200, "anybody may stop")
        equal(other.ask(target="/?FORWARD").json(), {"FORWARD": 0}, "and it stands")
        equal(other.ask("POST", "/?FORWARD", body="0").status, 200, "the drive is free")


@test
def a_driver_who_hangs_up_stops_at_once():
    with Daemon(LINES=CAR) as daemon, Listener(daemon) as listener:
        listener.begun()
        with Client(daemon) as driver:
            _begin(driver)
        (_, begin), (value, end) = _wait(listener, "FORWARD", 2)
        check(value == 0 and end - begin < 300, "before its time is over", got=end - begin)
        wait_until(lambda: "FORWARD 1 -> 0: failsafe: 127.0.0.1 has left\n" in daemon.said(), "it is logged")


@test
def a_session_of_several_connections_drives_from_all_of_them():
    with Daemon(LINES=CAR) as daemon, Client(daemon) as first, Client(daemon) as second:
        fields = _session(first)
        _begin(first)
        equal(second.ask("POST", "/?FORWARD", body="1", fields=fields).json(), {"FORWARD": 1}, "the same driver")
        first.close()
        equal(second.ask("POST", "/?FORWARD", body="1", fields=fields).json(), {"FORWARD": 1}, "and still")


@test
def changing_over_waits_for_the_dead_time():
    with Daemon(LINES=CAR) as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        _begin(client)
        equal(client.ask("POST", "/?REVERSE", body="1").json(), {"REVERSE": 0}, "it waits")
        off, on = _wait(listener, "FORWARD", 2)[-1], _wait(listener, "REVERSE", 1)[-1]
        equal((off[0], on[0]), (0, 1), "changed over")
        check(50 <= on[1] - off[1] < 250, "with both off in between", got=(off, on))
        client.ask("POST", "/?", body="FORWARD=1&REVERSE=1").must_be_error(409)
        equal(client.ask(target="/?REVERSE").json(), {"REVERSE": 1}, "what is refused moves nothing")


@test
def a_line_is_never_on_for_longer_than_it_may_be():
    with Daemon(LINES=CAR) as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        client.ask("POST", "/?HORN", body="pulse:3600s")
        (_, begin), (value, end) = _wait(listener, "HORN", 2)
        equal(value, 0, "it is off")
        check(100 <= end - begin < 300, "after its time", got=end - begin)


@test
def a_driven_line_is_never_written_by_get():
    with Daemon(LINES="FORWARD=GPIO23,failsafe=300ms LED=GPIO17") as daemon:
        equal(ask(daemon, target="/1").status, 200, "a plain line is")
        equal(ask(daemon, target="/?FORWARD,LED").json(), {"FORWARD": 0, "LED": 1}, "the first that may be")


@test
def the_end_of_the_daemon_ends_a_drive():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Daemon(LINES=CAR.replace("300ms", "60s")) as daemon, Client(daemon) as client:
            _begin(client)
            client.ask("POST", "/?LED", body="1")
            daemon.stop(number)
            for name in ("FORWARD", "LED"):
                check(f"{name} 1 -> 0: the daemon was told to end" in daemon.said(), f"{name} is safe", got=daemon.said()[-500:])


@test
def a_loop_that_can_not_go_on_ends_a_drive():
    """The wait of the loop fails, by a system call that strace answers instead of the kernel."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    daemon = Daemon(LINES=CAR.replace("300ms", "60s"))
    with Client(daemon) as client:
        _begin(client)
        client.ask("POST", "/?LED", body="1")
        with subprocess.Popen(["strace", "-q", "-o", "/dev/null", "-e", "inject=/^epoll_p?wait:error=EIO", "-p", str(daemon.pid)],
                              stderr=subprocess.DEVNULL) as tracer:
            try:
                # Being attached to ends the wait that it is in, and the next one fails.
                wait_until(lambda: daemon.process.poll() is not None or tracer.poll() is not None, "the daemon ends")
                if daemon.process.poll() is None:
                    raise Skip("strace can't attach")
            finally:
                tracer.terminate()
        equal(daemon.process.returncode, 1, "its status")
        daemon.kill()
        check("httapd: waiting failed: Input/output error\n" in daemon.said(), "it says why", got=daemon.said())
        for name in ("FORWARD", "LED"):
            check(f"{name} 1 -> 0: the daemon ends on a fault\n" in daemon.said(), f"{name} is safe", got=daemon.said()[-500:])
