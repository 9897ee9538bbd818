# SPDX-License-Identifier: Apache-2.0
"""The tables of the relay's database. A change here needs a migration beside it."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mokanda_wire.bisection import Bisection
from mokanda_wire.formats import OLDEST_FORMAT
from mokanda_wire.limits import MAX_PHOTO, PHOTO_SIDE


class Moment(sa.TypeDecorator[dt.datetime]):
    """A time: aware in Python, UTC in the database (SQLite knows no time zones)."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(
        self,
        value: dt.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - the base class' form
    ) -> dt.datetime | None:
        """To the database: UTC, naive."""
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value else None

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - the base class' form
    ) -> dt.datetime | None:
        """From the database: aware."""
        return value.replace(tzinfo=dt.UTC) if value else None


class Text(sa.TypeDecorator[str]):
    """A text from anywhere: what a database cannot hold (NUL, lone surrogates) is replaced."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(
        self,
        value: str | None,
        dialect: sa.Dialect,  # noqa: ARG002 - the base class' form
    ) -> str | None:
        """To the database."""
        return value and value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map: ClassVar = {dt.datetime: Moment, int: sa.BigInteger, str: Text}


def _device() -> Mapped[int]:
    return mapped_column(sa.ForeignKey("device.id", ondelete="CASCADE"))


_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up only an INTEGER


class Device(Table):
    """A village's device, from the operator's `device add` on.

    `up_applied` is the number of the last up bundle that was applied, and `up_sha256` its
    digest; `down_frozen` is the last number given to a down bundle, and `down_confirmed` the
    last one acknowledged. `claim_move` is the number of the relay's last move when its claim file
    was made; by its last hello it has `followed` one (None: it knows nothing of moves), and
    `noted` one. `last_contact` is when it last proved to be itself, `last_exchange` when bytes of
    bundles last went either way or none had to, and `last_sync` when nothing was left for either.
    `error` is what last went wrong with it, for the operator; the next bundle that arrives, or a
    sync, clears it. Updates come to it by the `channel`, unless it is `pinned` to a version.
    """

    __tablename__ = "device"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str] = mapped_column(unique=True)
    added: Mapped[dt.datetime]
    claim_hash: Mapped[str | None] = mapped_column(unique=True)
    claimed: Mapped[dt.datetime | None]
    fingerprint: Mapped[str | None] = mapped_column(unique=True)
    hello_counter: Mapped[int] = mapped_column(default=0)
    format: Mapped[int] = mapped_column(default=OLDEST_FORMAT)  # the newest one that it knows
    claim_move: Mapped[int] = mapped_column(default=0)
    followed: Mapped[int | None]
    noted: Mapped[int] = mapped_column(default=0)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    secret: Mapped[bytes | None]  # authenticates its hellos since the last signed one
    up_applied: Mapped[int] = mapped_column(default=0)
    up_sha256: Mapped[str] = mapped_column(default="")
    down_frozen: Mapped[int] = mapped_column(default=0)
    down_confirmed: Mapped[int] = mapped_column(default=0)
    bisection_size: Mapped[int] = mapped_column(default=0)  # this and the next: see `bisection`
    bisection_caution: Mapped[int] = mapped_column(default=0)
    residents_known: Mapped[bool] = mapped_column(default=False)
    deletions: Mapped[int] = mapped_column(default=0)  # names given up there, as it last told
    version: Mapped[str] = mapped_column(default="")
    report: Mapped[str] = mapped_column(default="{}")  # JSON; what the device told of itself
    last_contact: Mapped[dt.datetime | None]
    last_exchange: Mapped[dt.datetime | None]
    last_sync: Mapped[dt.datetime | None]
    bytes_up: Mapped[int] = mapped_column(default=0)
    bytes_down: Mapped[int] = mapped_column(default=0)
    mails_out: Mapped[int] = mapped_column(default=0)
    mails_in: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    photo_side: Mapped[int] = mapped_column(default=PHOTO_SIDE)  # pixels of a photo's longest side
    photo_bytes: Mapped[int] = mapped_column(default=MAX_PHOTO)  # of a photo, at most
    file_bytes: Mapped[int] = mapped_column(default=100_000)  # larger files are held back
    blocked_told: Mapped[str] = mapped_column(default="{}")  # JSON; see sync/down/blocked.py
    blocked_sequence: Mapped[int] = mapped_column(default=0)  # of the bundle that tells it
    channel: Mapped[str] = mapped_column(default="stable")
    pinned: Mapped[str] = mapped_column(default="")

    def last_report(self) -> dict[str, Any]:
        """What the device last told of itself."""
        try:
            report = json.loads(self.report)
        except ValueError:
            return {}
        return report if isinstance(report, dict) else {}

    def zone(self) -> dt.tzinfo:
        """The village's time zone, as the device last told; UTC where it told none."""
        told = self.last_report().get("budgets")
        name = told.get("zone") if isinstance(told, dict) else None
        if isinstance(name, str) and name:
            with suppress(ZoneInfoNotFoundError, ValueError, OSError):
                return ZoneInfo(name)
        return dt.UTC

    @property
    def bisection(self) -> Bisection:
        """What the next bundle may be, after one that the device could not read."""
        return Bisection(self.bisection_size, self.bisection_caution)

    @bisection.setter
    def bisection(self, state: Bisection) -> None:
        self.bisection_size, self.bisection_caution = state.size, state.caution


