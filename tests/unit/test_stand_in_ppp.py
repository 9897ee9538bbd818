# SPDX-License-Identifier: Apache-2.0
"""The PPP end of the mobile network's stand-in, without a board."""

import hashlib
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from tests.stand_ins import ppp

GATEWAY, BOARD = IPv4Address("10.64.0.1"), IPv4Address("10.64.0.2")
PACKET = bytes.fromhex("45000014000000004011660a0a4000020a400001")


def new_peer(**options: object) -> ppp.Peer:
    return ppp.Peer(GATEWAY, BOARD, GATEWAY, **options)  # type: ignore[arg-type]


def control(code: int, data: bytes = b"", identifier: int = 1) -> bytes:
    return bytes((code, identifier)) + (len(data) + 4).to_bytes(2, "big") + data


class Caller:
    """What pppd does to the peer, as far as these tests need it."""

    def __init__(self, peer: ppp.Peer, *, password: str = "x") -> None:
        self.peer = peer
        self.password = password
        self.packets: list[bytes] = []

    def say(self, protocol: int, payload: bytes) -> list[tuple[int, int, bytes]]:
        """Send a control packet; return the (protocol, code, data) of each answer."""
        answer, packets = self.peer.receive(ppp.frame(protocol, payload))
        self.packets += packets
        answers = []
        for spoken, content in ppp.Deframer().feed(answer):
            code, identifier, data = content[0], content[1], content[4:]
            answers.append((spoken, code, data))
            if code == ppp.CONFIGURE_REQUEST and spoken != ppp.CHAP:
                answers += self.say(spoken, control(ppp.CONFIGURE_ACK, data, identifier))
            if spoken == ppp.CHAP and code == ppp.CHALLENGE:
                answers += self.say(ppp.CHAP, self.respond(identifier, data))
        return answers

    def respond(self, identifier: int, challenge: bytes) -> bytes:
        secret = bytes([identifier]) + self.password.encode() + challenge[1 : 1 + challenge[0]]
        digest = hashlib.md5(secret).digest()
        return control(ppp.RESPONSE, b"\x10" + digest + b"village", identifier)

    def connect(self) -> None:
        self.say(ppp.LCP, control(ppp.CONFIGURE_REQUEST, b"\x02\x06\x00\x00\x00\x00"))
        self.say(ppp.IPCP, control(ppp.CONFIGURE_REQUEST, b"\x03\x06" + BOARD.packed))


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_a_frame_comes_out_as_it_went_in(payload: bytes, protocol: int) -> None:
    assert list(ppp.Deframer().feed(ppp.frame(protocol, payload))) == [(protocol, payload)]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_frames_may_arrive_in_pieces(payloads: list[bytes], size: int) -> None:
    stream = b"".join(ppp.frame(ppp.IP, payload) for payload in payloads)
    deframer = ppp.Deframer()
    found: list[tuple[int, bytes]] = []
    for start in range(0, len(stream), size):
        found += deframer.feed(stream[start : start + size])
    assert found == [(ppp.IP, payload) for payload in payloads]


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_flipped_bit_never_passes_for_the_packet(payload: bytes, data: st.DataObject) -> None:
    sent = bytearray(ppp.frame(ppp.IP, payload))
    position = data.draw(st.integers(1, len(sent) - 2))
    sent[position] ^= 1 << data.draw(st.integers(0, 7))
    assert (ppp.IP, payload) not in list(ppp.Deframer().feed(bytes(sent)))


def test_the_frame_check_is_that_of_rfc_1662() -> None:
    # CRC-16/X-25's published check value.
    assert ppp.fcs16(b"123456789") ^ 0xFFFF == 0x906E


@given(st.lists(st.tuples(st.sampled_from([ppp.LCP, ppp.IPCP, ppp.CHAP, 0x80FD]), st.binary())))
def test_no_frame_makes_the_peer_fail(frames: list[tuple[int, bytes]]) -> None:
    peer = new_peer()
    for protocol, payload in frames:
        peer.receive(ppp.frame(protocol, payload))


