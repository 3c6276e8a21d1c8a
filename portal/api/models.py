"""Service tokens: with which the exchange's systems come in. Only their hash is kept."""

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.api.scopes import Scope


@pghistory.track(exclude=["last_used_at", "last_used_from"], model_name="ServiceTokenHistory")
class ServiceToken(models.Model):
    name = models.CharField(_("name"), max_length=100)
    scope = models.CharField(_("scope"), max_length=30, choices=Scope)
    #: The part of the token that may be shown: it finds the row, and opens nothing.
    prefix = models.CharField(_("prefix"), max_length=30, unique=True)
    #: SHA-256 of the whole token, which nobody can guess: it holds 256 random bits.
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("made"))
    #: None: by the command.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True)
    last_used_from = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    revoked_why = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "service_token"
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope__in=Scope.values) & ~models.Q(name=""),
                name="service_token_scope_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="service_token_expires"
            ),
            models.CheckConstraint(
                condition=models.Q(token_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 - the form of a hash
                name="service_token_is_kept_as_a_hash",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
