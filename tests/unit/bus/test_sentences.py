# SPDX-License-Identifier: Apache-2.0
"""Sentences of the daemons, in the language of who reads them."""

import threading
from pathlib import Path

import pytest

from mokanda_firmware.bus.requests import RequestError, Requests, ask
from mokanda_firmware.bus.sentences import Sentence, said_again, say, translated

FRENCH = {
    "The relay {relay} cannot be reached: {why}.": "Le relais {relay} ne répond pas : {why}.",
    "it fell silent": "plus rien",
}


def in_french(text: str) -> str:
    return FRENCH.get(text, text)


SILENT = say(
    "The relay {relay} cannot be reached: {why}.", relay="r.org", why=say("it fell silent")
)


def test_a_sentence_is_english_by_itself() -> None:
    assert SILENT == "The relay r.org cannot be reached: it fell silent."
    assert f"failed: {SILENT}".endswith("it fell silent.")


def test_a_sentence_is_said_in_another_language_with_what_is_in_it() -> None:
    assert translated(SILENT, in_french) == "Le relais r.org ne répond pas : plus rien."


def test_an_exception_hands_its_sentence_on() -> None:
    error = OSError(say("it fell silent"))
    again = say("The relay {relay} cannot be reached: {why}.", relay="r.org", why=error)
    assert translated(again, in_french) == translated(SILENT, in_french)
    assert isinstance(str(RuntimeError(SILENT)), Sentence)


def test_what_is_no_sentence_stays_as_it_is() -> None:
    assert translated("Something else {x}.", in_french) == "Something else {x}."


def test_values_are_no_texts_to_fill_in() -> None:
    assert translated(say("{name} is here.", name="{relay} {"), in_french) == "{relay} { is here."


@pytest.mark.parametrize(
    "said",
    [None, 3, {}, {"text": 3}, {"text": "{a}"}, {"text": "{"}, {"text": "{0}", "values": [1]}],
)
def test_what_says_nothing_gives_way(said: object) -> None:
    assert said_again(said, "Something else.") == "Something else."


def test_a_refusal_arrives_as_the_sentence_that_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    requests = Requests("modem")

    def refuse() -> None:
        request = requests.receive(20)
        assert request is not None
        request.fail(SILENT)

    thread = threading.Thread(target=refuse)
    thread.start()
    with pytest.raises(RequestError) as caught:
        ask("modem", "connect")
    thread.join()
    requests.close()
    assert translated(str(caught.value), in_french) == "Le relais r.org ne répond pas : plus rien."
