# SPDX-License-Identifier: Apache-2.0
"""The portal: what a phone opens by itself when it comes into the Wi-Fi.

It opens it in a window of its own, that forgets who logs in and closes when the phone is content:
so it says where the letters are, and lets one go on. Under the same address it is the Captive
Portal API of RFC 8908 for who asks for that, but for HTTPS (docs/decisions/0018-portal.md).
"""

import json

from bottle import HTTPResponse

from mokanda_firmware.setup.hotspot import PORTAL
from mokanda_firmware.webmail import cookies
from mokanda_firmware.webmail.languages import languages
from mokanda_firmware.webmail.visit import Visit, get, header, post

_API = "application/captive+json"


@get("/portal", access="everyone")
def show_portal(visit: Visit) -> HTTPResponse:
    """Say where the letters are, and ask to go on."""
    is_captive = visit.site.captivity.holds(visit.phone)
    if _API in header(visit.request, "ACCEPT"):
        said = {"captive": is_captive, "user-portal-url": f"http://{PORTAL}/portal"}
        headers = {"Content-Type": _API, "Cache-Control": "no-store"}
        return HTTPResponse(json.dumps(said), 200, headers)
    if _is_new(visit):
        return visit.redirect("/")
    chosen = visit.request.query.get("language", "")
    if chosen in languages():
        visit.language = languages()[chosen]
    return visit.page(
        "account/portal",
        is_captive=is_captive,
        address=f"http://{PORTAL}/",
        chosen=visit.language.code if chosen else "",
        language_by_address=True,  # its window may keep no cookies
    )


@post("/portal", access="everyone", is_harmless=True)
def go_on(visit: Visit) -> HTTPResponse:
    """Let the phone be content with this Wi-Fi, in the language that was chosen."""
    if _is_new(visit):
        return visit.redirect("/")
    visit.site.captivity.release(visit.phone)
    language = visit.form["language"]
    if language not in languages():
        return visit.redirect("/portal")
    visit.set_cookie(cookies.LANGUAGE, language)
    return visit.redirect("/portal", language=language)


def _is_new(visit: Visit) -> bool:
    """Whether nobody looks after the device yet: whoever comes first does."""
    return visit.site.first_step() == "account"
