"""`check_books`: whether everything that must always be true is true."""

import sys
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from payouts import books
from payouts.books import Breach
from payouts.management.engine_command import EngineCommand


class Command(EngineCommand):
    help = "Check the books and keep what was found; exit 1 if an invariant does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        checked = books.check(now=timezone.now(), occasion="by check_books")
        breaches = [Breach(**each) for each in checked.breaches]
        for breach in breaches:
            self.say(f"{breach.invariant}: does not hold for {breach.rows} rows")
            for row in breach.examples:
                self.say("  " + ", ".join(f"{name} {value}" for name, value in row.items()))
            self.say(f"  {breach.helps}")
        self.answer({"breaches": [asdict(breach) for breach in breaches]})
        if breaches:
            sys.exit(1)
