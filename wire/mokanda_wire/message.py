# SPDX-License-Identifier: Apache-2.0
"""A mail as people read it, and its way from and to RFC 5322 MIME.

`parse` takes whatever the world sends and never raises: a broken part becomes an
attachment or text with replacement characters, so that nothing vanishes. `compose`
writes clean MIME.
"""

import base64
import hashlib
import html as html_entities
import mimetypes
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header, decode_header
from email.message import EmailMessage
from email.message import Message as Part
from email.utils import format_datetime, getaddresses, parsedate_to_datetime

from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.tags import End, Start, Words, read_tags

CRLF = "\r\n"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HEAD = 64 * 1024  # bytes of a mail's beginning: what `attached_whole` looks at

_MAX_DEPTH = 30  # parts within parts; a mail with more of them is attached whole
# Characters of one header that are looked at, of the first headers of a mail and its parts, and of
# each behind them: what reads them may take time by the square of a header's length.
_MAX_HEADER = 16 * 1024
_MAX_HEADERS = 64 * 1024
_MAX_LATER_HEADER = 1024
_MAX_MULTIPARTS = 200
_MAX_WORK = 10_000_000  # lines times multiparts: each line is compared with the end of each of them
_MAX_REFERENCES = 100
_MAX_PICTURES = 20  # of a mail of pictures alone that are named
_SHORT_TEXT = 300  # characters; a longer text is not the excuse of a mail that is HTML
_MESSAGE_ID = re.compile(r"<\s*([^<>\s]+)\s*>")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>,;:\"()\[\]]+")
_MULTIPART = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')
_EXTENSIONS = mimetypes.MimeTypes()  # the built-in table: the same names on every machine

# What browsers do: senders label the wider charset with the narrower one's name.
_WIDER_CHARSETS = {
    "ascii": "windows-1252",
    "us-ascii": "windows-1252",
    "iso-8859-1": "windows-1252",
    "latin-1": "windows-1252",
    "latin1": "windows-1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
}
_NOT_CHARSETS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}


# What a relay notes of a mail.
CUT = "cut"
UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person or list: the address, and the name shown for it."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail; its content is kept elsewhere under `digest`, its SHA-256 in hex.

    `size` is in bytes; `content_id`, without <>, is set on images that the HTML refers to.
    Where a relay sent less than it got, `original` is the digest of the file as it was, and
    `original_size` its size: the content is then a smaller picture (JPEG or WebP, whatever the
    media type of the original is), or, if `digest` is the same, was held back.
    """

    name: str
    media_type: str
    digest: str
    size: int
    content_id: str = ""
    original: str = ""
    original_size: int = 0

    @property
    def held_back(self) -> bool:
        """Whether it travels without its content, which can be asked for."""
        return self.digest == self.original


@dataclass(frozen=True, slots=True)
class Message:
    """A mail as its reader sees it.

    `message_id`, `in_reply_to` and `references` are without <>; `date` is aware, in UTC
    and whole seconds; lines of `text` and `html` end in LF. When there is `html`, `text`
    says the same without markup. No person has written an `automatic` mail to its reader alone:
    it is of a list, a robot or a note of absence, and must not be answered by one (RFC 3834).

    `note` is a word by which a relay says what it has made of a mail, "" for nothing: CUT of a long
    text, whose whole is the first attachment; UNREAD of a mail that it could not read, which is
    that attachment. The last line of `text` then says the same, for readers without the word.
    """

    message_id: str
    date: datetime
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    subject: str
    text: str
    html: str = ""
    reply_to: tuple[Mailbox, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    automatic: bool = False
    note: str = ""

    @property
    def words(self) -> str:
        """The text without the line that says what `note` does."""
        return self.text.rpartition("\n")[0] if self.note in (CUT, UNREAD) else self.text


def new_message_id(domain: str) -> str:
    """Make a Message-ID (without <>) that nobody else makes."""
    return f"{base64.b32encode(secrets.token_bytes(10)).decode().lower()}@{domain}"


def digest_of(content: bytes) -> str:
    """Name an attachment's content: its SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


