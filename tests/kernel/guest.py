# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""guest.py HTTAPD WWW LIBRARY: what httapd, linked with LIBRARY, does to a real gpiochip, judged by the kernel. Runs as root in
the guest that init.sh has prepared, and only there: it makes and unmakes chips. Prints TAP; a test that fails shows what was
sent, what came back, what the daemon said and what was expected. Tests run in the order of this file, and some lean on the
daemon that an earlier one started.
"""

import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import rig
import tap
from rig import Chip, Daemon, Record, Trace, ended, until
from tap import expect, test

HERE = os.path.dirname(os.path.abspath(__file__))
HTTAPD, WWW = "/run/httapd", "/run/www"
CHIP_TESTS, CHIP_LOG = f"{HERE}/chip-tests", "/run/chip-tests.tap"
NOBODY = 65534
LINES = ("LED=GPIO17 RELAY=GPIO27,active-low BUTTON=GPIO5,input,bias=pull-up,active-low "
         "KEPT=GPIO22,initial=keep LATCH=GPIO23,safe=1")
LED, RELAY, BUTTON, KEPT, LATCH = 17, 27, 5, 22, 23


class Guest:
    trace = Trace()
    record = Record()
    header = Chip("header")
    daemon = None

    def ended(self, *arguments, **how):
        return ended(HTTAPD, self.record, arguments, **how)

    def start(self, listener=None, uid=None, **environment):
        """Starts a daemon in place of the one that may run."""
        self.stop()
        self.trace.clear()
        environment = {"HTTAP_STATICPATH": WWW, "HTTAP_TCPPORT": "0", "HTTAP_USER": "nobody"} | environment
        self.daemon = Daemon(HTTAPD, self.record, listener, uid, **environment)
        return self.daemon

    def stop(self):
        if self.daemon is not None:
            self.daemon.kill()
        self.daemon = None

    def log(self):
        """The end of the daemon's log, for a diagnosis."""
        lines = self.daemon.stderr().splitlines()[-10:] if self.daemon is not None else []
        return [f"the daemon's log: {line}" for line in lines]

    def levels(self, *offsets):
        return [self.header.level(offset) for offset in offsets]


def expect_values(reply, **expected):
    expect("status", reply.status, 200)
    expect("values", json.loads(reply.body), expected)


def status_of(guest):
    """/proc/PID/status of the daemon as a dictionary."""
    lines = rig.read(f"/proc/{guest.daemon.pid}/status").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


# --- Without serving -----------------------------------------------------------------------------------------------


@test("--list shows gpiochip0 with its label, and the line GPIO17 with its pin")
def _(guest):
    status, out, _ = guest.ended("--list")
    expect("exit status", status, 0)
    for word in ("gpiochip0", "pinctrl-bcm2835", "GPIO17"):
        expect(f"{word} in the list", word in out, True)
    expect("GPIO17 at pin 11", re.search(r"GPIO17 +pin 11 +input", out) is not None, True)


@test("--check says what would be served and touches no line")
def _(guest):
    guest.trace.clear()
    status, out, _ = guest.ended("--check", HTTAP_LINES=LINES, HTTAP_STATICPATH=WWW)
    expect("exit status", status, 0)
    expect("LED and KEPT in what it says", "LED" in out and "KEPT" in out, True)
    expect("what happened to lines", guest.trace.all(guest.header), [])


# --- A daemon that serves ------------------------------------------------------------------------------------------


@test("started as root, it says on standard output at which port it serves")
def _(guest):
    guest.header.pull(KEPT, "pull-up")
    guest.start(HTTAP_LINES=LINES)


@test("it says what this kernel does with lines that nobody holds any more")
def _(guest):
    until("the line in its log", lambda: "lines that are released become inputs" in guest.daemon.stderr())


@test("it is linked with the libgpiod that this guest is for")
def _(guest):
    maps = rig.read(f"/proc/{guest.daemon.pid}/maps")
    expect("libgpiod in its memory", set(re.findall(r"libgpiod\.so\.\d+", maps)), {sys.argv[3]})


@test("outputs appear with their initial level: active-low high, kept as it was, all others low")
def _(guest):
    expect("levels of LED, RELAY, KEPT, LATCH", guest.levels(LED, RELAY, KEPT, LATCH), [0, 1, 1, 0])


@test("nothing glitches at the start: no line was ever set to another level than its initial one")
def _(guest):
    for offset, initial in ((LED, 0), (RELAY, 1), (KEPT, 1), (LATCH, 0)):
        expect(f"levels set on line {offset}", set(guest.trace.levels(guest.header, offset)), {initial})


@test("an input is never driven, and gets its bias")
def _(guest):
    _, flags = guest.header.line(BUTTON)
    expect("flags of BUTTON in the kernel", flags, {"used", "input", "pull-up"})
    expect("pull of BUTTON", guest.header.pull(BUTTON), "pull-up")
    expect("times that BUTTON was driven", [e for e in guest.trace.all(guest.header) if e[0] == BUTTON and e[1] != "in"], [])


@test("the kernel names the signal as holder of its line")
def _(guest):
    consumer, flags = guest.header.line(LED)
    expect("flags of LED in the kernel", flags, {"used", "output"})
    expect(f"LED in the consumer {consumer!r}", "LED" in consumer, True)


