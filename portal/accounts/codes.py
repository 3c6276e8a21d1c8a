"""Codes are good once: a code that was taken is not taken again while its time lasts."""

from typing import Any

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from django.core.cache import cache


def spend(login: Any, code: str) -> str:
    """The code, if it was not spent before; raises the form's error if it was.

    allauth remembers a spent code for one period, but with a tolerance of n it takes a code for 2n + 1.
    """
    seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 2)
    if not cache.add(f"code-spent:{login.pk}:{normalize_user_code(code)}", True, timeout=seconds):
        raise get_adapter().validation_error("incorrect_code")
    return code
