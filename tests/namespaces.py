# SPDX-License-Identifier: Apache-2.0
"""Networks beside the machine's own: two, with a cable between them, as Wi-Fi is to its ends."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest


@contextmanager
def two_networks(card: str) -> Iterator[tuple[list[str], list[str]]]:
    """Make two networks that are joined by a card of this name in each.

    Yields what commands begin with that are to run in the one, and in the other. Skips the test
    where the machine lets nobody make them.
    """
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed")
    make, enter = ["unshare", "--net"], ["nsenter", "--net"]
    if os.geteuid() != 0:
        make += ["--user", "--map-root-user"]
        enter += ["--user", "--preserve-credentials"]
    with ExitStack() as stack:
        one = stack.enter_context(_held(make))
        in_one = [*enter, f"--target={one}"]
        other = stack.enter_context(_held([*in_one, "unshare", "--net"]))
        in_other = [*enter, f"--target={other}"]
        cable = f"link add {card} type veth peer name {card} netns {other}"
        subprocess.run([*in_one, "ip", *cable.split()], check=True)
        for end in (in_one, in_other):
            for name in ("lo", card):
                subprocess.run([*end, "ip", "link", "set", name, "up"], check=True)
        yield in_one, in_other


@contextmanager
def _held(command: list[str]) -> Iterator[int]:
    """Keep what a command makes while the block lasts; yields the number of its process."""
    with subprocess.Popen(
        [*command, "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip("this machine lets nobody make a network")
        yield process.pid
        process.kill()


def own_network() -> list[str]:
    """What a command begins with that is to run in a network of its own, by /sys, too.

    Skips the test where the machine lets nobody make one.
    """
    make = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        make += ["--user", "--map-root-user"]
    make += ["sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
    if shutil.which("ip") is None or subprocess.run([*make, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody make a network")
    return make
