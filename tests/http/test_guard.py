# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Who may write: what a browser says truthfully must keep foreign pages away from the lines. Each refusal leaves LED alone."""
import socket

from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test

NAME = socket.gethostname()


def _write(daemon, fields=(), host="localhost", by_get=False):
    """Tries to switch LED on. (status, did it move); LED is off again."""
    with Client(daemon) as client:
        if by_get:
            reply = client.ask("GET", "/1", fields, host=host)
        else:
            reply = client.ask("POST", "/?LED", fields, "1", host=host)
        if reply.status >= 400:
            reply.must_be_error(reply.status)
    moved = ask(daemon, target="/?LED").json()["LED"] == 1
    ask(daemon, "POST", "/?LED", body="0")
    return reply.status, moved


def _must_write(daemon, fields=(), **more):
    equal(_write(daemon, fields, **more), (200, True), f"{fields} {more} may write")


def _must_not_write(daemon, fields=(), status=403, **more):
    equal(_write(daemon, fields, **more), (status, False), f"{fields} {more} must not write")


@test
def host_may_be_a_literal_localhost_the_host_name_or_that_with_local():
    own = [NAME, NAME.upper(), NAME.split(".")[0], NAME.split(".")[0] + ".local", NAME.split(".")[0] + ".LOCAL:8080"]
    with Daemon() as daemon:
        for host in ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1", "10.1.2.3:60000", "[::1]", "[::1]:80", "[fe80::1:2]"] + own:
            _must_write(daemon, host=host)
            _must_write(daemon, host=host, by_get=True)
            equal(ask(daemon, target="/", host=host).status, 200, f"a file by {host}")


@test
def a_foreign_host_is_421_for_every_request():
    with Daemon() as daemon:
        for host in ("evil.example", "evil.example:80", "localhost.evil.example", NAME + ".evil.example", "x" + NAME, "xlocal", "local",
                     "127.0.0.1.evil.example", "127.0.0.1x", "0", "1", "0x7f.1", "127.1", "localhost.local.evil", "pi.listed.example"):
            if host in (NAME, NAME + ".local"):
                continue
            _must_not_write(daemon, host=host, status=421)
            _must_not_write(daemon, host=host, status=421, by_get=True)
            for target in ("/", "/index.html", "/?list", "/nothing"):
                with Client(daemon) as client:
                    equal(client.ask(target=target, host=host).status, 421, f"{target} by {host}")


@test
def hosts_of_httap_hosts_are_own_names():
    with Daemon(HOSTS="pi.listed.example  other\tthird.example") as daemon:
        for host in ("pi.listed.example", "PI.Listed.Example:8080", "other", "third.example", "third.example."):
            _must_write(daemon, host=host)
        for host in ("listed.example", "x.pi.listed.example", "pi.listed.example.evil", "x-other", "others"):
            _must_not_write(daemon, host=host, status=421)


