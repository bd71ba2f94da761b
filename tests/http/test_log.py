# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""What the daemon says on stderr: one harmless line each, and never at the price of serving."""
import os
import re
import time

from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test, wait_until


@test
def a_change_is_logged_with_who_which_old_new_and_why():
    with Daemon() as daemon:
        with Client(daemon) as client:
            session = client.ask("POST", "/?LED", body="1").get("HTTaP-Session")
            client.ask("POST", "/?LED", body="1")
            client.ask(target="/0")
        text = wait_until(lambda: daemon.said() if "1 -> 0" in daemon.said() else None, "both changes are logged")
        lines = [line for line in text.splitlines() if "LED" in line]
        equal(len(lines), 2, "a line for each change, none for what stayed")
        check(re.search(r"LED 0 -> 1 .*127\.0\.0\.1.*POST /\?LED", lines[0]) and session in lines[0], "the first", got=lines[0])
        check(re.search(r"LED 1 -> 0 .*127\.0\.0\.1.*GET /0", lines[1]), "the second", got=lines[1])


@test
def a_refused_write_is_not_logged_as_a_change():
    with Daemon() as daemon:
        ask(daemon, "POST", "/?LED", ["Origin: http://evil.example"], "1")
        ask(daemon, "POST", "/?", body="LED=1&Nope=1")
        ask(daemon, "POST", "/?RIGHT", body="1")
        wait_until(lambda: "RIGHT" in daemon.said(), "the good write is logged")
        check("LED" not in daemon.said(), "and nothing of LED", got=daemon.said())


@test
def the_end_logs_what_it_sets_back():
    daemon = Daemon()
    ask(daemon, "POST", "/?", body="LED=1&LAMP=1")
    daemon.stop()
    said = daemon.said()
    check(said.count("LED") == 2 and "LED 1 -> 0" in said and "LAMP 1 -> 0" in said, "LED and LAMP to 0", got=said)


@test
def requests_are_logged_when_that_is_asked_for():
    with Daemon(LOG="requests") as daemon:
        for method, target, status in (("GET", "/?LED", 200), ("GET", "/nothing", 404), ("POST", "/?stop", 200), ("BREW", "/", 501)):
            reply = ask(daemon, method, target)
            line = wait_until(lambda: re.search(re.escape(f"{method} {target}: {status}") + r".*", daemon.said()), "it is logged")
            check(str(len(reply.body)) in line[0], "with its size", got=line[0])


@test
def errors_alone_are_logged_when_that_is_asked_for():
    with Daemon(LOG="errors") as daemon:
        at_start = daemon.said()  # a build for a sanitizer says that it has no seccomp
        ask(daemon, "POST", "/?LED", body="1")
        ask(daemon, target="/nothing")
        with Client(daemon) as client:
            client.send(b"\x1b[31m\n\n")
            client.reply()
    equal(daemon.said(), at_start, "nothing was wrong, nothing is said")


@test
def escapes_quotes_and_line_ends_come_out_harmless():
    """Daemon.stop() judges every line: printable ASCII behind "httapd: "."""
    raw = ["/\x1b[2J", "/?\x1b]0;x\x07", "/\x7f", "/\x00", "/\r\nhttapd: FAKE", "/\nhttapd: FAKE 0 -> 1", "/\xff\xfe", "/\x9b31m",
           '/"', "/'", "/%s%n%x%5$n",
           "/%1b[2J", "/%0ahttapd: FAKE", "/?%0d%0ahttapd:%20FAKE",
           '/?"', "/?%22%27", "/?LED%1b", "/?\\", "/?$(id)", "/?`id`", "/?" + "A" * 1500]
    with Daemon(LOG="requests") as daemon:
        for target in raw:
            for method in ("GET", "POST", "G\x1bT", 'G"T', "%s%n", "M" * 300):
                with Client(daemon) as client:
                    client.send(request(method, target, ["Referer: \x1b[2J", "User-Agent: %n\"\n"]))
                    client.read_to_end() if b"\n\n" in client.sent else client.reply()
                    client.half_close()
                    client.read_to_end()
        daemon.must_be_at_rest()
    for line in daemon.said().splitlines():
        check(not line.startswith("httapd: FAKE"), "no line is forged", got=line)


@test
def a_stuck_reader_of_the_log_holds_up_nothing():
    reader, writer = os.pipe()
    with Daemon(LOG="requests", stderr=writer) as daemon:
        os.close(writer)
        with Client(daemon) as client:
            longest = 0
            for _ in range(30):
                start = time.monotonic()
                client.send(request(target="/nothing" * 10) * 100)
                for _ in range(100):
                    client.reply()
                longest = max(longest, time.monotonic() - start)
                client.ask("POST", "/?LED", body="toggle")
            check(longest < 2, "requests are answered", longest=longest)
        daemon.must_be_idle()
        os.close(reader)
        with Client(daemon) as client:
            for _ in range(10):
                client.send(request("POST", "/?LED", body="toggle") * 100)
                for _ in range(100):
                    equal(client.reply().status, 200, "with a log that nobody reads any more")
        daemon.must_be_idle()


@test
def lines_that_were_too_many_are_counted():
    with Daemon(LOG="requests") as daemon:
        with Client(daemon) as client:
            for _ in range(5):
                client.send(request(target="/nothing" * 12) * 200)
                for _ in range(200):
                    client.reply()
        wait_until(lambda: re.search(r"httapd: \d+ lines were not logged", daemon.said()), "the number of those that are missing")


@test
def a_log_line_does_not_wait_for_the_next_request():
    with Daemon() as daemon:
        ask(daemon, "POST", "/?LED", body="1")
        wait_until(lambda: "LED 0 -> 1" in daemon.said(), "the change is in the log", seconds=2)
