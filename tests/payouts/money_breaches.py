"""How each invariant of the books is broken: by the owner's hand, with every trigger off.

`{name}` stands for the number of a row of `money_rows`.
"""

#: Found by Python and not by SQL: the check → what the owner does.
CHECK_BREACHES: dict[str, str] = {
    "every line is paid at the rate that the formula gives": (
        "UPDATE payout_line SET bound_by = 'affiliate cap' WHERE payout_id = {held}"
    ),
    "every payout has the tier that its volume reached": (
        "UPDATE payout SET preceding_volume = 5000000 WHERE id = {parked}; UPDATE payout SET tier = 'BKR 1'"
        " WHERE id = {held}"
    ),
}

#: Gives a file of a statement the digest of the bytes that were put into it.
_AS_IF = (
    "UPDATE statement_face SET sha256 = (SELECT encode(sha256(string_agg(content, ''::bytea ORDER BY"
    " number)), 'hex') FROM statement_part WHERE face_id = {face}) WHERE id = {face}"
)

CHECK_BREACHES |= {
    "the bytes of a statement's files are those of their SHA-256": (
        "UPDATE statement_part SET content = overlay(content PLACING 'O'::bytea FROM"
        " position('opening'::bytea IN content)) WHERE face_id = {csv_face}"
    ),
    "every statement bears its signature and adds up": (
        "UPDATE statement_part SET content = overlay(content PLACING 'Y'::bytea FROM"
        " position('Broker 1400'::bytea IN content)) WHERE face_id = {json_face} AND number = 0; "
        + _AS_IF.format(face="{json_face}")
    ),
    "a statement says what its payout's row says": (
        "UPDATE payout SET input_digest = repeat('e', 64) WHERE id = {sending}"
    ),
    "the CSV of a statement says what its document says": (
        "UPDATE statement_part SET content = overlay(content PLACING 'm'::bytea FROM"
        " position('line,'::bytea IN content) + 2) WHERE face_id = {csv_face}; "
        + _AS_IF.format(face="{csv_face}")
    ),
}

