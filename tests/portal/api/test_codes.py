"""`GET /feed/v1/codes`: every code ever issued, as it stands at the moment of asking."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.program import queries as program
from payouts.program.models import Broker, StandingChange
from tests import make
from tests.portal.api.asking import CODES, ask, bearer, token

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)


@pytest.fixture
def gateway() -> Any:
    return token(now=NOW - timedelta(days=1))


def at(moment: datetime, made: Any, **headers: str) -> Any:
    with time_machine.travel(moment, tick=False):
        return ask(made, **headers)


def states(moment: datetime, made: Any) -> tuple[int, list[tuple[int, str, str]]]:
    body = at(moment, made).json()
    assert sorted(body) == ["codes", "version"]
    return body["version"], [(each["code"], each["state"], each["since"]) for each in body["codes"]]


def test_every_code_stands_in_order_with_its_state_and_since_when(gateway: Any) -> None:
    for code in (1600, 1400, 1500, 1700):
        make.broker(code=code, enrolled_at=datetime(2026, 9, 1, tzinfo=UTC))
    found = {broker.code: broker for broker in Broker.objects.all()}
    make.suspended(found[1500], NOW - timedelta(hours=2, microseconds=-1))
    make.terminated(found[1600], NOW - timedelta(hours=1))
    make.lifted(make.suspended(found[1700], NOW - timedelta(days=2)), NOW - timedelta(days=1))

    assert states(NOW, gateway) == (
        8,
        [
            (1400, "live", "2026-09-01T00:00:00.000000Z"),
            (1500, "suspended", "2026-11-22T10:00:00.000001Z"),
            (1600, "terminated", "2026-11-22T11:00:00.000000Z"),
            (1700, "live", "2026-11-21T12:00:00.000000Z"),
        ],
    )


def test_without_brokers_the_list_is_empty(gateway: Any) -> None:
    assert at(NOW, gateway).content == b'{"version":0,"codes":[]}'


def test_a_planned_change_is_in_the_first_answer_of_its_microsecond(gateway: Any) -> None:
    broker = make.broker(enrolled_at=datetime(2026, 9, 1, tzinfo=UTC))
    start, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    make.lifted(make.suspended(broker, start, recorded_at=NOW), end)
    make.terminated(broker, end + SECOND, recorded_at=NOW)

    assert [
        states(moment, gateway)
        for moment in (start - TICK, start, end - TICK, end, end + SECOND - TICK, end + SECOND)
    ] == [
        (1, [(1400, "live", "2026-09-01T00:00:00.000000Z")]),
        (2, [(1400, "suspended", "2026-11-22T13:00:00.000000Z")]),
        (2, [(1400, "suspended", "2026-11-22T13:00:00.000000Z")]),
        (3, [(1400, "live", "2026-11-22T14:00:00.000000Z")]),
        (3, [(1400, "live", "2026-11-22T14:00:00.000000Z")]),
        (4, [(1400, "terminated", "2026-11-22T14:00:01.000000Z")]),
    ]


def test_a_suspension_that_was_cancelled_before_it_began_is_never_told(gateway: Any) -> None:
    broker = make.broker(enrolled_at=datetime(2026, 9, 1, tzinfo=UTC))
    start = NOW + timedelta(hours=1)
    make.lifted(make.suspended(broker, start, recorded_at=NOW), start)

    for moment in (NOW, start - TICK, start, start + TICK, start + timedelta(days=1)):
        assert states(moment, gateway)[1] == [(1400, "live", "2026-09-01T00:00:00.000000Z")]


def test_a_termination_while_suspended_is_a_termination(gateway: Any) -> None:
    broker = make.broker()
    make.suspended(broker, NOW - timedelta(days=1))
    make.terminated(broker, NOW)

    assert states(NOW, gateway)[1] == [(1400, "terminated", "2026-11-22T12:00:00.000000Z")]


def test_the_gateway_hears_what_the_engine_says_of_each_broker(gateway: Any) -> None:
    """The list comes from the database's ranges, `standing_of` from the changes: they never part."""
    moments = [NOW + hours * timedelta(hours=1) for hours in range(-3, 8)]
    for code, kind in (
        (1400, "none"),
        (1500, "lifted"),
        (1600, "ended"),
        (1700, "cancelled"),
        (1800, "gone"),
    ):
        broker = make.broker(code=code)
        if kind in ("lifted", "ended", "cancelled"):
            suspension = make.suspended(broker, NOW + timedelta(hours=1), recorded_at=NOW)
            if kind != "ended":
                hours = 2 if kind == "lifted" else 1
                make.lifted(suspension, NOW + timedelta(hours=hours))
        if kind in ("ended", "gone"):
            make.terminated(broker, NOW + timedelta(hours=3), recorded_at=NOW)

    for moment in moments:
        engine = [
            (code, program.standing_of(code, now=moment).state.replace("active", "live"))
            for code in (1400, 1500, 1600, 1700, 1800)
        ]
        assert [(code, state) for code, state, _since in states(moment, gateway)[1]] == engine


