"""Second factors as the portal wants them: secrets encrypted, passkeys bound to the portal's own name."""

from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages: ClassVar = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "That code is not right, or was used already. Type the one that is shown now."
        ),
        "cannot_generate_recovery_codes": gettext_lazy(
            "Set up an authenticator app or a passkey first: recovery codes stand in for it."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the host of PORTAL_URL, whatever host a request names."""
        return {"id": urlsplit(settings.PORTAL_URL).hostname or "", "name": settings.MFA_TOTP_ISSUER}

    def generate_authenticator_name(self, user: Any, type: str) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return _("Passkey %(number)d") % {"number": number}


@cache
def _cipher() -> Fernet:
    key = sha256(b"second factors\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(urlsafe_b64encode(key))
