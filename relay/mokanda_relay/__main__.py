# SPDX-License-Identifier: Apache-2.0
"""The command `mokanda-relay`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from mokanda_relay.command import device, move, release, serve, webhooks
from mokanda_relay.operator.devices import DeviceError
from mokanda_relay.operator.moving import MoveError
from mokanda_relay.store.data_folder import DataFolderError
from mokanda_relay.store.database import DatabaseError
from mokanda_relay.store.releases import ReleaseError
from mokanda_relay.store.settings import ENVIRONMENT, SettingsError, read_settings
from mokanda_wire.envelope import EnvelopeError, KeyringError

_FAILURES = (
    DataFolderError,
    DatabaseError,
    DeviceError,
    EnvelopeError,
    KeyringError,
    MoveError,
    ReleaseError,
    SettingsError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # keys, mail and claim codes are nobody else's
    try:
        settings = read_settings(os.environ, options.data)
        code: int = options.run(options, settings)
    except _FAILURES as error:
        sys.stderr.write(f"mokanda-relay: {error}\n")
        return 1
    except BrokenPipeError:
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mokanda-relay",
        description="The server that speaks to the world's mail for Mokanda devices.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subject in (serve, device, move, release, webhooks):
        subject.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
