# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The words of HTTaP: what /? and its services answer, and what every dynamic reply carries."""
import json
import re
import socket
import time

from client import Client, ask, request
from daemon import AT_REST, Daemon
from tap import check, equal, test

PING = re.compile(rb'\{ "Remain": (\d+) *,  "Timeout": (\d+) *\}')


def _ping(reply):
    """Remain and Timeout of a ping's reply, whose form is fixed to the byte."""
    equal((reply.status, len(reply.body)), (200, 37), "a ping's reply has 37 bytes")
    match = PING.fullmatch(reply.body)
    check(match and reply.body == b'{ "Remain": %-5s,  "Timeout": %-5s}' % match.groups(), "its form", got=reply.body)
    equal(reply.json(), {"Remain": int(match[1]), "Timeout": int(match[2])}, "it is JSON")
    return int(match[1]), int(match[2])


def _words(value):
    return value.split(" ") if isinstance(value, str) else value


@test
def every_dynamic_reply_is_never_stored_and_names_its_session():
    with Daemon() as daemon:
        for method, target, body in (("GET", "/?", None), ("GET", "/?list", None), ("GET", "/?LED", None), ("GET", "/?ping", None),
                                     ("HEAD", "/?LED", None), ("POST", "/?LED", "1"), ("POST", "/?", "LED=0"), ("GET", "/1", None),
                                     ("GET", "/0", None), ("POST", "/?stop", None), ("OPTIONS", "/?LED", None), ("GET", "/?no", None),
                                     ("GET", "/?invalid", None), ("DELETE", "/?", None), ("GET", "/?%zz", None), ("POST", "/?LED", "2"),
                                     ("POST", "/?LED", "x" * 4097), ("GET", "/?" + "x" * 2048, None)):
            reply = ask(daemon, method, target, body=body)
            reply.must_be_dynamic()
            if reply.status >= 400 and method != "HEAD":
                reply.must_be_error(reply.status)


@test
def a_session_is_one_connection_and_has_a_name_of_its_own():
    with Daemon() as daemon:
        names = []
        for _ in range(100):
            with Client(daemon) as client:
                mine = {client.ask(target=t).must_be_dynamic().get("HTTaP-Session") for t in ("/?", "/?LED", "/?no", "/?ping")}
                equal(len(mine), 1, "one name within a connection")
                names += mine
        equal(len(set(names)), 100, "another name for each connection")
        letters = set("".join(names))
        check(len(letters) == 32, "names use all of 0-9a-v", missing=set("0123456789abcdefghijklmnopqrstuv") - letters)


@test
def the_root_object_says_what_the_protocol_promises():
    with Daemon() as daemon, Client(daemon) as client:
        said = client.ask(target="/?").json()
        check({"HTTaP_version", "HTTaP_open", "Type", "ID", "Services", "Signals"} <= set(said), "its members", got=said)
        check(isinstance(said["HTTaP_version"], int) and 20000000 < said["HTTaP_version"] < 21000000, "a date", got=said)
        equal(said["ID"], socket.gethostname(), "ID is the host name")
        check({"list", "ping", "invalid", "stop"} <= set(_words(said["Services"])), "the services", got=said)
        check("loopback" not in _words(said["Services"]), "loopback is off, and not offered", got=said)
        equal(_words(said["Signals"]), list(AT_REST), "the signals in configured order")


@test
def open_is_0_on_a_sessions_first_access_and_1_later():
    with Daemon() as daemon:
        for _ in range(3):
            with Client(daemon) as client:
                equal([client.ask(target="/?").json()["HTTaP_open"] for _ in range(3)], [0, 1, 1], "HTTaP_open")
        with Client(daemon) as client:
            client.ask(target="/index.html")
            equal(client.ask(target="/?").json()["HTTaP_open"], 0, "a file is no access to the session")


@test
def services_offer_loopback_when_it_is_switched_on():
    with Daemon(LOOPBACK="yes") as daemon:
        check("loopback" in _words(ask(daemon, target="/?").json()["Services"]), "Services")


@test
def without_signals_everything_else_still_answers():
    with Daemon(LINES=None) as daemon, Client(daemon) as client:
        equal(_words(client.ask(target="/?").json()["Signals"]) or [""], [""], "no signals")
        equal(client.ask(target="/?list").json(), {}, "/?list")
        equal(client.ask("POST", "/?stop").json(), {}, "/?stop")
        client.ask(target="/1").must_be_error(404)
        client.ask(target="/?LED").must_be_error(404)
        client.ask("POST", "/?", body="LED=1").must_be_error(404)


