"""What tests of standing and cases share: payouts, acts of the desk, pages and what is sent to them."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from payouts.desk import appeals, suspend, terminate
from payouts.desk.models import Appeal, Case, Termination
from payouts.models import Broker, Payout, Run, StandingChange
from tests import make
from tests.portal.application import papers

#: Long past by the clock of the pages, which is the real one.
THEN = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
MESSAGE, NOTE = "Orders were sent that nobody had asked for.", "Seen by the desk in Zug."


def payout(
    broker: Broker,
    month: str = "2026-10",
    amount: str = "123.45",
    *,
    approved_at: datetime | None = None,
    **fields: Any,
) -> Payout:
    """A payout as a month's calculation leaves it, written as a row."""
    run, _made = Run.objects.get_or_create(
        month=datetime.fromisoformat(f"{month}-01").date(),
        defaults={"calculated_at": THEN, "terms": "2026-11"},
    )
    given: dict[str, Any] = {
        "run": run,
        "broker": broker,
        "account_id": broker.account_id,
        "terms": "2025-09",
        "tier": "BKR 0",
        "rebate": Decimal("0.2"),
        "spot_volume": Decimal(1_000_000),
        "futures_volume": Decimal(0),
        "volume": Decimal(1_000_000),
        "fills": 7,
        "fees": Decimal(1_000),
        "amount": Decimal(amount),
        "payout": Decimal(amount),
    }
    made = Payout.objects.create(**given | fields)
    return make.approved(made, approved_at) if approved_at else made


def fill(at: str, **changes: Any) -> None:
    make.fills(make.record(timestamp=at, **changes))


def suspended(broker: Broker, by: Any, **changes: Any) -> StandingChange:
    """A suspension by the desk's own act."""
    given: dict[str, Any] = {
        "broker_code": broker.code,
        "reason": "conduct",
        "note": NOTE,
        "message": MESSAGE,
        "starts_at": None,
        "case_id": None,
        "by": by.pk,
        "now": THEN,
    }
    return suspend.suspend(**given | changes)


def prepared(broker: Broker, by: Any, **changes: Any) -> Termination:
    given: dict[str, Any] = {
        "broker_code": broker.code,
        "reason": "agreement",
        "note": NOTE,
        "message": "The User Agreement was violated.",
        "effective_at": None,
        "case_id": None,
        "by": by.pk,
        "now": THEN,
    }
    return terminate.prepare(**given | changes)


def appeal(change: StandingChange, by: Any, **changes: Any) -> Appeal:
    given: dict[str, Any] = {
        "broker_code": change.broker_id,
        "change_id": change.pk,
        "text": "The orders were ours.",
        "files": [],
        "by": by.pk,
        "now": THEN,
    }
    return appeals.open_appeal(**given | changes)


def changes() -> list[str]:
    """What became of the standing of every broker since the enrolments, in the order of recording."""
    return list(StandingChange.objects.exclude(kind="enrolled").order_by("pk").values_list("kind", flat=True))


def at_broker(broker: Broker, act: str) -> str:
    return f"/staff/payouts/broker/{broker.code}/{act}/"


def at_case(case: Case, act: str = "change") -> str:
    return f"/staff/payouts/case/{case.pk}/{act}/"


def lift_of(change: StandingChange) -> str:
    return at_broker(change.broker, f"standing/{change.pk}/lift")


def at_termination(found: Termination, act: str) -> str:
    return at_broker(found.broker, f"terminations/{found.pk}/{act}")


def asked(**changes: str) -> dict[str, str]:
    """The first form of a suspension or a termination, as a browser sends it."""
    return {
        "reason": "conduct",
        "at": "",
        "message": MESSAGE,
        "note": NOTE,
        "case": "",
        "step": "preview",
    } | changes


def shown_by(answer: Any) -> str:
    """The digest that a page carries."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', answer.content.decode())
    assert found is not None, answer.content.decode()
    return found[1]


def done(client: Client, address: str, *files: SimpleUploadedFile, **changes: str) -> Any:
    """Both steps: the preview, and the button under what it shows."""
    preview = client.post(address, asked(**changes))
    assert preview.status_code == 200, preview.content.decode()
    sent: dict[str, Any] = asked(**changes) | {"step": "do", "shown": shown_by(preview)}
    return client.post(address, sent | ({"attachments": list(files)} if files else {}))


def pdf(name: str = "orders.pdf", content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or papers.pdf(), content_type="application/pdf")


def facts(answer: Any) -> dict[str, str]:
    """The labelled values of a page, as text."""
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", answer.content.decode(), re.S)
    return {text(label): text(value) for label, value in pairs}


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", re.sub(r"</(t[hdr]|li)>", " ", html)).split())
