# SPDX-License-Identifier: Apache-2.0
"""The languages of the pages: gettext catalogues, and dates, numbers and sizes written by them.

English is what stands in the source; every folder of `locale` that has a compiled catalogue is one
more language, whose name stands in `locale/names.toml`. A catalogue is read when it is first
needed: all together they would be a tenth of what the first page waits for.
"""

import gettext
import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from mokanda_wire.limits import MONEY_UNIT
from mokanda_wire.message import LATEST

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "mokanda"


def N_(text: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a text for the catalogues that is translated where it is shown."""
    return text


_MONTHS = (
    N_("Jan"),
    N_("Feb"),
    N_("Mar"),
    N_("Apr"),
    N_("May"),
    N_("Jun"),
    N_("Jul"),
    N_("Aug"),
    N_("Sep"),
    N_("Oct"),
    N_("Nov"),
    N_("Dec"),
)


class Language:
    """One language of the pages."""

    def __init__(self, code: str, name: str) -> None:
        self.code = code
        self.name = name

    @cached_property
    def _catalogue(self) -> gettext.NullTranslations:
        return gettext.translation(DOMAIN, LOCALE, [self.code], fallback=True)  # of English

    @cached_property
    def text(self) -> Callable[[str], str]:
        """Translates."""
        return self._catalogue.gettext

    @cached_property
    def plural(self) -> Callable[[str, str, int], str]:
        """Translates what is said of one, and of a number."""
        return self._catalogue.ngettext

    def date(self, at: int, zone: str, now: datetime | None = None) -> str:
        """Write a time of the store as people say it: the hour today, else the day."""
        time, today = _local(at, zone), now or _local(None, zone)
        if time.date() == today.date():
            return f"{time:%H:%M}"
        month = self.text(_MONTHS[time.month - 1])
        if time.year == today.year:
            return self.text("{day} {month}").format(day=time.day, month=month)
        return self.text("{day} {month} {year}").format(day=time.day, month=month, year=time.year)

    def date_and_time(self, at: int, zone: str) -> str:
        """Write a time of the store in full."""
        time = _local(at, zone)
        date = self.text("{day} {month} {year}").format(
            day=time.day, month=self.text(_MONTHS[time.month - 1]), year=time.year
        )
        return self.text("{date}, {time}").format(date=date, time=f"{time:%H:%M}")

    def size(self, size: int) -> str:
        """Write an amount of data, in steps of 1000 as phones do."""
        if size < 999_500:
            return self.text("{number} KB").format(number=round(size / 1000) or int(size > 0))
        if size < 999_500_000:
            return self.text("{number} MB").format(number=self._number(f"{size / 1e6:.1f}"))
        return self.text("{number} GB").format(number=self._number(f"{size / 1e9:.1f}"))

    def money(self, amount: int, currency: str) -> str:
        """Write an amount in billionths of its currency: two digits that count, cents at least.

        Without a currency, the number alone.
        """
        value = amount / MONEY_UNIT
        digits = 2 if abs(value) >= 0.1 or not amount else 3 if value >= 0.01 else 4
        if 0 < value < 0.0001:
            smallest = self._number("0.0001")
            # i18n: less than an amount of money
            return self.text("under {amount}").format(amount=f"{smallest} {currency}")
        return f"{self._number(f'{value:.{digits}f}')} {currency}".strip()

    def exact_money(self, amount: int, currency: str) -> str:
        """Write an amount in billionths of its currency with all its digits, cents at least."""
        whole, part = divmod(abs(amount), MONEY_UNIT)
        digits = f"{part:09}".rstrip("0").ljust(2, "0")
        sign = "\N{MINUS SIGN}" if amount < 0 else ""
        return f"{sign}{whole}{self.point}{digits} {currency}"

    @property
    def point(self) -> str:
        """What stands before the fraction of a number."""
        # i18n: how a number with a fraction is written; only its second character is used
        return self.text("1.5")[1]

    def _number(self, text: str) -> str:
        return text.replace(".", self.point)


@cache
def languages() -> dict[str, Language]:
    """Return the languages that there are, by code."""
    names = tomllib.loads((LOCALE / "names.toml").read_text(encoding="utf-8"))
    compiled = LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
    codes = ["en", *sorted(catalogue.parent.parent.name for catalogue in compiled)]
    return {code: Language(code, names.get(code, code)) for code in codes}


def choose(preferred: Iterable[str], accept_language: str) -> Language:
    """Return the first preferred language that there is, else the best that a browser accepts."""
    known = languages()
    for code in [*preferred, *_accepted(accept_language)]:
        if code in known:
            return known[code]
    return known["en"]


def _accepted(header: str) -> list[str]:
    """Return the codes of an Accept-Language header (RFC 9110), the best first."""
    found = []
    for position, choice in enumerate(header.split(",")[:20]):
        code, _, quality = choice.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        found.append((-weight, position, code.strip().partition("-")[0].lower()))
    return [code for _, _, code in sorted(found)]


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name, None for the device's own or one that it does not know."""
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError, KeyError):
        return None


def _local(at: int | None, zone: str) -> datetime:
    """Return a time in a zone; the nearest that can be for one that a letter or file made up."""
    seconds = None if at is None else min(max(at, 0), LATEST.timestamp())
    time = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return time.astimezone(zone_of(zone))
