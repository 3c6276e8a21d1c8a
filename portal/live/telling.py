"""What open pages are told of figures: exact digits, and each piece of the page as the page shows it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from payouts.money import plain
from payouts.volume.live import BrokerFigures, Heard

_FIGURES, _NOW = "dashboard/live.html", "dashboard/live_now.html"


@dataclass(frozen=True, slots=True)
class Told:
    """A message, and the version of what it says; as JSON."""

    version: str
    data: str


def figures(found: BrokerFigures, *, language: str) -> Told:
    """A broker's month so far, the same to the byte as long as nothing of it has changed."""
    version, tier, missing = found.version, found.made_tier, found.next_tier
    with translation.override(language):
        says = {
            "version": version,
            "month": str(found.month),
            "fills": found.fills,
            "volume": plain(found.volume),
            "spot": plain(found.spot),
            "futures": plain(found.futures),
            "fees": plain(found.fees),
            "tier": tier.name,
            "rebate": plain(tier.rebate),
            "missing": missing and plain(missing.missing),
            "last_fill_at": _instant(found.last_fill_at),
            "says": _("The tier is now %(tier)s.") % {"tier": tier.name},
            "html": render_to_string(_FIGURES, {"figures": found}),
        }
    return Told(version, json.dumps(says))


def beat(heard: Heard, *, as_of: datetime, language: str) -> str:
    """As of when figures are, and how far the feed has come: the same for all brokers; as JSON."""
    shown = {"as_of": as_of, "heard": heard, "is_quiet": heard.is_quiet(now=as_of)}
    with translation.override(language):
        html = render_to_string(_NOW, shown)
    return json.dumps(
        {
            "as_of": _instant(as_of),
            "last_batch_at": _instant(heard.last_batch_at),
            "lag_seconds": None if heard.delay is None else _seconds(heard.delay),
            "is_quiet": shown["is_quiet"],
            "html": html,
        }
    )


def _seconds(delay: timedelta) -> str:
    whole, tenth = divmod(delay // timedelta(milliseconds=100), 10)
    return f"{whole}.{tenth}"


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
