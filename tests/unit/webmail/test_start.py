# SPDX-License-Identifier: Apache-2.0
"""What the webmail takes in as it starts, which everybody waits for."""

import subprocess
import sys

import pytest

START = "import sys, mokanda_firmware.webmail.__main__; print(*sys.modules)"


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """The modules that the webmail has taken in before it serves."""
    told = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True)
    return set(told.stdout.split())


@pytest.mark.parametrize("other", ["email.policy", "gnupg", "pyppmd", "pyudev", "serial"])
def test_what_others_need_is_not_waited_for(modules: set[str], other: str) -> None:
    assert other not in modules
