# SPDX-License-Identifier: Apache-2.0
"""HTML mail as a village reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.html_to_text import html_to_text
from mokanda_relay.mime.parse import parse


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Mbote <b>mingi</b>!</p><p>À <em>samedi</em></p>", "Mbote *mingi*!\n\nÀ _samedi_"),
        ("<h1>Marché</h1>Samedi", "*Marché*\n\nSamedi"),
        ("<b> <br>a<br>b</b>", "a\nb"),
        ("un<b>believ</b>able", "unbelievable"),
        ("<ul><li>sel<li>riz</ul>", "- sel\n- riz"),
        ("Oui.<blockquote>Samedi?<blockquote>Quand?</blockquote></blockquote>Moi",
         "Oui.\n> Samedi?\n>> Quand?\nMoi"),
        ("<pre>  a\n    b</pre>", "  a\n    b"),
        ("<style>.p{white-space:pre-wrap}</style><div class=p>a\n  b</div>c\nd", "a\n  b\nc d"),
        ("<div style='white-space:pre-line'>a\n  b   c</div>", "a\nb c"),
        ("<pre>a\n b<p style='white-space:normal'>x\ny</pre>", "a\n b\n\nx y"),
        ("<pre><code>a <b>b</b>\n  c</code></pre>", "a *b*\n  c"),
        ("<b>A</b><b>B</b>", "*AB*"),
        ("<b>A</b><b></b> <strong>B</strong>, <b> </b><b>c</b>", "*A B*, *c*"),
        ("<b>A <strong>B</strong> <i>c</i></b>", "*A B _c_*"),
        ("x<b> y </b>z, <b><a href='https://x.example/'>ici</a></b><b>, là</b>",
         "x *y* z, *ici* <https://x.example/>*, là*"),
        ("<b>M</b>okanda, <b>Nom :</b>Awa", "Mokanda, Nom :Awa"),
        ("<b>Titre<br></b>texte", "*Titre*\ntexte"),
        ("<b><p>Titre</p></b><p>texte", "*Titre*\n\ntexte"),
        ("<b><ul><li>sel</ul></b>", "- sel"),
        ("<title>t</title><style>p{}</style><script>x()</script><p>words", "words"),
        ("<html><head><title>t</title><body>no end of the head", "no end of the head"),
        ("<title>never closed <p>words", "never closed words"),
        ("<!--><p>words-->", "words-->"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<a href="https://example.org/x">here</a>', "here <https://example.org/x>"),
        ('<img src="https://example.org/p.png"><img src="cid:a">', "[<https://example.org/p.png>]"),
        ('<img alt="Une école" src="https://example.org/p.png">', "Une école"),
        ("&lt;script&gt;", "<script>"),
        ("<div>" * 30_000 + "deep", "deep"),
    ],
)  # fmt: skip
def test_the_words_of_a_page_are_read(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_a_text_that_only_excuses_itself_gives_way_to_the_page() -> None:
    page = "<p>Le marché est samedi.</p>" * 100
    raw = (
        "Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
        "Your program cannot show this mail.\n--x\nContent-Type: text/html; charset=utf-8\n\n"
        f"{page}\n--x--"
    )
    message, _ = parse(raw.encode())
    assert message.text.startswith("Le marché est samedi.")


def test_links_that_say_where_they_lead_are_not_repeated() -> None:
    assert html_to_text('<a href="https://example.org/">example.org</a>') == "example.org"
    assert html_to_text('<a href="javascript:x()">here</a>') == "here"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ol start=3><li>Eau<li>École<ol type=a><li>toit<li>bancs</ol></ol>",
         "3. Eau\n4. École\n  a. toit\n  b. bancs"),
        ("<ol><li value=7>sept<li>huit</ol>", "7. sept\n8. huit"),
        ("<ol reversed><li>deux<li>un</ol>", "2. deux\n1. un"),
        ("<ol type=I start=4><li>a<li>b</ol><ol type=A><li>c</ol>", "IV. a\nV. b\nA. c"),
        ("<ol><li><p>un</p><p>encore un</p><li>deux</ol>", "1. un\n  encore un\n2. deux"),
        ("<ul><li>a<ul><li>b<ul><li>c</ul></ul><li>d</ul>", "- a\n  - b\n    - c\n- d"),
        ("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<blockquote><ul><li>sel</ul></blockquote>", "> - sel"),
        ("<dl><dt>Date<dd>samedi<dt>Lieu<dd>marché</dl>", "Date\n  samedi\nLieu\n  marché"),
        ("<li>sans liste", "- sans liste"),
        ("<details><summary>Plus</summary>ici</details><button>OK</button><option>A<option>B",
         "Plus\nici\nOK\nA\nB"),
    ],
)  # fmt: skip
def test_lists_keep_their_numbers_and_depth(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><th>Article<th>Prix<tr><td>Sel<td>1000 FC</table>",
         "Article | Prix\nSel | 1000 FC"),
        ("<table border=1><tr><td>Sel<td>2<td>9 FC<tr><td>Total<td><td>9 FC</table>",
         "Sel | 2 | 9 FC\nTotal | | 9 FC"),
        ("<table><tr><td>Nom:<td>Awa<tr><td>Âge:<td>30</table>", "Nom: Awa\nÂge: 30"),
        ("<table><tr><td>Sel<br>fin<td>2<tr><td>Savon<td>5</table>", "Sel / fin | 2\nSavon | 5"),
        ("<table><tr><td>a<td width=9><td>b<tr><td>c<td><td>d</table>", "a | b\nc | d"),
        ("<table><caption>Prix</caption><tr><td>Sel<td>2</table>", "Prix\nSel | 2"),
    ],
)  # fmt: skip
def test_cells_of_data_stand_apart(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_a_table_that_sets_a_page_has_no_bars() -> None:
    news = "Le marché de Kimpese rouvre samedi, et les prix du sel et du savon baissent encore."
    page = (
        "<table><tr><td><table><tr><td><img alt='École'></td><td>Novembre</td></tr></table></td>"
        "</tr>"
        f"<tr><td width=300><h2>Marché</h2><p>{news}</p></td><td width=300><h2>Pluie</h2>"
        f"<p>{news}</p></td></tr><tr><td><table><tr><td>•</td><td>{news}</td></tr></table></td></tr>"
        "<tr><th class=columns><p>Au revoir</p></th><th class=expander></th></tr></table>"
    )
    assert html_to_text(page) == (
        f"École Novembre\n*Marché*\n\n{news}\n\n*Pluie*\n\n{news}\n\n• {news}\nAu revoir"
    )


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : None !important",
        "visibility:hidden",
        "max-height:0px; overflow:hidden",
        "height:0;overflow:hidden",
        "opacity:0",
        "font-size:0",
        "color:#fff;font-size:0px;line-height:0",
        "font-size:1px;color:#fff",
        "width:1px;height:1px;overflow:hidden",
    ],
)
@pytest.mark.parametrize("tag", ["div", "span", "td", "li", "a", "b"])
def test_what_a_page_hides_is_not_read(tag: str, style: str) -> None:
    around = {"td": "<table><tr>%s</table>", "li": "<ul>%s</ul>"}.get(tag, "%s")
    hidden = f'<{tag} href="https://a.example/" style="{style}"><i>aperçu</i> <q>x</q></{tag}>'
    assert html_to_text(f"Avant. {around % hidden}<p>Après.") == "Avant.\n\nAprès."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p hidden>non<p>oui", "oui"),
        # Layouts take the size from the letters, and give it back.
        ('<td style="font-size:0px"><div style="font-size:14px">oui</div></td>', "oui"),
        ('<div style="font-size:0"><p style="font:1em serif">oui<img alt=" et non"></p></div>',
         "oui et non"),
        ('<a href="https://a.example/" style="mso-hide:all">Payer</a>', "Payer <https://a.example/>"),
        ("a\u034f \u200c&nbsp;\u034f\u200c b", "a b"),
        ("&#55357;&#56832; &#xD83D;&#xDE00; &#55357; &#128512;", "😀 😀 \ufffd 😀"),
        ("می\u200cشود", "می\u200cشود"),
        ("<style>@media (max-width:600px){p{display:none}}</style><p>oui", "oui"),
        ("<style media=print>p{display:none}</style><p>oui", "oui"),
        ("<!--[if mso]><style>p{display:none}</style><![endif]--><p>oui", "oui"),
        ("<style>td{font-size:0} .text p{font-size:14px}</style>"
         "<table><tr><td class=text><p>oui</table>", "oui"),
        ("<style>.page .small{display:none}</style><p class=small>oui", "oui"),
        ("<style>p{display:none}</style><p style='display:block'>oui", "oui"),
        ("<style>p{display:none}", "p{display:none}"),
        ("extra&shy;ordinaire \ufffc!", "extraordinaire !"),
    ],
)  # fmt: skip
def test_what_a_page_shows_is_read(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<del>5 000</del> 4 000 FC", "~5 000~ 4 000 FC"),
        ("Prix:<s>5000</s>4000", "Prix:~5000~ 4000"),
        ("<span style='text-decoration: line-through'>5000</span>!", "~5000~!"),
        ("<strike><ul><li>sel</ul></strike>", "- ~sel~"),
        ("<ins>neuf</ins> <u>ici</u>", "neuf ici"),
        ("<h2>Le marché<br>de samedi</h2>Oui", "*Le marché*\n*de samedi*\n\nOui"),
        ("<b><a href='https://a.example/'>Ici</a></b>", "*Ici* <https://a.example/>"),
        ("Un<hr>Deux", "Un\n---\nDeux"),
        ("H<sub>2</sub>O, 10<sup>2</sup> m<sup>-2</sup>, 1<sup>er</sup>, <sup>1</sup>",
         "H2O, 10² m^-2, 1er, 1"),
        ("<q>Samedi</q>", '"Samedi"'),
        ("<a href='tel:+243810000000'>Appelez</a>", "Appelez <+243810000000>"),
        ("<a href='tel:+243810000000'>+243 81 000 0000</a>", "+243 81 000 0000"),
        ("<a href='mailto:m@a.example'>m@a.example</a>", "m@a.example"),
        ("<a href='mailto:m@a.example?subject=Prix'>Marie</a>",
         "Marie <mailto:m@a.example?subject=Prix>"),
        ("<a href='//a.example/x'>ici</a> <a href='prix.html'>là</a>",
         "ici <https://a.example/x> là"),
        ("<a href='https://wa.me/243'><img alt=''></a>", "<https://wa.me/243>"),
        ("<map><area href='https://a.example/' alt=Plan></map>", "Plan <https://a.example/>"),
        ("<html dir=rtl><p>PDF الملف<p>Boende", "\u200fPDF الملف\n\nBoende"),
        ("<div dir=rtl>الملف PDF<div dir=ltr>PDF الملف</div></div>", "الملف PDF\nPDF الملف"),
    ],
)  # fmt: skip
def test_what_a_page_says_besides_words_is_kept(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "rule",
    [
        ".preheader { display: none !important }",
        "/* for lists */ @import url(a.css); #x, p.preheader { font-size: 0 }",
        "<!-- div.preheader{visibility:hidden} -->",
        "@media print { a { color: red } } .Preheader{max-height:0}",
    ],
)
def test_what_a_rule_of_the_page_hides_is_not_read(rule: str) -> None:
    hidden = '<div class="a preheader" id=x>aperçu</div>'
    assert html_to_text(f"<style type='text/css'>{rule}</style>{hidden}<p>Oui") == "Oui"


_PIECES = (
    *("<table>", "<tr>", "<td>", "<th>", "</td>", "</table>", "<ol start=3>", "<ul>", "<li>"),
    *("<blockquote>", "</blockquote>", "<b>", "</b>", "<del>", "</del>", "<h1>", "</h1>", "<p>"),
    *("<a href=https://a.example/>", "</a>", "<pre>", "</pre>", "<sup>", "</sup>", "<dd>", "<br>"),
    *("</ul>", "<hr>", "<div dir=rtl>", "</div>", "<img alt=mot>", "mot", " ", "1", "\n"),
)  # fmt: skip


@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=60), long=st.booleans())
def test_no_word_of_a_page_is_lost(pieces: list[str], long: bool) -> None:
    """Whether it is read by the sanitiser's parser, or, as long pages are, by our own."""
    html = "".join(pieces) + "<!---->" * (5_000 if long else 0)
    assert html_to_text(html).count("mot") == sum("mot" in piece for piece in pieces)


