# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Input meant to break a server: every byte everywhere, cuts, repetitions and noise from a fixed seed."""
import random
import time

from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test
from vectors import read_vectors


def _answer_of(daemon, data):
    """The status of the first reply, 0 for none. The peer has said all he has to say."""
    with Client(daemon) as client:
        try:
            client.send(data)
            client.half_close()
        except OSError:
            pass
        got = client.read_to_end()
        check(got == b"" or got.startswith(b"HTTP/1.1 "), "a reply or nothing", got=got[:200])
        return int(got[9:12]) if got else 0


@test
def every_byte_at_every_kind_of_place_gets_an_answer_and_moves_nothing():
    places = [b"%cPOST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n2",
              b"P%cST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n2",
              b"GET /%c HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /%%%c0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
              b"GET /?%c HTTP/1.1\r\nHost: localhost\r\n\r\n",
              b"GET / HTTP/1%c1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.%c\r\nHost: localhost\r\n\r\n",
              b"GET / HTTP/1.1%c\nHost: localhost\r\n\r\n",
              b"GET / HTTP/1.1\r\nHo%cst: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: loc%clhost\r\n\r\n",
              b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %c\r\n\r\n",
              b"GET / HTTP/1.1\r\nHost: localhost\r\n\r%c", b"POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: %c\r\n\r\n",
              b"POST /?LED HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked%c\r\n\r\n",
              b"POST /?LED HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%c\r\n",
              b"POST /?LED HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2%c\n0\r\n\r\n",
              b"POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nLED=%c",
              b"POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nLED=%%3%c",
              b"GET /1 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost%c\r\n\r\n"]
    with Daemon() as daemon:
        for number, place in enumerate(places):
            for byte in range(256):
                status = _answer_of(daemon, place % byte)
                if byte >= 0x80 and number not in (10, 16, 17):
                    check(status >= 400, f"a byte beyond ASCII is refused at place {number}",
                          byte=byte, status=status, request=place % byte)
            ask(daemon, "POST", "/?LED", body="0")
        daemon.must_be_at_rest()
        daemon.must_be_idle()


@test
def all_vectors_one_behind_the_other_break_nothing():
    vectors = read_vectors()
    with Daemon() as daemon:
        for seed in range(3):
            order = random.Random(seed)
            for _ in range(200):
                _answer_of(daemon, b"".join(v.data for v in order.sample(vectors, 4)))
        equal(ask(daemon).status, 200, "it serves")
        daemon.must_be_idle()


@test
def every_third_vector_closed_at_every_byte_gets_no_reply_or_a_refusal():
    with Daemon() as daemon:
        for vector in read_vectors()[::12]:
            for cut in range(0, len(vector.data), 3):
                _answer_of(daemon, vector.data[:cut])
        daemon.must_have_descriptors()
        daemon.must_be_idle()


@test
def mutations_of_good_requests_never_silence_the_daemon():
    """From a fixed seed: bytes flipped, cut out, doubled."""
    seeds = [v.data for v in read_vectors()]
    with Daemon() as daemon:
        order = random.Random(20170)
        for _ in range(1500):
            data = bytearray(order.choice(seeds))
            for _ in range(order.randint(1, 4)):
                at = order.randrange(len(data) + 1)
                kind = order.randrange(4)
                if kind == 0 and data:
                    data[at % len(data)] = order.randrange(256)
                elif kind == 1:
                    del data[at:at + order.randint(1, 5)]
                elif kind == 2:
                    data[at:at] = data[at:at + order.randint(1, 20)]
                else:
                    data[at:at] = order.choice([b"\r\n", b"\r", b"\n", b"\0", b" ", b":", b"%", b",", b"0", b"\xff"])
            _answer_of(daemon, bytes(data))
        daemon.must_have_descriptors()
        daemon.must_be_idle()


@test
def noise_is_refused_or_closed():
    with Daemon() as daemon:
        order = random.Random(20042)
        for size in (1, 10, 100, 1000, 10000, 60000):
            for _ in range(20):
                _answer_of(daemon, order.randbytes(size))
        equal(ask(daemon).status, 200, "it serves")
        daemon.must_be_idle()


