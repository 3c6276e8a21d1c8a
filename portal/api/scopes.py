"""What a service token may open; one scope each."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    CODES = "codes:read", _("which codes are live")
    FILLS = "fills:write", _("to send fills, and to ask how far they have come")
    METRICS = "metrics:read", _("figures of how the portal works")

    @property
    def word(self) -> str:
        """As it stands in a token: "codes" of "codes:read"."""
        return self.value.partition(":")[0]
