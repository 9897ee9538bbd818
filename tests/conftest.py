# SPDX-License-Identifier: Apache-2.0
"""What holds for every test."""

import faulthandler
import os
import re
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mokanda_firmware.webmail.languages import languages
from scripts.languages import catalogues
from scripts.tools.deadlines import DeadlineError

# How long an example takes says nothing on a computer that has other work.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that take long, so that none of them is left alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Tell with what was waited for in vain what the threads of the test were at."""
    try:
        yield
    except DeadlineError as error:
        with tempfile.TemporaryFile() as stacks:
            faulthandler.dump_traceback(stacks)
            stacks.seek(0)
            error.add_note(stacks.read().decode())
        raise


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the test, with a shorter name than pytest's own.

    GnuPG's sockets lie in such folders, and the path of a socket has 107 bytes at most. The folders
    of tests that run beside each other are a level deeper.
    """
    name = re.sub(r"\W", "_", request.node.name)
    return tmp_path_factory.mktemp(name[:16])


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Keep the mask of new files to the test: commands that run within one set their own."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def compiled() -> None:
    """The webmail's catalogues, as `make translations` compiles them."""
    catalogues.compile_all()
    languages.cache_clear()
