# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The guest's instruments, with nothing but Python's standard library and the kernel: what the lines really do (sysfs of
gpio-sim, trace events), who holds them (ioctl), and a daemon with a client that keep a record for the diagnosis. Nothing in
here uses libgpiod or believes the daemon: these are the judges.
"""

import fcntl
import glob
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time

PATIENCE_S = 10  # for whatever should take milliseconds: the guest is slow, and its host may be busy


def read(path):
    with open(path) as file:
        return file.read().strip()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def until(what, condition):
    """Waits until condition() is true; what is said when it never becomes so."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S} s for nothing: {what}")
        time.sleep(0.01)


# --- Chips ---------------------------------------------------------------------------------------------------------

# <linux/gpio.h>: struct gpio_v2_line_info is name, consumer, offset, ..., flags; struct gpio_v2_line_request is 64
# offsets, consumer, a configuration that begins with flags, num_lines, event_buffer_size, padding, fd.
LINE_INFO_SIZE = 256
GET_LINEINFO = 0xC100B405
LINE_REQUEST_SIZE = 592
GET_LINE = 0xC250B407

FLAGS = {"used": 1 << 0, "input": 1 << 2, "output": 1 << 3, "open-drain": 1 << 6, "open-source": 1 << 7, "pull-up": 1 << 8,
         "pull-down": 1 << 9, "bias-off": 1 << 10}


class Chip:
    """A chip of gpio-sim, found by its directory in configfs, and whatever number it has now."""

    def __init__(self, name):
        configuration = f"/sys/kernel/config/gpio-sim/{name}"
        self.label = read(f"{configuration}/bank/label")
        self.chip = read(f"{configuration}/bank/chip_name")
        self.sysfs = f"/sys/devices/platform/{read(f'{configuration}/dev_name')}/{self.chip}"

    def level(self, offset):
        """The electrical level, 0 or 1."""
        return int(read(f"{self.sysfs}/sim_gpio{offset}/value"))

    def pull(self, offset, way=None):
        """What holds the line when nobody drives it: says so, or moves it to "pull-up" or "pull-down"."""
        path = f"{self.sysfs}/sim_gpio{offset}/pull"
        if way is not None:
            write(path, way)
        return read(path)

    def line(self, offset):
        """Consumer and set of flags of a line, from the kernel."""
        info = bytearray(LINE_INFO_SIZE)
        struct.pack_into("I", info, 64, offset)
        with open(f"/dev/{self.chip}", "rb", buffering=0) as device:
            fcntl.ioctl(device, GET_LINEINFO, info)
        flags = struct.unpack_from("Q", info, 72)[0]
        consumer = bytes(info[32:64]).split(b"\0")[0].decode()
        return consumer, {name for name, bit in FLAGS.items() if flags & bit}

    def hold(self, offset, consumer):
        """Holds a line as an input, until the descriptor that is returned is closed."""
        request = bytearray(LINE_REQUEST_SIZE)
        struct.pack_into("I", request, 0, offset)
        struct.pack_into("32s", request, 256, consumer.encode())
        struct.pack_into("Q", request, 288, FLAGS["input"])
        struct.pack_into("I", request, 560, 1)
        with open(f"/dev/{self.chip}", "rb", buffering=0) as device:
            fcntl.ioctl(device, GET_LINE, request)
        return struct.unpack_from("i", request, 588)[0]


