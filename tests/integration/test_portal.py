# SPDX-License-Identifier: Apache-2.0
"""A phone comes into the village's Wi-Fi: real dnsmasq, real webmail, over a cable between."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.setup import hotspot
from tests.namespaces import two_networks
from tests.probes import CONTENT
from tests.ready_made.mail_store import write_mail_store
from tests.stand_ins import wifi_phone
from tests.stand_ins.board_network import load_firewall_into

pytestmark = pytest.mark.skipif(not shutil.which("dnsmasq"), reason="dnsmasq is not installed")
SITE = f"http://{hotspot.PORTAL}"
TYPES = {"AAAA": 28, "HTTPS": 65, "TXT": 16}
Call = Callable[..., Any]


@contextmanager
def running(command: list[str], said: str, **options: Any) -> Iterator[None]:  # noqa: ANN401
    """Run a daemon, from when it says that it works."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any(said in line for line in lines)
        yield
        process.terminate()
        process.stderr.read()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    data = tmp_path / "data"
    write_mail_store(data / "mail.db")
    store = Store(data / "mail.db", data / "attachments")
    yield store
    store.close()


@pytest.fixture
def phone(tmp_path: Path, store: Store) -> Iterator[Call]:
    """A phone beside the device with its Wi-Fi, firewall and webmail; it does what it is told."""
    settings = hotspot.dnsmasq(wifi_phone.CARD)
    settings = re.sub("(?<=dhcp-leasefile=).*", str(tmp_path / "leases"), settings)
    # Who runs it here is root, if only of these networks: it would do what it does for that.
    (tmp_path / "dnsmasq.conf").write_text(f"{settings}user=root\npid-file\n")
    webmail = [sys.executable, "-m", "mokanda_firmware.webmail", "--listen", "0.0.0.0:80"]
    roots = {"MOKANDA_DATA": str(store.path.parent), "MOKANDA_RUN": str(tmp_path / "run")}
    with two_networks(wifi_phone.CARD) as (device, outside), ExitStack() as stack:
        load_firewall_into(f"/proc/{device[-1].partition('=')[2]}/ns/net")
        for address in (f"{hotspot.ADDRESS}/24", f"{hotspot.PORTAL}/32"):
            add = ["ip", "address", "add", address, "dev", wifi_phone.CARD]
            subprocess.run([*device, *add], check=True)
        dnsmasq = [*device, "dnsmasq", "-C", str(tmp_path / "dnsmasq.conf")]
        stack.enter_context(running(dnsmasq, "sockets bound exclusively"))
        stack.enter_context(running([*device, *webmail], "listening", env={**os.environ, **roots}))
        with subprocess.Popen(
            [*outside, sys.executable, "-m", "tests.stand_ins.wifi_phone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            told, says = process.stdin, process.stdout

            def tell(*call: object) -> Any:  # noqa: ANN401
                print(json.dumps(call), file=told, flush=True)
                return json.loads(says.readline())

            yield tell
            told.close()


def test_a_phone_is_told_where_it_is(phone: Call) -> None:
    lease = phone("join")
    assert ip_address(lease["address"]) in ip_network(f"{hotspot.ADDRESS}/24", strict=False)
    assert lease["router"] == lease["dns"] == hotspot.ADDRESS
    assert lease["portal"] == f"{SITE}/portal"
    assert lease["seconds"] == hotspot.LEASE_SECONDS
    for url in CONTENT:
        name = urlsplit(url).netloc
        here = {"code": 0, "records": [ip_address(hotspot.PORTAL).packed.hex()]}
        assert phone("resolve", lease["dns"], name) == here
        for kind in TYPES.values():
            assert phone("resolve", lease["dns"], name, kind) == {"code": 0, "records": []}
    windows = phone("resolve", lease["dns"], "dns.msftncsi.com")
    assert windows["records"] == [ip_address("131.107.255.255").packed.hex()]
    # What nobody here can answer, HTTPS and DNS over TLS, does not keep a phone waiting.
    assert phone("is_refused", hotspot.PORTAL, 443)
    assert phone("is_refused", hotspot.ADDRESS, 853)


def test_a_phone_with_a_name_server_of_its_own_finds_the_portal(phone: Call) -> None:
    phone("join")
    here = {"code": 0, "records": [ip_address(hotspot.PORTAL).packed.hex()]}
    for server in ("8.8.8.8", "1.1.1.1"):
        assert phone("resolve", server, "connectivitycheck.gstatic.com") == here
        assert phone("resolve", server, "connectivitycheck.gstatic.com", TYPES["AAAA"])["code"] == 0
        assert not phone("is_refused", server, 53)
        # DNS over TLS and over HTTPS are given up at once, for what is answered.
        assert phone("is_refused", server, 853)
        assert phone("is_refused", server, 443)
    assert phone("is_refused", "2001:4860:4860::8888", 53)
    answer = phone("ask", "8.8.8.8", "http://connectivitycheck.gstatic.com/generate_204")
    assert (answer["status"], answer["location"]) == (302, f"{SITE}/portal")


def test_on_day_one_the_portal_is_the_first_page(phone: Call) -> None:
    server = phone("join")["dns"]
    answer = phone("ask", server, "http://connectivitycheck.gstatic.com/generate_204")
    assert (answer["status"], answer["location"]) == (302, f"{SITE}/portal")
    assert phone("ask", server, answer["location"])["location"] == "/"
    assert "This device is new." in phone("ask", server, f"{SITE}/")["text"]


def test_a_phone_opens_the_portal_until_it_has_gone_on(phone: Call, store: Store) -> None:
    accounts.register(store, "awa", "Awa", "elombe-2026", "en")
    first_steps.end(store)
    server = phone("join")["dns"]
    for url in CONTENT:
        answer = phone("ask", server, url)
        assert (answer["status"], answer["location"]) == (302, f"{SITE}/portal")
    assert phone("ask", server, f"{SITE}/portal?language=fr")["status"] == 200
    answer = phone("ask", server, f"{SITE}/portal", "language=fr")
    assert answer["location"] == "/portal?language=fr"
    for url, expected in CONTENT.items():
        answer = phone("ask", server, url)
        assert (answer["status"], answer["text"]) == expected
