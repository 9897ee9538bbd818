# SPDX-License-Identifier: Apache-2.0
"""Short sentences that a page shows after a form has been taken, named in its address."""

from mokanda_firmware.webmail.languages import N_, Language

_NOTES = {
    "delivered": N_("Your letter has been delivered."),
    "asked": N_("It is asked for, and comes with one of the next mail runs."),
    "absent": N_("Who writes to you now gets your note as an answer, once a week."),
    "blocked": N_("Letters from there do not come any more."),
    "cards": N_("The people of the cards are here now."),
    "check": N_("The device asks its relay for an update. This page will say what it found."),
    "claim": N_("The claim file is taken. The device uses it as soon as it can connect."),
    "deleted": N_("It is deleted for good."),
    "draft": N_("Your draft is kept."),
    "draft-deleted": N_("The draft is deleted."),
    "emptied": N_("Everybody's trash is empty now."),
    "forgotten": N_("This address is forgotten."),
    "no-credit": N_("Your letter waits in the outbox until you have paid in."),
    "must-change": N_("Please choose a new password of your own."),
    "hung-up": N_("The call has ended. The mail is tried again later."),
    "large": N_(
        "Your letter has not been sent yet. Its files are large: look below what they take, and"
        " press “Send” again."
    ),
    "logged-out": N_("You are logged out."),
    "moved-archive": N_("It is in the archive now."),
    "moved-trash": N_("It is in the trash now, for 30 days."),
    "not-asked": N_("It is no longer asked for."),
    "password": N_("Your password is changed. Other phones have to log in again."),
    "put-up": N_("Your notice is on the board."),
    "photos": N_(
        "Your letter has not been sent yet. Its photos are large: choose below how they go, and"
        " press “Send” again."
    ),
    "put-back": N_("It is back where it was."),
    "role": N_("This is changed."),
    "restart": N_("The device starts anew. This takes a minute or two."),
    "saved": N_("This is changed."),
    "unlocked": N_("The SIM card is unlocked."),
    "suspended": N_("This villager cannot log in any more."),
    "switch-off": N_(
        "The device switches itself off. Take its power away when its lights are out."
    ),
    "sync": N_("The mail goes out now. This takes some minutes."),
    "taken-back": N_("Your letter has not left. Here it is as a draft."),
    "taken-down": N_("The notice is taken down."),
    "unblocked": N_("Letters from there come again."),
    "unsuspended": N_("This villager can log in again."),
    "update": N_("The update has been started. The device starts anew when it is ready."),
    "villager-deleted": N_("The account and its letters are deleted."),
    "waiting": N_("Your letter waits in the outbox and leaves with the next mail run."),
}


def text(language: Language, name: str) -> str:
    """Return the sentence of this name, "" when there is none."""
    return language.text(_NOTES[name]) if name in _NOTES else ""
