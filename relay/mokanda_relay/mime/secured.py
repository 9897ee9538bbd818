# SPDX-License-Identifier: Apache-2.0
"""Mail that is signed or encrypted: what of it can be read without a key."""

from asn1crypto import cms

SIGNED_OR_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"


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
