# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Deadlines, the table of connections, and peers that are silent, slow, greedy or gone."""
import os
import resource
import signal
import socket
import time

from client import Client, ask, request
from daemon import Daemon
from tap import Failure, check, equal, test, wait_until

POST = request("POST", "/?LED", body="1")


def _end_after(client, start):
    """Seconds from start to the end of the stream, and what came before it."""
    data = client.read_to_end()
    return time.monotonic() - start, data


def _between(least, seconds, most, what):
    check(least <= seconds <= most, what, seconds=seconds, least=least, most=most)


# --- Deadlines


@test
def six_silent_connections_delay_nobody():
    with Daemon() as daemon:
        silent = [Client(daemon) for _ in range(6)]
        for target in ("/", "/?list", "/?LED"):
            start = time.monotonic()
            equal(ask(daemon, target=target).status, 200, target)
            _between(0, time.monotonic() - start, 0.2, "answered within 200 ms")
        for client in silent:
            client.close()


@test
def half_sent_requests_delay_nobody():
    with Daemon() as daemon:
        clients = []
        for cut in range(1, len(POST), 4):
            clients.append(Client(daemon))
            clients[-1].send(POST[:cut])
            start = time.monotonic()
            equal(ask(daemon).status, 200, "another one")
            _between(0, time.monotonic() - start, 0.2, "answered within 200 ms")
        for client in clients:
            client.send(POST[1 + 4 * clients.index(client):])
            equal(client.reply().status, 200, "and they go on where they were")
            client.close()


@test(slow=True)
def a_connection_that_stays_silent_is_closed_after_3_seconds_without_a_reply():
    with Daemon(KEEPALIVE="200") as daemon:
        start = time.monotonic()
        with Client(daemon) as client:
            seconds, data = _end_after(client, start)
            equal(data, b"", "nothing is said")
            _between(2.9, seconds, 4.5, "the first deadline")


@test(slow=True)
def a_first_request_that_is_not_complete_after_3_seconds_gets_408():
    with Daemon(KEEPALIVE="200") as daemon:
        clients, start = [], time.monotonic()
        cuts = [1, 10, POST.index(b"\r\n") + 2, len(POST) - 3, len(POST) - 1]
        for cut in cuts:
            clients.append(Client(daemon))
            clients[-1].send(POST[:cut])
        for cut, client in zip(cuts, clients):
            reply = client.reply()
            equal((reply.status, reply.closes), (408, True), f"cut behind {cut} bytes")
            if cut == len(POST) - 1:
                reply.must_be_error(408)
            client.must_end()
            _between(2.9, time.monotonic() - start, 5, "the first deadline")
            client.close()
        daemon.must_be_at_rest()


@test(slow=True)
def a_first_request_that_dribbles_is_not_given_more_than_3_seconds():
    with Daemon(KEEPALIVE="200") as daemon, Client(daemon) as client:
        start = time.monotonic()
        try:
            for byte in POST:
                client.send(bytes([byte]))
                time.sleep(0.25)
                if time.monotonic() - start > 6:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        seconds, data = _end_after(client, start)
        check(not data or data.startswith(b"HTTP/1.1 408 "), "408", got=data)
        _between(2.9, seconds, 5.5, "the first deadline")
        daemon.must_be_at_rest()


@test(slow=True)
def a_kept_connection_is_closed_after_the_keep_alive_without_a_word():
    with Daemon(KEEPALIVE="3") as daemon, Client(daemon) as client:
        client.ask()
        seconds, data = _end_after(client, time.monotonic())
        equal(data, b"", "nothing is said")
        _between(2.8, seconds, 4.5, "the keep-alive")


@test(slow=True)
def a_kept_connection_lives_longer_than_the_first_deadline_when_the_keep_alive_is_longer():
    with Daemon(KEEPALIVE="5") as daemon, Client(daemon) as client:
        client.ask()
        time.sleep(4)
        equal(client.ask().status, 200, "4 s later")
        seconds, _ = _end_after(client, time.monotonic())
        _between(4.8, seconds, 6.5, "the keep-alive")


