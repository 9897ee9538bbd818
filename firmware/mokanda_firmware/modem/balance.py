# SPDX-License-Identifier: Apache-2.0
"""The SIM card's credit: the amount in a network's answer.

Networks write for people: "Votre solde est de 2.50 USD, valable jusqu'au 31/12", "Saldo: 350,00 Kz,
bónus 20,00 Kz". What is no amount is taken out first (dates, phone numbers, megabytes); of the rest
the first amount that is called the balance counts, or else the first that is no bonus and no price.
With the first choice of a menu the amounts end ("1.Solde 2.Forfait 500 FC"). Where there is doubt
there is no amount: the keeper reads the text all the same.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Final, NamedTuple

MAX_TEXT: Final = 1000  # characters; an answer has 182, a menu's page too
_BILLION = 10**9

# As they stand in answers, in lower case, and their ISO 4217 codes; "" where several countries of
# ours have a currency of that name.
_CURRENCIES: Final = {
    "usd": "USD", "us$": "USD", "$us": "USD", "$": "USD", "eur": "EUR", "€": "EUR",
    "cdf": "CDF", "fc": "CDF",
    "xaf": "XAF", "fcfa": "XAF", "f cfa": "XAF", "f.cfa": "XAF", "cfa": "XAF",
    "aoa": "AOA", "kz": "AOA", "kzs": "AOA", "kwanza": "AOA", "kwanzas": "AOA",
    "ugx": "UGX", "ush": "UGX", "ushs": "UGX",
    "rwf": "RWF", "frw": "RWF", "bif": "BIF", "fbu": "BIF",
    "tzs": "TZS", "tsh": "TZS", "tshs": "TZS",
    "zmw": "ZMW", "zmk": "ZMW", "kwacha": "ZMW", "k": "ZMW",
    "ssp": "SSP", "kes": "KES", "ksh": "KES", "kshs": "KES",
    "u": "", "unite": "", "unites": "", "unité": "", "unités": "", "units": "",
    "sh": "", "shs": "", "shilingi": "", "shillings": "",
    "f": "", "fr": "", "frs": "", "francs": "",
}  # fmt: skip
_CURRENCY = "|".join(sorted(map(re.escape, _CURRENCIES), key=len, reverse=True))

# Names of months whole and cut short; those cut short come after a day alone.
_WHOLE = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|januari|februari|machi|aprili|mei|juni|julai|agosti|septemba|oktoba|novemba|desemba"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_MONTH = (
    f"(?:{_WHOLE}|janvier|février|fevrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre"
    "|novembre|d[eé]cembre|janeiro|fevereiro|mar[cç]o|abril|maio|junho|julho|agosto|setembro|outubro"
    r"|novembro|dezembro|janv|f[eé]vr?|avr|abr|juil|ago|set|out|okt|déc|dez)(?![^\W\d])\.?"
)
_DATA_UNIT = "[kmgt][bo]|[kmg]?bytes?|[kmg]?octets?|m[eé]gas?|gigas?"
_UNIT = (
    f"(?:{_DATA_UNIT}|sms|msgs?|messages?|mensagens"
    "|s|secs?|secondes?|seconds?|segundos?|sekunde|mn|mins?|minutes?|minutos?|dakika"
    "|h|hrs?|heures?|hours?|horas?|saa|j|jrs?|jours?|days?|dias?|siku|semaines?|weeks?|wiki"
    "|mois|months?|mes|meses|mwezi|points?|pontos?)"
)
UNIT: Final = f"(?:{_CURRENCY}|{_UNIT})"  # a pattern of what an amount is of
# Those that are long are compiled when the first answer is read: the webmail starts without.
_NO_AMOUNTS: Final = "|".join(
    (
        r"[*#][\d*#]{1,40}",  # codes
        r"(?<!\d)\d{1,4}(?:[-/]\d{1,4}){1,2}(?![\d])",  # 31/12/2026, 31-12, 2026-12-31, 12/2026
        r"(?<!\d)(?:\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}\.\d{1,2}\.\d{1,2})(?!\d)",
        r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d(?!\d)",  # 20261231
        r"(?<!\d)[0-3]\d(?:0[1-9]|1[0-2])(?:19|20)\d\d(?!\d)",
        r"(?<!\d)\d{1,2}(?::| ?h ?)\d{2}(?::\d{2})?(?!\d)",  # 23:59:59, 23h59
        rf"(?<!\d)\d{{1,2}}(?:er|st|nd|rd|th)?[ -]?(?:de )?{_MONTH}(?:[ -]?(?:de )?\d{{2,4}})?",
        rf"(?<![^\W\d])(?:{_WHOLE})\.?[ -]?\d{{1,2}}(?:st|nd|rd|th)?(?:,? ?\d{{4}})?(?![\d.])",
        r"\d[\d.,]{0,20} ?%",
        r"\+\d{1,3}(?:[ -]?\d{2,4}){2,5}",  # phones
        r"(?<![\d.,])0\d{1,3}(?:[ -]\d{2,4}){2,4}(?!\d)",
        r"(?<![\d.,])0\d{4,}",
        r"(?<![\d.,])\d{9,}",  # phones and numbers of receipts
        rf"(?<![\d.,])\d[\d.,]{{0,20}} ?{_UNIT}(?![^\W_])",
    )
)
_AMOUNT: Final = (
    rf"(?:(?<![^\W_])(?P<before>{_CURRENCY})[ :.=]{{0,3}}|(?<![\w.,]))(?P<sign>-?)"
    r"(?P<number>\d{1,3}(?:[ ']\d{3}){1,4}(?:[.,]\d{1,4})?(?!\d)|\d{1,12}(?:[.,]\d{1,12}){0,5})"
    rf"(?:/?=)?(?: ?(?P<after>{_CURRENCY})(?![^\W_]))?"
    r"(?P<rate> ?/ ?[^\W\d]| (?:per|par|por|kwa) )?"
)
_BALANCE: Final = re.compile(
    r"solde|cr[eé]dit|compte|\bbal|saldo|salio|airtime|principa|main|\bconta\b|akaunti|kuu|disponi"
)
# Without a currency a number is one of credit only where nothing else can stand between.
_CALLED: Final = re.compile(
    r"(?:solde|cr[eé]dit|\bbal|balance|saldo|salio|airtime)"
    r"(?: (?:principale?|actuel|disponible|restant|lako|yako|kuu|atual|account|amount|credit"
    r"|balance|est|is|of|de|ni|é)){0,5} ?[:=.]{0,3} ?$"
)
_BESIDE: Final = re.compile(
    "bonus|bónus|gratuit|gr[aá]tis|free|promo|cadeau|offert|ziada|bure|zawadi|oferta"
    "|pr[eê]t|emprunt|avance|loan|borrow|advance|deni|mkopo|d[ií]vida|dette|debt"
    "|co[uû]t|tarif|prix|price|cost|custo|pre[cç]o|gharama|bei|forfait|bundle|pacote|kifurushi"
    "|recharg|minim|maxim|transf|envoy|sent|receiv|re[cç]u"
)
_DATA_LEFT: Final = re.compile(
    rf"(?=[\d.,]{{0,20}}[1-9])\d[\d.,]{{0,20}} ?(?:{_DATA_UNIT})(?![^\W_])"
    "|illimit|unlimited|ilimitad"
)
_CHOICE: Final = re.compile(r"\d\d? ?[.):-] ?[^\W\d_]")  # 1.Solde, 2) Forfait
_ARABIC_MARKS: Final = str.maketrans({"\u066b": ".", "\u066c": ",", "\u060c": ","})
_BREAK: Final = re.compile(r"[\n;|!?]|[.,](?= |$)")


class Amount(NamedTuple):
    """Billionths of a currency (ISO 4217, "" where the answer does not tell which)."""

    value: int
    currency: str


class _Found(NamedTuple):
    """An amount, and what is said of it: from the last amount up to it."""

    amount: Amount
    said: str
    names_money: bool

    @property
    def is_balance(self) -> bool:
        clause = _BREAK.split(self.said)[-1]
        called = (_BALANCE if self.names_money else _CALLED).search(clause)
        return bool(called) and not _BESIDE.search(clause)

    @property
    def is_money_alone(self) -> bool:
        return self.names_money and not _BESIDE.search(self.said)


def parse(text: str) -> Amount | None:
    """Return the balance that a network's answer tells, or None. It never raises."""
    found = _amounts(re.sub(_NO_AMOUNTS, " | ", _plain(text)))
    balances = [each.amount for each in found if each.is_balance]
    others = [each.amount for each in found if each.is_money_alone]
    return next(iter([*balances, *others]), None)


