# SPDX-License-Identifier: Apache-2.0
"""Bounds and measures that a device and its relay both go by.

If the two ends differed in one of these, mail would wait for ever, be promised in vain or be
counted twice. Sizes are in bytes, money is in billionths of its currency, times are time deltas.
What bounds a single message, bundle or envelope stands with its reader, in this package, too.
"""

from datetime import timedelta

# How long the relay keeps the original of a mail that was delivered, and every file that it has
# named to a device; so long, too, a device believes that the relay holds a file.
KEPT = timedelta(days=30)

# What signature and encryption add to a bundle, at most.
SEAL = 400
# The least room that a bundle is worth making, and asking for.
MIN_ROOM = 1024
# A file that a board takes in one piece, whole in its memory: what a villager attaches to a letter,
# and what one asks the relay for.
MAX_FILE = 10_000_000

# A photo as it travels unless more is asked for: bytes, pixels of its longest side. One with more
# pixels than the last of these is left as it is.
MAX_PHOTO = 25_000
PHOTO_SIDE = 1024
MAX_PIXELS = 64_000_000

# The provider's spam score from which on sender and subject of a mail travel alone, unless the
# device has told another one. SpamAssassin's own limit is the same.
SPAM_SCORE = 5.0

# Of a currency: the unit of every amount in a report.
MONEY_UNIT = 1_000_000_000
# Days of usage that each end remembers, and takes from a report; and that one report tells.
DAYS_KEPT = 400
MAX_DAYS_TOLD = 40

# Of the items of one peer that are kept until an update knows their kind (mokanda_wire.unknown).
MAX_UNKNOWN = 200
MAX_UNKNOWN_SIZE = 64 * 1024

_MAX_HALVINGS = 40


def place_in_queue(size: int, waited: timedelta) -> int:
    """Where a mail stands among those that wait, at either end: the least goes first.

    Small mail goes first, and each day that a mail waits makes it count for half its `size`, so
    that none waits for ever. A clock that was set back makes nobody wait.
    """
    return size >> min(max(waited.days, 0), _MAX_HALVINGS)
