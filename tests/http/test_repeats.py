# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A head that comes again is not read again: so every mixture of heads that are the same, nearly the same or quite other must be answered
as if each came alone, whatever came before it, in one piece, in several, or behind others."""
import os
import random

from client import Client, ask, request
from daemon import INDEX, Daemon
from tap import check, equal, test

SEED = int(os.environ.get("HTTAPD_SEED", "1"))


class Model:
    """What is to be answered: status and body."""

    def __init__(self, chance):
        self.chance = chance
        self.led = 0

    def write(self, target="/?LED", fields=(), allowed=True, host="localhost"):
        value = self.chance.choice("01")
        text = request("POST", target, fields, value.encode(), host=host)
        if not allowed:
            return text, 421 if host != "localhost" else 403, None
        self.led = int(value)
        return text, 200, b'{"LED":%d}' % self.led

    def toggle(self):
        self.led = 1 - self.led
        return request("POST", "/?LED", (), b"toggle"), 200, b'{"LED":%d}' % self.led

    def read(self, version="1.1"):
        fields = ["Connection: keep-alive"] if version == "1.0" else []
        return request("GET", "/?LED", fields, version=version), 200, b'{"LED":%d}' % self.led

    def echo(self, fields=()):
        body = bytes(self.chance.choices(b"abc\r\n &=", k=self.chance.randrange(1, 12)))
        return request("POST", "/?loopback", fields, body), 200, body

    def chunked(self):
        body = bytes(self.chance.choices(b"xyz", k=self.chance.randrange(1, 9)))
        text = (b"POST /?loopback HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        return text, 200, body

    def form(self):
        self.led = int(self.chance.choice("01"))
        return request("POST", "/?", (), b"LED=%d" % self.led), 200, b'{"LED":%d}' % self.led

    def switch(self):
        self.led = int(self.chance.choice("01"))
        return request("GET", f"/{self.led}"), 200, b"%d" % self.led

    def bad_value(self):
        return request("POST", "/?LED", (), self.chance.choice([b"2", b"x", b"/"])), 400, None

    def any(self):
        long = ["X-Long: " + "y" * 3000]
        return self.chance.choice([
            self.write, self.write, self.write, self.read, self.read, self.toggle, self.echo, self.chunked, self.form, self.switch,
            self.bad_value,
            lambda: self.write(fields=["X-Other: 1"]),
            lambda: self.write(fields=["X-Other: 2"]),
            lambda: self.write(fields=long),
            lambda: self.echo(long),
            lambda: self.write(fields=["Origin: http://localhost"]),
            lambda: self.write(fields=["Origin: http://localhosu"], allowed=False),
            lambda: self.write(host="localhosu", allowed=False),
            lambda: self.read("1.0"),
            lambda: (request("GET", "/"), 200, INDEX),
            lambda: (request("GET", "/index.htmk"), 404, None),
            lambda: (request("GET", "/?LEE"), 404, None),
            lambda: (request("PUT", "/?BUTTON", (), b"1"), 405, None),
            lambda: (request("BREW", "/?LED"), 501, None),
            lambda: (request("OPTIONS", "/?LED"), 204, b""),
        ])()


def _send_somehow(client, chance, data):
    while data:
        cut = chance.choice([len(data), len(data), chance.randrange(1, len(data) + 1)])
        client.send(data[:cut])
        data = data[cut:]


@test
def any_mixture_of_heads_is_answered_as_if_each_came_alone():
    chance = random.Random(SEED)
    with Daemon(LOOPBACK="yes") as daemon:
        for turn in range(30):
            model = Model(chance)
            ask(daemon, "POST", "/?LED", body="0")
            with Client(daemon) as client:
                for _ in range(60):
                    batch = [model.any() for _ in range(chance.choice([1, 1, 1, 2, 5, 9]))]
                    _send_somehow(client, chance, b"".join(data for data, _, _ in batch))
                    for data, status, body in batch:
                        reply = client.reply()
                        equal(reply.status, status, f"seed {SEED}, turn {turn}: status for {data[:200]!r}")
                        if body is not None:
                            equal(reply.body, body, f"seed {SEED}, turn {turn}: body for {data[:200]!r}")
                client.must_be_kept()


@test
def a_head_that_comes_again_is_guarded_again_where_it_was_refused():
    with Daemon() as daemon, Client(daemon) as client:
        for _ in range(3):
            equal(client.ask("POST", "/?LED", ["Origin: http://evil.example"], b"1").status, 403, "a foreign page")
            equal(client.ask("POST", "/?LED", [], b"0").status, 200, "our own")
        equal(client.ask(target="/?LED").json(), {"LED": 0}, "LED")


@test
def a_session_that_is_sent_again_is_looked_up_again():
    with Daemon(LINES="LED=GPIO17 FORWARD=GPIO23,failsafe=60s") as daemon:
        with Client(daemon) as one, Client(daemon) as other:
            name = one.ask().get("HTTaP-Session")
            for _ in range(3):
                equal(other.ask(fields=[f"HTTaP-Session: {name}"]).get("HTTaP-Session"), name, "the session that was continued")
            equal(one.ask("POST", "/?FORWARD", [], b"1").status, 200, "it drives")
            equal(other.ask("POST", "/?FORWARD", [f"HTTaP-Session: {name}"], b"1").status, 200, "also over the other connection")
            with Client(daemon) as third:
                for _ in range(3):
                    equal(third.ask("POST", "/?FORWARD", [], b"1").status, 409, "somebody else, again and again")
            one.ask("POST", "/?stop")
            equal(other.ask("POST", "/?FORWARD", [f"HTTaP-Session: {name}"], b"1").status, 409, "tripped: the same head is refused now")
            check("FORWARD" in other.ask(target="/?FORWARD").json(), "and the connection stays")
