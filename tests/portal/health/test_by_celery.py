"""The canary beats through a real beat and a real worker over the real Valkey, and health sees it."""

from portal.health.models import Canary
from tests.payouts.monthend.processes import celery, own_broker
from tests.payouts.monthend.racing import eventually
from tests.payouts.monthend.test_close_by_celery import WORKER, beat

TASKS = {
    "payouts.tasks.close_due_months",
    "payouts.tasks.work_runs",
    "payouts.tasks.hold_payouts",
    "payouts.tasks.send_credits",
    "payouts.tasks.ask_credits",
    "payouts.tasks.reconcile",
    "payouts.tasks.check_books",
    "payouts.tasks.make_partitions",
    "payouts.tasks.check_affiliates",
    "payouts.tasks.apply_account_changes",
    "portal.tasks.write_notices",
    "portal.tasks.send_letters",
    "portal.tasks.ask_exchange",
    "portal.tasks.erase_documents",
    "portal.tasks.beat_canary",
}


def test_beat_and_worker_do_every_entry_of_the_timetable(committed_db, tmp_path):
    worker, beats = tmp_path / "worker.log", tmp_path / "beat.log"

    def done() -> set[str]:
        lines = [line for line in worker.read_text().splitlines() if "succeeded" in line]
        return {task for task in TASKS if any(f"Task {task}[" in line for line in lines)}

    with own_broker() as broker:
        where = {"database": committed_db, "broker": broker}
        with (
            celery(*WORKER, **where, log=worker),
            celery(*beat(tmp_path, "times"), **where, log=beats),
        ):
            eventually(lambda: done() == TASKS)
            eventually(Canary.objects.exists)
    assert [canary.name for canary in Canary.objects.all()] == ["worker"]
    assert "Traceback" not in worker.read_text() + beats.read_text()
