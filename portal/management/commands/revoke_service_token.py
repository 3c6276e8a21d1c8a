"""`manage.py revoke_service_token PREFIX --reason WHY`: the next request with the token is refused."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.management.engine_command import EngineCommand
from portal.api import actions


class Command(EngineCommand):
    help = "Revoke a service token, at once and for ever."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="How the token begins, like bpk_codes_7f3k9q2m.")
        parser.add_argument("--reason", required=True, help="Why; it is recorded.")

    def handle(self, *args: Any, prefix: str, reason: str, **options: Any) -> None:
        token = actions.revoke_token(prefix=prefix, reason=reason, by=None, now=timezone.now())
        self.answer({"revoked": token.prefix})
