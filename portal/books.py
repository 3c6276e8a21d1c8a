"""What must always be true of what the portal keeps of people: checked with the engine's books.

A breach refuses approving and sending like any other. So here stands only what no door lets happen and no
constraint rules out; what is merely late or waits is for `portal.health`.
"""

from payouts.ledger.invariant import Invariant

_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is approved or sent"
    " until `manage.py check_books` finds nothing; restore the rows from the backup."
)
#: A door reads the clock before it waits for its turn: ten seconds are no proof.
_MARGIN = "interval '10 seconds'"

#: What staff decide about brokers: the act, its row, whose it is, who did it, when.
_ACTS = """
    SELECT 'prepared payout' AS act, id, broker_id, prepared_by_id AS login_id, prepared_at AS at FROM payout
    UNION ALL SELECT 'approved payout', id, broker_id, approved_by_id, approved_at FROM payout
    UNION ALL SELECT 'prepared ' || kind, id, broker_id, prepared_by_id, prepared_at FROM money_proposal
    UNION ALL SELECT state || ' ' || kind, id, broker_id, decided_by_id, decided_at FROM money_proposal
    UNION ALL SELECT 'acknowledged bound', said.id, payout.broker_id, said.by_id, said.at
        FROM bound_acknowledgement AS said JOIN payout ON payout.id = said.payout_id
    UNION ALL SELECT 'prepared termination', id, broker_id, prepared_by_id, prepared_at FROM desk_termination
    UNION ALL SELECT state || ' termination', id, broker_id, decided_by_id, decided_at FROM desk_termination
    UNION ALL SELECT kind, id, broker_id, recorded_by_id, recorded_at FROM standing_change
    UNION ALL SELECT 'checked account', id, broker_id, prepared_by_id, prepared_at FROM account_change
    UNION ALL SELECT 'confirmed account', id, broker_id, confirmed_by_id, confirmed_at FROM account_change
"""
#: Who sat in which team, and until when.
_MEMBERS = """
    SELECT broker_id, login_id, joined_at, NULL::timestamptz AS ended_at FROM portal_membership
    UNION ALL SELECT broker_id, login_id, joined_at, pgh_created_at FROM portal_membershiphistory
        WHERE pgh_label = 'delete'
"""

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "nobody decides about a business of their own": Invariant(
        f"""
        SELECT did.act, did.id, did.broker_id, did.login_id, did.at, member.joined_at
        FROM ({_ACTS}) AS did JOIN ({_MEMBERS}) AS member
             ON member.broker_id = did.broker_id AND member.login_id = did.login_id
        WHERE member.joined_at < did.at - {_MARGIN}
          AND (member.ended_at IS NULL OR member.ended_at > did.at + {_MARGIN})
        """,
        "Open the broker: Staff › Brokers. Two other members of staff look at what was decided, and an"
        " auditor at how it could be.",
    ),
    "a broker that has a team has an owner": Invariant(
        """
        SELECT broker_id, count(*) AS members FROM portal_membership
        GROUP BY broker_id HAVING NOT bool_or(role = 'owner')
        """,
        "Open the broker: Staff › Brokers, and invite an owner.",
    ),
    "a letter that has left was tried, and nobody is at it": Invariant(
        """
        SELECT id, kind, state, attempts, leased_until FROM letter
        WHERE (state IN ('sent', 'dead') AND leased_until IS NOT NULL) OR (state = 'sent' AND attempts = 0)
        """,
        _PAST_THE_APPLICATION,
    ),
    "a document is there until it is erased, and then no more": Invariant(
        """
        SELECT document.id, document.application_id, document.erased_at
        FROM application_document AS document
        LEFT JOIN application_document_content AS content ON content.document_id = document.id
        WHERE (content.document_id IS NULL) IS DISTINCT FROM (document.erased_at IS NOT NULL)
        """,
        _PAST_THE_APPLICATION,
    ),
}
