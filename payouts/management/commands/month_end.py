"""`month_end YYYY-MM`: calculate a finished month, or show one that is not over as it stands."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.desk import hold
from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand
from payouts.month import Month
from payouts.monthend import actions, queries
from payouts.monthend.calculation import Line
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot
from payouts.statements import document


class Command(EngineCommand):
    help = "Calculate a finished month for every broker; an unfinished one is shown as it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--json", action="store_true", help="Print the payouts as one line of JSON.")
        parser.add_argument("--lines", action="store_true", help="With --json: each payout's lines too.")

    def handle(self, *args: Any, month: str, lines: bool, **options: Any) -> None:
        of = engine_command.month(month)
        now = timezone.now()
        if of.is_over(now):
            actions.calculate(month=of, now=now)
            hold.hold_due(now=now)
        else:
            self.say(f"{of} is not over: shown as it stands, no run is made")
        with one_snapshot():  # payouts and lines of one moment, also while fills go on arriving
            self._print(of, calculated=of.is_over(now), as_json=options["json"], with_lines=lines)

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
