# SPDX-License-Identifier: Apache-2.0
"""A plan's bundle, encoded as its reader can take it, and what each part of it costs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from mokanda_relay.relay import Relay
from mokanda_relay.rendering.rendered_mails import RenderedMails
from mokanda_relay.store.tables import ContentRequest, Incoming
from mokanda_relay.sync.down.draft import Draft, draft
from mokanda_relay.sync.down.plan import Plan
from mokanda_wire import bundle as wire
from mokanda_wire import formats

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Packed:
    """An encoded bundle, and how many bytes of it its parts account for.

    Attributes:
        plan: what is in it.
        answers: each request that it answers, and what the answer costs.
        costs: of the mails in it, by digest.
        rest: what is no mail.
    """

    plan: Plan
    draft: Draft
    encoded: wire.Encoded
    answers: list[tuple[ContentRequest, int]]
    costs: dict[str, int]
    rest: int

    @classmethod
    def of(cls, made: Draft, encoded: wire.Encoded) -> Self:
        """Tell what the parts of a draft cost in its encoding; its last items are the mails."""
        mails = len(encoded.costs) - len(made.mails)
        answers = encoded.costs[mails - len(made.plan.requests) : mails]
        costs: dict[str, int] = {}
        for mail, cost in zip(made.mails, encoded.costs[mails:], strict=True):
            costs[mail.digest] = costs.get(mail.digest, 0) + cost
        return cls(
            made.plan,
            made,
            encoded,
            list(zip(made.plan.requests, answers, strict=True)),
            costs,
            len(encoded.data) - sum(costs.values()),
        )

    @property
    def mails(self) -> list[tuple[Sequence[Incoming], int]]:
        """The queue entries of each mail, and what it costs."""
        return [(entries, self.costs[digest]) for digest, entries in self.plan.mails.items()]


def pack(relay: Relay, plan: Plan, rendered: RenderedMails) -> Packed:
    """Encode a bundle that its reader will take: all of the plan, or as much of it as can be.

    It is read back as the device will read it: a mail that is too much for the format (it may
    have thousands of addresses or parts) must not hold up those behind it. It travels whole, as
    an attachment.

    Raises:
        LostError: the file of a mail in it is not there.
        BundleError: there is what no reader takes in what is no mail.
    """
    while True:
        made = draft(relay, plan, rendered)
        queue = plan.queue
        try:
            encoded = wire.encode(
                made.bundle,
                queue.history,
                bundle_format=formats.common(queue.device.format),
                caution=queue.device.bisection.caution,
            )
            wire.decode(encoded.data, queue.history, wire.BOARD)
        except wire.BundleError as error:
            less = made.plan.with_half()
            if less is None:
                raise
            for digest in less.as_attachment:
                log.warning("mail=%s travels as an attachment: %s", digest[:12], error)
            plan = less
        else:
            return Packed.of(made, encoded)
