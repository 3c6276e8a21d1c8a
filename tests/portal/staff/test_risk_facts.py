"""Whose names, accounts, domains and addresses meet."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.application.review_queue import sent
from portal.application.risk_facts import card_of, cards
from tests import make
from tests.portal.staff import make_review as make_

pytestmark = pytest.mark.django_db


def said(application: Any) -> list[tuple[str, list[str]]]:
    return [(each.text, [match.name for match in each.matches]) for each in card_of(application).findings]


def test_a_business_that_shares_nothing_has_no_finding() -> None:
    make_.application()
    make.broker()

    assert said(make_.application()) == []


def test_the_name_of_a_broker_in_another_spelling_is_found() -> None:
    make.broker(code=1400, name="DELTA TERMINAL LTD")

    found = said(make_.application(legal_name="Delta-Terminal Limited"))

    assert found == [("The same company is here already.", ["DELTA TERMINAL LTD (1400), broker"])]


def test_the_account_of_a_broker_is_found() -> None:
    make.broker(code=1400, name="Gamma", account_id="BUS1")

    assert said(make_.application(account_id="bus1")) == [
        ("The same exchange account is here already.", ["Gamma (1400), broker"])
    ]


def test_a_registration_number_counts_within_its_country_only() -> None:
    make_.application(legal_name="Gamma", country="SG", registration_number="007-K")

    same = make_.application(country="SG", registration_number="7K")
    elsewhere = make_.application(country="CH", registration_number="7K")

    assert said(same) == [("The same company is here already.", ["Gamma, application, submitted"])]
    assert said(elsewhere) == []


def test_website_mail_domain_and_address_of_another_applicant_are_found() -> None:
    make_.application(
        legal_name="Gamma",
        website="https://gamma.example",
        contact_email="g@gamma.example",
        terms_address="198.51.100.7",
    )

    found = said(
        make_.application(
            website="http://app.gamma.example/x",
            contact_email="h@gamma.example",
            terms_address="198.51.100.7",
        )
    )

    assert ("The same website is here already.", ["Gamma, application, submitted"]) in found
    assert ("Others use the same e-mail domain.", ["Gamma, application, submitted"]) in found
    assert (
        "Others accepted the terms from the same internet address.",
        ["Gamma, application, submitted"],
    ) in found


def test_a_free_mail_provider_is_no_shared_domain() -> None:
    make_.application(contact_email="g@gmail.com")

    texts = [text for text, _matches in said(make_.application(contact_email="h@gmail.com"))]

    assert "Others use the same e-mail domain." not in texts


def test_drafts_are_nobodys_business() -> None:
    make_.application(legal_name="Gamma", state="draft")

    assert said(make_.application(legal_name="Gamma")) == []


def test_who_applies_again_is_no_duplicate_but_was_rejected_before() -> None:
    anna = make.login(email="anna@gamma.example", joined_at=make_.SENT - timedelta(days=9))
    same = {"legal_name": "Gamma", "applicant": anna, "contact_email": "a@gamma.example"}
    same["website"] = "https://gamma.example"
    make_.application(
        **same, state="rejected", decided_at=make_.SENT, rejection_reason="other", decision_message="no",
        reapply_from="2026-11-20",
    )  # fmt: skip

    assert said(make_.application(**same)) == [
        ("This login was rejected before.", ["Gamma, application, rejected"])
    ]


def test_a_disposable_address_is_known() -> None:
    found = said(make_.application(contact_email="x@mailinator.com"))

    assert ("mailinator.com gives out disposable e-mail addresses.", []) in found


def test_cards_of_thirty_cost_as_much_as_a_card_of_one() -> None:
    for _ in range(30):
        make_.application()
    made = list(sent())

    with CaptureQueriesContext(
        connection,
    ) as for_one:
        cards(made[:1])
    with CaptureQueriesContext(connection) as for_all:
        cards(made)

    assert (len(for_one), len(for_all)) == (2, 2)
