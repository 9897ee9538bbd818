# SPDX-License-Identifier: Apache-2.0
"""The formats of bundles: which are known here, and which one to write for whom.

A format is of all that is in a bundle: its header, the text of its items, the codecs. Each end says
in every hello, or its reply, which is the newest one that it knows, and remembers what the other
has said last; it reads every format from OLDEST_FORMAT to FORMAT, and writes the newest that both
know. Before a device has heard from its relay it writes OLDEST_FORMAT.

    1  as docs/wire.md tells
    2  the same, and a reader passes over kinds of items, and fields of mails, that it does not
       know, and keeps them until it does

A format is new when its readers need to know something that those of the last one do not. What a
reader of format 2 can pass over needs no new one.
"""

FORMAT = 2  # the newest one
OLDEST_FORMAT = 1  # that is still read, and written for those who know no newer one

EXTENSIBLE = 2  # the first one in which a reader passes over what it does not know


def announced(said: int | None) -> int:
    """The newest format that the other end knows, as it has said; 1 goes without saying."""
    return said or 1


def to_announce() -> int | None:
    """What to say of this end."""
    return FORMAT if FORMAT > 1 else None


def is_too_old(theirs: int) -> bool:
    """Whether there is no format in which both ends could write."""
    return theirs < OLDEST_FORMAT


def common(theirs: int) -> int:
    """The format to write for one who knows `theirs` and none newer, as far as is known here."""
    return max(min(FORMAT, theirs), OLDEST_FORMAT)
