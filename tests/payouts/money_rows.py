"""A sound book in which everything about money has happened once, written row by row as the owner.

Independent of the engine's actions on purpose: what the books and the database's guards say of these rows
they say of rows, whoever wrote them. Every fill is worth 10,000 USD and charged 10 USD, so that it earns 2.00
at BKR 0.

    1400  September 2.00, credited · October 2.00 and a late fill of September 2.00 and an adjustment of 1.00:
          the first attempt was rejected, of the second nobody knows · one fill of October is voided
    1500  September 4.00, held, released without the suspended days' 2.00, to be sent · October 2.00, held
    1600  September 2.00, held by its termination, forfeited
    1700  September nothing and an adjustment of -3.00: carried · October 2.00 and -3.00: carried
    1800  September nothing: nil · October parked
"""

from datetime import UTC, date, datetime
from typing import Any

import psycopg

from payouts.desk import old_statements
from payouts.models import Fill, StandingChange, Statement
from payouts.statements import faces
from portal.accounts.models import User
from tests import make
from tests.payouts import owner

SEP, OCT = date(2026, 9, 1), date(2026, 10, 1)
APPROVED = datetime(2026, 10, 2, 9, tzinfo=UTC)
OCTOBER_APPROVED = datetime(2026, 11, 2, 9, tzinfo=UTC)
DIGEST = "d" * 64
KEYS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 4)]

#: What writes the history of payouts.
_RECORDING = (
    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'payout'::regclass AND tgname LIKE 'pgtrigger_insert%'"
)

