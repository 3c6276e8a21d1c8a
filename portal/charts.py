"""Charts as plotly reads them. Colours are roles; the browser fills them in from the style sheet."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from payouts.money import plain
from payouts.volume.queries import Day


def volume_by_day(days: Sequence[Day]) -> dict[str, Any]:
    """Stacked bars, one a day. Decimals travel as text; only the drawing ever reads them as numbers."""
    dates = [day.date.isoformat() for day in days]
    return {
        "data": [
            _bars(_("Futures"), "futures", dates, [day.futures for day in days]),
            _bars(_("Spot"), "spot", dates, [day.spot for day in days]),
        ],
        "layout": {
            "barmode": "stack",
            "bargap": 0.28,
            "hovermode": "x unified",
            "xaxis": {"type": "date", "tickformat": "%-d %b", "hoverformat": "%a %-d %b %Y UTC"},
            "yaxis": {"tickprefix": "$", "tickformat": "~s", "rangemode": "tozero"},
        },
    }


def _bars(name: str, role: str, dates: list[str], volumes: Sequence[Decimal]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": dates,
        "y": [plain(volume) for volume in volumes],
        "meta": {"role": role},
    }
