# SPDX-License-Identifier: Apache-2.0
"""Whom a header names, also where its writer's program got it wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.addresses import mailboxes


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("awa@shop.example", [("", "awa@shop.example")]),
        ("Awa <awa@shop.example>, Jo <jo@x.example>",
         [("Awa", "awa@shop.example"), ("Jo", "jo@x.example")]),
        ("Awa <awa@shop.example>; jo@x.example;",
         [("Awa", "awa@shop.example"), ("", "jo@x.example")]),
        # An address in the name is not who writes.
        ("sales@shop.example <bounce@mailer.example>",
         [("sales@shop.example", "bounce@mailer.example")]),
        ("awa@shop.example <awa@shop.example>", [("", "awa@shop.example")]),
        ("'awa@shop.example' <awa@shop.example>", [("", "awa@shop.example")]),
        ("<a@x.example> <b@x.example>", [("<a@x.example>", "b@x.example")]),
        # Commas, quotes and brackets in names.
        ("Mboyo, Awa <awa@shop.example>", [("Mboyo, Awa", "awa@shop.example")]),
        ("Mboyo, Awa <awa@shop.example>, Jo <jo@x.example>",
         [("Mboyo, Awa", "awa@shop.example"), ("Jo", "jo@x.example")]),
        ('"Mboyo, \\"Awa\\"" <awa@shop.example>', [('Mboyo, "Awa"', "awa@shop.example")]),
        ("[Ecole] Awa <awa@shop.example>", [("[Ecole] Awa", "awa@shop.example")]),
        ('O"Brien <o@x.example>, n@y.example', [("OBrien", "o@x.example"), ("", "n@y.example")]),
        ("=?utf-8?q?Mboyo,_Awa?= <awa@shop.example>", [("Mboyo, Awa", "awa@shop.example")]),
        ("=?utf-8?q?=C3=89cole_=3Ce=40x=2Eexample=3E?=", [("École", "e@x.example")]),
        ("Jean =?utf-8?b?4oCuQmFucXVl?= <j@x.example>", [("Jean Banque", "j@x.example")]),
        ("'c@x.example'", [("", "c@x.example")]),
        ('"=?utf-8?q?=C3=89cole?=" <e@x.example>', [("École", "e@x.example")]),
        # One bad entry costs the others nothing.
        ('Bako <bako@b.example>, "Mama" Coco @ Mbandaka <coco@x.example>, nobody',
         [("Bako", "bako@b.example"), ("Mama Coco @ Mbandaka", "coco@x.example")]),
        ("Bako <bako@b.example>, <>, @, Jo <jo@x.example>",
         [("Bako", "bako@b.example"), ("Jo", "jo@x.example")]),
        # Comments, groups, routes and what people paste.
        ("awa@shop.example (Awa Mboyo)", [("Awa Mboyo", "awa@shop.example")]),
        ("awa@shop.example (a (b), c)", [("a (b), c", "awa@shop.example")]),
        ("undisclosed-recipients:;", []),
        ("Family: Awa <awa@shop.example>, jo@x.example;",
         [("Awa", "awa@shop.example"), ("", "jo@x.example")]),
        ("<@relay.example:awa@shop.example>", [("", "awa@shop.example")]),
        ("mailto:awa@shop.example", [("", "awa@shop.example")]),
        ("Awa <mailto:awa@shop.example>", [("Awa", "awa@shop.example")]),
        ("Awa <<awa@shop.example>>", [("Awa", "awa@shop.example")]),
        ("Awa <awa@shop.example", [("Awa", "awa@shop.example")]),
        ("Awa awa@shop.example", [("Awa", "awa@shop.example")]),
        # As scripts and phones of some makers write them.
        ("Awa &lt;awa@shop.example&gt;", [("Awa", "awa@shop.example")]),
        ("Awa \uff1cawa\uff20shop.example\uff1e", [("Awa", "awa@shop.example")]),
        ("Awa <awa @ shop.example>", [("Awa", "awa@shop.example")]),
        ("awa@shop.example, =?utf-8?q?Jo_=3Cjo=40x=2Eexample=3E?=",
         [("", "awa@shop.example"), ("Jo", "jo@x.example")]),
        ("awa@shop.example, awa@shop.example", [("", "awa@shop.example")]),
        # Domains are in ASCII, also behind what is no local part of ours.
        ("Ada <ada@gm\u0430il.com>", [("Ada", "ada@xn--gmil-63d.com")]),
        ("Ada <\u0430da@gm\u0430il.com>", [("Ada", "\u0430da@xn--gmil-63d.com")]),
        ("Ada <\u0430da@not_a_domain>", [("Ada", "\u0430da@not_a_domain")]),
        ("", []),
    ],
)  # fmt: skip
def test_people_are_found(value: str, people: list[tuple[str, str]]) -> None:
    assert [(each.name, each.address) for each in mailboxes(value)] == people


@given(st.text(alphabet='a@.<>,;:"\\() \n', max_size=60))
def test_no_header_is_too_strange_to_be_read(value: str) -> None:
    for each in mailboxes(value):
        assert "@" in each.address
        assert not set(each.address) & set("<>,; \n")
