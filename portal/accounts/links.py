"""Secret links of letters, made at the moment a letter is sent and kept nowhere."""

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from portal.accounts.models import User


def confirm(link: dict[str, Any]) -> str | None:
    """Where an address is confirmed; nothing once it is, or when it was taken back."""
    address = EmailAddress.objects.filter(pk=link["address"], verified=False).first()
    if address is None:
        return None
    return _absolute("account_confirm_email", key=EmailConfirmationHMAC(address).key)


def reset(link: dict[str, Any]) -> str | None:
    """Where a new password is chosen; nothing for a login that is gone or switched off."""
    login = User.objects.filter(pk=link["login"], is_active=True).first()
    if login is None:
        return None
    return _absolute(
        "account_reset_password_from_key",
        uidb36=user_pk_to_url_str(login),
        key=default_token_generator.make_token(login),
    )


def _absolute(name: str, **arguments: str) -> str:
    """Never built from what a request says of its host."""
    return settings.PORTAL_URL + reverse(name, kwargs=arguments)
