#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""soak.py PLAIN CHECKED MINUTES: a mixed load for so long on two daemons at the same time, PLAIN as it is built by default and CHECKED under
valgrind. Every reply is judged. Each time a thirtieth of the time has passed all connections are closed, and then the daemon must have the
descriptors that it had at its start, and, after the first tenth, no more memory. Prints what was found, and a line `ok` or `not ok` for each
claim.
"""
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import sys
import time

import daemon as daemons
from client import Client, ask, request
from daemon import Daemon
from events import Listener
from tap import Failure, check, equal, wait_until

NOBODY = 65534
FAILSAFE_MS = 100
CONNECTIONS = 32
LINES = (f"LED=GPIO17 LAMP=GPIO5,active-low PUMP=GPIO6,max-on=2s HELD=GPIO7,initial=1,safe=1 FORWARD=GPIO23,failsafe={FAILSAFE_MS}ms,interlock=t "
         f"REVERSE=GPIO24,failsafe={FAILSAFE_MS}ms,interlock=t BUTTON=GPIO8,input")
SIZES = {"empty.txt": 0, "small.html": 700, "page.css": 9000, "inline.js": 16384, "over.js": 16385, "large.bin": 300000}
SAMPLES, WARM = 30, 3
GROWTH_KB = 64


def content(name):
    return bytes(random.Random(name).randbytes(SIZES[name]))


def make_root():
    root = daemons.new_root()
    for name in SIZES:
        (root / name).write_bytes(content(name))
    (root / "page.css.gz").write_bytes(b"compressed")
    (root / "sub").mkdir(mode=0o755)
    (root / "sub" / "small.html").write_bytes(content("small.html"))
    return root


class Load:
    """What people and machines do with a daemon, one act after the other."""

    def __init__(self, daemon, patience):
        self.daemon, self.patience = daemon, patience
        self.order = random.Random(20042)
        self.kept, self.acts, self.requests = [], {}, 0

    def one(self):
        """One of those who stay."""
        if len(self.kept) < 8:
            self.kept.append(Client(self.daemon))
        return self.order.choice(self.kept)

    def leave(self):
        for client in self.kept:
            client.close()
        self.kept = []

    def ask(self, client, *arguments, status=200, **more):
        reply = client.ask(*arguments, **more)
        self.requests += 1
        equal(reply.status, status, f"the status of {arguments or 'a ping'}: {reply}")
        return reply

    # --- The acts

    def writes(self):
        client = self.one()
        for value in "10":
            equal(self.ask(client, "POST", "/?LED", body=value).json(), {"LED": int(value)}, "what was written")
            equal(self.ask(client, target="/?LED,LAMP").json()["LED"], int(value), "what is read")
        equal(self.ask(client, target="/1").body, b"1", "by GET")

    def forms(self):
        body = "LED=1&LAMP=toggle&HELD=0"
        lamp = self.ask(self.one(), target="/?LAMP").json()["LAMP"]
        equal(self.ask(self.one(), "POST", "/?", body=body).json(), {"LED": 1, "LAMP": 1 - lamp, "HELD": 0}, "all of it")
        self.ask(self.one(), "POST", "/?", body="LED=0&LAMP=2", status=400)
        equal(self.ask(self.one(), target="/?LED").json(), {"LED": 1}, "nothing of it")

    def asks(self):
        client = self.one()
        for target in ("/?", "/?list", "/?ping", "/?changes", "/?FORWARD,REVERSE,BUTTON"):
            self.ask(client, target=target).must_be_dynamic()

    def pipelines(self):
        client = self.one()
        client.send(request("POST", "/?LED", body="toggle") * 40 + request(target="/small.html") * 5)
        for _ in range(45):
            equal(client.reply().status, 200, "in a row")
        self.requests += 45

    def chunks(self):
        client = self.one()
        client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"]) + b"1;x=y\r\n1\r\n0\r\nTrailer: x\r\n\r\n")
        equal(client.reply().json(), {"LED": 1}, "in chunks")

    def files(self):
        client, name = self.one(), self.order.choice(list(SIZES))
        reply = self.ask(client, target="/" + name)
        check(reply.body == content(name), "the file is whole", name=name, got=len(reply.body))
        self.ask(client, target="/" + name, fields=["If-None-Match: " + reply.get("ETag")], status=304)
        if SIZES[name] > 10:
            first = self.order.randrange(SIZES[name] - 1)
            part = self.ask(client, target="/" + name, fields=[f"Range: bytes={first}-"], status=206)
            check(part.body == content(name)[first:], "the part is whole", name=name, first=first)
        self.ask(client, "HEAD", "/" + name)
        self.ask(client, target="/page.css", fields=["Accept-Encoding: gzip"])
        equal(self.ask(client, target="/sub/small.html").body, content("small.html"), "below a directory")
        self.ask(client, target="/missing", status=404)

    def refused(self):
        client = self.one()
        self.ask(client, target="/?LED", host="evil.example", status=421)
        self.ask(client, "POST", "/?LED", fields=["Origin: http://evil.example"], body="1", status=403)
        self.ask(client, "BREW", "/", status=501)
        self.ask(client, "POST", "/?Nobody", body="1", status=404)
        equal(ask(self.daemon, target="/%").status, 400, "malformed")
        equal(ask(self.daemon, "POST", "/?LED", fields=["Content-Length: x"]).status, 400, "no length")

    def comes_and_goes(self):
        for data in (request(), request()[:20], b"", request("POST", "/?LED", ["Content-Length: 9"]) + b"1", b"\x16\x03\x01"):
            client = Client(self.daemon)
            client.send(data)
            if self.order.random() < 0.5:
                client.reset()
            else:
                client.close()

    def crowds(self):
        self.leave()
        crowd = [Client(self.daemon) for _ in range(CONNECTIONS - 4)]
        for client in crowd:
            client.send(request(target="/?list") + request(target="/large.bin"))
        for client in crowd:
            equal(client.reply().status, 200, "the list")
            equal(len(client.reply().body), SIZES["large.bin"], "the file")
            client.close()
        self.requests += 2 * len(crowd)

    def listens(self):
        """Two who hear all, and one who doesn't read."""
        hear = [Listener(self.daemon).begun() for _ in range(2)]
        deaf = Listener(self.daemon)
        for _ in range(30):
            self.ask(self.one(), "POST", "/?LED", body="toggle")
        state = self.ask(self.one(), target="/?LED,LAMP").json()
        for listener in hear:
            listener.until(lambda me: {name: me.values()[name] for name in state} == state, "the last change", self.patience)
            listener.close()
        deaf.reset()

    def pulses(self):
        client = self.one()
        self.ask(client, "POST", "/?PUMP", body="pulse:5ms")
        wait_until(lambda: self.ask(client, target="/?PUMP").json() == {"PUMP": 0}, "the pulse is over")

    def _is_off(self):
        return self.ask(self.one(), target="/?FORWARD").json() == {"FORWARD": 0}

    def _forward(self, driver):
        """Whoever drove may have to be missed first; and what was stopped must be let go."""
        wait_until(lambda: driver.ask("POST", "/?FORWARD", body="0").status == 200, "the drive is free")
        equal(driver.ask("POST", "/?FORWARD", body="1").json(), {"FORWARD": 1}, "he drives")
        self.requests += 2

    def drives(self):
        driver = Client(self.daemon)
        self._forward(driver)
        for _ in range(5):
            self.ask(driver)
        end = self.order.randrange(4)
        if end == 0:
            self.ask(driver, "POST", "/?FORWARD", body="0")
        elif end == 1:
            self.ask(self.one(), "POST", "/?stop")
        elif end == 2:
            driver.reset()
        wait_until(self._is_off, "the motor's line is at its safe value")
        driver.close()

    def stops(self):
        self.ask(self.one(), "POST", "/?stop")
        values = self.ask(self.one(), target="/?LED,LAMP,PUMP,HELD,FORWARD,REVERSE").json()
        equal(values, {"LED": 0, "LAMP": 0, "PUMP": 0, "HELD": 1, "FORWARD": 0, "REVERSE": 0}, "all is safe")

    def go_on_until(self, end):
        acts = [self.writes, self.forms, self.asks, self.pipelines, self.chunks, self.files, self.refused, self.comes_and_goes, self.listens,
                self.pulses, self.drives, self.stops, self.crowds]
        while time.monotonic() < end:
            act = self.order.choice(acts)
            act()
            self.acts[act.__name__] = self.acts.get(act.__name__, 0) + 1
        self.leave()


