"""`manage.py health`: for cron. A line for each thing that is not as it should be; 1 if one is broken."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management.engine_command import EngineCommand
from portal.health import answers, reading, words
from portal.health.signs import Facts, State, signs, worst


class Command(EngineCommand):
    help = "Say what is late or broken; exit 1 if anything is broken. Starts and changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print what /status.json says, in one line.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        found: Facts | None
        try:
            found = reading.facts(now=now)
        except reading.NoAnswer:
            found = None
        all_signs = signs(found, now=now)
        if options["json"]:
            self.answer(answers.as_json(found, all_signs, now=now))
        else:
            for each in all_signs:
                if each.state != State.OK:
                    self.stdout.write(
                        f"{each.state}: {words.TITLES[each.name]}: {words.says(each)}."
                        f" {words.HELPS[each.name]}"
                    )
        if worst(each.state for each in all_signs) == State.BROKEN:
            sys.exit(1)
