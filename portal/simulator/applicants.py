"""Businesses that apply in the demo, so that the queue and the pages of applicants have something to show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.accounts import actions as accounts
from portal.accounts.models import User
from portal.application import actions, documents, queries, review
from portal.application.models import Application, RejectionReason
from portal.simulator import papers
from portal.simulator.people import PASSWORD

REVIEWER = "reviewer@exchange.example"


@dataclass(frozen=True, slots=True)
class Applicant:
    email: str
    name: str
    company: str
    country: str
    number: str
    website: str
    platform: str
    account_id: str
    volume: int
    users: int
    #: Days before now on which it applied.
    days_ago: int
    #: How far it came: draft, submitted, asked, rejected.
    course: str


APPLICANTS = (
    Applicant(
        "ines@fathomline.example", "Ines Carvalho", "Fathomline Lda", "PT", "516 204 883",
        "https://fathomline.example", "trading_terminal", "BP-900101", 8_000_000, 3_100, 6, "submitted",
    ),
    Applicant(
        "jonas@halyard.example", "Jonas Wirth", "Halyard Quant GmbH", "DE", "HRB 240117",
        "https://halyard.example", "algorithmic_trading_platform", "BP-900102", 42_000_000, 45, 2, "asked",
    ),
    Applicant(
        "mei@kitestone.example", "Mei Tanaka", "Kitestone KK", "JP", "0104-01-158837",
        "https://kitestone.example", "trading_bots", "BP-900103", 3_500_000, 12_400, 1, "submitted",
    ),
    Applicant(
        "tom@brightshore.example", "Tom Ellery", "Brightshore Referrals Ltd", "GB", "14588210",
        "https://brightshore-deals.example", "other", "BP-920104", 900_000, 60_000, 20, "rejected",
    ),
    Applicant(
        "lea@quillon.example", "Léa Fournier", "Quillon SAS", "FR", "",
        "https://quillon.example", "social_trading_platform", "", 0, 0, 0, "draft",
    ),
)  # fmt: skip


def seed(*, now: datetime) -> int:
    """Let those apply who have not yet, through the portal's own actions; how many did."""
    made = 0
    for each in APPLICANTS:
        login = User.objects.filter(email=each.email).first()
        if login is None:
            login = accounts.create_login(email=each.email, name=each.name, password=PASSWORD, now=now)
        if not Application.objects.filter(applicant=login).exists():
            _applies(each, login, now - timedelta(days=each.days_ago, hours=3))
            made += 1
    return made


def _applies(applicant: Applicant, login: Any, at: datetime) -> None:
    reference = actions.start(login=login, now=at)
    platform = {"platform_type": applicant.platform}
    if applicant.platform == "other":
        platform["platform_other"] = "A site that compares exchanges"
    _save(
        reference, "business", at,
        legal_name=applicant.company, country=applicant.country, registration_number=applicant.number,
        website=applicant.website, **platform,
    )  # fmt: skip
    if applicant.course == "draft":
        return
    _save(
        reference, "contact", at,
        contact_name=applicant.name, contact_position="Managing director", contact_email=applicant.email,
    )  # fmt: skip
    _save(reference, "account", at, account_id=applicant.account_id)
    _save(
        reference, "integration", at,
        trades_spot=True, trades_futures=True, expected_volume=Decimal(applicant.volume),
        user_base=applicant.users, order_submission="users_keys",
    )  # fmt: skip
    paper = documents.Upload("registration", "certificate.pdf", papers.empty_pdf())
    documents.add(reference=reference, upload=paper, now=at)
    actions.save_declarations(
        reference=reference,
        is_no_affiliate=True,
        accepts_terms=True,
        address="203.0.113.7",
        shown=_shown(reference, "declarations"),
        now=at,
    )
    actions.submit(reference=reference, seen=None, asked=None, now=at)
    if applicant.course in ("asked", "rejected"):
        _reviewed(applicant, reference, at + timedelta(hours=2))


def _reviewed(applicant: Applicant, reference: UUID, at: datetime) -> None:
    reviewer = User.objects.get(email=REVIEWER)
    review.take(reference=reference, holder=None, by=reviewer, now=at)
    seen = Application.objects.values_list("version", flat=True).get(reference=reference)
    if applicant.course == "asked":
        text = "Which exchanges does your platform trade on today, and who are the owners above 25 %?"
        review.ask(reference=reference, seen=seen, text=text, by=reviewer, now=at)
        return
    review.reject(
        reference=reference,
        seen=seen,
        reason=RejectionReason.AFFILIATE,
        message=review.MESSAGES[RejectionReason.AFFILIATE],
        reapply_from=at.date(),
        by=reviewer,
        now=at,
    )


def _save(reference: UUID, slug: str, at: datetime, **values: Any) -> None:
    actions.save_step(reference=reference, slug=slug, values=values, shown=_shown(reference, slug), now=at)


def _shown(reference: UUID, slug: str) -> str:
    return queries.mark(Application.objects.get(reference=reference), slug)
