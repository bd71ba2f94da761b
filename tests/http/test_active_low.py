# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Every kind of signal beside its inverted twin (NAME_LOW): on the wire they are the same, whatever their lines do."""
from client import Client
from daemon import Daemon
from events import Listener
from tap import check, equal, test

# Options, initial values of both, and the value that stop gives to both, which were at 1.
OUTPUTS = {
    "PLAIN": ("", (0, 0), 0),
    "ONE": ("initial=1", (1, 1), 0),
    "HELD": ("initial=1,safe=1", (1, 1), 1),
    "SAFE": ("safe=1", (0, 0), 1),
    "STAYS": ("safe=keep", (0, 0), 1),
    "KEPT": ("initial=keep", (0, 1), 0),  # both lines are low before
    "SHORT": ("max-on=60s", (0, 0), 0),
    "DRIVEN": ("failsafe=60s", (0, 0), 0),
    "BRAKE": ("failsafe=60s,safe=1", (1, 1), 1),
    "DRAIN": ("drive=open-drain,bias=pull-up", (0, 0), 0),
    "SOURCE": ("drive=open-source,bias=pull-down", (0, 0), 0),
}
INPUTS = {
    "FLOATS": ("input", (0, 1)),
    "UP": ("input,bias=pull-up", (1, 0)),
    "DOWN": ("input,bias=pull-down,debounce=5ms", (0, 1)),
}


def _twins(table, values):
    """A value for each signal, from those of each pair."""
    return {name + end: values(row)[i] for name, row in table.items() for i, end in enumerate(("", "_LOW"))}


def _lines():
    text, number = [], 0
    for name, row in (OUTPUTS | INPUTS).items():
        for end, low in (("", ""), ("_LOW", ",active-low")):
            text.append(f"{name}{end}=GPIO{number}{',' if row[0] else ''}{row[0]}{low}")
            number += 1
    return " ".join(text)


class _Witness:
    """All who are told of values, and what each was told last."""

    def __init__(self, daemon):
        self.reader, self.asker, self.listener = Client(daemon), Client(daemon), Listener(daemon).begun()
        self.state = {}
        self.asker.ask(target="/?changes")

    def must_see(self, what, expected, also=()):
        """Everybody sees these values; `also`: signals that have changed and changed back."""
        equal(self.reader.ask(target="/?" + ",".join(expected)).json(), expected, f"{what}: read")
        listed = self.reader.ask(target="/?list").json()
        equal({name: listed[name]["value"] for name in expected}, expected, f"{what}: /?list")
        for name in expected:
            equal(listed[name]["activeLow"], name.endswith("_LOW"), f"activeLow of {name}")
        self.listener.until(lambda me: {name: me.values()[name] for name in expected} == expected, f"{what}: /?events")
        changed = {name: value for name, value in expected.items() if name in also or self.state.get(name, value) != value}
        equal(self.asker.ask(target="/?changes").json(), changed, f"{what}: /?changes")
        self.state.update(expected)

    def close(self):
        self.reader.close()
        self.asker.close()
        self.listener.close()


def _form(names, value):
    return "&".join(f"{name}={value}" for name in names)


@test
def a_signal_and_its_inverted_twin_are_the_same_on_the_wire():
    with Daemon(LINES=_lines()) as daemon, Client(daemon) as client:
        witness = _Witness(daemon)
        witness.must_see("initial", _twins(OUTPUTS | INPUTS, lambda row: row[1]))
        names = list(_twins(OUTPUTS, lambda row: row[1]))
        for what, value in (("1", 1), ("toggle", 0), ("toggle", 1), ("0", 0)):
            expected = dict.fromkeys(names, value)
            equal(client.ask("POST", "/?", body=_form(names, what)).json(), expected, f"the reply to {what}")
            witness.must_see(what, expected)
        equal(client.ask("POST", "/?", body=_form(names, "pulse:100ms")).json(), dict.fromkeys(names, 1), "a pulse")
        for value in (1, 0):
            witness.listener.until(lambda me, v=value: all(me.values()[name] == v for name in names), f"the pulses: {value}")
        witness.must_see("after a pulse", dict.fromkeys(names, 0), also=names)
        for name in names:
            equal(client.ask("POST", "/?" + name, body="1").json(), {name: 1}, "one by one")
        witness.must_see("one by one", dict.fromkeys(names, 1))
        safe = _twins(OUTPUTS, lambda row: (row[2], row[2]))
        equal(client.ask("POST", "/?stop").json(), safe, "the reply to stop")
        witness.must_see("stop", safe)
        witness.listener.must_be_whole()
        witness.close()


@test
def an_open_drain_line_shows_on_the_wire_which_level_a_value_is():
    """Nothing pulls it up: let go, it is low, which only the inverted one takes for what was commanded."""
    with Daemon(LINES="DRAIN=GPIO1,drive=open-drain DRAIN_LOW=GPIO2,drive=open-drain,active-low "
                      "SOURCE=GPIO3,drive=open-source,bias=pull-up SOURCE_LOW=GPIO4,drive=open-source,bias=pull-up,active-low"
                ) as daemon, Client(daemon) as client:
        for value, shown in ((0, [0, 1, 1, 0]), (1, [0, 1, 1, 0])):
            client.ask("POST", "/?", body=_form(("DRAIN", "DRAIN_LOW", "SOURCE", "SOURCE_LOW"), value))
            equal(list(client.ask(target="/?DRAIN,DRAIN_LOW,SOURCE,SOURCE_LOW").json().values()), shown, f"after {value}")


@test
def inverted_twins_are_guarded_alike():
    lines = "MAX=GPIO1,max-on=100ms{0} FAIL=GPIO2,failsafe=300ms{0} BRAKE=GPIO3,failsafe=300ms,safe=1{0}"
    both = lines.format("") + " " + lines.format(",active-low").replace("=GPIO", "_LOW=GPIO1")
    with Daemon(LINES=both) as daemon, Client(daemon) as client, Listener(daemon) as listener:
        listener.begun()
        body = "&".join(_form((name, name + "_LOW"), value) for name, value in (("MAX", 1), ("FAIL", 1), ("BRAKE", 0)))
        client.ask("POST", "/?", body=body)
        listener.until(lambda me: len(me.events) >= 4, "the write, the end of max-on, and that of the drive")
        told = [(members, t) for _, members, t in listener.events[1:]]
        equal([members for members, _ in told],
              [{"MAX": 1, "FAIL": 1, "BRAKE": 0, "MAX_LOW": 1, "FAIL_LOW": 1, "BRAKE_LOW": 0}, {"MAX": 0, "MAX_LOW": 0},
               {"FAIL": 0, "BRAKE": 1, "FAIL_LOW": 0, "BRAKE_LOW": 1}], "each at one moment")
        check(100 <= told[1][1] - told[0][1] < 300 <= told[2][1] - told[0][1] < 600, "in its time", got=told)
