# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Methods and versions: who may do what, and when a connection stays."""
import os
import re

from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test

READS, WRITES, BOTH = {"GET", "HEAD", "OPTIONS"}, {"POST", "PUT", "OPTIONS"}, {"GET", "HEAD", "POST", "PUT", "OPTIONS"}
PLACES = [("/", READS), ("/index.html", READS), ("/nothing", READS), ("/?list", READS), ("/?ping", READS), ("/?pingpong", READS),
          ("/?stop", WRITES), ("/?", BOTH), ("/?LED", BOTH), ("/?BUTTON", READS), ("/1", BOTH), ("/0", BOTH)]


def _allow(reply):
    return set(re.split(", *", reply.get("Allow") or ""))


@test
def a_known_method_in_the_wrong_place_is_405_with_exactly_what_is_allowed():
    with Daemon() as daemon:
        for target, allowed in PLACES:
            for method in BOTH - allowed:
                with Client(daemon) as client:
                    reply = client.ask(method, target, body="1" if method in WRITES else None)
                    equal((reply.status, _allow(reply)), (405, allowed), f"{method} {target}")
                    if "?" in target and method != "HEAD":
                        reply.must_be_error(405)
                    client.must_be_kept()
        daemon.must_be_at_rest()


@test
def options_tells_the_same_methods_as_405_does():
    with Daemon() as daemon, Client(daemon) as client:
        for target, allowed in PLACES:
            reply = client.ask("OPTIONS", target)
            equal((reply.status, _allow(reply), reply.body), (204, allowed, b""), f"OPTIONS {target}")
        equal(_allow(client.ask("OPTIONS", "*")), BOTH, "OPTIONS *")
        client.must_be_kept()
        daemon.must_be_at_rest()


@test
def an_unknown_method_is_501_and_the_connection_stays():
    with Daemon() as daemon, Client(daemon) as client:
        for method in ("DELETE", "PATCH", "TRACE", "PROPFIND", "get", "Post", "GETT", "X" * 1000, "M-SEARCH"):
            for target in ("/?LED", "/index.html", "/1"):
                reply = client.ask(method, target, body="1")
                equal(reply.status, 501, f"{method[:20]} {target}")
                check(b"1" * 8 not in reply.body and method.encode() not in reply.body, "it echoes nothing", got=reply)
        client.must_be_kept()
        daemon.must_be_at_rest()


@test
def head_gets_the_head_of_get_and_no_body():
    with Daemon() as daemon, Client(daemon) as client:
        (daemon.root / "big.bin").write_bytes(b"x" * 100000)
        for name in ("index.html", "big.bin"):
            os.utime(daemon.root / name, (1700000000, 1700000000))  # a file that has just changed has another tag than later
        for target in ("/", "/index.html", "/big.bin", "/nothing", "/../x", "/?", "/?list", "/?LED", "/?LED,BUTTON", "/?MOTOR",
                       "/?Nonsense", "/?nonsense", "/?stop", "/?ping", "/?,"):
            with Client(daemon) as other:
                get = other.ask("GET", target)
            with Client(daemon) as other:
                head = other.ask("HEAD", target)
                check(get.get("Date") and head.get("Date"), f"{target}: a Date")
                ignored = {"httap-session": None, "date": None}
                equal((head.status, {**head.fields, **ignored}), (get.status, {**get.fields, **ignored}), f"HEAD {target}")
                if get.closes:
                    other.must_end()
                else:
                    other.must_be_kept()


@test
def head_never_writes():
    with Daemon() as daemon, Client(daemon) as client:
        for target, body in (("/1", None), ("/1", "1"), ("/?LED", "1"), ("/?", "LED=1"), ("/?stop", None), ("/?LED=1", None)):
            client.send(request("HEAD", target, body=body))
            client.reply(head_only=True)
        client.must_be_kept()
        daemon.must_be_at_rest()


@test
def get_writes_only_by_slash_1_and_slash_0():
    with Daemon() as daemon, Client(daemon) as client:
        for target, body in (("/?LED", "1"), ("/?LED=1", None), ("/?", "LED=1"), ("/?LED&1", None), ("/?LED,1", None), ("/1?", None),
                             ("/1/", None), ("/%31", None), ("//1", None), ("/1,", None), ("/?1", None), ("/?/1", None)):
            client.send(request("GET", target, body=body))
            client.reply()
        client.must_be_kept()
        daemon.must_be_at_rest()


@test
def version_1_1_stays_until_it_is_told_to_close():
    with Daemon() as daemon:
        for fields, stays in (((), True), (["Connection: keep-alive"], True), (["Connection: close"], False),
                              (["Connection: CLOSE"], False), (["Connection: x, close ,y"], False),
                              (["Connection: Close", "Connection: Keep-Alive"], False)):
            for target in ("/?ping", "/index.html", "/?Nonsense"):
                with Client(daemon) as client:
                    reply = client.ask(target=target, fields=fields)
                    equal(reply.closes, not stays, f"{fields} {target}: Connection")
                    if stays:
                        client.must_be_kept()
                    else:
                        client.must_end()


@test
def version_1_0_closes_unless_it_asks_for_keep_alive():
    with Daemon() as daemon:
        for fields, stays in (((), False), (["Connection: close"], False), (["Connection: keep-alive"], True),
                              (["Connection: Keep-Alive"], True), (["Connection: keep-alive, close"], False)):
            for target in ("/?ping", "/index.html", "/?Nonsense"):
                for host in ("localhost", None):
                    with Client(daemon) as client:
                        reply = client.ask(target=target, fields=fields, version="1.0", host=host)
                        if stays:
                            check(not reply.closes, "it does not say close", got=reply)
                            client.must_be_kept()
                        else:
                            client.must_end()


@test
def a_kept_version_1_0_connection_is_told_so():
    """A client of 1.0 believes in a kept connection only when the reply says keep-alive (RFC 9112 appendix C.2.2)."""
    with Daemon() as daemon, Client(daemon) as client:
        for target in ("/?ping", "/index.html"):
            reply = client.ask(target=target, fields=["Connection: keep-alive"], version="1.0")
            equal((reply.get("Connection") or "").lower(), "keep-alive", f"Connection of {target}")


@test
def other_major_versions_are_505_and_close():
    with Daemon() as daemon:
        for version in ("2.0", "0.9", "3.0", "9.9"):
            with Client(daemon) as client:
                reply = client.ask(version=version)
                equal(reply.status, 505, version)
                client.must_end()


@test
def versions_1_2_to_1_9_are_treated_as_1_1():
    with Daemon() as daemon:
        for minor in range(2, 10):
            with Client(daemon) as client:
                equal(client.ask(version=f"1.{minor}").status, 200, f"1.{minor}")
                client.must_be_kept()
                equal(client.ask(version=f"1.{minor}", host=None).status, 400, "without Host")


@test
def every_kind_of_reply_has_a_length_and_no_reply_is_chunked():
    """The client's reader judges each; this goes over the kinds."""
    with Daemon() as daemon:
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"):
            for target in ("/", "/nothing", "/..", "/?", "/?list", "/?ping", "/?LED", "/?Nope", "/?invalid", "/?stop", "/1", "*"):
                for version in ("1.0", "1.1"):
                    for host in ("localhost", "evil.example", ".."):
                        with Client(daemon) as client:
                            reply = client.ask(method, target, version=version, host=host)
                            if reply.closes or version == "1.0":
                                client.must_end()
                            else:
                                client.must_be_kept()
