"""What each guard of money refuses: acts on the rows of `money_rows`, which go through without it.

`{name}` stands for the number of a row. A constraint is tried with the triggers of its table off, a trigger
with all the others on.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copy:
    """One more row like another one, with some columns changed to SQL expressions."""

    table: str
    where: str
    changes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done; what the refusal says (a constraint's name by itself); what is there before."""

    acts: tuple[str | Copy, ...]
    says: str = ""
    given: tuple[str | Copy, ...] = ()


def do(*acts: str | Copy, says: str = "", given: tuple[str | Copy, ...] = ()) -> list[Deed]:
    return [Deed(acts, says, given)]


def copy(table: str, where: str = "true", **changes: str) -> Copy:
    return Copy(table, where, changes)


PREPARED = (
    "UPDATE payout SET state = 'prepared', prepared_by_id = (SELECT min(id) FROM portal_user), "
    "prepared_at = now(), adjustments = 0, carried = 0, due = 0, digest = repeat('d', 64) WHERE id = {parked}"
)
_APPROVE = (
    "UPDATE payout SET state = 'nil', approved_at = now(), approved_by_id = (SELECT max(id) FROM portal_user)"
    "{more} WHERE id = {{parked}}"
)
_DIFFERENCE = (
    "INSERT INTO credit_difference (kind, detail, found_at, state) VALUES ('unknown', 'd', now(), 'open')"
)
_OF_A_DIFFERENCE = (
    "INSERT INTO money_proposal (kind, difference_id, state, mode, credit_id, text, note, digest,"
    " prepared_by_id, prepared_at) SELECT 'difference', max(id), 'prepared', '', '', '', 'n', 'd', 1, now()"
    " FROM credit_difference"
)
_FILE = (
    "INSERT INTO money_proposal_file (reference, proposal_id, name, media_type, size, sha256, content,"
    " uploaded_by_id, uploaded_at)"
    " VALUES (gen_random_uuid(), {released_by}, 'n', 'image/png', 1, 's', '', 1, now())"
)
_REOPENED = (
    "UPDATE money_proposal SET state = 'prepared', decided_by_id = NULL, decided_at = NULL"
    " WHERE kind = '{kind}'"
)


def _reopened(kind: str) -> str:
    return _REOPENED.format(kind=kind)


def approve(more: str = "") -> str:
    return _APPROVE.format(more=more).replace("{{", "{").replace("}}", "}")


def _line(payout: str) -> Copy:
    return copy("payout_line", "payout_id = {held}", payout_id=payout, trader="8")


def _attempt(payout: str, amount: int, says: str, given: tuple[str | Copy, ...] = (), **changes: str) -> Deed:
    made = {
        "payout_id": payout,
        "amount": str(amount),
        "number": "9",
        "key": "gen_random_uuid()",
        "state": "'pending'",
        "sent_at": "NULL",
        "decided_at": "NULL",
        "decided_by_id": "NULL",
        "credit_id": "''",
        "account_id": "'ACC01500'",
        "created_at": "'2026-10-20'::timestamptz",
    }
    return Deed((copy("credit_attempt", "id = {confirmed}", **made | changes),), says, given)


def _entry(account: str, amount: int, broker: int = 1400) -> Copy:
    where = "account = 'credited'"
    return copy("ledger_entry", where, account=f"'{account}'", amount=str(amount), broker_id=str(broker))


_REVERSAL = (
    "INSERT INTO ledger_transaction (kind, broker_id, reference, at, note, reverses_id)"
    " SELECT 'reversal', broker_id, 'transaction:1', at, note, id FROM ledger_transaction"
    " WHERE kind = 'credit'"
)
_VOID_AGAIN = (
    "INSERT INTO fill_void (fill_id, executed_at, broker_code, trader, symbol, market, fee_rate,"
    " affiliate_rate, volume, fee, batch_id, proposal_id, voided_at) SELECT fill.id, executed_at,"
    " broker_code, trader, symbol, market, fee_rate, affiliate_rate, {volume}, fee, batch_id,"
    " (SELECT id FROM money_proposal WHERE kind = 'void'), now() FROM fill WHERE fill.id = {{fill}}"
)


