"""What can be typed into the steps, and what is said to what cannot."""

from decimal import Decimal
from typing import Any

import pytest

from portal.application.forms import BusinessForm, ContactForm, DeclarationsForm, IntegrationForm

UNSEEN = "This holds a character that cannot be seen: delete it and type the text anew."
DOLLARS = "Write dollars in digits, for example 5,000,000."
WEBSITE = "Write the address of your website, like https://example.com."
NEEDED = "This is needed before you can submit."


def kept(form: Any) -> dict[str, Any]:
    form.is_valid()
    return form.kept


def errors(form: Any, name: str) -> list[str]:
    return list(form.errors.get(name, []))


def test_names_are_trimmed_and_their_spaces_made_single() -> None:
    assert (
        kept(BusinessForm({"legal_name": "  Meridian   Terminal AG "}))["legal_name"]
        == "Meridian Terminal AG"
    )


@pytest.mark.parametrize(
    "name", ["a\u202eb", "a\u0007b", "a\u2066b", "a\u200fb", "a\nb", "a\u2028b", "a\ue000b"]
)
def test_characters_that_cannot_be_seen_are_refused(name: str) -> None:
    form = BusinessForm({"legal_name": name})

    assert "legal_name" not in kept(form)
    assert errors(form, "legal_name") == [UNSEEN]


@pytest.mark.parametrize(
    "name", ["株式会社メリディアン", "Société Générale", "شركة", "O'Neill & Söhne <GmbH>", "👩‍💻"]
)
def test_names_of_the_world_are_taken(name: str) -> None:
    assert kept(BusinessForm({"legal_name": name}))["legal_name"] == name


@pytest.mark.parametrize(
    ("typed", "kept_as"),
    [
        ("https://meridian.example.com/about?x=1", "https://meridian.example.com/about?x=1"),
        ("http://example.com", "http://example.com"),
        ("example.com", "https://example.com"),
        ("https://bücher.example", "https://bücher.example"),
    ],
)
def test_a_website_is_an_address_of_the_web(typed: str, kept_as: str) -> None:
    assert kept(BusinessForm({"website": typed}))["website"] == kept_as


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "ftp://example.com",
        "file:///etc/passwd",
        "data:text/html,x",
        "https://",
        "https://localhost",
        "https://olga:secret@example.com",
        "https://exa mple.com",
        "//",
        "[]",
        "https://[::1",
        "https://[v1.x]",
        "//[",
    ],
)
def test_any_other_address_is_refused_beside_the_field(typed: str) -> None:
    form = BusinessForm({"website": typed})

    assert "website" not in kept(form)
    assert len(errors(form, "website")) == 1


def test_a_text_is_as_long_as_the_browser_counts_it() -> None:
    """A new line is one character there, and comes as two."""
    lines = "a\r\n" * 1_999 + "ab"

    assert len(kept(IntegrationForm({"integration_notes": lines}))["integration_notes"]) == 4_000
    assert errors(IntegrationForm({"integration_notes": lines + "c"}), "integration_notes") == [
        "Ensure this value has at most 4000 characters (it has 4001)."
    ]


def test_what_is_too_long_is_said_once() -> None:
    form = BusinessForm({"legal_name": "a" * 201, "website": "https://example.com/" + "a" * 281})

    assert errors(form, "legal_name") == ["Ensure this value has at most 200 characters (it has 201)."]
    assert errors(form, "website") == ["Ensure this value has at most 300 characters (it has 301)."]


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("$5,000,000", "5000000"),
        ("5000000", "5000000"),
        (" $ 1,234.50 ", "1234.50"),
        ("0", "0"),
        ("0.5", "0.5"),
        ("999999999999999", "999999999999999"),
    ],
)
def test_dollars_are_exact_and_take_commas(typed: str, amount: str) -> None:
    found = kept(IntegrationForm({"expected_volume": typed}))["expected_volume"]

    assert type(found) is Decimal
    assert found == Decimal(amount)


@pytest.mark.parametrize(
    "typed",
    ["5.000.000", "5,00", "5,0000", "-1", "1e9", "NaN", "Infinity", "five", "1.234", "٥٠", "1" * 16, "1,2,3"],
)
def test_what_is_no_amount_of_dollars_is_refused(typed: str) -> None:
    form = IntegrationForm({"expected_volume": typed})

    assert "expected_volume" not in kept(form)
    assert errors(form, "expected_volume") == [DOLLARS]


def test_other_needs_its_words() -> None:
    form = BusinessForm({"platform_type": "other"})
    form.is_valid()

    assert errors(form, "platform_other") == ["Say what it is, because you chose Other."]
    assert not form.is_wrong


def test_one_product_is_enough_and_none_is_not() -> None:
    nothing, spot = IntegrationForm({}), IntegrationForm({"trades_spot": "on"})
    nothing.is_valid(), spot.is_valid()

    assert nothing.missing_together == {"products": "Choose spot, futures or both before you submit."}
    assert spot.missing_together == {}


def test_an_empty_step_can_be_kept_and_says_what_it_lacks() -> None:
    form = ContactForm({})

    assert kept(form) == {
        "contact_name": "",
        "contact_position": "",
        "contact_email": "",
        "contact_phone": "",
    }
    assert errors(form, "contact_name") == [NEEDED]
    assert (form.is_wrong, form.is_complete) == (False, False)


def test_what_is_right_is_kept_beside_what_is_wrong() -> None:
    form = ContactForm({"contact_name": "Olga", "contact_email": "olga at example"})

    assert kept(form) == {"contact_name": "Olga", "contact_position": "", "contact_phone": ""}
    assert form.is_wrong


@pytest.mark.parametrize("country", ["XX", "ch", "Switzerland", "CHE"])
def test_a_country_is_one_of_iso(country: str) -> None:
    assert "country" not in kept(BusinessForm({"country": country}))
    assert kept(BusinessForm({"country": "CH"}))["country"] == "CH"


def test_terms_that_changed_since_they_were_shown_are_not_accepted() -> None:
    form = DeclarationsForm(
        {"accepts_terms": "on", "is_no_affiliate": "on", "terms": "2025-09"}, terms_in_force="2027-01"
    )

    assert kept(form)["accepts_terms"] is False
    assert errors(form, "accepts_terms") == ["The terms have changed: read them below and accept them anew."]