#: The invariant → what the owner does, and what else then does not hold.
BREACHES: dict[str, tuple[str, list[str]]] = {
    "received = accepted + duplicate + excluded + quarantined": (
        "DELETE FROM excluded_record; DELETE FROM fill_key WHERE NOT EXISTS (SELECT FROM fill WHERE"
        " fill.trade_id = fill_key.trade_id)",
        ["the tally = where records are"],
    ),
    "every fill and excluded record holds its own key": (
        "DELETE FROM fill_key WHERE trade_id = (SELECT min(trade_id) FROM fill)",
        [],
    ),
    "totals by rate = sum of fills": (
        "UPDATE total_by_rate SET volume = volume + 1",
        [],
    ),
    "the tally = where records are": (
        "UPDATE feed_tally SET records = records + 1 WHERE place = 'accepted'",
        [],
    ),
    "a record in quarantine is where its changes put it": (
        "UPDATE quarantine_place SET trade_id = trade_id + 1, reason = reason || '!' WHERE state = 'waiting'",
        ["the tally = where records are"],
    ),
    "totals by month = sum of fills": (
        "UPDATE total_by_month SET fees = fees + 1",
        [],
    ),
    "totals by hour = sum of fills": (
        "UPDATE total_by_hour SET fees = fees + 1",
        [],
    ),
    "totals by day = sum of fills": (
        "DELETE FROM total_by_day WHERE fills = 1",
        [],
    ),
    "a voided fill was accepted, and is kept as it was": (
        "UPDATE fill_void SET volume = volume + 1",
        [],
    ),
    "no fill counts before enrolment or after termination": (
        "ALTER TABLE standing_change DROP CONSTRAINT termination_is_never_back_dated; UPDATE"
        " standing_change SET effective_at = '2026-09-09' WHERE kind = 'terminated'; UPDATE"
        " standing_range SET starts_at = '2026-09-09' WHERE kind = 'terminated'",
        [],
    ),
    "payout = sum of its lines, rounded once": (
        "DELETE FROM payout_line WHERE payout_id = {credited}",
        ["every fill of a payout's watermark is in exactly one line"],
    ),
    "every fill of a payout's watermark is in exactly one line": (
        "UPDATE payout SET watermark = '{{[1,1000)}}' WHERE id = {credited}",
        ["nothing of an approved payout has changed since"],
    ),
    "a broker earns at most its tier's rebate and half the fees": (
        "UPDATE payout SET rebate = 0.1 WHERE id = {parked}; ALTER TABLE payout DROP CONSTRAINT"
        " payout_is_within_tier_and_half_the_fees; UPDATE payout SET rebate = 0.1 WHERE id = {held}",
        ["nothing of an approved payout has changed since"],
    ),
    "one run per month": (
        "ALTER TABLE month_run DROP CONSTRAINT month_run_month_key; INSERT INTO month_run (month,"
        " calculated_at, terms) VALUES ('2026-10-01', '2026-11-01', '2025-09')",
        ["every broker of a run has one payout"],
    ),
    "every broker of a run has one payout": (
        "DELETE FROM payout WHERE id = {parked}",
        ["a broker is parked exactly where its payout is"],
    ),
    "a broker is parked exactly where its payout is": (
        "UPDATE run_item SET state = 'done', reason = '', next_step = '' WHERE state = 'parked'",
        [],
    ),
    "the lines of a correction sum to its cents": (
        "DELETE FROM correction_line",
        ["booked for a month = its truth, rounded once"],
    ),
    "a payout carries the sum of its corrections": (
        "UPDATE payout SET corrections = 3, due = due + 1 WHERE id = {sending}",
        [
            "nothing of an approved payout has changed since",
            "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited",
            "what is owed and held = what is still to be sent and what is carried",
            "what is sent is what was approved",
            "what a statement says is due = what its payout makes payable = what is booked for it",
        ],
    ),
    "a payout corrects only months before its own": (
        "UPDATE payout_correction SET month = '2026-10-01'",
        [
            "booked for a month = its truth, rounded once",
            "every approved payout is booked with its accrual and corrections",
        ],
    ),
    "another person approves than prepares": (
        "ALTER TABLE payout DROP CONSTRAINT another_person_approves_a_payout; UPDATE payout SET"
        " approved_by_id = prepared_by_id WHERE id = {held}",
        ["nothing of an approved payout has changed since"],
    ),
    "every bound of an approved payout is acknowledged": (
        "UPDATE payout_bound SET value = '1 month'",
        [],
    ),
    "a ledger transaction sums to zero": (
        "UPDATE ledger_entry SET amount = amount + 10 WHERE account = 'rebates' AND broker_id = 1700",
        [],
    ),
    "a ledger entry belongs to the broker of its transaction": (
        "UPDATE ledger_entry SET broker_id = 1800 WHERE account = 'rebates' AND broker_id = 1700",
        [],
    ),
    "the ledger is in whole cents": (
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_is_whole_cents; UPDATE ledger_entry SET"
        " amount = amount * 1.0001 WHERE broker_id = 1700 AND abs(amount) = 2",
        [
            "booked for a month = its truth, rounded once",
            "every approved payout is booked with its accrual and corrections",
            "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited",
            "what is owed and held = what is still to be sent and what is carried",
            "what a statement says is due = what its payout makes payable = what is booked for it",
        ],
    ),
    "nothing is booked twice": (
        "ALTER TABLE ledger_transaction DROP CONSTRAINT nothing_is_booked_twice; INSERT INTO"
        " ledger_transaction (kind, broker_id, reference, at, note, month) SELECT kind, broker_id,"
        " reference, at, note, month FROM ledger_transaction WHERE kind = 'credit'",
        ["a ledger transaction moves money as its kind says", "a ledger transaction sums to zero"],
    ),
    "a ledger transaction moves money as its kind says": (
        "UPDATE ledger_transaction SET kind = 'hold' WHERE kind = 'release'; UPDATE ledger_transaction"
        " SET kind = 'adjustment', reference = 'a' WHERE kind = 'hold' AND reference LIKE 'hold:%'",
        ["adjustments = the ledger's adjustments"],
    ),
    "a reversal mirrors its transaction": (
        "INSERT INTO ledger_transaction (kind, broker_id, reference, at, note, reverses_id) SELECT"
        " 'reversal', broker_id, 'transaction:1', at, note, id FROM ledger_transaction WHERE kind ="
        " 'credit'",
        ["a ledger transaction sums to zero", "credits confirmed = payouts credited = the ledger's credits"],
    ),
    "what is held of a broker is never less than nothing": (
        "UPDATE ledger_entry SET amount = amount - 9 WHERE account = 'held' AND amount = 4; UPDATE"
        " ledger_entry SET amount = amount + 9 WHERE account = 'owed' AND amount = -4",
        ["what is held in the ledger = what cases hold"],
    ),
    "credits confirmed = payouts credited = the ledger's credits": (
        "UPDATE payout SET state = 'approved' WHERE id = {credited}",
        [
            "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited",
            "what is owed and held = what is still to be sent and what is carried",
        ],
    ),
    "a payout has one attempt at most that is not rejected": (
        "DROP INDEX one_attempt_that_is_not_rejected; UPDATE credit_attempt SET state = 'unknown',"
        " decided_at = NULL WHERE id = {rejected}",
        ["a prepared act has its result exactly when it is confirmed"],
    ),
    "a payout is sending exactly while an attempt is under way": (
        "UPDATE payout SET state = 'approved' WHERE id = {sending}",
        [],
    ),
    "what is sent is what was approved": (
        "UPDATE credit_attempt SET amount = 6 WHERE id = {unknown}",
        [],
    ),
    "no two attempts have one key": (
        "ALTER TABLE credit_attempt DROP CONSTRAINT credit_attempt_key_key; UPDATE credit_attempt SET"
        " key = '00000000-0000-4000-8000-000000000002' WHERE id = {unknown}",
        [],
    ),
    "each key is listed once by the exchange, or a difference says so": (
        "INSERT INTO exchange_credit (credit_id, key, account_id, amount, credited_at, seen_at) SELECT"
        " 'C-2', key, account_id, amount, credited_at, seen_at FROM exchange_credit",
        ["what the exchange lists we have sent, or a difference says so"],
    ),
    "what the exchange lists we have sent, or a difference says so": (
        "UPDATE exchange_credit SET amount = 3",
        [],
    ),
    "what we have as credited the exchange lists, or a difference says so": (
        "DELETE FROM exchange_credit",
        [],
    ),
    "no credit was made while its payout was held": (
        "UPDATE payout_hold SET held_at = '2026-09-15' WHERE id = {open_hold}; UPDATE credit_attempt"
        " SET payout_id = {held}, created_at = '2026-10-15', sent_at = '2026-10-15' WHERE id ="
        " {rejected}; UPDATE payout SET approved_at = '2026-10-14' WHERE id = {held}",
        ["nothing of an approved payout has changed since"],
    ),
    "no credit was made while its broker was stopped": (
        "UPDATE credit_attempt SET payout_id = {held} WHERE id = {rejected}",
        ["no credit was made while its payout was held"],
    ),
    "an unknown credit is decided by the exchange or by two people": (
        "UPDATE credit_attempt SET decided_by_id = {released_by} WHERE id = {rejected}",
        ["a prepared act has its result exactly when it is confirmed"],
    ),
    "ranges of standing = what its changes say": (
        "UPDATE standing_range SET ends_at = ends_at + interval '1 microsecond' WHERE broker_id = 1500",
        [],
    ),
    "a broker is never in two ranges of standing at once": (
        "ALTER TABLE standing_range DROP CONSTRAINT standing_ranges_do_not_overlap; UPDATE"
        " standing_range SET ends_at = NULL WHERE broker_id = 1500",
        ["ranges of standing = what its changes say"],
    ),
    "standing begins with the enrolment": (
        "UPDATE broker SET enrolled_at = '2026-10-02' WHERE code = 1800; UPDATE standing_change SET"
        " effective_at = '2026-10-01' WHERE broker_id = 1800",
        [],
    ),
    "codes are unique": (
        "ALTER TABLE broker DROP CONSTRAINT broker_pkey CASCADE; INSERT INTO broker SELECT * FROM"
        " broker WHERE code = 1800",
        ["every broker of a run has one payout"],
    ),
    "a hold belongs to a case of the same broker": (
        "UPDATE payout_hold SET case_id = {ended} WHERE id = {hold}",
        [],
    ),
    "a case that holds a payout holds all that there were": (
        "UPDATE payout_hold SET held_at = '2026-11-01T01:00Z', case_id = {again} WHERE id = {hold};"
        " DELETE FROM payout_hold WHERE id = {open_hold}",
        ["what is held in the ledger = what cases hold"],
    ),
    "nothing that was sent or forfeited is still held": (
        "INSERT INTO payout_hold (payout_id, case_id, held_at) VALUES ({forfeited}, {suspended},"
        " '2026-10-10')",
        ["a hold belongs to a case of the same broker"],
    ),
    "no broker is an affiliate without an open case": (
        "INSERT INTO affiliate_check (broker_id, due_at, account_id, answer, answered_at, failures)"
        " SELECT 1400, now(), account_id, 'affiliate', now(), 0 FROM broker WHERE code = 1400",
        [],
    ),
    "no appeal waits in a closed case": (
        "INSERT INTO desk_appeal (reference, broker_id, case_id, change_id, state, opened_by_id,"
        " opened_at, decision) SELECT gen_random_uuid(), broker_id, case_id, id, 'open', (SELECT min(id)"
        " FROM portal_user), now(), '' FROM standing_change WHERE case_id = {suspended} AND kind ="
        " 'suspended'; UPDATE desk_case SET state = 'closed', outcome = 'o', closed_at = now(),"
        " closed_by_id = (SELECT min(id) FROM portal_user) WHERE id = {suspended}",
        [],
    ),
    "another person confirms than prepares": (
        "ALTER TABLE money_proposal DROP CONSTRAINT another_person_confirms_a_proposal; UPDATE"
        " money_proposal SET decided_by_id = prepared_by_id",
        [],
    ),
    "a prepared act has its result exactly when it is confirmed": (
        "DELETE FROM proposed_void",
        ["a fill is voided as two people confirmed"],
    ),
    "a payout is forfeited by an act that two people confirmed": (
        "UPDATE payout SET state = 'forfeited' WHERE id = {nil}",
        [],
    ),
    "a hold ends by an act that two people confirmed": (
        "UPDATE payout_release SET mode = 'in full' WHERE mode = 'forfeited'",
        [],
    ),
    "a fill is voided as two people confirmed": (
        "UPDATE fill_void SET proposal_id = {released_by}",
        ["a prepared act has its result exactly when it is confirmed"],
    ),
    "two people resolve a difference": (
        "INSERT INTO credit_difference (kind, detail, found_at, state, resolved_at, resolved_by_id)"
        " SELECT 'missing', 'd', now(), 'resolved', now(), {released_by}",
        [],
    ),
    "every approved payout is booked with its accrual and corrections": (
        "UPDATE ledger_transaction SET reference = 'payout:999' WHERE kind = 'accrual' AND broker_id = 1600",
        ["what a statement says is due = what its payout makes payable = what is booked for it"],
    ),
    "booked for a month = its truth, rounded once": (
        "UPDATE payout_release SET suspended = 2.01",
        [],
    ),
    "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited": (
        "UPDATE ledger_entry SET broker_id = 1800 WHERE broker_id = 1700",
        [
            "a ledger entry belongs to the broker of its transaction",
            "what is owed and held = what is still to be sent and what is carried",
        ],
    ),
    "what is owed and held = what is still to be sent and what is carried": (
        "ALTER TABLE payout DROP CONSTRAINT only_what_is_more_than_nothing_is_sent; UPDATE payout SET"
        " state = 'nil' WHERE id = {carried_again}",
        [],
    ),
    "what is carried forward is carried once": (
        "UPDATE payout SET carried = -2, due = due + 1 WHERE id = {carried_again}",
        [
            "nothing of an approved payout has changed since",
            "what a statement says is due = what its payout makes payable = what is booked for it",
        ],
    ),
    "what is held in the ledger = what cases hold": (
        "DELETE FROM payout_hold WHERE id = {open_hold}",
        [],
    ),
    "what was forfeited is forfeited in the ledger": (
        "UPDATE ledger_transaction SET reference = 'payout:{held}' WHERE kind = 'forfeit' AND reference"
        " = 'payout:{forfeited}'",
        [],
    ),
    "what a payout withholds = what its releases withheld": (
        "UPDATE payout_release SET withheld = 1 WHERE id = {release}",
        [],
    ),
    "adjustments = the ledger's adjustments": (
        "UPDATE adjustment SET amount = 2 WHERE id = {adjustment}",
        [
            "a prepared act has its result exactly when it is confirmed",
            "an approved payout counts the adjustments that it shows",
            "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited",
        ],
    ),
    "an approved payout counts the adjustments that it shows": (
        "DELETE FROM payout_adjustment WHERE adjustment_id = {adjustment}",
        [
            "what is owed and held = what is still to be sent and what is carried",
            "what a statement says is due = what its payout makes payable = what is booked for it",
        ],
    ),
    "nothing of an approved payout has changed since": (
        "UPDATE payout SET account_id = 'mine' WHERE id = {held}",
        [],
    ),
    "every approved payout has its statement": (
        "DELETE FROM statement_part WHERE face_id IN (SELECT id FROM statement_face WHERE statement_id ="
        " {held_statement}); DELETE FROM statement_face WHERE statement_id = {held_statement}; DELETE FROM"
        " statement WHERE id = {held_statement}",
        [],
    ),
    "the statements of a broker are numbered without gaps": (
        "ALTER TABLE statement DROP CONSTRAINT statement_number_follows_another; ALTER TABLE statement DROP"
        " CONSTRAINT statement_numbers_follow_each_other; UPDATE statement SET number = 3 WHERE id ="
        " {later_statement}",
        [],
    ),
    "what a statement says is due = what its payout makes payable = what is booked for it": (
        "UPDATE statement SET due = due + 1 WHERE id = {later_statement}",
        [],
    ),
    "every file of a statement is whole, its document above all": (
        "DELETE FROM statement_part WHERE face_id = {json_face} AND number = 1",
        [],
    ),
}
