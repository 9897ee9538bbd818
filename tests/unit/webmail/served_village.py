# SPDX-License-Identifier: Apache-2.0
"""Villagers at their phones, for the tests of the webmail."""

import re
from typing import Any, Never

import bottle
import pytest
from webtest import Form, TestApp, TestResponse

from mokanda_firmware.mailbox.store.database import Store, StoreFull
from mokanda_firmware.webmail.app import create_app

DOMAIN = "boende.example.org"
PASSWORD = "elombe-2026"


class Village:
    """A store, the webmail over it, and the phones that ask it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._addresses = (f"192.168.4.{number}" for number in range(30, 255))
        self.app: bottle.Bottle = create_app(store, upload_limit=100_000)

    def phone(self, address: str = "192.168.4.20") -> "Phone":
        """A phone on which nobody is logged in."""
        return Phone(self.app, address)

    def villager(self, name: str, display_name: str = "") -> "Phone":
        """The phone of somebody who has just registered."""
        phone = self.phone(next(self._addresses))
        fields = {"csrf": phone.token("/register"), "password": PASSWORD, "again": PASSWORD}
        fields |= {"name": name, "display_name": display_name or name.title()}
        assert 'class="secret"' in phone.app.post("/register", fields, status=200).text
        return phone

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What is in a table of the store."""
        with self.store.reading() as connection:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]

    def fill_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leave no room: from now on the store takes nothing."""

        def full() -> Never:
            raise StoreFull("database or disk is full")

        monkeypatch.setattr(self.store, "transaction", full)


class Phone:
    """A browser without JavaScript."""

    def __init__(self, app: bottle.Bottle, address: str) -> None:
        self.app = TestApp(app, extra_environ={"REMOTE_ADDR": address}, lint=True)

    def get(self, path: str, status: int | None = 200) -> TestResponse:
        """Open a page."""
        return self.app.get(path, status=status)

    def log_in(self, name: str, password: str = PASSWORD, status: int | str = "*") -> TestResponse:
        """Fill in the form of the first page."""
        form = self.get("/").forms[0]
        form["name"], form["password"] = name, password
        return form.submit(status=status)

    def write(
        self,
        to: str,
        subject: str = "Mbote",
        text: str = "Ndenge nini?",
        button: str = "send",
        files: tuple[tuple[str, bytes, str], ...] = (),
        status: int | None = 303,
        **fields: str,
    ) -> TestResponse:
        """Fill in the form of a letter and press a button; files are (name, content, type)."""
        form = self.get("/write").forms[0]
        return self.send(form, button, files, status, to=to, subject=subject, text=text, **fields)

    def send(
        self,
        form: Form,
        button: str = "send",
        files: tuple[tuple[str, bytes, str], ...] = (),
        status: int | None = 303,
        **fields: str,
    ) -> TestResponse:
        """Fill in a form that is open and press one of its buttons."""
        for name, value in fields.items():
            form[name] = value
        values = [one for one in form.submit_fields(button) if one[0] != "files"]
        return self.app.post(
            form.action, values, upload_files=[("files", *one) for one in files], status=status
        )

    def token(self, path: str = "/write") -> str:
        """The token of this phone, which the forms of a page tell."""
        # Nearly every test comes by here, and to parse a page takes longer than to make it.
        found = re.search(r'name="csrf" value="(\w+)"', self.get(path).text)
        assert found
        return found[1]

    def post(self, path: str, status: int | None = None, **fields: str) -> TestResponse:
        """Send a form with the token of this phone."""
        return self.app.post(path, {"csrf": self.token(), **fields}, status=status)

    def press(self, page: TestResponse, do: str, **fields: object) -> TestResponse:
        """Press a button of a page that moves letters."""
        forms = [form for form in page.forms.values() if form.action == "/move"]
        form = next(
            form
            for form in forms
            if do in [button.value_if_submitted() for button in form.fields.get("do", [])]
        )
        for name, value in fields.items():
            form[name] = value
        return form.submit("do", value=do)

    def speak(self, page: TestResponse, language: str) -> TestResponse:
        """Press the button of a language on a page."""
        form = next(one for one in page.forms.values() if one.action == "/language")
        return form.submit("language", value=language).follow()

    def letters(self, folder: str = "inbox") -> list[str]:
        """The subjects that a folder shows, the latest first."""
        lines = self.get(f"/{folder}").html.select(".letters .subject")
        return [line.get_text().removeprefix("unread: ").strip() for line in lines]

    def open_first(self, folder: str = "inbox") -> TestResponse:
        """Open the latest letter of a folder."""
        link = self.get(f"/{folder}").html.select_one(".letters a")
        assert link is not None
        return self.get(str(link["href"]))
