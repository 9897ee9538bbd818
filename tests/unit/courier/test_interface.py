# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of a network interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.uplink.interface import Interface, gateway_of, has_default_route, name_of

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
enxabc\t0008A8C0\t00000000\t0001\t0\t0\t500\t00FFFFFF\t0\t0\t0
enxabc\t00000000\t0108A8C0\t0003\t0\t0\t500\t00000000\t0\t0\t0
end0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
"""


@pytest.fixture
def loopback() -> Iterator[Interface]:
    interface = Interface("lo")
    yield interface
    interface.close()


def test_the_loopback_has_a_carrier_and_no_gateway(loopback: Interface) -> None:
    assert loopback.has_carrier()
    assert loopback.has("127.0.0.1")
    assert not loopback.has("127.0.0.2")
    assert loopback.lease() is None


def test_an_interface_is_found_by_its_address() -> None:
    assert name_of("127.0.0.1") == "lo"
    assert name_of("192.0.2.77") is None


def test_one_that_is_gone_has_nothing() -> None:
    interface = Interface("enxgone")
    assert interface.index() is None
    assert not interface.has_carrier()
    assert interface.lease() is None
    interface.close()
    assert interface.fileno() is None


def test_its_changes_are_drained_without_waiting(loopback: Interface) -> None:
    loopback.drain()
    assert loopback.fileno() is not None


def test_a_gateway_is_that_of_the_default_route_by_it(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(ROUTES)
    assert gateway_of("enxabc", routes) == "192.168.8.1"
    assert gateway_of("end0", routes) == "192.168.1.1"
    assert gateway_of("wlan0", routes) is None
    assert has_default_route(routes)


@pytest.mark.parametrize("content", ["", "Iface\n", "a b\n\nenxabc 00000000\n"])
def test_routes_that_are_none_have_no_gateway(tmp_path: Path, content: str) -> None:
    routes = tmp_path / "route"
    routes.write_text(content)
    assert gateway_of("enxabc", routes) is None


def test_where_there_are_no_routes_there_is_no_gateway(tmp_path: Path) -> None:
    assert gateway_of("enxabc", tmp_path / "none") is None
    assert not has_default_route(tmp_path / "none")
