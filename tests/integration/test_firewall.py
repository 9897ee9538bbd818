# SPDX-License-Identifier: Apache-2.0
"""The firewall, in this computer's kernel: an attacker on each side, and what the board may say."""

from collections.abc import Iterator

import pytest

from mokanda_firmware.setup.hotspot import ADDRESS as US_ON_WIFI
from mokanda_firmware.setup.hotspot import PORTAL
from tests.stand_ins.board_network import INTERFACES, BoardNetwork, board_network
from tests.stand_ins.packets import ACK, ECHO_REPLY, RST, SYN, Packet, icmp, tcp, udp

US_ON_CABLE, US_ON_MODEM = "10.1.1.2", "10.64.0.2"
PHONE, NEIGHBOUR_ON_CABLE, PROVIDER = "192.168.73.20", "10.1.1.9", "10.64.0.1"
STRANGER = "203.0.113.9"
RELAY = ("198.51.100.7", 8443)
UPLINKS = ("ppp0", "enu1u1", "end0")
OUR_ADDRESS = {"ppp0": US_ON_MODEM, "enu1u1": "192.168.8.100", "end0": US_ON_CABLE}


@pytest.fixture(scope="module")
def shared() -> Iterator[BoardNetwork]:
    with board_network() as network:
        yield network


@pytest.fixture
def network(shared: BoardNetwork) -> BoardNetwork:
    """The board's network, in which all is quiet."""
    shared.hush()
    shared.arrived()
    for interface in INTERFACES:
        shared.sent(interface)
    return shared


def answers(network: BoardNetwork) -> list[tuple[str, Packet]]:
    """What has gone out by any interface."""
    return [(name, Packet.read(sent)) for name in INTERFACES for sent in network.sent(name)]


@pytest.mark.parametrize("ours", [US_ON_WIFI, PORTAL])
def test_phones_reach_the_pages(network: BoardNetwork, ours: str) -> None:
    network.send("wlan0", tcp((PHONE, 40000), (ours, 80)))
    [(interface, answer)] = answers(network)
    assert (interface, answer.source, answer.flags) == ("wlan0", (ours, 80), SYN | ACK)


def test_phones_reach_names_and_addresses(network: BoardNetwork) -> None:
    network.send("wlan0", udp(("0.0.0.0", 68), ("255.255.255.255", 67)))
    network.send("wlan0", udp((PHONE, 68), (US_ON_WIFI, 67)))
    network.send("wlan0", udp((PHONE, 40000), (US_ON_WIFI, 53)))
    network.send("wlan0", tcp((PHONE, 40000), (US_ON_WIFI, 53)))
    assert sorted(network.arrived()) == [53, 67, 67]
    [(_, answer)] = answers(network)
    assert (answer.source, answer.flags) == ((US_ON_WIFI, 53), SYN | ACK)


def test_another_name_server_that_a_phone_asks_is_we(network: BoardNetwork) -> None:
    network.send("wlan0", udp((PHONE, 40000), (STRANGER, 53)))
    assert network.arrived() == [53]
    network.send("wlan0", tcp((PHONE, 40000), (STRANGER, 53)))
    network.send("wlan0", tcp((PHONE, 40001), (RELAY[0], 53)))
    network.send("wlan0", tcp((PHONE, 40002), (US_ON_WIFI, 53)))
    assert {(name, answer.source, answer.flags) for name, answer in answers(network)} == {
        ("wlan0", (server, 53), SYN | ACK) for server in (STRANGER, RELAY[0], US_ON_WIFI)
    }


def test_more_questions_than_there_is_room_for_keep_nobody_from_asking_us(
    network: BoardNetwork,
) -> None:
    for port in range(1024, 4096):
        network.send("wlan0", udp((PHONE, port), (STRANGER, 53)))
    assert 0 < len(network.arrived()) < 3072
    network.send("wlan0", tcp((PHONE, 60000), (US_ON_WIFI, 53)))
    [(_, answer)] = answers(network)
    assert (answer.source, answer.flags) == ((US_ON_WIFI, 53), SYN | ACK)


