"""Brokers and what happened to their standing."""

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from payouts.program import broker_code


@pghistory.track(model_name="BrokerHistory")
class Broker(models.Model):
    """A business in the program, known by its code for ever."""

    code = models.PositiveIntegerField(_("code"), primary_key=True)
    name = models.CharField(_("name"), max_length=200)
    account_id = models.CharField(_("exchange account"), max_length=200)
    enrolled_at = models.DateTimeField(_("enrolled"))

    class Meta:
        db_table = "broker"
        verbose_name = _("broker")
        verbose_name_plural = _("brokers")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code__gte=broker_code.LOWEST, code__lte=broker_code.HIGHEST),
                name="broker_code_is_uint16",
            ),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(account_id=""),
                name="broker_has_name_and_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class StandingChange(models.Model):
    """One change of a broker's standing; rows are added, never edited."""

    class Kind(models.TextChoices):
        ENROLLED = "enrolled", _("enrolled")
        SUSPENDED = "suspended", _("suspended")
        LIFTED = "lifted", _("lifted")
        TERMINATED = "terminated", _("terminated")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="standing_changes")
    kind = models.CharField(max_length=20, choices=Kind)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.TextField(blank=True)

    class Meta:
        db_table = "standing_change"
        verbose_name = _("change of standing")
        verbose_name_plural = _("changes of standing")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["enrolled", "suspended", "lifted", "terminated"]),
                name="standing_change_kind_is_known",
            ),
            models.UniqueConstraint(
                fields=["broker"],
                condition=models.Q(kind="enrolled"),
                name="one_enrolment_per_broker",
            ),
            models.UniqueConstraint(
                fields=["broker"],
                condition=models.Q(kind="terminated"),
                name="one_termination_per_broker",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} from {self.effective_at:%Y-%m-%d %H:%M:%S} UTC"
