"""Passwords of tests: real Argon2, at a cost that a test need not pay."""

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

#: What production uses; a test about the time that it takes sets it back.
REAL_HASHERS = list(settings.PASSWORD_HASHERS)


class QuickArgon2(Argon2PasswordHasher):
    """What it makes, the portal's own hasher reads: the cost stands in the hash."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1

    def must_update(self, encoded: str) -> bool:
        return False
