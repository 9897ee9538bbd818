# SPDX-License-Identifier: Apache-2.0
import io

import pytest

from mokanda_wire.delta import DeltaError, Header

HEADER = Header(b"b" * 32, "1.0.0", 19, 10507, 40_000_000, b"r" * 32)


def test_a_header_is_read_as_it_was_written() -> None:
    file = io.BytesIO(HEADER.dump() + b"the plan")
    assert Header.read(file) == HEADER
    assert file.read() == b"the plan"


@pytest.mark.parametrize("size", [0, 8, len(HEADER.dump()) - 1])
def test_one_that_is_cut_is_refused(size: int) -> None:
    with pytest.raises(DeltaError):
        Header.read(io.BytesIO(HEADER.dump()[:size]))


@pytest.mark.parametrize(
    "change", [{"base_version": "../1"}, {"size": 0}, {"size": 1 << 40}, {"level": 99}]
)
def test_one_out_of_bounds_is_refused(change: dict[str, object]) -> None:
    damaged = HEADER._replace(**change)  # type: ignore[arg-type]
    with pytest.raises(DeltaError):
        Header.read(io.BytesIO(damaged.dump()))
