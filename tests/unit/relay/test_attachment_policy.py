# SPDX-License-Identifier: Apache-2.0
"""What of a mail goes to a village."""

from mokanda_relay.mime.parse import parse
from mokanda_relay.rendering.mail_reader import without_signatures

SIGNED = b"""\
Content-Type: multipart/signed; boundary=s

--s
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain

Mbote
--a
Content-Type: text/html

<b>Mbote</b>
--a--
--s
Content-Type: application/pgp-signature; name=signature.asc

-----BEGIN PGP SIGNATURE-----
--s--
"""


def test_a_twin_in_html_and_a_signature_stay_behind() -> None:
    message, contents = without_signatures(*parse(SIGNED))
    assert (message.text, message.html) == ("Mbote", "")
    assert (message.attachments, contents) == ((), {})


def test_no_html_goes_even_where_there_is_nothing_else() -> None:
    message, _ = without_signatures(*parse(b"Content-Type: text/html\n\n<img src='cid:photo'>"))
    assert message.html == ""


def test_files_go_with_their_contents() -> None:
    raw = b"Content-Type: application/pdf; name=a.pdf\n\n%PDF"
    assert without_signatures(*parse(raw)) == parse(raw)
