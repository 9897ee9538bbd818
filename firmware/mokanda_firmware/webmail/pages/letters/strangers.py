# SPDX-License-Identifier: Apache-2.0
"""What can be done about the writer of a letter that is not wanted."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.webmail.blocking import block
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.letters.letter import blockable, open_letter
from mokanda_firmware.webmail.visit import Refused, Visit, post

_NOT_OF_LIST = N_("Nobody can be unsubscribed by this letter.")
_TOLD = N_("The relay has been told already: this cannot be taken back any more.")
_NOT_BLOCKED = N_("This writer cannot be blocked.")


@post("/mail/<number:int>/block")
def block_writer(visit: Visit, number: int) -> HTTPResponse:
    """Block the writer of a letter, or the domain; the keeper may for the whole village."""
    writer = visit.form["writer"]
    if writer not in blockable(visit, open_letter(visit, number)):
        raise Refused(422, _NOT_BLOCKED)
    everybody = visit.villager.is_keeper and bool(visit.form["everybody"])
    block(visit, None if everybody else visit.villager.id, writer)
    return visit.redirect(f"/mail/{number}", "blocked")


@post("/mail/<number:int>/unsubscribe")
def unsubscribe(visit: Visit, number: int) -> HTTPResponse:
    """Have the relay unsubscribe the reader of a letter, or (by the button `not`) not do so.

    Once the relay may have been told it is too late: it does so at once.
    """
    newsletter = open_letter(visit, number).newsletter
    if newsletter is None:
        raise Refused(422, _NOT_OF_LIST)
    account, ticket = visit.villager.id, newsletter.ticket
    with visit.store.transaction() as connection:
        if not visit.form["not"]:
            content_requests.ask(connection, "unsubscribe", ticket, account)
            return visit.redirect(f"/mail/{number}")
        asked = content_requests.progress(connection, "unsubscribe", ticket)
        is_in_time = asked is not None and asked.state == "waiting"
        if not is_in_time or not content_requests.withdraw(
            connection, "unsubscribe", ticket, account
        ):
            raise Refused(409, _TOLD)
    return visit.redirect(f"/mail/{number}")