@test(slow=True)
def any_complete_request_restarts_the_countdown():
    with Daemon(KEEPALIVE="3") as daemon:
        with Client(daemon) as client:
            for target in ("/?ping", "/?LED", "/index.html", "/nothing", "/?Nope"):
                client.ask(target=target)
                time.sleep(1.6)
            client.must_be_kept()


@test(slow=True)
def a_request_that_dribbles_on_a_kept_connection_does_not_outlive_the_keep_alive():
    with Daemon(KEEPALIVE="3") as daemon, Client(daemon) as client:
        client.ask()
        start = time.monotonic()
        try:
            while time.monotonic() - start < 6:
                client.send(b"G" if time.monotonic() - start < 0.5 else b"E")
                time.sleep(1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        seconds, data = _end_after(client, start)
        check(not data or data.startswith(b"HTTP/1.1 408 "), "408", got=data)
        _between(2.8, seconds, 7, "the keep-alive")


@test(slow=True)
def a_body_that_dribbles_does_not_outlive_the_keep_alive():
    with Daemon(KEEPALIVE="3") as daemon, Client(daemon) as client:
        client.ask()
        start = time.monotonic()
        client.send(request("POST", "/?LED", ["Transfer-Encoding: chunked"]) + b"1\r\n1\r\n")
        try:
            while time.monotonic() - start < 6:
                client.send(b"0")
                time.sleep(1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        seconds, data = _end_after(client, start)
        check(not data or data.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 ")), "408", got=data)
        _between(0, seconds, 7, "the keep-alive")
        daemon.must_be_at_rest()


@test(slow=True)
def a_reader_who_takes_nothing_of_a_large_file_is_dropped_after_the_keep_alive():
    with Daemon(KEEPALIVE="3") as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 20000000)
        with Client(daemon, receive_buffer=8192) as client:
            client.send(request(target="/big.bin"))
            daemon.must_have_descriptors(2)  # the socket and the file
            start = time.monotonic()
            wait_until(lambda: daemon.descriptors() == daemon.at_rest, "both are closed", seconds=7)
            _between(2.5, time.monotonic() - start, 5.5, "the keep-alive")


@test(slow=True)
def a_reader_who_is_slow_but_takes_something_is_kept():
    with Daemon(KEEPALIVE="3") as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 6000000)
        with Client(daemon, receive_buffer=65536) as client:
            client.send(request(target="/big.bin"))
            for _ in range(12):
                client.buffer += client.socket.recv(200000)
                time.sleep(0.5)
            equal(len(client.reply().body), 6000000, "6 s later the file is whole")


@test(slow=True)
def who_does_not_close_behind_a_last_reply_is_cut_soon():
    with Daemon(KEEPALIVE="200") as daemon:
        with Client(daemon) as client:
            client.send(request(target="/?invalid"))
            client.reply()
            client.must_end()
            wait_until(lambda: daemon.descriptors() == daemon.at_rest, "the connection is gone", seconds=4)


@test(slow=True)
def who_goes_on_sending_behind_a_refusal_is_cut_soon():
    with Daemon(KEEPALIVE="200") as daemon:
        with Client(daemon) as client:
            client.send(b"NONSENSE\r\n\r\n")
            start = time.monotonic()
            try:
                while time.monotonic() - start < 5:
                    client.send(b"x" * 100)
                    time.sleep(0.02)
            except (BrokenPipeError, ConnectionResetError):
                pass
            _between(0, time.monotonic() - start, 3, "cut")
            daemon.must_have_descriptors()


# --- The table


@test
def silent_connections_give_way_when_the_table_is_full():
    with Daemon(CONNECTIONS="2") as daemon:
        first, second = Client(daemon), Client(daemon)
        for _ in range(10):
            equal(ask(daemon).status, 200, "a third one is served")
        first.must_end()
        first.close()
        second.close()


@test
def busy_connections_keep_their_place_and_further_ones_get_503():
    with Daemon(CONNECTIONS="2") as daemon:
        first, second = Client(daemon), Client(daemon)
        first.ask()
        second.ask()
        for target in ("/?LED", "/", "/?list", "/1"):
            with Client(daemon) as third:
                reply = third.ask(target=target)
                equal((reply.status, reply.closes), (503, True), target)
                check(reply.get("Retry-After"), "when to come again", got=reply)
                third.must_end()
        with Client(daemon) as third:
            third.ask("POST", "/?LED", body="1").must_be_error(503)
        first.must_be_kept()
        second.must_be_kept()
        equal(first.ask(target="/?LED").json(), {"LED": 0}, "503 has moved nothing")
        first.close()
        wait_until(lambda: ask(daemon).status == 200, "a free place is given to the next")
        second.must_be_kept()
        second.close()


@test
def stop_works_even_when_every_connection_is_taken():
    with Daemon(CONNECTIONS="2") as daemon:
        first, second = Client(daemon), Client(daemon)
        first.ask("POST", "/?", body="LED=1&MOTOR.LEFT=1")
        second.send(POST[:20])
        for method in ("POST", "PUT"):
            with Client(daemon) as third:
                reply = third.ask(method, "/?stop")
                equal((reply.status, reply.json()["LED"], reply.closes), (200, 0, True), f"{method} /?stop")
        equal(ask(daemon, "POST", "/?stop", ["Origin: http://evil.example"]).status, 403, "but not for a foreign page")
        equal(first.ask(target="/?LED").json(), {"LED": 0}, "it has stopped")
        first.close()
        second.close()


@test
def a_stop_that_comes_byte_by_byte_works_above_the_table_too():
    with Daemon(CONNECTIONS="2") as daemon:
        first, second = Client(daemon), Client(daemon)
        first.ask("POST", "/?LED", body="1")
        second.ask()
        with Client(daemon) as third:
            third.send_bytewise(request("POST", "/?stop"), first.ask)
            equal((third.reply().json()["LED"], first.ask(target="/?LED").json()["LED"]), (0, 0), "it has stopped")
        with Client(daemon) as third:
            third.send_bytewise(request("POST", "/?LED", body="1"), first.ask)
            equal(third.reply().status, 503, "nothing else works there")
        equal(first.ask(target="/?LED").json(), {"LED": 0}, "503 has moved nothing")
        first.close()
        second.close()


@test
def silent_connections_above_the_table_do_not_delay_a_stop():
    """A silent connection never delays another one: neither one in the table nor one above it."""
    with Daemon(CONNECTIONS="2") as daemon:
        first, second = Client(daemon), Client(daemon)
        first.ask("POST", "/?LED", body="1")
        second.ask()
        silent = [Client(daemon) for _ in range(32)]
        start = time.monotonic()
        equal(ask(daemon, "POST", "/?stop").json()["LED"], 0, "the stop")
        _between(0, time.monotonic() - start, 1, "the stop is not delayed")
        for client in silent + [first, second]:
            client.close()


@test
def a_request_that_has_arrived_is_not_thrown_away_for_a_newer_connection():
    """Who has spoken is not silent, even if the daemon was too busy to listen yet."""
    with Daemon(CONNECTIONS="2") as daemon:
        ask(daemon)
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            clients = [Client(daemon) for _ in range(5)]
            for client in clients:
                client.send(request())
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        for number, client in enumerate(clients, 1):
            try:
                check(client.reply().status in (200, 503), "an answer")
            except Failure as failure:
                raise Failure(f"connection {number} of 5 had sent its request and got no answer: {failure}") from None
            client.close()


@test(slow=True)
def the_table_serves_as_many_connections_as_it_says():
    with Daemon(CONNECTIONS="100") as daemon:
        clients = [Client(daemon) for _ in range(100)]
        for client in clients:
            equal(client.ask().status, 200, "each of them")
        with Client(daemon) as one_more:
            equal(one_more.ask().status, 503, "one more")
        for client in clients:
            client.must_be_kept()
            client.close()
        wait_until(lambda: ask(daemon).status == 200, "there is room again")


@test(slow=True)
def a_crowd_beyond_the_table_is_all_answered():
    with Daemon(CONNECTIONS="4") as daemon:
        silent, crowd = [], []
        for _ in range(8):
            silent.append(Client(daemon))
            for _ in range(3):
                crowd.append(Client(daemon))
                crowd[-1].send(request())
        for client in crowd:
            try:
                check(client.reply().status in (200, 503), "an answer")
            except Failure as failure:
                raise Failure(f"a request of the crowd got no answer: {failure}") from None
            client.close()
        for client in silent:
            client.close()
        equal(ask(daemon).status, 200, "and the next one")
        daemon.must_be_idle()


@test(slow=True)
def requests_that_waited_while_the_daemon_was_stalled_are_answered_before_deadlines_are_judged():
    """A machine that was suspended or starved for longer than the keep-alive: what has arrived is looked at first."""
    with Daemon(KEEPALIVE="3", CONNECTIONS="200") as daemon:
        clients = [Client(daemon) for _ in range(100)]
        for client in clients:
            client.ask()
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            for client in clients:
                client.send(request("POST", "/?LED", body="toggle"))
            time.sleep(3.3)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        lost = 0
        for client in clients:
            try:
                client.reply()
            except Failure:
                lost += 1
            client.close()
        equal(lost, 0, "of 100 requests that had arrived, those that were thrown away")


@test(slow=True)
def without_descriptors_connections_wait_and_are_served_as_soon_as_there_are_some():
    with Daemon(USER=None) as daemon:  # limits are set for a process of the same user
        old = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        with Client(daemon) as client:
            client.ask()
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (daemon.descriptors(), old[1]))
            waiting = [Client(daemon) for _ in range(10)]
            for other in waiting:
                other.send(request())
            reply = client.ask(target="/index.html")
            check(reply.status in (500, 503), "a file can't be opened, and that is said", got=reply)
            equal(client.ask("POST", "/?LED", body="1").json(), {"LED": 1}, "signals go on")
            daemon.must_be_idle()
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, old)
            for other in waiting:
                equal(other.reply().status, 200, "who has waited is served")
                other.close()
            equal(client.ask(target="/index.html").status, 200, "files are back")
        daemon.must_have_descriptors()


