# SPDX-License-Identifier: Apache-2.0
"""`make bench-modem`: every scenario and transcript against the daemon, as a table and in figures.

The last line is JSON: how many, how many right, the longest that anybody waited for an answer
(seconds), and the most dials within an hour that any of them brought.
"""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.scenarios.modem_world import SCENARIOS, World, longest_wait, play, transcripts


def main() -> int:
    logging.disable()
    rows = list(_rows())
    print(f"{'outcome':8} {'wait s':>7} {'dials/h':>7}  scenario")  # noqa: T201
    for title, wrong, wait, dials in rows:
        print(f"{'wrong' if wrong else 'right':8} {wait:7.1f} {dials:7}  {title}")  # noqa: T201
        for each in wrong:
            print(f"{'':24}  - {each}")  # noqa: T201
    right = sum(not wrong for _, wrong, _, _ in rows)
    figures = {
        "scenarios": len(rows),
        "right": right,
        "longest_wait_s": round(max(wait for _, _, wait, _ in rows), 1),
        "dials_per_hour_worst": max(dials for _, _, _, dials in rows),
    }
    print(json.dumps(figures))  # noqa: T201
    return 0 if right == len(rows) else 1


def _rows() -> Iterator[tuple[str, list[str], float, int]]:
    for scenario in [*SCENARIOS, *transcripts()]:
        with tempfile.TemporaryDirectory() as folder:
            outcome = play(scenario, Path(folder))
        world = outcome.world
        yield scenario.title, outcome.wrong, longest_wait(world), _most_dials(world)


def _most_dials(world: World) -> int:
    return max(
        (sum(first <= each < first + 3600 for each in world.dials) for first in world.dials),
        default=0,
    )


if __name__ == "__main__":
    sys.exit(main())
