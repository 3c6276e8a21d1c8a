"""What a service token may open; one scope each."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    CODES = "codes:read", _("which codes are live")

    @property
    def word(self) -> str:
        """As it stands in a token: "codes" of "codes:read"."""
        return self.value.partition(":")[0]
