# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""walk.py: what a user does with httapd's package on a machine with systemd and a gpiochip, and what happens to one. Runs as root
in the guest that `run` has prepared, and only there: it installs packages and takes chips away. Prints TAP. Tests run in the order
of this file, each on the machine that the one before left; after it the machine is started anew, for again.py.
"""

import glob
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request

import rig
import tap
from machine import (DEFAULTS, DRIVEN, FAILSAFE_MS, FORWARD, LED, RECORD, Driver, back_after, configure, curl, diagnosis,
                     http_status, journal, main_pid, note, run, safe_within, serves, show, signals, status_of)
from rig import Chip, Trace, until
from tap import expect, test

TRACE = Trace()
UNIT = "httapd.service"

# --- Installing -----------------------------------------------------------------------------------------------------


@test("apt installs the package, offline, and asks nothing")
def _(header):
    run("apt-get", "install", "-y", "--no-install-recommends", *glob.glob("/rig/httapd_*.deb"))
    expect("groups of the user httapd", run("id", "-nG", "httapd").strip(), "httapd")


@test("installed, its socket listens and starts nothing before somebody asks; no line moved")
def _(header):
    expect("httapd.socket", run("systemctl", "is-active", "httapd.socket").strip(), "active")
    expect("httapd.socket at the next start", run("systemctl", "is-enabled", "httapd.socket").strip(), "enabled")
    expect("httapd.service", show(UNIT, "ActiveState"), "inactive")
    expect("what happened to lines", TRACE.all(header), [])


@test("the first request starts it: GPIO17 follows /1 and /0")
def _(header):
    began = time.monotonic()
    expect("GET /1", curl("/1"), "1")
    note(f"from the first packet to the first reply: {(time.monotonic() - began) * 1000:.0f} ms, with what starting curl takes")
    expect("level of LED", header.level(LED), 1)
    expect("GET /0", curl("/0"), "0")
    expect("level of LED", header.level(LED), 0)
    expect("GET /", "<!doctype html>" in curl("/"), True)


@test("it is found under the machine's own names, and under no other")
def _(header):
    for host in ("raspberrypi", "raspberrypi.local", "192.0.2.7", "[::1]"):
        expect(f"status for {host}", http_status("/", "-H", f"Host: {host}"), "200")
    expect("status for a foreign host", http_status("/", "-H", "Host: rebind.example"), "421")
    expect("over IPv6", curl("/0", "-6"), "0")


@test("the network finds it by avahi")
def _(header):
    run("systemctl", "restart", "avahi-daemon")
    until("avahi says so", lambda: "httapd.service) successfully established" in run("journalctl", "-u", "avahi-daemon", "--no-pager"))


# --- What it may ----------------------------------------------------------------------------------------------------


@test("it serves as the user httapd, in a jail and a sandbox")
def _(header):
    pid = main_pid()
    uid = run("id", "-u", "httapd").strip()
    expect("its users", set(status_of(pid, "Uid").split()), {uid})
    expect("its further groups", status_of(pid, "Groups").split(), [])
    expect("its root directory", os.readlink(f"/proc/{pid}/root"), "/usr/share/httapd/www")
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        expect(field, int(status_of(pid, field), 16), 0)
    expect("NoNewPrivs", status_of(pid, "NoNewPrivs"), "1")
    expect("Seccomp", status_of(pid, "Seccomp"), "2")
    expect("what it says of its sandbox", "sandbox" in journal(), False)
    expect("network interfaces that it sees", rig.read(f"/proc/{pid}/net/dev").count(":"), 1)


@test("systemd-analyze security: 1.5 or less")
def _(header):
    exposure = run("systemd-analyze", "security", "--no-pager", UNIT).splitlines()[-1]
    note(exposure.encode("ascii", "ignore").decode().strip())
    expect("exposure", float(exposure.split(": ")[1].split()[0]) <= 1.5, True)


@test("its private memory is less than 1 MB")
def _(header):
    private = int(status_of(main_pid(), "RssAnon").split()[0])
    note(f"private memory: {private} kB")
    expect("less than 1024 kB", private < 1024, True)


# --- Driving --------------------------------------------------------------------------------------------------------


@test("a new configuration counts after a restart, and its lines may stand on lines of their own")
def _(header):
    configure(DRIVEN)
    run("systemctl", "restart", UNIT)
    expect("signals", signals(), ["LED", "FORWARD", "REVERSE"])


@test("systemctl status shows values and who drives; the journal shows what moved, and by whom")
def _(header):
    driver = Driver()
    until("the status", lambda: "driven by 127.0.0.1: LED=0 FORWARD=1" in show(UNIT, "StatusText") or driver.post("/?FORWARD", "1") != 200)
    driver.leave()
    until("the journal", lambda: "FORWARD 0 -> 1 by 127.0.0.1" in journal())


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
    driver.leave()
    back_after(victim)
    expect("FORWARD", curl("/?FORWARD"), '{"FORWARD":0}')


@test("a daemon that hangs while driving is ended by the watchdog, and the motor's line is safe then")
def _(header):
    driver = Driver()
    victim = main_pid()
    TRACE.clear()
    os.kill(victim, signal.SIGSTOP)
    hung = time.monotonic()
    until("FORWARD is set to 0", lambda: TRACE.levels(header, FORWARD)[:1] == [0])
    safe_within(header, hung, 5000, "watchdog")
    driver.leave()
    back_after(victim)


@test("systemctl stop while driving: the motor's line is safe, and no request brings the daemon back against its user's will")
def _(header):
    driver = Driver()
    TRACE.clear()
    stopped = time.monotonic()
    with subprocess.Popen(["systemctl", "stop", "httapd.socket", UNIT]) as command:
        safe_within(header, stopped, 1000, "stop")
        expect("exit status of systemctl stop", command.wait(60), 0)
    expect("what FORWARD was set to first", TRACE.levels(header, FORWARD)[:1], [0])
    driver.leave()
    run("curl", "-sS", "http://localhost/", status=7)
    run("systemctl", "start", UNIT)
    expect("httapd.socket", run("systemctl", "is-active", "httapd.socket").strip(), "active")


@test("packets that are lost: the motor's line is safe when the failsafe has passed, and the connection lives on")
def _(header):
    driver = Driver()
    run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "100%")
    try:
        lost = time.monotonic()
        driver.socket.sendall(b"GET /?ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        safe_within(header, lost, FAILSAFE_MS + 600, "lost packets")
    finally:
        run("tc", "qdisc", "del", "dev", "lo", "root")
    expect("the ping that was lost and sent again", driver.socket.recv(65536).split()[1], b"200")
    expect("FORWARD stays off until it was let go", driver.post("/?FORWARD", "1"), 409)
    expect("let go", driver.post("/?FORWARD", "0"), 200)
    expect("and pressed", driver.post("/?FORWARD", "1"), 200)
    driver.leave()


# --- What happens ---------------------------------------------------------------------------------------------------


@test("restarts under load refuse no connection; at most one that was just being opened is closed, and may ask again")
def _(header):
    answered, closed, done = [], [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                with urllib.request.urlopen("http://127.0.0.1/?LED", timeout=rig.PATIENCE_S) as reply:
                    answered.append(reply.status)
            except OSError as error:
                closed.append(error)

    restarts = 3
    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(restarts):
        before = len(answered)
        run("systemctl", "restart", UNIT)
        until("requests go on", lambda: len(answered) > before + 3)
    done.set()
    thread.join()
    note(f"{restarts} restarts: {len(answered)} requests answered, {len(closed)} not")
    expect("connections that were refused", [str(e) for e in closed if "refused" in str(e)], [])
    expect("at most one for each restart", len(closed) <= restarts, True)


@test("the chip is taken away while it serves: it ends with status 1, and is back when the chip is")
def _(header):
    victim = main_pid()
    rig.write("/sys/kernel/config/gpio-sim/header/live", "0")
    expect("status of a write", http_status("/?LED", "-d", "1"), "503")
    until("it ended", lambda: main_pid() != victim)
    until("it says why", lambda: "a GPIO chip is gone" in journal())
    expect("how it ended", "status=1/FAILURE" in run("journalctl", "-u", "httapd", "--no-pager"), True)
    rig.write("/sys/kernel/config/gpio-sim/header/live", "1")
    until("it is back", serves)
    expect("GET /1", curl("/1"), "1")
    expect("level of LED", Chip("header").level(LED), 1)


@test("a bad value: systemctl status shows the line that helps, and nothing is tried again")
def _(header):
    configure('HTTAP_LINES="LED=GPIO17,glow"\n')
    run("systemctl", "restart", UNIT, status=1)
    text = run("systemctl", "status", "--no-pager", UNIT, status=3)
    expect("what helps", "HTTAP_LINES" in text and "glow" in text, True)
    expect("state", show(UNIT, "ActiveState"), "failed")
    configure(DRIVEN)
    run("systemctl", "reset-failed", UNIT, "httapd.socket")
    run("systemctl", "restart", "httapd.socket", UNIT)


@test("its socket may be one of this machine alone, for a proxy")
def _(header):
    os.makedirs("/etc/systemd/system/httapd.socket.d")
    rig.write("/etc/systemd/system/httapd.socket.d/proxy.conf", "[Socket]\nListenStream=\nListenStream=/run/httapd/http\nNoDelay=no\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", "httapd.socket", UNIT)
    run("systemctl", "start", "httapd.socket")
    expect("GET /?LED", json.loads(curl("/?LED", "--unix-socket", "/run/httapd/http")), {"LED": 0})
    run("curl", "-sS", "http://localhost/", status=7)
    os.remove("/etc/systemd/system/httapd.socket.d/proxy.conf")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", "httapd.socket", UNIT)
    run("systemctl", "start", UNIT)
    expect("GET /?LED", json.loads(curl("/?LED")), {"LED": 0})


# --- Another version ------------------------------------------------------------------------------------------------


@test("an upgrade keeps the configuration, and goes on serving with the new version")
def _(header):
    victim = main_pid()
    run("apt-get", "install", "-y", "--reinstall", *glob.glob("/rig/httapd_*.deb"))
    back_after(victim)
    expect("the configuration", rig.read(DEFAULTS), DRIVEN.strip())
    expect("signals", signals(), ["LED", "FORWARD", "REVERSE"])


@test("enabled, it shall be there after the machine was started anew")
def _(header):
    run("systemctl", "enable", UNIT)


print(f"# {tap.run(Chip('header'), RECORD, diagnosis)} before the machine was started anew", flush=True)
