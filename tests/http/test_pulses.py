# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Pulses: on at once, off after their time by the stamps of the daemon's own events, and never the other way round."""
from client import Client, ask
from daemon import Daemon
from events import Listener
from tap import check, equal, test, wait_until


def _changes(listener, name):
    """Each change of that signal, as (value, t)."""
    return [(members[name], t) for _, members, t in listener.events[1:] if name in members]


def _off(listener, name, count=2):
    return listener.until(lambda me: len(_changes(me, name)) >= count, f"{name} changes {count} times")


@test
def a_pulse_goes_on_at_once_and_off_after_its_time():
    with Daemon() as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        for index, (body, long) in enumerate((("pulse:200ms", 200), ("pulse:1ms", 1), ("pulse:1s", 1000))):
            equal(client.ask("POST", "/?LED", body=body).must_be_dynamic().json(), {"LED": 1}, body)
            _off(listener, "LED", 2 * index + 2)
            (on, begin), (off, end) = _changes(listener, "LED")[-2:]
            equal((on, off), (1, 0), body)
            check(long <= end - begin < long + 100, f"{body} lasts as long", got=end - begin)
            equal(client.ask(target="/?LED").json(), {"LED": 0}, "it is off")
        listener.must_be_whole()


@test
def pulses_in_a_form_begin_together():
    with Daemon() as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        reply = client.ask("POST", "/?", body="LED=pulse:100ms&LAMP=pulse:500ms&LEFT=1")
        equal(reply.json(), {"LED": 1, "LAMP": 1, "LEFT": 1}, "all are on")
        _off(listener, "LAMP")
        equal(listener.events[1][1], {"LED": 1, "LAMP": 1, "LEFT": 1}, "one event")
        led, lamp = _changes(listener, "LED"), _changes(listener, "LAMP")
        check(led[1][1] < lamp[1][1], "each has its own end", led=led, lamp=lamp)
        equal(client.ask(target="/?LED,LAMP,LEFT").json(), {"LED": 0, "LAMP": 0, "LEFT": 1}, "what was no pulse stays")


@test
def a_second_pulse_lengthens_and_never_shortens():
    with Daemon() as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        for body in ("pulse:300ms", "pulse:100ms"):
            client.ask("POST", "/?LED", body=body)
        _off(listener, "LED")
        (_, begin), (_, end) = _changes(listener, "LED")
        check(300 <= end - begin < 700, "the longer one counts", got=end - begin)


@test
def a_one_makes_it_last_and_a_zero_a_toggle_or_a_stop_ends_it():
    with Daemon() as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        for target, body, value in (("/?LED", "1", 1), ("/?LED", "0", 0), ("/?LED", "toggle", 0), ("/?stop", "", 0)):
            client.ask("POST", "/?LED", body="pulse:150ms")
            client.ask("POST", "/?LAMP", body="pulse:200ms")  # its end is later than the other would be
            equal(client.ask("POST", target, body=body).json()["LED"], value, f"{target} {body}")
            if target == "/?stop":
                equal(client.ask(target="/?LAMP").json(), {"LAMP": 0}, "all are stopped")
                client.ask("POST", "/?LAMP", body="pulse:200ms")
            listener.until(lambda me: me.values()["LAMP"] == 1, "the lamp's pulse")
            listener.until(lambda me: me.values()["LAMP"] == 0, "the lamp's end")
            equal(client.ask(target="/?LED").json(), {"LED": value}, f"after {target} {body}")
            client.ask("POST", "/?LED", body="0")


@test
def a_pulse_goes_on_without_its_connection_and_is_logged():
    with Daemon() as daemon, Listener(daemon) as listener:
        listener.begun()
        equal(ask(daemon, "POST", "/?LED", body="pulse:100ms").json(), {"LED": 1}, "the connection is closed now")
        _off(listener, "LED")
        wait_until(lambda: "LED 1 -> 0: the pulse ended\n" in daemon.said(), "the end is logged")


@test
def an_end_of_the_daemon_in_a_pulse_leaves_nothing_on():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask("POST", "/?LED", body="pulse:3600s")
        daemon.stop()
        check("LED 1 -> 0: the daemon was told to end" in daemon.said(), "it is off", got=daemon.said()[-500:])
