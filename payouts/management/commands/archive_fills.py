"""`archive_fills YYYY-MM`: take the fills of a closed month out of the table into a Parquet file."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand
from payouts.monthend import archiving


class Command(EngineCommand):
    help = "Write the fills of a closed month to a Parquet file, check it, and drop them from the table."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--folder", type=Path, default=settings.ARCHIVE_DIR, help="Where archives lie.")

    def handle(self, *args: Any, month: str, folder: Path, **options: Any) -> None:
        made = archiving.archive_month(engine_command.month(month), folder=folder, now=timezone.now())
        self.answer(
            {
                "month": month,
                "file": str(folder / made.file),
                "fills": made.fills,
                "bytes": made.size,
                "sha256": bytes(made.sha256).hex(),
            }
        )
