# SPDX-License-Identifier: Apache-2.0
"""The connection to the relay, where the relay's certificate is not of today."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware import paths
from mokanda_firmware.uplink import addresses
from mokanda_firmware.uplink import connection as connection_module
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import LinkError
from mokanda_firmware.uplink.meter import Meter
from mokanda_firmware.uplink.places import Place
from mokanda_relay.store import certificate


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where something with the certificate in `tmp_path` takes one connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with suppress(OSError):
                accepted, _ = listener.accept()
                context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
                with accepted, context.wrap_socket(accepted, server_side=True) as secure:
                    secure.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        number: int = listener.getsockname()[1]
        thread.start()
        yield number
    thread.join(20)


@pytest.mark.parametrize(("first", "last"), [(1970, 1971), (2900, 2901)])
def test_the_dates_of_the_relays_certificate_do_not_matter(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, first: int, last: int
) -> None:
    monkeypatch.setattr(certificate, "NOT_BEFORE", dt.datetime(first, 1, 1, tzinfo=dt.UTC))
    monkeypatch.setattr(certificate, "NOT_AFTER", dt.datetime(last, 1, 1, tzinfo=dt.UTC))
    certificate.ensure_certificate(tmp_path / "certificate", tmp_path / "key")
    pinned = (tmp_path / "certificate").read_text()
    with Connection([Place(f"https://127.0.0.1:{port}", pinned, "")]) as connection:
        connection.connect()
        assert connection.traffic() > (0, 0)


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The certificate of what listens at `port`; the device's data is in the same folder."""
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))
    certificate.ensure_certificate(tmp_path / "certificate", tmp_path / "key")
    return (tmp_path / "certificate").read_text()


def asked_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which names are looked up from now on."""
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def note(host: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as it is
        if host == "localhost":
            asked.append(host)
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    return asked


def test_the_relays_last_address_is_tried_before_its_name_is_looked_up(
    port: int, pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses.remember("localhost", "127.0.0.1")
    asked = asked_names(monkeypatch)
    with Connection([Place(f"https://localhost:{port}", pinned, "")]) as connection:
        connection.connect()
    assert asked == []


def test_where_the_relay_is_no_longer_its_name_is_looked_up(
    port: int, pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses.remember("localhost", "127.0.0.2")  # where nobody listens
    asked = asked_names(monkeypatch)
    with Connection([Place(f"https://localhost:{port}", pinned, "")]) as connection:
        connection.connect()
    assert asked
    assert addresses.last_of("localhost") == "127.0.0.1"


def test_no_name_is_looked_up_by_a_link_that_is_gone(
    pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_names(monkeypatch)
    with (
        Connection([Place("https://localhost:1", pinned, "")]) as connection,
        pytest.raises(LinkError, match="cannot be reached"),
    ):
        connection.connect("ppp77")
    assert asked == []


def test_of_a_link_of_its_own_all_that_passes_is_counted(
    port: int, pinned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics = tmp_path / "ppp0/statistics"
    statistics.mkdir(parents=True)
    number = tmp_path / "ppp0/ifindex"
    number.write_text("7\n")
    write = {name: (statistics / name).write_text for name in ("tx_bytes", "rx_bytes")}
    write["tx_bytes"]("1000\n")
    write["rx_bytes"]("2000\n")
    monkeypatch.setattr(connection_module, "Meter", partial(Meter, interfaces=tmp_path))
    # A network interface of this name need not be here to be counted.
    monkeypatch.setattr(Connection, "_reach", lambda self, host, _: reach(self, host, None))
    with Connection([Place(f"https://localhost:{port}", pinned, "")]) as connection:
        connection.connect("ppp0")
        write["tx_bytes"]("1300\n")
        write["rx_bytes"]("2200\n")
        assert connection.traffic() == (300, 200)
        number.unlink()  # the call has ended
        assert connection.traffic() == (300, 200)
        number.write_text("8\n")  # and another has begun
        write["tx_bytes"]("30\n")
        assert connection.traffic() == (330, 2400)


reach = Connection._reach


@given(st.binary(max_size=100))
def test_a_damaged_note_of_the_address_is_none(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOKANDA_DATA", str(tmp_path_factory.mktemp("data")))
        paths.relay_address().write_bytes(noise)
        assert addresses.last_of("localhost") is None
