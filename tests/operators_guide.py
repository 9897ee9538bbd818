# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/operator.md, to be tried as they stand there."""

from __future__ import annotations

import re
import shlex

from tests.bench.corpora import REPOSITORY


def commands_of(chapter: str, words: str) -> list[list[str]]:
    """The arguments of `mokanda-relay` in a chapter's blocks, where they begin with these words."""
    text = (REPOSITORY / "docs" / "operator.md").read_text(encoding="utf-8")
    [content] = re.findall(rf"^## {chapter}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(rf"^ *mokanda-relay ({words}.*)$", content, re.MULTILINE)
    return [shlex.split(line) for line in lines]
