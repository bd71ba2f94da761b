# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A small runner: functions marked with @test, named as sentences, become lines of TAP.

Tests that mostly wait are marked slow: they run in threads beside the others, and are printed behind them. What a test used
(clients, daemons) enlists itself in its trail; a failure shows the end of the trail.
"""
import concurrent.futures
import threading
import time
import traceback

SLOW_AT_ONCE = 12

tests = []
_local = threading.local()


class Failure(Exception):
    def __init__(self, sentence, **facts):
        super().__init__(sentence)
        self.facts = facts


class Skip(Exception):
    pass


def test(function=None, *, slow=False, name=None):
    """Registers a test; its name, or else the function's, is the sentence."""
    def register(f):
        tests.append((name or f.__name__.replace("_", " "), f, slow))
        return f
    return register(function) if function else register


def check(condition, sentence, **facts):
    if not condition:
        raise Failure(sentence, **facts)


def equal(got, expected, what):
    check(got == expected, what, got=got, expected=expected)


def enlist(witness):
    """Adds something with a testimony() to the trail of the present test."""
    trail = getattr(_local, "trail", None)
    if trail is not None:
        trail.append(witness)


def wait_until(condition, what, seconds=5.0):
    """The value of condition() as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.005)


def _run(function):
    """None when it passed, a Skip, or the lines of what went wrong."""
    _local.trail = []
    try:
        function()
        return None
    except Skip as skip:
        return skip
    except Failure as failure:
        lines = [str(failure)] + [f"{name}: {value!r}" for name, value in failure.facts.items()]
        frame = [f for f in traceback.extract_tb(failure.__traceback__) if "test_" in f.filename]
        if frame:
            lines.append(f"at {frame[-1].filename.rsplit('/', 1)[-1]}:{frame[-1].lineno}: {frame[-1].line}")
    except Exception:  # pylint: disable=broad-except
        lines = traceback.format_exc().splitlines()
    witnesses = _local.trail
    _local.trail = None
    for witness in witnesses[:1] + witnesses[1:][-3:]:
        lines += witness.testimony()
    return lines


class Printer:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def result(self, sentence, outcome):
        self.number += 1
        if outcome is None:
            print(f"ok {self.number} - {sentence}", flush=True)
        elif isinstance(outcome, Skip):
            print(f"ok {self.number} - {sentence} # SKIP {outcome}", flush=True)
        else:
            self.failed += 1
            print(f"not ok {self.number} - {sentence}")
            for line in outcome:
                for part in str(line).split("\n"):
                    print(f"#   {part[:600]}")
            print(end="", flush=True)


def run_all(wanted):
    """Runs the tests whose sentence contains one of the wanted words (all, when there are none). The number of failures."""
    chosen = [t for t in tests if not wanted or any(word in t[0] for word in wanted)]
    printer = Printer()
    with concurrent.futures.ThreadPoolExecutor(SLOW_AT_ONCE) as pool:
        slow = [(sentence, pool.submit(_run, function)) for sentence, function, is_slow in chosen if is_slow]
        for sentence, function, is_slow in chosen:
            if not is_slow:
                printer.result(sentence, _run(function))
        for sentence, future in slow:
            printer.result(sentence, future.result())
    return printer
