"""Makes logins, and writes the letter by which a forgotten password is replaced."""

from datetime import datetime
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from payouts.refusal import Refusal
from portal.accounts.models import User
from portal.letters import actions as letters


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
    """Make a login with a confirmed address. Refuses `NotAnAddress`, `LoginExists`, `WeakPassword`."""
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
    confirm_address(login=login)
    return login


def confirm_address(*, login: User) -> None:
    """Note that a login's address is its own, without a letter."""
    EmailAddress.objects.update_or_create(
        user=login, email=login.email, defaults={"verified": True, "primary": True}
    )


def login_exists(email: str) -> bool:
    return User.objects.filter(email=email.lower()).exists()


def rehearse_login(*, email: str, name: str, password: str) -> None:
    """Do what making a login does, and take it back: it lasts as long and leaves nothing."""
    with transaction.atomic():
        login = User(email=email, name=name)
        login.set_password(password)
        login.save()
        EmailAddress.objects.create(user=login, email=email, primary=True)
        transaction.set_rollback(True)


def ask_for_reset(*, email: str, seen: dict[str, str], now: datetime) -> None:
    """Write the letter that lets a login choose a new password; `seen` is who asked, from where.

    Where there is no such login the same row is written and taken back, and something else committed in
    its place: the time taken tells nobody.
    """
    login = User.objects.filter(email=email, is_active=True).first()
    if login is None:
        cache.set(f"no-reset:{uuid4()}", seen, timeout=1)
    with transaction.atomic():
        letters.write(
            key=f"reset_password:{uuid4()}",
            kind="reset_password",
            to=email,
            facts=seen,
            link={"kind": "reset", "login": login.pk if login else 0},
            now=now,
        )
        transaction.set_rollback(login is None)