def has_data_left(text: str) -> bool:
    """Whether an answer tells of data, as of a bundle beside the balance."""
    return bool(_DATA_LEFT.search(_plain(text)))


def _plain(text: str) -> str:
    """Return the answer in lower case, with plain digits and blanks."""
    text = unicodedata.normalize("NFKC", text[:MAX_TEXT])[: 2 * MAX_TEXT].lower()
    text = "".join(str(unicodedata.decimal(each, each)) for each in text)
    text = re.sub(r"(\u066b\d{3})(?!\d)", r"\g<1>0", text)  # which is decimal, and of no thousands
    return re.sub(r"[^\S\n]", " ", text.translate(_ARABIC_MARKS)).replace("\u2019", "'")


def _amounts(text: str) -> list[_Found]:
    found, start = [], 0
    for match in re.finditer(_AMOUNT, text):
        before, after = match["before"], match["after"]
        if not (before or after) and _CHOICE.match(text, match.start("number")):
            break
        name = _CURRENCIES[before or after] if before or after else ""
        amount = _value(match["number"], name)
        said = text[start : match.start()]
        start = match.end()
        if amount is not None and not match["rate"]:
            signed = Amount(-amount if match["sign"] else amount, name)
            found.append(_Found(signed, said, bool(before or after)))
    return found


def _value(number: str, currency: str) -> int | None:
    """Return billionths; None where the marks in the number are neither of thousands nor decimal.

    A single mark before three digits is one of thousands, but a point of dollars, of which networks
    tell thousandths.
    """
    whole = number.replace(" ", "").replace("'", "")
    marks = [each for each in whole if each in ".,"]
    decimal = ""
    if len(set(marks)) == 2 or (len(marks) == 1 and not _is_of_thousands(whole, currency)):
        decimal = marks[-1]
        if marks.count(decimal) > 1:
            return None
    units, _, fraction = whole.rpartition(decimal) if decimal else (whole, "", "")
    groups = re.split("[.,]", units)
    if len(groups) > 1 and (len(groups[0]) > 3 or any(len(each) != 3 for each in groups[1:])):
        return None
    return int(Decimal(f"{''.join(groups)}.{fraction or 0}") * _BILLION)


def _is_of_thousands(number: str, currency: str) -> bool:
    before, after = re.split("[.,]", number)
    if before == "0" or len(before) > 3 or len(after) != 3:
        return False
    return not (currency in ("USD", "EUR") and "." in number)
