# SPDX-License-Identifier: Apache-2.0
"""What a village does on its first day, from the claim to the first letter from the world."""

import base64
import random
import time
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from webtest import Upload

from scripts.tools.deadlines import wait_until
from tests.emulator.emulated_village import EmulatedVillage
from tests.photos import opened, screenshot


def take_photo() -> bytes:
    """A JPEG of some 50 KB, of nothing."""
    noise = random.Random(1).randbytes(160 * 120 * 3)
    photo = BytesIO()
    Image.frombytes("RGB", (160, 120), noise).resize((640, 480)).save(photo, "JPEG", quality=70)
    return photo.getvalue()


def test_the_first_day(
    village: EmulatedVillage, record_property: Callable[[str, object], None]
) -> None:
    shell = village.shell

    # The device claims itself through Ethernet, which is then taken away.
    claim = shell.wait_for_status("setup", lambda now: now["state"] == "claimed", 120)
    assert claim["domain"] == "village.example"
    village.front.refused = {village.ethernet}

    # Two villagers register; the first one becomes the keeper.
    awa, moise = village.phone(), village.phone("fr")
    awa.register("awa", "Awa")
    moise.register("moise", "Moïse")

    # Letters within the village arrive at once.
    awa.write("moise", "Mbote", "Mbote na yo, Moïse!")
    assert "Mbote na yo, Moïse!" in moise.read("inbox", "Mbote").text

    # A letter to the world waits, with its photo and a screenshot, both of which the board has made
    # smaller and asked about.
    photo, screen = take_photo(), screenshot(720, 1280)
    house = Upload("house.jpg", photo, "image/jpeg")
    capture = Upload("capture.png", screen, "image/png")
    page = awa.write("ada@example.org", "Our house", "Look!", house, capture)
    assert page.text.count("made smaller: ") == 2
    awa.submit(page, "/write", button="send")
    assert "Our house" in awa.open("/outbox").text
    assert village.sent_by_sendgrid() == []

    # The stick is plugged in, and the device page shows that it is ready.
    plugged = time.monotonic()
    village.modem.plug_into_socket(village.board.modem_socket)
    shell.wait_for_status("modem", lambda now: now["state"] == "ready", 60)
    record_property("stick plugged in to ready", f"{time.monotonic() - plugged:.0f} s")
    page = awa.open("/device").text
    assert "Vodacom CD" in page
    assert "58 %" in page

    # The keeper sends for the mail: the board dials, and all goes out through the stick.
    start = time.monotonic()
    courier = village.sync(awa)
    record_property("first mail run, through the stick", f"{time.monotonic() - start:.0f} s")
    assert courier["state"] == "idle", courier["detail"]
    assert village.front.callers[-1] == village.mobile
    assert village.modem.calls == 1
    (sent,) = wait_until(village.sent_by_sendgrid, "SendGrid's mail", 60)
    assert sent["from"]["email"] == "awa@village.example"
    assert sent["personalizations"][0]["to"][0]["email"] == "ada@example.org"
    arrived, shown = (base64.b64decode(file["content"]) for file in sent["attachments"])
    assert opened(arrived).format == "JPEG"
    assert len(arrived) <= 25_000 < len(photo)
    assert (opened(shown).format, opened(shown).size) == ("PNG", (720, 1280))
    assert len(shown) <= len(screen) / 2
    assert "Our house" in awa.open("/sent").text
    record_property(
        "bytes through the stick",
        f"{village.network.up.bytes} up, {village.network.down.bytes} down,"
        f" photo {len(arrived)} of {len(photo)}, screenshot {len(shown)} of {len(screen)}",
    )

    # An answer comes back with the next mail run.
    village.world_writes(
        **{
            "from": "Ada <ada@example.org>",
            "to": "awa@village.example",
            "subject": "Re: Our house",
            "text": "What a fine roof it has.",
        }
    )
    courier = village.sync(awa)
    assert courier["state"] == "idle", courier["detail"]
    assert "What a fine roof it has." in awa.read("inbox", "Re: Our house").text
    assert not village.modem.connected
