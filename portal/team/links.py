"""The secret link of an invitation: made when its letter is sent, checked when it is opened, never stored."""

from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils import timezone

from payouts.refusal import Refusal
from portal.team.models import Invitation

_SALT = "portal.team.invitation"


class BrokenLink(Refusal):
    """The address was not made by the portal, or was cut or changed on its way."""


def token_of(invitation: Invitation) -> str:
    """What stands in the address: the invitation's number and a signature over it and its e-mail address.

    The address is signed but not written, so that the link tells a stranger nothing.
    """
    return f"{invitation.pk}-{_signer().signature(_signed(invitation))}"


def invitation_of(token: str) -> Invitation:
    """The invitation that a link was made for, in whatever state it is. Refuses `BrokenLink`."""
    number, _, signature = token.partition("-")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        found = Invitation.objects.select_related("broker").filter(pk=int(number)).first()
        if found is not None and _is_genuine(found, signature):
            return found
    raise BrokenLink("This link is not complete: open it from the letter once more, or copy the whole of it.")


def invite(link: dict[str, Any]) -> str | None:
    """The absolute link for a letter about to be sent; None when the invitation is no longer open."""
    found = Invitation.objects.filter(
        pk=link["invitation"], state=Invitation.State.OPEN, expires_at__gt=timezone.now()
    ).first()
    if found is None:
        return None
    return settings.PORTAL_URL + reverse("invitation", kwargs={"token": token_of(found)})


def _signer() -> Signer:
    return Signer(salt=_SALT)


def _signed(invitation: Invitation) -> str:
    return f"{invitation.pk}:{invitation.email}"


def _is_genuine(invitation: Invitation, signature: str) -> bool:
    """By `unsign`, which also knows the keys that were in use before the present one."""
    try:
        _signer().unsign(f"{_signed(invitation)}:{signature}")
    except BadSignature:
        return False
    return True