class UnreadableError(ValueError):
    """A mail cannot be taken apart; the text says why, for the log."""


def parse(
    raw: bytes,
    received: datetime = EPOCH,
    read_html: Callable[[str], str] | None = None,
) -> tuple[Message, dict[str, bytes]]:
    """Read a MIME mail; also return the attachments' contents by digest.

    Never raises. What cannot be taken apart is attached whole, as `message.eml`.
    `received` dates a mail that has no readable date of its own. `read_html` makes text of
    HTML, `html_to_text` if it is not given.
    """
    try:
        return take_apart(raw, received, read_html or html_to_text)
    except UnreadableError:
        digest = digest_of(raw)
        return attached_whole(raw[:HEAD], digest, len(raw), received), {digest: raw}


def take_apart(
    raw: bytes, received: datetime, read_html: Callable[[str], str]
) -> tuple[Message, dict[str, bytes]]:
    """Read a MIME mail as `parse` does.

    Raises:
        UnreadableError: it cannot be taken apart.
    """
    try:
        multiparts = len(_MULTIPART.findall(raw))
        if multiparts > _MAX_MULTIPARTS or multiparts * raw.count(b"\n") > _MAX_WORK:
            raise ValueError("too many parts")
        mail: Part = message_from_bytes(raw, policy=_BoundedHeaders())
        body = _Body(read_html)
        body.add(mail, depth=0)
    except Exception as error:  # the stdlib's parser raises many kinds on hostile mail
        raise UnreadableError(f"{type(error).__name__}: {error}"[:200]) from error
    return _message(mail, body, digest_of(raw), received), body.contents


