"""Looks up what a service token opens."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from portal.api.models import ServiceToken
from portal.api.token_form import Secret

_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Opens:
    """A token that is good now."""

    id: int
    name: str
    prefix: str
    scope: str
    last_used_at: datetime | None


def opened_by(secret: Secret, *, now: datetime) -> Opens | None:
    """What a token opens at `now`; None when it is none of ours, has expired or was revoked. One query.

    What cannot be a token is told by its form and checksum, without a query.
    """
    if not secret.is_well_formed:
        return None
    row = ServiceToken.objects.filter(prefix=secret.prefix).first()
    # Compared in any case and in constant time: how long the answer takes tells nothing.
    is_the_one = hmac.compare_digest(row.token_hash if row else _NO_HASH, secret.hash)
    if row is None or not is_the_one or row.revoked_at is not None or row.expires_at <= now:
        return None
    return Opens(row.pk, row.name, row.prefix, row.scope, row.last_used_at)


def in_use(*, name: str, scope: str, now: datetime) -> list[str]:
    """The prefixes of the tokens of a name that are good now."""
    found = ServiceToken.objects.filter(name=name, scope=scope, revoked_at=None, expires_at__gt=now)
    return list(found.order_by("pk").values_list("prefix", flat=True))
