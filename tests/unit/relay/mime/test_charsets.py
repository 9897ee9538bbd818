# SPDX-License-Identifier: Apache-2.0
import pytest

from mokanda_relay.mime.charsets import decode_text


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "é".encode(), "é"),
        ("utf-8", b"\xe9", "é"),  # it lies
        ("us-ascii", "é".encode(), "é"),
        ("iso-8859-1", b"\x93quoted\x94", "“quoted”"),  # means windows-1252
        ("gb2312", "漢字".encode("gb18030"), "漢字"),
        ("x-unknown", b"\xe9", "é"),
        ("x-unknown", "é".encode(), "é"),
        ("utf-16", "é".encode("utf-16"), "é"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("base64", b"QUJD", "QUJD"),
        ("\0", b"abc", "abc"),
        (None, b"abc\0", "abc\ufffd"),
        ("utf-8", "été ".encode() + b"\xe9t\xe9", "été été"),
        ("iso-2022-jp", b"\x1b$B;T\xff\x1b(B ok", "市\ufffd ok"),
        ("utf-8", b"a\r\nb\rc", "a\nb\nc"),
        # UTF-8, whatever the label says; and texts of others that are not mistaken for it.
        *((label, "Мир, été".encode(), "Мир, été") for label in ("windows-1251", "iso-8859-15")),
        *((label, "市場".encode(), "市場") for label in ("shift_jis", "gbk", "iso-2022-jp")),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("gbk", "联通".encode("gbk"), "联通"),
        ("windows-1256", "سلام".encode("cp1256"), "سلام"),
        # Labels that no table has, but scripts.
        ("win-1251", "мир".encode("cp1251"), "мир"),
        ("1251", "мир".encode("cp1251"), "мир"),
        ("eucjp", "市場".encode("euc_jp"), "市場"),
    ],
)
def test_text_is_decoded_by_its_charset_or_a_guess(
    charset: str | None, data: bytes, text: str
) -> None:
    assert decode_text(data, charset) == text