@pytest.mark.parametrize("server", [PORTAL, STRANGER])
@pytest.mark.parametrize("port", [443, 853, 8080])
def test_a_phone_is_told_at_once_that_nothing_else_is_served(
    network: BoardNetwork, port: int, server: str
) -> None:
    network.send("wlan0", tcp((PHONE, 40001), (server, port)))
    [(interface, answer)] = answers(network)
    assert (interface, answer.source) == ("wlan0", (server, port))
    assert answer.flags & RST


@pytest.mark.parametrize(
    "packet",
    [
        udp((PHONE, 5353), ("224.0.0.251", 5353)),
        udp((PHONE, 40000), (US_ON_WIFI, 5355)),
        icmp(PHONE, US_ON_WIFI),
        tcp((PHONE, 40000), (US_ON_MODEM, 80)),
        tcp((PHONE, 40000), (US_ON_CABLE, 80)),
        tcp((PHONE, 40000), ("127.0.0.1", 80)),
        tcp(("fd73::20", 40000), ("fd73::1", 80)),
        udp(("fd73::20", 40000), ("fd73::1", 53)),
    ],
    ids=[
        "mdns",
        "llmnr",
        "ping",
        "modem's address",
        "cable's address",
        "loopback",
        "ipv6 tcp",
        "ipv6 udp",
    ],
)
def test_phones_reach_nothing_else(network: BoardNetwork, packet: bytes) -> None:
    network.send("wlan0", packet)
    assert network.arrived() == []
    assert answers(network) == []


@pytest.mark.parametrize("source", [STRANGER, RELAY[0], PROVIDER, US_ON_WIFI, "127.0.0.1"])
def test_who_is_not_from_the_wifi_is_not_answered_there(network: BoardNetwork, source: str) -> None:
    for port in (53, 80, 443):
        for server in (US_ON_WIFI, "8.8.8.8"):
            network.send("wlan0", tcp((source, 40000), (server, port)))
            network.send("wlan0", udp((source, 40000), (server, 53)))
    network.send("wlan0", icmp(source, US_ON_WIFI, ECHO_REPLY))
    assert network.arrived() == []
    assert answers(network) == []


def test_phones_leave_no_notes_in_the_kernel(network: BoardNetwork) -> None:
    before = network.noted()
    for port in range(40000, 40040):
        network.send("wlan0", tcp((PHONE, port), (US_ON_WIFI, 80)))
        network.send("wlan0", udp((PHONE, port), (STRANGER, 53)))
        network.send("end0", tcp((NEIGHBOUR_ON_CABLE, port), (US_ON_CABLE, 80)))
    assert len(answers(network)) == 80
    assert network.noted() <= before


@pytest.mark.parametrize("uplink", UPLINKS)
def test_nothing_is_forwarded(network: BoardNetwork, uplink: str) -> None:
    network.send("wlan0", tcp((PHONE, 40000), RELAY))
    network.send("wlan0", udp((PHONE, 40000), (RELAY[0], 53)))
    network.send("wlan0", icmp(PHONE, RELAY[0]))
    network.send(uplink, tcp((PROVIDER, 40000), (PHONE, 80)))
    network.send(uplink, udp((PROVIDER, 40000), (PHONE, 80)))
    assert {(name, answer.flags & RST) for name, answer in answers(network)} <= {("wlan0", RST)}


@pytest.mark.parametrize("source", [PROVIDER, STRANGER, PHONE, NEIGHBOUR_ON_CABLE, "127.0.0.1"])
@pytest.mark.parametrize("uplink", ["ppp0", "enu1u1"])
def test_nothing_that_comes_unasked_is_answered(
    network: BoardNetwork, uplink: str, source: str
) -> None:
    for ours in (OUR_ADDRESS[uplink], US_ON_WIFI, PORTAL, US_ON_CABLE):
        for port in (22, 53, 80, 443, 8080):
            for flags in (SYN, ACK, SYN | ACK, RST, 0):
                network.send(uplink, tcp((source, 40000), (ours, port), flags))
        for port in (53, 67, 68, 123, 5353, 5355, 40000):
            network.send(uplink, udp((source, 53), (ours, port)))
        for kind in range(19):
            network.send(uplink, icmp(source, ours, kind))
    network.send(uplink, tcp(("fd64::1", 40000), ("fd64::2", 80)))
    assert network.arrived() == []
    assert answers(network) == []


