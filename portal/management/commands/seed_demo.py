"""`manage.py seed_demo`: a believable program in an empty database, or a seeded one brought up to date."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.feed.intake import Tally
from payouts.management.engine_command import EngineCommand, WrongArgument
from portal.simulator import past, seed


class Command(EngineCommand):
    help = "Enrol invented brokers with logins and months of fills, or bring them up to the present."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", default=1.0, type=float, help="Scales the number of fills; default 1.")
        parser.add_argument(
            "--months",
            default=seed.MONTHS_BEFORE,
            type=int,
            choices=range(1, 25),
            metavar="N",
            help="Finished months of a new program; default %(default)s.",
        )

    def handle(self, *args: Any, size: float, months: int, **options: Any) -> None:
        if settings.IN_PRODUCTION:
            raise WrongArgument("invented brokers do not belong into production: nothing was done")
        if not 0 < size <= 10:
            raise WrongArgument("--size must be above 0 and at most 10")
        seeded = seed.seed(
            now=timezone.now(),
            size=size,
            months=months,
            credits_file=past.credits_file(),
            say=self.say,
            progress=self._progress,
        )
        self.answer(
            {
                "brokers": seeded.brokers,
                "logins": seeded.logins,
                "fills": seeded.fills,
                "months": [str(month) for month in seeded.months],
            }
        )

    def _progress(self, tally: Tally) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{tally.received:,} records\r")
            sys.stderr.flush()
