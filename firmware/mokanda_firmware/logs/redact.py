# SPDX-License-Identifier: Apache-2.0
"""What a log may say to others than its machine: no people, no addresses, no secrets.

Our daemons do not log such things; other programs do (the access point, the resolver, the kernel).
When in doubt a thing goes: a log that says too little does less harm than one that says too much.
"""

import re

GONE = "…"
MAX_LINE = 4096  # characters that are looked at: some rules take time by the square of a long word

_LABELS = (
    "pass(?:phrase|word|wd)?|psk|wpa_passphrase|sae_password|secret|token|cookie|csrf|code|pin|puk"
    "|key|key_mgmt|fingerprint|signature|imsi|imei|iccid|ssid2?|subject|hostname|host-name"
)
_RULES = (
    # Times and dates, and the kernel's addresses of devices, are what a log is for.
    r"(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)",
    # Subject: to the end of the line; others, a word or what is quoted.
    r"(?P<subject>\bsubject\b[\"']?\s*[:=]\s*)[^\n]*",
    rf"(?P<label>\b(?:{_LABELS})\b[\"']?\s*(?:[:=]|\bis\b)\s*)(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)",
    # dnsmasq names phones as their owners do.
    r"(?P<lease>\bDHCP[A-Z]+(?:\([^)]*\))?)[^\n]*",
    # The domain may stay.
    r"(?P<mail>)[^\s<>\"'(),;:=@]+(?=@[\w.-])",
    r"(?P<quoted>)\"[^\"\n]*\"(?=@)",
    # Hardware addresses, and addresses of the internet: version 6 has two colons at least.
    r"(?P<mac>)\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b",
    r"(?P<six>)(?<![\w:])(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f:]{3,}(?:\.\d+){0,3}(?:%\w+)?",
    r"(?P<four>)\b\d{1,3}(?:\.\d{1,3}){3}\b",
    # A claim code.
    r"(?P<claim>)\b[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){2}\b",
    # Numbers of phones and SIM cards, however they are written; sizes that long are not missed.
    r"(?P<number>)(?<![\w.])\+?\(?\d(?:[ ()./-]{0,2}\d){6,}",
    r"(?P<digits>)\d{7,}",
    # Keys, tokens, digests; words of our own have no such length, or no digit in them.
    r"(?P<hex>)\b[0-9A-Fa-f]{16,}\b",
    r"(?P<base>)(?<![\w/+-])(?=[\w/+-]*\d)(?=[\w/+-]*[A-Za-z])[\w/+-]{20,}={0,2}",
)
_ANY = "|".join(_RULES)  # compiled by the first line: the webmail starts without


def redact(line: str) -> str:
    """Return a line of a log without people's addresses and names, numbers, keys and secrets.

    Of a longer line than MAX_LINE characters, the words that stand in these whole.
    """
    if len(line) > MAX_LINE:
        line = line[:MAX_LINE].rpartition(" ")[0]
    return re.sub(_ANY, _replace, line, flags=re.IGNORECASE)


def _replace(found: re.Match[str]) -> str:
    if found["time"]:
        return found["time"]
    kept = found["subject"] or found["label"]
    if found["lease"]:
        kept = found["lease"] + " "
    return (kept or "") + GONE