def test_the_version_only_grows_and_changes_with_the_list(gateway: Any) -> None:
    seen: list[tuple[int, str]] = []
    broker = make.broker()
    acts: list[Any] = [
        lambda: None,
        lambda: make.suspended(broker, NOW),
        lambda: make.lifted(StandingChange.objects.get(kind="suspended"), NOW + SECOND),
        lambda: make.broker(code=1500),
        lambda: make.suspended(broker, NOW - timedelta(days=3), recorded_at=NOW),
    ]
    for number, act in enumerate(acts[:4]):
        act()
        answer = at(NOW + number * SECOND, gateway)
        seen.append((answer.json()["version"], answer["ETag"]))

    assert [version for version, _etag in seen] == [1, 2, 3, 4]
    assert len({etag for _version, etag in seen}) == 4


# -- asking again ------------------------------------------------------------------------------


def test_a_list_that_is_known_is_not_sent_again(gateway: Any) -> None:
    make.broker()
    first = at(NOW, gateway)
    again = at(NOW, gateway, if_none_match=first["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"
    assert "Expires" not in first
    assert "Content-Type" not in again


def test_by_the_next_change_the_known_list_is_old(gateway: Any) -> None:
    broker = make.broker()
    make.suspended(broker, NOW + SECOND, recorded_at=NOW)
    known = at(NOW, gateway)["ETag"]

    assert at(NOW + SECOND - TICK, gateway, if_none_match=known).status_code == 304
    assert at(NOW + SECOND, gateway, if_none_match=known).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ("*", 304),
        ('"other", {etag}', 304),
        ('"other" , W/{etag},"third"', 304),
        ('"other"', 200),
        ("{bare}", 200),
        ("", 200),
        ("W/*", 200),
        ('"', 200),
        ("é", 200),
        ('"a",' * 5_000, 200),
    ],
)
def test_if_none_match_is_read_as_rfc_9110_says(gateway: Any, given: str, status: int) -> None:
    etag = at(NOW, gateway)["ETag"]
    given = given.replace("{etag}", etag).replace("{bare}", etag.strip('"'))

    assert at(NOW, gateway, if_none_match=given).status_code == status


def test_if_match_holds_or_is_answered_with_412(gateway: Any) -> None:
    etag = at(NOW, gateway)["ETag"]

    assert at(NOW, gateway, if_match=etag).status_code == 200
    assert at(NOW, gateway, if_match="*").status_code == 200
    refused = at(NOW, gateway, if_match='"other"')
    assert refused.status_code == 412
    assert refused.json() == {
        "code": "PRECONDITION_FAILED",
        "message": "The list is another one by now: ask again without If-Match.",
    }


def test_head_says_what_get_would(gateway: Any) -> None:
    make.broker()
    with time_machine.travel(NOW, tick=False):
        head = Client().head(CODES, headers=bearer(gateway))
    get = at(NOW, gateway)

    assert (head.status_code, head.content) == (200, b"")
    assert (head["ETag"], head["Content-Length"]) == (get["ETag"], get["Content-Length"])


# -- what it costs -----------------------------------------------------------------------------


def test_five_thousand_brokers_are_two_queries_and_half_a_second(
    gateway: Any, django_assert_num_queries: Any
) -> None:
    numbers = range(1, 5_001)
    Broker.objects.bulk_create(
        Broker(code=number, name=f"B{number}", account_id=f"A{number}", enrolled_at=NOW - timedelta(days=9))
        for number in numbers
    )
    StandingChange.objects.bulk_create(
        StandingChange(broker_id=number, kind="enrolled", effective_at=NOW, recorded_at=NOW)
        for number in numbers
    )
    for number in range(1, 51):
        make.suspended(Broker(code=number), NOW)
    assert at(NOW, gateway).status_code == 200  # notes the use

    with django_assert_num_queries(2):
        answer = at(NOW, gateway)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        at(NOW, gateway)
        took.append(time.perf_counter() - began)

    assert len(json.loads(answer.content)["codes"]) == 5_000
    assert len(answer.content) < 400_000
    assert min(took) < 0.5
