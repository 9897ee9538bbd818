# SPDX-License-Identifier: Apache-2.0
"""The operator's password, and how often it may be guessed."""

from __future__ import annotations

import hmac
import logging
from collections import OrderedDict

from mokanda_relay.operator.tries import Tries

MAX_TRIES = 10  # in vain, from one address
MAX_TRIES_IN_ALL = 100
TRIES_WITHIN = 600.0  # seconds
_MAX_KNOWN = 1000  # addresses

log = logging.getLogger(__name__)


class TooManyTriesError(Exception):
    """There were too many wrong passwords: this one is not looked at."""


class OperatorPassword:
    """Checks passwords; a try counts before it is looked at.

    Strangers who use up all tries together do not lock out the address of whoever has given the
    right password since the start.
    """

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._tries = Tries(MAX_TRIES, TRIES_WITHIN)
        self._all_tries = Tries(MAX_TRIES_IN_ALL, TRIES_WITHIN)
        self._known: OrderedDict[str, None] = OrderedDict()

    def is_right(self, given: bytes, address: str) -> bool:
        """Whether this is the password, which came from a network address.

        Raises:
            TooManyTriesError: it is not said.
        """
        begun = self._tries.begin(address)
        if begun is None:
            raise TooManyTriesError
        counted = self._all_tries.begin("")
        if counted is None and address not in self._known:
            raise TooManyTriesError
        if not hmac.compare_digest(given, self._password):
            log.warning("a wrong password for the operator's page from %s", address)
            return False
        self._tries.forgive(address, begun)
        if counted is not None:
            self._all_tries.forgive("", counted)
        self._known[address] = None
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return True
