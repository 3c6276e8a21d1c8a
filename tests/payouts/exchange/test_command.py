"""`ask_exchange`: what an operator runs to see that key, address and answer fit."""

import json

import pytest

from portal.simulator.outages import Outage
from tests.exchange import answering, environment
from tests.payouts.commands.process import run


def test_it_shows_the_key_and_what_the_exchange_says(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering() as exchange:
        for name, value in environment(exchange).items():
            monkeypatch.setenv(name, value)
        key = {"verifying_key": "ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ="}

        assert json.loads(run("ask_exchange", url=committed_db).stdout) == key
        assert json.loads(run("ask_exchange", "BP-920001", url=committed_db).stdout) == key | {
            "account": {"account_id": "BP-920001", "is_business": True, "is_affiliate": True}
        }
        assert json.loads(run("ask_exchange", "BP-940001", url=committed_db).stdout) == key | {
            "account": None
        }
        exchange.outage = Outage.ERROR
        failed = run("ask_exchange", "BP-900001", url=committed_db)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[-1] == (
        "Backpack Exchange does not answer at the moment: nothing was decided; try again in a few minutes."
    )


def test_it_says_what_to_set(committed_db: str) -> None:
    failed = run("ask_exchange", "BP-900001", url=committed_db)

    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "no exchange is configured: set EXCHANGE_URL and EXCHANGE_PRIVATE_KEY\n"