@test("--list beside it shows who holds the line")
def _(guest):
    _, out, _ = guest.ended("--list")
    line = next((line for line in out.splitlines() if "GPIO17" in line), "no line with GPIO17")
    expect(f"LED in {line!r}", "LED" in line, True)


@test("it is nobody, without further groups")
def _(guest):
    status = status_of(guest)
    expect("Uid", status["Uid"], [str(NOBODY)] * 4)
    expect("Gid", status["Gid"], [str(NOBODY)] * 4)
    expect("Groups", status["Groups"], [])


@test("it has no capabilities, no way to new ones, and NoNewPrivs")
def _(guest):
    status = status_of(guest)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect(name, int(status[name][0], 16), 0)
    expect("NoNewPrivs", status["NoNewPrivs"], ["1"])


@test("its root directory is the static root")
def _(guest):
    expect("root", os.readlink(f"/proc/{guest.daemon.pid}/root"), WWW)
    expect("working directory", os.readlink(f"/proc/{guest.daemon.pid}/cwd"), WWW)


@test("from there it serves the root page")
def _(guest):
    reply = guest.daemon.get("/")
    expect("status", reply.status, 200)
    with open(f"{WWW}/index.html", "rb") as page:
        expect("the page as it lies in the static root", reply.body == page.read(), True)


@test("GET /1 and GET /0 switch the first output on and off")
def _(guest):
    for value in (1, 0):
        reply = guest.daemon.get(f"/{value}")
        expect("reply", (reply.status, reply.body), (200, str(value).encode()))
        expect("level of LED", guest.levels(LED), [value])


@test("POST /?LED with 1, 0 and toggle moves the line and answers its new value")
def _(guest):
    for body, value in (("1", 1), ("0", 0), ("toggle", 1), ("toggle", 0)):
        expect_values(guest.daemon.post("/?LED", body), LED=value)
        expect(f"level of LED after {body}", guest.levels(LED), [value])


@test("GET /?LED reads the line and moves nothing")
def _(guest):
    for value in (1, 0):
        guest.daemon.post("/?LED", str(value))
        guest.trace.clear()
        expect_values(guest.daemon.get("/?LED"), LED=value)
        expect("what happened to lines", guest.trace.all(guest.header), [])


@test("an active-low output: logical 1 is electrical 0, and back")
def _(guest):
    expect_values(guest.daemon.get("/?RELAY"), RELAY=0)
    for value in (1, 0):
        expect_values(guest.daemon.post("/?RELAY", str(value)), RELAY=value)
        expect("level of RELAY", guest.levels(RELAY), [1 - value])


@test("POST /? moves two lines by one request, each once, and no other line")
def _(guest):
    guest.trace.clear()
    expect_values(guest.daemon.post("/?", "LED=1&RELAY=1"), LED=1, RELAY=1)
    expect("levels of LED and RELAY", guest.levels(LED, RELAY), [1, 0])
    expect("levels set on LED", guest.trace.levels(guest.header, LED), [1])
    expect("levels set on RELAY", guest.trace.levels(guest.header, RELAY), [0])
    expect("levels of KEPT and LATCH", guest.levels(KEPT, LATCH), [1, 0])


@test("an active-low input follows what pulls it")
def _(guest):
    for way, value in (("pull-down", 1), ("pull-up", 0), ("pull-down", 1)):
        guest.header.pull(BUTTON, way)
        expect_values(guest.daemon.get("/?BUTTON"), BUTTON=value)
    expect_values(guest.daemon.get("/?LED,BUTTON"), LED=1, BUTTON=1)


@test("GET /?events tells what an input does, and changes by requests, with the time of each")
def _(guest):
    begin = time.monotonic() * 1000
    with socket.create_connection(("127.0.0.1", guest.daemon.port), rig.PATIENCE_S) as listener:
        listener.sendall(f"GET /?events HTTP/1.1\r\nHost: localhost:{guest.daemon.port}\r\n\r\n".encode())
        data = b""

        def events():
            nonlocal data
            data += listener.recv(65536) if select.select([listener], [], [], 0)[0] else b""
            told = [json.loads(line) for line in re.findall(rb"data: (.*)\n\n", data)]
            return [event for event in told if event["t"] >= begin]  # edges of the test before may come late

        until("the whole state", lambda: len(events()) == 1)
        expect("BUTTON in the whole state", events()[0]["BUTTON"], 1)
        for turn, (way, value) in enumerate((("pull-up", 0), ("pull-down", 1), ("pull-up", 0), ("pull-down", 1))):
            before = time.monotonic() * 1000
            guest.header.pull(BUTTON, way)
            until(f"change {turn} of BUTTON", lambda: len(events()) >= turn + 2)
            expect("events", [event["BUTTON"] for event in events()], [1, 0, 1, 0, 1][:turn + 2])
            after = time.monotonic() * 1000
            told = events()[-1]
            moved = told.pop("t")
            expect("the change", told, {"BUTTON": value})
            expect(f"{before} <= {moved} <= {after}", before - 1 <= moved <= after + 1, True)
        guest.daemon.post("/?LED", "0")
        until("the change of LED", lambda: len(events()) == 6)
        expect("the change of LED", events()[-1]["LED"], 0)
        guest.daemon.post("/?LED", "1")
    until("the last change of BUTTON in the log",
          lambda: re.findall(r"BUTTON.*", guest.daemon.stderr())[-1:] == ["BUTTON 0 -> 1: input"])


