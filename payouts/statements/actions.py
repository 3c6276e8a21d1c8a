"""Issues statements: the document of an approved payout, numbered, signed and kept as bytes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import connection

from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.models import Payout
from payouts.refusal import Refusal
from payouts.statements import building, document, signature, verify_statement
from payouts.statements.document import Adjusted, Approval, Document
from payouts.statements.models import Face, FacePart, SigningKey, Statement

_PARTS_AT_A_TIME = 8


class DoesNotAddUp(Refusal):
    """The verifier that everybody may download finds something wrong with the document."""


def issue(*, payout: Payout, adjusted: Sequence[Adjusted], is_held: bool, now: datetime) -> Statement:
    """Issue the statement of a payout that is being approved, in the transaction that approves it.

    The payout is as approved, `adjusted` are the adjustments that it shows. The document is digested, signed
    with `settings.STATEMENT_KEY` and kept as the statement's JSON face; nothing of it changes any more.
    Numbers follow each other by a foreign key: of two at once for one broker, the database refuses one.
    Refuses `DoesNotAddUp`.
    """
    before = Statement.objects.filter(broker=payout.broker_id).order_by("-number").first()
    [of] = monthend.calculated(month=Month.of_date(payout.run.month), broker_code=payout.broker_id)
    approval = _approval(payout, adjusted=adjusted, is_held=is_held, before=before)
    calculated = list(monthend.calculated_lines(of))
    made = document.without_lines(
        building.brokers_month(of, payout.broker, payout=payout, approval=approval),
        document.subtotals(calculated),
        named=building.Names(of.broker).of,
    )
    lines_said = building.under_pseudonyms(of, calculated)
    lines = [document.canonical(one) for one in lines_said]
    digest = building.digest(made, lines)
    key = signing_key(now=now)
    signed = signature.sign(digest, settings.STATEMENT_KEY)
    statement = Statement.objects.create(
        broker=payout.broker,
        number=approval.number,
        previous_number=None if before is None else before.number,
        payout=payout,
        month=payout.run.month,
        issued_at=now,
        digest=digest,
        key=key,
        signature=signed,
        due=approval.due,
        lines=len(lines),
    )
    made["signature"] = signature.member(digest=digest, key_id=key.key_id, signature=signed)
    must_be_right(made | {"lines": lines_said}, {key.key_id: key.public_key})
    keep(statement=statement, kind=Face.Kind.JSON, stretches=building.stretches(made, lines), now=now)
    return statement


def keep(*, statement: Statement, kind: str, stretches: Iterable[bytes], now: datetime) -> Face:
    """Keep a face as bytes, in the caller's transaction; each stretch becomes a part of its own.

    Constant memory: parts are written a few at a time, and their face, which says their SHA-256, at the end.
    """
    number, hashed, size = _next_face(), sha256(), 0
    waiting: list[FacePart] = []
    for place, stretch in enumerate(stretches):
        hashed.update(stretch)
        size += len(stretch)
        waiting.append(FacePart(face_id=number, number=place, content=stretch))
        if len(waiting) == _PARTS_AT_A_TIME:
            FacePart.objects.bulk_create(waiting)
            waiting = []
    FacePart.objects.bulk_create(waiting)
    return Face.objects.create(
        id=number, statement=statement, kind=kind, sha256=hashed.hexdigest(), size=size, made_at=now
    )


def signing_key(*, now: datetime) -> SigningKey:
    """The row of the key that signs now; it is published with the first statement that it signs."""
    own = signature.key_of(settings.STATEMENT_KEY)
    known = SigningKey.objects.filter(public_key=own.public_key).first()
    if known is not None:
        return known
    SigningKey.objects.bulk_create(
        [SigningKey(key_id=own.key_id, public_key=own.public_key, first_used_at=now)], ignore_conflicts=True
    )
    return SigningKey.objects.get(public_key=own.public_key)


def must_be_right(made: Document, keys: Mapping[str, str]) -> None:
    """What is issued is what anybody will verify. Refuses `DoesNotAddUp`."""
    reasons = verify_statement.check(made, keys)
    if reasons:
        raise DoesNotAddUp(
            f"The statement of broker {made['broker']} for {made['month']} would not verify ({reasons[0]}):"
            " nothing was approved; check the books and have the month calculated again."
        )


def _approval(
    payout: Payout, *, adjusted: Sequence[Adjusted], is_held: bool, before: Statement | None
) -> Approval:
    if (
        payout.carried is None
        or payout.due is None
        or payout.prepared_at is None
        or payout.approved_at is None
    ):
        raise ValueError("only an approved payout gets a statement")
    return Approval(
        number=1 if before is None else before.number + 1,
        previous_digest="" if before is None else before.digest,
        adjusted=adjusted,
        carried=payout.carried,
        due=payout.due,
        is_held=is_held,
        prepared_at=payout.prepared_at,
        approved_at=payout.approved_at,
        input_digest=payout.input_digest,
        approval_digest=payout.digest,
    )


def _next_face() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('statement_face', 'id'))")
        number: int = cursor.fetchone()[0]
    return number
