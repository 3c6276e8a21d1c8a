"""The log of a broker: every act in it once, the exchange without names, newest first, fifty a page."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from payouts.desk import appeals
from payouts.desk.account_models import AccountChange, AccountChangeStep
from portal.team import activity, colleagues, first_owner, log, members
from portal.team.models import Activity
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.team.colleagues import altair, of, seat
from tests.portal.team.conftest import NOW, person, staff

pytestmark = pytest.mark.django_db
PAGE = "/brokers/1400/activity/"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _team(clock: Any) -> None:
    altair()


def lines(code: int = 1400, number: int = 1) -> list[tuple[str, str, str]]:
    return [
        (line.who, line.what, line.about) for line in activity.page(broker_code=code, number=number).lines
    ]


def test_acts_of_the_team_and_facts_of_the_engine_stand_in_one_log() -> None:
    broker = seat("owner@altair.example").broker
    owner = seat("owner@altair.example").login
    later = [NOW + timedelta(hours=number) for number in range(1, 9)]
    colleagues.invite(broker_code=1400, email="nora@altair.example", role="viewer", by=owner, now=later[0])
    suspension = make.suspended(broker, later[1])
    make.lifted(suspension, later[2])
    change = AccountChange.objects.create(
        broker=broker,
        old_account_id="BP-1400",
        new_account_id="BP-1401",
        asked_by=owner,
        asked_at=later[3],
        state="prepared",
        prepared_by=staff(),
        prepared_at=later[4],
    )
    AccountChangeStep.objects.create(change=change, kind="asked", at=later[3], by=owner)
    AccountChangeStep.objects.create(change=change, kind="prepared", at=later[4], by=change.prepared_by)
    members.leave(broker_code=1400, by=seat("viewer@altair.example").login, now=later[5])

    assert lines() == [
        ("viewer@altair.example", "left", "viewer"),
        ("Backpack", "change of account: checked by one", "BP-1400 → BP-1401"),
        ("owner@altair.example", "change of account: asked", "BP-1400 → BP-1401"),
        ("Backpack", "lifted", "from 2026-11-22 15:00:00 UTC"),
        (
            "Backpack",
            "suspended",
            "from 2026-11-22 14:00:00 UTC, conduct deemed harmful to the platform or its users",
        ),
        ("owner@altair.example", "invited", "nora@altair.example as viewer"),
        ("Backpack", "enrolled", "from 2020-01-01 00:00:00 UTC"),
    ]
    text = text_of(of("finance").get(PAGE))
    assert "2026-11-22 18:00:00 UTC viewer@altair.example left viewer" in text
    assert "exchange.example" not in text


def test_what_the_exchange_did_with_an_invitation_bears_no_name() -> None:
    broker = make.broker(code=1600, name="Corvus")
    rita = staff()
    invitation = first_owner.invite_owner(broker_code=1600, email="ines@example.com", by=rita, now=NOW)
    first_owner.withdraw_invitation(invitation_id=invitation.pk, by=rita, now=NOW)

    assert lines(broker.code)[:2] == [
        ("Backpack", "invitation withdrawn", "ines@example.com as owner"),
        ("Backpack", "invited", "ines@example.com as owner"),
    ]


def test_a_statement_that_is_taken_away_is_written_down_and_one_that_is_only_asked_about_is_not() -> None:
    client = of("viewer")
    client.head("/brokers/1400/statements/2026-11.csv")
    assert not Activity.objects.exists()

    client.get("/brokers/1400/statements/2026-11.csv")
    client.get("/brokers/1400/statements/2026-11.json")

    found = lines()
    assert [(who, what) for who, what, _ in found[:2]] == [
        ("viewer@altair.example", "statement downloaded")
    ] * 2
    assert [about.rpartition(".")[2] for _, _, about in found[:2]] == ["json", "csv"]


def test_one_brokers_log_never_shows_anothers() -> None:
    other = make.broker(code=1500)
    boss = make.membership(make.login(email="boss@borealis.example"), other)
    log.downloaded(broker_code=1500, file_name="2026-10.csv", by=boss.login, now=NOW)

    assert "borealis" not in text_of(of("owner").get(PAGE))
    assert [line for line in lines(1500) if line[1] == "statement downloaded"] == [
        ("boss@borealis.example", "statement downloaded", "2026-10.csv")
    ]


def test_fifty_stand_on_a_page_and_none_is_lost_between_two() -> None:
    viewer = seat("viewer@altair.example").login
    for number in range(120):
        log.downloaded(
            broker_code=1400, file_name=f"{number}.csv", by=viewer, now=NOW + timedelta(seconds=number // 7)
        )
    client = of("owner")

    pages = [activity.page(broker_code=1400, number=number) for number in (1, 2, 3)]
    assert [len(page.lines) for page in pages] == [50, 50, 21]
    assert [line.about for page in pages for line in page.lines][:120] == [
        f"{number}.csv" for number in reversed(range(120))
    ]
    assert [(page.newer, page.older, page.of) for page in pages] == [(None, 2, 3), (1, 3, 3), (2, None, 3)]
    second = client.get(f"{PAGE}?page=2")
    assert {"?page=1", "?page=3"} <= set(links_of(second))
    assert "Page 2 of 3" in text_of(second)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("", 1), ("x", 1), ("-1", 1), ("0", 1), ("٣", 1), ("9" * 50, 1), ("99", 1), ("1e3", 1)],
)
def test_an_odd_number_of_page_is_no_error(asked: str, shown: int) -> None:
    page = of("owner").get(PAGE, {"page": asked})

    assert page.status_code == 200
    assert f"Page {shown} of 1" in text_of(page)


def test_nobody_edits_the_log() -> None:
    log.downloaded(broker_code=1400, file_name="x", by=seat("viewer@altair.example").login, now=NOW)
    for statement in ("UPDATE broker_activity SET about = 'y'", "DELETE FROM broker_activity"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Activity.objects.get().about == "x"


def test_an_act_that_fails_leaves_no_line_and_no_letter() -> None:
    from portal.letters.models import Letter

    with pytest.raises(members.LastOwner):
        members.leave(broker_code=1400, by=seat("owner@altair.example").login, now=NOW)
    assert not Activity.objects.exists()
    assert not Letter.objects.exists()


def test_who_may_not_see_it_is_told_so_and_others_find_nothing() -> None:
    assert [of(role).get(PAGE).status_code for role in ("finance", "developer", "viewer")] == [200, 403, 403]
    assert at(person("eve@example.com")).get(PAGE).status_code == 404


def test_an_appeal_is_in_the_log_without_its_words_or_names_of_staff() -> None:
    broker, owner = seat("owner@altair.example").broker, seat("owner@altair.example").login
    suspension = make.suspended(broker, NOW)
    appeal = appeals.open_appeal(
        broker_code=1400,
        change_id=suspension.pk,
        text="Look again.",
        files=(),
        by=owner.pk,
        now=NOW + timedelta(hours=1),
    )
    rita = staff()
    answered = {"files": (), "by": rita.pk, "is_from_exchange": True, "now": NOW + timedelta(hours=2)}
    appeals.answer(reference=appeal.reference, text="Send the log.", **answered)
    refused = {"granted": False, "decision": "It stands.", "by": rita.pk, "now": NOW + timedelta(hours=3)}
    appeals.decide(reference=appeal.reference, **refused)

    assert lines()[:3] == [
        ("Backpack", "appeal refused", ""),
        ("Backpack", "message in the appeal", ""),
        ("owner@altair.example", "appealed", ""),
    ]
