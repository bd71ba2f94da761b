# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""/?events over real sockets: what listeners hear, many of them, slow ones, deaf ones, and what they cost the others."""
import socket
import statistics
import time

from client import Client, ask, request
from daemon import AT_REST, Daemon, is_sanitized
from events import Listener
from tap import check, equal, test, wait_until


@test
def a_listener_hears_the_whole_state_and_then_each_change():
    with Daemon() as daemon, Listener(daemon) as listener, Client(daemon) as writer:
        listener.begun()
        equal(listener.retry, 500, "when a browser comes back")
        equal(listener.events[0][1], AT_REST, "the whole state")
        for i in range(20):
            writer.ask("POST", "/?LED", body="toggle")
            listener.until(lambda me, n=i + 2: len(me.events) == n, f"change {i + 1}")
            equal(listener.events[-1][1], {"LED": (i + 1) % 2}, "the change and nothing else")
        listener.must_be_whole()


@test
def an_events_time_is_that_of_the_move_on_the_monotonic_clock():
    with Daemon() as daemon, Listener(daemon) as listener, Client(daemon) as writer:
        listener.begun()
        for i in range(10):
            before = time.monotonic() * 1000
            writer.ask("POST", "/?LED", body="toggle")
            after = time.monotonic() * 1000
            listener.until(lambda me, n=i + 2: len(me.events) == n, "the change")
            moved = listener.events[-1][2]
            check(before <= moved <= after, "t lies between asking and the reply", before=before, t=moved, after=after)


@test
def all_ways_to_move_a_line_are_heard():
    with Daemon() as daemon, Listener(daemon) as listener, Client(daemon) as writer:
        listener.begun()
        for method, target, body, expected in (("GET", "/1", None, {"LED": 1}), ("PUT", "/?LED", "0", {"LED": 0}),
                                               ("POST", "/?", "RIGHT=1&LEFT=1", {"LEFT": 1, "RIGHT": 1}),
                                               ("POST", "/?stop", None, {"LEFT": 0, "RIGHT": 0})):
            count = len(listener.events)
            equal(writer.ask(method, target, body=body).status, 200, target)
            told = {}
            while told != expected:
                listener.until(lambda me, n=count: len(me.events) > n, f"{method} {target}")
                told.update(listener.events[count][1])
                count += 1
                check(set(told) <= set(expected), "nothing else moved", got=told)
        # a write that is refused, and one that changes nothing, are no events
        count = len(listener.events)
        writer.ask("POST", "/?LED", body="2")
        writer.ask("POST", "/?LED", body="0")
        writer.ask("POST", "/?LED", body="1")
        listener.until(lambda me: len(me.events) == count + 1, "the one change")
        equal(listener.events[-1][1], {"LED": 1}, "the one change")


@test
def who_comes_back_gets_the_whole_state_whatever_he_says_he_has():
    with Daemon() as daemon:
        with Listener(daemon) as listener:
            listener.begun()
        ask(daemon, "POST", "/?LED", body="1")
        for fields in ((), ("Last-Event-ID: 0",), ("Last-Event-ID: 999999",), ("Last-Event-ID: nonsense",)):
            with Listener(daemon, fields) as again:
                equal(again.begun().events[0][1], AT_REST | {"LED": 1}, f"the state with {fields}")


@test
def after_the_servers_restart_the_truth_is_told_anew():
    with Daemon() as daemon:
        port, root = daemon.address[1], daemon.root
        listener = Listener(daemon)
        listener.begun()
        ask(daemon, "POST", "/?LED", body="1")
        daemon.stop()
        while listener.take(1.0):
            pass
        listener.close()
    with Daemon(root=root, TCPPORT=port, announces=False).await_serving(("127.0.0.1", port)) as daemon, Listener(daemon) as listener:
        equal(listener.begun().events[0][1], AT_REST, "the state after the restart")


@test
def thirty_two_listeners_hear_ten_thousand_changes():
    with Daemon(CONNECTIONS=40) as daemon:
        listeners = [Listener(daemon).begun() for _ in range(32)]
        with Client(daemon) as writer:
            memory = 0
            for turn in range(100):
                writer.send(request("POST", "/?LED", body="toggle") * 100)
                for _ in range(100):
                    equal(writer.reply().status, 200, "a write")
                for listener in listeners:
                    listener.until(lambda me, n=1 + 100 * (turn + 1): len(me.events) >= n, f"changes of turn {turn}")
                if turn == 9:
                    memory = daemon.memory()
            last = writer.ask(target="/?LED").json()["LED"]
        for listener in listeners:
            equal(len(listener.events), 10001, "each change came once")
            equal(listener.values()["LED"], last, "the last state is right")
            listener.must_be_whole()
            listener.close()
        # A page of a buffer may be touched for the first time late; a byte for each change and listener would be 288 kB.
        check(is_sanitized() or daemon.memory() <= memory + 64, "memory is flat", after_1000=memory, after_10000=daemon.memory())
        daemon.must_have_descriptors()


