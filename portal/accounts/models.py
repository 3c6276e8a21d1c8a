"""A login: one person, known by e-mail; the devices it was used on; who was made staff."""

from typing import Any, ClassVar

import pghistory
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes logins; what Django and allauth call when they need one."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a login needs an e-mail address")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


@pghistory.track(exclude=["password", "last_login"], model_name="UserHistory")
class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    is_staff = models.BooleanField(_("staff of the exchange"), default=False)
    is_active = models.BooleanField(_("may log in"), default=True)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("login")
        verbose_name_plural = _("logins")
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_is_lower_case")
        ]

    def __str__(self) -> str:
        return self.email


@pghistory.track(
    pghistory.InsertEvent("staff role given"),
    pghistory.DeleteEvent("staff role taken"),
    obj_field=None,
    model_name="StaffRoleHistory",
)
class RoleGiven(User.groups.through):  # type: ignore[name-defined, misc]  # Django makes the class
    """A login's role on the staff site: a group, given and taken."""

    class Meta:
        proxy = True


@pghistory.track(
    pghistory.InsertEvent("second factor added"),
    pghistory.DeleteEvent("second factor removed"),
    obj_field=None,
    exclude=["data", "last_used_at"],
    model_name="FactorHistory",
)
class Factor(Authenticator):  # type: ignore[misc]  # allauth has no types
    """An authenticator app, passkey or set of recovery codes of a login; its secret is in no history."""

    class Meta:
        proxy = True


class Device(models.Model):
    """A browser that a login was used in: known by a cookie of which only the hash is kept."""

    login = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    token_hash = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(fields=["login", "token_hash"], name="one_device_per_login_and_token")
        ]

    def __str__(self) -> str:
        return f"{self.login_id} on {self.user_agent}"
