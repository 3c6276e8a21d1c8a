"""The timetable: what Celery beat wakes and how often. What is due is decided by rows, not by beat."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Sweep:
    """A task that is woken again and again; what it finds to do stands in rows."""

    name: str
    task: str
    #: Seconds between two wakings.
    every: float
    #: After so many seconds nobody obeys the waking any more: it would find what the next one finds.
    expires: int
    #: What it does, for staff.
    does: Promise


def _each_second(name: str, task: str, does: Promise) -> Sweep:
    """What people wait for. A message may be older than its period, because clocks of hosts differ by
    seconds; a few that pile up behind a busy worker find nothing to do."""
    return Sweep(name, task, 1.0, 10, does)


def _each_five_seconds(name: str, task: str, does: Promise) -> Sweep:
    return Sweep(name, task, 5.0, 10, does)


def _each_minute(name: str, task: str, does: Promise) -> Sweep:
    return Sweep(name, task, 60.0, 55, does)


def _each_hour(name: str, task: str, does: Promise) -> Sweep:
    return Sweep(name, task, 3_600.0, 3_500, does)


TIMETABLE: tuple[Sweep, ...] = (
    _each_minute(
        "close months that are due",
        "payouts.tasks.close_due_months",
        # Every minute: the rows say whether it is the 1st at 00:30 UTC, or a month was missed.
        _("Calculates a month from the 1st at 00:30 UTC on, and every month that was missed."),
    ),
    _each_five_seconds(
        "work on months that are calculated again",
        "payouts.tasks.work_runs",
        _("Does what of a run is asked for again, or was left by a worker that ended."),
    ),
    _each_minute(
        "hold payouts of brokers that are stopped",
        "payouts.tasks.hold_payouts",
        _("Holds payouts of suspended and terminated brokers."),
    ),
    _each_five_seconds(
        "send credits that are due",
        "payouts.tasks.send_credits",
        _("Credits approved payouts, each exactly once."),
    ),
    _each_five_seconds(
        "ask about credits whose outcome is unknown",
        "payouts.tasks.ask_credits",
        _("Asks the exchange by key what became of a credit that was not answered."),
    ),
    Sweep(
        "compare credits with the exchange's list",
        "payouts.tasks.reconcile",
        # The rows say which days are due: each from 00:10 UTC of the next one, and once more a day later.
        300.0,
        290,
        _("Compares each finished day of the exchange's list of credits with ours."),
    ),
    _each_five_seconds(
        "make the files of statements",
        "payouts.tasks.make_faces",
        _("Makes CSV and PDF of statements that were issued."),
    ),
    _each_minute(
        "check the books",
        "payouts.tasks.check_books",
        # The rows say whether the night's check was done.
        _("Checks each night, from 02:00 UTC on, that the books hold; if not, nothing is approved or sent."),
    ),
    _each_hour(
        "make partitions ahead",
        "payouts.tasks.make_partitions",
        # Far more often than a month asks for: a beat that is restarted begins its hour anew.
        _("Makes the tables for the fills of this month and the next two."),
    ),
    _each_five_seconds(
        "work on the replay that was asked for",
        "payouts.tasks.replay_quarantine",
        _("Decides records in quarantine again, when somebody has asked for it."),
    ),
    _each_hour(
        "forget answers of pushes",
        "payouts.tasks.forget_pushes",
        _("Forgets the answers of pushes that are older than a week; what they brought stays."),
    ),
    _each_five_seconds(
        "ask the exchange about affiliates",
        "payouts.tasks.check_affiliates",
        # Every few seconds a few brokers: each of them once a day, or again soon after an outage.
        _("Asks once a day about each broker whether it has enrolled in the Affiliate Program."),
    ),
    _each_five_seconds(
        "apply changes of account that are due",
        "payouts.tasks.apply_account_changes",
        _("Applies confirmed changes of account when their 72 hours are over."),
    ),
    _each_second(
        "write letters about what happened",
        "portal.tasks.write_notices",
        _("Writes the letters that facts still lack."),
    ),
    _each_second(
        "send letters that are due",
        "portal.tasks.send_letters",
        _("Hands letters to the mail server, and tries again what failed."),
    ),
    _each_minute(
        "write letters of the day",
        "portal.tasks.write_digests",
        # The rows say whether it is due: from 07:00 UTC for staff on working days, from 08:00 for members.
        _("Gathers what members want in one letter a day, and tells staff each working day what waits."),
    ),
    _each_five_seconds(
        "ask the exchange about accounts",
        "portal.tasks.ask_exchange",
        _("Asks about the accounts that applications name."),
    ),
    _each_hour(
        "erase documents whose time is up",
        "portal.tasks.erase_documents",
        _("Erases documents 180 days after a refusal, a withdrawal or the last word of a draft."),
    ),
    _each_five_seconds(
        "make files that were asked for",
        "portal.tasks.make_exports",
        _("Makes the long files that members asked for."),
    ),
    _each_hour(
        "remove files whose time is up",
        "portal.tasks.expire_exports",
        _("Removes the bytes of prepared files a week after they were ready."),
    ),
    Sweep(
        "beat the canary",
        "portal.tasks.beat_canary",
        30.0,
        25,
        _("Proves that beat wakes workers and that they work: health looks at when it was last done."),
    ),
)

#: As Celery wants it.
ENTRIES: dict[str, dict[str, Any]] = {
    each.name: {"task": each.task, "schedule": each.every, "options": {"expires": each.expires}}
    for each in TIMETABLE
}
