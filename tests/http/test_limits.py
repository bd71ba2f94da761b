# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The limits of httapd_limits.h from outside: at each exact boundary accepted, one beyond it refused."""
from client import Client, ask, request
from daemon import Daemon
from tap import check, equal, test

HEAD, TARGET, FIELDS, BODY = 8192, 2048, 64, 4096


def _head_of(size, target="/?ping"):
    """A request whose head is exactly so long."""
    bare = len(request(target=target, fields=["X: "]))
    return request(target=target, fields=["X: " + "x" * (size - bare)])


def _both_ways(daemon, data, status, stays):
    for split in (False, True):
        with Client(daemon) as client:
            if split:
                client.send_bytewise(data)
            else:
                client.send(data)
            reply = client.reply()
            equal(reply.status, status, f"{'split' if split else 'whole'}: the status")
            if stays:
                client.must_be_kept()
            else:
                check(reply.closes, "it says that it closes", got=reply)
                client.must_end()


@test
def a_head_of_8192_bytes_is_accepted_and_one_of_8193_is_431():
    with Daemon() as daemon:
        equal(len(_head_of(HEAD)), HEAD, "the test's own arithmetic")
        _both_ways(daemon, _head_of(HEAD), 200, True)
        _both_ways(daemon, _head_of(HEAD + 1), 431, False)


@test
def a_head_that_never_ends_is_431_without_waiting_for_its_end():
    with Daemon() as daemon:
        for line in (b"X: y\r\n", b"X: " + b"y" * 8300):
            with Client(daemon) as client:
                client.send((b"GET /?ping HTTP/1.1\r\n" + line * 8300)[:8300])
                equal(client.reply().status, 431, "the status")
                client.must_end()


@test
def a_target_of_2048_bytes_is_accepted_and_one_of_2049_is_414():
    with Daemon() as daemon:
        for start, status in (("/?ping", 200), ("/x", 404)):
            _both_ways(daemon, request(target=start.ljust(TARGET, "x")), status, True)
            _both_ways(daemon, request(target=start.ljust(TARGET + 1, "x")), 414, False)


@test
def a_request_line_that_never_ends_is_414():
    with Daemon() as daemon, Client(daemon) as client:
        client.send(b"GET /" + b"x" * 8300)
        equal(client.reply().status, 414, "the status")
        client.must_end()


@test
def a_target_of_encoded_bytes_counts_as_it_was_sent():
    with Daemon() as daemon:
        equal(ask(daemon, target="/" + "%41" * 682).status, 404, "2047 bytes")
        equal(ask(daemon, target="/" + "%41" * 683).status, 414, "2050 bytes")


@test
def sixty_four_fields_are_accepted_and_65_are_431():
    with Daemon() as daemon:
        _both_ways(daemon, request(fields=["X: y"] * (FIELDS - 1)), 200, True)
        _both_ways(daemon, request(fields=["X: y"] * FIELDS), 431, False)


@test
def a_body_of_4096_bytes_is_accepted_and_one_of_4097_is_413():
    with Daemon(LOOPBACK="yes") as daemon:
        _both_ways(daemon, request("POST", "/?loopback", body=b"x" * BODY), 200, True)
        _both_ways(daemon, request("POST", "/?loopback", body=b"x" * (BODY + 1)), 413, False)


@test
def a_chunked_body_of_4096_bytes_is_accepted_and_one_of_4097_is_413():
    with Daemon(LOOPBACK="yes") as daemon:
        head = request("POST", "/?loopback", ["Transfer-Encoding: chunked"])
        _both_ways(daemon, head + b"1000\r\n" + b"x" * 4096 + b"\r\n0\r\n\r\n", 200, True)
        _both_ways(daemon, head + b"1\r\nx\r\n" * 4096 + b"0\r\n\r\n", 200, True)
        with Client(daemon) as client:
            client.send(head + b"1001\r\n")
            equal(client.reply().status, 413, "the size alone is enough")
        with Client(daemon) as client:
            client.send(head + b"1000\r\n" + b"x" * 4096 + b"\r\n1\r\n")
            equal(client.reply().status, 413, "one more behind")


@test
def the_longest_head_with_the_longest_body_fits_pipelined_twice():
    bare = len(request("POST", "/?loopback", ["X: ", f"Content-Length: {BODY}"]))
    head = request("POST", "/?loopback", ["X: " + "x" * (HEAD - bare), f"Content-Length: {BODY}"])
    chunked_bare = len(request("POST", "/?loopback", ["X: ", "Transfer-Encoding: chunked"]))
    chunked = request("POST", "/?loopback", ["X: " + "x" * (HEAD - chunked_bare), "Transfer-Encoding: chunked"])
    with Daemon(LOOPBACK="yes") as daemon, Client(daemon) as client:
        equal((len(head), len(chunked)), (HEAD, HEAD), "the test's own arithmetic")
        body = bytes(range(256)) * 16
        chunks = b"".join(b"10;extension\r\n" + body[i:i + 16] + b"\r\n" for i in range(0, 320, 16))
        chunks += b"%x\r\n" % (BODY - 320) + body[320:] + b"\r\n0\r\n\r\n"
        client.send((head + body + chunked + chunks) * 4)
        for _ in range(8):
            reply = client.reply()
            check(reply.status == 200 and reply.body == body, "the body comes back", got=reply)
        client.must_be_kept()


@test
def names_as_many_as_a_target_holds_are_answered():
    with Daemon() as daemon:
        target = "/?" + ",".join(["LED", "LEFT", "MOTOR", "BUTTON"] * 93)
        check(len(target) <= TARGET, "the test's own arithmetic", length=len(target))
        reply = ask(daemon, target=target)
        equal(reply.json(), {"LED": 0, "LEFT": 0, "MOTOR.LEFT": 0, "MOTOR.RIGHT": 0, "MOTOR.FAN.A": 0, "BUTTON": 1}, "each once")


@test
def fifty_four_signals_with_the_longest_names_fit_into_every_answer():
    names = ["S" + str(i).rjust(30, "x") for i in range(54)]
    with Daemon(LINES=" ".join(f"{name}=GPIO{i}" for i, name in enumerate(names))) as daemon, Client(daemon) as client:
        equal(list(client.ask(target="/?list").json()), names, "/?list in the configured order")
        check(all(name in client.ask(target="/?").json()["Signals"] for name in names), "/?")
        equal(list(client.ask("POST", "/?stop").json()), names, "/?stop")
        body = "&".join(f"{name}=1" for name in names)
        equal(client.ask("POST", "/?", body=body).json(), dict.fromkeys(names, 1), "POST /?")
        equal(client.ask(target="/?list").json()[names[53]]["value"], 1, "the last one")


@test
def a_name_of_31_characters_is_accepted_and_its_neighbours_are_404():
    name = "L" + "x" * 30
    with Daemon(LINES=f"{name}=GPIO17") as daemon:
        equal(ask(daemon, target="/?" + name).json(), {name: 0}, "31 characters")
        for other in (name[:-1], name + "x", name[:-1] + "y"):
            ask(daemon, target="/?" + other).must_be_error(404)
