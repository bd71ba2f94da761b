# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The machine of the walk, as its user sees it: commands, journal, chip, and who drives. For the guest that `run` has prepared, and
only there."""

import json
import re
import socket
import subprocess
import time

import rig
from rig import until
from tap import expect

PORT = 80
LED, FORWARD = 17, 23
FAILSAFE_MS = 300
DEFAULTS = "/etc/default/httapd"
DRIVEN = f"""HTTAP_LINES="
  LED=GPIO17
  FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms
  REVERSE=GPIO24,failsafe={FAILSAFE_MS}ms,interlock=throttle,dead-time=20ms
"
"""

RECORD = []


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


def status_of(pid, field):
    return re.search(rf"^{field}:\t(.*)$", rig.read(f"/proc/{pid}/status"), re.MULTILINE)[1]


def curl(path, *more):
    return run("curl", "-sS", "--max-time", "10", *more, f"http://localhost{path}")


def http_status(path, *more):
    return curl(path, "-o", "/dev/null", "-w", "%{http_code}", *more)


def serves():
    """Whether the daemon runs; not by its socket, which would start it."""
    return show("httapd.service", "ActiveState") == "active"


def back_after(victim):
    until("it is back", lambda: serves() and main_pid() not in (0, victim))


def configure(text):
    with open(DEFAULTS, "w") as file:
        file.write(text)


def signals():
    return list(json.loads(curl("/?list")))


def note(text):
    print(f"# {text}", flush=True)


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

    def leave(self):
        self.socket.close()


def safe_within(header, since, most_ms, what):
    until(f"{what}: FORWARD is off", lambda: header.level(FORWARD) == 0)
    elapsed = (time.monotonic() - since) * 1000
    note(f"{what}: FORWARD was off {elapsed:.0f} ms later")
    expect(f"{what}: {elapsed:.0f} <= {most_ms} ms", elapsed <= most_ms, True)
