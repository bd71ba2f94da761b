# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Reads tests/vectors/*.txt; their form is described in requests.txt."""
import dataclasses
import pathlib
import re

DIRECTORY = pathlib.Path(__file__).resolve().parent.parent / "vectors"
LINE = re.compile(r'(\S+) +([0-9|,]+) +([KC]) +"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r'\\([0-7]{3}|[rnt\\"])')
SHORT = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\", '"': '"'}


@dataclasses.dataclass
class Vector:
    name: str
    statuses: list  # a set for each reply
    closes: bool
    data: bytes

    def expectation(self):
        replies = " then ".join(" or ".join(map(str, sorted(s))) for s in self.statuses)
        return f"{replies}, and the connection {'closes' if self.closes else 'stays'}"

    def is_refused(self):
        return any(min(s) >= 400 for s in self.statuses)


def _unescape(text):
    return ESCAPE.sub(lambda m: SHORT.get(m[1]) or chr(int(m[1], 8)), text).encode("latin-1")


def read_vectors():
    vectors = []
    for path in sorted(DIRECTORY.glob("*.txt")):
        for number, line in enumerate(path.read_text("ascii").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            match = LINE.fullmatch(line)
            if not match:
                raise ValueError(f"{path}:{number}: no vector: {line}")
            statuses = [{int(s) for s in alternatives.split("|")} for alternatives in match[2].split(",")]
            vectors.append(Vector(match[1], statuses, match[3] == "C", _unescape(match[4])))
    return vectors
