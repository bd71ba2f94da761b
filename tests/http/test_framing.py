# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Where a body ends, and which request comes behind it: in both versions, whole and split."""
import time

from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test

KEEP = ("Connection: keep-alive",)


def _send(client, data, split):
    if split:
        client.send_bytewise(data)
    else:
        client.send(data)


def _chunked(*chunks, trailer=b""):
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + trailer + b"\r\n"


def _every_way():
    return [(version, split) for version in ("1.0", "1.1") for split in (False, True)]


@test
def a_body_of_content_length_is_read_exactly_in_both_versions_whole_and_split():
    with Daemon(LOOPBACK="yes") as daemon:
        for version, split in _every_way():
            with Client(daemon) as client:
                for body in (b"x", b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(range(256)), b"\r\n\r\n\0" * 100):
                    _send(client, request("POST", "/?loopback", KEEP, body, version), split)
                    reply = client.reply()
                    equal((reply.status, reply.body), (200, body), f"HTTP/{version} {'split' if split else 'whole'}")
                client.must_be_kept()


@test
def a_chunked_body_is_put_together_whole_and_split():
    with Daemon(LOOPBACK="yes") as daemon:
        for chunks in ([b"a" * 10], [b"0123456789abcdef"], [b"1", b"\r\n0\r\n\r\n", b"2"], [b"x" * n for n in range(1, 30)], []):
            for split in (False, True):
                with Client(daemon) as client:
                    head = request("POST", "/?loopback", ["Transfer-Encoding: chunked"])
                    _send(client, head + _chunked(*chunks), split)
                    equal(client.reply().body, b"".join(chunks), f"the body of {len(chunks)} chunks comes back")
                    client.must_be_kept()


@test
def chunks_with_extensions_and_a_trailer_come_back_without_them():
    with Daemon(LOOPBACK="yes") as daemon, Client(daemon) as client:
        client.send(request("POST", "/?loopback", ["Transfer-Encoding: chunked", "Trailer: X"])
                    + b'5;a=b;c="d"\r\nhello\r\n0;last\r\nX: y\r\nContent-Length: 999\r\nHTTaP-Session: x\r\n\r\n')
        equal(client.reply().body, b"hello", "the body alone comes back")
        client.must_be_kept()


@test
def sixty_four_kilobytes_of_chunk_extension_are_refused():
    with Daemon() as daemon:
        for split_at in (1, 4096):
            with Client(daemon) as client:
                client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"]))
                data = b"1;" + b"x" * 65536
                try:
                    for at in range(0, len(data), split_at * 64):
                        client.send(data[at:at + split_at * 64])
                except (BrokenPipeError, ConnectionResetError):
                    pass
                check(client.reply().status in (400, 413), "the refusal")
        daemon.must_be_at_rest()


