"""`issue_statements`: issue the statements of payouts that were approved before there were statements."""

from typing import Any

from django.utils import timezone

from payouts.desk import old_statements
from payouts.management.engine_command import EngineCommand


class Command(EngineCommand):
    help = (
        "Issue the statements of payouts that were approved before there were statements, in the order of"
        " their months; run twice, it issues nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.answer({"issued": old_statements.issue_missing(clock=timezone.now)})
