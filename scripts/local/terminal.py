# SPDX-License-Identifier: Apache-2.0
"""What `make run` and `make run-host` have to say, and their end by Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scripts.local.relay import OPERATOR_PASSWORD, Relay
from scripts.tools.children import Children


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step and, when it is done, the seconds that it took."""
    print(f"\033[1m==>\033[0m {text} ...", flush=True)
    start = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - start:.0f} s", flush=True)


def print_addresses(webmail_url: str, relay: Relay) -> None:
    """Tell the two addresses that people want, and the stand-in's, where mail ends and begins."""
    print(
        f"""
    webmail, as the village's phones see it    {webmail_url}
    operator page of the relay                 {relay.operator_url}
    (any user name; the password is {OPERATOR_PASSWORD})

    The rest of the world is played by         {relay.sendgrid_url}
    (mail that left the village is shown there, and mail to the village is written there)

    Ctrl-C ends everything.""",
        flush=True,
    )


def wait_for_interrupt(children: Children) -> None:
    """Stay until Ctrl-C, or until a child ends by itself (StartError)."""
    with suppress(KeyboardInterrupt):
        while True:
            children.check()
            time.sleep(1)
    print("\nEnding everything ...", flush=True)