@test
def sixty_four_kilobytes_of_trailer_are_refused():
    with Daemon() as daemon:
        with Client(daemon) as client:
            client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"]) + b"1\r\n1\r\n0\r\n")
            try:
                for _ in range(64):
                    client.send(b"X-Trailer: " + b"x" * 1011 + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            check(client.reply().status in (400, 413, 431), "the refusal")
        daemon.must_be_at_rest()


@test
def endless_empty_looking_chunks_are_bounded_by_the_body_limit():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"]))
        try:
            for _ in range(10):
                client.send(b"1\r\nx\r\n" * 500)
        except (BrokenPipeError, ConnectionResetError):
            pass
        equal(client.reply().status, 413, "4097 chunks of one byte")


@test
def five_hundred_pipelined_requests_of_all_kinds_are_answered_in_order():
    kinds = [
        (request(target="/?ping"), 200, lambda r: len(r.body) == 37),
        (request("POST", "/?LEFT", body="1"), 200, lambda r: r.json() == {"LEFT": 1}),
        (request(target="/?LEFT,RIGHT"), 200, lambda r: r.json() == {"LEFT": 1, "RIGHT": 0}),
        (request(target="/index.html"), 200, lambda r: r.body.startswith(b"<!DOCTYPE")),
        (request("POST", "/?LEFT", ["Transfer-Encoding: chunked"]) + _chunked(b"0"), 200, lambda r: r.json() == {"LEFT": 0}),
        (request(target="/nothing"), 404, lambda r: r.body),
        (request("HEAD", "/index.html"), 200, lambda r: r.body == b""),
        (request("OPTIONS", "/?LED"), 204, lambda r: r.get("Allow")),
        (request(target="/?list", body="GET /1 HTTP/1.1\r\n\r\n"), 200, lambda r: r.json()["LED"]["value"] == 0),
        (request("DELETE", "/?LED"), 501, lambda r: r.json()["error"]),
    ]
    with Daemon() as daemon:
        for split in (False, True):
            with Client(daemon) as client:
                rounds = 50 if not split else 3
                _send(client, b"".join(data for data, _, _ in kinds) * rounds, split)
                for i in range(rounds):
                    for data, status, fits in kinds:
                        reply = client.reply(data.startswith(b"HEAD"))
                        check(reply.status == status and fits(reply), f"round {i}: the reply belongs to its request",
                              request=data, got=reply)
                client.must_be_kept()


@test
def pipelined_requests_cut_at_every_place_are_answered_in_order():
    three = request(target="/?LED") + request("POST", "/?RIGHT", body="toggle") + request(target="/nothing")
    with Daemon() as daemon, Client(daemon) as client, Client(daemon) as control:
        for cut in range(1, len(three)):
            client.send(three[:cut])
            control.ask()  # its reply says that the first part has been read
            client.send(three[cut:])
            statuses = [client.reply().status for _ in range(3)]
            equal(statuses, [200, 200, 404], f"cut behind byte {cut}")
        client.must_be_kept()


@test
def pipelining_around_a_large_file_keeps_the_order():
    with Daemon() as daemon:
        big = bytes(range(256)) * 4096
        (daemon.root / "big.bin").write_bytes(big)
        with Client(daemon) as client:
            client.send((request(target="/?LED") + request(target="/big.bin") + request("POST", "/?LED", body="toggle")) * 3)
            for i in range(3):
                equal(client.reply().json(), {"LED": i % 2}, "before the file")
                check(client.reply().body == big, "the file")
                equal(client.reply().json(), {"LED": (i + 1) % 2}, "behind the file")
            client.must_be_kept()


@test
def a_get_whose_body_is_a_whole_request_gets_one_reply():
    inner = request("POST", "/?LED", body="1")
    with Daemon() as daemon:
        for method in ("GET", "HEAD", "OPTIONS", "DELETE"):
            for target in ("/?ping", "/index.html", "/nothing"):
                with Client(daemon) as client:
                    client.send(request(method, target, body=inner))
                    client.reply(method == "HEAD")
                    client.must_be_kept()
        daemon.must_be_at_rest()


@test
def expect_100_continue_is_answered_before_the_body_and_only_once():
    with Daemon() as daemon, Client(daemon) as client:
        for body in (b"1", b"0"):
            client.send(request("POST", "/?LED", ["Expect: 100-continue", "Content-Length: 1"]))
            while not client.buffer.endswith(b"\r\n\r\n"):
                check(client._receive(time.monotonic() + 5), "100 comes")
            equal(client.buffer, b"HTTP/1.1 100 Continue\r\n\r\n", "100 before the body")
            client.send(body)
            reply = client.reply()
            equal((reply.interim, reply.status, reply.json()), (1, 200, {"LED": int(body)}), "100, then the reply")
        client.must_be_kept()


@test
def expect_100_continue_with_the_body_beside_it_works_whole_and_split():
    with Daemon() as daemon:
        for split in (False, True):
            with Client(daemon) as client:
                _send(client, request("POST", "/?LED", ["Expect: 100-Continue"], b"1"), split)
                reply = client.reply()
                check(reply.status == 200 and reply.interim <= 1, "one reply, at most one 100", got=reply, interims=reply.interim)
                client.must_be_kept()


@test
def expect_100_continue_works_chunked_behind_other_requests():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(request() + request("POST", "/?LED", ["Expect: 100-continue", "Transfer-Encoding: chunked"]))
        equal(client.reply().status, 200, "the ping before")
        while not client.buffer.endswith(b"\r\n\r\n"):
            check(client._receive(time.monotonic() + 5), "100 comes")
        client.send_bytewise(_chunked(b"1"))
        equal(client.reply().json(), {"LED": 1}, "the write")
        client.must_be_kept()


@test
def expect_100_continue_with_too_long_a_body_gets_413_without_100():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(request("POST", "/?LED", ["Expect: 100-continue", "Content-Length: 4097"]))
        reply = client.reply()
        equal((reply.status, reply.interim), (413, 0), "413 at once")
        client.must_end()


@test
def expect_on_a_request_without_a_body_gets_no_100():
    with Daemon() as daemon, Client(daemon) as client:
        for fields in (["Expect: 100-continue"], ["Expect: 100-continue", "Content-Length: 0"]):
            client.send(request("GET", "/?ping", fields))
            equal(client.reply().interim, 0, "no 100")


@test
def a_foreign_page_gets_no_100_for_its_body():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(request("POST", "/?LED", ["Origin: http://evil.example", "Expect: 100-continue"], b"1"))
        reply = client.reply()
        equal(reply.status, 403, "the refusal")
        daemon.must_be_at_rest()


@test
def a_reply_larger_than_its_request_survives_a_close_behind_it():
    with Daemon() as daemon:
        big = b"x" * 3000000
        (daemon.root / "big.bin").write_bytes(big)
        for fields in ((), ["Connection: close"]):
            with Client(daemon) as client:
                client.send(request(target="/big.bin", fields=fields))
                client.half_close()
                check(client.reply().body == big, "the whole file")
                client.must_end()


@test
def a_refused_post_is_still_answered_when_its_body_is_on_its_way():
    """RFC 9112 section 9.6: closing with unread input would reset the connection, and the peer would lose the reply."""
    with Daemon() as daemon:
        for _ in range(20):
            with Client(daemon) as client:
                client.send(request("POST", "/?LED", ["Content-Length: 50000"]))
                client.send(b"x" * 50000)
                equal(client.reply().status, 413, "the refusal")
                client.must_end()


@test
def requests_behind_a_last_one_do_not_reset_its_reply():
    with Daemon() as daemon:
        for size in (100, 3000):
            for first in (request(fields=["Connection: close"]), request(target="/?invalid"), request(version="1.0")):
                with Client(daemon) as client:
                    client.send(first + request() * (size // 40))
                    check(client.reply().status in (200, 400), "the last reply")
                    client.must_end()


@test
def the_body_of_a_closing_request_that_arrives_later_does_not_reset_its_reply():
    with Daemon() as daemon, Client(daemon) as control:
        for _ in range(20):
            with Client(daemon) as client:
                client.send(request(fields=["Connection: close"]))
                client.send(request("POST", "/?LED", body="1"))
                control.ask()
                equal(client.reply().status, 200, "the reply")
                client.read_to_end()
        daemon.must_be_at_rest()


@test
def a_chunked_post_then_a_get_are_two_replies():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"])
                    + _chunked(request("POST", "/?LEFT", body="1")) + request())
        equal([client.reply().status, client.reply().status], [400, 200], "two replies")
        client.must_be_kept()
        equal(ask(daemon, target="/?LEFT").json(), {"LEFT": 0}, "what stood in the body was no request")
