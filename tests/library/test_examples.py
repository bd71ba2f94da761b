# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The examples as their users see them: an LED in blocking mode, a program that counts in polled mode, a loop of its own."""
import contextlib
import json
import os
import pathlib
import queue
import re
import signal
import socket
import statistics
import tempfile
import threading
import time

from client import Client, ask, request
from installed import PROGRAMS, Program, command, compile_example
from tap import check, equal, test, wait_until

REQUESTS = 2000
SWITCHES = 100
CONNECTIONS = 6


# --- led.c -------------------------------------------------------------------------------------------------------------------


@test
def led_is_switched_read_and_toggled():
    with Program(compile_example("led")) as led, Client(led) as client:
        equal(client.ask(target="/1").body, b"1", "GET /1")
        equal(client.ask(target="/?LED").json(), {"LED": 1}, "GET /?LED")
        equal(client.ask("POST", "/?LED", body="toggle").json(), {"LED": 0}, "toggle")
        equal(client.ask("POST", "/?LED", body="1").json(), {"LED": 1}, "POST 1")
        equal(client.ask("POST", "/?", body="LED=0").json(), {"LED": 0}, "a form")
        equal(client.ask(target="/?LED").json(), {"LED": 0}, "GET /?LED")
        equal(led.said(), "led: 1 by 127.0.0.1\nled: 0 by 127.0.0.1\nled: 1 by 127.0.0.1\nled: 0 by 127.0.0.1\n", "what it printed")


@test
def led_refuses_a_pulse_and_has_not_moved():
    with Program(compile_example("led")) as led, Client(led) as client:
        client.ask("POST", "/?LED", body="pulse:200ms").must_be_error(400)
        equal(client.ask(target="/?LED").json(), {"LED": 0}, "the LED")


@test
def led_serves_the_page_beside_it_and_rests_in_between():
    with Program(compile_example("led")) as led:
        check(b"<title>A program with libhttap</title>" in ask(led, target="/").body, "the page")
        led.must_rest()


