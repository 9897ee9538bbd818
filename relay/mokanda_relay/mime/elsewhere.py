# SPDX-License-Identifier: Apache-2.0
"""Files that a mail only says the place of (message/external-body; RFC 2046, 5.2.3, and 2017)."""

from email.message import Message as Part
from urllib.parse import quote

from mokanda_relay.mime.files import meant_name
from mokanda_relay.mime.headers import parameter, parts_of
from mokanda_relay.mime.unseen import visible
from mokanda_wire.text import clean, one_line

_MAX_WORDS = 300  # characters of each thing that is named
_MAX_URL = 2000
_SERVERS = {"ftp": "ftp", "anon-ftp": "ftp", "tftp": "tftp"}


def place_of(part: Part) -> str:
    """Say what the file is called, how large it is, and where it is; "" if nothing is said."""
    how = _said(part, "access-type").lower()
    name, size = _name(part), _said(part, "size")
    where = ""
    if how == "url":
        where = "".join(parameter(part, "url").split())[:_MAX_URL]
    elif how in _SERVERS and (site := _said(part, "site")):
        folder = _said(part, "directory").strip("/")
        path = "/".join(filter(None, (site, folder, _said(part, "name"))))
        where = f"{_SERVERS[how]}://{quote(path)}"
    elif how == "mail-server":
        subject = quote(_said(part, "subject"))
        where = f"mailto:{_said(part, 'server')}" + (f"?subject={subject}" if subject else "")
    if size.isdecimal() and len(size) <= 12:
        name += f" ({-(-int(size) // 1024)} KB)"
    where = clean(where).replace("<", "%3C").replace(">", "%3E")
    return f"{name} <{where}>".lstrip() if where else name


def _name(part: Part) -> str:
    """The name in the head of the file that is elsewhere, or else where it is."""
    for each in (*parts_of(part), part):
        if found := meant_name(each):
            return one_line(found.replace("\\", "/").rpartition("/")[2])[:_MAX_WORDS]
    return ""


def _said(part: Part, name: str) -> str:
    return one_line(clean(visible(parameter(part, name))))[:_MAX_WORDS]
