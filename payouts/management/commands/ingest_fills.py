"""`ingest_fills FILE…`: book the records of feed files."""

import gc
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.feed import files, intake
from payouts.feed.intake import Tally
from payouts.management.engine_command import EngineCommand

#: Two batches are written side by side while a third is read: PostgreSQL and Python wait for each other less.
_LANES = 2


class Command(EngineCommand):
    help = "Book feed files: .ndjson, .csv, .parquet, .ndjson.gz, .csv.gz, or - for NDJSON on stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")

    def handle(self, *args: Any, files: list[str], **options: Any) -> None:
        gc.disable()  # records make no cycles, and looking for them costs a tenth of the time
        tally = Tally()
        unopened = 0
        for name in files:
            unopened += not self._take_in(name, tally)
        self._progress_ends()
        self.answer(tally.as_json())
        if unopened:
            sys.exit(2)
        if tally.broken_off:
            sys.exit(1)

    def _take_in(self, name: str, tally: Tally) -> bool:
        try:
            source = intake.open_ahead(name, clock=timezone.now, lanes=_LANES)
        except files.CannotOpen as problem:
            self._progress_ends()
            self.say(str(problem))
            return False
        broken_before, tally.broken_off = tally.broken_off, False
        with source:
            intake.take_in(source, clock=timezone.now, tally=tally, progress=self._progress, lanes=_LANES)
        if tally.broken_off:
            self._progress_ends()
            self.say(f"{name}: it breaks off in the middle; what was read is booked, send it again")
        tally.broken_off |= broken_before
        return True

    def _progress(self, tally: Tally) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{tally.received:,} records, {tally.accepted:,} accepted")
            sys.stderr.flush()

    def _progress_ends(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