@test
def an_example_that_cannot_start_says_why_in_a_line_and_fails():
    for name in ("led", "spinner", "own_epoll"):
        program = compile_example(name)
        with tempfile.TemporaryDirectory() as empty, socket.socket() as taken:
            taken.bind(("", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for variables, reason in (({"HTTAP_TCPPORT": "x"}, r'HTTAP_TCPPORT="x": must be '),
                                      ({"HTTAP_TCPPORT": port}, r"can't listen on "),
                                      ({"HTTAP_TCPPORT": "0", "HTTAP_STATICPATH": empty}, r"can't serve the root page ")):
                done = command(program, env=variables, timeout=10, cwd=pathlib.Path(__file__).resolve().parents[2] / "examples")
                check(done.returncode == 1 and re.fullmatch(rf"{name}: {reason}[^\n]+\n", done.stdout), "the refusal", name=name,
                      status=done.returncode, printed=done.stdout, expected=reason)


# --- spinner.c: polled -----------------------------------------------------------------------------------------------------------


def _counter(client):
    return client.ask(target="/?Counter").json()["Counter"]


def _round(program, client, requests, seconds=0.3):
    """While so many requests are answered: steps of the counter for each second of processor time that the program had, and the
    share of the time in which it ran or wanted to."""
    steps, (used, waited), began = [_counter(client)], program.scheduled(), time.monotonic()
    for _ in range(requests):
        time.sleep(seconds / requests)
        steps.append(_counter(client))
    used_now, waited_now = program.scheduled()
    check(all(a < b for a, b in zip(steps, steps[1:])), "it has counted between any two requests", steps=steps)
    return (steps[-1] - steps[0]) / (used_now - used), (used_now - used + waited_now - waited) / (time.monotonic() - began)


@test
def spinner_counts_at_its_full_rate_while_it_answers_requests_and_never_waits_for_one():
    with Program(compile_example("spinner")) as spinner, Client(spinner) as client:
        # Other work on the machine and the processor's own clock make a round slower than it could be, never faster: so the best
        # of five tells, of each kind, and in turns.
        alone, asked = zip(*((_round(spinner, client, 1), _round(spinner, client, 100)) for _ in range(5)))
        rate_alone, rate_asked = max(rate for rate, _ in alone), max(rate for rate, _ in asked)
        awake = max(share for _, share in asked)
        print(f"# spinner counts {rate_alone / 1e6:.0f} million steps in a second of processor time; while it answers 100 requests in "
              f"0.3 s, {100 * rate_asked / rate_alone:.0f} % of that; it was awake for {100 * awake:.0f} % of the time")
        check(rate_asked > 0.7 * rate_alone, "answering does not slow the counter down", alone=alone, asked=asked)
        check(awake > 0.9, "no pass has waited", asked=asked)


def _traced(name, seconds, silent=False):
    """The system calls that an example makes in this time, one a line, while nobody asks for anything; or while somebody is connected
    and silent."""
    trace = PROGRAMS / f"{name}.trace"
    with Program(compile_example(name), tracer=("strace", "-f", "-qq", "-o", str(trace))) as program:
        # The client that found it serving is gone when its descriptor has been closed.
        wait_until(lambda: re.search(r"accept4\((?s:.*)\bclose\(\d+\)", trace.read_text()), "the client's end is seen")
        with Client(program) if silent else contextlib.nullcontext():
            time.sleep(0.1)
            before = len(trace.read_text())
            time.sleep(seconds)
            lines = trace.read_text()[before:].split("\n")[1:-1]
        # The tracer would leave the program behind, and ends with it.
        main_thread = f"/proc/{program.process.pid}/task/{program.process.pid}"
        for child in pathlib.Path(main_thread, "children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        program.process.wait(10)
    return [re.sub(r"^\d+ +", "", line) for line in lines]


@test
def a_polled_pass_without_work_is_one_system_call_that_does_not_wait():
    calls = _traced("spinner", 0.5)
    check(len(calls) > 100, "the trace shows passes", got=calls[:10])
    strange = [line for line in calls if not re.fullmatch(r"epoll_wait\(\d+, \[\], \d+, 0\) += 0", line)]
    equal(strange[:5], [], "calls that are not the one question whether there is work")


@test
def spinner_ends_on_a_signal_in_either_mode():
    for mode in ("polled", "blocking"):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Program(compile_example("spinner")) as spinner:
                equal(ask(spinner, "POST", "/?Mode", body=mode).json(), {"Mode": mode}, "the mode")
                equal(spinner.end(number), 0, f"the status in {mode} mode after signal {number}")


# --- spinner.c: from polled to blocking and back ---------------------------------------------------------------------------------------


@test
def spinner_rests_in_blocking_mode_and_counts_again_in_polled_mode():
    with Program(compile_example("spinner")) as spinner, Client(spinner) as client:
        equal(client.ask("POST", "/?Mode", body="blocking").json(), {"Mode": "blocking"}, "the mode")
        before = _counter(client)
        spinner.must_rest()
        equal(_counter(client), before, "the counter stands still")
        equal(client.ask("POST", "/?Mode", body="polled").json(), {"Mode": "polled"}, "the mode")
        wait_until(lambda: _counter(client) > before, "it counts again")
        client.ask("POST", "/?Mode", body="none").must_be_error(400)
        equal(client.ask(target="/?Mode").json(), {"Mode": "polled"}, "the mode after a refusal")


def _worker(program, numbers, answered, faults):
    """Sends what it finds in the queue, several at a time when they are there, and reads as many replies."""
    try:
        with Client(program) as client:
            while (number := numbers.get()) is not None:
                batch = [number]
                while len(batch) < 5:
                    try:
                        number = numbers.get_nowait()
                    except queue.Empty:
                        break
                    if number is None:
                        numbers.put(None)
                        break
                    batch.append(number)
                client.send(b"".join(request("POST", "/?loopback", body=str(n)) for n in batch))
                for n in batch:
                    reply = client.reply()
                    check(reply.status == 200 and reply.body == str(n).encode(), "the reply is this request's", number=n, got=reply)
                    answered.append(n)
    except Exception as fault:  # pylint: disable=broad-except
        faults.append(f"{fault} {getattr(fault, 'facts', '')}")


@test
def no_request_is_lost_while_spinner_is_switched_between_polled_and_blocking():
    with Program(compile_example("spinner"), LOOPBACK="yes") as spinner, Client(spinner) as switch:
        numbers, answered, faults = queue.Queue(3 * REQUESTS // SWITCHES), [], []
        workers = [threading.Thread(target=_worker, args=(spinner, numbers, answered, faults), daemon=True) for _ in range(CONNECTIONS)]
        for worker in workers:
            worker.start()
        for i in range(SWITCHES):
            for number in range(i * REQUESTS // SWITCHES, (i + 1) * REQUESTS // SWITCHES):
                numbers.put(number, timeout=10)
            mode = "polled" if i % 2 else "blocking"
            equal(switch.ask("POST", "/?Mode", body=mode).json(), {"Mode": mode}, "the mode")
        for _ in workers:
            numbers.put(None, timeout=10)
        for worker in workers:
            worker.join(20)
        equal(faults, [], "what went wrong on a connection")
        equal(sorted(answered), list(range(REQUESTS)), "every request has its reply, once")


# --- own_epoll.c ---------------------------------------------------------------------------------------------------------------------


def _next_event(client):
    """The id and the data of the next event; comments and the retry field are passed over."""
    end = time.monotonic() + 15
    while True:
        while b"\n\n" not in client.buffer:
            check(client._receive(end), "the stream goes on")  # pylint: disable=protected-access
        block, client.buffer = client.buffer.split(b"\n\n", 1)
        fields = dict(line.split(": ", 1) for line in block.decode("ascii").split("\n") if ": " in line)
        if "data" in fields:
            return int(fields["id"]), json.loads(fields["data"])


def _ticks(client, count):
    """So many turns of TICK: each is the opposite of the one before, none is left out, and time goes on. The times between them."""
    times, values = [], []
    last, _ = number, _ = _next_event(client)
    while len(times) < count:
        number, data = _next_event(client)
        equal(number, last + 1, "the number of an event")
        last = number
        if "TICK" in data:
            times.append(data["t"])
            values.append(data["TICK"])
    check(all(a != b for a, b in zip(values, values[1:])), "TICK turns over", got=values)
    between = [b - a for a, b in zip(times, times[1:])]
    check(all(ms > 0 for ms in between), "time goes on", got=times)
    return between


@test(slow=True)
def own_epoll_tells_its_listeners_each_turn_of_the_timer():
    with Program(compile_example("own_epoll")) as program, Client(program) as listener:
        listener.send(request(target="/?events"))
        head = listener._head(time.monotonic() + 5)  # pylint: disable=protected-access
        check(b"text/event-stream" in head, "the head of the stream", got=head)
        _, state = _next_event(listener)
        check(set(state) == {"TICK", "FAST", "t"} and state["FAST"] == 0, "the first event is the whole state", got=state)
        slow = _ticks(listener, 4)
        equal(ask(program, "POST", "/?FAST", body="1").json(), {"FAST": 1}, "FAST")
        fast = _ticks(listener, 20)
        check(statistics.median(slow) > 250 > statistics.median(fast), "milliseconds between turns, slow and fast", slow=slow, fast=fast)


@test(slow=True)
def own_epoll_rests_between_turns_and_ends_on_a_signal():
    with Program(compile_example("own_epoll")) as program:
        program.must_rest()
        equal(program.end(signal.SIGTERM), 0, "the status")


@test(slow=True)
def own_epoll_makes_a_pass_when_there_is_a_reason_and_none_in_vain():
    calls = _traced("own_epoll", 3.4, silent=True)
    turns = sum(line.startswith("read(") for line in calls)
    check(5 <= turns <= 8, "the timer's turns", calls=calls)
    # The silent connection is closed after 3 s: the wait ends for that alone.
    check([line for line in calls if re.fullmatch(r"epoll_wait\(\d+, \[\], 3, [1-9]\d*\) += 0", line)], "a wait ended with a deadline",
          calls=calls)
    check([line for line in calls if line.startswith("close(")], "the silent connection was closed", calls=calls)
    # A wait, the timer and a pass for each turn; a wait, a pass and what belongs to it for the deadline.
    check(len(calls) <= 3 * (turns + 1) + 8, "no wait that ends in vain", count=len(calls), turns=turns, calls=calls)


@test
def own_epoll_keeps_its_input_from_being_written():
    with Program(compile_example("own_epoll")) as program, Client(program) as client:
        client.ask("POST", "/?TICK", body="1").must_be_error(405)
        client.ask("POST", "/?FAST", body="pulse:1s").must_be_error(400)
        equal(client.ask("POST", "/?FAST", body="toggle").json(), {"FAST": 1}, "toggle")
        listed = client.ask(target="/?list").json()
        equal({name: s["direction"] for name, s in listed.items()}, {"TICK": "input", "FAST": "output"}, "what there is")
