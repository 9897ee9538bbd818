# SPDX-License-Identifier: Apache-2.0
"""The history that both ends keep: what went over the wire, to prime the codec with.

The text of every bundle that the other end has applied is appended to a log, in the same
order at both ends: an up bundle when the relay has applied it, a down bundle when the
device has. Positions in the log are counted in bytes since it began and never reused; a
digest is chained over it. A bundle names the tip that it was primed with, so that a reader
who has moved on still finds the same primer, and one whose log differs finds out at once.

Beside the text stand the Message-IDs of the mails in it. Message-IDs do not travel: a mail
has a number, counted through the log, and each end its own Message-ID for that number. The
end that did not have one makes it from the bundle that brought the mail; the other computes
the same, its *alias*, to be understood even after the logs have started over.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import cbor2

from mokanda_wire.protocol import HistoryTip

WINDOW = 256 * 1024  # bytes of text that prime the codec
KEPT = 2 * WINDOW  # bytes of text kept, for readers of bundles frozen some time ago
MESSAGE_IDS = 20_000  # mails that can be referred to by number

TEXT = "text"
IDS = "ids"
START = HistoryTip(0, bytes(8))


class HistoryError(ValueError):
    """A generation of the log is not held, or a row of the store is damaged."""


class Row(NamedTuple):
    """What a store keeps: `data`, opaque, under the key (`kind`, `position`)."""

    kind: str
    position: int
    data: bytes


class Change(NamedTuple):
    """What a store does, in one transaction: insert `row`s, drop what stands before.

    `forget` gives for each kind the position before which rows are to be deleted.
    """

    rows: tuple[Row, ...]
    forget: dict[str, int]


class Record(NamedTuple):
    """What one bundle adds: its text, and for each new mail (own Message-ID, alias)."""

    text: bytes
    ids: tuple[tuple[str, str], ...]

    def dump(self) -> bytes:
        """Write the record, to be kept beside a frozen bundle."""
        return cbor2.dumps([self.text, [list(pair) for pair in self.ids]])

    @classmethod
    def load(cls, data: bytes) -> "Record":
        """Read what `dump` wrote."""
        text, ids = cbor2.loads(data)
        return cls(text, tuple((own, alias) for own, alias in ids))


class Generation(NamedTuple):
    """The log as it was at some tip: the primer, and how many mails had numbers."""

    tip: HistoryTip
    primer: bytes
    ids_end: int


class _Text(NamedTuple):
    """A row of kind TEXT; `text` holds at most the last WINDOW bytes of its bundle's."""

    position: int
    epoch: int
    end: int
    ids_end: int
    digest: bytes
    text: bytes

    def row(self) -> Row:
        data = [self.epoch, self.end, self.ids_end, self.digest, self.text]
        return Row(TEXT, self.position, cbor2.dumps(data))


class _Ids(NamedTuple):
    """A row of kind IDS: the pairs (own Message-ID, alias) of the mails from `first` on."""

    position: int
    epoch: int
    first: int
    pairs: tuple[tuple[str, str], ...]

    def row(self) -> Row:
        pairs = [list(pair) for pair in self.pairs]
        return Row(IDS, self.position, cbor2.dumps([self.epoch, self.first, pairs]))


