"""A world for the pages of teams, standing, cases and changes of account: something in each state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from payouts.desk import account_change, affiliates, appeals, cases, hold, lift, suspend, terminate
from payouts.desk.evidence import NewFile
from payouts.desk.models import AccountChange, Appeal
from payouts.exchange.port import Account
from payouts.program.models import StandingChange
from portal.api import actions as tokens
from portal.team import colleagues, links
from portal.team.models import ViewAs
from tests import make
from tests.journeys.world import World, entered, fills
from tests.portal.application.papers import pdf
from tests.portal.staff import make_review

SAID = (
    "Orders with your code were placed and taken back within a second, for eleven hours.\n\n"
    "Please send the log of your order service of that day."
)
NOTE = "Seen by the desk: 41,208 orders, none of them filled. Logs in the evidence."
#: What each broker of this world is there for.
BROKERS = {
    2300: "Meridian Terminal",
    1400: "Altair Terminal",
    1500: "Gridwright Bots",
    1600: "Kestrel Copy Trading",
    1700: "Lyra Execution",
    1800: "Norrland Algo AB",
    1900: "Osprey Signals",
    2000: "Quillon Desk",
}
APPEALED, SUSPENDED, TERMINATED, PLANNED, TO_END, CONFIRMED, CALM = 1400, 1500, 1600, 1700, 1800, 1900, 2000


@dataclass(frozen=True)
class _People:
    olga: Any
    oper: Any
    prep: Any
    root: Any


def _people() -> _People:
    olga = make.login(email="olga@example.com", name="Olga Keller")
    for number, (code, name) in enumerate(BROKERS.items()):
        make.membership(olga, make.broker(code=code, name=name, account_id=f"BP-90002{number}"))
    return _People(
        olga,
        make_review.staff("operations", email="oper@exchange.example"),
        make_review.staff("finance preparer", email="prep@exchange.example"),
        make_review.staff("superuser", email="root@exchange.example"),
    )


def brokers() -> World:
    """What members see: teams, standings, appeals, accounts."""
    who, now = _people(), timezone.now()
    facts = _stopped(who, now=now) | _accounts(who, now=now) | _team(who, now=now)
    look = Client()
    look.force_login(who.oper)
    entered_by_password = look.post(
        "/accounts/reauthenticate/?next=/staff/", {"password": "correct horse battery"}
    )
    assert entered_by_password.status_code == 302
    begun = look.post(
        f"/staff/payouts/broker/{APPEALED}/view-as/", {"reason": "They asked what the page says."}
    )
    assert begun.status_code == 302, begun.content.decode()
    logins = {name: facts.pop(f"login_{name}") for name in ("dev", "vic", "carl")}
    sessions = {name: entered(login) for name, login in logins.items()}
    sessions["olga"] = entered(who.olga, proven=True)
    _proven_with_the_app(sessions["olga"], who.olga)
    return World(facts, sessions | {"look": look.cookies["sessionid"].value, "oper": entered(who.oper)})


def desk() -> World:
    """What staff see: brokers in each standing, cases, changes of account, tokens, looks."""
    who, now = _people(), timezone.now()
    facts = _stopped(who, now=now) | _accounts(who, now=now) | _cases(who, now=now) | _tokens(who, now=now)
    finn = make_review.staff("finance approver", email="finn@exchange.example")
    ada = make_review.staff("auditor", email="ada@exchange.example")
    look = ViewAs.objects.create(
        login=who.oper,
        broker_id=APPEALED,
        reason="They asked what the page says.",
        address="203.0.113.7",
        started_at=now - timedelta(hours=5),
        expires_at=now - timedelta(hours=4, minutes=30),
    )
    for page in ("", "standing/", "statements/"):
        look.pages.create(at=now - timedelta(hours=5), path=f"/brokers/{APPEALED}/{page}")
    facts["look_pk"] = look.pk
    facts["olga_pk"] = who.olga.pk
    return World(
        facts,
        {
            "oper": entered(who.oper, proven=True),
            "prep": entered(who.prep, proven=True),
            "root": entered(who.root, proven=True),
            "finn": entered(finn, proven=True),
            "ada": entered(ada),
        },
    )


def _proven_with_the_app(session: str, login: Any) -> None:
    client = Client()
    client.cookies["sessionid"] = session
    answer = client.post("/accounts/2fa/reauthenticate/?next=/brokers/", {"code": make.totp_code(login)})
    assert answer.status_code == 302, answer.content.decode()


# -- standings and appeals ------------------------------------------------------------------------


def paper(name: str) -> NewFile:
    return NewFile(name, "application/pdf", pdf(b"9 0 obj\n(%s)\nendobj\n" % name.encode()))


def _suspend(code: int, who: _People, *, now: datetime, starts_at: datetime | None = None) -> StandingChange:
    return suspend.suspend(
        broker_code=code,
        reason="conduct",
        note=NOTE,
        message=SAID,
        starts_at=starts_at,
        case_id=None,
        evidence=[paper("orders of that day.pdf")],
        by=who.oper.pk,
        now=now,
    )


def _terminate(
    code: int, who: _People, *, now: datetime, effective_at: datetime | None = None, is_confirmed: bool = True
) -> int:
    prepared = terminate.prepare(
        broker_code=code,
        reason="agreement",
        note=NOTE,
        message="You sold access to your code to others, which the User Agreement forbids.",
        effective_at=effective_at,
        case_id=None,
        by=who.oper.pk,
        now=now,
    )
    if is_confirmed:
        terminate.confirm(
            termination_id=prepared.pk,
            shown=terminate.shown(prepared.pk, now=now),
            by=who.root.pk,
            clock=lambda: now,
        )
    return int(prepared.pk)


def _appeal(change: StandingChange, who: _People, *, now: datetime) -> Appeal:
    found = appeals.open_appeal(
        broker_code=change.broker_id,
        change_id=change.pk,
        text="Our order service retried after a time-out of yours. The log is attached.",
        files=[paper("log of the order service, 2026-11-21, all hours.pdf")],
        by=who.olga.pk,
        now=now,
    )
    appeals.answer(
        reference=found.reference,
        text="Thank you. Which version of the service was that, and since when is it mended?",
        files=[],
        by=who.oper.pk,
        is_from_exchange=True,
        now=now + timedelta(hours=1),
    )
    return found


def _stopped(who: _People, *, now: datetime) -> dict[str, Any]:
    """Brokers in each standing, with fills, payouts that are held, and appeals."""
    ago = now - timedelta(days=2)
    fills(APPEALED)
    fills(2300)
    appealed = _suspend(APPEALED, who, now=ago)
    appeal = _appeal(appealed, who, now=ago + timedelta(hours=2))
    appeals.answer(
        reference=appeal.reference,
        text="Version 4.2, mended on the same evening: see the second file.",
        files=[paper("release notes.pdf")],
        by=who.olga.pk,
        is_from_exchange=False,
        now=ago + timedelta(hours=5),
    )
    suspended = _suspend(SUSPENDED, who, now=ago)
    _terminate(TERMINATED, who, now=ago)
    ended = StandingChange.objects.get(broker=TERMINATED, kind="terminated")
    refused = _appeal(ended, who, now=ago)
    appeals.decide(
        reference=refused.reference,
        granted=False,
        decision="The log shows the orders of four other companies.",
        by=who.oper.pk,
        now=now - timedelta(hours=20),
    )
    once = _suspend(PLANNED, who, now=ago - timedelta(days=9))
    lift.lift(
        suspension_id=once.pk,
        note="Mended.",
        message="The log explains it.",
        by=who.oper.pk,
        now=ago - timedelta(days=7),
    )
    planned = _suspend(PLANNED, who, now=ago, starts_at=now + timedelta(days=3))
    _terminate(TO_END, who, now=ago, effective_at=now + timedelta(days=5))
    hold.hold_due(now=now)
    return {
        "appeal": appeal.reference,
        "appealed_pk": appealed.pk,
        "appealed_case_pk": appealed.case_id,
        "suspended_pk": suspended.pk,
        "planned_pk": planned.pk,
        "terminated_case_pk": ended.case_id,
        "closable_case_pk": once.case_id,
    }


# -- accounts -------------------------------------------------------------------------------------


def _business(account_id: str) -> Account:
    return Account(account_id, is_business=True, is_affiliate=False)


def _ask(code: int, new: str, who: _People, *, now: datetime) -> AccountChange:
    return account_change.ask(
        broker_code=code,
        new_account_id=new,
        account=_business(new),
        by=who.olga.pk,
        address="203.0.113.7",
        now=now,
    )


def _prepare(change: AccountChange, who: _People, *, now: datetime) -> None:
    account = _business(change.new_account_id)
    account_change.prepare(reference=change.reference, account=account, by=who.prep.pk, now=now)


def _accounts(who: _People, *, now: datetime) -> dict[str, Any]:
    """Changes of account in each state."""
    ago = now - timedelta(hours=30)
    asked = _ask(2300, "BP-905001", who, now=ago)
    over = [_ask(CALM, f"BP-90510{number}", who, now=ago - timedelta(days=4)) for number in range(1)]
    account_change.cancel(
        reference=over[0].reference, by=who.olga.pk, why="It was a mistake.", now=ago - timedelta(days=3)
    )
    prepared = _ask(CALM, "BP-905002", who, now=ago)
    _prepare(prepared, who, now=now - timedelta(hours=3))
    confirmed = _ask(CONFIRMED, "BP-905003", who, now=ago)
    _prepare(confirmed, who, now=now - timedelta(hours=9))
    account_change.confirm(
        reference=confirmed.reference,
        shown=account_change.shown(confirmed.reference),
        account=_business("BP-905003"),
        by=who.root.pk,
        now=now - timedelta(hours=8),
    )
    return {
        "change": asked.reference,
        "confirmed_change": confirmed.reference,
        "asked_change_pk": asked.pk,
        "prepared_change_pk": prepared.pk,
        "confirmed_change_pk": confirmed.pk,
        "cancelled_change_pk": over[0].pk,
    }


# -- teams ----------------------------------------------------------------------------------------


def _team(who: _People, *, now: datetime) -> dict[str, Any]:
    """Colleagues in each role, invitations, and a log."""
    found: dict[str, Any] = {}
    meridian = make.broker(code=2300, name="Meridian Terminal", account_id="BP-900020")
    for name, role in (("dev", "developer"), ("vic", "viewer"), ("fay", "finance")):
        login = make.login(email=f"{name}@meridian.example", name=name.title())
        found[f"login_{name}"] = login
        found[f"{name}_pk"] = make.membership(login, meridian, role=role).pk
    found["login_carl"] = make.login(email="carl@meridian.example", name="Carl")
    invited = colleagues.invite(
        broker_code=2300,
        email="carl@meridian.example",
        role="finance",
        by=who.olga,
        now=now - timedelta(hours=2),
    )
    colleagues.invite(
        broker_code=2300,
        email="a-rather-long-name-of-somebody@accounting.meridian-terminal.example",
        role="viewer",
        by=who.olga,
        now=now - timedelta(hours=1),
    )
    staff = colleagues.invite(
        broker_code=2300,
        email="oper@exchange.example",
        role="viewer",
        by=who.olga,
        now=now - timedelta(hours=1),
    )
    return found | {
        "invited": links.token_of(invited),
        "invited_staff": links.token_of(staff),
        "invitation_pk": invited.pk,
    }


# -- cases and tokens -----------------------------------------------------------------------------


def _cases(who: _People, *, now: datetime) -> dict[str, Any]:
    """A flagged conflict, a case opened by hand, one that is closed, and an exchange that is silent."""
    answers = make_review.Exchange(**{"BP-900020": "affiliate"})
    affiliates.check_due(exchange=answers, clock=timezone.now)
    make.broker(code=3000, name="Zephyr Quant", account_id="BP-900030")
    affiliates.check_due(exchange=make_review.Exchange(down=True), clock=timezone.now)
    conflict = cases.open_conflict(2300)
    assert conflict is not None
    by_hand = cases.open_case(
        broker_code=CALM,
        kind="fraud",
        title="Trades with itself",
        text="Two of its users trade with each other, always at the same second.",
        by=who.oper.pk,
        now=now - timedelta(days=1),
    )
    cases.note(case_id=by_hand.pk, text="Asked the market surveillance.", by=who.oper.pk, now=now)
    over = cases.open_case(
        broker_code=CALM,
        kind="other",
        title="Late at night",
        text="All orders at night.",
        by=who.oper.pk,
        now=now,
    )
    cases.close(case_id=over.pk, outcome="A time zone: nothing was wrong.", by=who.oper.pk, now=now)
    return {
        "flagged_case_pk": conflict.pk,
        "case_pk": by_hand.pk,
        "closed_case_pk": over.pk,
        "prepared_pk": _terminate(CALM, who, now=now - timedelta(hours=1), is_confirmed=False),
    }


def _tokens(who: _People, *, now: datetime) -> dict[str, Any]:
    good = tokens.make_token(name="order gateway", scope="codes:read", days=90, by=who.root, now=now).token
    lost = tokens.make_token(
        name="order gateway of the test site",
        scope="codes:read",
        days=1,
        by=who.root,
        now=now - timedelta(days=3),
    ).token
    gone = tokens.make_token(name="old gateway", scope="codes:read", days=90, by=who.root, now=now).token
    tokens.revoke_token(prefix=gone.prefix, reason="It stood in a chat.", by=who.root, now=now)
    return {"token_pk": good.pk, "expired_token_pk": lost.pk, "revoked_token_pk": gone.pk}