def must_be_at_rest(daemon):
    wait_until(lambda: daemon.descriptors() == daemon.at_rest, f"the daemon has {daemon.at_rest} descriptors again")


def soak(name, daemon, minutes, results):
    """Runs to the end, or to the first thing that is wrong; what was found goes into `results`."""
    load, samples, wrong = Load(daemon, 30), [], None
    began = time.monotonic()
    try:
        for sample in range(1, SAMPLES + 1):
            load.go_on_until(began + minutes * 60 * sample / SAMPLES)
            must_be_at_rest(daemon)
            samples.append((time.monotonic() - began, load.requests, daemon.descriptors(), daemon.memory()))
        before = daemon.cpu_ticks()
        time.sleep(1)
        equal(daemon.cpu_ticks() - before <= 1, True, "it rests when nobody asks")
    except (Failure, OSError) as failure:
        wrong = f"{failure} {getattr(failure, 'facts', '')}"
    results.put((name, load.acts, samples, wrong))


def start(httapd, checked, work):
    variables = {"root": make_root(), "LINES": LINES, "CONNECTIONS": CONNECTIONS, "LOG": "errors"}
    if not checked:
        return Daemon(**variables), None
    # As in bench/cost.py: valgrind lets nobody lower the number of descriptors, and can't write what it found from a jail.
    report = work / "valgrind.txt"
    most = 2 * (CONNECTIONS + 4) + 112
    copy = shutil.copy(httapd, work)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    command = ["prlimit", f"--nofile={most}:{2 * most + 32}", *as_nobody, "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all",
               "--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=yes", "--error-exitcode=9", f"--log-file={report}", copy]
    if os.geteuid() == 0:
        os.chown(work, NOBODY, NOBODY)
    return Daemon(command=command, USER=None, starts_within=120, **variables), report


