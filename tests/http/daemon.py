# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Starts the real daemon on a simulated chip, looks into /proc, stops it, and judges what it said on stderr."""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import tools
from client import Client
from tap import Failure, Skip, check, enlist, wait_until

LINES = """
    LED=GPIO17 LEFT=GPIO27 RIGHT=GPIO22 MOTOR.LEFT=GPIO23 MOTOR.RIGHT=GPIO24 MOTOR.FAN.A=GPIO25 LAMP=GPIO5,active-low
    BUTTON=GPIO6,input,bias=pull-up HELD=GPIO7,initial=1,safe=1 KEPT=GPIO8,safe=keep
"""
AT_REST = {"LED": 0, "LEFT": 0, "RIGHT": 0, "MOTOR.LEFT": 0, "MOTOR.RIGHT": 0, "MOTOR.FAN.A": 0, "LAMP": 0, "BUTTON": 1,
           "HELD": 1, "KEPT": 0}
EVERY_LINE = "/?" + ",".join(AT_REST)
INDEX = b"<!DOCTYPE html><title>root page</title>\n"
IS_ROOT = os.geteuid() == 0
SERVING = re.compile(rb"httapd: serving http://localhost:(\d+)/ on port \1\n")
SAID = re.compile(r"httapd: [ -~]+")

_lock = threading.Lock()
_setup = {}
judged = []  # every daemon that was stopped and found in order


def set_up(build):
    """Where the binary is, where logs go, and where static roots are made."""
    _setup["httapd"] = str(pathlib.Path(build).resolve() / "httapd")
    logs = pathlib.Path(build).resolve() / "http-tests"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    _setup["logs"] = logs
    tools.set_up(logs)
    _setup["scratch"] = tempfile.TemporaryDirectory(prefix="httapd-")
    os.chmod(_setup["scratch"].name, 0o755)
    _setup["number"] = 0
    _setup["sanitized"] = b"__ubsan_" in pathlib.Path(_setup["httapd"]).read_bytes()


def clean_up():
    _setup["scratch"].cleanup()


def binary():
    return _setup["httapd"]


def is_sanitized():
    return _setup["sanitized"]


def need_root():
    if not IS_ROOT:
        raise Skip("not root")


def _number():
    with _lock:
        _setup["number"] += 1
        return _setup["number"]


def scratch():
    """A directory of its own for what a test needs."""
    return pathlib.Path(tempfile.mkdtemp(dir=_setup["scratch"].name))


def new_root():
    """A static root with its root page, which every user may read."""
    root = scratch()
    root.chmod(0o755)
    (root / "index.html").write_bytes(INDEX)
    return root


def environment(**variables):
    """A clean environment with HTTAP_ variables; keys are without that prefix, None leaves one out."""
    values = {"GPIOCHIP": "sim", "TCPPORT": "0", "LINES": LINES, "USER": "nobody" if IS_ROOT else None}
    values.update(variables)
    env = {f"HTTAP_{name}": str(value) for name, value in values.items() if value is not None}
    env["PATH"] = os.environ.get("PATH", "/usr/bin:/bin")
    # The leak check needs /proc, which is not there after chroot.
    env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=0" if IS_ROOT else "abort_on_error=0"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return env


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*arguments, env=None, seconds=10, **options):
    """The daemon as a command that ends by itself."""
    return subprocess.run([binary(), *arguments], env=env or environment(), capture_output=True, timeout=seconds, check=False,
                          text=True, errors="backslashreplace", **options)


