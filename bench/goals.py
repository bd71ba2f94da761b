#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""goals.py COST COMPARE LATE: every goal with its figure beside it, from what the other programs have left as JSON; by how much one is missed.
Ends with status 1 when one is.
"""
import json
import pathlib
import sys


def main(cost, compare, late):
    cost, compare, late = (json.loads(pathlib.Path(path).read_text()) for path in (cost, compare, late))
    goals = cost["goals"] + compare["goals"]
    goals += [(f"a stop comes late, {name}, by the server's stamps, ms", row["stamped_ms"]["max"], "<=", row["goal_ms"])
              for name, row in late["lateness"].items()]
    goals += [(f"a stop comes late, {name}, as 99 of 100 are seen, ms", row["seen_ms"]["p99"], "<=", row["goal_ms"])
              for name, row in late["lateness"].items()]
    missed = 0
    print(f"{'goals':64}{'measured':>12}{'goal':>14}")
    for what, found, sign, goal in goals:
        met = found >= goal if sign == ">=" else found <= goal
        missed += not met
        print(f"{what:64}{found:12g}{sign + f' {goal:g}':>14}{'' if met else f'   missed by {abs(found - goal) / goal:.0%}'}")
    print(f"{len(goals) - missed} of {len(goals)} goals are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
