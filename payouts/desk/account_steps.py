"""How a step of a change of account is written: the row itself, and the step that letters follow from."""

from datetime import datetime

from payouts.desk.models import AccountChange, AccountChangeStep


def step(change: AccountChange, kind: AccountChangeStep.Kind, *, by: int | None, now: datetime) -> None:
    """`by` is None for what the portal does by itself."""
    AccountChangeStep.objects.create(change=change, kind=kind, at=now, by_id=by)


def end(
    change: AccountChange, state: AccountChange.State, *, why: str, by: int | None, now: datetime
) -> None:
    """Cancelled or refused: nothing will come of it any more."""
    change.state, change.ended_by_id, change.ended_at, change.ended_why = state, by, now, why
    change.due_at = change.failing_since = None
    change.save(update_fields=["state", "ended_by", "ended_at", "ended_why", "due_at", "failing_since"])
    step(change, AccountChangeStep.Kind(state.value), by=by, now=now)
