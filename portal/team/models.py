"""Who may act for a broker, and as what; who was invited to."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from payouts.models import Broker


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    FINANCE = "finance", _("finance")
    DEVELOPER = "developer", _("developer")
    VIEWER = "viewer", _("viewer")


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="MembershipHistory",
)
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


@pghistory.track(model_name="InvitationHistory")
class Invitation(models.Model):
    """An address was asked into a broker's team; the link in its letter is made when that is sent."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        WITHDRAWN = "withdrawn", _("withdrawn")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(_("e-mail address"), max_length=254)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(_("invited"))
    expires_at = models.DateTimeField(_("open until"))
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    #: The program's terms that were accepted with it, from which address.
    terms_version = models.CharField(max_length=20, blank=True)
    terms_address = models.GenericIPAddressField(null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "email"],
                condition=models.Q(state="open"),
                name="one_open_invitation_per_broker_and_address",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "accepted", "withdrawn"]),
                name="invitation_state_is_known",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_is_known"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="invitation_email_is_lower_case"
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", accepted_by__isnull=False, accepted_at__isnull=False)
                | (
                    ~models.Q(state="accepted") & models.Q(accepted_by__isnull=True, accepted_at__isnull=True)
                ),
                name="invitation_accepted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} into {self.broker} as {self.role}"
