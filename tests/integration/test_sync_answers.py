# SPDX-License-Identifier: Apache-2.0
"""Who wrote it, and who gets the answer: the device, the relay and the world together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mokanda_firmware.mailbox.letters import entries, folders, opened
from mokanda_firmware.mailbox.letters.opened import Letter
from mokanda_wire.message import Mailbox, Message, new_message_id
from tests.relay_served import Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)

AMINA, BAKO = Mailbox("amina@kitenge.example", "Amina"), Mailbox("bako@kitenge.example")
ADA = Mailbox("ada@example.org", "Lovelace, Ada")


@pytest.fixture
def village(new_village: Village) -> Village:
    return new_village


def letters(village: Village, name: str) -> list[Letter]:
    """The letters in an inbox, the latest first."""
    account = village.accounts[name]
    lines = folders.page(village.store, account, "inbox").lines
    found = [opened.read(village.store, account, line.id) for line in lines]
    return [each for each in found if each]


def test_a_forged_neighbour_is_known_for_what_it_is(village: Village, served: Served) -> None:
    village.sync()
    forged = b"From: Amina <amina@kitenge.example>\r\nReply-To: thief@evil.example\r\n\r\nPassword?"
    served.world.post_inbound(forged, "thief@evil.example", [BAKO.address])
    served.wait_until_prepared()
    village.sync()
    [letter] = letters(village, "bako")
    assert letter.message.sender == AMINA
    assert (letter.from_outside, letter.message.proof) == (True, "failed")


def test_all_get_an_answer_to_all_and_a_neighbour_the_letter_once(
    village: Village, served: Served
) -> None:
    letter = Message(
        message_id=new_message_id(village.domain),
        date=datetime.now(UTC).replace(microsecond=0),
        sender=AMINA,
        to=(ADA, BAKO),
        cc=(),
        subject="La récolte",
        text="Samedi?",
    )
    entries.submit(village.store, village.accounts["amina"], letter, [BAKO.address], [ADA.address])
    village.sync()
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    [sent] = served.world.sent
    assert sent.recipients == [ADA.address, BAKO.address]
    name = sent.body["headers"]["Message-ID"]
    copy = f"From: Amina <{AMINA.address}>\r\nMessage-ID: {name}\r\n\r\nSamedi?".encode()
    assert served.world.post_inbound(copy, f"bounce@em1.{village.domain}", [BAKO.address])[0] == 200
    everybody = [AMINA.address, BAKO.address]
    served.world.write(ADA.address, everybody, "Re: La récolte", "Oui.", in_reply_to=name)
    village.sync()
    assert [text.strip() for text in village.texts("inbox", "bako")] == ["Samedi?", "Oui."]
    assert [text.strip() for text in village.texts("inbox", "amina")] == ["Oui."]


def test_mail_to_a_name_with_a_plus_arrives_at_the_name(village: Village, served: Served) -> None:
    village.sync()
    served.world.write(ADA.address, ["Amina+sante@kitenge.example"], "Vaccins", "Mardi.")
    village.sync()
    [letter] = letters(village, "amina")
    assert (letter.message.text.strip(), letter.message.proof) == ("Mardi.", "passed")
