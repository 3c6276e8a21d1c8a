"""What the exchange says about a broker's account, and how the account is changed."""

import uuid
from datetime import timedelta

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.program.models import Broker

#: From the second confirmation of a change of account until it takes effect.
ACCOUNT_WAIT = timedelta(hours=72)


def _login(**options: object) -> models.ForeignKey:  # type: ignore[type-arg]  # a field of whatever model
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        **options,  # type: ignore[arg-type]
    )


class AffiliateCheck(models.Model):
    """What the exchange last said about a broker's account, and when it is asked again."""

    class Answer(models.TextChoices):
        NONE = "", _("not asked yet")
        BUSINESS = "business", _("a business account, no affiliate")
        AFFILIATE = "affiliate", _("enrolled in the Affiliate Program")
        NOT_BUSINESS = "not business", _("not a business account")
        MISSING = "missing", _("no such account")

    broker = models.OneToOneField(
        Broker, primary_key=True, on_delete=models.PROTECT, related_name="affiliate_check"
    )
    due_at = models.DateTimeField()
    #: The account that the answer is about.
    account_id = models.CharField(max_length=200, blank=True)
    answer = models.CharField(max_length=20, choices=Answer, blank=True)
    answered_at = models.DateTimeField(null=True)
    #: Since when the exchange has not answered; None while it does.
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "affiliate_check"
        verbose_name = _("check for affiliates")
        verbose_name_plural = _("checks for affiliates")
        constraints = [
            models.CheckConstraint(
                condition=Q(answer__in=["", "business", "affiliate", "not business", "missing"]),
                name="affiliate_answer_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.answer}"


@pghistory.track(model_name="AccountChangeHistory")
class AccountChange(models.Model):
    """An owner wants payouts to go to another account of the broker's: asked, checked by two, then a wait."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        PREPARED = "prepared", _("checked by one")
        CONFIRMED = "confirmed", _("confirmed, waiting")
        APPLIED = "applied", _("in effect")
        CANCELLED = "cancelled", _("cancelled by an owner")
        REFUSED = "refused", _("refused")

    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="account_changes")
    old_account_id = models.CharField(_("old account"), max_length=200)
    new_account_id = models.CharField(_("new account"), max_length=200)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_by = _login()
    asked_at = models.DateTimeField(_("asked"))
    asked_from = models.GenericIPAddressField(null=True)
    prepared_by = _login(null=True)
    prepared_at = models.DateTimeField(null=True)
    confirmed_by = _login(null=True)
    confirmed_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(_("takes effect"), null=True)
    applied_at = models.DateTimeField(null=True)
    #: Who cancelled or refused it; None when the portal itself refused.
    ended_by = _login(null=True)
    ended_at = models.DateTimeField(null=True)
    #: Why it was cancelled or refused, as owners read it.
    ended_why = models.TextField(blank=True)
    #: When the sweep looks at it next; set while confirmed.
    due_at = models.DateTimeField(null=True)
    #: Since when the exchange could not be asked before it is applied.
    failing_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "account_change"
        verbose_name = _("change of account")
        verbose_name_plural = _("changes of account")
        constraints = [
            models.UniqueConstraint(
                fields=["broker"],
                condition=Q(state__in=["asked", "prepared", "confirmed"]),
                name="one_open_change_of_account_per_broker",
            ),
            models.UniqueConstraint(
                fields=["new_account_id"],
                condition=Q(state__in=["asked", "prepared", "confirmed"]),
                name="one_open_change_to_an_account",
            ),
            models.CheckConstraint(
                condition=~Q(new_account_id="") & ~Q(new_account_id=F("old_account_id")),
                name="change_of_account_changes_it",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "cancelled", "refused"])
                | Q(state="prepared", prepared_by__isnull=False, prepared_at__isnull=False)
                | (
                    Q(
                        state__in=["confirmed", "applied"],
                        prepared_by__isnull=False,
                        confirmed_by__isnull=False,
                        confirmed_at__isnull=False,
                        effective_at__isnull=False,
                    )
                ),
                name="change_of_account_has_its_people",
            ),
            models.CheckConstraint(
                condition=(Q(prepared_by__isnull=True) | ~Q(prepared_by=F("asked_by")))
                & (Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("asked_by")))
                & (Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("prepared_by"))),
                name="three_people_change_an_account",
            ),
            models.CheckConstraint(
                condition=Q(effective_at__isnull=True)
                | Q(effective_at__gte=F("confirmed_at") + ACCOUNT_WAIT),
                name="change_of_account_waits_72_hours",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="applied", applied_at__isnull=False) & Q(applied_at__gte=F("effective_at"))
                )
                | (~Q(state="applied") & Q(applied_at__isnull=True)),
                name="change_of_account_is_applied_after_its_wait",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["cancelled", "refused"], ended_at__isnull=False)
                | (~Q(state__in=["cancelled", "refused"]) & Q(ended_at__isnull=True)),
                name="change_of_account_that_ended_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id}: {self.old_account_id} → {self.new_account_id}"


class AccountChangeStep(models.Model):
    """One step of a change of account; rows are added, never edited. Letters to owners follow from them."""

    class Kind(models.TextChoices):
        ASKED = "asked", _("asked")
        PREPARED = "prepared", _("checked by one")
        CONFIRMED = "confirmed", _("confirmed")
        APPLIED = "applied", _("in effect")
        CANCELLED = "cancelled", _("cancelled")
        REFUSED = "refused", _("refused")

    change = models.ForeignKey(AccountChange, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = _login(null=True)

    class Meta:
        db_table = "account_change_step"
        verbose_name = _("step of a change of account")
        verbose_name_plural = _("steps of changes of account")
        constraints = [
            models.UniqueConstraint(fields=["change", "kind"], name="one_step_of_a_kind_per_change")
        ]

    def __str__(self) -> str:
        return f"{self.change_id} {self.kind}"
