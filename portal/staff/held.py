"""The payouts that a case holds."""

from payouts.desk import hold
from payouts.desk.hold import HeldPayout
from payouts.desk.models import Case


def held_by(case: Case | None) -> list[HeldPayout]:
    """The oldest month first; none for no case."""
    if case is None:
        return []
    return [each for each in hold.held(case.broker_id) if any(one.case_id == case.pk for one in each.holds)]
