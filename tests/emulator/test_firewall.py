# SPDX-License-Identifier: Apache-2.0
"""Attackers on both sides of the board, and a capture of all that it says on the link it pays for.

Who may speak to whom in detail is tried in `tests/integration/test_firewall.py`; here it is whether
the board's own kernel, programs and start keep to it.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mokanda_firmware.setup.hotspot import ADDRESS as US
from mokanda_firmware.setup.hotspot import PORTAL
from scripts.tools.deadlines import wait_until
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.shell import KERNEL_ARGUMENTS
from tests.stand_ins.packets import ACK, RST, SYN, TCP, UDP, Packet, icmp, tcp, udp
from tests.stand_ins.wifi import Wifi, address_in, name_query

PHONE, STRANGER = "192.168.73.20", "203.0.113.9"
# The card that stands for Wi-Fi gets its name, and what stands for hostapd has nothing to do.
LIKE_WIFI = r"""
mkdir -p /run/systemd/network /run/systemd/system/mokanda-hotspot.service.d
&& printf '[Match]\nDriver=cdc_ether\n[Link]\nName=wlan0\n' >/run/systemd/network/05-wifi.link
&& printf '[Service]\nExecStart=\nExecStart=sleep 100000\n'
>/run/systemd/system/mokanda-hotspot.service.d/wifi.conf
&& udevadm control --reload && systemctl daemon-reload
"""
ASK_FOR_TIME = "import socket; socket.socket(type=2).sendto(bytes(48), ('203.0.113.1', 123))"
LOOK_FOR_RELAY = (
    "from mokanda_firmware.uplink import connection, places; "
    "connection.Connection([places.Place('https://relay.example', '', '')]).connect()"
)
WITHOUT_FIREWALL = "[Service]\nExecStart=\nExecStart=/bin/false\n"


@contextmanager
def wifi(village: EmulatedVillage) -> Iterator[Wifi]:
    """The village's Wi-Fi, by a cable."""
    shell = village.shell
    shell.check(" ".join(LIKE_WIFI.split("\n")))
    with Wifi(village.board.qmp, village.board.modem_socket.parent) as wifi:
        address = "cat /sys/class/net/wlan0/address"
        wait_until(lambda: shell.run(address).code == 0, "the card", 60, every=1)
        wifi.board = bytes.fromhex(shell.check(address).replace(":", ""))
        shell.check("systemctl start mokanda-hotspot", 60)
        names = "systemctl is-active mokanda-hotspot-names"
        wait_until(lambda: shell.run(names).code == 0, "names and addresses", 60, every=1)
        up = f"ip address show wlan0 | grep {US}"
        wait_until(lambda: shell.run(up).code == 0, "an address of wlan0", 60, every=1)
        yield wifi


def answer(wifi: Wifi, heard: list[bytes], source: tuple[str, int]) -> bytes:
    """Wait for what comes to the phones from an address; all that comes is added to `heard`."""

    def found() -> bytes:
        heard.extend(wifi.heard())
        return next((packet for packet in heard if Packet.read(packet).source == source), b"")

    return wait_until(found, f"an answer of {source}", 60, every=0.1)


@contextmanager
def call(village: EmulatedVillage) -> Iterator[None]:
    """A call that is up, with nothing to say."""
    village.modem.plug_into_socket(village.board.modem_socket)
    village.shell.wait_for_status("modem", lambda now: now["state"] == "ready")
    assert "ppp0" in village.shell.request("modem", "connect").output
    yield
    village.shell.request("modem", "disconnect")


def test_a_stranger_on_the_uplink_is_not_answered(village: EmulatedVillage) -> None:
    board, provider = str(village.network.board), str(village.network.gateway)
    packets = [
        packet
        for source in (STRANGER, provider, PHONE, "10.0.2.2", board)
        for packet in (
            *(tcp((source, 40000), (board, port)) for port in (22, 53, 80, 443)),
            *(tcp((source, 443), (board, 40000), flags) for flags in (ACK, SYN | ACK, RST)),
            *(udp((source, 53), (board, port)) for port in (53, 67, 68, 5353, 5355, 40000)),
            tcp((source, 40000), (US, 80)),
            icmp(source, board),
        )
    ]
    with call(village), village.network.overheard() as heard:
        count = "cat /sys/class/net/ppp0/statistics/rx_packets"
        before = int(village.shell.check(count))
        for packet in packets:
            village.modem.deliver(packet)

        def all_came() -> bool:
            return int(village.shell.check(count)) >= before + len(packets)

        wait_until(all_came, "the stranger's packets at the board", 60, every=1)
        assert heard == []


