"""What staff do about quarantined records: what comes of it in the books, what refuses."""

import csv
import io
from typing import Any

import pytest
import time_machine

from payouts.feed import replaying, tally
from payouts.feed.models import Fill
from payouts.feed.quarantine_models import QuarantineChange, QuarantinePlace
from portal.staff import quarantine_actions as actions
from tests import make
from tests.make import NOW
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_quarantine import LIST, quarantined, waits
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def altair(clock: None) -> Any:
    return make.broker(code=1400, name="Altair Terminal")


def place_of(place: QuarantinePlace) -> tuple[str, str]:
    place.refresh_from_db()
    return place.state, place.reason


# -- replay -----------------------------------------------------------------------------------------


def test_a_replay_after_the_code_is_enrolled_books_the_fill() -> None:
    place = waits()
    make.broker(code=1500)

    answer = at(staff("operations")).post(f"{LIST}{place.pk}/replay/", follow=True)

    assert place_of(place) == ("accepted", "")
    assert Fill.objects.get().broker_code == 1500
    assert tally.read().quarantined == {}
    text = text_of(answer)
    assert f"finished record {place.pk}" in text
    assert "Accepted: they count now 1 Known already 0 Excluded 0 Go on waiting 0" in text


def test_a_replay_before_that_changes_nothing_and_says_so() -> None:
    place = waits()

    answer = at(staff("operations")).post(f"{LIST}{place.pk}/replay/", follow=True)

    assert place_of(place) == ("waiting", "unknown_broker")
    assert "Go on waiting 1" in text_of(answer)


def test_a_reason_is_replayed_and_no_other() -> None:
    place, other = waits(), waits("fee_mismatch", brokerId=1400)
    make.broker(code=1500)

    answer = at(staff("operations")).post(f"{LIST}reasons/unknown_broker/replay/", follow=True)

    assert (place_of(place), place_of(other)) == (("accepted", ""), ("waiting", "fee_mismatch"))
    assert "finished unknown broker code" in text_of(answer)


def test_all_are_replayed_but_those_that_cannot_be_read() -> None:
    place, late, broken = waits(), waits("future_timestamp"), waits("malformed")
    make.broker(code=1500)
    with time_machine.travel("2026-11-22T14:00:00Z", tick=False):
        at(staff("operations")).post(f"{LIST}replay/")

    assert [place_of(each)[0] for each in (place, late, broken)] == ["accepted", "accepted", "waiting"]


def test_more_than_a_thousand_are_left_to_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 1)
    first, second = waits(), waits()
    make.broker(code=1500)
    client = at(staff("operations"))

    page = client.get(f"{LIST}reasons/unknown_broker/replay/")
    answer = client.post(f"{LIST}reasons/unknown_broker/replay/", follow=True)

    assert "So many are replayed behind the scenes" in text_of(page)
    assert "0 of 2, as of 2026-11-22 12:00:00 UTC" in text_of(answer)
    assert place_of(first) == place_of(second) == ("waiting", "unknown_broker")
    replaying.work(clock=lambda: NOW)
    assert "Accepted: they count now 2" in text_of(client.get(answer.request["PATH_INFO"]))
    assert place_of(first) == place_of(second) == ("accepted", "")


def test_one_replay_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 0)
    place = waits()
    client = at(staff("operations"))
    client.post(f"{LIST}replay/")

    answer = client.post(f"{LIST}{place.pk}/replay/")

    assert answer.status_code == 409
    assert "Another replay is under way: wait until it has ended." in text_of(answer)
    assert "A replay is under way: 1 record left." in text_of(client.get(LIST))


def test_a_replay_is_stopped_where_it_is_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 0)
    place = waits()
    client = at(staff("operations"))
    begun = client.post(f"{LIST}replay/")["Location"]

    assert "Stop it…" in text_of(client.get(begun))
    assert client.post(f"{begun}stop/")["Location"] == begun
    again = client.post(f"{begun}stop/")

    assert place_of(place) == ("waiting", "unknown_broker")
    assert (again.status_code, "This replay has ended already" in text_of(again)) == (409, True)
    assert "Stop it…" not in text_of(client.get(begun))