Connection = psycopg.Connection[tuple[Any, ...]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


class Rows:
    """Inserts by name of table and column, and remembers the numbers that the database gave."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pia, self.quentin = _people()

    def add(self, table: str, **values: Any) -> int:
        columns, places = ", ".join(f'"{each}"' for each in values), ", ".join(["%s"] * len(values))
        has_id = table not in ("payout_line",)
        made = self.connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({places})" + (" RETURNING id" if has_id else ""),  # type: ignore[arg-type]
            list(values.values()),
        )
        row = made.fetchone() if has_id else None
        return int(row[0]) if row else 0

    def payout(self, run: int, broker: int, fills: int, **changes: Any) -> int:
        """A payout of a month with one line of so many fills, calculated from every batch that there was."""
        earned = 2 * fills
        batches = "{[1,1000)}" if fills else "{}"
        number = self.add(
            "payout",
            **{
                "run_id": run, "broker_id": broker, "account_id": f"ACC{broker:05d}", "tier": "BKR 0",
                "rebate": "0.2", "spot_volume": 10_000 * fills, "futures_volume": 0, "volume": 10_000 * fills,
                "fills": fills, "fees": 10 * fills, "amount": earned, "payout": earned, "terms": "2025-09",
                "state": "calculated", "watermark": batches, "voids": "{}", "corrections": 0, "withheld": 0,
                "input_digest": DIGEST, "digest": "",
            } | changes,
        )  # fmt: skip
        self.line(number, fills)
        return number

    def line(self, payout: int, fills: int, trader: int = 7) -> None:
        if fills:
            self.add(
                "payout_line", payout_id=payout, trader=trader, market="spot", fee_rate="0.001",
                affiliate_rate=0, fills=fills, volume=10_000 * fills, fees=10 * fills, applied_rate="0.2",
                bound_by="tier", amount=2 * fills,
            )  # fmt: skip

    def approved(
        self, when: datetime, *, due: int, state: str = "approved", **changes: Any
    ) -> dict[str, Any]:
        """The columns of a payout that one person prepared and another approved."""
        return {
            "state": state, "prepared_by_id": self.pia, "prepared_at": when, "approved_by_id": self.quentin,
            "approved_at": when, "adjustments": 0, "carried": 0, "due": due, "digest": DIGEST,
        } | changes  # fmt: skip

    def booked(
        self, kind: str, broker: int, reference: str, *, month: date | None = None, **accounts: int
    ) -> int:
        number = self.add(
            "ledger_transaction", kind=kind, broker_id=broker, month=month, reference=reference,
            at=APPROVED, note="",
        )  # fmt: skip
        for account, amount in accounts.items():
            self.add("ledger_entry", transaction_id=number, broker_id=broker, account=account, amount=amount)
        return number

    def proposal(self, kind: str, broker: int, state: str = "confirmed", **changes: Any) -> int:
        decided = {"decided_by_id": self.quentin, "decided_at": APPROVED} if state != "prepared" else {}
        return self.add(
            "money_proposal",
            **{
                "kind": kind, "broker_id": broker, "state": state, "mode": "", "credit_id": "", "text": "",
                "note": "why", "digest": DIGEST, "prepared_by_id": self.pia, "prepared_at": APPROVED,
            } | decided | changes,
        )  # fmt: skip

    def attempt(self, payout: int, number: int, amount: int, state: str, **changes: Any) -> int:
        return self.add(
            "credit_attempt",
            **{
                "payout_id": payout, "number": number, "key": KEYS[0], "account_id": "ACC01400",
                "amount": amount, "state": state, "created_at": at("10-03T09:00"), "asks": 0, "fence": 1,
                "sent_at": at("10-03T09:00"), "credit_id": "", "detail": "",
            } | changes,
        )  # fmt: skip


def _people() -> tuple[int, int]:
    found = [User.objects.get_or_create(email=f"{name}@exchange.example")[0] for name in ("pia", "quentin")]
    return int(found[0].pk), int(found[1].pk)


def _fill(broker: int, when: str, **changes: Any) -> None:
    record = {"brokerId": broker, "price": "10000", "timestamp": f"2026-{when}Z"} | changes
    make.fills(make.record(**record), now=at(when))


def write() -> dict[str, int]:
    """Write the book into the database that Django uses now; the numbers of its rows by what they are."""
    for code in (1400, 1500, 1600, 1700, 1800):
        make.broker(code=code)
    for code, when in (
        (1400, "09-10T12:00:00"), (1500, "09-10T12:00:00"), (1500, "09-20T12:00:00"),
        (1600, "09-10T12:00:00"), (1400, "10-10T12:00:00"), (1500, "10-10T12:00:00"),
        (1700, "10-10T12:00:00"),
    ):  # fmt: skip
        _fill(code, when)
    make.fills(make.record(systemOrderType="FutureExpiry"), make.record(brokerId=9999))
    suspended = make.suspended(StandingChange.objects.filter(broker=1500).get().broker, at("09-15T00:00"))
    make.lifted(suspended, at("10-12T00:00"))
    again = make.suspended(suspended.broker, at("11-01T00:00"))
    ended = make.terminated(StandingChange.objects.filter(broker=1600).get().broker, at("10-01T00:00"))
    cases = {"suspended": suspended.case_id, "again": again.case_id, "ended": ended.case_id}
    with owner.connected() as connection:
        owner.disarm(connection)
        for name in connection.execute(_RECORDING).fetchall():
            connection.execute(f"ALTER TABLE payout ENABLE TRIGGER {name[0]}")
        connection.execute("UPDATE standing_change SET recorded_at = effective_at WHERE kind = 'enrolled'")
        made = _write(Rows(connection), cases)
        owner.disarm(connection, again=True)
    return made | _statements(made)


def _statements(made: dict[str, int]) -> dict[str, int]:
    """What nobody writes by hand: signed documents, of every approved payout, with their CSV."""
    old_statements.issue_missing(clock=lambda: OCTOBER_APPROVED)
    for number in Statement.objects.values_list("pk", flat=True):
        faces.ensure(statement_id=number, kind="csv", now=OCTOBER_APPROVED)
    of = dict(Statement.objects.values_list("payout", "pk"))
    first, second = of[made["credited"]], of[made["sending"]]
    found = {"statement": first, "later_statement": second, "held_statement": of[made["held"]]}
    for kind in ("json", "csv"):
        face = faces.stored(second, kind)
        assert face is not None
        found[f"{kind}_face"] = face.id
    return found


def _write(rows: Rows, cases: dict[str, int]) -> dict[str, int]:
    made: dict[str, int] = dict(cases)
    september, october = (
        rows.add("month_run", month=month, calculated_at=when, terms="2025-09")
        for month, when in ((SEP, at("10-01T00:30")), (OCT, at("11-01T00:30")))
    )
    made |= {"september": september, "october": october}
    _credited(rows, made)
    _held(rows, made)
    _carried(rows, made)
    for run in (september, october):
        for code in (1400, 1500, 1600, 1700, 1800):
            parked = (run, code) == (october, 1800)
            rows.add(
                "run_item", run_id=run, broker_id=code, state="parked" if parked else "done", fence=1,
                attempts=1, reason="its account is unknown" if parked else "",
                next_step="Say which account it has." if parked else "", changed_at=at("11-01T00:30"),
            )  # fmt: skip
    return made


def _credited(rows: Rows, made: dict[str, int]) -> None:
    """1400: credited, corrected, adjusted, a fill voided, an attempt rejected and one unknown."""
    first = rows.payout(
        made["september"], 1400, 1, **rows.approved(APPROVED, due=2, state="credited"),
        watermark="{[1,2)}",
    )  # fmt: skip
    rows.booked("accrual", 1400, f"payout:{first}", month=SEP, owed=2, rebates=-2)
    rows.booked("credit", 1400, f"payout:{first}", owed=-2, credited=2)
    attempt = rows.attempt(first, 1, 2, "confirmed", credit_id="C-1", decided_at=at("10-03T09:01"))
    rows.add(
        "exchange_credit", credit_id="C-1", key=KEYS[0], account_id="ACC01400", amount=2,
        credited_at=at("10-03T09:00"), seen_at=at("10-05T03:00"),
    )  # fmt: skip
    for day in (3, 4):
        rows.add(
            "reconciliation", day=date(2026, 10, day), done_at=at("10-05T03:00"), due_at=at("10-05T03:00"),
            failures=0, fence=1, listed=0, listed_total=0, confirmed=0, confirmed_total=0,
        )  # fmt: skip
    _fill(1400, "09-11T12:00:00")  # late: after September was approved
    _fill(1400, "10-11T12:00:00")
    voided = rows.proposal("void", 1400)
    fill = Fill.objects.get(broker_code=1400, executed_at=at("10-11T12:00"))
    rows.add("proposed_void", proposal_id=voided, fill_id=fill.pk, executed_at=fill.executed_at)
    void = rows.add(
        "fill_void", fill_id=fill.pk, executed_at=fill.executed_at, broker_code=1400, trader=7,
        symbol=fill.symbol, market="spot", fee_rate="0.001", affiliate_rate=0, volume=10_000, fee=10,
        batch_id=fill.batch_id, proposal_id=voided, voided_at=APPROVED,
    )  # fmt: skip
    for table, key, value in (
        ("total_by_rate", "month", OCT), ("total_by_day", "day", date(2026, 10, 11)),
        ("total_by_hour", "hour", at("10-11T12:00")), ("total_by_month", "month", OCT),
    ):  # fmt: skip
        rows.connection.execute(
            f"UPDATE {table} SET fills = fills - 1, volume = volume - 10000, fees = fees - 10"  # type: ignore[arg-type]
            f" WHERE broker_code = 1400 AND {key} = %s",
            [value],
        )
    adjusted = rows.proposal("adjust", 1400, amount=1, text="goodwill")
    adjustment = rows.add(
        "adjustment", proposal_id=adjusted, broker_id=1400, amount=1, text="goodwill", at=APPROVED
    )
    rows.booked("adjustment", 1400, f"proposal:{adjusted}", owed=1, rebates=-1)
    second = rows.payout(
        made["october"], 1400, 1, voids=f"{{[{void},{void + 1})}}", corrections=2,
        **rows.approved(OCTOBER_APPROVED, due=5, state="sending", adjustments=1),
    )  # fmt: skip
    rows.add("payout_adjustment", adjustment_id=adjustment, payout_id=second)
    correction = rows.add(
        "payout_correction", payout_id=second, month=SEP, tier_before="BKR 0", tier_after="BKR 0", amount=2,
        cents=2, suspended=0,
    )  # fmt: skip
    rows.add(
        "correction_line", correction_id=correction, kind="late volume", trader=7, market="spot",
        fee_rate="0.001", affiliate_rate=0, fills=1, volume=10_000, fees=10, rate="0.2", amount=2,
    )  # fmt: skip
    bound = rows.add(
        "payout_bound", payout_id=second, name="young", value="2 months", limit="3 months", detail="{}"
    )
    said = rows.add(
        "bound_acknowledgement", payout_id=second, name="young", value="2 months", note="a new broker",
        by_id=rows.pia, at=APPROVED,
    )  # fmt: skip
    rows.booked("accrual", 1400, f"payout:{second}", month=OCT, owed=2, rebates=-2)
    rows.booked("correction", 1400, f"payout:{second}:2026-09", month=SEP, owed=2, rebates=-2)
    sent = {"created_at": at("11-03T09:00"), "sent_at": at("11-03T09:00"), "next_ask_at": None}
    rejected = rows.attempt(second, 1, 5, "rejected", key=KEYS[1], decided_at=at("11-03T10:00"), **sent)
    resolved = rows.proposal("resolve", 1400, attempt_id=rejected, mode="rejected")
    rows.connection.execute(
        "UPDATE credit_attempt SET decided_by_id = %s WHERE id = %s", [resolved, rejected]
    )
    unknown = rows.attempt(second, 2, 5, "unknown", key=KEYS[2], **sent)
    made |= {
        "credited": first, "confirmed": attempt, "sending": second, "unknown": unknown, "bound": bound,
        "rejected": rejected, "void": void, "correction": correction, "acknowledged": said,
        "adjustment": adjustment, "fill": fill.pk,
    }  # fmt: skip


def _held(rows: Rows, made: dict[str, int]) -> None:
    """1500: released without the suspended days, and held; 1600: forfeited."""
    first = rows.payout(
        made["september"], 1500, 2, **rows.approved(APPROVED, due=4), withheld=2
    )  # fmt: skip
    rows.booked("accrual", 1500, f"payout:{first}", month=SEP, owed=4, rebates=-4)
    rows.booked("hold", 1500, f"payout:{first}", owed=-4, held=4)
    hold = rows.add("payout_hold", payout_id=first, case_id=made["suspended"], held_at=at("10-01T01:00"))
    act = rows.proposal("release", 1500, payout_id=first, hold_id=hold, mode="without suspended days")
    release = rows.add(
        "payout_release", hold_id=hold, proposal_id=act, mode="without suspended days", withheld=2,
        suspended=2, released_at=at("10-13T09:00"),
    )  # fmt: skip
    rows.booked("forfeit", 1500, f"hold:{hold}", held=-2, rebates=2)
    rows.booked("release", 1500, f"hold:{hold}", held=-2, owed=2)
    second = rows.payout(made["october"], 1500, 1, **rows.approved(OCTOBER_APPROVED, due=2))
    rows.booked("accrual", 1500, f"payout:{second}", month=OCT, owed=2, rebates=-2)
    rows.booked("hold", 1500, f"payout:{second}", owed=-2, held=2)
    held = rows.add("payout_hold", payout_id=second, case_id=made["again"], held_at=at("11-01T01:00"))
    gone = rows.payout(made["september"], 1600, 1, **rows.approved(APPROVED, due=2, state="forfeited"))
    rows.booked("accrual", 1600, f"payout:{gone}", month=SEP, owed=2, rebates=-2)
    rows.booked("hold", 1600, f"payout:{gone}", owed=-2, held=2)
    last = rows.add("payout_hold", payout_id=gone, case_id=made["ended"], held_at=at("10-01T01:00"))
    forfeit = rows.proposal("forfeit", 1600, payout_id=gone)
    rows.add(
        "payout_release", hold_id=last, proposal_id=forfeit, mode="forfeited", withheld=0, suspended=0,
        released_at=at("10-13T09:00"),
    )  # fmt: skip
    rows.booked("forfeit", 1600, f"payout:{gone}", held=-2, rebates=2)
    nothing = rows.payout(made["october"], 1600, 0, **rows.approved(OCTOBER_APPROVED, due=0, state="nil"))
    made |= {"to_send": first, "hold": hold, "release": release, "held": second, "open_hold": held,
             "forfeited": gone, "nil": nothing, "released_by": act}  # fmt: skip


def _carried(rows: Rows, made: dict[str, int]) -> None:
    """1700: nothing or less is carried twice; 1800: nil, then parked."""
    act = rows.proposal("adjust", 1700, amount=-3, text="paid twice in 2025")
    adjustment = rows.add(
        "adjustment", proposal_id=act, broker_id=1700, amount=-3, text="paid twice in 2025", at=APPROVED
    )
    rows.booked("adjustment", 1700, f"proposal:{act}", owed=-3, rebates=3)
    first = rows.payout(
        made["september"], 1700, 0, **rows.approved(APPROVED, due=-3, state="carried", adjustments=-3)
    )
    rows.add("payout_adjustment", adjustment_id=adjustment, payout_id=first)
    second = rows.payout(
        made["october"], 1700, 1, **rows.approved(OCTOBER_APPROVED, due=-1, state="carried", carried=-3)
    )
    rows.booked("accrual", 1700, f"payout:{second}", month=OCT, owed=2, rebates=-2)
    rows.payout(made["september"], 1800, 0, **rows.approved(APPROVED, due=0, state="nil"))
    parked = rows.payout(made["october"], 1800, 0, state="parked", input_digest="")
    made |= {"carried": first, "carried_again": second, "parked": parked}