def judge(name, daemon, report, found):
    """Prints what was found; how many claims don't hold."""
    _, acts, samples, wrong = found
    print(f"{name}: " + ", ".join(f"{count} {act}" for act, count in sorted(acts.items())))
    print(f"{'minutes':>10}{'requests':>12}{'descriptors':>13}{'memory, kB':>12}")
    for seconds, requests, descriptors, memory in samples:
        print(f"{seconds / 60:10.1f}{requests:12}{descriptors:13}{memory:12}")
    claims = [("every reply was as it must be, and every line where it must be", wrong is None, wrong)]
    memory = [sample[3] for sample in samples]
    if report is None and len(memory) > WARM:
        # What rests in slots depends on what the last connections in them did. So the most of the first third is compared with that of the last.
        third = (SAMPLES - WARM) // 3
        growth = max(memory[-third:]) - max(memory[WARM:WARM + third])
        claims.append((f"memory is flat after the first tenth (within {GROWTH_KB} kB)", growth <= GROWTH_KB, f"{growth} kB more"))
    claims.append(("as many descriptors as at the start whenever nobody is there", len(samples) == SAMPLES, f"{len(samples)} times"))
    try:
        daemon.stop()
        ended = None
    except Failure as failure:
        ended = str(failure)
    claims.append(("it ended with status 0 and said nothing strange", ended is None, ended))
    trips = [line for line in daemon.said().splitlines() if re.search("failed|failure|could not|can't|error", line)]
    claims.append(("no error is in its log", not trips, trips[:5]))
    if report is not None:
        text = report.read_text()
        errors = re.findall(r"(?:Invalid|uninitialised|Mismatched|lost in loss record).*", text)
        errors += re.findall(r"Open file descriptor.*\n(?!.*<inherited from parent>).*", text)  # the report itself
        claims.append(("valgrind found no wrong access, no leak and no descriptor left open", not errors, errors[:5]))
    for claim, holds, why in claims:
        print(f"{'ok' if holds else 'not ok'} - {name}: {claim}" + ("" if holds else f"\n#   {why}"))
    return sum(not holds for _, holds, _ in claims)


def main():
    plain, checked, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    failed, results, running = 0, multiprocessing.Queue(), {}
    work = pathlib.Path(checked).parent / "soak"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    daemons.set_up(pathlib.Path(plain).parent)
    for name, httapd in (("plain", plain), ("valgrind", checked)):
        daemon, report = start(httapd, name == "valgrind", work)
        process = multiprocessing.Process(target=soak, args=(name, daemon, minutes, results))
        process.start()
        running[name] = (daemon, report, process)
    found = {}
    for _ in running:
        one = results.get(timeout=minutes * 60 + 300)
        found[one[0]] = one
    for name, (daemon, report, process) in running.items():
        process.join(10)
        failed += judge(name, daemon, report, found[name])
    daemons.clean_up()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