@test(slow=True)
def a_deaf_listener_is_dropped_and_delays_nobody():
    with Daemon(CONNECTIONS=8) as daemon, Client(daemon) as writer:
        deaf = Listener(daemon, receive_buffer=2048)
        with Listener(daemon) as listener:
            listener.begun()
            end, took = time.monotonic() + 60, []
            memory = None
            changes = 0
            dropped = False
            while not dropped:
                check(time.monotonic() < end, "the deaf one is dropped in time")
                start = time.monotonic()
                writer.send(request("POST", "/?LED", body="toggle") * 50)
                for _ in range(50):
                    writer.reply()
                changes += 50
                listener.until(lambda me: len(me.events) == 1 + changes, "his changes")
                took.append(time.monotonic() - start)
                memory = memory or (daemon.memory() if changes > 5000 else None)
                dropped = daemon.descriptors() == daemon.at_rest + 2
            listener.must_be_whole()
            check(statistics.median(took) < 0.5, "others get theirs without delay", median=statistics.median(took))
            check(is_sanitized() or memory is None or daemon.memory() <= memory + 64, "memory is flat", before=memory, after=daemon.memory())
        deaf.close()


@test
def a_slow_listener_ends_with_the_right_values():
    with Daemon() as daemon, Client(daemon) as writer, Listener(daemon, receive_buffer=2048) as slow:
        for _ in range(60):
            writer.send(request("POST", "/?LED", body="toggle") * 199)
            for _ in range(199):
                writer.reply()
        equal(writer.ask("POST", "/?", body="LEFT=1&LED=1").status, 200, "the last change")
        slow.until(lambda me: me.events and me.events[-1][1].get("LEFT") == 1, "the last change")
        equal(slow.values(), AT_REST | {"LED": 1, "LEFT": 1}, "what he ends up with")
        check(len(slow.events) < 60 * 199, "he was spared most of it", got=len(slow.events))


@test
def silent_listeners_leave_a_writers_delay_alone():
    with Daemon() as daemon:
        with Client(daemon) as writer:
            equal(writer.ask().status, 200, "he is there first")
            listeners = [Listener(daemon) for _ in range(31)]
            for listener in listeners:
                listener.begun()
            took = []
            for _ in range(300):
                start = time.monotonic()
                equal(writer.ask("POST", "/?LED", body="toggle").status, 200, "a write")
                took.append((time.monotonic() - start) * 1000)
            check(statistics.median(took) < 20, "a write is answered at once", median_ms=statistics.median(took))
            for listener in listeners:
                listener.until(lambda me: len(me.events) == 301, "every change")
                listener.close()


@test
def a_listener_says_nothing_more():
    with Daemon() as daemon:
        with Listener(daemon) as listener:
            listener.begun()
            listener.send(request("POST", "/?LED", body="1") + b"\0garbage\r\n\r\n")
            equal(ask(daemon, target="/?LED").json(), {"LED": 0}, "nothing moved")
            ask(daemon, "POST", "/?LED", body="1")
            listener.until(lambda me: len(me.events) == 2, "he still hears")
        with Listener(daemon) as listener:
            listener.begun()
            listener.half_close()
            listener.must_end()
        daemon.must_have_descriptors()


@test
def head_and_other_methods_of_events():
    with Daemon() as daemon:
        with Client(daemon) as client:
            reply = client.ask("HEAD", "/?events")
            equal((reply.status, reply.get("Content-Type")), (200, "text/event-stream"), "HEAD")
            client.must_end()
        for method in ("POST", "PUT"):
            with Client(daemon) as client:
                client.ask(method, "/?events", body="").must_be_error(405)
                client.must_be_kept()
        with Client(daemon) as client:
            client.send(request(target="/?events", version="1.0"))
            wait_until(lambda: b"\n\n" in client.socket.recv(4096, socket.MSG_PEEK), "HTTP/1.0 hears too")


@test(slow=True)
def a_comment_comes_every_ten_seconds():
    with Daemon() as daemon, Listener(daemon) as listener:
        listener.begun()
        start = time.monotonic()
        listener.until(lambda me: me.comments == 1, "the comment", seconds=14)
        check(9.5 < time.monotonic() - start < 12, "after 10 s", took=time.monotonic() - start)