# --- Peers that go away


@test
def closing_at_every_byte_of_a_post_frees_the_slot():
    chunked = request("POST", "/?LED", ["Transfer-Encoding: chunked"]) + b"1\r\n1\r\n0\r\n\r\n"
    with Daemon(CONNECTIONS="8") as daemon:
        for data in (POST, chunked, request("POST", "/?LED", ["Expect: 100-continue"], b"1")):
            ask(daemon, "POST", "/?LED", body="0")
            for cut in range(len(data)):
                with Client(daemon) as client:
                    client.send(data[:cut])
                    client.half_close()
                    got = client.read_to_end().replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
                    check(got == b"" or got.startswith(b"HTTP/1.1 400 "), f"cut behind {cut} bytes: no reply or 400", got=got)
            daemon.must_have_descriptors()
            for cut in range(len(data)):
                client = Client(daemon)
                client.send(data[:cut])
                client.reset() if cut % 2 else client.close()
            daemon.must_have_descriptors()
            # Until the daemon has seen that they are gone they may fill the table.
            reply = wait_until(lambda: next((r for r in [ask(daemon, target="/?LED")] if r.status != 503), None), "there is room")
            equal(reply.json(), {"LED": 0}, "nothing moved")


@test
def a_half_close_behind_a_request_still_gets_the_reply():
    with Daemon() as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 3000000)
        for data, size in ((request(), 37), (request() * 50, 37), (request(target="/big.bin"), 3000000), (POST, 9),
                           (request(target="/index.html", version="1.0"), None), (request(target="/?invalid"), None)):
            with Client(daemon) as client:
                client.send(data)
                client.half_close()
                reply = client.reply()
                check(size is None or len(reply.body) == size, "the reply", got=reply)
                got = client.read_to_end()
                equal(got.count(b"HTTP/1.1 200"), data.count(b"GET /?ping") - 1 if data == request() * 50 else 0,
                      "and no more than asked for")


