# SPDX-License-Identifier: Apache-2.0
"""The folders, twenty lines a page, and moving what is chosen in them."""

import zlib
from collections.abc import Sequence
from typing import cast

from bottle import HTTPResponse

from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.mailbox.letters import drafts, entries, folders
from mokanda_firmware.mailbox.letters.entries import Folder
from mokanda_firmware.webmail import prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Visit, get, post
from mokanda_wire.message import Mailbox

TITLES = {
    "inbox": N_("Inbox"),
    "outbox": N_("Outbox"),
    "sent": N_("Sent"),
    "archive": N_("Archives"),
    "trash": N_("Trash"),
}
_EMPTY = {
    "inbox": N_("There are no letters here yet."),
    "outbox": N_("Nothing waits here. Letters to people outside the village wait in this folder."),
    "sent": N_("You have not sent any letters yet."),
    "archive": N_("Letters that you have dealt with can be put here, out of the way."),
    "trash": N_("The trash is empty. What you delete stays here for 30 days."),
}
DAMAGED_DRAFT = N_("This draft is damaged. What can still be read of it stands in its text.")
# What can be done to the lines that are chosen: the value of the button, and what is on it.
_ACTIONS = {
    "inbox": {"archive": N_("Archive"), "trash": N_("Delete")},
    "sent": {"archive": N_("Archive"), "trash": N_("Delete")},
    "archive": {"back": N_("Out of the archive"), "trash": N_("Delete")},
    "trash": {"back": N_("Put back"), "delete": N_("Delete for good")},
}
_MAX_UNDONE = 100


@get("/<folder:re:inbox|outbox|sent|archive|trash>")
def show_folder(visit: Visit, folder: Folder) -> HTTPResponse:
    """List a folder, the latest letter first."""
    page = folders.page(
        visit.store,
        visit.villager.id,
        folder,
        before=visit.number("before"),
        after=visit.number("after"),
    )
    return visit.page(
        "letters/folder",
        folder=folder,
        title=visit.language.text(TITLES[folder]),
        empty=visit.language.text(_EMPTY[folder]),
        page=page,
        actions=_ACTIONS.get(folder, {}),
        selecting=folder in _ACTIONS and "select" in visit.request.query,
        initial=initial,
        colour=colour,
        next_run=_next_run(visit) if folder == "outbox" else "",
        estimates=prices.estimates(visit) if folder == "outbox" else {},
    )


@get("/drafts")
def show_drafts(visit: Visit) -> HTTPResponse:
    """List the letters that are not finished."""
    return visit.page(
        "letters/drafts",
        drafts=drafts.all_of(visit.store, visit.villager.id),
        damaged=DAMAGED_DRAFT,
    )


@post("/drafts/<draft:int>/delete")
def delete_draft(visit: Visit, draft: int) -> HTTPResponse:
    """Throw a draft away."""
    with visit.store.transaction() as connection:
        drafts.discard(connection, visit.villager.id, draft)
    return visit.redirect("/drafts", "draft-deleted")


@post("/move")
def move(visit: Visit) -> HTTPResponse:
    """Archive, delete or put back what was chosen; the next page offers to undo it."""
    account = visit.villager.id
    chosen: Sequence[int] = visit.form.numbers("entry")
    if visit.form["whole"]:
        chosen = entries.of_conversations(visit.store, account, chosen)
    origin = visit.form["from"] if visit.form["from"] in TITLES else "inbox"
    action = visit.form["do"]
    if action in {"archive", "trash"}:
        moved = entries.move(visit.store, account, chosen, cast("Folder", action))
        undo = "-".join(str(one) for one in moved) if len(moved) <= _MAX_UNDONE else ""
        return visit.redirect(f"/{origin}", f"moved-{action}" if moved else "", undo=undo)
    if action == "back":
        moved = entries.put_back(visit.store, account, chosen)
        return visit.redirect(f"/{origin}", "put-back" if moved else "")
    if action == "delete":
        removed = entries.delete(visit.store, account, chosen)
        return visit.redirect("/trash", "deleted" if removed else "")
    if action == "unread":
        entries.mark_unread(visit.store, account, visit.form.numbers("entry"))
        return visit.redirect(f"/{origin}")
    if action in {"star", "unstar"}:
        chosen = visit.form.numbers("entry")
        entries.star(visit.store, account, chosen, starred=action == "star")
        return visit.redirect(f"/mail/{chosen[0]}" if chosen else f"/{origin}")
    if action == "empty":
        visit.make_sure()
        entries.delete(visit.store, account)
        return visit.redirect("/trash", "deleted")
    return visit.redirect(f"/{origin}")


def initial(people: Sequence[Mailbox]) -> str:
    """Return the letter in the circle beside a line."""
    name = (people[0].name or people[0].address) if people else ""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")


def colour(people: Sequence[Mailbox]) -> int:
    """Give everybody one of six colours, always the same one."""
    return zlib.crc32(people[0].address.encode()) % 6 if people else 0


def _next_run(visit: Visit) -> str:
    """Say when the letters that wait will leave; "" where they wait for credit."""
    if prices.is_credit_used_up(visit, visit.villager.id):
        return ""
    courier = CourierStatus.read()
    if courier is None or courier.next_sync is None:
        return visit.language.text("They leave with the next mail run.")
    return visit.language.text("They leave with the next mail run: {time}.").format(
        time=visit.language.date_and_time(int(courier.next_sync.timestamp()), visit.zone)
    )
