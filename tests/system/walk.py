# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""walk.py: what a user does with httapd's package on a machine with systemd and a gpiochip, and what happens to one. Runs as root
in the guest that `run` has prepared, and only there: it installs packages and takes chips away. Prints TAP. Tests run in the order
of this file, each on the machine that the one before left.
"""

import glob
import json
import os
import re
import signal
import socket
import subprocess
import time

import rig
import tap
from rig import Chip, Trace, until
from tap import expect, test

PORT = 80
LED, FORWARD, REVERSE = 17, 23, 24
FAILSAFE_MS = 300
DRIVEN = f"""HTTAP_LINES="
  LED=GPIO17
  FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms
  REVERSE=GPIO24,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms
"
"""
DEFAULTS = "/etc/default/httapd"

RECORD = []
TRACE = Trace()


def run(*command, status=0):
    """Runs a command, which must end with this status; returns what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    RECORD.extend([f"$ {' '.join(command)}", *done.stdout.splitlines()[-20:]])
    expect(f"exit status of {' '.join(command)}", done.returncode, status)
    return done.stdout


def journal():
    return subprocess.run(["journalctl", "-u", "httapd", "-o", "cat", "--no-pager"], capture_output=True, text=True).stdout


def diagnosis():
    return ["the journal:", *journal().splitlines()[-15:]]


def show(unit, name):
    return run("systemctl", "show", "--value", "-p", name, unit).strip()


def main_pid():
    return int(show("httapd.service", "MainPID"))


def curl(path, *more):
    return run("curl", "-sS", "--max-time", "10", *more, f"http://localhost{path}")


def serves():
    """Whether the daemon runs and answers; not by its socket, which would start it."""
    return show("httapd.service", "ActiveState") == "active"


