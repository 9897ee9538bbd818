# SPDX-License-Identifier: Apache-2.0
"""Why a letter was not delivered, in the reader's language.

What a mail service answers is English and for its operators; the enhanced status codes (RFC 3463),
and words that services of many makers use, tell what it means.
"""

import re

from mokanda_firmware.webmail.languages import N_, Language

# Codes and words of the answer, and what they mean to the writer; the first that fits is told.
_REASONS = (
    (r"no such villager", N_("Nobody in that village has this name.")),
    (r"is not an address of this village", N_("The relay does not know your address yet.")),
    (r"\b5\.1\.[23]\b|\bnxdomain\b|(domain|host)( name)? (does )?not (found|exist)|host unknown"
     r"|unknown (domain|host)|unroute?able|no mx|after the @", N_(
        "What stands after the @ does not exist. Please check how the address is written."
    )),
    (r"\b[45]\.2\.2\b|mailbox (is )?full|over ?quota|quota exceeded|insufficient storage", N_(
        "The mailbox there is full. Please try again in some days."
    )),
    (r"\b5\.(2\.3|3\.4)\b|\b552\b|too (large|big)|size limit|exceeds? .*size", N_(
        "The letter is too large for the mail service there. Please send less or smaller files."
    )),
    (r"\b5\.2\.1\b|(mailbox|account).*(disabled|inactive|suspended|closed)", N_(
        "The mailbox there is closed."
    )),
    (r"\b5\.1\.(0|1|6|10)\b|user unknown|unknown (user|recipient|mailbox)|no such (user|recipient"
     r"|mailbox|person|address)|(user|recipient|mailbox|address|account).*(not|n't) (found|exist)"
     r"|have an? .{1,40} account|address rejected: access denied|before the @", N_(
        "There is nobody with this address. Please check how it is written."
    )),
    (r"\b5\.7\.\d+\b|spam|blocked|blacklist|blocklist|reputation|policy|dmarc|\bspf\b|dkim", N_(
        "The mail service there does not want this letter. It may take it for advertising."
    )),
    (r"could not be sent for|\b4\.4\.\d+\b|timed? ?out|expired|cannot be reached|connection", N_(
        "The mail service there could not be reached for several days."
    )),
)  # fmt: skip
_OTHER = N_("The mail service there did not take the letter.")


def explain(reason: str, language: Language) -> str:
    """Say why a letter was not delivered; "" when nothing is known of it."""
    if not reason.strip():
        return ""
    for pattern, sentence in _REASONS:
        if re.search(pattern, reason[:2000], re.IGNORECASE):
            return language.text(sentence)
    return language.text(_OTHER)
