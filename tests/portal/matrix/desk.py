"""What lies on the desk in the world of the matrix: brokers that were stopped, cases, changes of account."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from payouts.desk import account_change, appeals, cases, suspend, terminate
from payouts.desk.evidence import NewFile
from payouts.desk.models import AccountChange, Appeal, Case, CaseFile, Termination
from payouts.exchange.port import Account
from payouts.program.models import StandingChange
from portal.api import actions as tokens
from portal.api.models import ServiceToken
from portal.api.scopes import Scope
from portal.team import colleagues
from portal.team.models import Invitation, Membership
from tests import make
from tests.portal.application.papers import pdf

#: The broker of most members; one that is suspended; one that was terminated. Each has the same things.
BROKER, SUSPENDED, TERMINATED = 1400, 1800, 2000
_OF = {"susp": SUSPENDED, "term": TERMINATED}
#: Shortly before everything that is asked.
BEFORE = make.NOW - timedelta(hours=1)


@dataclass(frozen=True)
class Desk:
    #: About `BROKER`, with a file of evidence; nobody looks after it yet.
    case: Case
    token: ServiceToken
    #: A login of staff who did the first half of whatever needs two.
    first: int


def code_of(visitor: str) -> int:
    """The broker in a visitor's addresses."""
    return _OF.get(visitor, BROKER)


def build(*, owners: dict[int, Any], first: int, by: Any) -> Desk:
    """Each broker has a colleague, an open invitation and a change of account that was asked for."""
    for code, owner in owners.items():
        colleague = make.login(email=f"colleague-{code}@example.com")
        make.membership(colleague, make_broker(code), role="owner")
        colleagues.invite(
            broker_code=code, email=f"invited-{code}@example.com", role="viewer", by=owner, now=BEFORE
        )
        ask(code, by=owner.pk)
    case = cases.open_case(
        broker_code=BROKER,
        kind="other",
        title="Orders at night",
        text="They all came at night.",
        by=None,
        now=BEFORE,
    )
    cases.add_evidence(case_id=case.pk, text="The orders.", files=[paper("evidence")], by=first, now=BEFORE)
    _suspend(SUSPENDED, first)
    termination = _prepare(TERMINATED, first)
    terminate.confirm(
        termination_id=termination.pk,
        shown=terminate.shown(termination.pk, now=BEFORE),
        by=by.pk,
        clock=lambda: BEFORE,
    )
    token = tokens.make_token(name="order gateway", scope=Scope.CODES, days=30, by=by, now=BEFORE).token
    return Desk(case=case, token=token, first=first)


def make_broker(code: int) -> Any:
    return make.broker(code=code, account_id=f"BP-90{code}")


def paper(text: str) -> NewFile:
    return NewFile(f"{text}.pdf", "application/pdf", pdf(b"9 0 obj\n(%s)\nendobj\n" % text.encode()))


# -- what is there, as it is for a visitor ---------------------------------------------------------


def colleague(visitor: str) -> int:
    return Membership.objects.get(login__email=f"colleague-{code_of(visitor)}@example.com").pk


def invitation(visitor: str) -> int:
    return Invitation.objects.get(email=f"invited-{code_of(visitor)}@example.com").pk


def change_of_account(visitor: str) -> AccountChange:
    return AccountChange.objects.filter(broker=code_of(visitor)).latest("pk")


def stop(visitor: str) -> StandingChange:
    """The suspension or termination of the broker in a visitor's addresses."""
    return StandingChange.objects.filter(broker=code_of(visitor)).latest("pk")


def appeal(visitor: str) -> Appeal:
    return Appeal.objects.get(broker=code_of(visitor))


def file_of_appeal(visitor: str) -> CaseFile:
    return CaseFile.objects.get(message__appeal__broker=code_of(visitor))


def evidence() -> CaseFile:
    return CaseFile.objects.get(message=None)


def termination_of(visitor: str) -> Termination:
    return Termination.objects.get(broker=code_of(visitor))


# -- in which state it is before it is asked --------------------------------------------------------


def suspended(desk: Desk) -> StandingChange:
    """`BROKER` is suspended too."""
    return _suspend(BROKER, desk.first)


def appealed(desk: Desk) -> None:
    """`BROKER` is suspended too, and each of the three has appealed, with a file."""
    suspended(desk)
    for visitor in ("own", *_OF):
        appeals.open_appeal(
            broker_code=code_of(visitor),
            change_id=stop(visitor).pk,
            text="We did not do this.",
            files=[paper(f"of {visitor}")],
            by=desk.first,
            now=BEFORE,
        )


def prepared(desk: Desk) -> None:
    """The end of `BROKER` waits for the second person."""
    _prepare(BROKER, desk.first)


def closed(desk: Desk) -> None:
    cases.close(case_id=desk.case.pk, outcome="Nothing was wrong.", by=desk.first, now=BEFORE)


def checked(desk: Desk) -> None:
    """The change of account waits for the second person."""
    change = change_of_account("own")
    account = Account(change.new_account_id, is_business=True, is_affiliate=False)
    account_change.prepare(reference=change.reference, account=account, by=desk.first, now=BEFORE)


def without_change(desk: Desk) -> None:
    """No change of account is under way."""
    for change in AccountChange.objects.filter(state="asked"):
        account_change.cancel(reference=change.reference, by=desk.first, why="", now=BEFORE)


def ask(code: int, *, by: int) -> None:
    """A change of a broker's account is asked for."""
    new = f"BP-90{code + 1}"
    account_change.ask(
        broker_code=code,
        new_account_id=new,
        account=Account(new, is_business=True, is_affiliate=False),
        by=by,
        address="192.0.2.1",
        now=BEFORE,
    )


def _suspend(code: int, by: int) -> StandingChange:
    return suspend.suspend(
        broker_code=code,
        reason="conduct",
        note="Orders that nobody asked for.",
        message="Orders were sent that nobody had asked for.",
        starts_at=None,
        case_id=None,
        by=by,
        now=BEFORE,
    )


def _prepare(code: int, by: int) -> Termination:
    return terminate.prepare(
        broker_code=code,
        reason="agreement",
        note="It happened again.",
        message="The User Agreement was violated.",
        effective_at=None,
        case_id=None,
        by=by,
        now=BEFORE,
    )
