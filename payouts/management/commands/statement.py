"""`statement CODE YYYY-MM --format json|csv|pdf --output FILE`: write a broker's statement to a file."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management import engine_command
from payouts.management.engine_command import EngineCommand, WrongArgument
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.refusal import Refusal
from payouts.statements import faces, queries


class NotIssuedYet(Refusal):
    """An approved payout without a statement is from before there were statements."""


class Command(EngineCommand):
    help = (
        "Write a broker's statement of a month, byte for byte as it was issued; before approval it is a draft"
        " and says so, with the exchange's own numbers of traders."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--format", required=True, choices=["json", "csv", "pdf"])
        parser.add_argument("--output", required=True, metavar="FILE")

    def handle(self, *args: Any, code: str, month: str, output: str, **options: Any) -> None:
        of, number = engine_command.month(month), engine_command.code(code)
        try:
            content = _content(number, of, options["format"])
        except queries.UnknownBroker as refusal:
            raise WrongArgument(str(refusal)) from None
        try:
            with open(output, "wb") as file:
                file.writelines(content)
        except OSError as problem:
            raise WrongArgument(f"{output}: {problem.strerror}") from None
        self.stdout.write(output)


def _content(code: int, month: Month, kind: str) -> Iterable[bytes]:
    issued = queries.issued_of(broker_code=code, month=month)
    if issued is not None:
        return faces.stream(faces.ensure(statement_id=issued.id, kind=kind, now=timezone.now()).id)
    if any(each.is_approved for each in monthend.calculated(month=month, broker_code=code)):
        raise NotIssuedYet(
            f"the payout of {code} for {month} was approved before there were statements:"
            " run `manage.py issue_statements`"
        )
    draft = queries.draft(broker_code=code, month=month)
    made = {"json": draft.as_json, "csv": draft.as_csv, "pdf": draft.as_pdf}
    return [made[kind]()]
