"""The service token with which the demo's exchange pushes: a new one each time, the one before is revoked."""

from datetime import datetime

from portal.api import actions, queries
from portal.api.scopes import Scope

NAME = "demo exchange"
_DAYS = 30


def fresh(*, now: datetime) -> str:
    """The token itself; it is kept nowhere, and only the process that pushes gets it."""
    for prefix in queries.in_use(name=NAME, scope=Scope.FILLS, now=now):
        actions.revoke_token(prefix=prefix, reason="the demo was started again", by=None, now=now)
    made = actions.make_token(name=NAME, scope=Scope.FILLS, days=_DAYS, by=None, now=now)
    return made.secret.reveal()