def test_what_stops_a_replay_is_told_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(replaying.replay_chunk, "do", broken)
    place = waits()

    answer = at(staff("operations")).post(f"{LIST}{place.pk}/replay/", follow=True)

    assert answer.status_code == 200
    assert "under way" in text_of(answer)
    assert place_of(place) == ("waiting", "unknown_broker")


def test_what_cannot_be_read_is_not_replayed() -> None:
    place = waits("malformed")
    client = at(staff("operations"))

    answer = client.post(f"{LIST}{place.pk}/replay/")

    assert answer.status_code == 409
    assert "Nothing of this can be replayed" in text_of(answer)
    assert "replay/" not in client.get(f"{LIST}{place.pk}/change/").content.decode()


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999999"])
def test_a_replay_that_never_was_is_not_found(number: str) -> None:
    assert at(staff("operations")).get(f"{LIST}replays/{number}/").status_code == 404


# -- discard and reopen -----------------------------------------------------------------------------


def test_a_discarded_record_counts_as_excluded_and_can_be_reopened() -> None:
    place, mia = waits(), staff("operations")
    client = at(mia)

    client.post(f"{LIST}{place.pk}/discard/", {"note": "The exchange says it never was."})
    assert place_of(place) == ("discarded", "discarded")
    assert tally.read().excluded == {"discarded": 1}
    client.post(f"{LIST}{place.pk}/reopen/", {"note": "They were wrong."})

    assert place_of(place) == ("waiting", "unknown_broker")
    assert (tally.read().excluded, tally.read().quarantined) == ({}, {"unknown_broker": 1})
    assert list(QuarantineChange.objects.order_by("pk").values_list("act", "note", "by")) == [
        ("discarded", "The exchange says it never was.", mia.pk),
        ("reopened", "They were wrong.", mia.pk),
    ]


@pytest.mark.parametrize("note", ["", "   ", "x" * 2_001])
def test_nothing_is_discarded_without_a_reason(note: str) -> None:
    place = waits()

    answer = at(staff("operations")).post(f"{LIST}{place.pk}/discard/", {"note": note})

    assert answer.status_code == 422
    assert place_of(place) == ("waiting", "unknown_broker")


def test_what_waits_no_more_is_not_discarded_again() -> None:
    place = waits()
    client = at(staff("operations"))
    client.post(f"{LIST}{place.pk}/discard/", {"note": "x"})

    answer = client.post(f"{LIST}{place.pk}/discard/", {"note": "x"})

    assert answer.status_code == 409
    assert "wait no more: open the page anew" in text_of(answer)
    assert client.post(f"{LIST}{place.pk}/ask/").status_code == 409


def test_what_was_not_discarded_is_not_reopened() -> None:
    place = waits()

    assert at(staff("operations")).post(f"{LIST}{place.pk}/reopen/", {"note": "x"}).status_code == 409


def test_of_a_reason_what_the_page_counted_is_discarded_and_nothing_that_came_since() -> None:
    first, second = waits(), waits()
    client = at(staff("operations"))
    page = client.get(f"{LIST}reasons/unknown_broker/discard/")
    late = waits()

    client.post(f"{LIST}reasons/unknown_broker/discard/", {"note": "Nobody's.", "up_to": second.pk})

    assert "2 records are discarded: they count as excluded, for nobody." in text_of(page)
    assert f'name="up_to" value="{second.pk}"' in page.content.decode()
    assert [place_of(each)[0] for each in (first, second, late)] == ["discarded", "discarded", "waiting"]


def test_the_ticked_ones_are_discarded_together() -> None:
    first, second, third = waits(), waits(), waits("fee_mismatch")
    client = at(staff("operations"))

    page = client.get(f"{LIST}chosen/discard/?record={first.pk}&record={third.pk}")
    client.post(f"{LIST}chosen/discard/", {"note": "Nobody's.", "records": f"{first.pk} {third.pk}"})

    assert "2 records are discarded" in text_of(page)
    assert f'name="records" value="{first.pk} {third.pk}"' in page.content.decode()
    assert [place_of(each)[0] for each in (first, second, third)] == ["discarded", "waiting", "discarded"]


