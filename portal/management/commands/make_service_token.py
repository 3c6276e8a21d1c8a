"""`manage.py make_service_token NAME`: lets a system of the exchange in. The only time its token is shown."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management.engine_command import EngineCommand
from portal.api import actions
from portal.api.scopes import Scope


class Command(EngineCommand):
    help = "Make a service token and print it, once: only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token_name", metavar="NAME", help="The system that will use it.")
        parser.add_argument("--scope", default=Scope.CODES.value, help=f"One of {', '.join(Scope.values)}.")
        parser.add_argument(
            "--days",
            type=int,
            default=actions.DEFAULT_DAYS,
            help=f"How long it lives: 1 to {actions.LONGEST_DAYS}.",
        )

    def handle(self, *args: Any, token_name: str, scope: str, days: int, **options: Any) -> None:
        made = actions.make_token(name=token_name, scope=scope, days=days, by=None, now=timezone.now())
        self.say("Put the token where the system keeps its secrets: it is shown this once and never again.")
        self.answer(
            {
                "token": made.secret.reveal(),
                "prefix": made.token.prefix,
                "scope": made.token.scope,
                "expires_at": f"{made.token.expires_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            }
        )