class Move(Table):
    """Where this relay is found from its move `number` on; before the first one, by number 0.

    `relay` is an https URL, `certificate` in PEM or "" where authorities vouch, `fingerprint` that
    of the OpenPGP key, whose secret half is gone since `key_retired`.
    """

    __tablename__ = "move"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    relay: Mapped[str]
    certificate: Mapped[str]
    fingerprint: Mapped[str]
    key_retired: Mapped[dt.datetime | None]


class RetiredKey(Table):
    """The key of a card that was locked out; whoever has that card never gets in again."""

    __tablename__ = "retired_key"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]  # its name then: the device may be gone
    at: Mapped[dt.datetime]


class Card(Table):
    """A card that has called as a device; one of a device's is `served`.

    `given` is what the relay has given it last, and `given_before` what it is known to hold: it is
    known again by either. `refused` is when it last called while another was served, since the
    operator has last chosen. For whom to choose by: when it `called`, from which network `address`,
    up to which bundle it has `applied_down` what came, which one it has `announced_up`, and how
    many villagers it has told of, while it was served.
    """

    __tablename__ = "card"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    given: Mapped[bytes]
    given_before: Mapped[bytes]
    served: Mapped[bool]
    since: Mapped[dt.datetime]
    called: Mapped[dt.datetime]
    refused: Mapped[dt.datetime | None]
    version: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    applied_down: Mapped[int | None]
    announced_up: Mapped[int | None]
    villagers: Mapped[int | None]


class Resident(Table):
    """A villager's local part, as the device last told.

    `gone` is since when it names the villager no more, and did not say why.
    """

    __tablename__ = "resident"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    gone: Mapped[dt.datetime | None]


class Filter(Table):
    """What of the mail for a villager, by local part, is unwanted; "" stands for the village."""

    __tablename__ = "filter"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    told: Mapped[str]  # JSON, as the device has told it


class Correspondent(Table):
    """An address of the world that a village has written to, in lower case; `at` the last time."""

    __tablename__ = "correspondent"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    address: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)


class UsageByDay(Table):
    """What a day's mail has cost a village, as its device counts it and last told.

    `money` is in billionths of `currency`, which is "" where the keeper has told no tariff.
    """

    __tablename__ = "usage_by_day"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[str] = mapped_column(primary_key=True)  # YYYY-MM-DD, the village's
    currency: Mapped[str] = mapped_column(primary_key=True)
    bytes_up: Mapped[int]
    bytes_down: Mapped[int]
    money: Mapped[int]


class Spent(Table):
    """How many bytes of bundles a villager with a budget has spent on a day, both ways."""

    __tablename__ = "spent"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str]
    size: Mapped[int]


class Original(Table):
    """A raw mail in the folder of originals, named by its SHA-256.

    `reading` is the digest of what was made of it (rendering/readings.py), "" until it was read,
    and `reading_version` the version of what has read it, 0 if it is to be read. What filters go by
    is known then, too.
    """

    __tablename__ = "original"
    digest: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    kept: Mapped[dt.datetime]  # when it was last handed in; the housekeeper counts from here
    reading: Mapped[str] = mapped_column(default="")
    reading_version: Mapped[int] = mapped_column(default=0, index=True)
    writer: Mapped[str] = mapped_column(default="")  # the address in From, in lower case
    to_many: Mapped[bool] = mapped_column(default=False)  # a list, or a newsletter