def attached_whole(beginning: bytes, digest: str, size: int, received: datetime) -> Message:
    """A mail of which only the headers are looked at; it is a file of its own.

    `beginning` is its first HEAD bytes at most, `digest` its SHA-256 in hex, `size` its bytes.
    """
    head, _, _ = beginning[:HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")
    mail = Part()
    for line in re.sub(rb"\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.replace(b"-", b"").isalnum():
            mail[name.decode("ascii", "replace")] = value.strip().decode("ascii", "surrogateescape")
    body = _Body(html_to_text)
    body.attachments.append(Attachment("message.eml", "message/rfc822", digest, size))
    return _message(mail, body, digest, received)


def _message(mail: Part, body: "_Body", digest: str, received: datetime) -> Message:
    headers = _Headers(mail)
    text, html = body.text_and_html()
    ids = headers.message_ids("message-id")
    replied = headers.message_ids("in-reply-to")
    sender = headers.mailboxes("from") or headers.mailboxes("sender")
    return Message(
        message_id=ids[0] if ids else f"{digest[:32]}@no-message-id.invalid",
        date=headers.date() or received,
        sender=sender[0] if sender else Mailbox("unknown@unknown.invalid"),
        to=headers.mailboxes("to"),
        cc=headers.mailboxes("cc"),
        subject=headers.text("subject"),
        text=text,
        html=html,
        reply_to=headers.mailboxes("reply-to"),
        in_reply_to=replied[0] if replied else "",
        references=headers.message_ids("references")[-_MAX_REFERENCES:],
        attachments=tuple(body.attachments),
        automatic=headers.automatic() or mail.get_content_type() == "multipart/report",
    )


class _BoundedHeaders(policy.Compat32):
    """Lets no more of each header into a mail than is looked at."""

    _read = 0  # characters of headers so far

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        value = value[: _MAX_HEADER if self._read < _MAX_HEADERS else _MAX_LATER_HEADER]
        object.__setattr__(self, "_read", self._read + len(value))  # a policy is otherwise fixed
        return name, value


class _Headers:
    """The headers of a mail, decoded as well as can be."""

    def __init__(self, mail: Part) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in mail.raw_items():
            self._values.setdefault(name.lower(), []).append(_unescape(str(value)[:_MAX_HEADER]))

    def text(self, name: str) -> str:
        """The header as one line of text, "" when it is missing."""
        return one_line(_decode_words(" ".join(self._values.get(name, [])[:1])))

    def automatic(self) -> bool:
        """Whether the mail says of itself that no answer of a robot is to be sent to it."""
        submitted = self.text("auto-submitted").lower() or "no"
        return (
            submitted != "no"
            or any(name.startswith("list-") for name in self._values)
            or self.text("precedence").lower() in {"bulk", "list", "junk"}
            or self.text("return-path") == "<>"
            or "x-auto-response-suppress" in self._values
        )

    def message_ids(self, name: str) -> tuple[str, ...]:
        found = _MESSAGE_ID.findall(" ".join(self._values.get(name, [])))
        return tuple(dict.fromkeys(clean(each)[:500] for each in found))

    def mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        values = [" ".join(value.split()) for value in self._values.get(name, [])]
        try:
            pairs = getaddresses(values)
        except Exception:  # noqa: BLE001 - raises many kinds on hostile headers
            pairs = []
        found = [_mailbox(_decode_words(label), address) for label, address in pairs]
        boxes = tuple(dict.fromkeys(box for box in found if box))
        if not boxes:
            words = (each for value in values for each in _BETWEEN_ADDRESSES.split(value))
            bare = (_mailbox("", each) for each in words if "@" in each)
            boxes = tuple(dict.fromkeys(box for box in bare if box))
        if not boxes and name == "from" and values:
            return (Mailbox("unknown@unknown.invalid", one_line(_decode_words(values[0]))),)
        return boxes

    def date(self) -> datetime | None:
        stamps = [value.rpartition(";")[2] for value in self._values.get("received", [])]
        for value in [*self._values.get("date", []), *stamps]:
            try:
                date = parsedate_to_datetime(value)
                if date.tzinfo is None:
                    date = date.replace(tzinfo=UTC)
                return date.astimezone(UTC).replace(microsecond=0)
            except (TypeError, ValueError, OverflowError, IndexError):
                continue
        return None


@dataclass
class _Body:
    """Collects the parts of a mail: what is read in place, and what is attached."""

    read_html: Callable[[str], str]
    pieces: list[tuple[str | None, str | None]] = field(default_factory=list)  # text, HTML
    attachments: list[Attachment] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, part: Part, depth: int) -> None:
        media_type = _media_type(part)
        payload = part.get_payload()
        if isinstance(payload, list):
            parts = [each for each in payload if isinstance(each, Part)]
            if depth > _MAX_DEPTH:
                raise ValueError("parts within parts without end")
            if media_type.startswith("message/"):
                inner = b"\n".join(each.as_bytes(policy=policy.compat32) for each in parts)
                self.attach_part(part, media_type, inner)
            elif media_type == "multipart/alternative":
                self.add_alternatives(parts, depth)
            else:
                for each in parts:
                    self.add(each, depth + 1)
        elif _is_attached(part):
            self.attach_part(part, media_type, _content(part))
        elif media_type == "text/html":
            self.pieces.append((None, _text(part)))
        elif media_type == "text/plain" or media_type.startswith("multipart/"):
            self.pieces.append((_text(part), None))  # the latter: its boundary is missing
        else:
            self.attach_part(part, media_type, _content(part))

    def add_alternatives(self, parts: Iterable[Part], depth: int) -> None:
        """Put what several renderings of one text say side by side."""
        inner = _Body(self.read_html, attachments=self.attachments, contents=self.contents)
        for part in parts:
            inner.add(part, depth + 1)
        plain = "\n\n".join(text for text, _ in inner.pieces if text is not None)
        html = "".join(markup for _, markup in inner.pieces if markup is not None)
        if plain or html:
            self.pieces.append((None if self._is_excuse(plain, html) else plain, html or None))

    def _is_excuse(self, plain: str, html: str) -> bool:
        """Whether the text only says that the mail is to be read as HTML."""
        if html and len(plain) < _SHORT_TEXT:
            return not plain.strip() or len(self.read_html(html)) > 4 * _SHORT_TEXT
        return False

    def attach_part(self, part: Part, media_type: str, content: bytes) -> None:
        try:
            name = part.get_filename() or ""
        except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
            name = ""
        content_id = one_line(_unescape(str(part.get("Content-ID") or ""))).strip("<> ")
        self.attach(_decode_words(_unescape(name)), media_type, content, content_id)

    def attach(self, name: str, media_type: str, content: bytes, content_id: str = "") -> None:
        digest = digest_of(content)
        self.contents[digest] = content
        name = safe_file_name(name)
        if not name:
            extension = _EXTENSIONS.guess_extension(media_type) or ".bin"
            name = f"attachment-{len(self.attachments) + 1}{extension}"
        content_id = "".join(content_id.split())[:200]
        self.attachments.append(Attachment(name, media_type, digest, len(content), content_id))

    def text_and_html(self) -> tuple[str, str]:
        texts = [
            text if text is not None else self.read_html(html or "") for text, html in self.pieces
        ]
        text = "\n\n".join(text.strip("\n") for text in texts if text.strip())
        if not any(html for _, html in self.pieces):
            return text, ""
        escaped = (
            html or f"<pre>{html_entities.escape(text or '')}</pre>" for text, html in self.pieces
        )
        return text, "\n".join(markup.strip("\n") for markup in escaped)


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


def decode_text(data: bytes, charset: str | None) -> str:
    """Turn bytes into clean text, by `charset` if it is known and fits, else by a guess.

    Lines end in LF; characters that no text holds become U+FFFD.
    """
    name = (charset or "us-ascii").strip().lower()
    name = _WIDER_CHARSETS.get(name, name)
    for encoding in dict.fromkeys((name, "utf-8") if name != "windows-1252" else ("utf-8", name)):
        try:
            if encoding.replace("-", "_") not in _NOT_CHARSETS:
                return clean(data.decode(encoding))
        except (LookupError, ValueError):
            continue
    if not data.decode("utf-8", "ignore").isascii():  # one damaged letter, not all
        name = "utf-8"
    elif name == "utf-8":
        name = "windows-1252"
    try:
        return clean(data.decode(name, "replace"))
    except (LookupError, ValueError):
        return clean(data.decode("windows-1252", "replace"))


def clean(text: str) -> str:
    """Make text such that any store and protocol takes it.

    Lines end in LF; what no text holds (most control characters, half surrogates) becomes
    U+FFFD.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Put a text into one line, its words one space apart."""
    return " ".join(text.split())


def _unescape(value: str) -> str:
    """Read the 8-bit characters that a header should not have had."""
    if value.isascii():
        return value
    return decode_text(value.encode("utf-8", "surrogateescape"), None)


def _decode_words(value: str) -> str:
    """Decode RFC 2047 encoded words."""
    if "=?" not in value:
        return one_line(clean(value))
    try:
        words = [
            word if isinstance(word, str) else decode_text(word, charset)
            for word, charset in decode_header(value)
        ]
    except Exception:  # noqa: BLE001 - raises several kinds on broken encoded words
        return one_line(clean(value))
    return one_line(clean("".join(words)))


def _mailbox(name: str, address: str) -> Mailbox | None:
    address = clean(address)
    try:
        address = parse_address(address)
    except AddressError:
        # The world uses addresses that we would not let a villager write to.
        local, _, domain = address.rpartition("@")
        if not local or not domain or re.search(r"[\s<>,;]", address) or len(address) > 320:
            return None
    return Mailbox(address, "" if name == address else name[:500])


def safe_file_name(name: str) -> str:
    """Make a sender's name for a file harmless: no path, no control characters, not long."""
    name = _UNSAFE_IN_NAME.sub("_", name.replace("\\", "/").rpartition("/")[2])
    name = one_line(clean(name)).strip(". ")
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[:100]}.{extension}"
    return name[:100]


