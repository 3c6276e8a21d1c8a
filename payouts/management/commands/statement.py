"""`statement CODE YYYY-MM --format json|csv --output FILE`: write a broker's statement to a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand, WrongArgument
from payouts.statements import queries


class Command(EngineCommand):
    help = "Write a broker's statement of a month; before approval it is a draft and says so."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--format", required=True, choices=["json", "csv"])
        parser.add_argument("--output", required=True, metavar="FILE")

    def handle(self, *args: Any, code: str, month: str, output: str, **options: Any) -> None:
        of, number = engine_command.month(month), engine_command.code(code)
        try:
            draft = queries.draft(broker_code=number, month=of)
        except queries.UnknownBroker as refusal:
            raise WrongArgument(str(refusal)) from None
        content = draft.as_json() if options["format"] == "json" else draft.as_csv()
        try:
            Path(output).write_bytes(content)
        except OSError as problem:
            raise WrongArgument(f"{output}: {problem.strerror}") from None
        self.stdout.write(output)
