# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""HTTaP-Session sent back: a session over several connections, and what each session has yet to hear of."""
from client import Client, ask
from daemon import Daemon, is_sanitized
from tap import check, equal, test


def _name(reply):
    return reply.must_be_dynamic().get("HTTaP-Session")


@test
def a_session_goes_on_where_its_name_is_sent():
    with Daemon() as daemon, Client(daemon) as first, Client(daemon) as second:
        name = _name(first.ask())
        own = _name(second.ask())
        check(name != own, "each connection begins its own", got=(name, own))
        reply = second.ask(target="/?", fields=[f"HTTaP-Session: {name}"])
        equal((_name(reply), reply.json()["HTTaP_open"]), (name, 1), "the first one's session")
        equal(_name(second.ask()), name, "and it stays there")
        equal(_name(first.ask(target="/?", fields=[f"httap-session: {name}"])), name, "on its own connection too")


@test
def a_session_goes_on_after_its_connection():
    with Daemon() as daemon:
        name = _name(ask(daemon))
        for _ in range(5):
            equal(_name(ask(daemon, target="/?LED", fields=[f"HTTaP-Session: {name}"])), name, "one connection after the other")


@test
def unknown_names_are_no_error():
    with Daemon() as daemon, Client(daemon) as client:
        own = _name(client.ask())
        for strange in ("x", "0" * 16, "v" * 16, "w" * 16, own[:-1], own + "0", own.upper() + "!", "a, b", '"' + own + '"'):
            reply = client.ask(target="/?LED", fields=[f"HTTaP-Session: {strange}"])
            equal((reply.status, _name(reply)), (200, own), f"with {strange!r}")


@test
def changes_are_each_sessions_own_and_told_once():
    with Daemon() as daemon, Client(daemon) as reader, Client(daemon) as other, Client(daemon) as writer:
        name = _name(reader.ask(target="/?changes"))
        equal(other.ask(target="/?changes").json(), {}, "nothing yet")
        writer.ask("POST", "/?", body="LED=1&LEFT=1")
        writer.ask("POST", "/?LEFT", body="0")
        equal(reader.ask(target="/?changes").json(), {"LED": 1, "LEFT": 0}, "what changed, with its value now")
        equal(other.ask(target="/?changes", fields=[f"HTTaP-Session: {name}"]).json(), {}, "told on one connection is told")
        equal(writer.ask(target="/?changes").json(), {"LED": 1, "LEFT": 0}, "a writer's own")
        writer.ask("POST", "/?LED", body="0")
        equal(reader.ask(target="/?LED").json(), {"LED": 0}, "read by name")
        equal(reader.ask(target="/?changes").json(), {}, "is no news then")
        equal(writer.ask("HEAD", "/?changes").status, 200, "HEAD")
        equal(writer.ask(target="/?changes").json(), {"LED": 0}, "HEAD tells nothing")
        writer.ask("POST", "/?changes", body="").must_be_error(405)


@test
def a_thousand_sessions_leave_nothing_behind():
    with Daemon() as daemon:
        for _ in range(100):
            ask(daemon)
        before = daemon.memory()
        for _ in range(1000):
            name = _name(ask(daemon))
            ask(daemon, fields=[f"HTTaP-Session: {name}"])
        check(is_sanitized() or daemon.memory() <= before + 64, "memory is flat", before=before, after=daemon.memory())
        daemon.must_have_descriptors()
