"""`check_books`: whether everything that must always be true is true."""

import sys
from dataclasses import asdict
from typing import Any

from payouts import books
from payouts.management.engine_command import EngineCommand


class Command(EngineCommand):
    help = "Check the books; exit 1 if an invariant does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = books.breaches()
        for breach in breaches:
            self.say(f"{breach.invariant}: does not hold for {breach.rows} rows")
        self.answer({"breaches": [asdict(breach) for breach in breaches]})
        if breaches:
            sys.exit(1)
