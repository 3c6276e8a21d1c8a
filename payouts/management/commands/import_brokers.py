"""`import_brokers FILE.csv`: enrol brokers whose codes exist already."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management.engine_command import EngineCommand, WrongArgument
from payouts.program import actions, broker_file


class Command(EngineCommand):
    help = "Enrol the brokers of a CSV file (code,name,account_id,enrolled_at), all or none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        try:
            content = Path(file).read_bytes()
        except OSError as problem:
            raise WrongArgument(f"{file}: {problem.strerror}") from None
        done = actions.import_brokers(rows=broker_file.read(content), now=timezone.now())
        self.answer({"imported": done.imported, "unchanged": done.unchanged})
