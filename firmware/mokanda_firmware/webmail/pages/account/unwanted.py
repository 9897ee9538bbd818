# SPDX-License-Identifier: Apache-2.0
"""Letters that one does not want to get: who is blocked, and what the relay has kept back."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.webmail.blocking import block_typed, unblock
from mokanda_firmware.webmail.visit import Visit, get, post


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    account = visit.villager.id
    kept = unwanted.kept_back(visit.store, account)
    with visit.store.reading() as connection:
        blocked = unwanted.blocked(connection, account)
        asked = any(content_requests.progress(connection, "blocked", name) for name in kept)
    return visit.page(
        "account/unwanted",
        problem=problem,
        blocked=blocked,
        writer=visit.form["writer"] if problem else "",
        kept=sum(kept.values()),
        asked=asked,
        newsletters_wait=unwanted.newsletters_wait(visit.store, account),
    )


@get("/account/unwanted")
def show_unwanted(visit: Visit) -> HTTPResponse:
    """Show whom one has blocked, and how much was kept back."""
    return _show(visit)


@post("/account/unwanted/block", rescue=_show)
def block_one(visit: Visit) -> HTTPResponse:
    """Block an address or a domain."""
    block_typed(visit, visit.villager.id)
    return visit.redirect("/account/unwanted", "blocked")


@post("/account/unwanted/unblock")
def unblock_one(visit: Visit) -> HTTPResponse:
    """Block one no more."""
    unblock(visit, visit.villager.id)
    return visit.redirect("/account/unwanted", "unblocked")


@post("/account/unwanted/list")
def ask_for_list(visit: Visit) -> HTTPResponse:
    """Ask the relay what it has kept back."""
    account = visit.villager.id
    kept = unwanted.kept_back(visit.store, account)
    with visit.store.transaction() as connection:
        for name in kept:
            content_requests.ask(connection, "blocked", name, account)
    return visit.redirect("/account/unwanted")


@post("/account/unwanted/newsletters")
def change_newsletters(visit: Visit) -> HTTPResponse:
    """Let newsletters come whole, or not."""
    wait = bool(visit.form["wait"])
    unwanted.let_newsletters_wait(visit.store, visit.villager.id, wait=wait)
    return visit.redirect("/account/unwanted", "saved")
