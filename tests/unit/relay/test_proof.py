# SPDX-License-Identifier: Apache-2.0
"""Whether a mail is of whom it names as its writer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.transport.proof import Checks, proof
from mokanda_wire.message import EPOCH, Mailbox, Message

ADA = Message("1@x", EPOCH, Mailbox("ada@example.org"), (), (), "", "")
OF_LIST = ADA._replace(list_post="liste@lists.example.net")
Signed = list[tuple[str, str]]


def found(sender: str, spf: str, *dkim: tuple[str, str], message: Message = ADA) -> str:
    return proof(Checks.of(sender, spf, dkim), message)


@pytest.mark.parametrize("who", ["@example.org", "ada@example.org", "@Mail.EXAMPLE.org "])
def test_a_signature_of_the_writers_domain_vouches_for_a_mail(who: str) -> None:
    assert found("bounce@mailer.example", "fail", (who, " pass")) == "passed"


def test_so_does_spf_where_the_envelope_is_of_that_domain() -> None:
    assert found("bounce@news.example.org", "pass") == "passed"
    assert found("ada@example.org", "PASS ", ("none", "")) == "passed"


@pytest.mark.parametrize("results", [("pass", "fail"), ("fail", "pass (2048 bits)")])
def test_one_signature_that_holds_is_enough(results: tuple[str, str]) -> None:
    signed = [("@example.org", result) for result in results]
    assert found("x@y.example", "fail", *signed) == "passed"


@pytest.mark.parametrize(
    ("address", "who", "result"),
    [
        ("ada@mail.example.org", "@news.example.org", "passed"),
        ("ada@example.co.uk", "@mail.example.co.uk", "passed"),
        ("ada@example.co.uk", "@co.uk", "failed"),
        ("ada@one.co.uk", "@two.co.uk", "failed"),
        ("ada@one.github.io", "@two.github.io", "failed"),
        ("ada@bureau.gouv.cd", "@mail.bureau.gouv.cd", "passed"),
        ("ada@xn--caf-dma.example", "@mail.xn--caf-dma.example", "passed"),
        ("ada@kimpese.example", "@boende.example", "failed"),
    ],
)
def test_a_domain_vouches_for_all_of_its_organisation(address: str, who: str, result: str) -> None:
    message = ADA._replace(sender=Mailbox(address))
    assert found("", "none", (who, "pass"), message=message) == result


@pytest.mark.parametrize("who", ["@org", "@ample.org", "@example.org.evil.example", "@", "@."])
def test_others_do_not_however_like_it_their_domains_are(who: str) -> None:
    assert found("", "none", (who, "pass")) in ("", "failed")


def test_a_mail_that_its_domain_disowns_is_forged() -> None:
    assert found("ada@example.org", "softfail") == "failed"
    assert found("ada@example.org", "none", ("@example.org", "fail")) == "failed"


def test_so_is_one_that_only_others_vouch_for() -> None:
    assert found("thief@evil.example", "pass", ("@evil.example", "pass")) == "failed"


def test_a_list_passes_on_what_others_have_written() -> None:
    changed = (("@example.org", "fail"), ("@lists.example.net", "pass"))
    assert found("x@lists.example.net", "pass", *changed, message=OF_LIST) == ""
    assert found("x@evil.example", "pass", message=OF_LIST) == "failed"


@pytest.mark.parametrize("spf", ["", "none", "neutral", "temperror", "permerror", "what"])
def test_of_a_mail_that_nobody_speaks_of_nothing_is_known(spf: str) -> None:
    assert found("ada@example.org", spf, ("none", "")) == ""


@given(st.text(), st.text(), st.lists(st.tuples(st.text(), st.text())), st.text())
def test_whatever_is_found_there_is_an_answer(
    sender: str, spf: str, dkim: Signed, address: str
) -> None:
    checks = Checks.of(sender, spf, dkim)
    assert not any(set(each) & {" ", "\n", "\t"} for each in checks.vouching)
    message = ADA._replace(sender=Mailbox(address))
    assert proof(checks, message) in ("passed", "failed", "")