def test_a_call_gives_the_caller_its_address_and_name_server() -> None:
    caller = Caller(new_peer())
    caller.say(ppp.LCP, control(ppp.CONFIGURE_REQUEST))
    unset = b"\x03\x06\0\0\0\0" + b"\x81\x06\0\0\0\0"
    answers = caller.say(ppp.IPCP, control(ppp.CONFIGURE_REQUEST, unset))
    proposed = b"\x03\x06" + BOARD.packed + b"\x81\x06" + GATEWAY.packed
    assert (ppp.IPCP, ppp.CONFIGURE_NAK, proposed) in answers
    answers = caller.say(ppp.IPCP, control(ppp.CONFIGURE_REQUEST, proposed))
    assert (ppp.IPCP, ppp.CONFIGURE_ACK, proposed) in answers
    assert caller.peer.up


def test_options_that_the_peer_does_not_know_are_rejected() -> None:
    caller = Caller(new_peer())
    compression = b"\x02\x06\x00\x2d\x0f\x01"
    answers = caller.say(ppp.IPCP, control(ppp.CONFIGURE_REQUEST, compression))
    assert (ppp.IPCP, ppp.CONFIGURE_REJECT, compression) in answers


def test_unknown_protocols_are_rejected() -> None:
    answers = Caller(new_peer()).say(0x8057, control(ppp.CONFIGURE_REQUEST))
    assert [(protocol, code) for protocol, code, _ in answers] == [(ppp.LCP, ppp.PROTOCOL_REJECT)]


def test_packets_pass_both_ways_once_the_call_is_up() -> None:
    caller = Caller(new_peer())
    assert caller.peer.send(PACKET) == b""
    caller.connect()
    caller.say(ppp.IP, PACKET)
    assert caller.packets == [PACKET]
    assert list(ppp.Deframer().feed(caller.peer.send(PACKET))) == [(ppp.IP, PACKET)]


def test_an_echo_is_answered() -> None:
    caller = Caller(new_peer())
    caller.connect()
    answers = caller.say(ppp.LCP, control(ppp.ECHO_REQUEST, b"\x12\x34\x56\x78ping"))
    assert answers == [(ppp.LCP, ppp.ECHO_REPLY, b"\0\0\0\0ping")]


def test_any_answer_to_chap_will_do_when_no_password_is_set() -> None:
    caller = Caller(new_peer(), password="whatever")
    answers = caller.say(ppp.LCP, control(ppp.CONFIGURE_REQUEST))
    assert (ppp.CHAP, ppp.SUCCESS) in [(protocol, code) for protocol, code, _ in answers]
    assert caller.peer.name == "village"


def test_a_wrong_password_ends_the_call() -> None:
    caller = Caller(new_peer(password="secret"), password="wrong")
    answers = caller.say(ppp.LCP, control(ppp.CONFIGURE_REQUEST))
    assert (ppp.CHAP, ppp.FAILURE) in [(protocol, code) for protocol, code, _ in answers]
    assert caller.peer.ended


def test_the_right_password_passes() -> None:
    caller = Caller(new_peer(password="secret"), password="secret")
    caller.connect()
    assert caller.peer.up


def test_the_caller_ends_the_call() -> None:
    caller = Caller(new_peer())
    caller.connect()
    answers = caller.say(ppp.LCP, control(ppp.TERMINATE_REQUEST))
    assert answers == [(ppp.LCP, ppp.TERMINATE_ACK, b"")]
    assert caller.peer.ended
    assert not caller.peer.up


def test_a_link_that_is_configured_anew_comes_up_again() -> None:
    caller = Caller(new_peer())
    caller.connect()
    caller.say(ppp.LCP, control(ppp.CONFIGURE_REQUEST))
    assert not caller.peer.up
    caller.say(ppp.IPCP, control(ppp.CONFIGURE_REQUEST, b"\x03\x06" + BOARD.packed))
    assert caller.peer.up
