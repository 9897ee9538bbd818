# SPDX-License-Identifier: Apache-2.0
"""The webmail's catalogues: collect the texts of its pages, compile what translators wrote.

A text is translated where `_()`, `ngettext()`, `N_()`, `.text()` or `.plural()` holds it, in Python
and in templates, and where a daemon makes a `Sentence()` of it. A new language is a new file
`locale/<code>/LC_MESSAGES/mokanda.po`, which `scripts/translations extract <code>` begins.
"""

import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from bottle import SimpleTemplate

from scripts.tools.repository import REPOSITORY

FIRMWARE = REPOSITORY / "firmware" / "mokanda_firmware"
WEBMAIL = FIRMWARE / "webmail"
LOCALE = WEBMAIL / "locale"
KEYWORDS = {"_": None, "N_": None, "text": None, "ngettext": (1, 2), "plural": (1, 2)}
# No dates: they would only make differences that mean nothing. A compiled catalogue must have one.
DATE = datetime.fromtimestamp(0, UTC)
HEADER = r"""# SPDX-License-Identifier: Apache-2.0
msgid ""
msgstr ""
"Language: {code}\n"
"Plural-Forms: {plurals}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def source_texts() -> Catalog:
    """Return every text of the webmail's code and templates, and what the daemons say."""
    found = Catalog()
    for path in sorted([*FIRMWARE.rglob("*.py"), *WEBMAIL.rglob("*.tpl")]):
        code = path.read_text(encoding="utf-8")
        keywords = KEYWORDS if path.is_relative_to(WEBMAIL) else {"Sentence": None}
        if path.suffix == ".tpl":
            code = SimpleTemplate(code).code
        for _, text, comments, _ in extract(
            "python", io.BytesIO(code.encode()), keywords, ["i18n:"]
        ):
            if text:
                found.add(text, auto_comments=comments)
    return found


def catalogues() -> Iterator[tuple[Path, Catalog]]:
    """Yield the file and content of every language's catalogue."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/mokanda.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parent.parent.name)
        catalogue.creation_date = DATE
        yield path, catalogue


def update(new_languages: list[str]) -> None:
    """Add new texts to every catalogue, and drop those that the source no longer has."""
    for code in new_languages:
        path = LOCALE / code / "LC_MESSAGES" / "mokanda.po"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, Catalog(locale=code))
    texts = source_texts()
    for path, catalogue in catalogues():
        catalogue.update(texts, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _write(path, catalogue)


def compile_all() -> None:
    """Write each mokanda.mo beside its mokanda.po, whole at any moment: somebody may read it."""
    for path, catalogue in catalogues():
        temporary = path.with_name(f".{path.stem}.{os.getpid()}")
        with temporary.open("wb") as file:
            write_mo(file, catalogue)
        temporary.replace(path.with_suffix(".mo"))


def check() -> Iterator[str]:
    """Yield what is wrong with the catalogues, one line each."""
    texts = source_texts()
    for path, catalogue in catalogues():
        name = path.relative_to(REPOSITORY)
        for text in texts:
            message = catalogue.get(text.id) if text.id else None
            if text.id and (message is None or not _is_complete(message, catalogue.num_plurals)):
                yield f"{name}: not translated: {_first(text)!r}"
        for message in catalogue:
            if not message.id:
                continue
            if texts.get(message.id) is None:
                yield f"{name}: no longer used: {_first(message)!r}"
            if message.fuzzy:
                yield f"{name}: marked as fuzzy: {_first(message)!r}"
            for string in _strings(message):
                if string and _blanks(string) != _blanks(_first(message)):
                    yield f"{name}: other {{blanks}} than the source: {string!r}"


def _write(path: Path, catalogue: Catalog) -> None:
    texts = io.BytesIO()
    write_po(texts, catalogue, width=96, no_location=True, sort_output=True, omit_header=True)
    header = HEADER.format(code=catalogue.locale_identifier, plurals=catalogue.plural_forms)
    path.write_bytes(header.encode() + texts.getvalue())


def _strings(message: Message) -> tuple[str, ...]:
    string = message.string
    return string if isinstance(string, tuple) else (str(string or ""),)


def _first(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _is_complete(message: Message, plurals: int) -> bool:
    strings = _strings(message)
    return all(strings) and len(strings) == (plurals if message.pluralizable else 1)


def _blanks(text: str) -> set[str]:
    return set(re.findall(r"\{[a-z_]*\}", text))
