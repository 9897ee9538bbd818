# SPDX-License-Identifier: Apache-2.0
"""Sentences of the daemons, in the language of who reads them."""

import ast
import json
import threading
from pathlib import Path

import pytest

from mokanda_firmware.bus import sentences
from mokanda_firmware.bus.requests import RequestError, Requests, ask
from mokanda_firmware.bus.sentences import Sentence, SentenceError, as_it_is

FIRMWARE = Path(sentences.__file__).parents[1]
FRENCH = {
    "The relay {relay} is silent. {advice}": "Le relais {relay} se tait. {advice}",
    "Wait a day.": "Attendez un jour.",
}


def in_french(text: str) -> str:
    return FRENCH.get(text, text)


SILENT = Sentence(
    "The relay {relay} is silent. {advice}", relay="r.org", advice=Sentence("Wait a day.")
)


def test_a_sentence_is_english_by_itself() -> None:
    assert str(SILENT) == "The relay r.org is silent. Wait a day."


def test_a_sentence_is_said_in_another_language_with_what_is_in_it() -> None:
    assert SILENT.translated(in_french) == "Le relais r.org se tait. Attendez un jour."


def test_an_exception_hands_its_sentence_on() -> None:
    error = SentenceError(SILENT)
    assert error.sentence is SILENT
    assert str(error) == str(SILENT)


def test_values_are_no_texts_to_fill_in() -> None:
    here = Sentence("{name} is here.", name="{relay} {")
    assert here.translated(in_french) == "{relay} { is here."


def test_a_blank_without_a_value_is_found_where_the_sentence_is_made() -> None:
    with pytest.raises(KeyError):
        Sentence("{name} is here.")


def test_what_was_kept_as_plain_text_stays_as_it_is() -> None:
    assert as_it_is("Something {else}.").translated(in_french) == "Something {else}."


def test_a_sentence_goes_through_json() -> None:
    assert Sentence.from_json(json.loads(json.dumps(SILENT.to_json()))) == SILENT


@pytest.mark.parametrize(
    "content",
    [None, 3, {}, {"text": 3}, {"text": "{a}"}, {"text": "{"}, {"text": "{0}", "values": [1]}],
)
def test_what_says_nothing_is_no_sentence(content: object) -> None:
    assert Sentence.from_json(content) is None


def test_every_sentence_can_be_collected_for_translators() -> None:
    """Its text is a literal where it is made, but for what was kept as plain text."""
    made = []
    for path in sorted(FIRMWARE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Sentence":
                literal = isinstance(node.args[0], ast.Constant)
                made.append(f"{path.name}: {ast.unparse(node)}" if not literal else "")
    assert len(made) > 100
    assert [each for each in made if each] == ["sentences.py: Sentence(verbatim, text=text)"]


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
    assert caught.value.sentence == SILENT