class Daemon:
    """A daemon that serves. `command` and `more_env` are for starting it by other means."""

    def __init__(self, root=None, command=None, more_env=None, stderr=None, announces=True, pass_fds=(), starts_within=10, **variables):
        self.root = root or new_root()
        self.log = _setup["logs"] / f"{_number():03}.log"
        self.own_log = stderr is None
        self.announces = announces
        self.stopped = False
        variables.setdefault("STATICPATH", self.root)
        self.variables = variables
        env = environment(**variables)
        env.update(more_env or {})
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command or [binary()], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=stderr if stderr is not None else log, pass_fds=pass_fds)
        self.pid = self.process.pid
        self.address = None
        enlist(self)
        if announces:
            self._await_announcement(starts_within)
            self.at_rest = self.descriptors()  # without a connection

    def await_serving(self, address):
        """For one that does not announce itself: waits until it answers there."""
        self.address = address

        def serves():
            check(self.process.poll() is None, "the daemon ended", status=self.process.poll())
            try:
                with Client(self) as client:
                    return client.ask().status == 200
            except OSError:
                return False
        wait_until(serves, "the daemon serves")
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and not self.stopped:
            self.stop()
        else:
            self.kill()

    def testimony(self):
        said = self.said().splitlines()
        return [f"the daemon's log: {self.log}"] + [f"  {line}" for line in said[:6] + (["..."] + said[-20:] if len(said) > 6 else [])]

    def said(self):
        return self.log.read_text(errors="backslashreplace")

    def _await_announcement(self, seconds):
        line, end = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            byte = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not byte:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(2)  # it has closed its output, and is about to end
                self.kill()
                raise Failure("the daemon did not say where it serves", status=self.process.poll(), stderr=self.said(), stdout=line)
            line += byte
        match = SERVING.fullmatch(line)
        check(match, "the line that says where it serves", got=line)
        self.address = ("127.0.0.1", int(match[1]))

    # --- What can be seen from outside

    def status(self, name):
        """A line of /proc/PID/status."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
        raise Failure(f"/proc/PID/status has no {name}")

    def memory(self):
        """Private memory in kB."""
        return int(self.status("RssAnon").split()[0])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def must_have_descriptors(self, connections=0):
        """As many as at the start, and one for each connection that is open."""
        count = self.at_rest + connections
        wait_until(lambda: self.descriptors() == count, f"the daemon has {count} descriptors")

    def cpu_ticks(self):
        numbers = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(numbers[11]) + int(numbers[12])

    def ran_ms(self):
        """How long it has run on a core, to the nanosecond."""
        return int(pathlib.Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def must_sleep(self):
        """Like must_be_idle(), in a fifth of the time: a loop that turns runs for most of it, and one that wakes up now and then for
        some microseconds."""
        before = self.ran_ms()
        time.sleep(0.2)
        spent = self.ran_ms() - before
        check(spent < 5, "the daemon runs though nobody asks for anything", milliseconds=spent)

    def must_be_idle(self):
        """A second of silence costs at most one tick."""
        before = self.cpu_ticks()
        time.sleep(1)
        spent = self.cpu_ticks() - before
        check(spent <= 1, "the daemon uses the processor though nobody asks for anything", ticks=spent)

    def values(self):
        with Client(self) as client:
            return client.ask(target=EVERY_LINE).json()

    def must_be_at_rest(self):
        values = self.values()
        check(values == AT_REST, "no line has moved", got={n: v for n, v in values.items() if AT_REST.get(n) != v})

    # --- The end

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self, with_signal=signal.SIGTERM):
        """Ends it, and judges how it ended: by itself, with status 0, and without a word that is not its own."""
        ended = self.process.poll()
        self.stopped = True
        if ended is None:
            self.process.send_signal(with_signal)
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("the daemon did not end within 10 s of SIGTERM") from None
        rest = self.process.stdout.read()
        self.process.stdout.close()
        check(ended is None, "the daemon ended by itself", status=status)
        check(status == 0, "the daemon ended with another status than 0", status=status)
        check(rest == b"" or (not self.announces and SERVING.fullmatch(rest)), "the daemon printed more than where it serves", got=rest)
        if self.own_log:
            strange = [line for line in self.said().split("\n")[:-1] if not SAID.fullmatch(line)]
            check(not strange and self.said()[-1:] in ("", "\n"), "stderr has lines that are not the daemon's", got=strange[:10])
        with _lock:
            judged.append(self.pid)


# Makes the given descriptors 3, 4, ... and becomes the daemon, as a service manager does.
_SHIM = """
import os, sys
numbers = [int(fd) for fd in sys.argv[3:]]
for i, fd in enumerate(numbers):
    if fd >= 0:
        os.dup2(fd, 100 + i)
os.closerange(3, 100)
for i, fd in enumerate(numbers):
    if fd >= 0:
        os.dup2(100 + i, 3 + i)
os.closerange(100, 256)
if sys.argv[1] != "none":
    os.environ["LISTEN_PID"] = str(os.getpid()) if sys.argv[1] == "own" else sys.argv[1]
os.execv(sys.argv[2], [sys.argv[2]])
"""


def handed_over(sockets, pid="own", count=None, **more_env):
    """How to start a daemon that is handed these sockets; None is a descriptor that is closed."""
    numbers = [s.fileno() if s else -1 for s in sockets]
    env = {"LISTEN_FDS": str(len(sockets) if count is None else count), **more_env}
    command = [sys.executable, "-I", "-c", _SHIM, pid, binary()] + [str(n) for n in numbers]
    return {"command": command, "more_env": env, "pass_fds": [n for n in numbers if n >= 0], "announces": False}


def listener(address=("127.0.0.1", 0), family=socket.AF_INET):
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.bind(address)
    bound.listen()
    return bound