@test("writing an input is refused with a 4xx and moves nothing, alone or among outputs")
def _(guest):
    before = guest.levels(LED, RELAY, KEPT, LATCH)
    guest.trace.clear()
    for target, body in (("/?BUTTON", "1"), ("/?", "LED=0&BUTTON=1"), ("/?", "BUTTON=1&RELAY=0")):
        reply = guest.daemon.post(target, body)
        expect(f"{reply.status} is a 4xx", 400 <= reply.status < 500, True)
        expect("a sentence that says why", "error" in json.loads(reply.body), True)
    expect("what happened to lines", guest.trace.all(guest.header), [])
    expect("levels", guest.levels(LED, RELAY, KEPT, LATCH), before)


@test("POST /?stop sets every output to its safe value")
def _(guest):
    guest.daemon.post("/?", "LED=1&RELAY=1&KEPT=1&LATCH=0")
    guest.daemon.post("/?stop", "")
    expect("levels of LED, RELAY, KEPT, LATCH", guest.levels(LED, RELAY, KEPT, LATCH), [0, 1, 0, 1])


@test("SIGTERM: it ends with status 0")
def _(guest):
    guest.daemon.post("/?", "LED=1&RELAY=1&KEPT=1&LATCH=0")
    expect("levels before", guest.levels(LED, RELAY, KEPT, LATCH), [1, 0, 1, 0])
    guest.trace.clear()
    expect("exit status", guest.daemon.end(), 0)


@test("before it let the lines go, each output was set to its safe value, once")
def _(guest):
    for offset, safe in ((LED, 0), (RELAY, 1), (KEPT, 0), (LATCH, 1)):
        expect(f"levels set on line {offset} at the end", guest.trace.levels(guest.header, offset), [safe])
        expect(f"line {offset} held afterwards", "used" in guest.header.line(offset)[1], False)


@test("its log tells each change with the one who asked, and behind its first line nothing but changes")
def _(guest):
    log = guest.daemon.stderr()
    expect("LED 0 -> 1 by 127.0.0.1 in the log", "LED 0 -> 1 by 127.0.0.1" in log, True)
    expect("lines without a change", [line for line in log.splitlines()[1:] if " -> " not in line], [])
    last = log.splitlines()[-4:]
    expect("LED 1 -> 0 at the end", any("LED 1 -> 0" in line for line in last), True)


# --- keep, and --safe ----------------------------------------------------------------------------------------------


@test("initial=keep takes a level that was low as well")
def _(guest):
    guest.header.pull(KEPT, "pull-down")
    guest.start(HTTAP_LINES=LINES)
    expect("level of KEPT", guest.levels(KEPT), [0])
    expect("levels set on KEPT", set(guest.trace.levels(guest.header, KEPT)), {0})


@test("safe=keep leaves the line alone at the end")
def _(guest):
    guest.start(HTTAP_LINES="LED=GPIO17 KEPT=GPIO22,safe=keep")
    guest.daemon.post("/?", "LED=1&KEPT=1")
    guest.trace.clear()
    expect("exit status", guest.daemon.end(), 0)
    expect("levels set on LED", guest.trace.levels(guest.header, LED), [0])
    expect("other levels than 1 set on KEPT", set(guest.trace.levels(guest.header, KEPT)) - {1}, set())


@test("--safe sets every output to its safe value, never to another, and exits with 0")
def _(guest):
    guest.stop()
    guest.trace.clear()
    status, _, errors = guest.ended("--safe", HTTAP_LINES=LINES)
    expect("exit status", (status, errors), (0, ""))
    for offset, safe in ((LED, 0), (RELAY, 1), (KEPT, 0), (LATCH, 1)):
        expect(f"levels set on line {offset}", set(guest.trace.levels(guest.header, offset)), {safe})


# --- Levels and values ----------------------------------------------------------------------------------------------


