"""What pages of explanations say: arms of the formula in words, addresses of what a figure is made of."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from payouts.monthend.arms import Arm
from portal.explain import asking
from portal.explain.asking import Asked
from portal.explain.cursors import LineName

register = template.Library()


@register.filter
def in_words(arm: Arm) -> str:
    """The arm's sentence in the reader's language, with its numbers."""
    return gettext(arm.pattern) % arm.numbers


@register.simple_tag
def asks(asked: Asked, **changes: Any) -> str:
    """The query of an address that asks the same, but for the changes; "" takes one away."""
    for name, value in changes.items():
        asked = replace(asked, **{name: None if value == "" else value})  # type: ignore[arg-type]
    return urlencode(asking.query(asked))


@register.simple_tag
def asks_for(**wanted: Any) -> str:
    """The query of an address that asks for just this."""
    return urlencode(
        asking.query(Asked(**{name: value for name, value in wanted.items() if value not in (None, "")}))
    )


@register.filter
def line_name(line: dict[str, Any]) -> LineName:
    """What names a statement's line in addresses."""
    return LineName(line["trader"], line["market"], line["fee_rate"], line["affiliate_rate"])


@register.filter
def line_asked(asked: Asked) -> LineName | None:
    """The line that an address asks for; None where it asks for more, or for what came later."""
    if asked.trader is None or asked.market is None or asked.fee_rate is None:
        return None
    if asked.affiliate_rate is None or asked.part != "counted":
        return None
    return LineName(asked.trader, asked.market, asked.fee_rate, asked.affiliate_rate)


@register.filter
def moment(at: datetime) -> SafeString:
    """To the microsecond where there are some: `2026-10-03 14:05:09.120000 UTC`."""
    utc = at.astimezone(UTC)
    shown = f"{utc:%Y-%m-%d %H:%M:%S}" + (f".{utc:%f}" if utc.microsecond else "")
    return format_html('<time datetime="{}">{} UTC</time>', utc.isoformat().replace("+00:00", "Z"), shown)
