# SPDX-License-Identifier: Apache-2.0
"""A session with the relay: hello, upload, download, acknowledge.

It may be cut anywhere and is then simply held again: the relay says how much of the upload
it holds, the file of the download how much we hold, and numbers see to it that nothing is
applied twice.
"""

import hashlib
import logging
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from mokanda_firmware import paths, running
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import card, clock, news, quarantine, up
from mokanda_firmware.courier.quota import SPENT, Quota
from mokanda_firmware.mailbox.store import at_relay, room
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreFull
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_firmware.mailbox.sync.down import apply_down, apply_known
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.mailbox.sync.state import (
    PendingUp,
    next_hello_counter,
    set_relay_format,
    sync_state,
)
from mokanda_firmware.mailbox.sync.up import (
    confirm_up,
    release_up,
    restart_history,
    send_forgotten,
    skip_up,
)
from mokanda_firmware.uplink import moves, offer, places
from mokanda_firmware.uplink.connection import Connection, Held
from mokanda_firmware.uplink.failures import (
    BudgetSpentError,
    CopiedError,
    CourierError,
    CutError,
    FullError,
    NotOurRelayError,
    OutdatedError,
    RefusedError,
)
from mokanda_firmware.uplink.identity import Identity
from mokanda_wire import durable, formats, protocol
from mokanda_wire.bundle import BOARD, Decoded, HistoryUnknownError, decode
from mokanda_wire.durable import UNFINISHED
from mokanda_wire.envelope import EnvelopeError, Keyring, KeyringError
from mokanda_wire.protocol import Hello, HelloReply, Receipt, Sealed

ROUNDS = 50  # hellos in a session at most; each but the last moved a bundle, or mended something
REFUSALS = 10  # of bundles of either end in a session, before the rest waits for another
MENDS = 3  # how often a session may find the two ends at odds and start over

_MAX_DOWN = BOARD.files + BOARD.text + 1024 * 1024  # bytes of a sealed bundle
_SMALL = 1024 * 1024  # bytes of one that may lie where nothing else may, while it is applied
_UNREAD = Sentence("Something that came cannot be read here. The relay sends it another way.")
_NOT_PROVED = Sentence(
    "The relay does not prove who it is, so it gets no mail. If it stays so, ask its operator."
)
_OPENING = "opening-"  # and a number: the mark of a bundle that is being opened
_SECRET = "courier_secret"  # a setting of the store that only this module uses  # noqa: S105
_AT_ODDS = {protocol.OFFSET_WRONG, protocol.SEQUENCE_WRONG, protocol.TOKEN_WRONG}

log = logging.getLogger(__name__)


@dataclass
class Traded:
    """What a session has moved so far, over all its connections."""

    sent: int = 0  # mails
    received: int = 0  # mails
    moved: int = 0  # bytes of bundles


class AtOddsError(CourierError):
    """The two ends disagree on where they stand; a new hello settles it."""


class BundleRefusedError(AtOddsError):
    """The relay does not take a bundle; what is in it is tried in smaller ones."""


class BundleUnreadError(AtOddsError):
    """A bundle of the relay cannot be read here; what is in it comes otherwise."""


