# SPDX-License-Identifier: Apache-2.0
"""The files of a mail."""

import mimetypes
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message as Part
from io import BytesIO
from urllib.parse import unquote

from PIL import Image

from mokanda_relay.mime.encoded_words import decode_words
from mokanda_relay.mime.headers import parameter, unescape
from mokanda_relay.mime.transfer import content_of
from mokanda_relay.mime.unseen import visible
from mokanda_wire.message import Attachment, digest_of
from mokanda_wire.text import one_line, safe_file_name

_TYPES = mimetypes.MimeTypes()  # the built-in table: the same names on every machine
_TYPES.add_type("text/vcard", ".vcf")
_TYPES.add_type("text/calendar", ".ics")
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[\w-]{0,20}'", re.IGNORECASE)
_PERCENT_UTF_8 = re.compile(r"%[C-F][0-9A-F]%[89AB][0-9A-F]", re.IGNORECASE)
# A picture that a page shows is one of a signature or a frame, not somebody's photo.
_SMALL = 32 * 1024  # bytes
_NARROW = 160  # pixels


@dataclass
class Files:
    """Collects the files, and their contents by digest."""

    attachments: list[Attachment] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, media_type: str, content: bytes, content_id: str = "") -> None:
        """Add a file; of one that a page shows again and again, the first."""
        digest = digest_of(content)
        content_id = "".join(one_line(unescape(content_id)).strip("<> ").split())[:200]
        if content_id and digest in self.contents:
            return
        self.contents[digest] = content
        name = safe_file_name(name)
        if not name:
            extension = _TYPES.guess_extension(media_type) or ".bin"
            name = f"attachment-{len(self.attachments) + 1}{extension}"
        self.attachments.append(Attachment(name, media_type, digest, len(content), content_id))

    def add_named(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Add files of which the name alone tells the media type."""
        for name, content in files:
            self.add(name, _TYPES.guess_type(name)[0] or "application/octet-stream", content)


def file_name(part: Part, charset: str | None = None) -> str:
    """What a part of a mail in this charset says that its file is called, "" for nothing."""
    for name, header in (("filename", "Content-Disposition"), ("name", "Content-Type")):
        found = parameter(part, name, header, charset)
        if found:
            return visible(decode_words(found))
    return ""


def meant_name(part: Part, charset: str | None = None) -> str:
    """The same without what some programs put around a name, or in it, for other parameters."""
    name = file_name(part, charset)
    if len(name) > 2 and name[0] == name[-1] == "'":
        name = name[1:-1]
    if found := _EXTENDED.match(name):
        return visible(unquote(name[found.end() :], found[1], "replace"))
    return visible(unquote(name)) if _PERCENT_UTF_8.search(name) else name


def is_decoration(part: Part) -> bool:
    """Whether a part beside a page is a picture for its looks: a logo, a line, a dot that spies."""
    if part.get_content_maintype() != "image" or "Content-ID" not in part:
        return False
    content = content_of(part)
    if len(content) <= _SMALL:
        with suppress(Exception), Image.open(BytesIO(content)) as image:
            return min(image.size) <= _NARROW
    return False
