# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The programs and libraries in C that belong to tests, compiled when they are first asked for."""
import pathlib
import subprocess
import threading

from tap import check

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"]

_lock = threading.Lock()
_setup = {}


def set_up(directory):
    _setup["directory"] = directory


def built(name, *flags):
    """The path of what tests/http/NAME.c became."""
    path = _setup["directory"] / name
    with _lock:
        if not path.exists():
            made = subprocess.run(["cc", *FLAGS, *flags, "-o", str(path), str(HERE / f"{name}.c")], capture_output=True, check=False)
            check(made.returncode == 0, f"{name}.c compiles", said=made.stderr.decode(errors="replace"))
    return str(path)


def preloaded(name):
    """The environment with which tests/http/NAME.c stands before libc in a program."""
    return {"LD_PRELOAD": built(name, "-shared", "-fPIC")}
