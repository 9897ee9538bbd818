# SPDX-License-Identifier: Apache-2.0
"""The whole thread on this computer: what `make run-host` starts, and a letter out and back."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.local.relay import Relay, ports, start_relay
from scripts.local.run_host import start_device
from scripts.tools.children import Children
from scripts.tools.deadlines import wait_until
from tests.emulator.phone import Phone, password_of


@pytest.fixture
def village(tmp_path: Path) -> Iterator[tuple[Relay, str]]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    ports(tmp_path, offset=10 * int(worker))  # two may choose theirs at the same time
    with Children(tmp_path / "logs") as children:
        relay = start_relay(children, tmp_path, device_host="127.0.0.1")
        yield relay, start_device(children, tmp_path, relay)


def left_for_the_world(relay: Relay) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{relay.sendgrid_url}sent.json", timeout=10) as reply:
        return [sent["body"] for sent in json.load(reply)]


def test_pages_that_ask_setup_or_backup_get_an_answer(village: tuple[Relay, str]) -> None:
    _, webmail = village
    awa = Phone(webmail)
    awa.register("awa", "Awa")
    page = awa.fill_in("/device/village", "/device/village", village="Boende", key="mbote na yo")
    assert "mbote na yo" in page.text
    assert "There is no memory stick in the device." in awa.open("/backup").text
    page = awa.fill_in("/device/wipe", "/device/wipe", password=password_of("awa"), sure="1")
    assert "The device is wiped" in page.text


def test_a_letter_goes_out_and_its_answer_comes_back(village: tuple[Relay, str]) -> None:
    relay, webmail = village
    awa = Phone(webmail)
    awa.register("awa", "Awa")

    awa.write("ada@example.org", "Our house", "It has a new roof.")
    awa.fill_in("/device", "/device/sync")
    (sent,) = wait_until(lambda: left_for_the_world(relay), "the letter to leave", 30)
    assert sent["from"]["email"] == "awa@village.example"
    assert sent["content"][0]["value"].strip() == "It has a new roof."

    ada = Phone(relay.sendgrid_url)
    answer = {"from": "Ada <ada@example.org>", "to": "awa@village.example"}
    ada.fill_in("/", "write", **answer, subject="Re: Our house", text="What a fine roof.")

    def arrived() -> bool:
        awa.fill_in("/device", "/device/sync")
        return "Re: Our house" in awa.open("/inbox").text

    wait_until(arrived, "the answer", 30, every=1)
    assert "What a fine roof." in awa.read("inbox", "Re: Our house").text
