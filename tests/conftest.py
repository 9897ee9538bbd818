# SPDX-License-Identifier: Apache-2.0
"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest

from mokanda_firmware.webmail.languages import languages
from scripts import translations


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Keep the mask of new files to the test: commands that run within one set their own."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def compiled() -> None:
    """The webmail's catalogues, as `make translations` compiles them."""
    translations.compile_all()
    languages.cache_clear()
