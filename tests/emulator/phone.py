# SPDX-License-Identifier: Apache-2.0
"""A phone's browser without JavaScript: pages, links and forms over HTTP, cookies kept."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from webtest import TestApp

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


def phone(address: str, language: str = "en") -> TestApp:
    """A phone that opens pages of the server at `address`; see webtest for what it can do."""
    host = urlsplit(address).netloc
    return TestApp(
        forward_to(address),
        extra_environ={"HTTP_HOST": host, "HTTP_ACCEPT_LANGUAGE": language},
    )
