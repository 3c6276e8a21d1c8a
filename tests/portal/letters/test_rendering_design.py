"""Every letter can be read wherever it is opened: light, dark, and with every style sheet taken out."""

import re

import pytest

from portal.letters.design import DARK, LIGHT
from portal.letters.kinds import KINDS
from tests.portal.letters.pages import Page
from tests.portal.letters.test_rendering import rendered

#: Together they have every piece that letters are made of.
PIECES = (
    "statement_ready",
    "staff_digest",
    "digest",
    "information_requested",
    "reset_password",
    "new_device",
)
#: Which dark colour the style sheet gives to what has a class; the last one that is said wins.
DARK_TEXT = {
    "text": DARK["text"],
    "muted": DARK["muted"],
    "link": DARK["accent"],
    "button": DARK["on_accent"],
}
DARK_GROUND = {
    "ground": DARK["ground"],
    "surface": DARK["surface"],
    "raised": DARK["raised"],
    "button": DARK["accent"],
}


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 measures it: from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def in_dark(classes: list[str], colours: dict[str, str]) -> str:
    """What the innermost element with a say has."""
    return [colours[name] for each in classes for name in each.split() if name in colours][-1]


def test_contrast_is_measured_as_the_standard_says():
    assert contrast("#ffffff", "#000000") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_its_inline_styles_alone_have_the_contrast_that_eyes_need(self, kind):
        page = Page(rendered(kind).html)

        assert {
            (text, colour, ground)
            for text, colour, ground, _ in page.shown
            if contrast(colour, ground) < 4.5 or {colour, ground} - set(LIGHT.values())
        } == set()

    def test_so_do_its_dark_colours(self, kind):
        page = Page(rendered(kind).html)

        assert {
            (text, in_dark(classes, DARK_TEXT), in_dark(classes, DARK_GROUND))
            for text, _, _, classes in page.shown
            if contrast(in_dark(classes, DARK_TEXT), in_dark(classes, DARK_GROUND)) < 4.5
        } == set()

    def test_loads_nothing_runs_nothing_and_counts_no_reader(self, kind):
        html = rendered(kind).html
        page = Page(html)

        assert set(page.tags) <= {
            "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "th", "td",
            "h1", "h2", "p", "a", "strong", "span", "br", "blockquote",
        }  # fmt: skip
        assert {"src", "srcset", "background", "action", "id"} & page.attributes == set()
        assert not [name for name in page.attributes if name.startswith("on")]
        assert "url(" not in html
        assert "@import" not in html
        assert "javascript:" not in html

    def test_has_one_heading_and_names_its_language(self, kind):
        made = rendered(kind)

        assert Page(made.html).tags.count("h1") == 1
        assert '<html lang="en" dir="ltr">' in made.html
        assert "<title>" in made.html

    def test_is_far_below_the_size_at_which_mail_programs_cut_letters(self, kind):
        assert len(rendered(kind).html.encode()) < 16_000  # Gmail cuts at 102 KB

    def test_outlook_gets_its_colours_and_sizes_as_attributes(self, kind):
        """Word's engine forgets the ground of a table that only a style names."""
        html = rendered(kind).html

        for cell in re.findall(r"<t[dh] [^>]*>", html):
            ground = re.search(r"background-color: (#[0-9a-f]{6})", cell)
            assert ground is None or f'bgcolor="{ground[1]}"' in cell
        assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 3
        assert 'width="600"' in html


def test_each_style_is_on_the_element_itself():
    for kind in PIECES:
        html = re.sub(r"<!--.*?-->", "", rendered(kind).html)
        for element in re.findall(r"<(?:p|h1|h2|td|th|a|body)\b[^>]*>", html):
            assert " style=" in element


def test_style_sheets_hold_colours_of_the_dark_and_the_narrow_screen_only():
    sheets = re.findall(r"<style>(.*?)</style>", rendered("statement_ready").html, re.DOTALL)

    outside = re.sub(r"@media [^{]*{(?:[^{}]*{[^{}]*})*[^{}]*}", "", "".join(sheets))
    rules = re.findall(r"([^{}]+){([^{}]*)}", outside)
    assert {selector.strip().split()[0] for selector, _ in rules} == {
        "table,", ":root", "[data-ogsb]", "[data-ogsc]",
    }  # fmt: skip


def test_a_table_of_facts_has_a_header_in_each_row_and_tables_for_the_layout_say_so():
    html = rendered("statement_ready").html

    assert html.count('<th scope="row"') == 5
    assert len(re.findall(r"<table(?! role)", html)) == 1


def test_tokens_are_those_of_the_portal(settings):
    tokens = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text(encoding="utf-8")

    for name in LIGHT:
        assert f"--{name.replace('_', '-')}: light-dark({LIGHT[name]}, {DARK[name]});" in tokens


def test_every_label_of_a_letter_is_given_to_the_translator(settings):
    for template in (settings.BASE_DIR / "templates" / "letters").rglob("*.txt"):
        text = template.read_text(encoding="utf-8")
        assert re.findall(r'{% fact (?!_\("|label)', text) == []
        for words in re.findall(r"{% (?:paragraph|heading|button \w+|page \w+|step \w+) %}(.*?){% end", text):
            assert words.startswith(("{% blocktranslate", "{% translate", "{% block why")), template.name
