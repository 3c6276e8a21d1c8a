"""Where each record is that ever was in quarantine, how it came there, and what is under way for it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.feed.models import QuarantinedRecord


class QuarantinePlace(models.Model):
    """Where a record is that was quarantined. Only `QuarantineChange` moves it, by trigger."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ACCEPTED = "accepted", _("accepted")
        EXCLUDED = "excluded", _("excluded")
        DUPLICATE = "duplicate", _("duplicate")
        DISCARDED = "discarded", _("discarded")

    record = models.OneToOneField(
        QuarantinedRecord, on_delete=models.PROTECT, primary_key=True, related_name="place"
    )
    state = models.TextField(choices=State, default=State.WAITING)
    #: Of a waiting record why it waits, of an excluded one why it does not count; of others "".
    reason = models.TextField()
    #: The batch that brought it, and when that came.
    batch_id = models.BigIntegerField()
    received_at = models.DateTimeField()
    #: What the record says of itself, as far as it can be read.
    symbol = models.TextField(null=True, db_collation="C")  # noqa: DJ001 - null is "cannot be read"
    trade_id = models.BigIntegerField(null=True)
    order_id = models.TextField(null=True, db_collation="C")  # noqa: DJ001 - null is "cannot be read"
    broker_code = models.PositiveIntegerField(null=True)
    month = models.DateField(null=True)
    changed_at = models.DateTimeField(null=True)
    #: When the exchange was last asked about it.
    asked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quarantine_place"
        verbose_name = _("record in quarantine")
        verbose_name_plural = _("records in quarantine")
        indexes = [
            models.Index(fields=["reason", "record"], name="waiting_by_reason", condition=Q(state="waiting")),
            models.Index(
                fields=["symbol", "trade_id", "order_id"],
                name="quarantine_by_key",
                condition=Q(symbol__isnull=False),
            ),
            models.Index(
                fields=["broker_code", "month"], name="waiting_by_broker", condition=Q(state="waiting")
            ),
            models.Index(fields=["received_at"], name="quarantine_by_receipt"),
            models.Index(fields=["changed_at"], name="quarantine_by_change"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "excluded"]) & ~Q(reason="")
                | Q(state__in=["accepted", "duplicate"], reason="")
                | Q(state="discarded", reason="discarded"),
                name="a_place_in_quarantine_has_its_reason",
            ),
            models.CheckConstraint(
                condition=Q(symbol__isnull=True, trade_id__isnull=True, order_id__isnull=True)
                | Q(symbol__isnull=False, trade_id__isnull=False, order_id__isnull=False),
                name="a_key_in_quarantine_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}: {self.state} {self.reason}"


class QuarantineChange(models.Model):
    """What happened to a quarantined record; append-only. A trigger moves the record's place by it, and
    refuses one that does not begin where the record is."""

    class Act(models.TextChoices):
        #: Left quarantine by a replay, which booked it.
        REPLAYED = "replayed", _("replayed")
        #: A replay found another reason to keep it.
        STAYED = "stayed", _("stayed with another reason")
        DISCARDED = "discarded", _("discarded")
        REOPENED = "reopened", _("reopened")
        #: A corrected record with its key was booked.
        CORRECTED = "corrected", _("corrected by a later record")
        ASKED = "asked", _("the exchange was asked")

    record = models.ForeignKey(QuarantinedRecord, on_delete=models.PROTECT, related_name="changes")
    act = models.TextField(choices=Act)
    from_state = models.TextField(choices=QuarantinePlace.State)
    from_reason = models.TextField()
    to_state = models.TextField(choices=QuarantinePlace.State)
    to_reason = models.TextField()
    #: Why, as staff wrote it.
    note = models.TextField(blank=True)
    #: Which batch booked it, or brought the corrected record.
    batch_id = models.BigIntegerField(null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="quarantine_changes"
    )
    at = models.DateTimeField()

    class Meta:
        db_table = "quarantine_change"
        verbose_name = _("change in quarantine")
        verbose_name_plural = _("changes in quarantine")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    act="replayed",
                    from_state="waiting",
                    to_state__in=["accepted", "excluded", "duplicate"],
                    batch_id__isnull=False,
                )
                | Q(act="stayed", from_state="waiting", to_state="waiting")
                & ~Q(to_reason=models.F("from_reason"))
                | Q(act="discarded", from_state="waiting", to_state="discarded", by__isnull=False)
                & ~Q(note="")
                | Q(act="reopened", from_state="discarded", to_state="waiting", by__isnull=False)
                & ~Q(note="")
                | Q(
                    act="corrected",
                    from_state="waiting",
                    to_state="discarded",
                    batch_id__isnull=False,
                    by__isnull=True,
                )
                | Q(
                    act="asked",
                    from_state="waiting",
                    to_state="waiting",
                    to_reason=models.F("from_reason"),
                    by__isnull=False,
                ),
                name="a_change_in_quarantine_is_one_of_six",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}: {self.act}"


class QuarantineReplay(models.Model):
    """A replay that somebody asked for: the row is the queue, worked off in order of receipt."""

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="quarantine_replays"
    )
    asked_at = models.DateTimeField()
    #: One record, or all that wait with a reason, or with "" and no record all that wait.
    record = models.ForeignKey(QuarantinedRecord, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    #: Up to which record it goes, and up to which it has come.
    last_record_id = models.BigIntegerField()
    reached_record_id = models.BigIntegerField(default=0)
    #: How many were looked at, and where they went.
    looked_at = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    stayed = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    #: Set when it could not go on; it is tried again.
    problem = models.TextField(blank=True)
    tried_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quarantine_replay"
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        constraints = [
            models.UniqueConstraint(
                models.Value(1), name="one_replay_at_a_time", condition=Q(finished_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(
                    looked_at=models.F("accepted")
                    + models.F("duplicate")
                    + models.F("excluded")
                    + models.F("stayed")
                ),
                name="every_replayed_record_is_in_one_place",
            ),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk}"
