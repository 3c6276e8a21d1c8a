"""What templates ask about a broker's standing."""

from django import template

from payouts.month import Month
from payouts.program.queries import Standing
from portal.standing import queries

register = template.Library()


@register.filter
def mark(standing: Standing) -> str:
    """What a page shows of a standing, as one word that the live stream compares with."""
    return queries.mark(standing)


@register.filter
def held_by(held: dict[Month, str], month: Month) -> str:
    """What holds the payout of a month, "suspended" or "terminated"; empty where nothing does."""
    return held.get(month, "")
