# SPDX-License-Identifier: Apache-2.0
"""Letters of the world as cheap phones show them: three languages, two widths."""

import pytest

from mokanda_firmware.mailbox.store.database import Store
from tests.browser.conftest import DOMAIN, PASSWORD, Phones, Webmail
from tests.hostile import Hostile, deliver

pytestmark = pytest.mark.browser

_FRENCH = """\
From: Marie Dupont <marie@example.org>
To: Awa <awa@boende.example.org>, Ben Ilunga <ben@boende.example.org>
Subject: Ordre du jour et prix du marché
Date: Fri, 27 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<div style="display:none">Aperçu caché&#847;&zwnj;&#847;&zwnj;&#847;&zwnj;</div>
<h1>Ordre du jour</h1><ol start="3"><li>L'eau</li><li>L'école<ol type="a"><li>le toit</li>
<li>les bancs<ul><li>douze, en bois</li></ul></li></ol></li></ol>
<table border="1"><tr><th>Article</th><th>Quantité</th><th>Prix</th></tr>
<tr><td>Sel</td><td>2</td><td>1000 FC</td></tr><tr><td>Savon</td><td>5</td><td>2500 FC</td></tr>
<tr><th>Total</th><th></th><th>3500 FC</th></tr></table>
<p>Avant <del>5 000 FC</del>, maintenant <b>4 000 FC</b>.
<a href="https://mairie.example.org/marche">Les prix</a>, ou
<a href="mailto:mairie@example.org?subject=Prix">écrivez-nous</a>, ou appelez le
<a href="tel:+243810000000">+243 81 000 0000</a>.</p><hr>
<p>Marie</p><blockquote>Le 26 novembre, Awa a écrit :<blockquote>Quand est la réunion ?</blockquote>
Samedi, au marché.</blockquote>
"""
_LINGALA = """\
From: =?utf-8?q?Bol=C3=A9mb=C3=A9_Ilunga?= <boleme@example.org>
To: Awa <awa@boende.example.org>
Subject: =?utf-8?q?Mb=C9=94=CC=81t=C9=9B_na_zando?=
Date: Thu, 26 Nov 2026 18:30:00 +0100
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Mbɔ́tɛ Awa,

Ee, nakoyá na zándo mokɔlɔ ya poso. Benga ngai: 0810 000 000, to tángá
https://zando.example.org/mikolo/poso/2026-11-28 mpe komá na boleme@example.org.

Ntalo: 12 500 FC, 27.11.2026, konti 00012345678901234567.

Le 25/11/2026 09:12, Awa a écrit :
> Ndenge nini?
> Okoya na zándo?
"""
_ARABIC = """\
From: =?utf-8?b?2YHYp9i32YXYqQ==?= <fatima@example.org>
To: Awa <awa@boende.example.org>
Subject: =?utf-8?b?2LPZiNmCINmK2YjZhSDYp9mE2LPYqNiq?=
Date: Wed, 25 Nov 2026 08:00:00 +0000
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<div dir="rtl"><p>السلام عليكم،</p><p>السوق يوم السبت الساعة 10. رقم الهاتف: +243 81 000 0000</p>
<ul><li>الملح: 1000 FC</li><li>الصابون: 2500 FC</li></ul><p>PDF الملف مرفق</p><p>شكرا</p></div>
<p>Le marché est samedi.</p>
"""
_LONG = f"""\
From: Marie Dupont <marie@example.org>
To: {", ".join(f"Nom {number} <nom{number}@example.org>" for number in range(15))}
Subject: Re: Re: champs
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Le 27/11/2026 10:00, Awa a écrit :
{"".join(f"> ligne citée numéro {number}" + chr(10) for number in range(95))}
Oui, samedi.

{"Et le marché de Kimpese rouvre, près de l'école. " * 20}

{("- du sel" + chr(10) + "  - fin" + chr(10)) * 400}
"""
_LETTERS = {"french": _FRENCH, "lingala": _LINGALA, "arabic": _ARABIC, "long": _LONG}
# What stands out to the side.
_TOO_WIDE = """() => [...document.querySelectorAll("main *")].filter(
  tag => tag.getBoundingClientRect().right > innerWidth || tag.getBoundingClientRect().left < -1
).map(tag => tag.outerHTML.slice(0, 300))"""


def _bring(store: Store, name: str) -> None:
    deliver(store, Hostile(name, _LETTERS[name].encode()), f"awa@{DOMAIN}")


@pytest.mark.parametrize("width", [240, 360])
def test_letters_of_three_scripts_fit_a_small_phone(
    phones: Phones, webmail: Webmail, width: int
) -> None:
    awa = phones()
    awa.register("awa")
    awa.page.set_viewport_size({"width": width, "height": 740})
    for number, name in enumerate(_LETTERS, 1):
        _bring(webmail.store, name)
        awa.open(f"/mail/{number}")
        awa.shoot(name, whole=True)
        assert awa.page.evaluate(_TOO_WIDE) == [], name
    awa.open("/inbox")
    awa.shoot("inbox", whole=True)
    assert awa.page.evaluate(_TOO_WIDE) == []


def test_a_small_phone_shows_more_of_a_letter_than_of_the_menu(
    phones: Phones, webmail: Webmail
) -> None:
    awa = phones(locale="fr")
    awa.open("/register")
    awa.fill(name="awa", display_name="Awa", password=PASSWORD, again=PASSWORD)
    awa.page.locator("main form button").click()
    awa.page.set_viewport_size({"width": 240, "height": 320})
    _bring(webmail.store, "lingala")
    awa.open("/mail/1")
    assert awa.page.locator("main").bounding_box()["y"] < 120  # type: ignore[index]


def test_a_quotation_in_arabic_has_its_bar_where_its_lines_begin(
    phones: Phones, webmail: Webmail
) -> None:
    awa = phones()
    awa.register("awa")
    arabic = _ARABIC + "<blockquote>هل أنت قادم؟</blockquote>"
    deliver(webmail.store, Hostile("arabic", arabic.encode()), f"awa@{DOMAIN}")
    awa.open("/mail/1")
    quote = awa.page.locator("blockquote")
    assert quote.evaluate("tag => getComputedStyle(tag).borderRightWidth") == "3px"
    assert quote.evaluate("tag => getComputedStyle(tag).borderLeftWidth") == "0px"
