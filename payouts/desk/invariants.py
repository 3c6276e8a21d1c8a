"""What must always be true of standing, cases and holds, and of every act of two people."""

from payouts.desk import booked_invariants
from payouts.ledger.invariant import Invariant

_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is approved or"
    " sent until `manage.py check_books` finds nothing; restore the rows from the backup."
)
_STANDING = "Open the broker: Staff › Brokers › Standing. Its changes say what its ranges must be."
_THE_CASE = "Open the case: Staff › Cases."

_STANDING_AND_CASES: dict[str, Invariant] = {
    "ranges of standing = what its changes say": Invariant(
        """
        SELECT change_id, said.broker_id AS said_broker, kept.broker_id AS kept_broker,
               said.kind AS said_kind, kept.kind AS kept_kind, said.starts_at AS said_start,
               kept.starts_at AS kept_start, said.ends_at AS said_end, kept.ends_at AS kept_end
        FROM standing_range AS kept FULL JOIN (
            SELECT change.id AS change_id, change.broker_id, change.kind, change.effective_at AS starts_at,
                   CASE WHEN lifting.effective_at = change.effective_at THEN lifting.effective_at
                        ELSE least(lifting.effective_at, ended.effective_at) END AS ends_at
            FROM standing_change AS change
            LEFT JOIN standing_change AS lifting ON lifting.ends_id = change.id
            LEFT JOIN standing_change AS ended ON ended.broker_id = change.broker_id
                 AND ended.kind = 'terminated' AND change.kind = 'suspended'
            WHERE change.kind IN ('suspended', 'terminated')
        ) AS said USING (change_id)
        WHERE (said.broker_id, said.kind, said.starts_at, said.ends_at)
              IS DISTINCT FROM (kept.broker_id, kept.kind, kept.starts_at, kept.ends_at)
        """,
        _STANDING,
    ),
    "a broker is never in two ranges of standing at once": Invariant(
        """
        SELECT one.broker_id, one.change_id, other.change_id AS other_change_id
        FROM standing_range AS one JOIN standing_range AS other
            ON other.broker_id = one.broker_id AND other.change_id > one.change_id
        WHERE tstzrange(one.starts_at, one.ends_at) && tstzrange(other.starts_at, other.ends_at)
        """,
        _STANDING,
    ),
    "standing begins with the enrolment": Invariant(
        """
        SELECT change.id, change.broker_id, change.kind, change.effective_at, broker.enrolled_at
        FROM standing_change AS change JOIN broker ON broker.code = change.broker_id
        WHERE change.effective_at < broker.enrolled_at
        """,
        _STANDING,
    ),
    "codes are unique": Invariant(
        "SELECT code, count(*) AS brokers FROM broker GROUP BY code HAVING count(*) > 1",
        _PAST_THE_APPLICATION,
    ),
    "a hold belongs to a case of the same broker": Invariant(
        """
        SELECT held.id, payout.broker_id AS payout_broker, held_by.broker_id AS case_broker
        FROM payout_hold AS held
        JOIN payout ON payout.id = held.payout_id JOIN desk_case AS held_by ON held_by.id = held.case_id
        WHERE held_by.broker_id <> payout.broker_id
        """,
        _THE_CASE,
    ),
    # What was approved before and waits to be sent is held too; what was sent, or is nothing, is past it.
    "a case that holds a payout holds all that there were": Invariant(
        """
        SELECT DISTINCT other.id, other.broker_id, held.case_id
        FROM payout_hold AS held
        JOIN payout ON payout.id = held.payout_id
        JOIN payout AS other ON other.broker_id = payout.broker_id
             AND (other.approved_at IS NULL OR other.approved_at > held.held_at)
        JOIN month_run ON month_run.id = other.run_id AND month_run.calculated_at <= held.held_at
        WHERE NOT EXISTS (SELECT FROM payout_hold AS its WHERE its.payout_id = other.id
                          AND its.case_id = held.case_id)
        """,
        "Run `manage.py hold_due`, or wait for the sweep that does; then open the case: Staff › Cases.",
    ),
    "nothing that was sent or forfeited is still held": Invariant(
        """
        SELECT held.id, held.payout_id, held.case_id, payout.state FROM payout_hold AS held
        JOIN payout ON payout.id = held.payout_id
        WHERE payout.state IN ('sending', 'credited', 'forfeited')
          AND NOT EXISTS (SELECT FROM payout_release AS released WHERE released.hold_id = held.id)
        """,
        _THE_CASE,
    ),
    "no broker is an affiliate without an open case": Invariant(
        """
        SELECT said.broker_id, said.answered_at FROM affiliate_check AS said
        JOIN broker ON broker.code = said.broker_id AND broker.account_id = said.account_id
        WHERE said.answer = 'affiliate'
          AND NOT EXISTS (SELECT FROM desk_case WHERE desk_case.broker_id = said.broker_id
                          AND desk_case.kind = 'affiliate' AND desk_case.state = 'open')
          AND NOT EXISTS (SELECT FROM standing_change AS ended WHERE ended.broker_id = said.broker_id
                          AND ended.kind = 'terminated' AND ended.effective_at <= now())
        """,
        "Ask the exchange again with `manage.py ask_exchange`: an affiliate opens a case by itself.",
    ),
    "no appeal waits in a closed case": Invariant(
        """
        SELECT desk_appeal.id, desk_appeal.case_id FROM desk_appeal
        JOIN desk_case ON desk_case.id = desk_appeal.case_id
        WHERE desk_appeal.state = 'open' AND desk_case.state <> 'open'
        """,
        _THE_CASE,
    ),
}

