"""What the pages of explanations say, how one leads to the other, and what they do not tell."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.feed.models import Fill
from payouts.monthend import actions as monthend
from portal.explain import queries, sheets
from portal.team.models import Activity
from tests import make
from tests.portal.explain import opening
from tests.portal.explain.opening import ROOT, line_of, name_of
from tests.portal.page_text import links_of, text_of
from tests.portal.statements.looking import member

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = f"{ROOT}2026-10/", f"{ROOT}2026-11/"
FILL = f"{ROOT}2026-10/fill/"


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(opening.DECEMBER, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


@pytest.fixture
def client() -> Client:
    return member()[0]


# -- from the payout down to a fill


def test_a_payout_opens_into_lines_that_share_an_arm_in_words_and_the_rounding(client: Client) -> None:
    opening.october()
    monthend.calculate(month=opening.OCTOBER, now=make.NOW)

    text = text_of(client.get(OCTOBER))

    assert "How the payout of October 2026 comes about As it was calculated 2026-11-22 12:00:00 UTC" in text
    for said in (
        "Tier 40%, and no referral code takes a share, so the tier's 40% applies. 40% $8,000.0133333332",
        "Tier 40%. The trader's referral code takes 5%, which leaves 45% of 50%: more than the tier gives,"
        " so the tier's 40% applies. 40% $0.04",
        "Tier 40%. The trader's referral code takes 10%, which leaves just as much of 50%,"
        " so the tier's 40% applies. 40% $0.04",
        "Tier 40%, but the trader's referral code takes 20%, which leaves 30% of 50%, so 30% applies."
        " 30% $0.30",
        "Tier 40%, but the trader's referral code takes 60%, which leaves nothing of 50%, so 0% applies."
        " 0% $0.00",
        "Sum of the lines, exact adds up $8,000.3933333332"
        " Rounding: once, here, to the cent, half away from zero −$0.0033333332"
        " Payout of October 2026 $8,000.39",
    ):
        assert said in text


def test_one_clicks_from_the_payout_down_to_the_very_fill_and_all_the_way_back(client: Client) -> None:
    opening.october()
    down = [
        OCTOBER,
        f"{ROOT}2026-10/lines/?market=spot&affiliate_rate=0",
        line_of(7),
        f"{ROOT}2026-10/fills/?trader={name_of(7)}&market=spot&fee_rate=0.001&affiliate_rate=0&day=2026-10-03",
        f"{FILL}SOL_USDC~101~A-101/",
    ]
    links = [links_of(client.get(page)) for page in down]

    for here, there in zip(links, down[1:], strict=False):
        assert there in here
    assert {ROOT, down[0], down[2], down[3]} <= set(links[4])
    assert {ROOT, down[0], down[2]} <= set(links[3])
    assert {ROOT, down[0], down[1]} <= set(links[2])
    assert {ROOT, down[0]} <= set(links[1])


def test_a_line_shows_the_formula_with_its_numbers_put_in_and_its_days(client: Client) -> None:
    opening.october()

    text = text_of(client.get(line_of(9, affiliate="0.2")))

    assert "The month in progress" not in text  # October is over, and not calculated yet
    assert (
        "min{40%, max{0, 50% − 20%}} = 30% $1.00 fees × 30% = $0.30 Exact: nothing is rounded here." in text
    )
    assert "Thu 15 October 1 $1,000.00 $1.00 $0.30 Sum of the days adds up to the line 1 $1,000.00" in text


def test_a_fill_shows_the_record_as_it_was_sent_and_what_it_earns(client: Client) -> None:
    opening.october()

    text = text_of(client.get(f"{FILL}SOL_USDC~101~A-101/"))

    assert "min{40%, max{0, 50% − 0%}} = 40% $20,000.00 fee × 40% = $8,000.00" in text
    assert (
        "Executed 2026-10-03 14:05:09.120000 UTC Received 2026-11-22 12:00:00 UTC Symbol SOL_USDC"
        f" Market spot SPOT Trade 101 Order A-101 Id given with the order – Trader {name_of(7)}"
        " Side Bid, taker Price $20,000,000.00 Quantity 1 Volume: price × quantity $20,000,000.00"
        " Fee charged $20,000.00 USDC"
        " Fee rate 0.1% Affiliate 0% Tier BKR 3, 40%"
    ) in text


def test_a_maker_rebate_counts_as_volume_and_earns_nothing(client: Client) -> None:
    opening.october()

    text = text_of(client.get(f"{FILL}SOL_USDC~107~A-107/"))

    assert "The trader received −$0.007 as a maker rebate: it counts as volume, earns nothing" in text
    assert "$0.00 fee × 40% = $0.00" in text


def test_the_month_in_progress_is_as_of_now_and_moves_with_the_fills(client: Client) -> None:
    now = opening.DECEMBER
    make.fills(opening.trade(301, price="100", timestamp="2026-12-01T10:00:00Z"), now=now)
    before = text_of(client.get(f"{ROOT}2026-12/"))
    make.fills(opening.trade(302, price="50", timestamp="2026-12-02T10:00:00Z"), now=now)
    after = text_of(client.get(f"{ROOT}2026-12/"))

    assert "The month in progress, as of 2026-12-02 12:00:00 UTC The payout live $0.02" in before
    assert "Sum of the lines, exact adds up $0.02 " in before
    assert "Sum of the lines, exact adds up $0.03 " in after
    assert "Rounding: once, here, to the cent, half away from zero $0.00" in after


def test_a_month_without_fills_opens_into_nothing(client: Client) -> None:
    for page in ("2026-12/", "2026-12/lines/", "2026-12/fills/", "2026-12/caps/"):
        assert "These figures do not add up" not in text_of(client.get(ROOT + page))


# -- what changed afterwards, linked both ways


def test_late_and_voided_fills_lead_to_the_payout_that_books_them_and_back(client: Client) -> None:
    opening.corrected()
    of_late = f"{ROOT}2026-10/fills/?trader={name_of(11)}&market=spot&fee_rate=0.001&affiliate_rate=0"
    of_late += "&part=late&by=2026-11"

    october, november = client.get(OCTOBER), client.get(NOVEMBER)
    late, voided = client.get(f"{FILL}SOL_USDC~201~A-201/"), client.get(f"{FILL}SOL_USDC~105~A-105/")

    assert "Corrected with the payout of November 2026: −$0.10" in text_of(october)
    assert f"{NOVEMBER}#carried-2026-10" in links_of(october)
    assert "Correction of October 2026 −$0.10" in text_of(november)
    assert "Sum of these lines adds up −$0.10" in text_of(november)
    assert {OCTOBER, of_late} <= set(links_of(november))
    assert "Sum of the days 1 $500.00 $0.50 $0.20" in text_of(client.get(of_late))
    assert "It came after the month was calculated 2026-11-22 12:00:00 UTC." in text_of(late)
    assert "The payout of November 2026 brings it in" in text_of(late)
    assert "It was taken out 2026-11-22 12:00:00 UTC. The payout of November 2026 corrects it" in text_of(
        voided
    )
    assert f"{NOVEMBER}#carried-2026-10" in links_of(late)
    assert f"{NOVEMBER}#carried-2026-10" in links_of(voided)


def test_what_nothing_has_booked_yet_is_told_before(client: Client) -> None:
    opening.october()
    monthend.calculate(month=opening.OCTOBER, now=make.NOW)
    make.fills(opening.trade(201, userId=11, price="500", timestamp="2026-10-20T12:00:00Z"))

    page = client.get(OCTOBER)

    assert "1 fill came late: calculating the month again brings it in" in text_of(page)
    assert f"{ROOT}2026-10/fills/?part=late" in links_of(page)
    assert "late volume not booked yet" in text_of(client.get(f"{ROOT}2026-10/fills/?part=late"))
    assert "No payout has brought it in yet." in text_of(client.get(f"{FILL}SOL_USDC~201~A-201/"))
    # A trader who has only late fills has no line, and a page that says so.
    assert "No line of this month is so." in text_of(client.get(f"{ROOT}2026-10/lines/?trader={name_of(11)}"))


# -- the affiliate caps


def test_the_caps_cost_the_same_rules_dollars_at_every_tier(client: Client) -> None:
    opening.october()

    text = text_of(client.get(f"{ROOT}2026-10/caps/"))

    assert "At the tier that pays, BKR 3 with 40% $0.50" in text
    assert "Capped volume $2,000.00of $20,002,303.333333" in text
    assert "Sum adds up to the payout $8,000.3933333332 $0.50" in text
    assert "Cost in all $0.20 $0.30 $0.40 $0.50 $0.60… $0.71…" in text


# -- tables in pages and as CSV


def test_tables_come_in_pages_by_keyset_and_every_row_comes_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.fills(*(opening.trade(500 + n, userId=n % 4, feeRate=f"0.00{n % 3 + 1}") for n in range(25)))
    monkeypatch.setattr(
        queries.lines_page, "__kwdefaults__", queries.lines_page.__kwdefaults__ | {"limit": 5}
    )
    monkeypatch.setattr(
        queries.fills_page, "__kwdefaults__", queries.fills_page.__kwdefaults__ | {"limit": 7}
    )

    lines = _all(client, f"{ROOT}2026-10/lines/", r"/lines/(T-[^/]+)/")
    fills = _all(client, f"{ROOT}2026-10/fills/?day=2026-10-15", r"/fill/([^/]+)/")

    assert (len(lines), len(set(lines))) == (12, 12)
    assert fills == [f"SOL_USDC~{500 + n}~A-{500 + n}" for n in range(25)]


def _all(client: Client, address: str, row: str) -> list[str]:
    """The rows of every page of a table, by its link to the next."""
    found: list[str] = []
    following: str | None = address
    while following:
        links = links_of(client.get(following))
        found += [match[1] for link in links if (match := re.search(row, link))]
        path = address.partition("?")[0]
        following = next((link for link in links if link.startswith(path) and "after=" in link), None)
    return found


@pytest.mark.parametrize(
    ("name", "rows", "last"),
    [
        ("2026-10.csv", 13, "due,2026-10,BKR 3,,,,,,,,,8000.39,"),
        ("2026-10/lines.csv", 7, None),
        ("2026-10/fills.csv", 4, "2026-10-15,5,2270,2.2,0.38"),
        ("2026-10/fills.csv?day=2026-10-03", 2, None),
        ("2026-10/caps.csv", 37, "2026-10,all,BKR 5,0.5,,,false,7,20002303.333333,20002.233333333,"),
    ],
)
def test_every_table_is_a_csv_with_every_digit_and_who_took_it_is_written_down(
    name: str, rows: int, last: str | None, client: Client
) -> None:
    opening.corrected()

    answer = client.get(ROOT + name)

    lines = answer.content.decode().split("\r\n")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert (len(lines), lines[-1]) == (rows + 1, "")
    assert last is None or lines[-2].startswith(last)
    assert Activity.objects.get().about.startswith("backpack-broker-1400-2026-10-")


def test_a_part_of_a_table_never_passes_for_the_whole(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening.october()
    monkeypatch.setattr(sheets, "MOST_ROWS", 4)

    answers = [client.get(f"{ROOT}2026-10/{each}") for each in ("lines.csv", "fills.csv?day=2026-10-15")]
    short = client.get(f"{ROOT}2026-10/fills.csv?day=2026-10-03")

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "A file here has at most 4 rows. Open a day, a trader or a symbol first" in text_of(answers[0])
    assert short.status_code == 200
    assert Activity.objects.count() == 1


def test_a_number_of_an_order_runs_nowhere_as_a_formula(client: Client) -> None:
    make.fills(make.record(tradeId=9, orderId="=1+1", symbol="SOL_USDC"))

    content = client.get(f"{ROOT}2026-10/fills.csv?day=2026-10-15").content.decode()

    assert ",9,'=1+1," in content


# -- what is never shown


def test_no_page_and_no_table_shows_a_number_of_a_trader_or_of_the_database(client: Client) -> None:
    secret = 987_654_321
    make.fills(opening.trade(101, userId=secret), opening.trade(102, userId=secret, affiliateRate="0.2"))
    name = name_of(secret)
    pages = [
        "", "2026-10/", "2026-10.csv", "2026-10/lines/", "2026-10/lines.csv", f"2026-10/lines/?trader={name}",
        f"2026-10/lines/{name}~spot~0.001~0/", "2026-10/fills/", "2026-10/fills/?day=2026-10-15",
        "2026-10/fills.csv?day=2026-10-15", "2026-10/fill/SOL_USDC~101~A-101/", "2026-10/caps/",
    ]  # fmt: skip

    for page in pages:
        answer = client.get(ROOT + page)
        assert answer.status_code == 200, page
        assert str(secret) not in answer.content.decode(), page
    Fill.objects.get(trade_id=101, trader=secret)


def test_nothing_of_another_broker_is_found_or_opened(client: Client) -> None:
    make.broker(code=1500)
    opening.october()
    make.fills(make.record(tradeId=777, orderId="B-777", brokerId=1500, userId=7, symbol="ETH_USDC"))
    other = name_of(7, 1500)

    assert {
        page: client.get(ROOT + page).status_code
        for page in (
            f"2026-10/lines/?trader={other}",
            f"2026-10/lines/{other}~spot~0.001~0/",
            f"2026-10/fills/?trader={other}",
            "2026-10/fill/ETH_USDC~777~B-777/",
        )
    } == dict.fromkeys(
        (
            f"2026-10/lines/?trader={other}",
            f"2026-10/lines/{other}~spot~0.001~0/",
            f"2026-10/fills/?trader={other}",
            "2026-10/fill/ETH_USDC~777~B-777/",
        ),
        404,
    )
    for typed in ("B-777", "777", "ETH_USDC", other):
        text = text_of(client.get(ROOT, {"q": typed}))
        assert "Nothing of yours in the last twelve months has this name or number." in text, typed
    for asked in ("order=B-777", "trade=777", "symbol=ETH_USDC"):
        text = text_of(client.get(f"{ROOT}2026-10/fills/?{asked}"))
        assert "There is no such fill in this month." in text, asked


@pytest.mark.parametrize(
    "page",
    [
        "2026-10/lines/?market=bonds", "2026-10/lines/?affiliate_rate=NaN", "2026-10/lines/?fee_rate=1e9",
        "2026-10/lines/?trader=%00", "2026-10/lines/?after=x", "2026-10/lines/?after=W10",
        "2026-10/fills/?day=2026-02-30", "2026-10/fills/?day=2026-09-30", "2026-10/fills/?trade=-1",
        "2026-10/fills/?trade=99999999999999999999", "2026-10/fills/?part=all",
        "2026-10/fills/?part=late&by=2026-13", "2026-10/fills/?part=late&by=2026-09",
        "2026-10/fills/?order=%00", "2026-10/fills/?day=2026-10-03&after=%F0%9F%92%A5", "?month=yesterday",
        "2027-01/", "2026-10/fill/SOL~99999999999999999999~x/", "2026-10/fill/SOL~1~%2500/",
        "2026-10/lines/T-AAAAAAAAAAAA~spot~0.001~0/", "2026-10/lines/T-AAAAAAAAAAAA~spot~1e5~0/",
    ],
)  # fmt: skip
def test_what_cannot_be_is_no_page(page: str, client: Client) -> None:
    opening.october()

    assert client.get(ROOT + page).status_code == 404