def test_phones_reach_pages_and_names_and_nothing_behind_them(village: EmulatedVillage) -> None:
    with call(village), wifi(village) as air, village.network.overheard() as behind:
        heard: list[bytes] = []
        # Whoever sends this is somewhere else: what answers it is paid for.
        for number in range(20):
            air.send(tcp((f"203.0.113.{number + 1}", 40000), (US, 80)))
            air.send(udp((f"203.0.113.{number + 1}", 40000), (US, 53), name_query("a.example")))
        air.send(tcp((PHONE, 40000), (str(village.network.board), 80)))
        air.send(udp((PHONE, 5353), (US, 5355)))
        air.send(icmp(PHONE, US))

        air.send(tcp((PHONE, 40001), (PORTAL, 80)))
        page = Packet.read(answer(air, heard, (PORTAL, 80)))
        assert (page.target, page.flags) == ((PHONE, 40001), SYN | ACK)
        air.send(udp((PHONE, 40002), (US, 53), name_query("connectivity.example")))
        assert address_in(answer(air, heard, (US, 53))) == PORTAL
        air.send(tcp((PHONE, 40003), (PORTAL, 443)))
        refused = Packet.read(answer(air, heard, (PORTAL, 443)))
        assert refused.flags & RST
        # A phone with a name server of its own is answered, too, and not kept waiting for its TLS.
        air.send(udp((PHONE, 40004), ("8.8.8.8", 53), name_query("connectivity.example")))
        assert address_in(answer(air, heard, ("8.8.8.8", 53))) == PORTAL
        air.send(tcp((PHONE, 40005), ("8.8.8.8", 853)))
        assert Packet.read(answer(air, heard, ("8.8.8.8", 853))).flags & RST

        told = {Packet.read(packet).target for packet in heard}
        assert {target for target in told if target[0] != PHONE} <= {("224.0.0.22", 0)}
        assert {port for address, port in told if address == PHONE} == set(range(40001, 40006))
        assert behind == []


def test_on_the_link_there_is_the_relay_and_nothing_else(
    village: EmulatedVillage, keeper: Phone, record_property: Callable[[str, object], None]
) -> None:
    village.front.refused = {village.ethernet}
    village.modem.plug_into_socket(village.board.modem_socket)
    village.shell.wait_for_status("modem", lambda now: now["state"] == "ready")
    with village.network.overheard() as said:
        down = village.network.down.bytes
        assert village.sync(keeper)["state"] == "idle"
        down = village.network.down.bytes - down
    assert village.front.callers[-1] == village.mobile
    relay = (str(village.network.gateway), village.front.address[1])
    assert {(packet.protocol, packet.target) for packet in map(Packet.read, said)} == {(TCP, relay)}
    # A segment without options is 40 bytes, with timestamps it would be 52.
    assert min(map(len, said)) == 40
    record_property("IP of a mail run", f"{sum(map(len, said))} B up, {down} B down")


def test_who_has_nothing_to_do_with_the_relay_is_not_let_out(village: EmulatedVillage) -> None:
    shell, provider = village.shell, str(village.network.gateway)
    with call(village), village.network.overheard() as said:
        shell.run(f"ping -c 1 -w 2 -I ppp0 {provider}")
        shell.run(f"timeout 5 busybox wget -q -O /dev/null http://{provider}/")
        shell.run(f"timeout 5 nslookup relay.example {provider}")
        shell.run(f'timeout 20 python3 -c "{ASK_FOR_TIME}"')
        assert said == []
        # The resolver is let out for a name, to the link's own server.
        shell.run(f'timeout 60 python3 -c "{LOOK_FOR_RELAY}"', 90)
        asked = [Packet.read(packet) for packet in said]
        assert {packet.target for packet in asked} == {(provider, 53)}
        datagrams = [raw for raw, packet in zip(said, asked, strict=True) if packet.protocol == UDP]
        address_of_relay = name_query("relay.example")[12:]
        assert datagrams
        assert all(address_of_relay in datagram for datagram in datagrams)


@pytest.mark.thorough
def test_without_its_firewall_the_board_has_pages_and_no_uplink(village: EmulatedVillage) -> None:
    shell, board = village.shell, village.board
    board.cut_power()
    unit = base64.b64encode(WITHOUT_FIREWALL.encode()).decode()
    drop_in = "systemd.unit-dropin.mokanda-firewall.service~zz-tests"
    board.set_kernel_arguments(f"{KERNEL_ARGUMENTS} systemd.set_credential_binary={drop_in}:{unit}")
    board.power_on()
    shell.wait_for_start()
    shell.wait_for_status("lights", lambda now: now["state"] == "fault", 180)
    assert shell.status("mokanda-firewall") == {"state": "failed"}
    with wifi(village) as air:
        air.send(tcp((PHONE, 40000), (US, 80)))
        assert Packet.read(answer(air, [], (US, 80))).flags == SYN | ACK
    assert shell.run("systemctl is-active mokanda-modem").output.strip() == "inactive"
    assert shell.check("cat /sys/class/net/end0/operstate") == "down"
    assert shell.check("ip -4 route show default") == ""
