"""What the risk card finds, and what it leaves alone."""

from datetime import date, timedelta

import pytest

from portal.application.country_rules import RULES, Advice, CountryRule
from portal.application.risk import (
    Facts,
    Finding,
    Level,
    Match,
    domain_of_website,
    findings,
    level_of,
    registrable,
    same_name,
    same_number,
)

CLEAN = Facts(
    country="SG",
    website="https://www.delta.example/",
    contact_email="anna@delta.example",
    applicant_email="anna@delta.example",
    login_age=timedelta(days=3),
)


def said(**changes: object) -> list[tuple[str, str]]:
    facts = {name: getattr(CLEAN, name) for name in Facts.__slots__} | changes
    return [(each.level.word, each.text) for each in findings(Facts(**facts))]  # type: ignore[arg-type]


def test_an_ordinary_business_has_no_finding_and_a_low_risk() -> None:
    assert findings(CLEAN) == []
    assert level_of([]) is Level.LOW


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        ("affiliate", "high", "The account is enrolled in the Affiliate Program, which excludes this one."),
        ("missing", "high", "The exchange knows no such account."),
        ("not_business", "high", "The account is personal, not a business account."),
        ("unanswered", "low", "The exchange has not answered yet about the account."),
    ],
)
def test_what_the_exchange_answered_counts(answer: str, level: str, text: str) -> None:
    assert said(exchange_answer=answer) == [(level, text)]


def test_a_country_under_a_call_for_action_is_a_high_risk_and_names_its_source() -> None:
    found = findings(Facts(country="KP"))

    assert found == [
        Finding(
            Level.HIGH,
            "KP: refuse, countermeasures are called for.",
            "FATF, High-Risk Jurisdictions subject to a Call for Action; not yet confirmed by compliance",
        )
    ]


def test_a_country_to_look_at_closely_is_a_medium_risk() -> None:
    assert said(country="MM") == [("medium", "MM: look closely, enhanced due diligence is called for.")]


MATCH = (Match("Delta (1400), broker", code=1400),)


@pytest.mark.parametrize(
    ("shared", "level"),
    [
        ("same_company", "high"),
        ("same_account", "high"),
        ("same_website", "medium"),
        ("same_contact_domain", "medium"),
        ("same_address", "low"),
        ("earlier_rejections", "medium"),
    ],
)
def test_whatever_is_shared_with_another_is_found_with_whom(shared: str, level: str) -> None:
    (found,) = findings(Facts(**{shared: MATCH}))  # type: ignore[arg-type]

    assert (found.level.word, found.matches) == (level, MATCH)


def test_a_disposable_address_is_a_high_risk() -> None:
    assert said(disposable=frozenset({"mailinator.com"})) == [
        ("high", "mailinator.com gives out disposable e-mail addresses.")
    ]


def test_a_contact_at_a_free_provider_is_a_low_risk_and_no_conflict_with_the_website() -> None:
    assert said(contact_email="delta@gmail.com", applicant_email="delta@gmail.com") == [
        ("low", "The contact's address is at gmail.com, where anybody has one.")
    ]


def test_a_contact_at_another_domain_than_the_website_is_a_medium_risk() -> None:
    assert said(contact_email="anna@gamma.example", applicant_email="anna@gamma.example") == [
        ("medium", "The contact's e-mail is at gamma.example, the website at delta.example.")
    ]


def test_a_subdomain_of_the_same_business_is_no_conflict() -> None:
    assert said(website="https://app.delta.example/", contact_email="anna@mail.delta.example") == []


def test_a_login_at_another_domain_than_the_contact_is_a_low_risk() -> None:
    assert said(applicant_email="anna@gamma.example") == [
        ("low", "The login's e-mail is at gamma.example, the contact's at delta.example.")
    ]


def test_an_application_sent_minutes_after_the_login_was_made_is_a_low_risk() -> None:
    assert said(login_age=timedelta(minutes=4)) == [("low", "Sent 4 minutes after the login was made.")]
    assert said(login_age=timedelta(minutes=10)) == []


def test_the_gravest_comes_first_and_names_the_level() -> None:
    found = findings(Facts(country="MM", exchange_answer="affiliate", login_age=timedelta(0)))

    assert [each.level.word for each in found] == ["high", "medium", "low"]
    assert level_of(found) is Level.HIGH


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Delta Terminal Ltd.", "DELTA TERMINAL LIMITED"),
        ("Délta-Terminal GmbH", "delta terminal"),
        ("Delta Terminal Pte. Ltd.", "Delta Terminal"),
        ("Delta Terminal S.A.", "Delta Terminal SA"),
        ("O'Neill Bots Inc", "ONEILL BOTS, INC."),
    ],
)
def test_names_are_compared_without_case_accents_signs_and_legal_form(one: str, other: str) -> None:
    assert same_name(one) == same_name(other)


def test_other_names_stay_apart() -> None:
    assert same_name("Delta Terminal Ltd") != same_name("Delta Terminals Ltd")
    assert same_name("Limited") == "limited"  # a name that is all legal form keeps a word


def test_registration_numbers_are_compared_without_signs_and_leading_zeros() -> None:
    assert same_number("00-123.456/K") == same_number("123456k") == "123456k"


@pytest.mark.parametrize(
    ("domain", "owner"),
    [
        ("app.delta.example", "delta.example"),
        ("app.delta.co.uk", "delta.co.uk"),
        ("delta.co.uk", "delta.co.uk"),
        ("delta.io", "delta.io"),
        ("", ""),
    ],
)
def test_the_registered_part_of_a_domain(domain: str, owner: str) -> None:
    assert registrable(domain) == owner


@pytest.mark.parametrize(
    ("website", "domain"),
    [
        ("https://www.Delta.example:8443/path?x=1", "delta.example"),
        ("delta.example", "delta.example"),
        ("", ""),
        ("https://[broken", ""),
    ],
)
def test_the_domain_of_a_website(website: str, domain: str) -> None:
    assert domain_of_website(website) == domain


def test_a_rule_that_compliance_has_confirmed_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = CountryRule(Advice.LOOK_CLOSELY, "why", "Source", confirmed_on=date(2026, 11, 20))
    monkeypatch.setitem(RULES, "MM", rule)

    assert findings(Facts(country="MM")) == [
        Finding(Level.MEDIUM, "MM: look closely, why.", "Source, confirmed 2026-11-20")
    ]
