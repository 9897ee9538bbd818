# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay webhooks`: what to enter at the provider of mail."""

from __future__ import annotations

import argparse
import sys

from mokanda_relay.command.common import Commands, data_option
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import Settings
from mokanda_relay.transport import webhook


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "webhooks",
        parents=[data_option()],
        help="print the paths to enter at SendGrid",
        description="Print the paths of the two webhooks. Enter them at SendGrid behind the public"
        " address of the operator's listener; the first holds a secret.",
    )
    parser.set_defaults(run=_print)


def _print(_options: argparse.Namespace, settings: Settings) -> int:
    for each in open_relay(settings).webhooks():
        off = f" (off: {each.missing_setting} is not set)" if each.missing_setting else ""
        sys.stdout.write(f"{each.title}: {webhook.path(each)}{off}\n")
    return 0
