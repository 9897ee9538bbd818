# SPDX-License-Identifier: Apache-2.0
"""The bundle that a plan stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering.attachment_policy import Rendered, select_files
from mokanda_relay.rendering.readings import NotReadyError
from mokanda_relay.rendering.rendered_mails import RenderedMails
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import ContentRequest, Incoming, Notice
from mokanda_relay.sync import content_requests
from mokanda_relay.sync.down import blocked, stubs
from mokanda_relay.sync.down.plan import MAX_RAW, Plan
from mokanda_relay.transport.proof import Checks, proof
from mokanda_wire import bundle as wire
from mokanda_wire.message import Message


class LostError(Exception):
    """The file of a mail is not there, for which these readers wait."""

    def __init__(self, readers: Sequence[Incoming]) -> None:
        names = ", ".join(entry.recipient for entry in readers)
        super().__init__(f"the file of the mail {readers[0].digest} for {names} is not there")
        self.readers = readers


class DraftMail(NamedTuple):
    """A mail in a bundle: its original's digest, its queue entries, and what travels."""

    digest: str
    readers: list[Incoming]
    item: wire.Mail


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle, not encoded yet; `plan` names what really is in it.

    Its items are news, events, stubs, answers to requests and `mails`, in this order.
    """

    plan: Plan
    bundle: wire.Bundle
    mails: list[DraftMail]


def draft(relay: Relay, plan: Plan, rendered: RenderedMails) -> Draft:
    """Make the bundle of a plan, without what is still being read or made smaller.

    Raises:
        LostError: the file of a mail in it is not there.
    """
    events = [_event(notice) for notice in plan.notices]
    heads = _heads(plan, rendered)
    with relay.database.reading() as session:
        answers, files = _answers(relay, session, plan.requests)
        mails, attached = _mails(relay, session, plan, rendered)
        news = blocked.news(session, plan.queue.device)
    device = plan.queue.device
    bundle = wire.Bundle(
        device.name,
        "down",
        device.down_frozen + 1,
        clock.now(),
        (*news, *events, *heads.values(), *answers.values(), *(mail.item for mail in mails)),
        files | attached,
    )
    return Draft(plan.only(heads, answers, {mail.digest for mail in mails}), bundle, mails)


def _event(notice: Notice) -> wire.Event:
    kinds: dict[str, wire.EventKind] = {
        each: each for each in ("sent", "delivered", "bounced", "refused")
    }
    return wire.Event(
        notice.message_id, notice.recipient, kinds[notice.kind], notice.at, notice.reason
    )


def _heads(plan: Plan, rendered: RenderedMails) -> dict[str, wire.Stub]:
    """The stubs by the digests of their mails."""
    heads = {}
    for digest, entries in (plan.stubs or {}).items():
        with suppress(NotReadyError):
            mail = _render(rendered, plan, entries)
            cost = plan.costs.get(digest) or mail.guessed_cost
            proven = mail.message._replace(proof=_proof(entries, mail.message))
            heads[digest] = stubs.stub(proven, entries, cost)
    return heads


def _answers(
    relay: Relay, session: Session, requests: Iterable[ContentRequest]
) -> tuple[dict[int, wire.Grant | wire.Denial], dict[str, bytes]]:
    """Answer the first requests, by id, at least one, with the files that go with the answers."""
    answers: dict[int, wire.Grant | wire.Denial] = {}
    files: dict[str, bytes] = {}
    for request in requests:
        try:
            answer, given = content_requests.answer(relay, session, request)
        except NotReadyError:
            continue
        if answers and sum(map(len, (files | given).values())) > MAX_RAW:
            break
        answers[request.id] = answer
        files |= given
    return answers, files


def _mails(
    relay: Relay, session: Session, plan: Plan, rendered: RenderedMails
) -> tuple[list[DraftMail], dict[str, bytes]]:
    """The mails that are ready, a reply after what it quotes, with the files that go along."""
    mails: list[DraftMail] = []
    files: dict[str, bytes] = {}
    for digest, entries in plan.mails.items():
        try:
            mail = _render(rendered, plan, entries)
            message, going = select_files(
                relay, session, plan.queue.device, mail, entries[0].received
            )
        except NotReadyError:
            continue
        files |= going
        for stub in dict.fromkeys(entry.stub for entry in entries):
            readers = [entry for entry in entries if entry.stub == stub]
            recipients = tuple(entry.recipient for entry in readers)
            proven = message._replace(proof=_proof(readers, message))
            mails.append(DraftMail(digest, readers, wire.Mail(recipients, proven, stub)))
    mails.sort(key=lambda mail: mail.item.message.date)
    return mails, files


def _proof(readers: Sequence[Incoming], message: Message) -> str:
    """What is known of its writer; the same mail may have come twice, and been found another's."""
    found = {
        proof(Checks(tuple(each.vouching.split()), each.disowned), message) for each in readers
    }
    return found.pop() if len(found) == 1 else ""


def _render(rendered: RenderedMails, plan: Plan, entries: Sequence[Incoming]) -> Rendered:
    digest, received = entries[0].digest, entries[0].received
    try:
        if digest in plan.as_attachment:
            return rendered.get_as_attachment(digest, received)
        return rendered.get(digest, received)
    except BlobNotFoundError:
        raise LostError(entries) from None
