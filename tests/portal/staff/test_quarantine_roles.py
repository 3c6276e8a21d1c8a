"""Who may do what about quarantined records: act by act, role by role, never about one's own broker."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from payouts.feed import replaying, setting_aside
from payouts.feed.quarantine_models import QuarantineChange, QuarantinePlace, QuarantineReplay
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.staff import quarantine_actions as actions
from tests import make
from tests.make import NOW
from tests.portal.staff.browsing import at
from tests.portal.staff.make_quarantine import LIST, waits
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
ROLES = (
    "reviewer", "operations", "finance preparer", "finance approver", "auditor", "superuser", "none",
)  # fmt: skip
MAY = {"operations", "superuser"}
HIGHEST = 2**63 - 1


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def altair(clock: None) -> Any:
    return make.broker(code=1400, name="Altair Terminal")


def replay(place: QuarantinePlace, by: Any) -> object:
    return actions.replay(reason="", record=place.pk, by=by, clock=lambda: NOW)


def replay_reason(place: QuarantinePlace, by: Any) -> object:
    return actions.replay(reason=place.reason, record=None, by=by, clock=lambda: NOW)


def discard(place: QuarantinePlace, by: Any) -> object:
    return actions.discard(records=[place.pk], note="Nobody's.", by=by, now=NOW)


def discard_all(place: QuarantinePlace, by: Any) -> object:
    return actions.discard_all(reason=place.reason, up_to=HIGHEST, note="Nobody's.", by=by, now=NOW)


def reopen(place: QuarantinePlace, by: Any) -> object:
    setting_aside.discard(
        records=[place.pk], reason="", note="x", by=make.login(email="first@example.com").pk, now=NOW
    )
    return actions.reopen(record=place.pk, note="It was right.", by=by, now=NOW)


def ask(place: QuarantinePlace, by: Any) -> object:
    return actions.ask_exchange(records=[place.pk], by=by, now=NOW)


def ask_all(place: QuarantinePlace, by: Any) -> object:
    return actions.ask_exchange_about_all(reason=place.reason, up_to=HIGHEST, by=by, now=NOW)


def stop(place: QuarantinePlace, by: Any) -> object:
    number = replaying.ask(record=place.pk, by=None, now=NOW)
    return actions.stop(replay=number, by=by, now=NOW)


Act = Callable[[QuarantinePlace, Any], object]
OF_RECORDS: list[Act] = [replay, discard, discard_all, reopen, ask]
ACTS: list[Act] = [*OF_RECORDS, replay_reason, ask_all, stop]


@pytest.mark.parametrize("act", ACTS, ids=[act.__name__ for act in ACTS])
@pytest.mark.parametrize("role", ROLES)
def test_each_act_is_open_to_its_roles_alone(role: str, act: Act) -> None:
    place, by = waits(), staff(role)

    if role in MAY:
        act(place, by)
        return
    with pytest.raises(NotYourRole):
        act(place, by)
    assert not QuarantineReplay.objects.exclude(asked_by=None, finished_at=None).exists()
    assert not QuarantineChange.objects.exclude(by__email="first@example.com").exists()


@pytest.mark.parametrize("act", OF_RECORDS, ids=[act.__name__ for act in OF_RECORDS])
def test_nobody_decides_about_a_record_that_names_a_broker_of_their_own(act: Act, altair: Any) -> None:
    place, by = waits("fee_mismatch"), staff("superuser")
    make.membership(by, altair, role="viewer")

    with pytest.raises(OwnBroker, match="another member of staff has to do this"):
        act(place, by)


@pytest.mark.parametrize("act", [replay_reason, ask_all, stop])
def test_a_reason_is_replayed_and_asked_about_by_the_same_rules_for_all(act: Act, altair: Any) -> None:
    place, by = waits("fee_mismatch"), staff("superuser")
    make.membership(by, altair, role="viewer")

    act(place, by)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "records/",
        "{}/change/",
        "{}/replay/",
        "{}/discard/",
        "{}/reopen/",
        "{}/ask/",
        "replay/",
        "reasons/unknown_broker/replay/",
        "reasons/unknown_broker/discard/",
        "reasons/unknown_broker/ask/",
        "chosen/discard/",
        "chosen/ask/",
    ],
)
def test_strangers_and_members_come_to_no_page(path: str, altair: Any, client: Any) -> None:
    place = waits()
    olga = make.login()
    make.membership(olga, altair)
    path = LIST + path.format(place.pk)

    assert client.get(path)["Location"].startswith("/accounts/login/?next=/staff/")
    assert at(olga).get(path).status_code == 403
    assert at(olga).post(path, {"note": "x"}).status_code == 403
    assert not QuarantineChange.objects.exists()
