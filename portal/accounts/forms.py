"""The forms of accounts where the portal asks, or takes care of, more than allauth does."""

from typing import Any
from uuid import uuid4

from allauth.account.forms import AddEmailForm, ResetPasswordForm, SignupForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts import actions, codes
from portal.accounts.security_letters import where


def _still_an_address(value: str) -> str:
    """In small letters, as addresses are kept; a few signs are no part of an address any more then."""
    email = value.strip().lower()
    validate_email(email)
    return email


class SignUp(SignupForm):  # type: ignore[misc]  # allauth has no types
    name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    field_order = ("name", "email", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address at work")
        self.fields["password2"].label = _("The same password again")

    def clean_email(self) -> str:
        return _still_an_address(super().clean_email())

    def validate_unique_email(self, value: str) -> str:
        # An address that somebody only wants to change to does not take it away from its owner.
        self.account_already_exists = actions.login_exists(value)
        return value

    def try_save(self, request: HttpRequest) -> tuple[Any, Any]:
        if self.account_already_exists:
            # The same work as for a new login, taken back, so that the time taken tells nobody.
            actions.rehearse_login(
                email=f"{uuid4()}@invalid.example",
                name=self.cleaned_data["name"],
                password=self.cleaned_data["password1"],
            )
        return super().try_save(request)  # type: ignore[no-any-return]


class ResetPassword(ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        return _still_an_address(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **_kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        now = timezone.now()
        actions.ask_for_reset(email=email, seen=where(request, now), now=now)
        return email


class ChangeAddress(AddEmailForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New e-mail address")

    def clean_email(self) -> str:
        return _still_an_address(super().clean_email())


class _Code(forms.Form):
    """A code of six digits from the app or eight from the list; each is good once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "maxlength": "20"}


class AuthenticateCode(_Code, AuthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        return codes.spend(self.user, super().clean_code())


class ReauthenticateCode(_Code, ReauthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        return codes.spend(self.user, super().clean_code())


class ActivateTotp(_Code, ActivateTOTPForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        return codes.spend(self.user, super().clean_code())


class AddPasskey(AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the passkey")
        self.fields["name"].max_length = 100
        self.fields["passwordless"].label = _("Log in with it alone, without the password")
        self.fields["passwordless"].help_text = ""
        self.fields["passwordless"].initial = True

    def clean_name(self) -> str:
        return str(super().clean_name())[:100]


class EditPasskey(EditWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(label=_("Name of the passkey"), max_length=100)