CONSTRAINTS: dict[str, list[Deed]] = {
    # Payouts.
    "one_payout_per_broker_and_run": do(copy("payout", "id = {held}")),
    "another_person_approves_a_payout": do(
        "UPDATE payout SET approved_by_id = prepared_by_id WHERE id = {held}"
    ),
    "due_is_the_sum_of_its_parts": do("UPDATE payout SET due = 3 WHERE id = {held}"),
    "only_what_is_more_than_nothing_is_sent": do("UPDATE payout SET state = 'approved' WHERE id = {carried}"),
    "payout_is_amount_rounded_once": do("UPDATE payout SET payout = 3, due = 3 WHERE id = {held}"),
    "payout_is_within_tier_and_half_the_fees": do("UPDATE payout SET rebate = 0.1 WHERE id = {held}"),
    "payout_numbers_are_finite": do(
        "UPDATE payout SET spot_volume = 'NaN', volume = 'NaN' WHERE id = {held}"
    ),
    "payout_state_has_its_people": do("UPDATE payout SET state = 'approved' WHERE id = {parked}"),
    "payout_volume_is_spot_and_futures": do("UPDATE payout SET volume = 1 WHERE id = {held}"),
    "withheld_is_not_negative": do("UPDATE payout SET withheld = -1 WHERE id = {held}"),
    "payout_line_pkey": do(copy("payout_line", "payout_id = {held}")),
    "line_amount_is_fees_times_applied_rate": do("UPDATE payout_line SET amount = 3"),
    "line_applied_rate_is_at_most_half": do("UPDATE payout_line SET applied_rate = 0.6, amount = fees * 0.6"),
    "payout_line_numbers_are_finite": do("UPDATE payout_line SET volume = 'NaN'"),
    # Corrections and bounds.
    "a_payout_corrects_a_month_once": do(copy("payout_correction")),
    "corrected_month_is_a_first_day": do("UPDATE payout_correction SET month = '2026-09-02'"),
    "payout_correction_numbers_are_finite": do("UPDATE payout_correction SET amount = 'NaN'"),
    "correction_line_is_fees_times_rate": do("UPDATE correction_line SET amount = 3"),
    "correction_line_numbers_are_finite": do("UPDATE correction_line SET volume = 'NaN'"),
    "a_payout_breaks_a_bound_once": do(copy("payout_bound")),
    "a_bound_is_acknowledged_once": do(copy("bound_acknowledgement")),
    "an_acknowledgement_says_why": do("UPDATE bound_acknowledgement SET note = ''"),
    # Runs.
    "month_run_month_key": do("UPDATE month_run SET month = '2026-09-01' WHERE id = {october}"),
    "run_month_is_a_first_day": do(
        "UPDATE month_run SET month = '2026-09-02', calculated_at = '2027-01-01' WHERE id = {september}"
    ),
    "only_finished_months_have_a_run": do("UPDATE month_run SET calculated_at = '2026-09-30'"),
    "one_item_per_broker_and_run": do(copy("run_item")),
    "a_parked_item_says_why": do("UPDATE run_item SET reason = '' WHERE state = 'parked'"),
    "books_check_took_ms_check": do(
        "INSERT INTO books_check (checked_at, occasion, breaches, took_ms) VALUES (now(), 'now', '[]', -1)"
    ),
    # The ledger.
    "nothing_is_booked_twice": do(copy("ledger_transaction", "kind = 'credit'")),
    "ledger_transaction_reverses_id_key": do(
        _REVERSAL, copy("ledger_transaction", "kind = 'reversal'", reference="'transaction:2'")
    ),
    "ledger_kind_is_known": do("UPDATE ledger_transaction SET kind = 'gift' WHERE kind = 'credit'"),
    "a_reversal_mirrors_a_transaction": do(
        "UPDATE ledger_transaction SET kind = 'reversal' WHERE kind = 'credit'"
    ),
    "ledger_month_is_a_first_day": do("UPDATE ledger_transaction SET month = '2026-09-02'"),
    "what_is_earned_names_its_month": do("UPDATE ledger_transaction SET month = NULL"),
    "one_entry_per_account": do(copy("ledger_entry")),
    "ledger_entry_is_whole_cents": do("UPDATE ledger_entry SET amount = amount + 0.001"),
    "ledger_entry_moves_something": do("UPDATE ledger_entry SET amount = 0"),
    # Holds and acts of two people.
    "a_case_holds_a_payout_once": do(copy("payout_hold")),
    "payout_release_hold_id_key": do(copy("payout_release")),
    "a_release_withholds_only_suspended_days": do(
        "UPDATE payout_release SET mode = 'in full' WHERE id = {release}"
    ),
    "payout_release_numbers_are_finite": do("UPDATE payout_release SET suspended = 'NaN'"),
    "a_proposal_says_what_it_is_about": do(
        "UPDATE money_proposal SET hold_id = NULL WHERE id = {released_by}"
    ),
    "a_proposal_says_why": do("UPDATE money_proposal SET note = ''"),
    "another_person_confirms_a_proposal": do("UPDATE money_proposal SET decided_by_id = prepared_by_id"),
    "one_release_at_a_time": do(_reopened("release"), copy("money_proposal", "kind = 'release'")),
    "one_forfeit_at_a_time": do(_reopened("forfeit"), copy("money_proposal", "kind = 'forfeit'")),
    "one_resolution_at_a_time": do(_reopened("resolve"), copy("money_proposal", "kind = 'resolve'")),
    "one_resolution_of_a_difference_at_a_time": do(_DIFFERENCE, _OF_A_DIFFERENCE, _OF_A_DIFFERENCE),
    "proposal_file_is_a_document_or_picture": do(
        _FILE, "UPDATE money_proposal_file SET media_type = 'text/html'"
    ),
    "money_proposal_file_reference_key": do(_FILE, copy("money_proposal_file")),
    "a_fill_is_proposed_once": do(copy("proposed_void")),
    "fill_void_fill_id_key": do(copy("fill_void")),
    "fill_void_numbers_are_finite": do("UPDATE fill_void SET volume = 'NaN'"),
    "adjustment_proposal_id_key": do(copy("adjustment")),
    "adjustment_numbers_are_finite": do("UPDATE adjustment SET amount = 'NaN'"),
    "an_adjustment_says_why": do("UPDATE adjustment SET text = ''"),
    "payout_adjustment_adjustment_id_key": do(copy("payout_adjustment")),
    # Credits.
    "credit_attempt_key_key": do(
        "UPDATE credit_attempt SET key = (SELECT key FROM credit_attempt WHERE id = {rejected})"
        " WHERE id = {unknown}"
    ),
    "attempts_of_a_payout_are_numbered": do("UPDATE credit_attempt SET number = 1 WHERE id = {unknown}"),
    "one_attempt_that_is_not_rejected": do(
        "UPDATE credit_attempt SET state = 'unknown', decided_at = NULL WHERE id = {rejected}"
    ),
    "a_credit_belongs_to_one_attempt": do(
        "UPDATE credit_attempt SET state = 'confirmed', decided_at = now(), credit_id = 'C-1'"
        " WHERE id = {unknown}"
    ),
    "an_attempt_says_how_it_ended": do("UPDATE credit_attempt SET sent_at = NULL WHERE id = {unknown}"),
    "a_credit_is_more_than_nothing": do("UPDATE credit_attempt SET amount = 0"),
    "credit_attempt_numbers_are_finite": do("UPDATE credit_attempt SET amount = 'NaN'"),
    "a_listed_credit_is_kept_once": do(copy("exchange_credit")),
    "reconciliation_day_key": do("UPDATE reconciliation SET day = '2026-10-03'"),
    "two_people_resolve_a_difference": do(_DIFFERENCE, "UPDATE credit_difference SET state = 'resolved'"),
    "a_difference_is_found_once": do(_DIFFERENCE, _DIFFERENCE),
}

