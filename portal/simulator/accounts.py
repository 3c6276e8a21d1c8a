"""The accounts that the simulated exchange knows: the demo's brokers and examples to apply with. Pure.

| account id | is |
|---|---|
| those of the demo's brokers | a business account; that of code 3100 has become an affiliate |
| `BP-90` and four digits | a business account: apply with it |
| `BP-91` and four digits | a personal account |
| `BP-92` and four digits | a business account that is enrolled in the Affiliate Program |
| `BP-93` and four digits | a business account, an affiliate two minutes after it is first asked about |
| `BP-95` and four digits | a business account that takes no credits: it is being closed |
| `BP-96` and four digits | a business account; credits to those of `credit_faults.EXAMPLES` go wrong |
| those of `EXAMPLES_OF_OUTAGES` | never answered about |
| anything else | no such account |
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from payouts.exchange.port import Account
from portal.simulator.businesses import BUSINESSES
from portal.simulator.outages import Outage

BECOMES_AN_AFFILIATE_AFTER = timedelta(minutes=2)
_EXAMPLE = re.compile(r"BP-(9[0-356])[0-9]{4}")
_BROKERS = frozenset(business.account_id for business in BUSINESSES)
#: Enrolled in the Affiliate Program after it had joined: the daily sweep finds it.
_CONFLICT = next(business.account_id for business in BUSINESSES if business.code == 3_100)

#: Account ids about which the exchange never answers, each in its own way.
EXAMPLES_OF_OUTAGES = {
    "BP-990000": Outage.DOWN,
    "BP-990001": Outage.SLOW,
    "BP-990500": Outage.ERROR,
    "BP-990429": Outage.BUSY,
    "BP-990404": Outage.BARE_404,
}
#: What the demo tells its user to try.
EXAMPLES = (
    ("BP-900001", "a business account: apply with it, or with any up to BP-909999"),
    ("BP-910001", "a personal account"),
    ("BP-920001", "enrolled in the Affiliate Program"),
    ("BP-930001", "becomes an affiliate two minutes after the first question"),
    ("BP-940001", "no such account"),
    ("BP-950001", "a business account that takes no credits any more"),
    ("BP-990000", "the exchange is down"),
)


class Accounts:
    """What the simulated exchange knows, and since when."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._first_asked: dict[str, datetime] = {}
        self._told: dict[str, Account | None] = {}
        self._no_credits: dict[str, str] = {}
        #: Whether every account that was not told of otherwise is a business account.
        self.all_exist = False

    def tell(self, account_id: str, *, is_business: bool = True, is_affiliate: bool = False) -> None:
        """From now on the account is so, whatever its id says."""
        self._told[account_id] = Account(account_id, is_business, is_affiliate)

    def forget(self, account_id: str) -> None:
        """From now on there is no such account."""
        self._told[account_id] = None

    def close(self, account_id: str) -> None:
        """From now on the account takes no credits, because it is closed."""
        self._no_credits[account_id] = "ACCOUNT_CLOSED"

    def restrict(self, account_id: str) -> None:
        """From now on the account takes no credits for some other reason of the exchange's."""
        self._no_credits[account_id] = "ACCOUNT_RESTRICTED"

    def reopen(self, account_id: str) -> None:
        """The account takes credits again."""
        self._no_credits.pop(account_id, None)

    def why_no_credit(self, account_id: str) -> str:
        """The code with which a credit to the account is rejected; nothing when it takes credits."""
        if self.find(account_id) is None:
            return "ACCOUNT_NOT_FOUND"
        example = _EXAMPLE.fullmatch(account_id)
        is_closing = example is not None and example[1] == "95"
        return self._no_credits.get(account_id, "ACCOUNT_CLOSED" if is_closing else "")

    def find(self, account_id: str) -> Account | None:
        if account_id in self._told:
            return self._told[account_id]
        if account_id in _BROKERS:
            return Account(account_id, is_business=True, is_affiliate=account_id == _CONFLICT)
        found = _EXAMPLE.fullmatch(account_id)
        if found is None:
            return Account(account_id, is_business=True, is_affiliate=False) if self.all_exist else None
        kind = found[1]
        return Account(
            account_id,
            is_business=kind != "91",
            is_affiliate=kind == "92" or (kind == "93" and self._was_asked_long_ago(account_id)),
        )

    def _was_asked_long_ago(self, account_id: str) -> bool:
        now = self._clock()
        return now - self._first_asked.setdefault(account_id, now) >= BECOMES_AN_AFFILIATE_AFTER
