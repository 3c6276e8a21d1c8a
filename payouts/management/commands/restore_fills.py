"""`restore_fills YYYY-MM`: bring archived fills back into the table."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.feed import archive
from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand


class Command(EngineCommand):
    help = "Write the archived fills of a month back into the table, if its files are what was archived."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--folder", type=Path, default=settings.ARCHIVE_DIR, help="Where archives lie.")

    def handle(self, *args: Any, month: str, folder: Path, **options: Any) -> None:
        restored = archive.restore(engine_command.month(month), folder=folder, now=timezone.now())
        self.answer({"month": month, "fills": restored})
