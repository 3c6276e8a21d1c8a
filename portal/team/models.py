"""Who may act for a broker, and as what."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from payouts.models import Broker


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    FINANCE = "finance", _("finance")
    DEVELOPER = "developer", _("developer")
    VIEWER = "viewer", _("viewer")


class Membership(models.Model):
    login = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, choices=Role)
    joined_at = models.DateTimeField()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["login", "broker"], name="one_membership_per_login_and_broker"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.login} · {self.broker} · {self.role}"
