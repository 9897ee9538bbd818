# SPDX-License-Identifier: Apache-2.0
"""The report of known vulnerabilities, from the tracker's data and without them."""

import http.server
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scripts.releases import vulnerabilities
from scripts.releases.vulnerabilities import TrackerError, as_text, fetch, report
from tests.serving import serving

OPEN = {"status": "open", "urgency": "low", "nodsa": "Minor issue"}
TRACKER = {
    "openssl": {
        "CVE-2026-0001": {"description": "one", "releases": {"trixie": OPEN}},
        "CVE-2026-0002": {
            "releases": {"trixie": {"status": "resolved", "fixed_version": "3.5.9-1"}}
        },
        "CVE-2026-0003": {
            "releases": {"trixie": {"status": "resolved", "fixed_version": "3.5.7-1"}}
        },
        "CVE-2026-0004": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0"}}},
        "CVE-2026-0005": {"releases": {"sid": OPEN}},
        "CVE-2026-0006": {"releases": {"trixie": {"status": "undetermined"}}},
    },
    "nginx": {"CVE-2026-0007": {"releases": {"trixie": OPEN}}},
}
PACKAGES = [
    {"name": "libssl3t64", "source": "openssl 3.5.8-1"},
    {"name": "openssl", "source": "openssl 3.5.8-1"},
    {"name": "rauc", "source": "rauc 1.13-3"},
]


def record(**fields: object) -> dict[str, Any]:
    told = {"version": "1.2.0", "board": "orangepi-zero", "engine": "debian", "packages": PACKAGES}
    return {**told, **fields}


def tracker() -> Mapping[str, Any]:
    return TRACKER


def test_it_lists_what_this_version_has_and_what_an_update_mends_first() -> None:
    told = report(record(), tracker)
    found = [(each["id"], each["state"], each["version"]) for each in told["vulnerabilities"]]
    assert found == [("CVE-2026-0002", "fixed", "3.5.8-1"), ("CVE-2026-0001", "open", "3.5.8-1")]
    assert told["checked"] is True
    assert told["without"] == ["rauc"]
    text = as_text(told)
    assert "1 that an update of Debian's mends, 1 that are open" in text
    assert "| CVE-2026-0002 | openssl | 3.5.8-1 | 3.5.9-1 |" in text
    assert "nothing on: rauc." in text


@pytest.mark.parametrize(
    "data",
    [
        {"openssl": []},
        {"openssl": {"CVE-2026-0001": {}}},
        {"openssl": {"CVE-2026-0001": {"releases": {"trixie": {}}}}},
    ],
)
def test_data_of_another_form_are_no_clean_report(data: Mapping[str, Any]) -> None:
    told = report(record(), lambda: data)
    assert told["checked"] is False
    assert "another than expected" in told["why"]


def test_without_the_tracker_it_says_that_nothing_was_checked() -> None:
    def fails() -> Mapping[str, Any]:
        raise TrackerError("no route to host")

    told = report(record(), fails)
    assert told["checked"] is False
    assert "no route to host" in as_text(told)


def test_an_image_that_does_not_know_its_sources_is_not_checked() -> None:
    told = report(record(packages=[{"name": "rauc"}]), tracker)
    assert told["checked"] is False
    assert "make image again" in told["why"]


def test_for_an_image_from_source_it_says_what_checks_it() -> None:
    told = report(record(engine="buildroot"), tracker)
    assert told["checked"] is False
    assert "scripts/buildroot --board orangepi-zero pkg-stats" in as_text(told)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What a tracker answers that runs here."""
    said = {"": json.dumps(TRACKER).encode()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said[""])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}/data/json"
    monkeypatch.setenv("MOKANDA_SECURITY_TRACKER", address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(server):
        yield said


@pytest.mark.usefixtures("answer")
def test_the_tracker_is_asked() -> None:
    assert fetch() == TRACKER


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]"])
def test_an_answer_that_is_none_is_an_error(answer: dict[str, bytes], said: bytes) -> None:
    answer[""] = said
    with pytest.raises(TrackerError):
        fetch()


def test_an_answer_without_end_is_an_error(
    answer: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vulnerabilities, "_MAX_BYTES", 1000)
    answer[""] = b"{" * 2000
    with pytest.raises(TrackerError, match="no end"):
        fetch()