class Session:
    """What one session needs: among it what it may spend.

    `tell` is called with the fraction of a bundle that has gone.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        identity: Identity,
        quota: Quota,
        tell: Callable[[float], None],
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._identity = identity
        self._quota = quota
        self._tell = tell
        self._places = places.read(identity.claim)
        self.is_proved = False  # that this is the relay, by a reply
        self._first = True  # of its rounds, in which mail that comes down has its half
        self.traded = Traded()
        self._refusals = 0
        self._refused: RefusedError | None = None  # what was sent up; the rest goes on
        self._damaged: Sealed | None = None  # what came down otherwise than announced
        self._unread: int | None = None  # what came as announced; to be told
        self._unreads = 0

    def hold(self, connection: Connection) -> None:
        """Trade all there is to trade, as far as the day's budget reaches.

        Raises:
            CourierError: it did not come to its end; another session goes on from there.
            StoreError: the store is full or busy.
        """
        apply_known(self._store)
        self._take_key()
        self._unread = self._opened_in_vain()
        mends = 0
        for _ in range(ROUNDS):
            try:
                if not self._round(connection):
                    break
            except BundleRefusedError as error:
                log.warning("the relay refuses a bundle: %s", error.__cause__)
            except BundleUnreadError:
                self._unreads += 1
                if self._unreads > REFUSALS:
                    raise
            except AtOddsError as error:
                log.warning("at odds with the relay: %s", error.__cause__ or error)
                mends += 1
                if mends > MENDS:
                    raise
            except BudgetSpentError as error:
                log.info("%s", error)
                break
        if self._refused:
            raise self._refused
        if not _is_room(self._store):
            raise FullError

    def _take_key(self) -> None:
        """Take in the key by which the relay has to prove itself at a place that is new."""
        place = self._identity.place
        if place == self._places.next and place.key:
            try:
                self._keyring.import_key(b64decode(place.key))
            except (EnvelopeError, ValueError) as error:
                log.error("the relay's next key cannot be taken in: %s", error)
                raise NotOurRelayError(_NOT_PROVED) from error

    def _round(self, connection: Connection) -> bool:
        """Say hello, and do all that follows from it; tell whether another round is due."""
        pending = self.freeze()
        _sweep("up-*", pending.path if pending else None)
        _sweep(f"{UNFINISHED}*", None)
        told_room = self._quota.room()
        reply = self._hello(connection, pending)
        clock.correct(reply.time)
        self._quota.count()  # it may be another day than we thought
        offer.keep(reply.release)
        if pending and reply.applied_up >= pending.sequence:
            pending = self._settle(pending, reply)
        if forgotten := send_forgotten(self._store, reply.applied_up):
            log.warning("the relay has forgotten %d mails, which go again", forgotten)
        if not reply.history_agrees:
            self._restart("The relay's history differs.")
        if pending and pending.format > formats.announced(reply.format):
            self._release(pending, "The relay is older than it was.")
        if pending and self._takes_days(pending, reply) and _is_room(self._store):
            reply = self._hello(connection, None)  # what comes down need not wait for it
            self._take(connection, reply, reply.token)
            reply = self._hello(connection, pending)
        told: HelloReply | Receipt = reply
        if pending:
            told = self._upload(connection, pending, reply)
        self._take(connection, told, reply.token)
        self._first = False
        room = self._quota.room()
        grown = told_room is not None and room is not None and room > told_room
        return grown or self.freeze() is not None

    def freeze(self) -> PendingUp | None:
        """Seal what is to go, if nothing sealed is on its way and the day has room for it."""
        if self._refused:
            return None
        self._quota.count()
        whole = not self._first
        return up.freeze(self._store, self._keyring, self._identity, self._quota, whole=whole)

    def _takes_days(self, pending: PendingUp, reply: HelloReply) -> bool:
        """Whether the rest of an upload is more than may be spent today."""
        room = self._quota.room()
        return room is not None and pending.size - reply.up_offset > room

    def _take(self, connection: Connection, told: HelloReply | Receipt, token: str) -> None:
        """Download what the relay has named, and what is behind it."""
        while told.down is not None:
            self._download(connection, told.down, token)
            if not told.more:
                break  # the next hello acknowledges it
            told = connection.acknowledge(told.down.sequence, token, self._held())

    def _hello(self, connection: Connection, pending: PendingUp | None) -> HelloReply:
        counter = next_hello_counter(self._store)
        try:
            return self._say_hello(connection, pending, counter)
        except RefusedError as error:
            if error.reason != protocol.COUNTER_STALE or error.counter is None:
                raise
            counter = next_hello_counter(self._store, error.counter)
        return self._say_hello(connection, pending, counter)

    def _say_hello(
        self, connection: Connection, pending: PendingUp | None, counter: int
    ) -> HelloReply:
        """Say hello with the secret of the last signed hello, or else a signed one."""
        held = self._held(pending.size if pending else 0)
        message = protocol.dump(self._compose(pending, counter))
        is_new = self._identity.place == self._places.next
        # What the key before has agreed upon proves nothing of a new one.
        secret = b"" if is_new else bytes.fromhex(setting(self._store, _SECRET, ""))
        try:
            told = self._exchange(connection, message, secret, held)
        except RefusedError as error:
            if error.reason == protocol.TOO_OLD:
                raise OutdatedError(error.sentence) from error
            if error.reason == protocol.CARD_COPIED:
                raise CopiedError(error.sentence) from error
            if not secret or error.reason != protocol.DEVICE_UNKNOWN:
                raise
            set_setting(self._store, _SECRET, "")  # a signature always counts
            return self._say_hello(connection, pending, counter)
        except (EnvelopeError, protocol.ProtocolError) as error:
            if not is_new:
                set_setting(self._store, _SECRET, "")
            log.error("the relay does not prove who it is: %s", error)
            raise NotOurRelayError(_NOT_PROVED) from error
        if told.counter != counter:
            raise NotOurRelayError(Sentence("The relay's answer is to another hello."))
        self._take_note(told)
        return told

    def _compose(self, pending: PendingUp | None, counter: int) -> Hello:
        place, noted = self._identity.place, self._places.noted()
        return Hello(
            device=self._identity.outcome.device,
            counter=counter,
            now=datetime.now(UTC),
            version=running.version(),
            applied_down=sync_state(self._store).down_applied,
            up=_announced(pending) if pending else None,
            history=shared_history(self._store).tip,
            format=formats.to_announce(),
            unread=self._unread,
            card=card.mark(),
            move=place.number,
            noted=noted if noted > place.number else None,
        )

    def _exchange(
        self, connection: Connection, message: bytes, secret: bytes, held: Held
    ) -> HelloReply:
        """Trade the hello for a reply that the relay proves to be its own: by the secret, if any.

        Raises:
            EnvelopeError, ProtocolError: it does not.
            RefusedError: the relay refuses.
        """
        outcome = self._identity.outcome
        if secret:
            tagged = protocol.authenticate(message, secret, protocol.HELLO_LABEL)
            answer = connection.hello(tagged, held)
            reply = protocol.authentic(answer, secret, protocol.REPLY_LABEL)
        else:
            signed = self._keyring.sign(message, outcome.fingerprint)
            answer = connection.hello(signed, held, outcome.device)
            reply = self._keyring.verify(answer, self._identity.place.fingerprint)
        return protocol.load(HelloReply, reply)

    def _take_note(self, told: HelloReply) -> None:
        """Keep what the relay's reply says of the sessions to come."""
        card.keep(told.card)
        card.note_other(self._store, told.other_card)
        self.is_proved = True
        self._follow(told)
        self._unread = None
        _sweep(_OPENING + "*", None)
        if told.secret:
            set_setting(self._store, _SECRET, told.secret.hex())
        newest = formats.announced(told.format)
        if newest != sync_state(self._store).relay_format:
            set_relay_format(self._store, newest)
        if formats.is_too_old(newest):
            raise OutdatedError(
                Sentence("The relay is too old for this device. Ask its operator to update it.")
            )

    def _follow(self, told: HelloReply) -> None:
        """Go by the place where the relay has just proved itself, and note where it moves next."""
        claim, place = self._identity.claim, self._identity.place
        try:
            if place == self._places.next:
                places.follow(claim, place)
            if told.move is not None:
                moves.note(claim, told.move, place.fingerprint, self._keyring)
        except (EnvelopeError, KeyringError, OSError, protocol.ProtocolError) as error:
            log.error("a move of the relay cannot be followed: %s", error)  # mail goes first
        self._places = places.read(claim)

    def _settle(self, pending: PendingUp, reply: HelloReply) -> PendingUp | None:
        """The relay has applied a bundle of this number: ours, if its hash says so."""
        ours = reply.applied_up == pending.sequence and (
            reply.applied_sha256 is None or reply.applied_sha256.hex() == pending.sha256
        )
        if ours:
            self._confirm(pending)
            return None
        skip_up(self._store, reply.applied_up)
        news.forget(self._store)
        raise AtOddsError(
            Sentence("This device's mail was restored from a copy, and counts on from there.")
        )

    def _confirm(self, pending: PendingUp) -> None:
        self.traded.sent += confirm_up(self._store, pending.sequence)
        news.settle(self._store, pending.sha256)
        quarantine.accepted(self._store)
        pending.path.unlink(missing_ok=True)

    def _release(self, pending: PendingUp, reason: str) -> NoReturn:
        """Take back a bundle that the relay could not read; what is in it goes in another."""
        release_up(self._store, pending.sequence, reason)
        raise AtOddsError(
            Sentence("The relay is too old for this device. Ask its operator to update it.")
        )

    def _restart(self, reason: str) -> NoReturn:
        """Forget the history, as the relay does or will do when it sees ours."""
        restart_history(self._store, reason)
        news.forget(self._store)
        raise AtOddsError(
            Sentence("This device and its relay remember different mail. They start anew.")
        )

    def _upload(self, connection: Connection, pending: PendingUp, reply: HelloReply) -> Receipt:
        offset = min(reply.up_offset, pending.size)
        rest = pending.size - offset
        try:
            with pending.path.open("rb") as content:
                receipt = connection.upload(
                    _announced(pending),
                    content,
                    offset,
                    reply.token,
                    self._held(rest),
                    self._progress(pending.size, offset),
                    self._quota.room(),
                )
        except RefusedError as error:
            if error.reason == protocol.HISTORY_UNKNOWN:
                self._restart(error.text)
            if error.reason in _AT_ODDS:
                raise AtOddsError(error.sentence) from error
            if error.reason == protocol.CONTENT_UNKNOWN:
                release_up(self._store, pending.sequence, error.text)
                at_relay.forget_all(self._store)
                raise AtOddsError(error.sentence) from error
            if error.reason == protocol.BUNDLE_BAD:
                self._refusals += 1
                quarantine.refused(self._store, pending, error.text)
                if self._refusals >= REFUSALS:
                    self._refused = error
                raise BundleRefusedError(error.sentence) from error
            raise
        if receipt is None:
            raise BudgetSpentError(SPENT)
        if receipt.applied < pending.sequence:
            raise AtOddsError(Sentence("The relay has not applied what it was sent."))
        self._confirm(pending)
        return receipt

    def _download(self, connection: Connection, sealed: Sealed, token: str) -> None:
        if sealed.size > _MAX_DOWN:
            self._unread = sealed.sequence
            raise BundleUnreadError(_UNREAD)
        path = paths.bundles() / f"down-{sealed.sequence}-{sealed.sha256.hex()[:16]}"
        path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        if _held().sequence == sealed.sequence and not path.exists():
            _sweep("down-*", None)
            raise AtOddsError(Sentence("The relay has sealed this bundle anew."))
        _sweep("down-*", path)
        start = path.stat().st_size if path.exists() else 0
        if not _is_room(self._store, sealed.size - start):
            raise FullError
        try:
            connection.fetch(sealed, path, token, self._progress(sealed.size, start))
        except RefusedError as error:
            if error.reason in _AT_ODDS:
                raise AtOddsError(error.sentence) from error
            raise
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if path.stat().st_size < sealed.size:
            if self._quota.is_spent:
                raise BudgetSpentError(SPENT)
            raise CutError(Sentence("The connection to the relay broke in the middle of a bundle."))
        if digest != sealed.sha256:
            path.unlink()
            if sealed == self._damaged:
                self._restart("A bundle of the relay is damaged.")  # it will seal the mail anew
            self._damaged = sealed
            raise AtOddsError(
                Sentence("What came is not what the relay announced; it is fetched again.")
            )
        mark = path.with_name(f"{_OPENING}{sealed.sequence}")
        durable.write(mark, b"")
        try:
            applied = apply_down(self._store, self._open(sealed, path))
        except (CourierError, KeyringError, OSError, StoreError):
            raise
        except Exception as error:
            # Whatever it is, it will be so again: the relay finds out of which mail it comes.
            log.exception("bundle %d cannot be read", sealed.sequence)
            path.unlink()
            self._unread = sealed.sequence
            raise BundleUnreadError(_UNREAD) from error
        finally:
            mark.unlink(missing_ok=True)
        path.unlink()
        self.traded.received += applied.mails
        log.info(
            "applied down=%d mails=%d events=%d",
            *(sealed.sequence, applied.mails, applied.events),
        )

    def _opened_in_vain(self) -> int | None:
        """The bundle at whose opening the courier was killed, as when memory ends; now unread.

        A power cut leaves the same mark; then the bundle comes once more in a simpler form.
        """
        for mark in paths.bundles().glob(_OPENING + "*"):
            sequence = int(mark.name.removeprefix(_OPENING))
            if sequence > sync_state(self._store).down_applied:
                log.error("bundle %d was being opened when the courier was killed", sequence)
                _sweep("down-*", None)
                return sequence
            mark.unlink(missing_ok=True)
        return None

    def _open(self, sealed: Sealed, path: Path) -> Decoded:
        try:
            # The relay has just said that this is its own; it may have frozen it by a former key.
            plain = self._keyring.open(path.read_bytes(), *self._places.keys())
            decoded = decode(plain, shared_history(self._store), BOARD, measured=True)
        except HistoryUnknownError as error:
            self._restart(str(error))
        bundle = decoded.bundle
        ours = (self._identity.outcome.device, "down", sealed.sequence)
        if (bundle.device, bundle.direction, bundle.sequence) != ours:
            raise CourierError(Sentence("The relay sent a bundle that is not for this device."))
        return decoded

    def _progress(self, size: int, start: int) -> Callable[[int], None]:
        last = start

        def progress(done: int) -> None:
            nonlocal last
            self.traded.moved += done - last
            last = done
            self._tell(done / size)
            self._quota.tick()

        return progress

    def _held(self, pending: int = 0) -> Held:
        """What there is of a down bundle, and how much more may come beside an upload.

        The relay sends at once what may come: nothing that could not be kept.
        """
        return replace(_held(), room=self._quota.room(pending) if _is_room(self._store) else 0)


def is_down_pending(store: Store) -> bool:
    """Whether a part of a bundle from the relay is here, and the rest is to come."""
    return _held().sequence > sync_state(store).down_applied


def _is_room(store: Store, size: int = 0) -> bool:
    """Whether a bundle of this size can be kept, and what it brings be delivered."""
    try:
        store.check_room()
    except StoreFull:
        return False
    return size <= max(room.available(paths.data()), _SMALL)


def _announced(pending: PendingUp) -> Sealed:
    return Sealed(pending.sequence, pending.size, bytes.fromhex(pending.sha256))


def _held() -> Held:
    """What there is of a down bundle."""
    for path in paths.bundles().glob("down-*-*"):
        return Held(int(path.name.split("-")[1]), path.stat().st_size)
    return Held()


def _sweep(pattern: str, wanted: Path | None) -> None:
    """Remove bundles in flight that nothing names any more."""
    for path in paths.bundles().glob(pattern):
        if path != wanted:
            path.unlink(missing_ok=True)
