"""Quarantine on the staff site: what waits and why, the list, one record with all that is known of it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from payouts.feed import files, intake, setting_aside
from payouts.feed.quarantine_models import QuarantinePlace
from portal.staff import quarantine_words
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_quarantine import LIST, csv_of, one_of_each, quarantined, waits
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def altair(clock: None) -> Any:
    return make.broker(code=1400, name="Altair Terminal")


def shown(path: str, role: str = "operations") -> str:
    return text_of(at(staff(role)).get(LIST + path))


def numbers(text: str) -> list[int]:
    """The records of a list, in its order."""
    return [int(each) for each in re.findall(rf'<a href="{LIST}(\d+)/change/">', text)]


def test_each_reason_of_the_contract_has_its_words() -> None:
    one_of_each()

    assert set(QuarantinePlace.objects.values_list("reason", flat=True)) == quarantine_words.REASONS.keys()


def test_the_overview_tells_each_reason_and_its_next_step() -> None:
    one_of_each()
    waits("unknown_broker")

    text = shown("")

    assert "11 records wait" in text
    assert "unknown broker code unknown_broker 2 No broker was ever enrolled with this code." in text
    assert "Was the code issued? Then enrol its broker, and replay." in text
    for reason in quarantine_words.REASONS.values():
        assert str(reason.next_step) in text


def test_nothing_waits_is_said() -> None:
    text = shown("")

    assert "0 records wait" in text
    assert "No record waits: everything that came is counted" in text
    assert "Replay all" not in text


def test_the_overview_tells_what_came_and_left_on_each_day() -> None:
    yesterday = make.NOW - timedelta(days=1)
    make.fills(make.record(brokerId=1500), make.record(brokerId=1600), now=yesterday)
    first = QuarantinePlace.objects.earliest("pk")
    setting_aside.discard(records=[first.pk], reason="", note="x", by=staff("none").pk, now=make.NOW)
    waits()

    assert "2026-11-22 1 1 2026-11-21 2 0 2026-11-20 0 0" in shown("")


def test_a_jump_of_the_share_is_an_alarm() -> None:
    make.fills(*(make.record() for _ in range(100)), now=make.NOW - timedelta(days=2))
    for _ in range(20):
        waits()

    text = shown("")

    assert "Far more records than usual cannot be counted. 20 of 20 records in the last hour" in text


def test_a_usual_share_is_none() -> None:
    waits()

    assert "Far more records than usual" not in shown("")


def test_who_only_sees_is_offered_no_act() -> None:
    place = waits()
    client = at(staff("auditor"))

    for path in ("", "records/", f"{place.pk}/change/"):
        page = client.get(LIST + path).content.decode().partition("<main")[2]
        assert not re.search(r"(discard|ask|replay|reopen)/", page), path


# -- the list ---------------------------------------------------------------------------------------


def listed(query: str, client: Any = None) -> list[int]:
    answer = (client or at(staff("operations"))).get(f"{LIST}records/?{query}")
    assert answer.status_code == 200
    return numbers(answer.content.decode())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c", "b", "a"]),
        ("reason=unknown_broker", ["b", "a"]),
        ("reason=fee_mismatch&broker=1400", ["c"]),
        ("broker=1500", ["a"]),
        ("broker=1500&month=2026-09", []),
        ("month=2026-09", ["b"]),
        ("state=discarded", ["d"]),
        ("state=discarded&reason=unknown_broker", ["d"]),
        ("state=any", ["d", "c", "b", "a"]),
        ("q=BTC_USDC", ["b"]),
        ("q=btc_usdc", []),
        ("q=the-order", ["a"]),
        ("q=987654321", ["c"]),
        ("trader=41", ["b"]),
        ("trader=4", []),
        ("trader=41&reason=fee_mismatch", []),
        ("month=2026-13", []),
        ("broker=x", []),
        ("reason=<script>", []),
        ("q=%00", []),
        ("above=x&below=99999999999999999999999", ["c", "b", "a"]),
    ],
)
def test_the_list_is_asked_by_reason_state_broker_month_and_words(query: str, found: list[str]) -> None:
    a = waits(orderId="the-order")
    b = waits(brokerId=1600, symbol="BTC_USDC", userId=41, timestamp="2026-09-30T23:59:59Z")
    c = waits("fee_mismatch", tradeId=987654321)
    d = waits(brokerId=1700)
    setting_aside.discard(records=[d.pk], reason="", note="x", by=staff("none").pk, now=make.NOW)
    names = {a.pk: "a", b.pk: "b", c.pk: "c", d.pk: "d"}

    assert [names[number] for number in listed(query)] == found


def test_a_record_is_found_by_its_number() -> None:
    waits()
    place = waits()

    assert listed(f"q={place.pk}") == [place.pk]


def test_a_trader_is_found_in_rows_of_csv_and_in_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "fills.csv").write_bytes(csv_of(make.record(brokerId=1500, userId=4711)))
    with files.open_source(str(tmp_path / "fills.csv")) as source:
        intake.take_in(source, clock=lambda: make.NOW, tally=intake.Tally())
    of_csv = QuarantinePlace.objects.get()
    broken = quarantined(b'{"userId": 4711, \x00\xff\x80')

    client = at(staff("operations"))
    assert listed("trader=4711", client) == [broken.pk, of_csv.pk]
    assert listed("trader=471", client) == []
    assert listed("trader=711", client) == []


def test_pages_go_by_number_and_miss_none() -> None:
    make.fills(*(make.record(brokerId=1500) for _ in range(120)))
    client = at(staff("operations"))
    seen, path = [], f"{LIST}records/"

    for _page in range(3):
        text = client.get(path).content.decode()
        seen.append(numbers(text))
        older = re.search(r'rel="next" href="([^"]+)"', text)
        path = f"{LIST}records/" + (older[1].replace("&amp;", "&") if older else "")
    every = [each for page in seen for each in page]
    back = re.search(r'rel="prev" href="([^"]+)"', text)

    assert [len(page) for page in seen] == [50, 50, 20]
    assert every == sorted(set(every), reverse=True)
    assert older is None
    assert back is not None
    assert numbers(client.get(f"{LIST}records/{back[1]}").content.decode()) == seen[1]


@pytest.mark.parametrize("path", ["", "records/", "records/?state=any&trader=7", "/staff/"])
def test_a_page_asks_as_often_for_a_hundred_records_as_for_one(
    path: str, django_assert_max_num_queries: Any
) -> None:
    client = at(staff("operations"))
    path = path if path.startswith("/") else LIST + path
    asked = []
    for more in (1, 100):
        make.fills(*(make.record(brokerId=1500) for _ in range(more)))
        client.get(path)
        with django_assert_max_num_queries(40) as counted:
            client.get(path)
        asked.append(len(counted))

    assert asked[0] == asked[1]


def test_records_of_ones_own_brokers_are_neither_listed_nor_shown(altair: Any) -> None:
    place, other = waits("fee_mismatch"), waits()
    root = staff("superuser")
    make.membership(root, altair, role="viewer")
    client = at(root)
    page = client.get(f"{LIST}records/")

    assert numbers(page.content.decode()) == [other.pk]
    assert "Records of brokers whose team you belong to are not listed." in text_of(page)
    assert client.get(f"{LIST}{place.pk}/change/").status_code == 403


# -- one record -------------------------------------------------------------------------------------


def test_the_page_of_a_record_says_what_is_wrong_and_what_comes_next() -> None:
    place = waits(timestamp="2026-10-15T12:00:00Z")

    text = shown(f"{place.pk}/change/")

    assert f"Record {place.pk} waiting" in text
    assert "What is wrong: unknown broker code" in text
    assert "Was the code issued? Then enrol its broker, and replay." in text
    assert "brokerId 1500" in text
    assert "timestamp 2026-10-15T12:00:00Z" in text


def test_once_the_code_is_enrolled_the_page_says_replay() -> None:
    place = waits()
    broker = make.broker(code=1500, name="Gridwright Bots")

    assert f"Code {broker} is enrolled by now: replay it." in shown(f"{place.pk}/change/")


def test_a_conflict_stands_beside_the_fill_that_holds_its_key() -> None:
    place = waits("conflict", price="100.0")

    page = at(staff("operations")).get(f"{LIST}{place.pk}/change/")
    marked = re.findall(r'<tr class="differs">\s*<th scope="row"><code><bdi>(\w+)', page.content.decode())

    assert "The other is an accepted fill" in text_of(page)
    assert marked == ["price", "fee"]


def test_a_corrected_record_is_shown_beside_the_old_one_and_closes_it() -> None:
    wrong = make.record(fee="99")
    make.fills(wrong)
    place = QuarantinePlace.objects.get()
    make.fills(wrong | {"fee": "0.1"})

    text = shown(f"{place.pk}/change/")

    assert f"Record {place.pk} discarded" in text
    assert "Its fields, beside the record that holds its key" in text
    assert "fee 99 0.1 differs" in text
    assert "the portal · corrected by a later record" in text


def test_the_history_tells_who_did_what_when_and_why() -> None:
    place = waits()
    mia = staff("operations", email="mia@exchange.example")
    setting_aside.ask_exchange(records=[place.pk], reason="", by=mia.pk, now=make.NOW)
    setting_aside.discard(records=[place.pk], reason="", note="It was a test.", by=mia.pk, now=make.NOW)

    text = shown(f"{place.pk}/change/", role="auditor")

    assert "2026-11-22 12:00:00 UTC · came into quarantine: unknown_broker" in text
    assert f"2026-11-22 12:00:00 UTC · {mia} · the exchange was asked" in text
    assert f"2026-11-22 12:00:00 UTC · {mia} · discarded: unknown_broker → discarded It was a test." in text


@pytest.mark.parametrize("path", ["0", "999999", "99999999999999999999", "x", "%00"])
def test_a_record_that_never_was_is_not_found(path: str) -> None:
    assert at(staff("operations")).get(f"{LIST}{path}/change/").status_code == 404


def test_the_first_page_counts_what_waits_for_who_may_see_it() -> None:
    make.fills(make.record(brokerId=1500), now=make.NOW - timedelta(hours=3))
    waits()

    assert "Records that wait 2 Oldest came 2026-11-22 09:00:00 UTC" in text_of(
        at(staff("operations")).get("/staff/")
    )
    assert "Records that wait" not in text_of(at(staff("reviewer")).get("/staff/"))
