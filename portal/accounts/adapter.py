"""What allauth asks the portal about logins: every letter is a row, written with the act it tells of."""

from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from portal.accounts import devices, factors, sessions
from portal.accounts.models import User
from portal.accounts.security_letters import tell, where
from portal.letters import actions as letters

#: What allauth tells after an act: written here with the act itself, in one transaction, or of no use.
_WRITTEN_WITH_THE_ACT = frozenset(
    {
        "account/email/password_changed",
        "account/email/password_reset",
        "account/email/email_changed",
        "account/email/email_deleted",  # a change of address taken back before it was confirmed
        "mfa/email/totp_activated",
        "mfa/email/totp_deactivated",
        "mfa/email/webauthn_added",
        "mfa/email/webauthn_removed",
        "mfa/email/recovery_codes_generated",
    }
)


class PastTheOutbox(Exception):
    """allauth wants to send mail by itself: the portal has to write that letter first, so it stops here."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        return super().save_user(request, user, form, commit=commit)

    def is_safe_url(self, url: str) -> bool:
        """Only pages of the portal itself: nothing with a host in it."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use a code of your authenticator app"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        found = super().get_reauthentication_methods(user)
        return [way | {"description": words[way["id"]]} for way in found]

    # -- acts, each with its letter ------------------------------------------------------------

    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        super().set_password(user, password)
        # Who had the old password may have begun to change the address: that ends with it.
        EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()
        tell("password_changed", to=user.email, request=self.request, now=timezone.now())

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address; the first of a login, or the one it changes to."""
        login = User.objects.select_for_update().get(pk=email_address.user_id)
        # Read anew under the lock: of two clicks at once the second finds it confirmed.
        address = EmailAddress.objects.filter(pk=email_address.pk, verified=False).first()
        if address is None or User.objects.filter(email=address.email).exclude(pk=login.pk).exists():
            self.add_message(
                request,
                messages.ERROR,
                message=_(
                    "This address cannot be confirmed: it is confirmed already, or another login has it."
                ),
            )
            return False
        if not super().confirm_email(request, address):
            return False
        if login.email != address.email:
            now = timezone.now()
            for to in (login.email, address.email):
                tell(
                    "email_changed",
                    to=to,
                    request=request,
                    now=now,
                    old=login.email,
                    new=address.email,
                )
        return True

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        sessions.begin(request, has_factor=factors.has_factor(user), now=timezone.now())

    def post_login(self, request: HttpRequest, user: Any, **about: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **about)
        devices.recognise(request=request, response=response, login=user, now=timezone.now())
        return response

    # -- letters with links --------------------------------------------------------------------

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        address, now = emailconfirmation.email_address, timezone.now()
        is_change = address.user.email != address.email
        letters.write(
            key=f"confirm:{address.pk}:{uuid4()}",
            kind="confirm_email_change" if is_change else "confirm_email",
            to=address.email,
            facts=where(request, now),
            link={"kind": "confirm", "address": address.pk},
            now=now,
        )

    def send_account_already_exists_mail(self, email: str) -> None:
        tell("account_exists", to=email, request=self.request, now=timezone.now())

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: Any = None, email: str | None = None
    ) -> None:
        if template_prefix not in _WRITTEN_WITH_THE_ACT:
            raise PastTheOutbox(f"no letter of ours tells of {template_prefix}")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise PastTheOutbox(f"{template_prefix} would leave without a row in the outbox")
