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


class Activity(models.Model):
    """What a member, or the exchange, did with a broker's team; rows are added, never edited."""

    class Kind(models.TextChoices):
        INVITED = "invited", _("invited")
        INVITATION_WITHDRAWN = "invitation withdrawn", _("invitation withdrawn")
        JOINED = "joined", _("joined")
        ROLE_CHANGED = "role changed", _("role changed")
        REMOVED = "removed", _("removed")
        LEFT = "left", _("left")
        DOWNLOADED = "downloaded", _("statement downloaded")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    #: The exchange did it; members read "Backpack" and no name.
    is_by_exchange = models.BooleanField(default=False)
    kind = models.CharField(max_length=30, choices=Kind)
    #: Whom or what it was done to, in the words of the moment: an address, a role, a month.
    about = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "broker_activity"
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [models.Index(fields=["broker", "-id"], name="activity_of_a_broker")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=[
                        "invited",
                        "invitation withdrawn",
                        "joined",
                        "role changed",
                        "removed",
                        "left",
                        "downloaded",
                    ]
                ),
                name="activity_kind_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} {self.about}"


class ViewAs(models.Model):
    """Staff look at a broker's pages as the broker sees them: why, from when, until when at most."""

    login = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=500)
    address = models.GenericIPAddressField(null=True)
    started_at = models.DateTimeField(_("started"))
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        db_table = "view_as"
        verbose_name = _("look")
        verbose_name_plural = _("looks")
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="view_as_says_why"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("started_at")), name="view_as_ends_by_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.login} looks at {self.broker_id}"


class ViewedPage(models.Model):
    """A page or file that was opened in a look at a broker's pages; rows are added, never edited."""

    view_as = models.ForeignKey(ViewAs, on_delete=models.PROTECT, related_name="pages")
    at = models.DateTimeField()
    path = models.CharField(max_length=300)

    class Meta:
        db_table = "viewed_page"
        verbose_name = _("viewed page")
        verbose_name_plural = _("viewed pages")

    def __str__(self) -> str:
        return self.path
