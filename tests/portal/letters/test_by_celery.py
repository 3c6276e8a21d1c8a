"""Letters leave through real Celery processes over the real Valkey, a second or two after the fact."""

import time

import pytest

from portal.application.models import Application, TimelineEntry
from portal.celery import application as celery_application
from portal.schedule import ENTRIES
from tests import make
from tests.payouts.monthend.processes import celery, own_broker
from tests.payouts.monthend.racing import eventually


@pytest.fixture
def a_fact(committed_db):
    made = Application.objects.create(
        applicant=make.login(),
        state="submitted",
        legal_name="Nordlicht ApS",
        is_no_affiliate=True,
        terms_accepted_at=make.NOW,
        terms_address="203.0.113.7",
        started_at=make.NOW,
        saved_at=make.NOW,
        submitted_at=make.NOW,
    )

    def happens():
        TimelineEntry.objects.create(application=made, kind="submitted", at=make.NOW)

    return happens


def test_a_fact_is_a_letter_in_the_mailbox_within_seconds(
    committed_db, a_fact, office, tmp_path, monkeypatch
):
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{office.port}")
    worker, beat = tmp_path / "worker.log", tmp_path / "beat.log"
    times = ("--schedule", str(tmp_path / "times"), "--pidfile", "", "--loglevel", "info")
    with own_broker() as broker:
        where = {"database": committed_db, "broker": broker}
        with (
            celery("worker", "--concurrency", "2", "--loglevel", "info", **where, log=worker),
            celery("beat", *times, **where, log=beat),
        ):
            eventually(lambda: "send_letters" in worker.read_text() and "succeeded" in worker.read_text())
            began = time.monotonic()
            a_fact()
            eventually(lambda: office.arrived)
            took = time.monotonic() - began

    assert [letter["Subject"] for letter in office.arrived] == ["We have your application"]
    assert took < 15  # two ticks of a second, on a machine that does other things too
    assert "Traceback" not in worker.read_text() + beat.read_text()


def test_beat_wakes_only_tasks_that_exist_and_messages_go_stale():
    celery_application.loader.import_default_modules()

    assert {entry["task"] for entry in ENTRIES.values()} - celery_application.tasks.keys() == set()
    assert {name: (entry["schedule"], entry["options"]) for name, entry in ENTRIES.items()} == {
        "close months that are due": (60.0, {"expires": 55}),
        "work on months that are calculated again": (5.0, {"expires": 10}),
        "hold payouts of brokers that are stopped": (60.0, {"expires": 55}),
        "send credits that are due": (5.0, {"expires": 10}),
        "ask about credits whose outcome is unknown": (5.0, {"expires": 10}),
        "compare credits with the exchange's list": (300.0, {"expires": 290}),
        "make the files of statements": (5.0, {"expires": 10}),
        "check the books": (60.0, {"expires": 55}),
        "make partitions ahead": (3_600.0, {"expires": 3_500}),
        "work on the replay that was asked for": (5.0, {"expires": 10}),
        "forget answers of pushes": (3_600.0, {"expires": 3_500}),
        "ask the exchange about affiliates": (5.0, {"expires": 10}),
        "apply changes of account that are due": (5.0, {"expires": 10}),
        "write letters about what happened": (1.0, {"expires": 10}),
        "send letters that are due": (1.0, {"expires": 10}),
        "write letters of the day": (60.0, {"expires": 55}),
        "ask the exchange about accounts": (5.0, {"expires": 10}),
        "erase documents whose time is up": (3_600.0, {"expires": 3_500}),
        "make files that were asked for": (5.0, {"expires": 10}),
        "remove files whose time is up": (3_600.0, {"expires": 3_500}),
        "beat the canary": (30.0, {"expires": 25}),
    }
