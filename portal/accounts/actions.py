"""Makes logins."""

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from payouts.refusal import Refusal
from portal.accounts.models import User


class NotAnAddress(Refusal):
    """The text is no e-mail address."""


class LoginExists(Refusal):
    """The address has a login already."""


class WeakPassword(Refusal):
    """The password does not meet the rules."""


@transaction.atomic
def create_login(
    *,
    email: str,
    name: str,
    password: str,
    now: datetime,
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Make a login. Refuses `NotAnAddress`, `LoginExists`, `WeakPassword`."""
    email = email.strip().lower()
    login = User(email=email, name=name, is_staff=is_staff, is_superuser=is_superuser, joined_at=now)
    try:
        validate_email(email)
    except ValidationError:
        raise NotAnAddress(
            f"'{email[:100]}' is not an e-mail address: write it as name@example.com"
        ) from None
    try:
        validate_password(password, login)
    except ValidationError as problem:
        raise WeakPassword(" ".join(problem.messages)) from None
    login.set_password(password)
    try:
        with transaction.atomic():
            login.save(force_insert=True)
    except IntegrityError:
        raise LoginExists(f"{email} has a login already: choose another address") from None
    return login
