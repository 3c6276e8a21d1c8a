"""A letter and how far it has come."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Letter(models.Model):
    """One letter to one address; never removed, its text made when it is sent."""

    class State(models.TextChoices):
        WRITTEN = "written", _("waits to be sent")
        SENT = "sent", _("taken by the mail server")
        FAILED = "failed", _("failed, will be tried again")
        DEAD = "dead", _("given up")
        GATHERED = "gathered", _("waits for the letter of the day")
        TOLD = "told", _("told in the letter of a day")

    #: What makes it the same letter: written twice, it exists once.
    key = models.CharField(max_length=200, unique=True)
    #: Which of `templates/letters/` it is.
    kind = models.CharField(_("letter"), max_length=50)
    to = models.EmailField(_("to"), max_length=254, db_index=True)
    #: What its text says; never a secret.
    facts = models.JSONField(default=dict)
    #: What its secret link is made from when it is sent, by `kind` of link; the link itself is never kept.
    link = models.JSONField(null=True)
    #: What goes with it, by `kind`, see `settings.LETTER_ATTACHMENTS`; its bytes are fetched when it is sent.
    attachment = models.JSONField(null=True)
    #: Whose wish one click changes, and on which topic; the address that does it is made when it is sent.
    unsubscribe = models.JSONField(null=True)
    #: The letter of a day that told of it.
    gathered_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="gathered")
    #: The same for every attempt, so that a mailbox can tell a repetition.
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WRITTEN)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    written_at = models.DateTimeField(_("written"))
    due_at = models.DateTimeField(_("next attempt"))
    leased_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    last_error = models.TextField(_("what the mail server said"), blank=True)

    class Meta:
        db_table = "letter"
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["written", "sent", "failed", "dead", "gathered", "told"]),
                name="letter_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="told", gathered_into__isnull=False)
                | (~Q(state="told") & Q(gathered_into__isnull=True)),
                name="letter_told_says_where",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="letter_sent_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="letter_due", condition=Q(state__in=["written", "failed"])),
            models.Index(fields=["to"], name="letter_gathered", condition=Q(state="gathered")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
