# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Tests in the order in which they stand, some of which lean on what an earlier one did; TAP on standard output."""

import sys
import time
import traceback

TESTS = []
SLOW_S = 3  # what takes longer is worth a line


def test(sentence):
    return lambda function: TESTS.append((sentence, function))


def expect(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def run(context, record, diagnosis):
    """Runs every test with `context`. What a test that failed left in `record` (a list, empty before each), and what
    `diagnosis()` says then (lines), stand below its result. Returns how many tests there were."""
    for number, (sentence, function) in enumerate(TESTS, 1):
        record.clear()
        began = time.monotonic()
        try:
            function(context)
        except Exception as error:  # whatever it is, the next test shall run
            print(f"not ok {number} - {sentence}")
            frame = traceback.extract_tb(error.__traceback__)[1]
            lines = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}: {type(error).__name__}: {error}", *record, *diagnosis()]
            print(*(f"# {line}" for text in lines for line in text.splitlines()), sep="\n")
        else:
            print(f"ok {number} - {sentence}")
        if time.monotonic() - began > SLOW_S:
            print(f"# this took {time.monotonic() - began:.1f} s")
        sys.stdout.flush()
    return len(TESTS)
