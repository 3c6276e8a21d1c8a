"""The public keys that statements were ever signed with, as they are published."""

from typing import Any

from payouts.statements import document, verify_statement
from payouts.statements.models import SigningKey


def published_keys() -> dict[str, Any]:
    """What `verify_statement.py` takes as its list of keys: every key since its first statement, for ever."""
    return {
        "keys": [
            {
                "key_id": each.key_id,
                "algorithm": verify_statement.ALGORITHM,
                "public_key": each.public_key,
                "first_used_at": document.instant(each.first_used_at),
            }
            for each in SigningKey.objects.order_by("first_used_at", "key_id")
        ]
    }


def keys_by_id() -> dict[str, str]:
    """Public keys in base64 by their ids, as the verifier wants them."""
    return dict(SigningKey.objects.values_list("key_id", "public_key"))
