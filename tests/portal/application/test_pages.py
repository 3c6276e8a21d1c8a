"""The applicant's pages up to submission: the way in, the steps, the account, the review."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from payouts.exchange.eligibility import AFFILIATE
from portal.application.models import Application, State
from tests import make
from tests.portal.application import filing
from tests.portal.application.filing import Accounts, address, of
from tests.portal.page_text import links_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "accounts")]

OUTAGE = (
    "Backpack Exchange does not answer at the moment; your application is saved, we ask again by ourselves;"
    " you can go on."
)


class TestTheWayIn:
    def test_nobody_is_shown_what_it_takes_and_where_to_sign_up(self) -> None:
        page = Client().get("/apply/")

        assert page.status_code == 200
        assert "About fifteen minutes." in text_of(page)
        assert {"/accounts/signup/?next=/apply/", "/accounts/login/?next=/apply/"} <= set(links_of(page))
        assert Client().post("/apply/").headers["Location"] == "/accounts/login/?next=/apply/"

    def test_start_makes_one_draft_however_often_it_is_pressed(self, client: Client) -> None:
        first, second = client.post("/apply/"), client.post("/apply/")

        made = Application.objects.get()
        assert first.headers["Location"] == second.headers["Location"] == address(made.reference, "business/")
        assert client.get("/apply/").headers["Location"] == address(made.reference)

    def test_a_refused_business_is_told_the_day_and_refused_before_it(
        self, client: Client, olga: Any
    ) -> None:
        filing.rejected(olga, reapply_from=date(2026, 12, 24))

        page, post = client.get("/apply/"), client.post("/apply/")

        assert "You may apply again from 24 December 2026" in text_of(page)
        assert "Start the application" not in text_of(page)
        assert post.status_code == 409
        assert Application.objects.count() == 1

    def test_after_the_day_it_starts_anew_filled_in(self, client: Client, olga: Any) -> None:
        old = filing.rejected(olga, reapply_from=date(2026, 11, 22))

        client.post("/apply/")

        new = Application.objects.exclude(reference=old).get()
        assert (
            'value="Meridian Terminal AG"' in client.get(address(new.reference, "business/")).content.decode()
        )


class TestTheSteps:
    @pytest.mark.parametrize("slug", ["business", "contact", "integration"])
    def test_a_step_that_is_complete_leads_to_the_next(self, client: Client, olga: Any, slug: str) -> None:
        reference = filing.draft(olga)
        following = {"business": "contact", "contact": "account", "integration": "documents"}[slug]

        answer = client.post(address(reference, f"{slug}/"), filing.posted(slug, of(reference)))

        assert answer.headers["Location"] == address(reference, f"{following}/")
        saved = of(reference)
        assert {name: getattr(saved, name) for name in filing.FILLED[slug]} == filing.FILLED[slug]

    def test_what_is_right_is_saved_and_what_is_wrong_stays_typed(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        sent = filing.posted("business", of(reference), website="ftp://x", legal_name="Right AG", country="")

        page = client.post(address(reference, "business/"), sent)

        assert page.status_code == 200
        assert 'value="ftp://x"' in page.content.decode()
        assert "What is right is saved." in text_of(page)
        assert "This is needed before you can submit." in text_of(page)
        assert (of(reference).legal_name, of(reference).website) == ("Right AG", "")

    def test_later_saves_and_leaves(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        sent = {
            "legal_name": "Half AG",
            "later": "1",
            "shown": filing.posted("business", of(reference))["shown"],
        }

        answer = client.post(address(reference, "business/"), sent)

        assert answer.headers["Location"] == address(reference)
        assert of(reference).legal_name == "Half AG"

    def test_two_tabs_with_the_same_step_show_each_other(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        opened = filing.posted("business", of(reference))
        client.post(address(reference, "business/"), opened | {"legal_name": "First tab AG"})

        page = client.post(address(reference, "business/"), opened | {"legal_name": "Second tab AG"})

        assert "First tab AG" in text_of(page)
        assert 'value="Second tab AG"' in page.content.decode()
        assert of(reference).legal_name == "First tab AG"
        mark = filing.posted("business", of(reference))["shown"]
        assert f'name="shown" value="{mark}"' in page.content.decode()

    @pytest.mark.parametrize("slug", ["business", "contact", "account", "integration", "documents"])
    def test_the_steps_say_what_is_missing(self, client: Client, olga: Any, slug: str) -> None:
        page = text_of(client.get(address(filing.draft(olga), f"{slug}/")))

        assert "The business 5 missing" in page
        assert "Documents 1 missing" in page

    def test_there_is_no_other_step(self, client: Client, olga: Any) -> None:
        assert client.get(address(filing.draft(olga), "nothing/")).status_code == 404

    def test_declarations_keep_the_terms_the_time_and_the_address(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        sent = {"is_no_affiliate": "on", "accepts_terms": "on", "terms": "2025-09"}
        shown = {"shown": filing.posted("declarations", of(reference))["shown"]}

        answer = client.post(address(reference, "declarations/"), sent | shown, REMOTE_ADDR="203.0.113.9")

        assert answer.headers["Location"] == address(reference, "submit/")
        declared = of(reference)
        assert (declared.is_no_affiliate, declared.terms_version, declared.terms_address) == (
            True,
            "2025-09",
            "203.0.113.9",
        )
        assert declared.terms_accepted_at == make.NOW

    def test_the_declaration_quotes_the_program(self, client: Client, olga: Any) -> None:
        page = text_of(client.get(address(filing.draft(olga), "declarations/")))

        assert AFFILIATE in page
        assert "min {Broker Rebate %, max{0, 50% - Affiliate Rebate %}}" in page
        assert "BKR 5 $100,000,000 50%" in page


class TestTheAccount:
    @pytest.mark.parametrize(
        ("account_id", "answer", "sentence"),
        [
            (
                "BP-2",
                "not_business",
                "This is a personal account: open up a business account at Backpack Exchange",
            ),
            ("BP-3", "affiliate", AFFILIATE),
            (
                "BP-9",
                "missing",
                "Backpack Exchange has no account with this id: copy it from the account's page.",
            ),
        ],
    )
    def test_an_account_that_may_not_join_is_said_beside_the_field(
        self, client: Client, olga: Any, account_id: str, answer: str, sentence: str
    ) -> None:
        reference = filing.draft(olga)
        sent = filing.posted("account", of(reference), account_id=account_id)

        page = client.post(address(reference, "account/"), sent)

        assert page.status_code == 200
        assert f"{account_id}: {sentence}" in text_of(page)
        assert (of(reference).account_id, of(reference).exchange_answer) == (account_id, answer)

    def test_a_business_account_leads_on_and_is_not_asked_about_again(
        self, client: Client, olga: Any, accounts: Accounts
    ) -> None:
        reference = filing.draft(olga)
        for _ in range(2):
            answer = client.post(address(reference, "account/"), filing.posted("account", of(reference)))
            assert answer.headers["Location"] == address(reference, "integration/")

        assert accounts.asked == ["BP-1"]

    def test_an_outage_is_said_saves_and_lets_go_on(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        sent = filing.posted("account", of(reference), account_id="BP-4")

        page = client.post(address(reference, "account/"), sent, follow=True)

        assert OUTAGE in text_of(page)
        assert page.redirect_chain == [(address(reference, "integration/"), 302)]
        saved = of(reference)
        assert (saved.account_id, saved.exchange_answer, saved.exchange_due_at) == (
            "BP-4",
            "unanswered",
            make.NOW,
        )

    def test_nobody_finds_out_about_accounts_by_trying(
        self, client: Client, olga: Any, accounts: Accounts
    ) -> None:
        reference = filing.draft(olga)
        for number in range(12):
            sent = filing.posted("account", of(reference), account_id=f"BP-{100 + number}")
            page = client.post(address(reference, "account/"), sent)

        assert page.status_code == 429
        assert "That was too often in a short time" in text_of(page)
        assert 'value="BP-111"' in page.content.decode()
        assert len(accounts.asked) == 10
        assert of(reference).account_id == "BP-109"


class TestSubmitting:
    def test_everything_is_on_one_screen_with_the_way_back(self, client: Client, olga: Any) -> None:
        reference = filing.complete(olga)

        page = client.get(address(reference, "submit/"))

        for words in (
            "Meridian Terminal AG",
            "Switzerland",
            "$5,000,000",
            "12,000",
            "certificate.pdf",
            "BP-1",
        ):
            assert words in text_of(page)
        assert address(reference, "business/") in links_of(page)
        assert "Submit the application" in text_of(page)

    def test_what_is_missing_is_said_and_cannot_be_submitted(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)

        page = client.get(address(reference, "submit/"))
        client.post(address(reference, "submit/"), {"seen": 0})

        assert "Not complete yet:" in text_of(page)
        assert "Submit the application" not in text_of(page)
        assert of(reference).state == State.DRAFT

    def test_it_is_submitted_and_the_day_is_said(self, client: Client, olga: Any) -> None:
        reference = filing.complete(olga)

        page = client.post(address(reference, "submit/"), {"seen": of(reference).version}, follow=True)

        assert of(reference).state == State.SUBMITTED
        assert "Somebody at Backpack looks at it by Wednesday 25 November 2026." in text_of(page)

    def test_an_account_that_became_an_affiliate_stops_it(
        self, client: Client, olga: Any, accounts: Accounts
    ) -> None:
        reference = filing.complete(olga, answer=None)
        accounts.accounts["BP-1"] = "affiliate"

        page = client.post(address(reference, "submit/"), {"seen": of(reference).version})

        assert AFFILIATE in text_of(page)
        assert (of(reference).state, of(reference).exchange_answer) == ("draft", "affiliate")

    def test_an_outage_does_not_hold_it_up_and_the_status_says_so(
        self, client: Client, olga: Any, accounts: Accounts
    ) -> None:
        reference = filing.complete(olga, answer=None)
        accounts.accounts["BP-1"] = "down"

        page = client.post(address(reference, "submit/"), {"seen": of(reference).version}, follow=True)

        assert (
            "Backpack Exchange has not answered about this account yet; we ask again by ourselves."
            in text_of(page)
        )
        assert (of(reference).state, of(reference).exchange_due_at) == ("submitted", make.NOW)

    def test_a_page_that_is_not_the_newest_is_shown_again(self, client: Client, olga: Any) -> None:
        reference = filing.complete(olga)
        seen = of(reference).version
        filing.save(reference, "business", legal_name="Changed AG")

        page = client.post(address(reference, "submit/"), {"seen": seen})

        assert "Changed AG" in text_of(page)
        assert "The application went on while this page was open" in text_of(page)
        assert of(reference).state == State.DRAFT
