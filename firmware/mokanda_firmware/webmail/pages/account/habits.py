# SPDX-License-Identifier: Apache-2.0
"""What is done for one: a signature, an automatic reply, and other names to answer to."""

from datetime import UTC, datetime

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import accounts, aliases, vacation
from mokanda_firmware.mailbox.people.vacation import AutoReply
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.webmail import typed
from mokanda_firmware.webmail.forms import NO_DAY, start_of_day
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.access import BAD_NAME, TAKEN
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_wire.address import AddressError, check_local_part

_MAX_SIGNATURE = 500
_MAX_ABSENCE = 2000
_TOO_MANY = N_("You have {number} other names already. Remove one first.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    number = visit.villager.id
    reply = vacation.auto_reply(visit.store, number)
    return visit.page(
        "account/habits",
        problem=problem,
        absence=visit.form["absence"] if problem and "absence" in visit.form else reply.text,
        until=_last_day(reply),
        over=reply.until is not None and reply.until <= clock.now(),
        aliases=aliases.of_account(visit.store, number),
        alias=visit.form["alias"] if problem else "",
        most=aliases.MAX_ALIASES,
        domain=visit.domain,
    )


@get("/account/habits")
def show_show(visit: Visit) -> HTTPResponse:
    """Show signature, automatic reply and aliases."""
    return _show(visit)


@post("/account/signature", rescue=_show)
def change_signature(visit: Visit) -> HTTPResponse:
    """Change what stands below one's letters."""
    signature = visit.form["signature"].strip("\n")[:_MAX_SIGNATURE]
    accounts.set_signature(visit.store, visit.villager.id, signature)
    return visit.redirect("/account/habits", "saved")


@post("/account/absence", rescue=_show)
def change_absence(visit: Visit) -> HTTPResponse:
    """Change what is answered to letters while one is away."""
    text = visit.form["absence"].strip()[:_MAX_ABSENCE]
    until = start_of_day(visit.form["until"], days=1)
    if visit.form["until"].strip() and until is None:  # it would be answered for ever
        raise Refused(422, NO_DAY)
    vacation.set_auto_reply(visit.store, visit.villager.id, AutoReply(text, until))
    return visit.redirect("/account/habits", "absent" if text else "saved")


@post("/account/aliases", rescue=_show)
def add_alias(visit: Visit) -> HTTPResponse:
    """Answer to another name too."""
    try:
        name = check_local_part(typed.plain(visit.form["alias"]))
        aliases.add(visit.store, visit.villager.id, name)
    except AddressError as error:
        raise Refused(422, BAD_NAME) from error
    except accounts.NameTaken as error:
        raise Refused(409, TAKEN) from error
    except aliases.TooMany as error:
        raise Refused(422, _TOO_MANY, number=aliases.MAX_ALIASES) from error
    return visit.redirect("/account/habits", "saved")


@post("/account/aliases/remove")
def remove_alias(visit: Visit) -> HTTPResponse:
    """Answer to a name no more."""
    aliases.remove(visit.store, visit.villager.id, visit.form["alias"])
    return visit.redirect("/account/habits", "saved")


def _last_day(reply: AutoReply) -> str:
    """Write the last day of an automatic reply as a browser does."""
    return "" if reply.until is None else f"{datetime.fromtimestamp(reply.until - 1, UTC):%Y-%m-%d}"