class Incoming(Table):
    """A mail on its way to one villager: waiting, in the bundle `sequence`, delivered.

    `ticket` is what the device calls it by, once it was in a bundle, and `stub` what it calls the
    stub by that went ahead of it; it is `requested` if a villager then asked for it, and `prepared`
    when its photos have been looked at. `verdict` is what its village's filters say
    (transport/filters.py), None until it was read; `spam_score` is the provider's. Of its writer it
    was found which domains, a space apart, are `vouching` for it, and whether one has `disowned` it
    (transport/proof.py).
    """

    __tablename__ = "incoming"
    __table_args__ = (
        sa.UniqueConstraint("device_id", "recipient", "digest"),
        sa.Index("incoming_by_prepared", "prepared", "sequence"),
    )
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = _device()
    recipient: Mapped[str]
    digest: Mapped[str] = mapped_column(sa.ForeignKey("original.digest"), index=True)
    received: Mapped[dt.datetime]
    sequence: Mapped[int | None]
    delivered: Mapped[dt.datetime | None]
    ticket: Mapped[str] = mapped_column(default="")
    stub: Mapped[str] = mapped_column(default="")
    requested: Mapped[bool] = mapped_column(default=False)
    prepared: Mapped[bool] = mapped_column(default=False)
    verdict: Mapped[str | None]
    spam_score: Mapped[float | None] = mapped_column(sa.Float)
    stub_sequence: Mapped[int | None]  # of the bundle with the stub
    cost: Mapped[int | None]  # bytes of a bundle, once it did not fit into one
    vouching: Mapped[str] = mapped_column(default="")
    disowned: Mapped[bool] = mapped_column(default=False)


class Untold(Table):
    """A mail on its way to a villager of whom the device had not told when it came.

    `sender` is the one of its envelope, who `may_be_told` what becomes of it
    (transport/returned.py), and where that is another village's villager, who is told
    what becomes of it, `writer_device_id` and `message_id` say of which mail. A bundle of the
    device's was `heard` since, that does not name the villager.
    """

    __tablename__ = "untold"
    incoming_id: Mapped[int] = mapped_column(
        _ID, sa.ForeignKey("incoming.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sender: Mapped[str]
    heard: Mapped[bool]
    writer_device_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("device.id", ondelete="SET NULL", name="untold_writer_device")
    )
    message_id: Mapped[str] = mapped_column(default="")
    may_be_told: Mapped[bool] = mapped_column(default=False)


class Returned(Table):
    """A writer of the world who is told that there is nobody called so: `address` of `recipient`.

    `message_id` is that of the mail; what is told was given to the outbox once it `is_posted`.
    """

    __tablename__ = "returned"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    address: Mapped[str]
    recipient: Mapped[str]
    message_id: Mapped[str]
    at: Mapped[dt.datetime]
    is_posted: Mapped[bool]


class Rendition(Table):
    """What a photo has become for phones: at most so many pixels a side and bytes, by its kind.

    `digest` names its file among the renditions; "" if it cannot be made smaller.
    """

    __tablename__ = "rendition"
    source: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[int] = mapped_column(primary_key=True)
    max_bytes: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # jpeg or webp
    digest: Mapped[str]
    size: Mapped[int]
    made: Mapped[dt.datetime]


class Content(Table):
    """A file that a device may name or ask for: one in `mail`, or made of a photo in it.

    It is on its way to the device in the down bundle `sequence`, and `held` by it after that.
    """

    __tablename__ = "content"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(primary_key=True)
    mail: Mapped[str] = mapped_column(
        sa.ForeignKey("original.digest", ondelete="CASCADE"), index=True
    )
    rendition: Mapped[bool]
    sequence: Mapped[int | None]
    held: Mapped[bool]


class ContentRequest(Table):
    """What a villager asks for of what was kept back; the bundle `sequence` has the answer.

    `villager` is "" where the device itself asks. What the relay has to do first is tried when it
    is `due`; the answer waits for its `result`.
    """

    __tablename__ = "content_request"
    __table_args__ = (sa.UniqueConstraint("device_id", "kind", "name"),)
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = _device()
    kind: Mapped[str]
    name: Mapped[str]
    villager: Mapped[str]
    sequence: Mapped[int | None]
    result: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[dt.datetime | None]


class Notice(Table):
    """An event on its way down: what became of a mail for one of its recipients."""

    __tablename__ = "notice"
    __table_args__ = (sa.UniqueConstraint("device_id", "message_id", "recipient", "kind"),)
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = _device()
    message_id: Mapped[str]
    recipient: Mapped[str]
    kind: Mapped[str]
    at: Mapped[dt.datetime]
    reason: Mapped[str]
    sequence: Mapped[int | None]
    delivered: Mapped[dt.datetime | None]


class DownBundle(Table):
    """A frozen down bundle that the device has not yet acknowledged; its file has its SHA-256."""

    __tablename__ = "down_bundle"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    sha256: Mapped[str]
    format: Mapped[int] = mapped_column(default=OLDEST_FORMAT)
    record: Mapped[bytes]  # for the history, once it is acknowledged


class UnknownItem(Table):
    """What a device sent and this relay does not know yet (mokanda_wire.unknown)."""

    __tablename__ = "unknown_item"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[bytes]  # UTF-8; it may hold characters that a text of the database may not
    format: Mapped[int]
    ticket: Mapped[str]


class Upload(Table):
    """The up bundle that a device announced in its last hello.

    `refused` is the reason, a word of the protocol's, once it was refused for good, and
    `refused_text` the sentence: told again if the answer got lost.
    """

    __tablename__ = "upload"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int]
    size: Mapped[int]
    sha256: Mapped[str]
    refused: Mapped[str] = mapped_column(default="")
    refused_text: Mapped[str] = mapped_column(default="")


