# SPDX-License-Identifier: Apache-2.0
"""Names and domains that look like others: by letters of other scripts, or by rn for m.

As Unicode's TS 39 has it, without its tables of 6000 characters: that a word has letters of several
scripts is told by their names alone, and of those that make a whole word look Latin the ones are
here that the phones of people write.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from mokanda_wire.address import domains_of

_MAX = 600  # characters that are looked at; a name has 500, an address 320 at most
_MAX_LABEL = 63  # characters of a label (RFC 1035), whose decoding takes the square of its length
# Letters in lower case, and the Latin ones that they, or their capitals, look like.
_CYRILLIC = str.maketrans("авеікмнорстухѕјһԁԛԝӏьгѵү", "abeikmhopctyxsjhdqwlbrvy")
_GREEK = str.maketrans("αβγεζηικμνορτυχω", "abyezhikmvoptuxw")
_ARMENIAN = str.maketrans("օսհոզցյ", "ouhnqgj")
_LATIN = str.maketrans("01iıɑɡ", "olllag")  # noqa: RUF001
# Scripts that are written within one word, also with Latin letters.
_TOGETHER = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}


@lru_cache(maxsize=4096)  # a village's names are looked at for each page
def key(name: str) -> str:
    """What is the same of names that look alike: their letters and digits, as Latin ones."""
    text = unicodedata.normalize("NFKD", name[:_MAX]).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    for letters in (_CYRILLIC, _GREEK, _ARMENIAN, _LATIN):
        text = text.translate(letters)
    return "".join(filter(str.isalnum, text.replace("rn", "m").replace("vv", "w")))


def mixes_scripts(text: str) -> bool:
    """Whether a word of a text has letters of several scripts; domains may be encoded (IDNA)."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", _in_letters(text[:_MAX])))
    return any(len(_scripts(word)) > 1 for word in words)


def imitated(address: str, known: Collection[str]) -> str:
    """The domain of these that an address seems to be in, and is not; "" for none."""
    domains = domains_of(address.lower()[:_MAX])
    if not set(domains).isdisjoint(known):
        return ""
    looks = {key(domain): domain for domain in known}
    found = (looks.get(key(_in_letters(domain))) for domain in domains)
    return next(filter(None, found), "")


def _scripts(word: str) -> set[str]:
    """The scripts of a word's letters: how Unicode begins their names."""
    letters = (each for each in word if each.isalpha() and unicodedata.category(each) != "Lm")
    return {unicodedata.name(each, "").partition(" ")[0] for each in letters} - _TOGETHER


def _in_letters(text: str) -> str:
    """Decode the labels of domains, which stand between dots, as they would be shown."""
    return re.sub(rf"\bxn--[a-z0-9-]{{1,{_MAX_LABEL - 4}}}", _decoded, text, flags=re.IGNORECASE)


def _decoded(label: re.Match[str]) -> str:
    try:
        return label[0][4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label[0]
