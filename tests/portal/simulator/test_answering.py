"""The simulated exchange's door: whom it lets in, what it knows, and that it fails only as it was told."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from payouts.exchange.http import HttpExchange
from payouts.exchange.port import Account, ExchangeUnavailable
from payouts.exchange.signing import Signer
from portal import embedded_process
from portal.simulator import seed
from portal.simulator.accounts import EXAMPLES, EXAMPLES_OF_OUTAGES, Accounts
from portal.simulator.answering import AnsweringExchange
from portal.simulator.businesses import BUSINESSES
from portal.simulator.credits import Credits, Order
from portal.simulator.outages import Outage
from tests.exchange import PRIVATE_KEY, answering
from tests.portal.embedded_servers import PROJECT, eventually

SIGNER = Signer(PRIVATE_KEY)


@pytest.fixture
def there() -> Iterator[AnsweringExchange]:
    with answering() as made:
        yield made


def milliseconds() -> int:
    return int(timezone.now().timestamp() * 1_000)


def ask(there: AnsweringExchange, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the code of a refusal, or the account id of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(there.url + path, headers=headers)) as answer:
            return answer.status, json.loads(answer.read())["accountId"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())["code"]


def question(**changes: object) -> tuple[str, dict[str, str]]:
    """A good question about BP-900001, or one that differs as told."""
    timestamp = changes.pop("timestamp", None) or milliseconds()
    window = changes.pop("window", 5_000)
    instruction = changes.pop("instruction", "brokerAccountQuery")
    assert isinstance(timestamp, int)
    assert isinstance(window, int)
    headers = SIGNER.headers(str(instruction), {"accountId": "BP-900001"}, timestamp=timestamp, window=window)
    path = "/api/v1/brokerProgram/account?accountId=BP-900001"
    return path, {name: value for name, value in (headers | changes).items() if value is not None}  # type: ignore[misc]


def test_a_good_question_is_answered_once(there: AnsweringExchange) -> None:
    asked = question()

    assert ask(there, *asked) == (200, "BP-900001")
    assert ask(there, *asked) == (401, "REQUEST_REPLAYED")
    assert ask(there, *question(timestamp=milliseconds() + 1)) == (200, "BP-900001")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"X-API-Key": None}, "INVALID_API_KEY"),
        ({"X-API-Key": "AAAA"}, "INVALID_API_KEY"),
        ({"X-Signature": None}, "INVALID_CLIENT_REQUEST"),
        ({"X-Signature": "no base64"}, "INVALID_CLIENT_REQUEST"),
        ({"X-Signature": "AAAA"}, "INVALID_SIGNATURE"),
        ({"X-Timestamp": None}, "INVALID_CLIENT_REQUEST"),
        ({"X-Timestamp": "1"}, "INVALID_SIGNATURE"),
        ({"X-Window": "60000"}, "INVALID_SIGNATURE"),
        ({"instruction": "accountQuery"}, "INVALID_SIGNATURE"),
        ({"window": 60_001}, "REQUEST_EXPIRED"),
        ({"window": 0}, "REQUEST_EXPIRED"),
        ({"timestamp": 1_763_812_800_123}, "REQUEST_EXPIRED"),
    ],
)
def test_any_other_is_not_let_in(there: AnsweringExchange, changes: dict[str, object], code: str) -> None:
    assert ask(there, *question(**changes)) == (401, code)
    assert there.asked == []


def test_a_signature_is_good_for_its_own_account_only(there: AnsweringExchange) -> None:
    path, headers = question()

    assert ask(there, path.replace("900001", "900002"), headers) == (401, "INVALID_SIGNATURE")
    assert ask(there, f"{path}&accountId=BP-900002", headers) == (401, "INVALID_SIGNATURE")


def test_any_other_path_is_unknown_but_says_nothing_of_accounts(there: AnsweringExchange) -> None:
    _, headers = question()

    assert ask(there, "/api/v1/account", headers) == (404, "RESOURCE_NOT_FOUND")


def test_it_knows_the_demos_brokers_and_the_examples() -> None:
    now = [timezone.now()]
    accounts = Accounts(clock=lambda: now[0])

    assert [accounts.find(business.account_id) for business in BUSINESSES] == [
        Account(business.account_id, is_business=True, is_affiliate=business.code == 3100)
        for business in BUSINESSES
    ]
    found = {name: accounts.find(name) for name, _ in EXAMPLES}
    assert found == {
        "BP-900001": Account("BP-900001", is_business=True, is_affiliate=False),
        "BP-910001": Account("BP-910001", is_business=False, is_affiliate=False),
        "BP-920001": Account("BP-920001", is_business=True, is_affiliate=True),
        "BP-930001": Account("BP-930001", is_business=True, is_affiliate=False),
        "BP-940001": None,
        "BP-950001": Account("BP-950001", is_business=True, is_affiliate=False),
        "BP-990000": None,
    }
    now[0] += timedelta(seconds=119)
    assert accounts.find("BP-930001") == Account("BP-930001", is_business=True, is_affiliate=False)
    now[0] += timedelta(seconds=1)
    assert accounts.find("BP-930001") == Account("BP-930001", is_business=True, is_affiliate=True)
    assert accounts.find("BP-930002") == Account("BP-930002", is_business=True, is_affiliate=False)


@pytest.mark.parametrize(
    "account_id", ["", "BP-90000", "BP-9000011", "bp-900001", "BP-900001 ", "BP-９00001"]
)
def test_it_knows_no_account_by_halves(account_id: str) -> None:
    assert Accounts(clock=timezone.now).find(account_id) is None


def test_no_broker_of_the_demo_has_the_number_of_an_example() -> None:
    numbers = {business.account_id for business in BUSINESSES}

    assert numbers & {*EXAMPLES_OF_OUTAGES, *(name for name, _ in EXAMPLES)} == set()
    examples = {f"BP-9{number}" for number in range(7)}
    assert {number[:5] for number in numbers} & examples == set()


def test_an_account_is_as_it_was_told(there: AnsweringExchange) -> None:
    exchange = HttpExchange(url=there.url, signer=SIGNER, clock=timezone.now)
    there.accounts.tell("ACC-7", is_affiliate=True)
    there.accounts.forget("BP-900001")

    assert exchange.account("ACC-7") == Account("ACC-7", is_business=True, is_affiliate=True)
    assert exchange.account("BP-900001") is None


@pytest.mark.parametrize("account_id", EXAMPLES_OF_OUTAGES)
def test_some_accounts_are_never_answered(there: AnsweringExchange, account_id: str) -> None:
    exchange = HttpExchange(url=there.url, signer=SIGNER, clock=timezone.now, deadline=0.5, read_timeout=0.5)

    with pytest.raises(ExchangeUnavailable):
        exchange.account(account_id)
    assert exchange.account("BP-940001") is None


def test_one_account_fails_as_told_and_the_others_do_not(there: AnsweringExchange) -> None:
    exchange = HttpExchange(url=there.url, signer=SIGNER, clock=timezone.now)
    there.outages["BP-900001"] = Outage.HTML

    with pytest.raises(ExchangeUnavailable):
        exchange.account("BP-900001")
    assert exchange.account("BP-900002") is not None
    del there.outages["BP-900001"]
    assert exchange.account("BP-900001") is not None


def test_away_and_back_it_has_the_same_address(there: AnsweringExchange) -> None:
    before = there.url
    with there.away():
        assert embedded_process.is_free(there.port)

    assert there.url == before
    assert ask(there, *question()) == (200, "BP-900001")


def simulator(url: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "simulate_exchange", *options],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_process_of_the_demo_streams_answers_and_keeps_its_credits(
    committed_db: str, tmp_path: Path
) -> None:
    seed.seed(now=timezone.now() - timedelta(seconds=5), size=0.002)
    port = embedded_process.free_port()
    url = f"http://127.0.0.1:{port}"
    exchange = HttpExchange(url=url, signer=SIGNER, clock=timezone.now)
    file = tmp_path / "simulated_exchange" / "credits.ndjson"
    accounts = Accounts(clock=timezone.now)
    order = Order("key", "BP-900001", Decimal("5.00"), "r")
    earlier = Credits(clock=timezone.now, accounts=accounts, file=file).take(order)
    process = simulator(
        committed_db,
        "--port",
        str(port),
        EXCHANGE_URL=url,
        EXCHANGE_PRIVATE_KEY=PRIVATE_KEY,
        DATA_DIR=str(tmp_path),
    )
    try:
        eventually(lambda: not embedded_process.is_free(port))
        assert exchange.account("BP-900001") == Account("BP-900001", is_business=True, is_affiliate=False)
        terms = {"account_id": "BP-900001", "amount": Decimal("5.00"), "reference": "r"}
        made = [exchange.credit(key=key, **terms) for key in ("key", "next", "next")]
        process.send_signal(signal.SIGTERM)
        answer, said = process.communicate(timeout=100)
    finally:
        process.kill()
        process.communicate()

    assert (process.returncode, said) == (0, "")
    assert json.loads(answer)["received"] > 0
    listed = Credits(clock=timezone.now, accounts=accounts, file=file).listed()
    assert listed[0] == earlier
    assert [each.credit_id for each in listed] == ["CR-000000001", "CR-000000002"]
    assert [each.credit_id for each in made] == ["CR-000000001", "CR-000000002", "CR-000000002"]
    assert embedded_process.is_free(port)


@pytest.mark.parametrize(
    ("port", "sentence"),
    [
        ("0", "--port must be a port number from 1 to 65535"),
        ("1000", "--port needs EXCHANGE_URL and EXCHANGE_PRIVATE_KEY, by which the portal asks"),
    ],
)
def test_what_it_cannot_answer_with_is_said(committed_db: str, port: str, sentence: str) -> None:
    process = simulator(committed_db, "--port", port)
    _, said = process.communicate(timeout=100)

    assert (process.returncode, said) == (2, f"{sentence}\n")


def test_a_port_that_is_taken_is_said(committed_db: str, there: AnsweringExchange) -> None:
    seed.seed(now=timezone.now() - timedelta(seconds=5), size=0.002)
    process = simulator(
        committed_db, "--port", str(there.port), EXCHANGE_URL=there.url, EXCHANGE_PRIVATE_KEY=PRIVATE_KEY
    )
    _, said = process.communicate(timeout=100)

    sentence = f"port {there.port} is taken by another program: choose another one\n"
    assert (process.returncode, said) == (2, sentence)