def test_one_that_waits_no_more_refuses_all_that_were_ticked() -> None:
    first, second = waits(), waits()
    client = at(staff("operations"))
    client.post(f"{LIST}{second.pk}/discard/", {"note": "x"})

    answer = client.post(f"{LIST}chosen/discard/", {"note": "x", "records": f"{first.pk} {second.pk}"})

    assert answer.status_code == 409
    assert place_of(first) == ("waiting", "unknown_broker")


@pytest.mark.parametrize("act", ["discard", "ask"])
def test_nothing_ticked_leads_back_to_the_list(act: str) -> None:
    answer = at(staff("operations")).get(f"{LIST}chosen/{act}/?record=x&record=-1", follow=True)

    assert answer.request["PATH_INFO"] == f"{LIST}records/"
    assert "Tick the records first." in text_of(answer)


@pytest.mark.parametrize("act", ["replay", "discard", "ask"])
@pytest.mark.parametrize("reason", ["fee_mismatch", "nothing-like-this"])
def test_a_reason_that_nothing_waits_for_is_not_found(act: str, reason: str) -> None:
    waits()

    assert at(staff("operations")).get(f"{LIST}reasons/{reason}/{act}/").status_code == 404


@pytest.mark.parametrize("act", ["replay", "discard", "reopen", "ask"])
def test_a_record_that_never_was_is_not_found(act: str) -> None:
    client = at(staff("operations"))

    for number in (0, 999_999, 10**30):
        assert client.get(f"{LIST}{number}/{act}/").status_code == 404


# -- ask the exchange -------------------------------------------------------------------------------


def file_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_asking_marks_the_records_and_hands_out_their_bytes() -> None:
    place, mia = quarantined(b'{"symbol": "SOL_USDC", "price": 1}'), staff("operations")
    client = at(mia)

    answer = client.post(f"{LIST}{place.pk}/ask/")
    [row] = file_of(answer)

    assert (row["record"], row["reason"], row["raw"]) == (
        str(place.pk), "malformed", '{"symbol": "SOL_USDC", "price": 1}',
    )  # fmt: skip
    place.refresh_from_db()
    assert (place.state, place.asked_at) == ("waiting", NOW)
    assert QuarantineChange.objects.get().by_id == mia.pk
    assert "The exchange was last asked 2026-11-22 12:00:00 UTC." in text_of(
        client.get(f"{LIST}{place.pk}/change/")
    )


def test_the_file_of_a_reason_has_what_the_page_counted_and_marks_no_more() -> None:
    first, second = waits(), waits()
    waits("fee_mismatch")
    client = at(staff("operations"))
    page = client.get(f"{LIST}reasons/unknown_broker/ask/")
    waits()

    answer = client.post(f"{LIST}reasons/unknown_broker/ask/", {"up_to": second.pk})

    assert "A file with 2 records is downloaded" in text_of(page)
    assert [int(row["record"]) for row in file_of(answer)] == [first.pk, second.pk]
    asked = QuarantinePlace.objects.filter(asked_at=NOW).order_by("pk")
    assert [each.pk for each in asked] == [first.pk, second.pk]
    assert answer["Content-Disposition"] == (
        'attachment; filename="quarantine-unknown-broker-20261122-120000.csv"'
    )


def test_the_file_of_the_ticked_ones_has_them_alone() -> None:
    first, _second, third = waits(), waits(), waits()

    answer = at(staff("operations")).post(f"{LIST}chosen/ask/", {"records": f"{third.pk} {first.pk}"})

    assert [int(row["record"]) for row in file_of(answer)] == [first.pk, third.pk]


@pytest.mark.parametrize("records", ["", "x", "1;2", "1" * 40])
def test_numbers_that_are_none_are_refused(records: str) -> None:
    waits()

    answer = at(staff("operations")).post(f"{LIST}chosen/ask/", {"records": records})

    assert answer.status_code in (302, 422)
    assert not QuarantineChange.objects.exists()
