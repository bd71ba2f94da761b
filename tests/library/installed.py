# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A fresh build of the tree, installed below a directory, and programs that are compiled against it and run."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

from client import Client
from tap import check, enlist, equal, wait_until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / "build-check" / "library"
WITHOUT = TOP / "build-check" / "library-without-files"
SMALL = TOP / "build-check" / "library-small"
ROOT = BUILD / "root"  # DESTDIR
PREFIX = ROOT / "opt" / "httap"  # not /usr/local: whatever is there must not be found instead
HEADER = PREFIX / "include" / "httap.h"
ARCHIVE = PREFIX / "lib" / "libhttap.a"
PAGE = PREFIX / "share" / "man" / "man3" / "httap.3"
EXAMPLES = PREFIX / "share" / "doc" / "httapd" / "examples"
PROGRAMS = BUILD / "programs"
COMPILERS = ("gcc", "clang")

_compiling = threading.Lock()
_compiled = {}

# What an administrator's shell may have set is not what these tests are about.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("HTTAP_", "PKG_CONFIG", "CFLAGS", "LDFLAGS"))}
ENVIRONMENT.update(PKG_CONFIG_LIBDIR=str(PREFIX / "lib" / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=str(ROOT))


def command(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="backslashreplace", check=False, env=options.pop("env", ENVIRONMENT), **options)


def output(*arguments, **options):
    """What a command prints that must succeed."""
    done = command(*arguments, **options)
    check(done.returncode == 0, "a command failed: " + " ".join(str(a) for a in arguments), printed=done.stdout[-3000:])
    return done.stdout


def configure(directory, *options, cflags="-g -O2"):
    """A new build directory."""
    shutil.rmtree(directory, ignore_errors=True)
    env = dict(ENVIRONMENT, CFLAGS=cflags, CC="gcc")
    del env["PKG_CONFIG_LIBDIR"], env["PKG_CONFIG_SYSROOT_DIR"]  # libgpiod and libsystemd are this machine's
    directory.mkdir(parents=True)
    return command(TOP / "configure", "--quiet", *options, cwd=directory, env=env)


def set_up():
    """None, or what went wrong. Fresh: no object of other flags or of another day."""
    for directory in (BUILD, WITHOUT):
        shutil.rmtree(directory, ignore_errors=True)
    made = command(TOP / "scripts" / "build", "build-check/library", "--quiet", "--prefix=/opt/httap",
                   env={n: v for n, v in ENVIRONMENT.items() if not n.startswith("PKG_CONFIG")})
    if made.returncode == 0:
        PROGRAMS.mkdir()
        made = command("make", "-s", "-C", BUILD, "install", f"DESTDIR={ROOT}")
    return made.stdout[-3000:] if made.returncode != 0 else None


def warnings():
    """The compiler's flags of Makefile.am, and that a warning is an error."""
    text = (TOP / "Makefile.am").read_text().replace("\\\n", " ")
    flags = re.search(r"^AM_CFLAGS = (.*)$", text, re.M)[1].split()
    check("-Wall" in flags and "-Wconversion" in flags, "the flags of Makefile.am", got=flags)
    return flags + ["-Werror"]


def compile_line(source):
    """What the head of an example tells a person to type, up to the first &&."""
    match = re.search(r"^ \*\t(cc .*?)(?: && .*)?$", source.read_text(), re.M)
    check(match, "an example says how it is compiled", source=source.name)
    return match[1]


def compile_example(name, compiler="gcc"):
    """By the line in its head, strictly, once. The program."""
    with _compiling:
        if (name, compiler) not in _compiled:
            _compiled[name, compiler] = _compile_example(name, compiler)
        return _compiled[name, compiler]


def _compile_example(name, compiler):
    directory = PROGRAMS / compiler
    directory.mkdir(exist_ok=True)
    source = EXAMPLES / f"{name}.c"
    shutil.copy(source, directory)
    line = compile_line(source).replace("cc ", f"{compiler} -g -O2 {' '.join(warnings())} ", 1)
    output("sh", "-c", line, cwd=directory)
    return directory / name


def compile_text(name, text, compiler="gcc", flags=()):
    """A program of a few lines."""
    source = PROGRAMS / f"{name}{'.cc' if '++' in compiler else '.c'}"
    source.write_text(text)
    output("sh", "-c", f"{compiler} {' '.join(flags)} {source} -o {PROGRAMS / name} $(pkg-config --cflags --libs httap)")
    return PROGRAMS / name


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """An example that runs, in the directory where its page lies."""

    def __init__(self, path, cwd=EXAMPLES, tracer=(), **variables):
        port = free_port()
        self.address = ("127.0.0.1", port)
        self.log = PROGRAMS / f"{path.name}.log"
        env = dict(ENVIRONMENT, HTTAP_TCPPORT=str(port))
        env.update({f"HTTAP_{name}": value for name, value in variables.items()})
        with open(self.log, "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([*tracer, str(path)], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        enlist(self)
        try:
            wait_until(self._answers, f"{path.name} serves", 10)
        except BaseException:
            self.kill()
            raise

    def _answers(self):
        check(self.process.poll() is None, "the program ended", status=self.process.poll())
        try:
            with Client(self) as client:
                return client.ask().status == 200
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def testimony(self):
        return [f"the program printed: {self.said()!r}"]

    def said(self):
        return self.log.read_text(errors="backslashreplace")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self, with_signal):
        """Asks it to end, and says with which status it did."""
        self.process.send_signal(with_signal)
        return self.process.wait(10)

    def scheduled(self):
        """Seconds that it had the processor, and that it wanted and others had it (proc(5), schedstat)."""
        used, waited, _ = pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        return int(used) / 1e9, int(waited) / 1e9

    def must_rest(self):
        """It waits in the kernel, and does so without being woken in vain. Other work of the machine doesn't count."""
        before, began = self.scheduled()[0], time.monotonic()
        time.sleep(0.5)
        share = (self.scheduled()[0] - before) / (time.monotonic() - began)
        check(share < 0.02, "the program uses the processor though nobody asks for anything", share=share)


def api():
    """The functions that httap.h declares, by name, with their declarations."""
    text = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(), flags=re.S)
    found = {m[2]: m[1] for m in re.finditer(r"^HTTAP_API (.*?\b(httap_\w+)\(.*?\));", text, re.M | re.S)}
    check(len(found) > 15, "httap.h declares functions", got=sorted(found))
    return found


def must_be_same(got, expected, what):
    """Two sets of names."""
    got, expected = set(got), set(expected)
    equal(sorted(got - expected), [], f"{what}: too many")
    equal(sorted(expected - got), [], f"{what}: missing")