@test
def a_page_of_this_server_may_write():
    with Daemon() as daemon:
        port = daemon.address[1]
        for host, origin in ((f"localhost:{port}", f"http://localhost:{port}"), ("localhost", "http://localhost"),
                             ("localhost:80", "http://localhost"), ("localhost", "http://localhost:80"), ("Localhost", "HTTP://LOCALHOST"),
                             (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"), (f"[::1]:{port}", f"http://[::1]:{port}"),
                             (NAME, f"http://{NAME}"), ("localhost", "https://localhost"), ("localhost:443", "https://localhost")):
            _must_write(daemon, [f"Origin: {origin}"], host=host)
            _must_write(daemon, [f"Origin: {origin}", "Sec-Fetch-Site: same-origin"], host=host)
            _must_write(daemon, [f"Referer: {origin}/page.html?x"], host=host, by_get=True)


@test
def a_foreign_origin_never_writes():
    with Daemon() as daemon:
        port = daemon.address[1]
        for origin in ("http://evil.example", "http://localhost.evil.example", f"http://localhost:{port + 1}", "http://localhost:8081",
                       "null",
                       "", "file://", "chrome-extension://abcdef", "http://", "http://localhost@evil.example",
                       "http://evil.example/localhost",
                       "http://evil.example, http://localhost", "http://127.0.0.1", f"http://localhost:{port}/", "localhost", "*",
                       "http://localhost:080x", "http://localhos", "http://localhost\\@evil.example", "https://localhost:80"):
            _must_not_write(daemon, [f"Origin: {origin}"])
            _must_not_write(daemon, [f"Origin: {origin}"], by_get=True)
            _must_not_write(daemon, [f"Origin: {origin}", "Sec-Fetch-Site: same-origin"])


@test
def a_foreign_origin_does_not_stop_the_outputs_either():
    """A stop is a write: a foreign page must not halt a machine. (Whoever is not a foreign page always may.)"""
    with Daemon() as daemon:
        ask(daemon, "POST", "/?LED", body="1")
        equal(ask(daemon, "POST", "/?stop", ["Origin: http://evil.example"]).status, 403, "the refusal")
        equal(ask(daemon, "POST", "/?", ["Origin: http://evil.example"], "LED=0").status, 403, "the refusal")
        equal(ask(daemon, target="/?LED").json(), {"LED": 1}, "LED is as it was")


@test
def listed_origins_write_and_others_do_not():
    with Daemon(ORIGINS="http://lab.example:8080 https://panel.example") as daemon:
        for origin in ("http://lab.example:8080", "http://LAB.example:8080", "https://panel.example", "https://panel.example:443"):
            _must_write(daemon, [f"Origin: {origin}"])
            _must_write(daemon, [f"Origin: {origin}", "Sec-Fetch-Site: cross-site"])  # browsers always say so of a listed origin
        for origin in ("http://lab.example", "https://lab.example:8080", "http://panel.example", "http://x.lab.example:8080", "null",
                       "http://lab.example:80800", "http://evil.example"):
            _must_not_write(daemon, [f"Origin: {origin}"])


@test
def the_star_lets_any_page_write_but_no_prefetch():
    with Daemon(ORIGINS="*") as daemon:
        for origin in ("http://evil.example", "https://evil.example:99", "null", "http://localhost"):
            _must_write(daemon, [f"Origin: {origin}"])
            _must_not_write(daemon, [f"Origin: {origin}", "Sec-Purpose: prefetch"])
        _must_not_write(daemon, host="evil.example", status=421)


@test
def a_get_that_a_foreign_page_caused_does_not_write():
    with Daemon() as daemon:
        for referer in ("http://evil.example/", "http://evil.example", "https://evil.example/http://localhost/",
                        "http://localhost.evil.example/",
                        "http://localhost:8081/", "http://evil.example/?http://localhost", "http://localhost@evil.example/",
                        "file:///x.html"):
            _must_not_write(daemon, [f"Referer: {referer}"], by_get=True)
        _must_write(daemon, by_get=True)
        _must_write(daemon, ["Referer: http://localhost/index.html"], by_get=True)


@test
def what_browsers_mark_as_of_another_site_does_not_write():
    with Daemon() as daemon:
        for site in ("cross-site", "same-site", "Cross-Site"):
            _must_not_write(daemon, [f"Sec-Fetch-Site: {site}"])
            _must_not_write(daemon, [f"Sec-Fetch-Site: {site}"], by_get=True)
            _must_not_write(daemon, [f"Sec-Fetch-Site: {site}", "Referer: http://localhost/"], by_get=True)
        for site in ("same-origin", "none"):
            _must_write(daemon, [f"Sec-Fetch-Site: {site}"])
            _must_write(daemon, [f"Sec-Fetch-Site: {site}"], by_get=True)


@test
def a_prefetch_does_not_write():
    with Daemon() as daemon:
        for field in ("Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Sec-Purpose: prefetch;anonymous-client-ip",
                      "Purpose: prefetch",
                      "purpose: PREFETCH", "Sec-Purpose:prefetch ; prerender"):
            _must_not_write(daemon, [field], by_get=True)
            _must_not_write(daemon, [field])
            equal(ask(daemon, target="/index.html", fields=[field]).status, 200, "a file may be prefetched")


@test
def a_foreign_page_may_not_read_signals_but_anybody_may_load_files():
    with Daemon() as daemon:
        equal(ask(daemon, target="/index.html", fields=["Origin: http://evil.example"]).status, 200, "a file")
        reply = ask(daemon, target="/?LED", fields=["Origin: http://evil.example"])
        check(reply.get("Access-Control-Allow-Origin") is None, "a foreign origin is not let in", got=reply)


@test
def the_host_of_an_absolute_target_is_judged():
    with Daemon() as daemon:
        equal(ask(daemon, "POST", "http://evil.example/?LED", body="1").status, 421, "a foreign one")
        equal(ask(daemon, "POST", "http://evil.example/?LED", body="1", host="evil.example").status, 421, "both foreign")
        equal(ask(daemon, "POST", "http://localhost/?LED", ["Origin: http://evil.example"], "1").status, 403, "a foreign origin")
        equal(ask(daemon, "GET", "http://localhost/1", ["Sec-Fetch-Site: cross-site"]).status, 403, "a foreign GET")
        daemon.must_be_at_rest()
        equal(ask(daemon, "POST", "http://localhost/?LED", body="1").json(), {"LED": 1}, "our own")


@test
def get_writes_can_be_switched_off():
    with Daemon(GET_WRITES="no") as daemon, Client(daemon) as client:
        for target in ("/1", "/0"):
            for method in ("GET", "HEAD"):
                reply = client.ask(method, target)
                equal((reply.status, set(reply.get("Allow").split(", "))), (405, {"POST", "PUT", "OPTIONS"}), f"{method} {target}")
        daemon.must_be_at_rest()
        equal(client.ask("POST", "/1").body, b"1", "POST /1 still writes")
        equal(client.ask(target="/?LED").json(), {"LED": 1}, "and it moved")
        equal(set(client.ask("OPTIONS", "/1").get("Allow").split(", ")), {"POST", "PUT", "OPTIONS"}, "OPTIONS /1")


@test
def a_second_copy_of_a_guarding_field_is_refused():
    with Daemon() as daemon:
        for field, other in (("Origin: http://localhost", "Origin: http://evil.example"), ("Sec-Fetch-Site: none",
            "Sec-Fetch-Site: cross-site"),
                             ("Referer: http://localhost/", "Referer: http://evil.example/"), ("Sec-Purpose: x", "Sec-Purpose: prefetch")):
            for fields in ([field, other], [other, field]):
                _must_not_write(daemon, fields, status=400)
                _must_not_write(daemon, fields, status=400, by_get=True)
