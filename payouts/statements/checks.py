"""What no query can tell of statements: bytes, signatures and sums, read again from what is stored."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from hashlib import sha256

from django.db import connection

from payouts.ledger.models import BooksCheck
from payouts.money import plain, two_places
from payouts.month import Month
from payouts.statements import faces, sheet, verify_statement
from payouts.statements.document import Document
from payouts.statements.models import Face, SigningKey, Statement

#: Their names say what must hold.
BYTES = "the bytes of a statement's files are those of their SHA-256"
VERIFIES = "every statement bears its signature and adds up"
SAYS_WHAT_WAS_APPROVED = "a statement says what its payout's row says"
CSV = "the CSV of a statement says what its document says"

_EXACT = ("spot_volume", "futures_volume", "volume", "fees", "amount")
_CENTS = ("payout", "corrections", "adjustments", "carried", "due")
#: So many reasons of one statement are told.
_TOLD = 3
#: A statement is looked at with every check until one has found nothing, then once in so many days.
_DAYS = 30
#: Statements issued since the latest check that found nothing, and today's share of all others. An hour
#: earlier: an approval reads its clock before it is committed.
_TO_LOOK_AT = """
    SELECT id FROM statement
    WHERE issued_at >= coalesce((SELECT max(checked_at) FROM books_check WHERE breaches = '[]'),
                                '-infinity') - interval '1 hour'
       OR id %% %(days)s = (extract(epoch FROM now())::bigint / 86400) %% %(days)s
       OR %(everything)s
    ORDER BY id
"""


def bytes_against_their_digest() -> list[dict[str, str]]:
    ids = _to_look_at(BYTES)
    found = []
    for each in Face.objects.filter(statement__in=ids).select_related("statement").order_by("pk").iterator():
        hashed = sha256()
        for stretch in faces.stream(each.pk):
            hashed.update(stretch)
        if hashed.hexdigest() != each.sha256:
            found.append(
                _of(each.statement)
                | {"kind": each.kind, "sha256": each.sha256, "its_bytes": hashed.hexdigest()}
            )
    return found


def documents_against_their_signature() -> list[dict[str, str]]:
    keys = dict(SigningKey.objects.values_list("key_id", "public_key"))

    def reasons(statement: Statement) -> Iterator[str]:
        document = verify_statement.read(b"".join(_stretches(statement, Face.Kind.JSON)))
        yield from verify_statement.check(document, keys)

    return _reasons(VERIFIES, reasons)


def documents_against_their_rows() -> list[dict[str, str]]:
    def reasons(statement: Statement) -> Iterator[str]:
        document = faces.document_of(statement.pk)
        said = document | {"digest": document["signature"]["digest"], "value": document["signature"]["value"]}
        for name, right in _rows_say(statement).items():
            if said[name] != right:
                yield f"{name}: {said[name]} is stated, and {right} is on record"

    return _reasons(SAYS_WHAT_WAS_APPROVED, reasons)


def csv_against_documents() -> list[dict[str, str]]:
    def reasons(statement: Statement) -> Iterator[str]:
        if faces.stored(statement.pk, Face.Kind.CSV) is None:
            return
        document = faces.document_of(statement.pk)
        added, total = sheet.sums(_stretches(statement, Face.Kind.CSV))
        for name, value in total.items():
            if value != str(document[name]):
                yield f"{name}: {value} in the CSV, and {document[name]} in the document"
        for name, number in added.items():
            if number != Decimal(document[name]):
                yield f"{name}: the rows of the CSV add up to {plain(number)}, not to {document[name]}"

    return _reasons(CSV, reasons)


def _rows_say(statement: Statement) -> Document:
    """What a document must say by its own row, its payout's and that of the statement before."""
    payout = statement.payout
    before = Statement.objects.filter(broker=statement.broker_id, number=statement.number - 1).first()
    exact = {name: plain(getattr(payout, name)) for name in _EXACT}
    cents = {name: two_places(getattr(payout, name)) for name in _CENTS}
    return {
        "broker": statement.broker_id,
        "number": statement.number,
        "previous": before and {"number": before.number, "digest": before.digest},
        "month": str(Month.of_date(statement.month)),
        "digest": statement.digest,
        "value": statement.signature,
        "tier": payout.tier,
        "rebate": two_places(payout.rebate),
        "fills": payout.fills,
        "input_digest": payout.input_digest,
        "approval_digest": payout.digest,
        **exact,
        **cents,
    }


def _reasons(name: str, reasons_of: Callable[[Statement], Iterable[str]]) -> list[dict[str, str]]:
    found = []
    rows = Statement.objects.filter(pk__in=_to_look_at(name)).select_related("payout").order_by("pk")
    for each in rows.iterator():
        try:
            reasons = list(reasons_of(each))
        except (faces.NoSuchStatement, ValueError, LookupError, TypeError, AttributeError) as problem:
            reasons = [f"it cannot be read: {type(problem).__name__}: {problem}"]
        if reasons:
            found.append(_of(each) | {"why": "; ".join(reasons[:_TOLD])})
    return found


def _of(statement: Statement) -> dict[str, str]:
    return {
        "statement": str(statement.pk),
        "broker": str(statement.broker_id),
        "number": str(statement.number),
    }


def _stretches(statement: Statement, kind: str) -> Iterator[bytes]:
    face = faces.stored(statement.pk, kind)
    if face is None:
        raise faces.NoSuchStatement(f"it has no {kind}")
    return faces.stream(face.id)


def _to_look_at(name: str) -> list[int]:
    """Everything, if the latest check found a breach of it: what is not mended is found again."""
    latest = BooksCheck.objects.order_by("-checked_at", "-pk").first()
    is_breached = latest is not None and any(each.get("invariant") == name for each in latest.breaches)
    with connection.cursor() as cursor:
        cursor.execute(_TO_LOOK_AT, {"days": _DAYS, "everything": is_breached})
        return [number for (number,) in cursor.fetchall()]
