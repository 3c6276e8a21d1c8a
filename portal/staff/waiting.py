"""How much waits for a login's roles about standing and accounts, for the first page of the staff site."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery

from payouts.desk.models import AccountChange, Appeal, AppealMessage, Case, Termination
from portal.accounts.staff_roles import Act
from portal.team.models import Membership


@dataclass(frozen=True, slots=True)
class Waiting:
    """None for what the login's roles have nothing to do with; its own brokers are not counted."""

    flagged_cases: int | None
    unanswered_appeals: int | None
    #: Prepared by somebody else, so that this login may confirm them.
    terminations: int | None
    #: To be checked, and to be confirmed, by this login: neither its own wish nor its own check.
    account_changes: int | None

    @property
    def is_nothing(self) -> bool:
        return not any((self.flagged_cases, self.unanswered_appeals, self.terminations, self.account_changes))


def waiting(*, login: Any, acts: set[Act]) -> Waiting:
    """Four counts at most, each over rows that are still open."""
    return Waiting(
        flagged_cases=flagged_cases(login).count() if Act.SEE_CASES in acts else None,
        unanswered_appeals=unanswered_appeals(login).count() if Act.SEE_CASES in acts else None,
        terminations=_terminations(login) if Act.CONFIRM_TERMINATION in acts else None,
        account_changes=_account_changes(login, acts)
        if acts & {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT}
        else None,
    )


def own(login: Any) -> Exists:
    """Whether a row's broker is one whose team the login belongs to."""
    return Exists(Membership.objects.filter(login=login, broker=OuterRef("broker")))


def flagged_cases(login: Any) -> Any:
    """Open cases that nobody has looked at."""
    return Case.objects.filter(~own(login), state=Case.State.OPEN, is_flagged=True)


def unanswered_appeals(login: Any) -> Any:
    """Open appeals in which the broker spoke last."""
    last = AppealMessage.objects.filter(appeal=OuterRef("pk")).order_by("-pk").values("is_from_exchange")[:1]
    return (
        Appeal.objects.filter(~own(login), state=Appeal.State.OPEN)
        .annotate(answered=Subquery(last))
        .exclude(answered=True)
    )


def _terminations(login: Any) -> int:
    prepared = Termination.objects.filter(~own(login), state=Termination.State.PREPARED)
    return int(prepared.exclude(prepared_by=login).count())


def _account_changes(login: Any, acts: set[Act]) -> int:
    mine = Q()
    if Act.CHECK_ACCOUNT in acts:
        mine |= Q(state=AccountChange.State.ASKED)
    if Act.CONFIRM_ACCOUNT in acts:
        mine |= Q(state=AccountChange.State.PREPARED) & ~Q(prepared_by=login)
    return int(AccountChange.objects.filter(mine, ~own(login)).exclude(asked_by=login).count())
