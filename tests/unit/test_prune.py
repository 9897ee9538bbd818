# SPDX-License-Identifier: Apache-2.0
"""What is left of Debian's modules."""

import pytest

from scripts.engines.debian.prune import unsigned
from scripts.tools.steps import StepError


def signed(module: bytes, signature: bytes, length: int | None = None) -> bytes:
    """A module as the kernel's build signs it."""
    length = len(signature) if length is None else length
    info = bytes((0, 0, 2, 0, 0, 0, 0, 0)) + length.to_bytes(4)
    return module + signature + info + b"~Module signature appended~\n"


def test_a_module_loses_its_signature_and_nothing_else() -> None:
    assert unsigned(signed(b"\x7fELF and so on", b"signature")) == b"\x7fELF and so on"


def test_a_module_without_one_stays_as_it_is() -> None:
    assert unsigned(b"\x7fELF and so on") == b"\x7fELF and so on"


def test_a_signature_that_would_begin_before_its_module_is_an_error() -> None:
    with pytest.raises(StepError):
        unsigned(signed(b"", b"short", 1000))
