# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""What a request costs: system calls, memory, descriptors."""
import collections
import os
import pathlib
import re
import select
import shutil
import subprocess

from client import Client, ask, request
from daemon import Daemon, is_sanitized, new_root, scratch
from tap import Skip, check, equal, test, wait_until

ROUND = 100
MOST_CALLS = 4  # for each POST


def _traced_calls(daemon, work):
    """The system calls that the daemon makes during work(), by name."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    out = scratch() / "trace"
    with subprocess.Popen(["strace", "-f", "-q", "-o", str(out), "-p", str(daemon.pid)], stderr=subprocess.PIPE) as tracer:
        try:
            def attached():
                if tracer.poll() is not None:
                    raise Skip("strace can't attach: " + tracer.stderr.read().decode(errors="replace").strip()[:100])
                return int(daemon.status("TracerPid")) == tracer.pid
            wait_until(attached, "strace is attached")
            ask(daemon, target="/?BeginMark")
            work()
            ask(daemon, target="/?EndMark")
            wait_until(lambda: "EndMark" in out.read_text(), "the trace is written")
        finally:
            tracer.terminate()
            tracer.wait(10)
    text = out.read_text()
    # The marks are connections of their own: what they cost is not counted to the work, which begins behind the first one's close.
    begin = text.index("close(", text.index("BeginMark"))
    end = text.rindex("accept", 0, text.index("EndMark"))
    lines = text[begin:end].splitlines()[1:]
    return collections.Counter(m[1] for m in (re.match(r"(?:\d+ +)?(\w+)\(", line) for line in lines) if m)


@test
def a_post_over_a_kept_connection_makes_at_most_four_system_calls():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask()

        def work():
            for _ in range(ROUND):
                client.ask("POST", "/?LED", body="toggle")
        calls = _traced_calls(daemon, work)
        check(sum(calls.values()) <= MOST_CALLS * ROUND, f"{MOST_CALLS} calls for each POST", calls=dict(calls))
        check(calls["recvfrom"] >= ROUND and calls["sendto"] >= ROUND, "the trace shows the work", calls=dict(calls))


@test
def pipelined_requests_share_their_system_calls():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask()

        def work():
            client.send(request("POST", "/?LED", body="toggle") * ROUND)
            for _ in range(ROUND):
                client.reply()
        calls = _traced_calls(daemon, work)
        check(sum(calls.values()) <= ROUND, "one call for each would be too many already", calls=dict(calls))


def _a_file_costs(most, make, target, what):
    """What is kept of it is looked at once a second anew, which is a few calls more: there is room for some seconds."""
    root = new_root()
    make(pathlib.Path(root))
    with Daemon(root=root) as daemon, Client(daemon) as client:
        wait_until(lambda: not client.ask(target=target).get("ETag").startswith("W/"), "the file is settled")

        def work():
            for _ in range(ROUND):
                equal(client.ask(target=target).status, 200, "the file")
        calls = _traced_calls(daemon, work)
        check(sum(calls.values()) <= most * ROUND + 40, f"{most} calls for each GET of {what}", calls=dict(calls))
        check(calls["recvfrom"] >= ROUND and calls["sendto"] >= ROUND, "the trace shows the work", calls=dict(calls))


@test
def a_small_file_makes_at_most_five_system_calls():
    _a_file_costs(5, lambda root: (root / "small.html").write_text("<p>small</p>"), "/small.html", "a small file")


@test
def a_small_file_with_a_type_and_a_compressed_form_makes_at_most_five_system_calls():
    def make(root):
        (root / "...").mkdir()
        (root / "..." / "small.html").write_text("text/x-small")
        (root / "small.html").write_text("<p>small</p>")
        (root / "small.html.gz").write_text("compressed")
    _a_file_costs(5, make, "/small.html", "a small file")


@test
def a_file_in_a_directory_makes_at_most_eight_system_calls():
    def make(root):
        (root / "sub").mkdir()
        (root / "sub" / "small.html").write_text("<p>small</p>")
    _a_file_costs(8, make, "/sub/small.html", "a file in a directory")


@test
def ten_thousand_requests_leave_memory_small_and_flat():
    if is_sanitized():
        raise Skip("memory of a build with sanitizers is not the daemon's")
    kinds = [request(target="/?ping"), request("POST", "/?LED", body="toggle"), request(target="/?list"), request(target="/index.html"),
             request(target="/nothing"), request("POST", "/?", body="LED=1&LEFT=0"), request("BREW", "/"), request(target="/?no"),
             request("POST", "/?LED", ["Transfer-Encoding: chunked"]) + b"1\r\n1\r\n0\r\n\r\n", request("OPTIONS", "/?LED")]
    with Daemon() as daemon, Client(daemon) as client:
        def thousand():
            for _ in range(20):
                client.send(b"".join(kinds) * 5)
                for _ in range(50):
                    client.reply()
        thousand()
        after_one = daemon.memory()
        for _ in range(9):
            thousand()
        check(daemon.memory() < 2048, "under 2 MB of private memory", kilobytes=daemon.memory())
        check(daemon.memory() - after_one <= 16, "flat since the first thousand", after_one=after_one, now=daemon.memory())


@test
def connections_that_come_and_go_leave_memory_small_and_flat():
    if is_sanitized():
        raise Skip("memory of a build with sanitizers is not the daemon's")
    with Daemon() as daemon:
        def hundred():
            clients = [Client(daemon) for _ in range(25)]
            for _ in range(4):
                for client in clients:
                    client.send(request(target="/?list"))
                for client in clients:
                    client.reply()
            for client in clients:
                client.close()
        hundred()
        hundred()
        after_two = daemon.memory()
        for _ in range(10):
            hundred()
        check(daemon.memory() < 2048, "under 2 MB of private memory", kilobytes=daemon.memory())
        check(daemon.memory() - after_two <= 256, "flat", after_two=after_two, now=daemon.memory())


@test
def what_many_connections_have_used_is_given_back_when_they_are_gone():
    if is_sanitized():
        raise Skip("memory of a build with sanitizers is not the daemon's")
    root = new_root()
    (pathlib.Path(root) / "large.txt").write_bytes(b"x" * 16000)
    with Daemon(root=root) as daemon:
        ask(daemon)
        before = daemon.memory()
        clients = [Client(daemon) for _ in range(30)]
        for client in clients:
            client.send(request(target="/large.txt") + request("POST", "/?LED", fields=["X: " + "x" * 7000], body="1") * 2)
            for status in (200, 200, 200):
                equal(client.reply().status, status, "a reply")
        while_used = daemon.memory()
        for client in clients:
            client.close()
        wait_until(lambda: daemon.descriptors() == daemon.at_rest, "the connections are gone")
        after = daemon.memory()
        print(f"# private memory in kB: {before} before, {while_used} with 30 connections, {after} when they are gone")
        check(while_used - before > 30 * 24, "they have used it", before=before, used=while_used)
        # A page of 4 kB, or of 16 kB, is kept of each slot; what lies in memory of a file is kept once.
        check(after - before <= 30 * os.sysconf("SC_PAGESIZE") // 1024 + 64, "and given it back", before=before, after=after)


@test
def an_idle_daemon_sleeps():
    """Silence costs nothing: no timer ticks while nothing is due."""
    with Daemon() as daemon:
        ask(daemon, "POST", "/?LED", body="1")
        wait_until(lambda: "LED" in daemon.said(), "the log is written")
        wait_until(lambda: daemon.descriptors() == daemon.at_rest, "the connection is gone")

        def switches():
            return int(daemon.status("voluntary_ctxt_switches")) + int(daemon.status("nonvoluntary_ctxt_switches"))
        before = switches()
        select.select([], [], [], 1)
        check(switches() - before <= 2, "it is not even woken up", times=switches() - before)
