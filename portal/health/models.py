"""Signs of life."""

from django.db import models


class Canary(models.Model):
    """When a worker last did a task that beat had woken: the proof that both are alive."""

    name = models.CharField(max_length=20, primary_key=True)
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "canary"

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at:%Y-%m-%d %H:%M:%S} UTC"
