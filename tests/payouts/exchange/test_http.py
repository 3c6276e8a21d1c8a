"""The exchange over real HTTP: its answers are taken as they are, and every way of failing is no answer."""

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils import timezone

from payouts.exchange import answers, chosen
from payouts.exchange.http import AskedInsideATransaction, HttpExchange
from payouts.exchange.port import Account, ExchangeUnavailable
from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange
from portal.simulator.businesses import BUSINESSES
from portal.simulator.outages import Outage
from tests.exchange import PRIVATE_KEY, answering

SENTENCE = {
    Outage.DOWN: answers.NO_ANSWER,
    Outage.SLOW: answers.NO_ANSWER,
    Outage.DRIBBLE: answers.NO_ANSWER,
    Outage.DRIBBLE_HEADERS: answers.NO_ANSWER,
    Outage.ERROR: answers.NO_ANSWER,
    Outage.BUSY: answers.BUSY,
    Outage.FORBIDDEN: answers.NOT_LET_IN,
    Outage.BARE_404: answers.UNUSABLE,
    Outage.REDIRECT: answers.UNUSABLE,
    Outage.GARBAGE: answers.NO_ANSWER,
    Outage.HTML: answers.UNUSABLE,
    Outage.HUGE: answers.UNUSABLE,
    Outage.BOMB: answers.UNUSABLE,
    Outage.CUT: answers.NO_ANSWER,
    Outage.OTHER_ACCOUNT: answers.UNUSABLE,
    Outage.WRONG_TYPES: answers.UNUSABLE,
    Outage.MISSING_FIELD: answers.UNUSABLE,
}


@pytest.fixture
def there() -> Iterator[AnsweringExchange]:
    with answering() as made:
        yield made


def at(url: str, **options: Any) -> HttpExchange:
    given = {"clock": timezone.now, "signer": Signer(PRIVATE_KEY), "deadline": 0.6, "read_timeout": 0.4}
    return HttpExchange(url=url, **(given | options))


def sentence(asked: HttpExchange, account_id: str = "BP-900001") -> str:
    with pytest.raises(ExchangeUnavailable) as refused:
        asked.account(account_id)
    return str(refused.value)


def test_accounts_are_what_the_exchange_says(there: AnsweringExchange) -> None:
    exchange = at(there.url)

    assert exchange.account("BP-900001") == Account("BP-900001", True, False)
    assert exchange.account("BP-910001") == Account("BP-910001", False, False)
    assert exchange.account("BP-920001") == Account("BP-920001", True, True)
    assert exchange.account("BP-940001") is None
    helmsman = BUSINESSES[0].account_id
    assert exchange.account(helmsman) == Account(helmsman, True, False)
    assert there.asked == ["BP-900001", "BP-910001", "BP-920001", "BP-940001", helmsman]


