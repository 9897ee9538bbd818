# SPDX-License-Identifier: Apache-2.0
"""Applying a delta takes no more memory than a board has left, whatever the delta says."""

import io
import random
import subprocess
import sys
from pathlib import Path

from mokanda_firmware.updates.rebuild import MAX_BLOCK, MAX_PREFIX, Kind, Step
from mokanda_firmware.updates.slot import Part
from mokanda_firmware.updates.verity import hash_tree
from scripts.tools.repository import REPOSITORY
from tests.unit.updates.a_delta import a_delta, a_kernel, a_slot, block, copy, piece

BUDGET = 24_000_000  # bytes, with Python's own
UPDATE = 48 << 20  # bytes, about those of ours
WORDS = [f"{number * number}".encode() for number in range(9000)]


def lines(seed: int, size: int) -> bytes:
    """Content that compresses."""
    return b" ".join(random.Random(seed).choices(WORDS, k=size // 6))[:size].ljust(size)


def test_the_largest_steps_fit_into_the_memory_of_a_board(tmp_path: Path) -> None:
    slot, made = tmp_path / "slot", tmp_path / "delta"
    noise = (random.Random(seed).randbytes(1 << 20) for seed in range(UPDATE >> 20))
    blocks = a_slot(slot, (lines(seed, MAX_BLOCK) for seed in range(MAX_PREFIX // MAX_BLOCK)))
    with slot.open("r+b") as file:
        used = blocks[-1].stored.start + blocks[-1].stored.size
        file.seek(used)
        for some in noise:
            used += file.write(some)
        file.seek(40)
        file.write(used.to_bytes(8, "little"))
    changed = lines(99, MAX_BLOCK)
    whole = copy(slot, Part(used - UPDATE, used))
    salt = bytes(range(32))
    tree = hash_tree(io.BytesIO(whole[2]), 0, UPDATE, salt)
    steps = [
        whole,
        (Step(Kind.TREE, len(tree), UPDATE, len(salt), ()), salt, tree),
        # What a smaller one has left free must not lie beside what a larger one takes.
        *(
            block(lines(size, size), *blocks, level=22)
            for size in range(MAX_BLOCK // 2, MAX_BLOCK, 9999)
        ),
        block(changed, *blocks, level=22),
        piece(changed, a_kernel()),
    ]
    delta, _ = a_delta(slot, steps, level=22)
    made.write_bytes(delta)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.applying", slot, made, tmp_path / "update"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert int(done.stdout) < BUDGET
