# SPDX-License-Identifier: Apache-2.0
"""A phone's browser without JavaScript: pages, links and forms over HTTP, cookies kept."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from webtest import TestApp, TestResponse, Upload

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def forward_to(address: str) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """A WSGI application that passes requests on to the server at `address`."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        if body:
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        target = quote(environ["PATH_INFO"].encode("latin-1"))
        if environ.get("QUERY_STRING"):
            target += f"?{environ['QUERY_STRING']}"
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        try:
            connection.request(environ["REQUEST_METHOD"], target, body, headers)
            reply = connection.getresponse()
            start_response(
                f"{reply.status} {reply.reason}",
                # What a proxy must not pass on, for the body is whole here.
                [
                    (name, value)
                    for name, value in reply.getheaders()
                    if name.lower() not in ("connection", "keep-alive", "transfer-encoding")
                ],
            )
            return [reply.read()]
        finally:
            connection.close()

    return application


def password_of(name: str) -> str:
    """The password that `register` gives an account."""
    return f"{name}'s long password"


class Phone:
    """One villager's phone, logged in or not."""

    def __init__(self, address: str, language: str = "en") -> None:
        """Open pages of the server at `address`."""
        self._address, self._language = address, language
        self._browser = TestApp(
            forward_to(address),
            extra_environ={
                "HTTP_HOST": urlsplit(address).netloc,
                "HTTP_ACCEPT_LANGUAGE": language,
            },
        )

    def copy(self) -> Phone:
        """The same phone once more, logged in where this one is."""
        phone = Phone(self._address, self._language)
        for cookie in self._browser.cookiejar:
            phone._browser.cookiejar.set_cookie(cookie)
        return phone

    def open(self, path: str) -> TestResponse:
        """Open a page, following where it sends the phone; any answer will do."""
        return self._browser.get(path, status="*").maybe_follow()

    def fill_in(self, path: str, action: str, **fields: object) -> TestResponse:
        """Fill in the form that the page at `path` posts to `action`; return the page after it.

        A field is a text, or for files a list of `webtest.Upload`.
        """
        return self.submit(self.open(path), action, **fields)

    def submit(self, page: TestResponse, action: str, **fields: object) -> TestResponse:
        """Fill in a form of a page that is open; see `fill_in`."""
        form = next(form for form in page.forms.values() if form.action == action)
        button = fields.pop("button", None)
        for name, value in fields.items():
            form.set(name, value, index=0)  # there are two for files: the other is the camera's
        return form.submit(button, status="*").maybe_follow()

    def register(self, name: str, display_name: str) -> None:
        """Make an account, and stay logged in to it."""
        password = password_of(name)
        page = self.fill_in(
            *("/register", "/register"),
            name=name,
            display_name=display_name,
            password=password,
            again=password,
        )
        assert display_name in page.text
        # The first one is led to set up the device, which is left for another day here.
        page = self.open("/inbox")
        if any(form.action == "/first/done" for form in page.forms.values()):
            self.submit(page, "/first/done")

    def log_in(self, name: str) -> bool:
        """Log in to an account that `register` has made; tell whether there is one."""
        page = self.open("/")
        if all(form.action != "/login" for form in page.forms.values()):
            return False  # nobody has an account on this device yet
        page = self.submit(page, "/login", name=name, password=password_of(name))
        return any(form.action == "/logout" for form in page.forms.values())

    def write(self, to: str, subject: str, text: str, *files: Upload) -> TestResponse:
        """Write a letter and send it."""
        fields = {"to": to, "subject": subject, "text": text, "button": "send"}
        return self.fill_in("/write", "/write", **fields, **({"files": files} if files else {}))

    def read(self, folder: str, subject: str) -> TestResponse:
        """Open the letter with this subject."""
        return self.open(f"/{folder}").click(subject)
