# SPDX-License-Identifier: Apache-2.0
"""Short sentences that a page shows after a form has been taken, named in its address."""

from mokanda_firmware.webmail.languages import N_, Language

_NOTES = {
    "delivered": N_("Your letter has been delivered."),
    "draft": N_("Your draft is kept."),
    "logged-out": N_("You are logged out."),
    "sync": N_("The mail goes out now. This takes some minutes."),
    "update": N_("The update has been started. The device starts anew when it is ready."),
    "waiting": N_("Your letter waits in the outbox and leaves with the next mail run."),
    "welcome": N_("Welcome! This is your inbox."),
    "welcome-keeper": N_("Welcome! You are the keeper of this device: you look after it."),
}


def text(language: Language, name: str) -> str:
    """Return the sentence of this name, "" when there is none."""
    return language.text(_NOTES[name]) if name in _NOTES else ""
