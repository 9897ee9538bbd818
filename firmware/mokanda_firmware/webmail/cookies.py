# SPDX-License-Identifier: Apache-2.0
"""What a phone sends back of our cookies, among whatever others it sends.

Every name resolves to the device until a phone has logged in to its network, so that cookies of
any site may come, and one that RFC 6265 does not know must not keep ours from being found.
"""

import re

TOKEN = "mokanda"  # noqa: S105 - the name of a cookie
LANGUAGE = "language"
_OURS = re.compile(
    rf'(?:^|;)[ \t]*({TOKEN}|{LANGUAGE})=("?)([A-Za-z0-9_-]{{1,64}})\2(?=[ \t]*(?:;|$))'
)


def read(header: str) -> dict[str, str]:
    """Return our cookies that a header has, by their names; of several the longest.

    What is not a value that we give is passed over. The time is linear in the header's length.
    """
    found: dict[str, str] = {}
    for name, _, value in _OURS.findall(header):
        found[name] = max(found.get(name, ""), value, key=len)
    return found
