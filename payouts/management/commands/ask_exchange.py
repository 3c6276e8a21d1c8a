"""`manage.py ask_exchange [ACCOUNT_ID]`: which key the exchange must know, and what it says of an account."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.exchange import chosen
from payouts.exchange.signing import Signer
from payouts.management.engine_command import EngineCommand, WrongArgument


class Command(EngineCommand):
    help = "Show the verifying key that the exchange must know of us and, of an account, what it answers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account_id", nargs="?", help="The account to ask about; none asks nothing.")

    def handle(self, *args: Any, account_id: str | None, **options: Any) -> None:
        if not settings.EXCHANGE_PRIVATE_KEY:
            raise WrongArgument("no exchange is configured: set EXCHANGE_URL and EXCHANGE_PRIVATE_KEY")
        said: dict[str, Any] = {"verifying_key": Signer(settings.EXCHANGE_PRIVATE_KEY).verifying_key}
        if account_id is not None:
            account = chosen.exchange(clock=timezone.now).account(account_id)
            said["account"] = asdict(account) if account else None
        self.answer(said)