class Listener:
    """Who hears GET /?events: all of it, and what each signal was said to be last."""

    def __init__(self, guest):
        self.socket = socket.create_connection(("127.0.0.1", guest.daemon.port), rig.PATIENCE_S)
        self.socket.sendall(b"GET /?events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.data, self.said = b"", {}
        until("the whole state", lambda: self.events())

    def events(self):
        while select.select([self.socket], [], [], 0)[0]:
            self.data += self.socket.recv(65536)
        told = [json.loads(line) for line in re.findall(rb"data: (.*)\n\n", self.data)]
        for event in told:
            self.said |= {name: value for name, value in event.items() if name != "t"}
        return told

    def of(self, name):
        """Each value that the signal was said to have, the first one with the whole state."""
        return [event[name] for event in self.events() if name in event]


# Every combination of active-low, initial and safe, on lines of their own; and what keeps, of a line that is high.
MATRIX = {f"{'LOW' if low else 'HIGH'}.I{initial}S{safe}": (30 + 4 * low + 2 * initial + safe, low, initial, safe)
          for low in (0, 1) for initial in (0, 1) for safe in (0, 1)}
KEEPING = {"HIGH.KEPT": (38, 0), "LOW.KEPT": (39, 1)}
INPUTS = {"HIGH.IN": (40, 0), "LOW.IN": (41, 1)}
GUARDED = {"HIGH.GUARDED": (42, 0), "LOW.GUARDED": (43, 1)}


def matrix_lines():
    low = ("", ",active-low")
    return " ".join([f"{name}=GPIO{line}{low[inverted]},initial={initial},safe={safe}"
                     for name, (line, inverted, initial, safe) in MATRIX.items()] +
                    [f"{name}=GPIO{line}{low[inverted]},initial=keep" for name, (line, inverted) in KEEPING.items()] +
                    [f"{name}=GPIO{line}{low[inverted]},input" for name, (line, inverted) in INPUTS.items()] +
                    [f"{name}=GPIO{line}{low[inverted]},max-on=100ms" for name, (line, inverted) in GUARDED.items()])


@test("active-low turns a value around wherever it appears: initial, safe, keep, toggle, pulse, max-on, list, read, changes, events")
def _(guest):
    for line, _ in (*KEEPING.values(), *INPUTS.values()):
        guest.header.pull(line, "pull-up")
    guest.start(HTTAP_LINES=matrix_lines())
    listener = Listener(guest)
    inverted = {name: place[1] for table in (MATRIX, KEEPING, INPUTS, GUARDED) for name, place in table.items()}
    offset = {name: place[0] for table in (MATRIX, KEEPING, INPUTS, GUARDED) for name, place in table.items()}

    def must_be(what, values):
        """What the line shows outside, and what it is said to be in every way."""
        listed = json.loads(guest.daemon.get("/?list").body)
        read = json.loads(guest.daemon.get("/?" + ",".join(values)).body)
        listener.events()
        for name, value in values.items():
            expect(f"{what}: level of {name}", guest.header.level(offset[name]), value ^ inverted[name])
            expect(f"{what}: {name} in the list", (listed[name]["value"], listed[name]["activeLow"]), (value, bool(inverted[name])))
            expect(f"{what}: {name} read", read[name], value)
            expect(f"{what}: {name} in the events", listener.said[name], value)

    high = {name: 1 ^ low for name, low in inverted.items() if name in KEEPING or name in INPUTS}
    must_be("initial", {name: place[2] for name, place in MATRIX.items()} | high | dict.fromkeys(GUARDED, 0))
    for name in MATRIX:
        expect_values(guest.daemon.post(f"/?{name}", "toggle"), **{name: 1 - MATRIX[name][2]})
    must_be("toggle", {name: 1 - place[2] for name, place in MATRIX.items()})
    guest.daemon.post("/?", "&".join(f"{name}=0" for name in MATRIX))
    must_be("0", dict.fromkeys(MATRIX, 0))
    guest.trace.clear()
    guest.daemon.post("/?", "&".join(f"{name}=pulse:50ms" for name in MATRIX))
    for name, (line, low, _, _) in MATRIX.items():
        until(f"the pulse of {name}", lambda: guest.trace.levels(guest.header, line) == [1 ^ low, low])
    must_be("after a pulse", dict.fromkeys(MATRIX, 0))
    for name, (line, low) in GUARDED.items():
        guest.trace.clear()
        guest.daemon.post(f"/?{name}", "1")
        until(f"max-on of {name}", lambda: guest.trace.levels(guest.header, line) == [1 ^ low, low])
    guest.daemon.post("/?", "&".join(f"{name}=1" for name in MATRIX))
    must_be("1", dict.fromkeys(MATRIX, 1))
    guest.daemon.post("/?stop", "")
    must_be("safe", {name: place[3] for name, place in MATRIX.items()})
    for way, level in (("pull-down", 0), ("pull-up", 1)):
        for name, (line, low) in INPUTS.items():
            guest.header.pull(line, way)
            until(f"{name} in the events", lambda: listener.of(name)[-1] == level ^ low)
        must_be(way, {name: level ^ low for name, (_, low) in INPUTS.items()})
    with socket.create_connection(("127.0.0.1", guest.daemon.port), rig.PATIENCE_S) as client:
        def changes():
            client.sendall(b"GET /?changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return json.loads(client.recv(65536).partition(b"\r\n\r\n")[2])
        changes()
        for name, (line, low) in INPUTS.items():
            guest.header.pull(line, "pull-down")
            until(f"{name} in the events", lambda: listener.of(name)[-1] == low)
        expect("changes", changes(), {name: low for name, (_, low) in INPUTS.items()})
    listener.socket.close()


@test("a debounced input counts when it has stayed: bounces are not told, and its time is that at which it began to stay")
def _(guest):
    guest.header.pull(BUTTON, "pull-down")
    guest.start(HTTAP_LINES="BUTTON=GPIO5,input,debounce=300ms RAW=GPIO6,input")
    listener = Listener(guest)
    for way in ("pull-up", "pull-down", "pull-up", "pull-down"):
        guest.header.pull(BUTTON, way)
    began = time.monotonic() * 1000
    guest.header.pull(BUTTON, "pull-up")
    expect("BUTTON while it bounces", json.loads(guest.daemon.get("/?BUTTON").body), {"BUTTON": 0})
    until("BUTTON in the events", lambda: len(listener.of("BUTTON")) > 1)
    expect("what was told of BUTTON", listener.of("BUTTON"), [0, 1])
    told = next(event["t"] for event in listener.events()[1:] if "BUTTON" in event)
    expect(f"{began} <= {told}, and 300 ms before it was told", began - 1 <= told <= time.monotonic() * 1000 - 299, True)
    expect("BUTTON afterwards", json.loads(guest.daemon.get("/?BUTTON").body), {"BUTTON": 1})
    listener.socket.close()


# --- The link breaks ------------------------------------------------------------------------------------------------

FORWARD, REVERSE = 23, 24
FAILSAFE_MS = 300
DRIVEN = (f"FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms "
          f"REVERSE=GPIO24,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms LED=GPIO17")

# A client in a process of its own, which says that it is there ten times as often as it must.
CLIENT = """
import socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    def ask(request):
        connection.sendall(request)
        return connection.recv(65536)
    ask(b"POST /?FORWARD HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 1\\r\\n\\r\\n1")
    print("drives", flush=True)
    while True:
        ask(b"GET /?ping HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        time.sleep(0.03)
"""


class Driver:
    """Drives FORWARD over a connection of his own."""

    def __init__(self, guest):
        self.socket = socket.create_connection(("127.0.0.1", guest.daemon.port), rig.PATIENCE_S)
        # Whoever drove before was stopped: let go first.
        for value in ("0", "1"):
            expect(f"FORWARD={value}", self.ask(f"POST /?FORWARD HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{value}"), 200)
        until("FORWARD is on, when the dead time from the start has passed", lambda: guest.header.level(FORWARD) == 1)
        self.ping()

    def ask(self, text):
        self.socket.sendall(text.encode())
        self.heard = time.monotonic()
        return int(self.socket.recv(65536).split()[1])

    def ping(self):
        expect("a ping", self.ask("GET /?ping HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200)


def stopped_after(guest, since, least, most, what):
    """FORWARD is let go between `least` and `most` milliseconds after `since`, as sysfs shows it."""
    while guest.header.level(FORWARD) == 1:
        expect(f"{what}: FORWARD is off in time", time.monotonic() - since < rig.PATIENCE_S, True)
    elapsed = (time.monotonic() - since) * 1000
    print(f"# {what}: FORWARD was off {elapsed:.1f} ms later", flush=True)
    expect(f"{what}: {least} <= {elapsed:.1f} <= {most} ms", least <= elapsed <= most, True)
    expect("REVERSE", guest.header.level(REVERSE), 0)


# What a guest on a busy host may add to the promised time.
LATE_MS = 600


@test("a driver who stops pinging: the motor's line is safe when the failsafe has passed")
def _(guest):
    guest.start(HTTAP_LINES=DRIVEN)
    driver = Driver(guest)
    for _ in range(10):
        time.sleep(FAILSAFE_MS / 1000 / 3)
        driver.ping()
    expect("level of FORWARD while he pings", guest.header.level(FORWARD), 1)
    stopped_after(guest, driver.heard, FAILSAFE_MS, FAILSAFE_MS + LATE_MS, "silence")
    until("the log tells why", lambda: "FORWARD 1 -> 0: failsafe: nothing was heard from 127.0.0.1" in guest.daemon.stderr())


@test("a driver who closes his socket, or resets it: the motor's line is safe at once")
def _(guest):
    for what, linger in (("close", None), ("reset", struct.pack("ii", 1, 0))):
        driver = Driver(guest)
        if linger:
            driver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        driver.socket.close()
        stopped_after(guest, time.monotonic(), 0, LATE_MS, what)


@test("a driver whose process is frozen: the motor's line is safe when the failsafe has passed")
def _(guest):
    Driver(guest).socket.close()
    until("nobody drives", lambda: guest.header.level(FORWARD) == 0)
    guest.daemon.post("/?FORWARD", "0")
    with subprocess.Popen([sys.executable, "-c", CLIENT, str(guest.daemon.port)], stdout=subprocess.PIPE) as client:
        try:
            expect("what he says", client.stdout.readline(), b"drives\n")
            time.sleep(2 * FAILSAFE_MS / 1000)
            expect("level of FORWARD while he pings", guest.header.level(FORWARD), 1)
            client.send_signal(signal.SIGSTOP)
            stopped_after(guest, time.monotonic(), FAILSAFE_MS / 2, FAILSAFE_MS + LATE_MS, "frozen")
        finally:
            client.kill()


@test("a daemon that is killed: --safe, as its unit runs it then, sets the motor's line to its safe value")
def _(guest):
    Driver(guest)
    guest.daemon.process.kill()
    guest.daemon.process.wait(rig.PATIENCE_S)
    killed = time.monotonic()
    guest.trace.clear()
    expect("exit status of --safe", guest.ended("--safe", HTTAP_LINES=DRIVEN)[0], 0)
    # This chip lets a line go that nobody holds; others keep it as it was. So what counts is that it was set.
    expect("what FORWARD was set to", guest.trace.levels(guest.header, FORWARD), [0])
    stopped_after(guest, killed, 0, 1000, "kill -9")


@test("changing over: both lines of an H-bridge are never on, and all are off for the dead time")
def _(guest):
    guest.start(HTTAP_LINES=DRIVEN)
    driver = Driver(guest)
    guest.trace.clear()
    for turn in range(6):
        name = ("REVERSE", "FORWARD")[turn % 2]
        expect(name, driver.ask(f"POST /?{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1"), 200)
        until(f"{name} is on", lambda: guest.header.level(REVERSE if name == "REVERSE" else FORWARD) == 1)
    on = {FORWARD: 1, REVERSE: 0}
    for offset, what, level in guest.trace.all(guest.header):
        if what == "set" and offset in on:
            on[offset] = level
            expect("lines that are on", sum(on.values()) <= 1, True)
    expect("both for one", driver.ask("POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19\r\n\r\nFORWARD=1&REVERSE=1"), 409)
    guest.stop()


# --- Drive, bias, many lines, and another user ---------------------------------------------------------------------


@test("lines with a drive or a bias of their own move by one request with those that have none")
def _(guest):
    guest.header.pull(6, "pull-up")
    guest.start(HTTAP_LINES="LED=GPIO17 DRAIN=GPIO6,drive=open-drain,initial=1 SOURCE=GPIO13,drive=open-source "
                            "WEAK=GPIO19,bias=pull-down INPUT=GPIO26,input,bias=off")
    for offset, flags in ((17, {"output"}), (6, {"output", "open-drain"}), (13, {"output", "open-source"}),
                          (19, {"output", "pull-down"}), (26, {"input", "bias-off"})):
        expect(f"flags of line {offset} in the kernel", guest.header.line(offset)[1], flags | {"used"})
    expect_values(guest.daemon.get("/?DRAIN"), DRAIN=1)
    for drain, way in ((0, "out"), (1, "in")):
        guest.trace.clear()
        expect_values(guest.daemon.post("/?", f"LED=1&DRAIN={drain}&SOURCE=1&WEAK=1"), LED=1, DRAIN=drain, SOURCE=1, WEAK=1)
        expect("levels of LED, SOURCE, WEAK", guest.levels(17, 13, 19), [1, 1, 1])
        expect(f"what DRAIN={drain} did to its line", guest.trace.directions(guest.header, 6), [way])


@test("reading tells what the chip says, not what was written: an open-drain line that stays low when it is let go")
def _(guest):
    # gpio-sim leaves a line at its last level when the kernel stops driving it: as if another device held it down.
    expect("level of DRAIN", guest.levels(6), [0])
    expect_values(guest.daemon.get("/?DRAIN"), DRAIN=0)


@test("all 54 lines of the chip as outputs: one request sets every one, and at the end every one is safe")
def _(guest):
    lines = range(54)
    guest.start(HTTAP_LINES=" ".join(f"L{line}=GPIO{line}" for line in lines))
    for pattern in (0x3FFFFFFFFFFFFF, 0x15555555555555, 0x2AAAAAAAAAAAAA):
        bits = [pattern >> line & 1 for line in lines]
        reply = guest.daemon.post("/?", "&".join(f"L{line}={bit}" for line, bit in zip(lines, bits)))
        expect_values(reply, **{f"L{line}": bit for line, bit in zip(lines, bits)})
        expect("levels", guest.levels(*lines), bits)
    guest.trace.clear()
    expect("exit status", guest.daemon.end(), 0)
    expect("last levels set", [guest.trace.levels(guest.header, line)[-1] for line in lines], [0] * 54)


@test("a user who may open the chip serves without root")
def _(guest):
    os.chown(f"/dev/{guest.header.chip}", NOBODY, NOBODY)
    try:
        guest.start(uid=NOBODY, HTTAP_USER="", HTTAP_LINES=LINES)
    finally:
        os.chown(f"/dev/{guest.header.chip}", 0, 0)
    expect("reply", guest.daemon.get("/1").body, b"1")
    expect("level of LED", guest.levels(LED), [1])
    expect("exit status", guest.daemon.end(), 0)


# --- What is refused at start --------------------------------------------------------------------------------------


def refused(guest, *names, uid=None, **environment):
    """A start that fails: status 1, and one line on standard error that holds each of the names."""
    status, _, errors = guest.ended(uid=uid, HTTAP_STATICPATH=WWW, HTTAP_TCPPORT="0", HTTAP_USER="nobody", **environment)
    expect("exit status", status, 1)
    expect("lines on standard error", len(errors.splitlines()), 1)
    for name in names:
        expect(f"{name} in what it says", name in errors, True)


@test("a line that somebody holds: it says who and which, ends with 1, and drove no other line")
def _(guest):
    guest.trace.clear()
    holder = guest.header.hold(LED, "holder-test")
    held = guest.trace.all(guest.header)
    try:
        refused(guest, "holder-test", "LED", "GPIO17", HTTAP_LINES="RELAY=GPIO27,active-low LED=GPIO17")
        expect("what happened to lines", guest.trace.all(guest.header), held)
        expect("the holder still in the kernel", guest.header.line(LED)[0], "holder-test")
    finally:
        os.close(holder)


@test("a line that does not exist: it names it, ends with 1, and drove no other line")
def _(guest):
    guest.trace.clear()
    refused(guest, "LED", "NOSUCH", HTTAP_LINES="RELAY=GPIO27 LED=NOSUCH")
    refused(guest, "LED", "54", HTTAP_LINES="RELAY=GPIO27 LED=54")
    expect("what happened to lines", guest.trace.all(guest.header), [])


@test("a chip that does not exist: it names it and ends with 1")
def _(guest):
    refused(guest, "nosuchlabel", HTTAP_LINES="LED=GPIO17", HTTAP_GPIOCHIP="nosuchlabel")
    refused(guest, "gpiochip7", HTTAP_LINES="LED=GPIO17", HTTAP_GPIOCHIP="gpiochip7")
    refused(guest, "nosuchlabel", HTTAP_LINES="LED=nosuchlabel:3")


@test("a chip that the user may not open: it says so and ends with 1")
def _(guest):
    refused(guest, "permission", "gpiochip0", uid=NOBODY, HTTAP_LINES="LED=GPIO17")


@test("a static root without its page: it ends with 1 and leaves the lines alone or safe")
def _(guest):
    os.makedirs("/run/empty", exist_ok=True)
    guest.trace.clear()
    status, _, errors = guest.ended(HTTAP_STATICPATH="/run/empty", HTTAP_TCPPORT="0", HTTAP_USER="nobody",
                                    HTTAP_LINES="LED=GPIO17,initial=1")
    expect("exit status", status, 1)
    expect("index.html in what it says", "index.html" in errors, True)
    expect("the last level of LED", guest.trace.levels(guest.header, LED)[-1:] in ([], [0]), True)


# --- Activation ----------------------------------------------------------------------------------------------------


@test("a socket that was handed over as systemd does is served, and the port of the environment is not opened")
def _(guest):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        guest.start(listener, HTTAP_LINES=LINES, HTTAP_TCPPORT="60123")
        reply = guest.daemon.get("/1")
    expect("reply", (reply.status, reply.body), (200, b"1"))
    expect("level of LED", guest.levels(LED), [1])
    expect("who listens at port 60123", socket.socket().connect_ex(("127.0.0.1", 60123)) != 0, True)
    expect("exit status", guest.daemon.end(), 0)


# --- Several chips -------------------------------------------------------------------------------------------------


@test("the header's chip is found by its label when it is not gpiochip0")
def _(guest):
    guest.stop()
    subprocess.run([f"{HERE}/gpio-sim", "drop", "header"], check=True)
    subprocess.run([f"{HERE}/gpio-sim", "make", "other", "expander", "8", "EXT"], check=True)
    subprocess.run([f"{HERE}/gpio-sim", "make", "header", "pinctrl-bcm2835", "54"], check=True)
    guest.header, guest.other = Chip("header"), Chip("other")
    expect("chips", (guest.other.chip, guest.header.chip), ("gpiochip0", "gpiochip1"))
    guest.start(HTTAP_LINES="LED=GPIO17 OTHER=expander:3 NAMED=gpiochip0:EXT4,active-low")
    expect_values(guest.daemon.post("/?LED", "1"), LED=1)
    expect("level of LED", guest.levels(LED), [1])
    expect("level of line 17's namesake", guest.other.level(3), 0)


@test("CHIP:LINE reaches a line of another chip, by label and number or by chip and name")
def _(guest):
    expect("levels at first", (guest.other.level(3), guest.other.level(4)), (0, 1))
    expect_values(guest.daemon.post("/?", "LED=0&OTHER=1&NAMED=1"), LED=0, OTHER=1, NAMED=1)
    expect("levels", (guest.levels(LED), guest.other.level(3), guest.other.level(4)), ([0], 1, 0))


@test("at the end the lines of both chips are safe")
def _(guest):
    guest.daemon.post("/?", "LED=1&OTHER=1&NAMED=1")
    guest.trace.clear()
    expect("exit status", guest.daemon.end(), 0)
    expect("levels set on LED, OTHER, NAMED", (guest.trace.levels(guest.header, 17), guest.trace.levels(guest.other, 3),
                                               guest.trace.levels(guest.other, 4)), ([0], [0], [1]))


@test("a chip that vanishes: the next write gets 503, and the other chip's lines become safe")
def _(guest):
    guest.start(HTTAP_LINES="LED=GPIO17 OTHER=expander:3")
    guest.daemon.post("/?", "LED=1&OTHER=1")
    guest.trace.clear()
    rig.write("/sys/kernel/config/gpio-sim/other/live", "0")
    expect("status", guest.daemon.post("/?OTHER", "0").status, 503)
    until("the end of the daemon", lambda: guest.daemon.process.poll() is not None)
    expect("exit status", guest.daemon.kill(), 1)
    expect("levels set on LED", guest.trace.levels(guest.header, LED), [0])


# --- Boards --------------------------------------------------------------------------------------------------------


@test("SIGTERM while somebody drives, and a chip that vanishes then: the motor's line is safe before it is let go")
def _(guest):
    rig.write("/sys/kernel/config/gpio-sim/other/live", "1")  # gone since the test before
    guest.other = Chip("other")
    for how, status in (("SIGTERM", 0), ("vanishes", 1)):
        guest.start(HTTAP_LINES="FORWARD=GPIO23,failsafe=60s BRAKE=GPIO24,failsafe=60s,safe=1 OTHER=expander:3")
        expect_values(guest.daemon.post("/?OTHER", "1"), OTHER=1)
        driver = Driver(guest)
        expect("BRAKE=0", driver.ask("POST /?BRAKE HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n0"), 200)
        guest.trace.clear()
        if how == "SIGTERM":
            guest.daemon.process.terminate()
        else:
            rig.write("/sys/kernel/config/gpio-sim/other/live", "0")
            expect("a write of what has vanished", guest.daemon.post("/?OTHER", "0").status, 503)
        until("the end of the daemon", lambda: guest.daemon.process.poll() is not None)
        expect(f"{how}: exit status", guest.daemon.kill(), status)
        expect(f"{how}: levels set on FORWARD and BRAKE",
               (guest.trace.levels(guest.header, 23), guest.trace.levels(guest.header, 24)), ([0], [1]))
        driver.socket.close()


@test("chips that the user may not open are skipped: the header is found, and --list says what it could not open")
def _(guest):
    rig.write("/sys/kernel/config/gpio-sim/other/live", "1")
    guest.other = Chip("other")
    os.chown(f"/dev/{guest.header.chip}", NOBODY, NOBODY)
    try:
        guest.start(uid=NOBODY, HTTAP_USER="", HTTAP_LINES="LED=GPIO17")
        status, out, _ = guest.ended("--list", uid=NOBODY)
    finally:
        os.chown(f"/dev/{guest.header.chip}", 0, 0)
    expect_values(guest.daemon.post("/?LED", "1"), LED=1)
    expect("level of LED", guest.levels(LED), [1])
    expect("exit status of --list", status, 0)
    expect("the chip that it could not open", f"{guest.other.chip} could not be opened: Permission denied" in out, True)
    expect("the one that it could", f"{guest.header.chip} (pinctrl-bcm2835), 54 lines" in out, True)


@test("a link to a chip, as Raspberry Pi OS keeps gpiochip4, is that chip: served by that name, listed once, no line used twice")
def _(guest):
    guest.stop()
    os.symlink(guest.header.chip, "/dev/gpiochip4")
    try:
        guest.start(HTTAP_LINES=f"LED=GPIO17 RELAY={guest.header.chip}:27", HTTAP_GPIOCHIP="gpiochip4")
        expect_values(guest.daemon.post("/?", "LED=1&RELAY=1"), LED=1, RELAY=1)
        expect("levels of LED and RELAY", guest.levels(17, 27), [1, 1])
        guest.stop()
        expect("times that the header is listed", guest.ended("--list")[1].count("pinctrl-bcm2835"), 1)
        refused(guest, "LED and LAMP are the same line", HTTAP_LINES="LED=GPIO17 LAMP=gpiochip4:17")
    finally:
        os.unlink("/dev/gpiochip4")


# What kernels called these lines before they called all of them GPIO<n>.
OLD_NAMES = {2: "SDA1", 3: "SCL1", 7: "SPI_CE1_N", 8: "SPI_CE0_N", 9: "SPI_MISO", 10: "SPI_MOSI", 11: "SPI_SCLK", 14: "TXD1", 15: "RXD1"}


@test("lines 2, 3, 7 to 11, 14 and 15 are found by their number and by the name that an older kernel gives them")
def _(guest):
    guest.stop()
    header = "/sys/kernel/config/gpio-sim/header"
    rig.write(f"{header}/live", "0")
    for line, name in OLD_NAMES.items():
        rig.write(f"{header}/bank/line{line}/name", name)
    rig.write(f"{header}/live", "1")
    guest.header = Chip("header")
    for way in ("GPIO{0}", "{1}", "{0}"):
        guest.start(HTTAP_LINES=" ".join(f"L{line}={way.format(line, name)}" for line, name in OLD_NAMES.items()))
        for line, name in OLD_NAMES.items():
            expect_values(guest.daemon.post(f"/?L{line}", "1"), **{f"L{line}": 1})
            expect("levels", guest.levels(*OLD_NAMES), [int(other <= line) for other in OLD_NAMES])
        listed = json.loads(guest.daemon.get("/?list").body)
        expect("names and lines", {listed[f"L{line}"]["line"]: listed[f"L{line}"]["kernelName"] for line in OLD_NAMES}, OLD_NAMES)
    guest.stop()


# -------------------------------------------------------------------------------------------------------------------


def conformance(number):
    """The suite that every backend of gpio/chip.h passes, on a chip of its own; returns the number of its tests."""
    subprocess.run([f"{HERE}/gpio-sim", "make", "suite", "suite", "54"], check=True)
    done = subprocess.run([CHIP_TESTS, "/sys/kernel/config/gpio-sim/suite"], capture_output=True, text=True,
                          env={"TEMP": "/run", "CK_VERBOSITY": "silent", "CK_TAP_LOG_FILE_NAME": CHIP_LOG})
    # ok 1 - test_gpio_chip.c:every chip:an_input_tells_of_both_edges: Passed
    results = re.findall(r"^(ok|not ok) \d+ - (.*)$", rig.read(CHIP_LOG), re.MULTILINE) if os.path.exists(CHIP_LOG) else []
    for count, (result, text) in enumerate(results):
        sentence = text.removesuffix(": Passed").split(":every chip:")[-1].replace("_", " ")
        print(f"{result} {number + count} - chip: {sentence}")
    passed = done.returncode == 0 and all(result == "ok" for result, _ in results) and len(results) > 0
    print(f"{'ok' if passed else 'not ok'} {number + len(results)} - the suite of all chips ends without a failure")
    if not passed:
        print(*(f"# {line}" for line in (done.stdout + done.stderr).splitlines()), f"# exit status {done.returncode}", sep="\n")
    return len(results) + 1


def main():
    # Copies that belong to root and that others may reach, as after an installation: the originals may be anybody's.
    shutil.copy(sys.argv[1], HTTAPD)
    shutil.copytree(sys.argv[2], WWW)
    guest = Guest()
    count = tap.run(guest, guest.record.lines, guest.log)
    guest.stop()
    print(f"1..{count + conformance(count + 1)}", flush=True)


main()
