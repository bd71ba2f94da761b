# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""again.py: the walk goes on, on the machine that walk.py left, after it was started anew; and ends with the package's end."""

import glob
import os
import time

import tap
from machine import DEFAULTS, DRIVEN, FORWARD, RECORD, Driver, curl, diagnosis, journal, note, run, safe_within, serves, show, signals
from rig import Chip, until
from tap import expect, test

UNIT = "httapd.service"


@test("started anew, it serves without being asked, though its chip came late")
def _(header):
    until("it serves", serves)
    expect("what it waited for", "no Raspberry Pi header chip" in journal(), True)
    expect("signals", signals(), ["LED", "FORWARD", "REVERSE"])


@test("a package that is removed while it drives: the motor's line is safe, the configuration stays")
def _(header):
    driver = Driver()
    expect("level of FORWARD", header.level(FORWARD), 1)
    began = time.monotonic()
    run("apt-get", "remove", "-y", "httapd")
    safe_within(header, began, 60000, "remove")
    driver.leave()
    expect("units", run("systemctl", "list-units", "--no-legend", "httapd.service", "httapd.socket").strip(), "")
    run("curl", "-sS", "http://localhost/", status=7)
    with open(DEFAULTS) as file:
        expect("the configuration", file.read(), DRIVEN)


@test("installed again, it has its old configuration")
def _(header):
    run("apt-get", "install", "-y", *glob.glob("/rig/httapd_*.deb"))
    expect("signals", signals(), ["LED", "FORWARD", "REVERSE"])


@test("purged, nothing of it is left: no configuration, no user, no unit, no file")
def _(header):
    run("apt-get", "purge", "-y", "httapd")
    run("id", "httapd", status=1)
    left = run("find", "/etc", "/usr", "/var", "/run", "-xdev", "-name", "*httapd*", "-not", "-path", "/var/log/*",
               "-not", "-path", "/var/cache/*").split()
    expect("what is left", [path for path in left if not path.startswith("/run/systemd")], [])
    expect("state", show(UNIT, "LoadState"), "not-found")


@test("what programs embed installs and goes likewise")
def _(header):
    run("apt-get", "install", "-y", *glob.glob("/rig/libhttap-dev_*.deb"))
    expect("httap.h", os.path.exists("/usr/include/httap.h"), True)
    expect("libhttap.a", len(glob.glob("/usr/lib/*/libhttap.a")), 1)
    run("apt-get", "purge", "-y", "libhttap-dev")
    expect("httap.h", os.path.exists("/usr/include/httap.h"), False)


with open("/rig/tap") as file:
    before = sum(line.startswith(("ok ", "not ok ")) for line in file)
print(f"1..{before + tap.run(Chip('header'), RECORD, diagnosis)}", flush=True)
