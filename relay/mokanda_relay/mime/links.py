# SPDX-License-Identifier: Apache-2.0
"""Where links lead: written so that a village can read it, and pays for no trackers.

A phone in a village can open few links, and what a tracker appends to them packs badly: it is most
of what a newsletter would cost. So of a mail's links

- those that only lead on to another one that they name (Outlook's and Google's, for example) become
  that one, and what is known to only count readers is taken off;
- those of up to 80 characters stay, and longer ones in which words can be read;
- long ones that are opaque (a tracker's host or path, a long token, more than 200 characters) stay
  while the mail has no more than three of them, of up to 500 characters each: that is how a link
  to reset a password, a confirmation or an invitation comes, and it has to work;
- all other ones become their host and an ellipsis: `label <host/…>`, and those of pictures without
  words, which stand beside them, are left out. The mail as it came from the world can be asked for.
"""

import re
from urllib.parse import unquote

from mokanda_wire.text import bare_link

_MAX_SHORT = 80  # characters
_MAX_READABLE = 200
_MAX_WHOLE = 500
_MAX_OPAQUE = 3  # such links of a mail that stay whole
_MAX_HOST = 100
_MAX_UNWRAPPED = 4  # links within each other
_MAX_LINK = 8000
_LINK = re.compile(rf"https?://[^\s<>\"]{{1,{_MAX_LINK}}}", re.IGNORECASE)
_LABELLED = re.compile(r"[^\s>] (<[^\s<>]{1,110}/…>)")
_ALONE = re.compile(r"^(<[^\s<>]{1,110}/…>)\n", re.MULTILINE)
_BEHIND = ".,;:!?)]}'*_~>"  # what a sentence ends with, and no link
_TOKEN = re.compile(r"[A-Za-z0-9+=]{32}")
# Senders' hosts and paths that count clicks; each is tried at its place alone.
_TRACKER = re.compile(
    r"""(?:[^/]*\.)?(?:list-manage\.com|sendgrid\.net|mjt\.lu|rs6\.net|awstrack\.me|mlsend\d?\.com
        |cmail\d+\.com|hubspotlinks\.com|klclick\d*\.com|sendib[mt]\d+\.com|mandrillapp\.com
        |exct\.net|beehiiv\.com|emlnk\d*\.com|acemln[a-z]\.com|brevo\.com|rs\d*\.net)(?:[/:?]|$)
      |(?:[a-z]*clicks?|track(?:ing)?|trk|lnk|links?|e?mail|r|url\d+)\d*\.[^/]*/
      |[^/]*/(?:ls/click|track/click|mk/cl|lnk|wf/click|redirect|tracking|cl\d?|lt\.php)(?:[/?]|$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Links whose parameter, or path, is where they lead.
_WRAPPER = re.compile(
    r"""(?:[a-z0-9]+\.)?safelinks\.protection\.outlook\.com/[^?]*\?(?:[^#]*&)?url=(?P<outlook>[^&#]+)
      |www\.google\.[a-z.]{2,6}/url\?(?:[^#]*&)?(?:q|url)=(?P<google>https?[^&#]+)
      |lm?\.facebook\.com/l\.php\?(?:[^#]*&)?u=(?P<facebook>[^&#]+)
      |[a-z0-9.-]+\.awstrack\.me/L0/(?P<amazon>https?[^/]+)/
    """,
    re.IGNORECASE | re.VERBOSE,
)
_COUNTING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|mc_[ce]id|_hs(?:enc|mi)|mkt_tok|ml_subscriber(?:_hash)?)=",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\+?[\d\s().-]{3,30}")
_MAIL = re.compile(r"[^\s<>\"?]{1,320}")


def target_of(reference: str) -> str:
    """Write what a link of a page refers to; "" where it leads nowhere that can be told."""
    reference = "".join(reference.split())[:_MAX_LINK]
    scheme, _, rest = reference.partition(":")
    scheme = scheme.lower()
    if scheme in ("tel", "sms"):
        number = unquote(rest).partition("?")[0]
        return number if _NUMBER.fullmatch(number) else ""
    if scheme == "mailto":
        address = unquote(rest)
        return address if _MAIL.fullmatch(address) else f"mailto:{_safe(rest)}"
    if reference.startswith("//"):
        return f"https:{_safe(reference)}"
    if reference[:4].lower() == "www.":
        return f"https://{_safe(reference)}"
    return _safe(reference) if scheme in ("http", "https") else ""


def with_short_links(text: str) -> str:
    """Write the links of a mail's text as they travel: see above."""
    opaque: set[str] = set()
    for found in _LINK.finditer(text):
        target = _unwrapped(bare_link(found[0], _BEHIND))
        if _is_opaque(target):
            opaque.add(target)
        if len(opaque) > _MAX_OPAQUE:
            break
    whole = len(opaque) <= _MAX_OPAQUE

    def written(found: re.Match[str]) -> str:
        link = bare_link(found[0], _BEHIND)
        target = _unwrapped(link)
        if _is_opaque(target) and not (whole and len(target) <= _MAX_WHOLE):
            target = f"{_host(target)}/…"
        return target + found[0][len(link) :]

    text = _LINK.sub(written, text)
    labelled = set() if whole else set(_LABELLED.findall(text))
    return _ALONE.sub(lambda found: "" if found[1] in labelled else found[0], text)


def _safe(reference: str) -> str:
    """Keep a reference within the < > that it is written in."""
    return reference.replace("<", "%3C").replace(">", "%3E").replace('"', "%22")


def _host(link: str) -> str:
    place = re.split(r"[/?#\\]", link.partition("://")[2], maxsplit=1)[0]
    return place.rpartition("@")[2].lower().removeprefix("www.")[:_MAX_HOST]


def _is_opaque(link: str) -> bool:
    if len(link) <= _MAX_SHORT:
        return False
    place = link.partition("://")[2]
    return bool(len(link) > _MAX_READABLE or _TRACKER.match(place) or _TOKEN.search(place))


def _unwrapped(link: str) -> str:
    """Follow a link as far as its own words tell, and take off what counts readers."""
    for _ in range(_MAX_UNWRAPPED):
        wrapper = _WRAPPER.match(link.partition("://")[2])
        inner = unquote(next(filter(None, wrapper.groups()), "")) if wrapper else ""
        if not _LINK.fullmatch(inner):
            break
        link = inner
    before, mark, query = link.partition("?")
    query, hash_mark, fragment = query.partition("#")
    kept = "&".join(each for each in query.split("&") if not _COUNTING.match(each))
    return before + (mark if kept else "") + kept + hash_mark + fragment