@test
def other_protocols_are_refused():
    with Daemon() as daemon:
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, b"SSH-2.0-OpenSSH_9.2\r\n", b"EHLO x\r\n",
                     b"*1\r\n$4\r\nPING\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\0" * 100, b"GET /\r\n", b"GET /\r\n\r\n", b"HELO\n",
                     b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + request()):
            status = _answer_of(daemon, data)
            check(status == 0 or status >= 400, "a refusal", sent=data[:40], status=status)
        daemon.must_be_at_rest()


@test
def fields_repeated_a_thousand_times_are_refused_without_growing():
    with Daemon() as daemon:
        ask(daemon)
        before = daemon.memory()
        for field in ("Cookie: a=b", "Connection: close", "X:", "Host: localhost", "Accept: */*", "Content-Length: 0"):
            for count in (63, 64, 200, 1000):
                status = _answer_of(daemon, request(fields=[field] * count))
                check(status in (200, 400, 431), f"{count} of {field}", status=status)
        check(daemon.memory() - before < 128, "memory stays", before=before, after=daemon.memory())


@test
def connection_with_thousands_of_commas_is_quick():
    with Daemon() as daemon:
        for value in ("," * 8000, ", " * 4000, "close," * 1300, "x" * 8000, " " * 8000, "\t" * 8000):
            start = time.monotonic()
            equal(ask(daemon, fields=["Connection: " + value]).status, 200, value[:20])
            check(time.monotonic() - start < 0.5, "at once")


@test
def long_queries_behind_directories_and_doubled_slashes_are_no_redirects():
    with Daemon() as daemon, Client(daemon) as client:
        (daemon.root / "dir").mkdir()
        for target in ("/dir", "/dir/", "//dir", "//evil.example/", "//evil.example", "/\\evil.example", "/dir?" + "x" * 2000,
                       "/dir?x=//evil.example", "/%5cevil.example"):
            reply = client.ask(target=target)
            check(reply.status == 404 and reply.get("Location") is None, target[:40], got=reply)


@test
def a_four_kilobyte_head_a_byte_at_a_time_costs_no_memory():
    with Daemon() as daemon, Client(daemon) as client, Client(daemon) as control:
        client.ask()
        control.ask()
        before = daemon.memory()
        data = request(fields=["X: " + "x" * 4000])
        for at, byte in enumerate(data):
            client.send(bytes([byte]))
            if at % 16 == 0:
                control.ask()
        equal(client.reply().status, 200, "the reply")
        check(daemon.memory() - before < 64, "memory stays", before=before, after=daemon.memory())


@test
def many_lines_in_one_head_are_scanned_once():
    """A head that grows line by line must not be looked at from its beginning each time."""
    with Daemon() as daemon, Client(daemon) as client, Client(daemon) as control:
        head = b"GET /?ping HTTP/1.1\r\nHost: localhost\r\n" + b"A:\r\n" * 60
        before = daemon.cpu_ticks()
        for at in range(0, len(head), 4):
            client.send(head[at:at + 4])
            control.ask()
        client.send(b"\r\n")
        equal(client.reply().status, 200, "the reply")
        check(daemon.cpu_ticks() - before < 50, "at little cost", ticks=daemon.cpu_ticks() - before)


@test
def nothing_a_peer_sends_comes_back_in_a_head():
    marker = "Zq7marker"
    with Daemon(LOOPBACK="yes", ORIGINS=f"http://{marker}.example") as daemon:
        for method, target, fields, host in (("GET", f"/{marker}", (), "localhost"), ("GET", f"/?{marker}", (), "localhost"),
                                             (marker, "/", (), "localhost"),
                                             ("GET", f"/{marker}%0d%0aX:y", (), "localhost"), ("GET", "/", (), f"{marker}.example"),
                                             ("GET", f"/?ping{marker}", (), "localhost"),
                                             ("GET", "/", [f"X-{marker}: {marker}", f"Cookie: {marker}"], "localhost"), ("POST",
                                                 "/?loopback", [f"Content-Type: {marker}"], "localhost")):
            with Client(daemon) as client:
                reply = client.ask(method, target, fields, host=host, body=marker if method == "POST" else None)
                check(marker.encode() not in reply.raw_head, "the head is the daemon's own", got=reply)