class History:
    """The log as one end holds it, made of the rows of its store.

    It does not change: `append` and `restart` say what its store is to do.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        texts: list[_Text] = []
        self._ids: list[_Ids] = []
        try:
            for row in sorted(rows, key=lambda row: row.position):
                if row.kind == TEXT:
                    texts.append(_Text(row.position, *cbor2.loads(row.data)))
                else:
                    epoch, first, pairs = cbor2.loads(row.data)
                    pairs = tuple((own, alias) for own, alias in pairs)
                    self._ids.append(_Ids(row.position, epoch, first, pairs))
        except (cbor2.CBORDecodeError, TypeError, ValueError) as error:
            raise HistoryError("A row of the history is damaged.") from error
        start = _Text(0, 0, START.end, 0, START.digest, b"")
        self._last = texts[-1] if texts else start
        self._texts = [each for each in texts if each.epoch == self._last.epoch]
        self._own_of_number: dict[int, str] = {}
        self._number_of_own: dict[str, int] = {}
        self._alias_of_own: dict[str, str] = {}
        self._own_of_alias: dict[str, str] = {}
        for ids in self._ids:
            for number, (own, alias) in enumerate(ids.pairs, ids.first):
                self._alias_of_own[own] = alias
                self._own_of_alias[alias] = own
                if ids.epoch == self._last.epoch:
                    self._own_of_number[number] = own
                    self._number_of_own[own] = number

    @property
    def tip(self) -> HistoryTip:
        """Where the log ends."""
        return HistoryTip(self._last.end, self._last.digest)

    def holds(self, tip: HistoryTip) -> bool:
        """Whether the other end's log, which ends at `tip`, is this one or its beginning.

        A log that started over does not go with one that did not.
        """
        if tip == START:
            return self.tip == START
        return any((each.end, each.digest) == (tip.end, tip.digest) for each in self._texts)

    def generation(self, tip: HistoryTip) -> Generation:
        """Look up the log as it was at `tip`; at START there is nothing.

        Raises:
            HistoryError: this end does not hold it.
        """
        if tip == START:
            return Generation(START, b"", 0)
        texts: list[bytes] = []
        ids_end = 0
        for each in self._texts:
            texts.append(each.text)
            if (each.end, each.digest) == (tip.end, tip.digest):
                ids_end = each.ids_end
                break
        else:
            raise HistoryError(f"The history at {tip.end} is not held here.")
        primer = b"".join(texts)[-WINDOW:]
        if len(primer) < min(tip.end, WINDOW):
            raise HistoryError(f"The history before {tip.end} is no longer held here.")
        return Generation(tip, primer, ids_end)

    def number_of(self, message_id: str, generation: Generation) -> int | None:
        """The number of a mail that the other end knows at that generation."""
        number = self._number_of_own.get(message_id)
        # Half of the numbers: the reader may have moved on, and forgotten the oldest.
        if number is None or not 0 < generation.ids_end - number <= MESSAGE_IDS // 2:
            return None
        return number

    def message_id_of(self, number: int) -> str:
        """This end's Message-ID of a mail.

        Raises:
            HistoryError: the number is not, or no longer, known.
        """
        try:
            return self._own_of_number[number]
        except KeyError:
            raise HistoryError(f"No mail has the number {number}.") from None

    def alias_of(self, message_id: str) -> str | None:
        """The name to call a mail by that has no number which both ends know.

        None if the other end has never heard of it.
        """
        return self._alias_of_own.get(message_id)

    def own_of(self, alias: str) -> str:
        """This end's Message-ID of a mail that the other end calls by `alias`."""
        return self._own_of_alias.get(alias, alias)

    def append(self, record: bytes) -> Change:
        """Add what a bundle brought (Encoded.record, Decoded.record), once it is applied."""
        read = Record.load(record)
        last = self._last
        chained = sha256(last.digest + len(read.ids).to_bytes(4, "big") + read.text).digest()
        text = _Text(
            position=last.position + 1,
            epoch=last.epoch,
            end=last.end + len(read.text),
            ids_end=last.ids_end + len(read.ids),
            digest=chained[:8],
            text=read.text[-WINDOW:],
        )
        rows = [text.row()]
        if read.ids:
            rows.append(_Ids(text.position, text.epoch, last.ids_end, read.ids).row())
        texts = [*self._texts, text]
        first = next(each.position for each in texts if each.end > text.end - KEPT or each is text)
        return Change(tuple(rows), {TEXT: first, IDS: self._first_ids(MESSAGE_IDS - len(read.ids))})

    def restart(self) -> Change:
        """Begin the log anew, after the two ends' logs have come to differ."""
        last = self._last
        position = last.position + 1
        text = _Text(position, last.epoch + 1, START.end, 0, START.digest, b"")
        return Change((text.row(),), {TEXT: position, IDS: self._first_ids(MESSAGE_IDS)})

    def _first_ids(self, count: int) -> int:
        """The position of the first row needed to hold the last `count` Message-IDs."""
        for ids in reversed(self._ids):
            count -= len(ids.pairs)
            if count <= 0:
                return ids.position
        return 0


def applied(rows: Iterable[Row], change: Change) -> list[Row]:
    """What a store's rows are after a change: what every store does, done in memory."""
    kept = [row for row in rows if row.position >= change.forget.get(row.kind, 0)]
    return [*kept, *change.rows]
