"""`month_end YYYY-MM`: calculate a finished month, or show one that is not over as it stands."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from payouts import books
from payouts.desk import hold
from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand
from payouts.money import EXACT, plain, two_places
from payouts.month import Month
from payouts.monthend import actions, dry_run, overview, queries
from payouts.monthend.calculation import Line
from payouts.monthend.dry_run import Change, Difference
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot
from payouts.statements import document
from payouts.statements.document import Document


class Command(EngineCommand):
    help = "Calculate a finished month for every broker; an unfinished one is shown as it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--json", action="store_true", help="Print the payouts as one line of JSON.")
        parser.add_argument("--lines", action="store_true", help="With --json: each payout's lines too.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what calculating now would change; change nothing."
        )

    def handle(self, *args: Any, month: str, lines: bool, **options: Any) -> None:
        of = engine_command.month(month)
        if options["dry_run"]:
            self._compare(of, as_json=options["json"])
            return
        now = timezone.now()
        if of.is_over(now):
            books.around_run(of, lambda: actions.calculate(month=of, now=now), clock=timezone.now)
            hold.hold_due(now=now)
        else:
            self.say(f"{of} is not over: shown as it stands, no run is made")
        with one_snapshot():  # payouts and lines of one moment, also while fills go on arriving
            self._print(of, calculated=of.is_over(now), as_json=options["json"], with_lines=lines)
            parked = overview.parked(of)
        for each in parked:
            self.say(f"broker {each.broker} is parked: {each.item.reason} {each.item.next_step}")
        if parked:
            raise CommandError(
                f"{len(parked)} of the brokers could not be calculated, all others are", returncode=1
            )

    def _print(self, of: Month, *, calculated: bool, as_json: bool, with_lines: bool) -> None:
        lines_of: Callable[[BrokerMonth], Iterable[Line]]
        if calculated:
            months, lines_of = queries.calculated(month=of), queries.calculated_lines
        else:
            months, lines_of = queries.months_as_they_stand(month=of), queries.lines_as_they_stand
        if not as_json:
            self._show(of, months)
            return
        payouts = []
        for each in months:
            payout = document.of_payout(broker=each.broker, payout=each.payout)
            if with_lines:
                payout["lines"] = document.of_lines(lines_of(each))
            payouts.append(payout)
        self.answer({"month": str(of), "payouts": payouts})

    def _show(self, month: Month, months: list[BrokerMonth]) -> None:
        self.stdout.write(f"{month}: {len(months)} brokers")
        for each in months:
            shown = document.of_payout(broker=each.broker, payout=each.payout)
            self.stdout.write(
                f"{each.broker:>5}  {shown['tier']}  volume {shown['volume']:>24}"
                f"  fees {shown['fees']:>18}  payout {shown['payout']:>14} USD"
            )

    def _compare(self, of: Month, *, as_json: bool) -> None:
        found = dry_run.differences(month=of)
        if as_json:
            self.answer({"month": str(of), "dry_run": True, "payouts": [_document(each) for each in found]})
            return
        changed = sum(each.is_changed for each in found)
        self.stdout.write(f"{of}: {len(found)} brokers, {changed} would change; nothing is changed")
        self.stdout.write(
            f"{'code':>5}  {'tier':<14}  {'payout':>14}  {'change':>14}  {'to last month':>14}"
            f"  {'lines + - ~':>14}  {'corrections':>12}"
        )
        for each in found:
            self.stdout.write(_row(each))


def _row(of: Difference) -> str:
    was = of.calculated.tier.name if of.calculated else of.now.tier.name
    tier = of.now.tier.name if was == of.now.tier.name else f"{was} → {of.now.tier.name[4:]}"
    lines = f"{of.lines.added} {of.lines.removed} {of.lines.changed}"
    return (
        f"{of.broker:>5}  {tier:<14}  {two_places(of.now.payout.payout):>14}  {_signed(of.change):>14}"
        f"  {_signed(of.change_to_last_month):>14}  {lines:>14}  {two_places(of.corrections_now):>12}"
        f"{'  approved: stays' if of.is_approved else ''}"
    )


def _signed(change: Change | None) -> str:
    if change is None:
        return "new"
    return two_places(change.payout) if change.payout <= 0 else f"+{two_places(change.payout)}"


def _document(of: Difference) -> Document:
    """A payout as the contract prints it, and beside it what would change."""
    return document.of_payout(broker=of.broker, payout=of.now.payout) | {
        "state": of.state or None,
        "corrections": two_places(of.corrections_now),
        "calculated": of.calculated and document.of_payout(broker=of.broker, payout=of.calculated.payout),
        "change": of.change
        and _change(of.change)
        | {
            "lines": {
                "added": of.lines.added,
                "removed": of.lines.removed,
                "changed": of.lines.changed,
            },
            "corrections": two_places(EXACT.subtract(of.corrections_now, of.corrections_before)),
        },
        "last_month": of.change_to_last_month
        and of.last_month
        and document.of_payout(broker=of.broker, payout=of.last_month.payout)
        | {"change": _change(of.change_to_last_month)},
    }


def _change(of: Change) -> Document:
    return {
        "volume": plain(of.volume),
        "payout": two_places(of.payout),
        "tier": of.tier_after if of.tier_after != of.tier_before else None,
    }