class Driver:
    """Who drives FORWARD, over a connection of his own."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), rig.PATIENCE_S)
        for value in ("0", "1"):  # whoever drove before was stopped: let go first
            expect(f"FORWARD={value}", self.post("/?FORWARD", value), 200)

    def post(self, target, value):
        text = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(value)}\r\n\r\n{value}"
        self.socket.sendall(text.encode())
        return int(self.socket.recv(65536).split()[1])


def safe_within(header, since, most_ms, what):
    until(f"{what}: FORWARD is off", lambda: header.level(FORWARD) == 0)
    elapsed = (time.monotonic() - since) * 1000
    print(f"# {what}: FORWARD was off {elapsed:.0f} ms later", flush=True)
    expect(f"{what}: {elapsed:.0f} <= {most_ms} ms", elapsed <= most_ms, True)


# --- Installing -----------------------------------------------------------------------------------------------------


@test("apt installs the package, offline, and asks nothing")
def _(header):
    run("apt-get", "install", "-y", "--no-install-recommends", *glob.glob("/rig/httapd_*.deb"))
    expect("user httapd", run("id", "-nG", "httapd").strip(), "httapd")


@test("installed, its socket listens and starts nothing before somebody asks")
def _(header):
    expect("httapd.socket", run("systemctl", "is-active", "httapd.socket").strip(), "active")
    expect("httapd.service", show("httapd.service", "ActiveState"), "inactive")


@test("the first request starts it: GPIO17 follows /1 and /0")
def _(header):
    expect("GET /1", curl("/1"), "1")
    expect("level of LED", header.level(LED), 1)
    expect("GET /0", curl("/0"), "0")
    expect("level of LED", header.level(LED), 0)
    expect("GET /", "<!doctype html>" in curl("/"), True)


@test("it serves as the user httapd, in a jail")
def _(header):
    status = rig.read(f"/proc/{main_pid()}/status")
    uid = run("id", "-u", "httapd").strip()
    expect("its users", set(re.search(r"^Uid:\t(.*)$", status, re.MULTILINE)[1].split("\t")), {uid})
    expect("its root directory", os.readlink(f"/proc/{main_pid()}/root"), "/usr/share/httapd/www")


# --- Driving --------------------------------------------------------------------------------------------------------


@test("a new configuration counts after a restart, and lines of a variable may stand on several lines")
def _(header):
    with open(DEFAULTS, "w") as file:
        file.write(DRIVEN)
    run("systemctl", "restart", "httapd")
    expect("signals", list(json.loads(curl("/?list"))), ["LED", "FORWARD", "REVERSE"])


@test("kill -9 while driving: the motor's line is safe within a second, and the service is back")
def _(header):
    driver = Driver()
    expect("level of FORWARD", header.level(FORWARD), 1)
    victim = main_pid()
    TRACE.clear()
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    # This chip lets a line go that nobody holds; others keep it as it was. So what counts is that it was set.
    until("FORWARD is set to 0", lambda: TRACE.levels(header, FORWARD)[:1] == [0])
    safe_within(header, killed, 1000, "kill -9")
    driver.socket.close()
    until("it is back", lambda: serves() and main_pid() not in (0, victim))
    expect("FORWARD", curl("/?FORWARD"), '{"FORWARD":0}')


@test("systemctl stop while driving: the motor's line is safe, and no request brings the daemon back against its user's will")
def _(header):
    driver = Driver()
    TRACE.clear()
    stopped = time.monotonic()
    with subprocess.Popen(["systemctl", "stop", "httapd.socket", "httapd.service"]) as command:
        safe_within(header, stopped, 1000, "stop")
        expect("exit status of systemctl stop", command.wait(60), 0)
    expect("what FORWARD was set to first", TRACE.levels(header, FORWARD)[:1], [0])
    driver.socket.close()
    run("curl", "-sS", "http://localhost/", status=7)
    run("systemctl", "start", "httapd.service")
    expect("httapd.socket", run("systemctl", "is-active", "httapd.socket").strip(), "active")


@test("packets that are lost: the motor's line is safe when the failsafe has passed, and the connection lives on")
def _(header):
    driver = Driver()
    run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "100%")
    try:
        lost = time.monotonic()
        driver.socket.sendall(b"GET /?ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        safe_within(header, lost, FAILSAFE_MS + 150, "lost packets")
    finally:
        run("tc", "qdisc", "del", "dev", "lo", "root")
    expect("the ping that was lost and sent again", driver.socket.recv(65536).split()[1], b"200")
    expect("FORWARD stays off until it was let go", driver.post("/?FORWARD", "1"), 409)
    expect("let go", driver.post("/?FORWARD", "0"), 200)
    expect("and pressed", driver.post("/?FORWARD", "1"), 200)


@test("the chip is taken away while it serves: it ends with status 1, and is back when the chip is")
def _(header):
    victim = main_pid()
    rig.write("/sys/kernel/config/gpio-sim/header/live", "0")
    expect("status of a write", curl("/?LED", "-d", "1", "-o", "/dev/null", "-w", "%{http_code}"), "503")
    until("it ended", lambda: main_pid() != victim)
    until("it says why", lambda: "gone" in journal().lower())
    expect("how it ended", "status=1/FAILURE" in run("journalctl", "-u", "httapd", "--no-pager"), True)
    rig.write("/sys/kernel/config/gpio-sim/header/live", "1")
    until("it is back", serves)
    expect("GET /1", curl("/1"), "1")
    expect("level of LED", Chip("header").level(LED), 1)


@test("a bad value: systemctl status shows the line that helps, and nothing is tried again")
def _(header):
    with open(DEFAULTS, "w") as file:
        file.write('HTTAP_LINES="LED=GPIO17,glow"\n')
    run("systemctl", "restart", "httapd.service", status=1)
    text = run("systemctl", "status", "--no-pager", "httapd.service", status=3)
    expect("what helps", "HTTAP_LINES" in text and "glow" in text, True)
    expect("state", show("httapd.service", "ActiveState"), "failed")


# --------------------------------------------------------------------------------------------------------------------

print(f"1..{tap.run(Chip('header'), RECORD, diagnosis)}", flush=True)
