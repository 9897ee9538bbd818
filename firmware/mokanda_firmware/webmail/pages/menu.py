# SPDX-License-Identifier: Apache-2.0
"""The menu: the way to all other pages, in the groups that their modules and templates have too."""

from typing import NamedTuple

from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import drafts
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Visit, get, is_for


class Item(NamedTuple):
    """A line of the menu, for those whom its page is for."""

    path: str
    title: str
    access: str = "villager"


MENU = {
    N_("Letters"): (
        Item("/search", N_("Search")),
        Item("/drafts", N_("Drafts")),
        Item("/archive", N_("Archives")),
        Item("/trash", N_("Trash")),
    ),
    N_("People"): (
        Item("/news", N_("News")),
        Item("/people", N_("People")),
        Item("/villagers", N_("Villagers"), "helper"),
        Item("/credit", N_("Villagers' credit"), "keeper"),
    ),
    N_("My account"): (
        Item("/account", N_("My account")),
        Item("/account/habits", N_("Signature and absence")),
        Item("/account/unwanted", N_("Unwanted letters")),
    ),
    N_("Device"): (
        Item("/device", N_("Device")),
        Item("/device/village", N_("Village and Wi-Fi"), "keeper"),
        Item("/device/modem", N_("Modem and SIM"), "keeper"),
        Item("/plan", N_("Times and prices"), "keeper"),
        Item("/spending", N_("Data and money"), "keeper"),
        Item("/device/unwanted", N_("Unwanted letters of the village"), "keeper"),
        Item("/backup", N_("Backup"), "keeper"),
        Item("/logs", N_("Log"), "keeper"),
    ),
}


@get("/more")
def show_menu(visit: Visit) -> HTTPResponse:
    """Show the way to all other pages."""
    return visit.page(
        "menu",
        groups={
            title: [item for item in items if is_for(item.access, visit.villager)]
            for title, items in MENU.items()
        },
        drafts=len(drafts.all_of(visit.store, visit.villager.id)),
    )
