# SPDX-License-Identifier: Apache-2.0
import os
import pty
import re
import threading
import tty
from collections.abc import Callable, Iterator

import pytest

from mokanda_firmware.modem.at.conversation import QUICK, At
from mokanda_firmware.modem.at.refusals import AtError, AtTimeoutError, error_code
from mokanda_firmware.modem.clock import SystemClock
from tests.stand_ins.modem import SILENCE, Modem


@pytest.fixture
def modem() -> Modem:
    return Modem()


@pytest.fixture
def at(modem: Modem) -> Iterator[At]:
    with modem.on_pseudo_terminal() as path:
        conversation = At(path, SystemClock())
        yield conversation
        conversation.close()


@pytest.fixture
def scripted() -> Iterator[Callable[[bytes], At]]:
    """A modem that answers whatever it is asked with the bytes given."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    threads: list[threading.Thread] = []
    conversations: list[At] = []

    def script(answer: bytes) -> At:
        def speak() -> None:
            question = b""
            while not question.endswith(b"\r"):
                question += os.read(master, 100)
            os.write(master, answer)

        threads.append(threading.Thread(target=speak))
        threads[-1].start()
        conversations.append(At(os.ttyname(slave), SystemClock()))
        return conversations[-1]

    yield script
    for thread in threads:
        thread.join()
    for conversation in conversations:
        conversation.close()
    os.close(slave)
    os.close(master)


SIGNAL = re.compile(r"\+CSQ: (\d+),\d+")


def test_an_answer_is_known_by_its_shape(at: At) -> None:
    assert at.ask("AT+CSQ", SIGNAL)[1] == "18"


def test_a_refusal_is_an_error(at: At) -> None:
    with pytest.raises(AtError, match="ERROR"):
        at.command("AT+NONSENSE")


def test_what_a_modem_lacks_is_no_error_where_it_is_optional(at: At) -> None:
    assert at.optional("AT+NONSENSE", SIGNAL) is None


def test_a_coded_refusal_tells_its_code(scripted: Callable[[bytes], At]) -> None:
    with pytest.raises(AtError) as caught:
        scripted(b"\r\n+CME ERROR: 10\r\n").command("AT+CPIN?")
    assert caught.value.code == 10


def test_a_refusal_in_words_has_the_code_of_its_words(scripted: Callable[[bytes], At]) -> None:
    with pytest.raises(AtError, match="SIM not inserted") as caught:
        scripted(b"\r\n+CME ERROR: SIM not inserted\r\n").command("AT+CPIN?")
    assert caught.value.code == 10
    assert error_code("the moon is full") is None


def test_silence_is_a_time_out(modem: Modem, at: At) -> None:
    modem.faults["AT+CSQ"] = SILENCE
    with pytest.raises(AtTimeoutError):
        at.command("AT+CSQ", timeout=0.05)


def test_a_line_that_comes_by_itself_is_kept_out_of_the_answer(
    scripted: Callable[[bytes], At],
) -> None:
    at = scripted(b"\r\n^RSSI:18\r\n\r\n+CSQ: 17,99\r\n\r\nRING\r\n\r\nOK\r\n")
    assert at.ask("AT+CSQ", SIGNAL)[1] == "17"
    assert at.unsolicited() == ["^RSSI:18", "RING"]


def test_what_a_timed_out_command_left_is_cleared(modem: Modem, at: At) -> None:
    modem.faults["AT+CSQ"] = SILENCE
    with pytest.raises(AtTimeoutError):
        at.command("AT+CSQ", timeout=0.05)
    modem.say("+CSQ: 18,99")
    modem.say("OK")
    at.synchronise()
    assert at.ask("AT+CGMM", re.compile("E.*"))[0] == "E303"


@pytest.mark.parametrize("echo", ["ATE1", "ATE0"])
@pytest.mark.parametrize("cancelled", ["\r\nOK\r\n", "", "\r\n+CMS ERROR: 500\r\n"])
def test_a_message_that_was_begun_is_not_sent(
    modem: Modem, at: At, echo: str, cancelled: str
) -> None:
    at.command(echo)
    modem.cancelled = cancelled
    modem.at_prompt = True
    at.synchronise(QUICK)
    assert at.ask("AT+CGMM", re.compile("E.*"))[0] == "E303"
    assert modem.outbox == []


def test_a_port_that_never_answers_is_no_modem(scripted: Callable[[bytes], At]) -> None:
    at = scripted(b"U-Boot 2025.01\r\n=> ")
    with pytest.raises(AtTimeoutError, match="does not answer AT"):
        at.synchronise(QUICK)


def test_a_port_that_goes_away_in_the_middle_of_a_command_is_an_os_error(modem: Modem) -> None:
    modem.faults["AT+COPS"] = SILENCE
    master, slave = pty.openpty()
    tty.setraw(slave)
    at = At(os.ttyname(slave), SystemClock())
    os.close(slave)
    threading.Timer(0.05, os.close, [master]).start()
    with pytest.raises(OSError, match=r".") as caught:
        at.command("AT+COPS?", timeout=10)
    assert not isinstance(caught.value, TimeoutError)
    at.close()


def test_a_call_without_network_has_no_carrier(at: At) -> None:
    with pytest.raises(AtError, match="NO CARRIER"):
        at.dial("ATD*99***1#", timeout=10)


def test_an_answer_that_does_not_end_is_a_refusal(scripted: Callable[[bytes], At]) -> None:
    with pytest.raises(AtError, match="does not end"):
        scripted(b"+CSQ: 1\r" * 2000).command("AT+CSQ")


def test_of_what_a_modem_says_by_itself_the_newest_is_kept(modem: Modem, at: At) -> None:
    for number in range(200):
        modem.say(f"^RSSI:{number}")
    at.command("AT")
    assert at.unsolicited()[-1] == "^RSSI:199"
    assert at.unsolicited() == []