_CONFIRMATION = """\
<!doctype html><html><head><title>Titre</title><style>.x{color:red}</style></head><body>
<div style="display:none;max-height:0;overflow:hidden">Apercu&#847;&zwnj;&nbsp;&#847;&zwnj;</div>
<table width="100%"><tr><td align="center"><table width="600">
<tr><td><a href="https://service.example/?utm_id=1"><img src="https://service.example/logo.png"
 width="120" alt="Service"></a></td></tr>
<tr><td><h1>Bienvenue Awa</h1><p>Merci de <b>confirmer</b> votre adresse.</p></td></tr>
<tr><td align="center"><table><tr><td bgcolor="#06c"><!--[if mso]><v:roundrect
 href="https://service.example/mso"><center>Confirmer</center></v:roundrect><![endif]-->
<!--[if !mso]><!--><a href="https://service.example/confirm?token=abc123&amp;u=awa"
 style="color:#fff;mso-hide:all"><span>Confirmer mon adresse</span></a><!--<![endif]--></td></tr>
</table></td></tr><tr><td><p>Code : <strong>482 913</strong></p>
<table border=1><thead><tr><th>Article</th><th>Quantite</th><th>Prix</th></tr></thead><tbody>
<tr><td>Sel</td><td>2</td><td>1000 FC</td></tr><tr><td>Savon</td><td>5</td><td>2500 FC</td></tr>
</tbody><tfoot><tr><th>Total</th><th></th><th>3500 FC</th></tr></tfoot></table>
<ol><li>Ouvrez le lien<ul><li>avec un navigateur</li></ul></li><li>Tapez le code</li></ol>
<a href="https://wa.me/243810000000"><img src="https://service.example/wa.png" alt=""></a>
</td></tr></table></td></tr></table>
<a href="https://service.example/unsub?u=1">Se désabonner</a>
<img src="https://track.example/o.gif?u=awa" width="1" height="1" alt=""></body></html>
"""


