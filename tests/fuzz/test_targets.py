# SPDX-License-Identifier: Apache-2.0
"""A short run of each target; `python -m tests.fuzz TARGET` runs one for as long as you like."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with some of its bytes changed, lost, repeated, or put elsewhere."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.integers(0, 20)), len(data))
        change = draw(st.sampled_from(("flip", "lose", "repeat", "put", "cut")))
        if change == "flip" and start < len(data):
            data[start] ^= draw(st.integers(1, 255))
        elif change == "lose":
            del data[start:end]
        elif change == "repeat":
            data[start:start] = data[start:end] * draw(st.integers(1, 50))
        elif change == "put":
            data[start:end] = draw(st.binary(max_size=20))
        elif change == "cut":
            del data[start:]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target(seed)

    @given(st.one_of(mutated(target.seeds), st.binary(max_size=200)))
    @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
    def read(data: bytes) -> None:
        target(data)

    read()
