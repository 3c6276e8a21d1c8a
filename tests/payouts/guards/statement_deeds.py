"""What each guard of statements refuses: more of `deeds`."""

from tests.payouts.guards.deeds import PREPARED, Copy, Deed, approve, copy, do

_AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE"
_NEVER_ISSUED = (
    "DELETE FROM statement_part WHERE face_id IN (SELECT id FROM statement_face WHERE statement_id ="
    " {held_statement})",
    "DELETE FROM statement_face WHERE statement_id = {held_statement}",
    "DELETE FROM statement WHERE id = {held_statement}",
)


def _statement(**changes: str) -> Copy:
    """One more statement of 1400, the third, of a payout that has none."""
    made = {
        "number": "3",
        "previous_number": "2",
        "payout_id": "{parked}",
        "month": "'2026-08-01'",
        "digest": "repeat('a', 64)",
    }
    return copy("statement", "id = {later_statement}", **made | changes)


CONSTRAINTS: dict[str, list[Deed]] = {
    "signing_key_public_key_key": do(copy("signing_key", key_id="repeat('0', 16)")),
    "key_id_is_hexadecimal": do(copy("signing_key", key_id="'my key'", public_key="'another'")),
    "a_broker_has_a_number_once": do(_statement(number="2", previous_number="1")),
    "a_broker_has_one_statement_a_month": do(_statement(month="'2026-10-01'")),
    "statement_payout_id_key": do(_statement(payout_id="{sending}")),
    "statement_digest_key": do(_statement(digest="digest")),
    "statement_numbers_follow_each_other": do(_statement(previous_number="1")),
    "a_statement_is_signed": do(_statement(signature="''")),
    "statement_month_is_a_first_day": do(_statement(month="'2026-08-02'")),
    "statement_due_is_whole_cents": do(_statement(due="'NaN'")),
    "a_statement_has_a_face_once": do(copy("statement_face", "id = {csv_face}")),
    "a_face_is_known_by_its_bytes": do(copy("statement_face", "id = {csv_face}", kind="'xlsx'")),
    "a_face_has_a_part_once": do(copy("statement_part", "face_id = {csv_face}")),
}

#: What Django adds to a number that is never negative, where another CHECK says more.
IMPLIED = {
    "statement_number_check": "statement_numbers_follow_each_other",
    "statement_previous_number_check": "statement_numbers_follow_each_other",
}

TRIGGERS: dict[str, list[Deed]] = {
    "payout_is_approved_with_its_statement": do(
        approve(), _AT_ONCE, given=(PREPARED,), says="a payout is approved together with its statement"
    ),
    "statement_is_of_its_payout": do(
        _statement(), says="a statement says what was approved of its broker and month"
    ),
    "statement_is_issued_with_its_document": do(
        _statement(
            broker_id="1500",
            number="2",
            previous_number="1",
            payout_id="{held}",
            month="'2026-10-01'",
            due="2",
        ),
        _AT_ONCE,
        given=_NEVER_ISSUED,
        says="a statement is issued together with its document",
    ),
    "statement_face_is_its_bytes": do(
        copy("statement_face", "id = {csv_face}", kind="'pdf'"),
        _AT_ONCE,
        says="the bytes of a statement are those of its SHA-256",
    ),
    "statement_part_is_of_its_face": do(
        copy("statement_part", "face_id = {csv_face}", number="1"),
        _AT_ONCE,
        says="the bytes of a statement are those of its SHA-256",
    ),
}
