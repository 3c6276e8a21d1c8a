"""Which letters a login wants, and how; without a row the topic's own way holds."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LetterPreference(models.Model):
    """How a login wants letters on a topic: of one broker, or of the staff's work where there is none."""

    class Delivery(models.TextChoices):
        AT_ONCE = "at once", _("at once")
        DAILY = "daily", _("in one letter a day")
        NEVER = "never", _("not at all")

    login = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    broker = models.ForeignKey("payouts.Broker", null=True, on_delete=models.PROTECT, related_name="+")
    #: One of `portal/preferences/topics.py`.
    topic = models.CharField(max_length=30)
    delivery = models.CharField(max_length=10, choices=Delivery)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "letter_preference"
        verbose_name = _("wish about letters")
        verbose_name_plural = _("wishes about letters")
        constraints = [
            models.UniqueConstraint(
                fields=["login", "broker", "topic"], nulls_distinct=False, name="one_wish_a_topic"
            ),
            models.CheckConstraint(
                condition=Q(delivery__in=["at once", "daily", "never"]), name="a_wish_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.login_id} {self.topic}: {self.delivery}"
