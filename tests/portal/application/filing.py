"""The shortest way to an application in any state, through the project's own doors."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from payouts.exchange.port import Account, ExchangeUnavailable
from portal.application import actions, course, documents, queries, steps
from portal.application.models import Application, RejectionReason, State, TimelineEntry
from tests import make
from tests.portal.application import papers

FILLED: dict[str, dict[str, Any]] = {
    "business": {
        "legal_name": "Meridian Terminal AG",
        "country": "CH",
        "registration_number": "CHE-123.456.789",
        "website": "https://meridian.example.com",
        "platform_type": "trading_terminal",
    },
    "contact": {
        "contact_name": "Olga Keller",
        "contact_position": "Chief operating officer",
        "contact_email": "olga@example.com",
        "contact_phone": "",
    },
    "account": {"account_id": "BP-1"},
    "integration": {
        "trades_spot": True,
        "trades_futures": True,
        "expected_volume": Decimal("5000000.00"),
        "user_base": 12_000,
        "order_submission": "users_keys",
        "integration_notes": "",
    },
}


class Accounts:
    """An exchange that knows these accounts; None for one that does not exist, "down" for an outage."""

    def __init__(self, **accounts: str | None) -> None:
        self.accounts = {name.replace("_", "-"): kind for name, kind in accounts.items()}
        self.asked: list[str] = []

    def account(self, account_id: str) -> Account | None:
        self.asked.append(account_id)
        kind = self.accounts.get(account_id)
        if kind == "down":
            raise ExchangeUnavailable("down")
        if kind is None:
            return None
        return Account(account_id, is_business=kind != "personal", is_affiliate=kind == "affiliate")


def of(reference: Any) -> Application:
    """The application as it is now."""
    return Application.objects.get(reference=reference)


def address(reference: Any, rest: str = "") -> str:
    return f"/applications/{reference}/{rest}"


def draft(login: Any = None, *, now: datetime = make.NOW) -> UUID:
    return actions.start(login=login or make.login(), now=now)


def save(
    reference: UUID, slug: str, *, now: datetime = make.NOW, answer: str | None = None, **values: Any
) -> Application:
    """Save a step as a page that was just opened would."""
    application = Application.objects.get(reference=reference)
    return actions.save_step(
        reference=reference,
        slug=slug,
        values=values,
        shown=queries.mark(application, slug),
        now=now,
        answer=answer,
    )


def declare(reference: UUID, *, now: datetime = make.NOW) -> Application:
    application = Application.objects.get(reference=reference)
    return actions.save_declarations(
        reference=reference,
        is_no_affiliate=True,
        accepts_terms=True,
        address="203.0.113.7",
        shown=queries.mark(application, "declarations"),
        now=now,
    )


def complete(login: Any = None, *, answer: str | None = "business", now: datetime = make.NOW) -> UUID:
    """A draft that lacks nothing."""
    reference = draft(login, now=now)
    for slug, values in FILLED.items():
        save(reference, slug, now=now, answer=answer if slug == "account" else None, **values)
    document(reference, now=now)
    declare(reference, now=now)
    return reference


def document(
    reference: UUID, *, kind: str = "registration", content: bytes = b"", now: datetime = make.NOW
) -> UUID:
    upload = documents.Upload(kind, "certificate.pdf", content or papers.pdf())
    return documents.add(reference=reference, upload=upload, now=now).reference


def submitted(login: Any = None, *, answer: str | None = "business", now: datetime = make.NOW) -> UUID:
    reference = complete(login, answer=answer, now=now)
    actions.submit(reference=reference, seen=None, asked=None, now=now)
    return reference


def asked(
    login: Any = None, *, staff: Any = None, question: str = "Which exchanges?", now: datetime = make.NOW
) -> UUID:
    """An application of which a reviewer wants to know something."""
    reference = submitted(login, now=now)
    by = staff or make.login(email="rita@backpack.exchange", is_staff=True)
    _reviewed(reference, State.IN_REVIEW, TimelineEntry.Kind.REVIEW_STARTED, by=by, now=now)
    _reviewed(
        reference,
        State.INFORMATION_REQUESTED,
        TimelineEntry.Kind.INFORMATION_REQUESTED,
        by=by,
        now=now + timedelta(hours=1),
        text=question,
    )
    return reference


def rejected(
    login: Any = None,
    *,
    reapply_from: date = date(2026, 12, 24),
    message: str = "We could not see a platform.",
    now: datetime = make.NOW,
) -> UUID:
    reference = submitted(login, now=now)
    by = make.login(email="rita@backpack.exchange", is_staff=True)
    _reviewed(
        reference,
        State.REJECTED,
        TimelineEntry.Kind.REJECTED,
        by=by,
        now=now,
        text=message,
        decided_at=now,
        decided_by=by,
        rejection_reason=RejectionReason.NOT_A_PLATFORM,
        decision_message=message,
        reapply_from=reapply_from,
    )
    return reference


def approved(login: Any = None, *, code: int = 2300, now: datetime = make.NOW) -> UUID:
    reference = submitted(login, now=now)
    by = make.login(email="rita@backpack.exchange", is_staff=True)
    broker = make.broker(code=code, name="Meridian Terminal AG")
    _reviewed(
        reference,
        State.APPROVED,
        TimelineEntry.Kind.APPROVED,
        by=by,
        now=now,
        decided_at=now,
        decided_by=by,
        broker=broker,
    )
    return reference


def posted(slug: str, application: Application, **changes: Any) -> dict[str, Any]:
    """What a browser sends for a step that was just opened, filled in."""
    values = {name: value for name, value in (FILLED.get(slug, {}) | changes).items() if value is not False}
    return {"shown": steps.digest(slug, vars(application))} | {
        name: "on" if value is True else str(value) for name, value in values.items()
    }


def _reviewed(
    reference: UUID,
    state: State,
    kind: TimelineEntry.Kind,
    *,
    by: Any,
    now: datetime,
    text: str = "",
    **fields: Any,
) -> None:
    application = Application.objects.get(reference=reference)
    application.state = state
    for name, value in fields.items():
        setattr(application, name, value)
    course.took(application, kind, by=by, now=now, text=text)