class _TextOfHtml:
    """Collects what a reader of a page would read, links with their targets.

    Bold and slanted words come between * and _, as people write them in plain text.
    """

    _BLOCKS = re.compile(
        "address|article|blockquote|br|d[dlt]|div|fieldset|footer|form|h[1-6]|header|hr|li|ol|p|pre"
        "|section|table|tr|ul"
    )
    _PARAGRAPHS = re.compile("h[1-6]|hr|p|pre")
    _SKIPPED = re.compile("script|style|title|template")
    _EMPHASIS = {"b": "*", "strong": "*", "i": "_", "em": "_"} | {f"h{n}": "*" for n in range(1, 7)}

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line: list[str] = []
        self._skipping = ""
        self._quotes = 0
        self._preformatted = 0
        self._emphasised: list[tuple[str, int, int]] = []  # tag, line, piece of the line
        self._link = ""
        self._label: list[str] = []
        self._pictures: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if self._skipping:
            return
        if self._SKIPPED.fullmatch(tag):
            self._skipping = tag
        elif self._BLOCKS.fullmatch(tag):
            self._end_block(tag)
            self._quotes += tag == "blockquote"
            self._preformatted += tag == "pre"
            if tag == "li":
                self._line.append("- ")
        elif tag == "td":
            self._line.append(" ")
        elif tag == "img":
            self._add_picture(attributes)
        elif tag == "a":
            target = attributes.get("href", "")
            self._link = target if target.startswith(("http:", "https:", "mailto:")) else ""
            self._label = []
        if tag in self._EMPHASIS and len(self._emphasised) < _MAX_DEPTH:
            self._emphasised.append((tag, len(self.lines), len(self._line)))

    def end(self, tag: str) -> None:
        """End an element."""
        if self._skipping:
            self._skipping = "" if tag == self._skipping else self._skipping
            return
        if self._emphasised and self._emphasised[-1][0] == tag:
            self._emphasise(*self._emphasised.pop())
        if self._BLOCKS.fullmatch(tag) and tag != "br":
            self._end_block(tag)
            self._quotes -= tag == "blockquote" and self._quotes > 0
            self._preformatted -= tag == "pre" and self._preformatted > 0
        elif tag == "a" and self._link:
            label = "".join("".join(self._label).split()).rstrip("/")
            bare = self._link.removeprefix("mailto:").rstrip("/")
            if label not in (bare, bare.partition("://")[2]):
                self._line.append(f" <{self._link}>")
            self._link = ""

    def words(self, data: str) -> None:
        """Read what stands between tags."""
        if self._skipping:
            return
        if self._link:
            self._label.append(data)
        if self._preformatted:
            first, *others = data.split("\n")
            self._line.append(first)
            for each in others:
                self._end_line()
                self._line.append(each)
        else:
            self._line.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """What was read; of a page of pictures alone, where they are."""
        self._end_line()
        text = clean(re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n"))
        return text if text.strip("> \n") else clean("\n".join(self._pictures))

    def _end_block(self, tag: str) -> None:
        if tag == "br" or any(piece.strip() for piece in self._line):
            self._end_line()
        self._line = []
        if self._PARAGRAPHS.fullmatch(tag) and self.lines and self.lines[-1]:
            self.lines.append("")

    def _end_line(self) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._preformatted else one_line(line)
        quotes = ">" * min(self._quotes, 5)
        self.lines.append(f"{quotes} {line}" if quotes and line else line)
        self._line = []

    def _emphasise(self, tag: str, line: int, piece: int) -> None:
        """Put the mark around words that stand in one line."""
        mark, words = self._EMPHASIS[tag], "".join(self._line[piece:])
        inner = words.strip()
        before = self._line[piece - 1][-1:] if 0 < piece <= len(self._line) else ""
        if line != len(self.lines) and tag[0] != "h":
            return
        if not inner or len(inner) > 200 or mark in inner or before.isalnum():
            return
        start = words[: len(words) - len(words.lstrip())]
        end = words[len(words.rstrip()) :]
        self._line[piece:] = [start, mark + inner + mark, end]

    def _add_picture(self, attributes: Mapping[str, str]) -> None:
        self._line.append(attributes.get("alt", ""))
        source = attributes.get("src", "")
        if source.startswith(("http:", "https:")) and len(self._pictures) < _MAX_PICTURES:
            self._pictures.append(f"[<{one_line(source)[:500]}>]")


def html_to_text(html: str) -> str:
    """Say what an HTML text says, without markup; a link's target follows its label."""
    reader = _TextOfHtml()
    for each in read_tags(html):
        match each:
            case Start(name, attributes):
                reader.start(name, attributes)
            case End(name):
                reader.end(name)
            case Words(text):
                reader.words(text)
    return reader.text() or _without_tags(html)


def _without_tags(html: str) -> str:
    return one_line(clean(re.sub(r"<[^<>]*>", " ", html)))


def compose(message: Message, contents: Mapping[str, bytes]) -> bytes:
    """Write the mail as RFC 5322 MIME with CRLF; `contents` by digest.

    Raises:
        KeyError: the content of an attachment is missing.
    """
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content(message.text)
    inline = [each for each in message.attachments if each.content_id] if message.html else []
    if message.html:
        mail.add_alternative(message.html, subtype="html")
        page = mail.get_payload(1)
        assert isinstance(page, EmailMessage)
        for attachment in inline:
            _add(page.add_related, attachment, contents, "inline")
    for attachment in message.attachments:
        if attachment not in inline:
            _add(mail.add_attachment, attachment, contents, "attachment")
    return b"".join((*_head(message), mail.as_bytes()))


def _head(message: Message) -> Iterator[bytes]:
    """Write the headers that stand before those of the body, each with its CRLF.

    Not by the policy's own headers: they refuse, or fold, Message-IDs and addresses that
    the world uses.
    """
    people = {
        "From": (message.sender,),
        "To": message.to,
        "Cc": message.cc,
        "Reply-To": message.reply_to,
    }
    lines = [
        f"{name}: " + ",\r\n ".join(map(_address, boxes)) for name, boxes in people.items() if boxes
    ]
    subject = Header(one_line(clean(message.subject)), header_name="Subject")
    lines.append(f"Subject: {subject.encode(linesep=CRLF)}")
    lines.append(f"Date: {format_datetime(message.date)}")
    if message.automatic:
        lines.append("Auto-Submitted: auto-replied")
    ids = {
        "Message-ID": (message.message_id,),
        "In-Reply-To": (message.in_reply_to,) if message.in_reply_to else (),
        "References": message.references,
    }
    lines += [
        f"{name}: " + "\r\n ".join(f"<{_one_word(each)}>" for each in values)
        for name, values in ids.items()
        if values
    ]
    return (f"{line}\r\n".encode("utf-8", "replace") for line in lines)


def _address(box: Mailbox) -> str:
    name, address = one_line(clean(box.name)), _one_word(box.address)
    if not name:
        return f"<{address}>"
    if name.isascii():
        name = '"' + re.sub(r'([\\"])', r"\\\1", name) + '"'
    else:
        name = Header(name, "utf-8").encode(linesep=CRLF)
    return f"{name} <{address}>"


def _one_word(text: str) -> str:
    """An address or Message-ID that ends neither its line nor its brackets."""
    return re.sub(r"[\s<>]", "", clean(text))


def _add(
    add: Callable[..., None],
    attachment: Attachment,
    contents: Mapping[str, bytes],
    disposition: str,
) -> None:
    known = _MEDIA_TYPE.fullmatch(attachment.media_type)
    maintype, _, subtype = attachment.media_type.partition("/")
    # A message or multipart may not be in base64, which keeps every byte.
    if not known or maintype in ("message", "multipart"):
        maintype, subtype = "application", "octet-stream"
    add(
        contents[attachment.digest],
        maintype=maintype,
        subtype=subtype,
        filename=safe_file_name(attachment.name),
        disposition=disposition,
        cid=f"<{_one_word(attachment.content_id)}>" if attachment.content_id else None,
    )