@pytest.mark.parametrize("outage", Outage, ids=lambda outage: outage.name)
def test_no_outage_is_an_answer(
    there: AnsweringExchange, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    there.outage = outage
    began = time.monotonic()

    assert sentence(at(there.url)) == SENTENCE[outage]
    assert time.monotonic() - began < 2
    [line] = caplog.messages
    assert line.startswith("the exchange gave no answer about an account: ")
    assert PRIVATE_KEY not in line
    assert len(there.asked) == 1  # no redirect was followed, nothing was asked twice

    there.outage = None
    assert at(there.url).account("BP-900001") == Account("BP-900001", True, False)


def test_a_server_that_dribbles_is_cut_at_the_deadline(there: AnsweringExchange) -> None:
    """Each byte comes in time; only a bound on the whole ends it."""
    for there.outage in (Outage.DRIBBLE, Outage.DRIBBLE_HEADERS):
        began = time.monotonic()
        sentence(at(there.url, deadline=0.8, read_timeout=0.5))
        assert 0.7 < time.monotonic() - began < 1.2


def test_without_the_deadline_it_would_go_on(there: AnsweringExchange) -> None:
    """The twin: time-outs between bytes alone do not end it."""
    there.outage = Outage.DRIBBLE_HEADERS
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(at(there.url, deadline=60, read_timeout=0.5).account, "BP-900001")
        time.sleep(1.5)
        assert not going.done()
        there.stop()
        with pytest.raises(ExchangeUnavailable):
            going.result(timeout=5)


def test_whose_time_is_up_does_not_begin(there: AnsweringExchange) -> None:
    assert sentence(at(there.url, deadline=0)) == answers.NO_ANSWER
    assert there.asked == []


def test_nothing_listens(there: AnsweringExchange) -> None:
    with there.away():
        assert sentence(at(there.url)) == answers.NO_ANSWER

    assert at(there.url).account("BP-940001") is None


def test_nobody_accepts_the_connection() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        assert sentence(at(f"http://127.0.0.1:{port}")) == answers.NO_ANSWER
        assert time.monotonic() - began < 2
        for each in waiting:
            each.close()


@pytest.mark.parametrize(
    "account_id",
    ["BP-1&accountId=BP-900001", "../../BP-900001", "BP-1?x#y", "a b+c%20d", "é—中", "BP-1;BP-2", '"'],
)
def test_an_id_stays_one_value_of_one_question(there: AnsweringExchange, account_id: str) -> None:
    assert at(there.url).account(account_id) is None
    assert there.asked == [account_id]


@pytest.mark.parametrize("account_id", ["", " BP-900001", "BP-900001\r\nX-Evil: 1", "x" * 101])
def test_what_can_be_no_id_is_not_asked_about(there: AnsweringExchange, account_id: str) -> None:
    assert at(there.url).account(account_id) is None
    assert there.asked == []


def test_another_key_is_not_let_in(there: AnsweringExchange) -> None:
    other = Signer("IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=")

    assert sentence(at(there.url, signer=other)) == answers.NOT_LET_IN
    assert there.asked == []


@pytest.mark.parametrize("seconds", [-6, 6, 3_600])
def test_a_clock_that_is_wrong_is_not_let_in(there: AnsweringExchange, seconds: int) -> None:
    wrong = at(there.url, clock=lambda: timezone.now() + timedelta(seconds=seconds))

    assert sentence(wrong) == answers.NOT_LET_IN


def test_two_questions_of_one_moment_are_no_replay(there: AnsweringExchange) -> None:
    moment = timezone.now()
    exchange = at(there.url, clock=lambda: moment, deadline=5, read_timeout=5)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(exchange.account, ["BP-900001"] * 40))

    assert found == [Account("BP-900001", True, False)] * 40


@pytest.mark.django_db
def test_it_is_never_asked_inside_a_transaction(there: AnsweringExchange) -> None:
    exchange = at(there.url)

    with transaction.atomic(), pytest.raises(AskedInsideATransaction):
        exchange.account("BP-900001")
    assert there.asked == []
    assert exchange.account("BP-900001") is not None  # the transaction of the test itself is none


def test_nor_in_one_that_commits(committed_db: str, there: AnsweringExchange) -> None:
    exchange = at(there.url)

    with transaction.atomic(), transaction.atomic(), pytest.raises(AskedInsideATransaction):
        exchange.account("BP-900001")
    assert exchange.account("BP-900001") is not None


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody vouches for, and a server with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return file, server


def test_a_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, server = certificate(tmp_path)
    with answering(tls=server) as there:
        assert there.url.startswith("https://localhost:")
        assert sentence(at(there.url, deadline=5)) == answers.NO_ANSWER
        assert there.asked == []

        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        trusting = at(there.url, deadline=5, read_timeout=5)
        assert trusting.account("BP-900001") == Account("BP-900001", True, False)
        assert sentence(at(f"https://127.0.0.1:{there.port}", deadline=5)) == answers.NO_ANSWER


def test_a_tls_handshake_that_hangs_is_cut() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        assert sentence(at(f"https://127.0.0.1:{silent.getsockname()[1]}")) == answers.NO_ANSWER
        assert time.monotonic() - began < 2


def test_no_proxy_of_the_environment_is_used(
    there: AnsweringExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert at(there.url).account("BP-900001") is not None


def test_the_settings_choose_the_exchange(exchange: AnsweringExchange) -> None:
    assert chosen.exchange(clock=timezone.now).account("BP-900001") == Account("BP-900001", True, False)
    assert chosen.exchange(clock=timezone.now) is chosen.exchange(clock=timezone.now)


def test_without_settings_it_is_unavailable_and_says_so(settings: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    settings.EXCHANGE_URL = settings.EXCHANGE_PRIVATE_KEY = ""

    with pytest.raises(ExchangeUnavailable) as refused:
        chosen.exchange(clock=timezone.now).account("BP-900001")

    assert str(refused.value) == (
        "Backpack Exchange is not configured here, so nothing was decided: set EXCHANGE_URL and"
        " EXCHANGE_PRIVATE_KEY, or run the demo, which brings an exchange of its own."
    )
    assert caplog.messages == []