class Outgoing(Table):
    """A mail on its way to the world: the intent comes first, then the request.

    `message_id` is "" for one that the relay has written itself.
    `state` is waiting, trying (a request is under way, or its outcome is unknown), sent or
    refused. A row in the first two is taken up when it is `due`. `neighbours` are the villagers, in
    lower case and a space apart, who are named in the mail and have got it already.
    """

    __tablename__ = "outgoing"
    __table_args__ = (
        sa.Index("outgoing_by_due", "state", "due"),
        sa.Index("outgoing_by_message_id", "message_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)  # goes along in custom_args
    device_id: Mapped[int] = _device()
    digest: Mapped[str] = mapped_column(sa.ForeignKey("original.digest"), index=True)
    message_id: Mapped[str]
    state: Mapped[str]
    created: Mapped[dt.datetime]
    due: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")
    neighbours: Mapped[str] = mapped_column(default="")


class OutgoingRecipient(Table):
    """One of an outgoing mail's recipients in the world."""

    __tablename__ = "outgoing_recipient"
    outgoing_id: Mapped[str] = mapped_column(
        sa.ForeignKey("outgoing.id", ondelete="CASCADE"), primary_key=True
    )
    address: Mapped[str] = mapped_column(primary_key=True)


class Posted(Table):
    """A mail that the up bundle `sequence` of a device brought.

    The device `may_repeat` it under another name after its card was restored from a backup.
    """

    __tablename__ = "posted"
    __table_args__ = (
        sa.Index("posted_by_fingerprint", "device_id", "fingerprint"),
        sa.Index("posted_by_message_id", "device_id", "message_id"),
    )
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    device_id: Mapped[int] = _device()
    sequence: Mapped[int]
    fingerprint: Mapped[str]
    message_id: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(index=True)
    may_repeat: Mapped[bool] = mapped_column(default=False)


class Forgotten(Table):
    """The id of an outgoing mail that this relay does not know, and a provider says was sent.

    So it is when the relay was restored from a copy: should the mail come again, it does not go.
    """

    __tablename__ = "forgotten"
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)


class Alert(Table):
    """Something that the operator should know: a mail not delivered, a bundle refused.

    `count` is how often it was met on that day; `at` and `text` are of the last time.
    """

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    device_id: Mapped[int | None] = mapped_column(sa.ForeignKey("device.id", ondelete="CASCADE"))
    kind: Mapped[str]
    text: Mapped[str]
    count: Mapped[int] = mapped_column(default=1)


class Tidied(Table):
    """Up to when the relay was tidied; one row, its `id` is 1."""

    __tablename__ = "tidied"
    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    until: Mapped[dt.datetime]


class Rollout(Table):
    """How far a release is offered (sync/rollout.py); its file is in the manifest of releases.

    To `share` percent of its channel's devices, `since` then. `why` says why it is no longer
    offered; `forgiven` is how many had fallen back from it when the operator had it go on.
    """

    __tablename__ = "rollout"
    board: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    share: Mapped[int]
    since: Mapped[dt.datetime]
    state: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    forgiven: Mapped[int] = mapped_column(default=0)


class Trial(Table):
    """What became of a release on a device: it runs there, or was given up, and `why`."""

    __tablename__ = "trial"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    board: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    failed: Mapped[bool]
    why: Mapped[str] = mapped_column(default="")


class HistoryRow(Table):
    """A row of the history log that the relay and a device both keep (mokanda_wire.history)."""

    __tablename__ = "history"
    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]
