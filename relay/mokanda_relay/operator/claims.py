# SPDX-License-Identifier: Apache-2.0
"""Claims: a one-time code trades a new device's key for the relay's."""

from __future__ import annotations

import collections
import hashlib
import secrets
import threading
import time

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 or O, no 1, I or L, no U
_GROUPS, _LETTERS = 3, 4  # 58.9 bits

TRIES = 10  # wrong codes from one address
TRIES_WITHIN = 600.0  # seconds
_MAX_ADDRESSES = 10_000


def new_code() -> str:
    """Make a claim code, XXXX-XXXX-XXXX."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def hash_code(code: str) -> str:
    """Hash a claim code; slowly, so that a stolen database gives no codes away."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    salt = b"mokanda claim"  # the same for all: the code is looked up by its hash
    return hashlib.scrypt(letters.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()


class Throttle:
    """Counts the wrong codes of each network address."""

    def __init__(self) -> None:
        self._wrong: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def is_open(self, address: str) -> bool:
        """Whether this address may try a code now."""
        with self._lock:
            wrong = self._wrong.get(address)
            while wrong and wrong[0] < time.monotonic() - TRIES_WITHIN:
                wrong.popleft()
            return not wrong or len(wrong) < TRIES

    def count_wrong(self, address: str) -> None:
        """Count a wrong code."""
        with self._lock:
            if len(self._wrong) >= _MAX_ADDRESSES:
                self._wrong.pop(next(iter(self._wrong)))
            self._wrong.setdefault(address, collections.deque(maxlen=TRIES)).append(
                time.monotonic()
            )
