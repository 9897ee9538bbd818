# SPDX-License-Identifier: Apache-2.0
"""Whom one writes to: contacts, groups, and cards from and for a phone."""

import re

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import contacts, vcards
from mokanda_firmware.webmail import recipients, typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.recipients import BadRecipient, TooManyRecipients
from mokanda_firmware.webmail.visit import Refused, Visit, get, post, to_save
from mokanda_wire.text import one_line

_MAX_CARDS = 4_000_000  # bytes; a phone's photos of people are among them
_MAX_MEMBERS = 50
_BAD_NAME = N_("The name of a group has letters, digits and blanks: {number} at most.")
_MAX_NAME = 32
_TOO_MANY = N_("A group has {number} people at most.")
_NO_CARDS = N_("There are no cards with addresses for mail in this file.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    account = visit.villager.id
    return visit.page(
        "people/contacts",
        problem=problem,
        people=contacts.of_account(visit.store, account),
        groups=contacts.groups(visit.store, account),
    )


@get("/people")
def show_people(visit: Visit) -> HTTPResponse:
    """List whom one writes to."""
    return _show(visit)


@post("/people/forget")
def forget(visit: Visit) -> HTTPResponse:
    """Take somebody off the list."""
    contacts.forget(visit.store, visit.villager.id, visit.form["address"])
    return visit.redirect("/people", "forgotten")


def _group(visit: Visit, problem: str = "") -> HTTPResponse:
    if visit.request.method == "POST":
        name, members = visit.form["name"], visit.form["members"]
    else:
        name = visit.request.query.getunicode("name", "")
        people = contacts.groups(visit.store, visit.villager.id).get(name, ())
        members = recipients.written(people, visit.domain).replace(", ", "\n")
    return visit.page("people/group", problem=problem, name=name, members=members)


@get("/people/group")
def show_group(visit: Visit) -> HTTPResponse:
    """Show who is in a group, or the form for a new one."""
    return _group(visit)


@post("/people/group", rescue=_group)
def change_group(visit: Visit) -> HTTPResponse:
    """Make a group, change it, or dissolve it."""
    account, name = visit.villager.id, one_line(typed.plain(visit.form["name"])).lower()
    if len(name) > _MAX_NAME or not re.fullmatch(r"\w[\w '.-]*", name):
        raise Refused(422, _BAD_NAME, number=_MAX_NAME)
    try:
        members = recipients.parse(visit.form["members"], visit.domain)
    except BadRecipient as error:
        raise error.refusal from error
    except TooManyRecipients as error:
        raise Refused(422, _TOO_MANY, number=_MAX_MEMBERS) from error
    if len(members) > _MAX_MEMBERS:
        raise Refused(422, _TOO_MANY, number=_MAX_MEMBERS)
    contacts.set_group(visit.store, account, name, () if visit.form["dissolve"] else members)
    return visit.redirect("/people", "saved")


@get("/people/cards.vcf")
def export_cards(visit: Visit) -> HTTPResponse:
    """Give out one's contacts as cards for a phone."""
    cards = vcards.write(contacts.of_account(visit.store, visit.villager.id))
    return to_save(cards, "text/vcard; charset=utf-8", "mokanda.vcf")


@post("/people/cards", takes_files=True, rescue=_show)
def import_cards(visit: Visit) -> HTTPResponse:
    """Put the people of a phone's cards among one's contacts."""
    people = []
    for file in visit.form.files:
        with visit.store.attachments.path(file.digest).open("rb") as cards:
            people += vcards.read(cards.read(_MAX_CARDS))
    if not people:
        raise Refused(422, _NO_CARDS)
    contacts.add(visit.store, visit.villager.id, people)
    return visit.redirect("/people", "cards")