@test
def a_reset_in_each_state_leaves_nothing_behind():
    with Daemon(CONNECTIONS="4") as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 20000000)
        equal(ask(daemon).status, 200, "it serves")
        states = [b"", b"G", POST[:-1], POST, request() * 100, request(target="/big.bin"), request(target="/big.bin") * 3,
                  request(target="/?invalid"),
                  b"BAD\r\n\r\n" + b"x" * 1000, request("POST", "/?LED", ["Expect: 100-continue", "Content-Length: 1"]),
                  request(fields=["Connection: close"])]
        for data in states:
            for wait in (False, True):
                for _ in range(8):
                    client = Client(daemon)
                    if data:
                        client.send(data)
                    if wait and b"\r\n\r\n" in data and data != POST[:-1]:
                        client.socket.recv(100)
                    client.reset()
        wait_until(lambda: ask(daemon).status == 200, "it still serves")
        daemon.must_have_descriptors()
        daemon.must_be_idle()


@test
def a_thousand_connects_leave_no_descriptors():
    with Daemon() as daemon:
        for i in range(1000):
            client = Client(daemon)
            if i % 3 == 0:
                client.ask()
            if i % 7 == 0:
                client.reset()
            client.close()
        wait_until(lambda: ask(daemon).status == 200, "it still serves")
        daemon.must_have_descriptors()


