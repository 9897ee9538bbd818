# SPDX-License-Identifier: Apache-2.0
"""requirements-dev.txt: the firmware is tested with the libraries that the device has."""

import re
from importlib.metadata import version

import pytest

from scripts.engines.debian.lock import LOCK, read
from scripts.tools.repository import REPOSITORY

# Debian's name of it, where it is not python3- and PyPI's.
NAMES = {"python3-gnupg": "python-gnupg", "python3-serial": "pyserial"}
# Python itself, and what only C extensions ask for.
WITHOUT = {"python3-minimal", "python3-cffi-backend"}


def libraries() -> dict[str, str]:
    """The Python libraries of every image, by PyPI's name, with upstream's version."""
    lock = read(LOCK)
    assert lock
    debs = {deb for selection in lock.boards.values() for deb in selection.debs}
    return {
        NAMES.get(deb.name, deb.name.removeprefix("python3-")): re.split("[-+]", deb.version)[0]
        for deb in debs
        if deb.name.startswith("python3-") and deb.name not in WITHOUT
    }


def test_the_device_has_libraries_of_python() -> None:
    assert {"bottle", "multipart", "python-gnupg", "pyudev"} <= set(libraries())


@pytest.mark.parametrize(("name", "locked"), sorted(libraries().items()))
def test_tests_have_the_devices_version(name: str, locked: str) -> None:
    pins = (REPOSITORY / "requirements-dev.txt").read_text().splitlines()
    assert f"{name}=={locked}" in pins
    assert version(name) == locked