def test_a_mail_of_a_service_is_read_as_its_reader_would() -> None:
    raw = f"Content-Type: text/html; charset=utf-8\n\n{_CONFIRMATION}"
    message, _ = parse(raw.encode())
    assert message.text == (
        "Service <https://service.example/>\n*Bienvenue Awa*\n\n"
        "Merci de *confirmer* votre adresse.\n\n"
        "Confirmer mon adresse <https://service.example/confirm?token=abc123&u=awa>\n"
        "Code : *482 913*\n\n"
        "Article | Quantite | Prix\nSel | 2 | 1000 FC\nSavon | 5 | 2500 FC\nTotal | | 3500 FC\n"
        "1. Ouvrez le lien\n  - avec un navigateur\n2. Tapez le code\n"
        "<https://wa.me/243810000000>\nSe désabonner <https://service.example/unsub?u=1>"
    )


@pytest.mark.parametrize("more", [0, 5_000])
def test_a_page_that_hides_everything_is_read(more: int) -> None:
    page = "<style>p{display:none}</style><p>Prix&nbsp;: 500 FC</p>" + "<!---->" * more
    assert html_to_text(page) == "Prix : 500 FC"


def test_lists_quotations_and_tables_of_one_page_stand_apart() -> None:
    page = (
        "<p>Ordre du jour&nbsp;:</p><ol start=3><li>Eau</li><li>École<ol type=a><li>toit</li></ol>"
        "</li></ol><dl><dt>Date</dt><dd>samedi</dd></dl><blockquote type=cite><div>Cité<br>deux"
        "</div></blockquote><pre>col1   col2\n  a      b</pre><table><tr><td>Nom:</td><td>Awa</td>"
        "</tr><tr><td>Âge:</td><td>30</td></tr></table><p>Ligne<br><br><br><br>après</p><hr>fin "
        "a<b>b</b>c &lt;tag&gt; *étoile* 2*3*4 snake_case_name"
    )
    assert html_to_text(page) == (
        "Ordre du jour :\n\n3. Eau\n4. École\n  a. toit\nDate\n  samedi\n> Cité\n> deux\n\n"
        "col1   col2\n  a      b\n\nNom: Awa\nÂge: 30\n\nLigne\n\naprès\n\n---\n"
        "fin abc <tag> *étoile* 2*3*4 snake_case_name"
    )
