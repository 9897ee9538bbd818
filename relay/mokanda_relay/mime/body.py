# SPDX-License-Identifier: Apache-2.0
"""The parts of a mail: what is read in place, and what is attached."""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import policy
from email.message import Message as Part

from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.headers import decode_words, unescape
from mokanda_relay.mime.html_to_text import html_to_text
from mokanda_wire.message import Attachment, digest_of
from mokanda_wire.text import one_line, safe_file_name

_MAX_DEPTH = 30  # parts within parts; a mail with more of them is attached whole
_SHORT_TEXT = 300  # characters; a longer text is not the excuse of a mail that is HTML
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_EXTENSIONS = mimetypes.MimeTypes()  # the built-in table: the same names on every machine


@dataclass
class Body:
    """Collects the parts of a mail: what is read in place, and what is attached."""

    texts: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All that is read in place."""
        return "\n\n".join(text.strip("\n") for text in self.texts if text.strip())

    def add(self, part: Part, depth: int = 0) -> None:
        """Add a part, and those in it.

        Raises:
            ValueError: there are too many within each other.
        """
        media_type = _media_type(part)
        payload = part.get_payload()
        if isinstance(payload, list):
            parts = [each for each in payload if isinstance(each, Part)]
            if depth > _MAX_DEPTH:
                raise ValueError("parts within parts without end")
            if media_type.startswith("message/"):
                inner = b"\n".join(each.as_bytes(policy=policy.compat32) for each in parts)
                self._attach_part(part, media_type, inner)
            elif media_type == "multipart/alternative":
                self._add_alternatives(parts, depth)
            else:
                for each in parts:
                    self.add(each, depth + 1)
        elif _is_attached(part):
            self._attach_part(part, media_type, _content(part))
        elif media_type == "text/html":
            self.texts.append(html_to_text(_text(part)))
        elif media_type == "text/plain" or media_type.startswith("multipart/"):
            self.texts.append(_text(part))  # the latter: its boundary is missing
        else:
            self._attach_part(part, media_type, _content(part))

    def attach(self, name: str, media_type: str, content: bytes, content_id: str = "") -> None:
        """Add a file."""
        digest = digest_of(content)
        self.contents[digest] = content
        name = safe_file_name(name)
        if not name:
            extension = _EXTENSIONS.guess_extension(media_type) or ".bin"
            name = f"attachment-{len(self.attachments) + 1}{extension}"
        content_id = "".join(content_id.split())[:200]
        self.attachments.append(Attachment(name, media_type, digest, len(content), content_id))

    def _add_alternatives(self, parts: Iterable[Part], depth: int) -> None:
        """Take one of several renderings of a text: the plain one, if it is no excuse."""
        plain = Body(attachments=self.attachments, contents=self.contents)
        html = Body(attachments=self.attachments, contents=self.contents)
        for part in parts:
            (html if _has_html(part) else plain).add(part, depth + 1)
        self.texts.append(html.text if _is_excuse(plain.text, html.text) else plain.text)

    def _attach_part(self, part: Part, media_type: str, content: bytes) -> None:
        try:
            name = part.get_filename() or ""
        except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
            name = ""
        content_id = one_line(unescape(str(part.get("Content-ID") or ""))).strip("<> ")
        self.attach(decode_words(unescape(name)), media_type, content, content_id)


def _has_html(part: Part) -> bool:
    return any(each.get_content_type() == "text/html" for each in part.walk())


def _is_excuse(plain: str, html: str) -> bool:
    """Whether a text only says that the mail is to be read as HTML."""
    short = len(plain) < _SHORT_TEXT
    return short and bool(html) and (not plain.strip() or len(html) > 4 * _SHORT_TEXT)


def _is_attached(part: Part) -> bool:
    disposition = str(part.get("Content-Disposition") or "").strip().lower()
    try:
        named = bool(part.get_filename())
    except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
        named = True
    return disposition.startswith("attachment") or named


def _media_type(part: Part) -> str:
    media_type = part.get_content_type()
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"


def _content(part: Part) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Part) -> str:
    try:
        charset = part.get_content_charset()
    except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
        charset = None
    return decode_text(_content(part), charset)