_ACTS_OF_TWO: dict[str, Invariant] = {
    "another person confirms than prepares": Invariant(
        """
        SELECT id, kind, prepared_by_id, decided_by_id FROM money_proposal
        WHERE state = 'confirmed' AND (decided_by_id IS NULL OR decided_by_id = prepared_by_id)
        """,
        _PAST_THE_APPLICATION,
    ),
    # Confirming and its result are one transaction: there is never one without the other.
    "a prepared act has its result exactly when it is confirmed": Invariant(
        """
        SELECT act.id, act.kind, act.state, act.broker_id FROM money_proposal AS act
        WHERE (act.state = 'confirmed') IS DISTINCT FROM CASE act.kind
            WHEN 'release' THEN EXISTS (SELECT FROM payout_release AS released
                WHERE released.proposal_id = act.id AND released.hold_id = act.hold_id
                  AND released.mode = act.mode)
            WHEN 'forfeit' THEN act.state = 'confirmed' AND EXISTS (SELECT FROM payout
                WHERE payout.id = act.payout_id AND payout.state = 'forfeited')
            WHEN 'void' THEN EXISTS (SELECT FROM fill_void WHERE fill_void.proposal_id = act.id)
                AND (SELECT count(*) FROM fill_void WHERE fill_void.proposal_id = act.id)
                  = (SELECT count(*) FROM proposed_void AS wanted WHERE wanted.proposal_id = act.id)
            WHEN 'adjust' THEN EXISTS (SELECT FROM adjustment WHERE adjustment.proposal_id = act.id
                AND adjustment.broker_id = act.broker_id AND adjustment.amount = act.amount)
            WHEN 'resolve' THEN EXISTS (SELECT FROM credit_attempt AS attempt
                WHERE attempt.decided_by_id = act.id AND attempt.id = act.attempt_id
                  AND attempt.state = CASE act.mode WHEN 'credited' THEN 'confirmed' ELSE 'rejected' END)
            WHEN 'difference' THEN EXISTS (SELECT FROM credit_difference AS found
                WHERE found.resolved_by_id = act.id AND found.id = act.difference_id
                  AND found.state = 'resolved')
            END
        """,
        "Open the act: Staff › Acts. What two people confirmed must have happened, and nothing else.",
    ),
    "a payout is forfeited by an act that two people confirmed": Invariant(
        """
        SELECT payout.id, payout.broker_id, payout.due, payout.withheld FROM payout
        WHERE payout.state = 'forfeited' AND NOT EXISTS (
            SELECT FROM money_proposal AS act WHERE act.payout_id = payout.id AND act.kind = 'forfeit'
            AND act.state = 'confirmed')
        """,
        _PAST_THE_APPLICATION,
    ),
    "a hold ends by an act that two people confirmed": Invariant(
        """
        SELECT released.id, released.hold_id, released.mode, act.kind, act.state
        FROM payout_release AS released JOIN payout_hold AS held ON held.id = released.hold_id
        LEFT JOIN money_proposal AS act ON act.id = released.proposal_id
        WHERE act.state IS DISTINCT FROM 'confirmed' OR act.payout_id IS DISTINCT FROM held.payout_id
           OR NOT ((act.kind = 'release' AND act.hold_id = held.id AND act.mode = released.mode)
                   OR (act.kind = 'forfeit' AND released.mode = 'forfeited'))
        """,
        _PAST_THE_APPLICATION,
    ),
    "a fill is voided as two people confirmed": Invariant(
        """
        SELECT voided.id, voided.fill_id, act.kind, act.state FROM fill_void AS voided
        LEFT JOIN money_proposal AS act ON act.id = voided.proposal_id
        LEFT JOIN proposed_void AS wanted ON wanted.proposal_id = act.id AND wanted.fill_id = voided.fill_id
        WHERE (act.kind, act.state, act.broker_id) IS DISTINCT FROM ('void', 'confirmed', voided.broker_code)
           OR wanted.id IS NULL
        """,
        _PAST_THE_APPLICATION,
    ),
    "two people resolve a difference": Invariant(
        """
        SELECT found.id, found.kind, found.state, found.resolved_by_id FROM credit_difference AS found
        LEFT JOIN money_proposal AS act ON act.id = found.resolved_by_id
        WHERE found.state = 'resolved'
          AND (act.kind, act.state, act.difference_id) IS DISTINCT FROM ('difference', 'confirmed', found.id)
        """,
        _PAST_THE_APPLICATION,
    ),
}

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = _STANDING_AND_CASES | _ACTS_OF_TWO | booked_invariants.INVARIANTS
