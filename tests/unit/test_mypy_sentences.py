# SPDX-License-Identifier: Apache-2.0
"""A sentence that the catalogues cannot have is an error of `make lint`."""

import pytest
from mypy import api

BEGIN = "from mokanda_firmware.bus.sentences import Sentence\ndef say(text: str) -> Sentence:\n"


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ('return Sentence("Ready on {network}.", network=text)', 0),
        ("return Sentence(text)", 1),
        ('return Sentence("The " + text)', 1),
        ('return Sentence(f"The {text}")', 1),
    ],
)
def test_the_text_of_a_sentence_is_a_literal(said: str, errors: int) -> None:
    report, problems, _ = api.run(["--config-file", "pyproject.toml", "-c", f"{BEGIN}    {said}\n"])
    assert problems == ""
    assert report.count("the text of a Sentence is a literal") == errors