class Trace:
    """Every level that was set and every direction that was chosen, in order, as the kernel saw it."""

    BASE = "/sys/kernel/tracing"

    def __init__(self):
        write(f"{self.BASE}/events/gpio/enable", "1")

    def clear(self):
        write(f"{self.BASE}/trace", "")

    def all(self, chip):
        """(offset, "set" or "in" or "out", electrical level or None) of one chip since the last clear()."""
        for directory in glob.glob("/sys/class/gpio/gpiochip*"):
            if read(f"{directory}/label") == chip.label:
                base = int(read(f"{directory}/base"))
                end = base + int(read(f"{directory}/ngpio"))
        found = []
        for event in re.finditer(r"gpio_(?:value|direction): +(\d+) +(set|in|out) +\(?(-?\d+)", read(f"{self.BASE}/trace")):
            number, what, value = int(event[1]), event[2], int(event[3])
            if base <= number < end:
                found.append((number - base, what, value if what == "set" else None))
        return found

    def levels(self, chip, offset):
        """The levels that were set on one line, in order."""
        return [value for line, what, value in self.all(chip) if line == offset and what == "set"]

    def directions(self, chip, offset):
        """The ways in which one line was turned, "in" or "out", in order."""
        return [what for line, what, _ in self.all(chip) if line == offset and what != "set"]


# --- The daemon ----------------------------------------------------------------------------------------------------


def become(uid):
    """Arguments of subprocess: root with further groups, so that it is seen whether they were dropped; or another user."""
    return {"extra_groups": [4, 20, 24]} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __str__(self):
        return f"{self.status} {self.body!r}"


class Record:
    """What went over the wire and what the daemon said, for the test that runs now."""

    def __init__(self):
        self.lines = []

    def add(self, what, text):
        self.lines += [f"{what}: {line}" for line in str(text).splitlines()]


def ended(httapd, record, arguments=(), uid=None, **environment):
    """Runs httapd until it ends, as root or as the user `uid`; returns its exit status, standard output and standard error."""
    record.add("started", f"httapd {' '.join(arguments)} {environment}")
    done = subprocess.run([httapd, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
                          **become(uid))
    record.add("stdout", done.stdout)
    record.add("stderr", done.stderr)
    record.add("exit status", done.returncode)
    return done.returncode, done.stdout, done.stderr


class Daemon:
    """A httapd that serves, started by root or by the user `uid`."""

    # Puts the socket where systemd would, and becomes the daemon: the variable must hold the daemon's own process id.
    ACTIVATE = """
import os, sys
listener = int(sys.argv[1])
if listener != 3:
    os.dup2(listener, 3)
    os.close(listener)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""

    def __init__(self, httapd, record, listener=None, uid=None, **environment):
        record.add("started", f"httapd {environment}")
        self.record = record
        self.errors = open("/run/httapd.stderr", "w+")
        command, handed_over = [httapd], []
        if listener is not None:
            handed_over = [listener.fileno()]
            command = [sys.executable, "-c", self.ACTIVATE, str(listener.fileno()), httapd]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.errors,
                                        stdin=subprocess.DEVNULL, pass_fds=handed_over, **become(uid))
        self.port = self.read_port() if listener is None else listener.getsockname()[1]

    def read_port(self):
        """The port from the line that the daemon prints when it serves."""
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline().decode() if ready else ""
        found = re.search(r" on port (\d+)$", line.strip())
        if not found:
            status = self.kill()
            raise AssertionError(f"no line ending in a port on standard output, but {line!r}; ended with {status}; "
                                 f"standard error: {self.stderr()!r}")
        return int(found[1])

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        return read(self.errors.name)

    def request(self, method, target, body=None):
        text = f"{method} {target} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
        if body is not None:
            text += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        text += "Connection: close\r\n\r\n" + (body or "")
        self.record.add("sent", f"{method} {target} {body if body is not None else ''}")
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
            connection.sendall(text.encode())
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, content = data.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        fields = dict(field.split(": ", 1) for field in fields)
        self.record.add("came back", f"{first} {content[:200]!r}")
        return Reply(int(first.split()[1]), fields, content)

    def get(self, target):
        return self.request("GET", target)

    def post(self, target, body):
        return self.request("POST", target, body)

    def end(self, how=signal.SIGTERM):
        """Tells the daemon to end; returns its exit status (None when it didn't listen)."""
        self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        """Makes sure that it is gone; returns its exit status."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait(PATIENCE_S)