def test_the_cable_shows_pages_to_those_at_its_other_end(network: BoardNetwork) -> None:
    network.send("end0", tcp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_CABLE, 80)))
    [(interface, answer)] = answers(network)
    assert (interface, answer.flags) == ("end0", SYN | ACK)


@pytest.mark.parametrize(
    "packet",
    [
        tcp((STRANGER, 40000), (US_ON_CABLE, 80)),
        tcp((PHONE, 40000), (US_ON_CABLE, 80)),
        tcp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_WIFI, 80)),
        tcp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_MODEM, 80)),
        tcp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_CABLE, 8080)),
        tcp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_CABLE, 53)),
        udp((NEIGHBOUR_ON_CABLE, 40000), (US_ON_CABLE, 53)),
        udp((NEIGHBOUR_ON_CABLE, 68), ("255.255.255.255", 67)),
        icmp(NEIGHBOUR_ON_CABLE, US_ON_CABLE),
    ],
    ids=["stranger", "phone", "our Wi-Fi", "our modem", "8080", "53", "names", "addresses", "ping"],
)
def test_the_cable_shows_nothing_else(network: BoardNetwork, packet: bytes) -> None:
    network.send("end0", packet)
    assert network.arrived() == []
    assert answers(network) == []


@pytest.mark.parametrize(
    ("user", "group", "protocol", "target"),
    [
        ("mokanda-courier", 800, "tcp", RELAY),
        ("root", 803, "tcp", RELAY),  # updates
        ("systemd-resolve", 997, "udp", (PROVIDER, 53)),
        ("systemd-resolve", 997, "tcp", (PROVIDER, 53)),
        ("systemd-network", 998, "udp", ("192.168.8.1", 67)),
    ],
)
def test_who_has_to_do_with_the_relay_gets_out(
    network: BoardNetwork, user: str, group: int, protocol: str, target: tuple[str, int]
) -> None:
    network.speak(user, group, protocol, target)
    [(interface, packet)] = answers(network)
    assert interface in UPLINKS
    assert packet.target == target


@pytest.mark.parametrize(
    ("user", "group", "protocol", "target"),
    [
        ("root", 0, "tcp", RELAY),
        ("root", 0, "udp", (STRANGER, 123)),
        ("root", 0, "icmp", (PROVIDER, 0)),
        ("root", 803, "udp", (PROVIDER, 53)),
        ("mokanda-webmail", 800, "tcp", RELAY),
        ("mokanda-courier", 800, "udp", (STRANGER, 123)),
        ("mokanda-courier", 800, "tcp", ("fd64::1", 8443)),
        ("systemd-resolve", 997, "udp", ("224.0.0.251", 5353)),
        ("systemd-resolve", 997, "udp", ("224.0.0.252", 5355)),
        ("systemd-resolve", 997, "tcp", RELAY),
        ("systemd-network", 998, "tcp", RELAY),
    ],
)
def test_nobody_else_does(
    network: BoardNetwork, user: str, group: int, protocol: str, target: tuple[str, int]
) -> None:
    network.speak(user, group, protocol, target)
    assert answers(network) == []


def test_the_modems_daemon_reaches_the_stick_and_nothing_behind_it(network: BoardNetwork) -> None:
    network.speak("root", 800, "tcp", ("192.168.8.1", 80))
    network.speak("root", 800, "tcp", ("192.168.8.1", 8443))
    network.speak("root", 800, "tcp", (RELAY[0], 80))  # by the modem, which serves no pages
    [packet] = network.sent("enu1u1")
    assert Packet.read(packet).target == ("192.168.8.1", 80)
    assert packet[8] == 1  # its time to live: the stick passes it on to nobody
    assert answers(network) == []


def test_what_the_relay_answers_comes_in(network: BoardNetwork) -> None:
    network.speak("mokanda-courier", 800, "tcp", RELAY)
    [asked] = [Packet.read(sent) for sent in network.sent("ppp0")]

    def answer(source: tuple[str, int]) -> bytes:
        return tcp(source, asked.source, SYN | ACK, acknowledged=asked.sequence + 1)

    network.send("ppp0", answer((STRANGER, RELAY[1])))
    network.send("wlan0", answer(RELAY))
    assert answers(network) == []
    network.send("ppp0", answer(RELAY))
    [(interface, packet)] = answers(network)
    assert (interface, packet.target, packet.flags) == ("ppp0", RELAY, ACK)
