# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""CORS: pages of listed origins may read, write and listen; others learn nothing and move nothing."""
from client import Client, ask
from daemon import Daemon
from tap import check, equal, test

LISTED = "http://panel.example:8080"
OTHER = "https://lab.example"
ALLOW = "GET, HEAD, POST, PUT, OPTIONS"


def _cors(reply):
    return {name: value for name, value in reply.fields.items() if name.startswith("access-control-")}


def _may_read(reply, origin=LISTED):
    equal(_cors(reply), {"access-control-allow-origin": origin, "access-control-expose-headers": "HTTaP-Session"}, "it may be read")
    equal(reply.get("Vary"), "Origin", "caches keep origins apart")


@test
def a_listed_origin_may_read_write_and_see_its_errors():
    with Daemon(ORIGINS=f"{LISTED} {OTHER}") as daemon, Client(daemon) as client:
        for origin in (LISTED, OTHER):
            fields = [f"Origin: {origin}", "Sec-Fetch-Site: cross-site"]
            for method, target, body, status in (("GET", "/?", None, 200), ("GET", "/?list", None, 200), ("POST", "/?LED", "1", 200),
                                                 ("POST", "/?", "LED=0", 200), ("GET", "/1", None, 200), ("GET", "/0", None, 200),
                                                 ("POST", "/?stop", None, 200), ("POST", "/?LED", "2", 400), ("GET", "/?no", None, 404),
                                                 ("POST", "/?ping", "", 405), ("GET", "/", None, 200), ("GET", "/nothing", None, 404)):
                reply = client.ask(method, target, fields, body)
                equal(reply.status, status, f"{method} {target}")
                _may_read(reply, origin)


@test
def a_preflight_tells_what_may_be_sent():
    asks = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,httap-session",
            "Access-Control-Request-Private-Network: true"]
    with Daemon(ORIGINS=LISTED) as daemon, Client(daemon) as client:
        for target, methods in (("/?LED", ALLOW), ("/?", ALLOW), ("/?list", "GET, HEAD, OPTIONS"), ("/?stop", "POST, PUT, OPTIONS"),
                                ("/?events", "GET, HEAD, OPTIONS"), ("/", "GET, HEAD, OPTIONS")):
            reply = client.ask("OPTIONS", target, [f"Origin: {LISTED}"] + asks)
            equal((reply.status, reply.body, reply.get("Allow")), (204, b"", methods), target)
            equal(_cors(reply), {"access-control-allow-origin": LISTED, "access-control-expose-headers": "HTTaP-Session",
                                 "access-control-allow-methods": methods, "access-control-allow-headers": "Content-Type, HTTaP-Session",
                                 "access-control-allow-private-network": "true", "access-control-max-age": "600"}, target)
        client.ask("OPTIONS", "/?LED", ["Origin: http://evil.example"] + asks).must_be_error(403)


@test
def near_misses_of_a_listed_origin_read_nothing_and_move_nothing():
    misses = ["http://panel.example", "http://panel.example:80", "http://panel.example:8081", "https://panel.example:8080",
              "http://panel.example:8080.evil.example", "http://xpanel.example:8080", "http://panel.example.evil:8080",
              "http://evil.example:8080", "http://panel.example:8080/", "http://panel.example:8080/x", "http://panel.example:80800",
              "http://user@panel.example:8080", "http://panel.example:8080@evil.example", "http://panel:8080", "http://.example:8080",
              "http://panel.example:", "http://panel.example:8080:1", "panel.example:8080", "//panel.example:8080",
              "ftp://panel.example:8080", "ws://panel.example:8080", "null", "*", "http://*", "http://*.example:8080",
              "http://panel.example%3A8080", "http://panel_example:8080", "http://panel-example:8080", "file://", "about:blank",
              "http://a.panel.example:8080", "http://panel.example:8080 http://evil.example", "http://panel.example:8080,x"]
    with Daemon(ORIGINS=LISTED) as daemon:
        for origin in misses:
            for method, target, body in (("GET", "/?LED", None), ("POST", "/?LED", "1"), ("GET", "/1", None), ("POST", "/?stop", None),
                                         ("GET", "/?events", None), ("OPTIONS", "/?LED", None), ("POST", "/?", "LED=1")):
                reply = ask(daemon, method, target, [f"Origin: {origin}"], body)
                check(reply.status in (400, 403), "it is refused", origin=origin, target=target, status=reply.status)
                equal(_cors(reply), {}, f"{origin} is told nothing")
            equal(_cors(ask(daemon, target="/", fields=[f"Origin: {origin}"])), {}, "files are not for its scripts")
        daemon.must_be_at_rest()


@test
def case_and_a_default_port_make_no_other_origin():
    with Daemon(ORIGINS="http://Panel.Example https://lab.example:443") as daemon, Client(daemon) as client:
        for origin in ("http://panel.example", "http://PANEL.example:80", "https://lab.example", "https://lab.example:443"):
            _may_read(client.ask(target="/?LED", fields=[f"Origin: {origin}"]), origin)
        client.ask(target="/?LED", fields=["Origin: https://panel.example"]).must_be_error(403)


@test
def without_a_list_there_are_no_such_fields():
    with Daemon() as daemon, Client(daemon) as client:
        for fields in ((), [f"Origin: {LISTED}"], ["Origin: null"], [f"Origin: http://localhost:{daemon.address[1]}"]):
            for target in ("/?LED", "/"):
                reply = client.ask(target=target, fields=fields)
                equal((_cors(reply), reply.get("Vary")), ({}, None), f"{target} with {fields}")


@test
def our_own_pages_need_no_leave():
    with Daemon(ORIGINS=LISTED) as daemon, Client(daemon) as client:
        reply = client.ask("POST", "/?LED", ["Origin: http://localhost"], "1")
        equal((reply.status, _cors(reply), reply.get("Vary")), (200, {}, "Origin"), "same origin")


@test
def a_star_lets_every_page_in():
    with Daemon(ORIGINS="*") as daemon, Client(daemon) as client:
        for origin in ("http://anybody.example", "null", "file://"):
            reply = client.ask("POST", "/?LED", [f"Origin: {origin}", "Sec-Fetch-Site: cross-site"], "1")
            equal(reply.status, 200, origin)
            _may_read(reply, "*")
        equal(_cors(client.ask(target="/?LED")), {}, "without an origin there is nothing to allow")


@test
def a_prefetch_of_a_listed_page_moves_nothing():
    with Daemon(ORIGINS=LISTED) as daemon:
        for mark in ("Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch"):
            for method, target, body in (("GET", "/1", None), ("POST", "/?LED", "1")):
                ask(daemon, method, target, [f"Origin: {LISTED}", mark], body).must_be_error(403)
        daemon.must_be_at_rest()


@test
def a_listed_page_may_listen():
    with Daemon(ORIGINS=LISTED) as daemon, Client(daemon) as client:
        reply = client.ask("HEAD", "/?events", [f"Origin: {LISTED}"])
        equal(reply.status, 200, "HEAD /?events")
        _may_read(reply)
