# SPDX-License-Identifier: Apache-2.0
"""Domains that are nearly one of the world's common ones: a typo costs a night."""

# In which many have their address, and those that look like them.
_COMMON = (
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "live.com",
    "orange.fr",
    "outlook.com",
    "outlook.fr",
    "protonmail.com",
    "wanadoo.fr",
    "yahoo.com",
    "yahoo.fr",
)
_TRUE = {
    *_COMMON,
    *("email.com", "fastmail.com", "gmx.com", "mail.com", "rocketmail.com", "ymail.com"),
    *("live.ca", "live.cn", "live.fr", "live.nl", "yahoo.de", "yahoo.in"),
}
_LONGEST = max(map(len, _COMMON)) + 2


def meant_address(address: str) -> str:
    """Return the address that was probably meant by one of another domain; "" if none was."""
    local, at, domain = address.rpartition("@")
    common = meant(domain.lower()) if at else ""
    return f"{local}@{common}" if common else ""


def meant(domain: str) -> str:
    """Return the common domain that was probably meant by another one; "" if none was.

    Two letters may be wrong, swapped, missing or too many; one if it may be another country's.
    """
    if domain in _TRUE or len(domain) > _LONGEST:
        return ""
    name, dot, _ = domain.partition(".")
    of_name = [common for common in _COMMON if common.partition(".")[0] == name]
    if of_name and not dot:
        return of_name[0]
    distance, nearest = min((_distance(domain, common), common) for common in _COMMON)
    may_differ = 1 if of_name or len(name) < 5 else 2
    return nearest if distance <= may_differ else ""


def _distance(one: str, other: str) -> int:
    """Count the letters that differ, two swapped as one (optimal string alignment)."""
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, there in enumerate(other, 1):
            best = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (letter != there))
            if row > 1 and column > 1 and (letter, one[row - 2]) == (other[column - 2], there):
                best = min(best, before[column - 2] + 1)
            line.append(best)
        before, last = last, line
    return last[-1]