@test
def a_ping_is_37_bytes_whatever_follows_it():
    with Daemon(KEEPALIVE="200") as daemon, Client(daemon) as client:
        for rest in ("", "1", "pong", "=1234567890", "%20x", "-" * 1000, "?/:@!$&'()*+,;="):
            remain, timeout = _ping(client.ask(target="/?ping" + rest))
            equal(timeout, 200, "Timeout is the keep-alive")
            check(remain <= 200, "Remain is not more", got=remain)
        check(_ping(client.ask(target="/?ping"))[0] in (199, 200), "a ping restarted the countdown")


@test
def a_pings_remain_is_of_the_first_deadline_at_first_and_then_of_the_keep_alive():
    with Daemon(KEEPALIVE="9") as daemon, Client(daemon) as client:
        check(_ping(client.ask())[0] in (2, 3), "of 3 s from accept to the first request")
        check(_ping(client.ask())[0] in (8, 9), "of the keep-alive")


@test(slow=True)
def a_pings_remain_says_what_was_left_when_it_arrived():
    with Daemon(KEEPALIVE="10") as daemon, Client(daemon) as client:
        client.ask()
        time.sleep(2.3)
        check(_ping(client.ask())[0] in (6, 7), "2.3 s later")
        check(_ping(client.ask())[0] in (9, 10), "at once")


@test
def invalid_is_always_400_and_ends_the_session():
    with Daemon() as daemon:
        for method in ("GET", "POST", "PUT", "HEAD"):
            with Client(daemon) as client:
                reply = client.ask(method, "/?invalid")
                equal((reply.status, reply.closes), (400, True), f"{method} /?invalid")
                client.must_end()


@test
def the_list_describes_every_signal_in_configured_order():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask("POST", "/?", body="LED=1&LAMP=1")
        said = client.ask(target="/?list").json()
        equal(list(said), list(AT_REST), "the order")
        equal({n: d["value"] for n, d in said.items()}, {**AT_REST, "LED": 1, "LAMP": 1}, "values")
        equal({n: d["direction"] for n, d in said.items()},
              {n: "input" if n == "BUTTON" else "output" for n in AT_REST}, "directions")
        for name, line, low in (("LED", 17, False), ("LAMP", 5, True), ("BUTTON", 6, False)):
            described = said[name]
            equal((described["line"], described["kernelName"], described["activeLow"], described["chip"]),
                  (line, f"GPIO{line}", low, "sim"), f"{name}")
        check(all("failsafe" in d and "interlock" in d for d in said.values()), "failsafe and interlock", got=said["LED"])


@test
def loopback_is_404_unless_it_is_switched_on():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask("POST", "/?loopback", body="x").must_be_error(404)
        client.must_be_kept()


@test
def loopback_gives_the_body_back_as_a_download():
    with Daemon(LOOPBACK="yes") as daemon, Client(daemon) as client:
        for body in (b"", b"<script>alert(1)</script>", bytes(range(256)) * 16):
            for method in ("POST", "PUT"):
                reply = client.ask(method, "/?loopback", ["Content-Type: text/html"], body).must_be_dynamic()
                equal((reply.status, reply.body), (200, body), "the body")
                equal(reply.get("Content-Type"), "application/octet-stream", "its type")
                equal(reply.get("X-Content-Type-Options"), "nosniff", "nosniff")
                check((reply.get("Content-Disposition") or "").startswith("attachment"), "an attachment", got=reply)
        equal(client.ask("GET", "/?loopback").status, 405, "GET")


@test
def words_are_exact_and_lowercase():
    with Daemon() as daemon, Client(daemon) as client:
        for target in ("/?List", "/?lists", "/?stop2", "/?STOP", "/?pin", "/?PING", "/?invalid2", "/?list,LED", "/?list=",
                       "/?stop&LED", "/?toString", "/?__proto__", "/?constructor"):
            reply = client.ask(target=target)
            check(reply.status in (400, 404), f"{target} is no word", got=reply)
            reply.must_be_error(reply.status)
        reply = client.ask("POST", "/?stop2", body="")
        equal(reply.status, 404, "POST /?stop2")


@test
def an_error_shows_what_was_sent_only_as_harmless_json():
    with Daemon() as daemon:
        for name in ('A"B', "A<script>", "A\\u0000", "A'B", "A%22%3c%5c", "A%ff%fe%c3%28", "A%e2%80%a8",
                     "A<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"):
            with Client(daemon) as client:
                reply = client.ask(target="/?" + name)
                check(reply.status in (400, 404), "the status", got=reply)
                reply.must_be_error(reply.status)
                check(b"<" not in reply.body and all(32 <= b < 127 for b in reply.body), "nothing raw", got=reply.body)
                json.loads(reply.body)
