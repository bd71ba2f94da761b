# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Each vector of tests/vectors/ against the daemon: whole, and with each byte in a segment of its own."""
from client import Client, request
from daemon import AT_REST, EVERY_LINE, Daemon, new_root
from tap import check, equal, test
from vectors import read_vectors

_shared = {}


def _shared_daemon():
    """One daemon for all vectors; a new one when it died."""
    daemon = _shared.get("daemon")
    if daemon is None or daemon.process.poll() is not None:
        daemon = _shared["daemon"] = Daemon(new_root())
        _shared["control"] = Client(daemon)
    return daemon, _shared["control"]


def _expect(client, vector):
    for number, statuses in enumerate(vector.statuses, 1):
        reply = client.reply()
        check(reply.status in statuses, f"the status of reply {number}", got=reply, expected=statuses)
        check(reply.get("Location") is None, "nothing is redirected", got=reply)
    last = vector.closes
    if last:
        check(reply.closes or vector.data.find(b"HTTP/1.0") > 0 or reply.status < 400, "the last reply says that it is the last",
              got=reply)
        client.must_end()
    else:
        check(not reply.closes, "the reply does not say that the connection closes", got=reply)
        client.must_be_kept()


def _replay(vector, split):
    daemon, control = _shared_daemon()
    control.ask("POST", "/?stop")
    with Client(daemon) as client:
        if split:
            # The daemon answers in order of arrival: a ping's reply says that it has taken the byte before.
            client.send_bytewise(vector.data, control.ask)
        else:
            client.send(vector.data)
        _expect(client, vector)
    if vector.is_refused() and not any(200 in s for s in vector.statuses):
        equal(control.ask(target=EVERY_LINE).json(), AT_REST, "a refused request has moved nothing")


def _both(vector):
    def run():
        _replay(vector, False)
        _replay(vector, True)
    return run


for _vector in read_vectors():
    test(_both(_vector), name=f"vector {_vector.name}, whole and split, gets {_vector.expectation()}")


@test
def the_daemon_is_in_order_after_all_vectors():
    daemon, control = _shared_daemon()
    daemon.must_be_idle()
    control.close()
    daemon.stop()