#: What Django adds to a number that is never negative, where another CHECK says more.
IMPLIED = {"money_proposal_file_size_check": "proposal_file_is_a_document_or_picture"}

TRIGGERS: dict[str, list[Deed]] = {
    "payout_begins_calculated": do(
        copy("payout", "id = {nil}", broker_id="9"), says="a payout begins as calculated or parked"
    ),
    "payout_goes_its_way": [
        *do(
            "UPDATE payout SET tier = 'BKR 5' WHERE id = {credited}",
            says="an approved payout is never edited",
        ),
        *do("UPDATE payout SET withheld = 1 WHERE id = {to_send}", says="only a release withholds"),
        *do(
            "UPDATE payout SET broker_id = 1400, run_id = 999 WHERE id = {parked}",
            says="keeps its month and broker",
        ),
        *do(
            "UPDATE payout SET state = 'sending' WHERE id = {credited}",
            says="does not go from credited to sending",
        ),
        *do(
            approve(", digest = repeat('e', 64)"),
            given=(PREPARED,),
            says="what is approved is what was prepared",
        ),
        *do(
            approve(),
            given=(PREPARED, copy("payout_bound", "id = {bound}", payout_id="{parked}")),
            says="a bound of the payout is not acknowledged",
        ),
        *do(
            approve(),
            given=(
                PREPARED,
                "UPDATE payout SET state = 'calculated', approved_at = NULL, approved_by_id = NULL,"
                " due = NULL, prepared_at = NULL, prepared_by_id = NULL, digest = ''"
                " WHERE broker_id = 1800 AND run_id = {september}",
            ),
            says="in the order of their months",
        ),
        *do("UPDATE payout SET state = 'sending' WHERE id = {to_send}", says="nothing is sending the payout"),
        *do(
            "UPDATE payout SET state = 'approved' WHERE id = {sending}",
            says="an attempt that is not proved rejected",
        ),
        *do(
            "UPDATE payout SET state = 'credited' WHERE id = {sending}",
            says="credited by a confirmed attempt",
        ),
    ],
    "payout_line_has_its_payout": [
        *do(_line("999"), says="a line belongs to no payout"),
        *do(_line("{held}"), says="the lines of an approved payout stay as they are"),
    ],
    "payout_line_stays_when_approved": do("DELETE FROM payout_line", says="stays as it is"),
    "payout_correction_is_not_added_when_approved": do(
        copy("payout_correction", month="'2026-08-01'"), says="stays as it is"
    ),
    "payout_correction_stays_when_approved": do("DELETE FROM payout_correction", says="stays as it is"),
    "payout_bound_is_not_added_when_approved": do(
        copy("payout_bound", name="'other'"), says="stays as it is"
    ),
    "payout_bound_stays_when_approved": do("DELETE FROM payout_bound", says="stays as it is"),
    "correction_line_is_not_added_when_approved": do(copy("correction_line"), says="stay as they are"),
    "correction_line_stays_when_approved": do("DELETE FROM correction_line", says="stay as they are"),
    "ledger_transactions_balance": do(
        copy("ledger_transaction", "kind = 'credit'", reference="'payout:999'"),
        "SET CONSTRAINTS ALL IMMEDIATE",
        says="a ledger transaction sums to zero",
    ),
    "ledger_entries_balance": [
        *do(_entry("held", 1), "SET CONSTRAINTS ALL IMMEDIATE", says="a ledger transaction sums to zero"),
        *do(_entry("held", 1, 1800), "SET CONSTRAINTS ALL IMMEDIATE", says="the broker of its transaction"),
        *do(
            _entry("held", 1),
            _entry("rebates", -1),
            "SET CONSTRAINTS ALL IMMEDIATE",
            says="credit moves no money between",
        ),
        *do(
            copy(
                "ledger_entry",
                "account = 'credited'",
                account="'held'",
                amount="1",
                transaction_id="(SELECT max(id) FROM ledger_transaction)",
            ),
            copy(
                "ledger_entry",
                "account = 'credited'",
                account="'owed'",
                amount="-1",
                transaction_id="(SELECT max(id) FROM ledger_transaction)",
            ),
            "SET CONSTRAINTS ALL IMMEDIATE",
            given=(_REVERSAL,),
            says="a reversal mirrors its transaction",
        ),
    ],
    "payout_hold_comes_before_sending": do(
        "INSERT INTO payout_hold (payout_id, case_id, held_at) VALUES ({nil}, {ended}, now())",
        says="a payout that is nil is past holding",
    ),
    "payout_hold_is_of_one_broker": do(
        "INSERT INTO payout_hold (payout_id, case_id, held_at) VALUES ({parked}, {ended}, now())",
        says="broker",
    ),
    "payout_release_is_confirmed": do(
        copy("payout_release", "id = {release}", hold_id="{open_hold}"),
        says="a hold ends by an act that two people confirmed",
    ),
    "money_proposal_stays_decided": do("UPDATE money_proposal SET note = 'other'", says=""),
    "proposed_void_is_prepared": do(
        copy("proposed_void", fill_id="1"), says="fills are named before an act is confirmed"
    ),
    "fill_void_is_confirmed": [
        *do(copy("fill_void", fill_id="1"), says="a fill is voided as two people confirmed"),
        *do(
            _VOID_AGAIN.format(volume=1),
            given=("DELETE FROM fill_void",),
            says="a fill is voided as two people confirmed, and as it was",
        ),
    ],
    "adjustment_is_confirmed": do(
        copy("adjustment", "id = {adjustment}", proposal_id="{released_by}"),
        says="an adjustment is what two people confirmed",
    ),
    "credit_attempt_may_be_made": [
        _attempt("{nil}", 1, "only an approved payout is sent"),
        _attempt("{to_send}", 3, "what is sent is what was approved"),
        _attempt("{to_send}", 2, "money goes to the account of the payout", account_id="'OTHER'"),
        _attempt("{held}", 2, "a held payout is not sent"),
        _attempt("{to_send}", 2, "that is stopped", created_at="'2026-11-05'::timestamptz"),
        _attempt("{to_send}", 2, "a difference with the exchange is open", given=(_DIFFERENCE,)),
    ],
    "credit_attempt_may_be_sent": do(
        "UPDATE credit_attempt SET state = 'sending', sent_at = '2026-11-05' WHERE state = 'pending'",
        given=_attempt("{to_send}", 2, "").acts,
        says="that is stopped",
    ),
    "credit_attempt_goes_its_way": [
        *do(
            "UPDATE credit_attempt SET detail = 'x' WHERE id = {confirmed}", says="that is confirmed stays so"
        ),
        *do("UPDATE credit_attempt SET detail = 'x' WHERE id = {rejected}", says="that is rejected stays so"),
        *do(
            "UPDATE credit_attempt SET key = gen_random_uuid() WHERE id = {unknown}",
            says="an attempt keeps its key, account and amount",
        ),
        *do(
            "UPDATE credit_attempt SET sent_at = now() WHERE id = {unknown}",
            says="when an attempt was first sent stays",
        ),
        *do("UPDATE credit_attempt SET fence = 0 WHERE id = {unknown}", says="a fence never goes back"),
        *do(
            "UPDATE credit_attempt SET decided_by_id = {released_by} WHERE id = {unknown}",
            says="two people resolve an unknown credit",
        ),
    ],
    "credit_difference_is_resolved_by_two": [
        *do(
            "UPDATE credit_difference SET state = 'resolved', resolved_at = now(),"
            " resolved_by_id = {released_by}",
            given=(_DIFFERENCE,),
            says="two people resolve a difference",
        ),
        *do(
            "UPDATE credit_difference SET detail = 'x'",
            given=(
                "INSERT INTO credit_difference (kind, detail, found_at, state, resolved_at, resolved_by_id)"
                " VALUES ('unknown', 'd', now(), 'resolved', now(), {released_by})",
            ),
            says="a difference that is resolved stays so",
        ),
    ],
}
