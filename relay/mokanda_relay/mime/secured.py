# SPDX-License-Identifier: Apache-2.0
"""Mail that is signed or encrypted: what of it can be read without a key."""

import re

from asn1crypto import cms

SIGNED_OR_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"
_PGP_SIGNED, _PGP_SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----"
_PGP_END = "-----END PGP SIGNATURE-----"
_DASHES = re.compile(r"^- ", re.MULTILINE)


def signed_content(data: bytes) -> bytes:
    """The MIME within an opaque signature (RFC 8551, 3.5.2); b"" where it is encrypted."""
    try:
        info = cms.ContentInfo.load(data)
        if info["content_type"].native != "signed_data":
            return b""
        content = info["content"]["encap_content_info"]["content"].native
        return bytes(content) if content else b""
    except (ValueError, TypeError, KeyError):  # it is damaged, or cut
        at = data.find(b"Content-")
        return data[at:] if at >= 0 else b""


def without_signature(text: str) -> str:
    """Leave out the frame of a text that is signed in itself (RFC 9580, 7)."""
    before, begins, rest = text.partition(_PGP_SIGNED)
    if not begins:
        return text
    _, blank, rest = rest.partition("\n\n")
    words, signed, behind = rest.partition(_PGP_SIGNATURE)
    if not blank or not signed:
        return text
    behind = behind.partition(_PGP_END)[2]
    return f"{before}{_DASHES.sub('', words)}{behind}".strip()
