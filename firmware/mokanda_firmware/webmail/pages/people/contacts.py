# SPDX-License-Identifier: Apache-2.0
"""Whom one writes to: contacts, groups, and cards from and for a phone."""

import re
import unicodedata
from collections.abc import Iterable

from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import aliases, contacts, vcards
from mokanda_firmware.webmail import recipients, typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.access import TAKEN
from mokanda_firmware.webmail.pages.letters.sending import NOBODY
from mokanda_firmware.webmail.recipients import BadRecipient, TooManyRecipients
from mokanda_firmware.webmail.visit import Refused, Visit, get, post, to_save
from mokanda_wire.message import Mailbox
from mokanda_wire.text import one_line

_MAX_CARDS = 4_000_000  # bytes; a phone's photos of people are among them
_MAX_MEMBERS = 50
_PAGE_LENGTH = 40  # contacts
_NOBODY = N_("This address is not among those that you write to.")
_ONE = N_("Please write one address.")
_BAD_NAME = N_("The name of a group has letters, digits and blanks: {number} at most.")
_MAX_NAME = 32
_TOO_MANY = N_("A group has {number} people at most.")
_LARGE_CARDS = N_("This file is too large. Save your contacts without pictures: {limit} at most.")
_NO_CARDS = N_("There are no cards with addresses for mail in this file.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    account, words = visit.villager.id, visit.request.query.getunicode("q", "")[:100]
    people = contacts.of_account(visit.store, account, words)
    page = min(visit.number("page") or 0, max(0, len(people) - 1) // _PAGE_LENGTH)
    return visit.page(
        "people/contacts",
        problem=problem,
        people=people[page * _PAGE_LENGTH : (page + 1) * _PAGE_LENGTH],
        number=page,
        more=len(people) > (page + 1) * _PAGE_LENGTH,
        words=words,
        searching=bool(words) or len(people) > _PAGE_LENGTH,
        groups=contacts.groups(visit.store, account),
    )


@get("/people")
def show_people(visit: Visit) -> HTTPResponse:
    """List whom one writes to."""
    return _show(visit)


def _person(visit: Visit, problem: str = "") -> HTTPResponse:
    address = visit.form["old"] or visit.request.query.getunicode("address", "")
    person = contacts.find(visit.store, visit.villager.id, address)
    if person is None:  # forgotten meanwhile
        return _show(visit, problem)
    shown = (
        (visit.form["address"], visit.form["name"]) if problem else (person.address, person.name)
    )
    return visit.page("people/person", problem=problem, person=person, shown=Mailbox(*shown))


@get("/people/person")
def show_person(visit: Visit) -> HTTPResponse:
    """Show one whom one writes to, to be named."""
    return _person(visit)


@post("/people/person", rescue=_person)
def change_person(visit: Visit) -> HTTPResponse:
    """Give somebody a name, or a new address."""
    account, old = visit.villager.id, visit.form["old"]
    if contacts.find(visit.store, account, old) is None:
        raise Refused(404, _NOBODY)
    try:
        found = recipients.parse(visit.form["address"], visit.domain)
    except BadRecipient as error:
        raise error.refusal from error
    except TooManyRecipients as error:
        raise Refused(422, _ONE) from error
    if len(found) != 1:
        raise Refused(422, _ONE)
    _check_neighbours(visit, found)
    name = typed.display_name(visit.form["name"])
    contacts.change(visit.store, account, old, Mailbox(found[0].address, name))
    return visit.redirect("/people", "saved")


@post("/people/forget")
def forget(visit: Visit) -> HTTPResponse:
    """Take somebody off the list."""
    contacts.forget(visit.store, visit.villager.id, visit.form["address"])
    return visit.redirect("/people", "forgotten")


def _group(visit: Visit, problem: str = "") -> HTTPResponse:
    if visit.request.method == "POST":
        old, name, members = (visit.form[field] for field in ("old", "name", "members"))
    else:
        name = visit.request.query.getunicode("name", "")
        people = contacts.groups(visit.store, visit.villager.id).get(name, ())
        old = name if people else ""
        members = "\n".join(recipients.written([one], visit.domain) for one in people)
    return visit.page("people/group", problem=problem, old=old, name=name, members=members)


@get("/people/group")
def show_group(visit: Visit) -> HTTPResponse:
    """Show who is in a group, or the form for a new one."""
    return _group(visit)


@post("/people/group", rescue=_group)
def change_group(visit: Visit) -> HTTPResponse:
    """Make a group, change it, or dissolve it."""
    account, old = visit.villager.id, visit.form["old"]
    if visit.form["dissolve"]:
        contacts.set_group(visit.store, account, old, ())
        return visit.redirect("/people", "saved")
    name = one_line(typed.plain(visit.form["name"])).lower()
    if not _is_name(name):
        raise Refused(422, _BAD_NAME, number=_MAX_NAME)
    if name != old and _is_taken(visit, name):
        raise Refused(409, TAKEN)
    try:
        members = recipients.parse(visit.form["members"], visit.domain)
    except BadRecipient as error:
        raise error.refusal from error
    except TooManyRecipients as error:
        raise Refused(422, _TOO_MANY, number=_MAX_MEMBERS) from error
    if len(members) > _MAX_MEMBERS:
        raise Refused(422, _TOO_MANY, number=_MAX_MEMBERS)
    _check_neighbours(visit, members)
    contacts.set_group(visit.store, account, name, members, old=old)
    return visit.redirect("/people", "saved")


def _is_name(name: str) -> bool:
    """Whether a group can be called so; accents that stand by themselves (ɛ́) are of a letter."""
    letters = "".join(one for one in name if not unicodedata.category(one).startswith("M"))
    return len(name) <= _MAX_NAME and bool(re.fullmatch(r"\w[\w '.-]*", letters))


def _is_taken(visit: Visit, name: str) -> bool:
    """Whether another group has a name, or a villager, whose letters would go to the group."""
    with visit.store.reading() as connection:
        is_villagers = aliases.account_of(connection, name) is not None
    return is_villagers or name in contacts.groups(visit.store, visit.villager.id)


def _check_neighbours(visit: Visit, people: Iterable[Mailbox]) -> None:
    """Refuse addresses of the village to which nobody answers."""
    here = [one.address for one in people if visit.is_here(one.address)]
    with visit.store.reading() as connection:
        nobody = entries.nobody(connection, here)
    if nobody:
        raise Refused(422, NOBODY, name=", ".join(one.partition("@")[0] for one in nobody))


@get("/people/cards.vcf")
def export_cards(visit: Visit) -> HTTPResponse:
    """Give out one's contacts as cards for a phone."""
    cards = vcards.write(contacts.of_account(visit.store, visit.villager.id))
    return to_save(cards, "text/vcard; charset=utf-8", "mokanda.vcf")


@post("/people/cards", takes_files=True, rescue=_show)
def import_cards(visit: Visit) -> HTTPResponse:
    """Put the people of a phone's cards among one's contacts."""
    people = []
    if any(file.size > _MAX_CARDS for file in visit.form.files):
        raise Refused(413, _LARGE_CARDS, limit=visit.language.size(_MAX_CARDS))
    for file in visit.form.files:
        with visit.store.attachments.path(file.digest).open("rb") as cards:
            people += vcards.read(cards.read())
    if not people:
        raise Refused(422, _NO_CARDS)
    contacts.add(visit.store, visit.villager.id, people)
    return visit.redirect("/people", "cards")