@test
def who_never_reads_his_replies_is_not_read_further_and_stops_nobody():
    with Daemon(KEEPALIVE="3") as daemon:
        (daemon.root / "page.html").write_bytes(b"x" * 16000)
        ask(daemon, target="/page.html")
        with Client(daemon, receive_buffer=8192) as greedy:
            before, sent = daemon.memory(), 0
            greedy.socket.settimeout(0.5)
            data = (request(target="/?list") + request(target="/page.html")) * 200
            try:
                while sent < 50000000:
                    sent += greedy.socket.send(data)
            except (TimeoutError, socket.timeout):
                pass
            check(sent < 30000000, "it is not read without end", sent=sent)
            start = time.monotonic()
            equal(ask(daemon, "POST", "/?LED", body="1").status, 200, "another one")
            _between(0, time.monotonic() - start, 0.2, "is not delayed")
            check(daemon.memory() - before < 256, "memory stays as it is", before=before, after=daemon.memory())
            wait_until(lambda: daemon.descriptors() == daemon.at_rest, "and it is dropped after the keep-alive", seconds=6)


@test(slow=True)
def who_reads_late_gets_everything_in_order():
    with Daemon(KEEPALIVE="9") as daemon, Client(daemon, receive_buffer=8192) as client:
        data = b"".join(request(target="/?list") + request(target="/?ping%d" % i) for i in range(300))
        sent = 0
        client.socket.settimeout(0.3)
        try:
            while sent < len(data):
                sent += client.socket.send(data[sent:sent + 20000])
        except (TimeoutError, socket.timeout):
            pass
        time.sleep(1)
        done = 0
        while done < 600:
            reply = client.reply()
            equal(len(reply.body) == 37, done % 2 == 1, f"reply {done}")
            done += 1
            if sent < len(data):
                client.socket.settimeout(5)
                sent += client.socket.send(data[sent:sent + 20000])
        client.must_be_kept()


@test(slow=True)
def silence_of_all_kinds_costs_no_processor():
    with Daemon(KEEPALIVE="200") as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 20000000)
        idle, slow, half, cut, last, gone = (Client(daemon, receive_buffer=8192) for _ in range(6))
        idle.ask()
        slow.send(request(target="/big.bin"))
        half.send(POST[:30])
        cut.send(request(target="/big.bin"))
        cut.half_close()
        last.send(request(target="/big.bin", fields=["Connection: close"]) + b"x" * 5000)
        gone.send(request(target="/big.bin"))
        gone.socket.recv(10)
        gone.reset()
        ask(daemon)
        daemon.must_be_idle()
        for client in (idle, slow, half, cut, last):
            client.close()
        ask(daemon)
        daemon.must_be_idle()
