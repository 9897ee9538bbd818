# SPDX-License-Identifier: Apache-2.0
"""A running webmail, and phones with Chromium; MOKANDA_SCREENSHOTS names a folder for pictures."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.people import first_steps
from mokanda_firmware.mailbox.store.database import Store
from tests.ready_made.mail_store import write_mail_store
from tests.webmail_process import webmail_process

DOMAIN = "boende.example.org"
PASSWORD = "elombe-2026"
SCREENSHOTS = os.environ.get("MOKANDA_SCREENSHOTS", "")  # a folder to keep them in; "": none
SIZE: Any = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("MOKANDA_CHROMIUM") or shutil.which("chromium")
    if path is None:
        if "CI" in os.environ:
            pytest.fail("Chromium is missing: set MOKANDA_CHROMIUM or install it")
        pytest.skip("no Chromium here: set MOKANDA_CHROMIUM or install it")
    arguments = ["--disable-gpu", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class Webmail:
    """The webmail as a process, and its store."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.store = store


@pytest.fixture
def webmail(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiled: None,  # noqa: ARG001
) -> Iterator[Webmail]:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    SetupStatus(SetupState.CLAIMED, village="Boende", domain=DOMAIN).publish()
    write_mail_store(paths.mail_database())
    store = Store.of_device()
    first_steps.end(store)  # they have tests of their own
    with webmail_process() as (process, port, said):
        assert said == []
        yield Webmail(f"http://127.0.0.1:{port}", store)
        process.terminate()
        process.communicate()
    store.close()


class Phone:
    """A phone in the village: what a finger does, and what is seen."""

    def __init__(self, page: Page, url: str, test: str) -> None:
        self.page = page
        self._url = url
        self._test = test
        self._shots = 0

    def open(self, path: str = "/") -> None:
        self.page.goto(self._url + path)

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.locator(f"[name={name}]").fill(text)

    def press(self, text: str) -> None:
        """Press a button or follow a link by what is written on it."""
        either = self.page.get_by_role("button", name=text, exact=True)
        either.or_(self.page.get_by_role("link", name=text, exact=True)).first.click()

    def register(self, name: str, display_name: str = "") -> None:
        self.open("/register")
        self.fill(name=name, display_name=display_name or name.title())
        self.fill(password=PASSWORD, again=PASSWORD)
        self.press("Register")
        self.press("I have written it down")

    def write(self, to: str, subject: str, text: str) -> None:
        self.open("/write")
        self.fill(to=to, subject=subject, text=text)

    def subjects(self) -> list[str]:
        texts = self.page.locator(".letters .subject").all_inner_texts()
        return [" ".join(text.split()) for text in texts]

    def shoot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of what is seen, or of the whole page, if somebody wants to look."""
        if not SCREENSHOTS:
            return
        self._shots += 1
        test = re.sub(r"\W+", "-", self._test).strip("-")
        path = Path(SCREENSHOTS, f"{test}-{self._shots}-{name}.png")
        try:
            self.page.screenshot(path=path, full_page=whole)
        except Error:  # on a computer with much to do, Chromium may have no frame to give yet
            self.page.screenshot(path=path, full_page=whole)


Phones = Callable[..., Phone]


@pytest.fixture
def phones(chromium: Browser, webmail: Webmail, request: pytest.FixtureRequest) -> Iterator[Phones]:
    """Make phones; `phone(javascript=True)` has what most here do not."""
    with ExitStack() as stack:

        def make(*, javascript: bool = False, dark: bool = False, locale: str = "en") -> Phone:
            context = chromium.new_context(
                viewport=SIZE,
                device_scale_factor=2,
                has_touch=True,
                java_script_enabled=javascript,
                color_scheme="dark" if dark else "light",
                locale=locale,
            )
            context.set_default_timeout(20_000)
            stack.callback(context.close)
            return Phone(context.new_page(), webmail.url, request.node.name)

        yield make
