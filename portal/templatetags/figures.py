"""Numbers and times as people read them: nothing is rounded, and only `Decimal` counts as money."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payouts.money import EXACT, plain, two_places

register = template.Library()

_PLACES_SHOWN = 2
#: Stands where digits were left out: the figure goes on, it was not rounded.
_GOES_ON = '<span class="goes-on">…</span>'


@register.filter
def money(amount: Decimal) -> str:
    """Whole cents: `$1,234.56`. Refuses an amount with more digits instead of rounding it."""
    return _dollars(two_places(_decimal(amount)))


@register.filter
def signed(amount: Decimal) -> str:
    """A change in whole cents with its sign: `+$12.30`, `−$0.04`, `$0.00`."""
    shown = money(amount)
    return f"+{shown}" if amount > 0 else shown


@register.filter
def exact_dollars(amount: Decimal) -> str:
    """Every digit there is, at least two places: `$1,677.91868621`."""
    return _dollars(_with_places(_decimal(amount)))


@register.filter
def dollars(amount: Decimal) -> SafeString:
    """Two places of a long figure, then `…` if it goes on; all its digits stay on the element."""
    digits = plain(_decimal(amount))
    whole, _dot, places = digits.partition(".")
    dollar = _dollars(whole)
    shown = places[:_PLACES_SHOWN].ljust(_PLACES_SHOWN, "0")
    more = _GOES_ON if places[_PLACES_SHOWN:] else ""
    exact = f"{dollar}.{places}" if more else f"{dollar}.{shown}"
    # Digits, commas and our own signs only: nothing that anybody typed.
    return SafeString(f'<data class="figure" value="{digits}" title="{exact}">{dollar}.{shown}{more}</data>')


@register.filter
def percent(fraction: Decimal) -> str:
    """A rate with every digit: 0.2 → `20%`, 0.00026 → `0.026%`."""
    return f"{plain(_decimal(fraction).scaleb(2, context=EXACT))}%"


@register.filter
def digits(number: Decimal) -> str:
    """Every digit of a number that is no money, and no more: `0.25`."""
    return plain(_decimal(number))


@register.filter
def whole_dollars(amount: Decimal) -> str:
    """A floor of the program's table: `$5,000,000`. Refuses cents."""
    digits = plain(_decimal(amount))
    if "." in digits:
        raise ValueError(f"{digits} is not a whole number of dollars")
    return _dollars(digits)


@register.filter
def count(number: int) -> str:
    """`20460` → `20,460`."""
    if type(number) is not int:
        raise TypeError(f"{number!r} is a {type(number).__name__}, not a count")
    return f"{number:,}"


@register.filter
def instant(moment: datetime) -> SafeString:
    """`2026-11-22 16:20:05 UTC`, as a time element."""
    at = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>',
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
    )


@register.filter
def hour(start: datetime) -> SafeString:
    """The hour that begins so: `2026-11-22 15:00–16:00 UTC`."""
    at = start.astimezone(UTC)
    end = at + timedelta(hours=1)
    return format_html(
        '<time datetime="{}">{}–{} UTC</time>',
        f"{at:%Y-%m-%dT%H:%MZ}",
        f"{at:%Y-%m-%d %H:%M}",
        f"{end:%H:%M}",
    )


@register.simple_tag
def ago(moment: datetime, now: datetime) -> SafeString:
    """`12 seconds ago`, as a time element that the page's script keeps counting."""
    at = moment.astimezone(UTC)
    seconds = max(0, int((now - moment).total_seconds()))
    return format_html(
        '<time datetime="{}" title="{}" data-ago="{}">{}</time>',
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        seconds,
        _ago(seconds),
    )


@register.filter
def iso_date(day: date) -> str:
    return f"{day:%Y-%m-%d}"


@register.filter
def month_name(written: str) -> str:
    """A month as documents write it, `2026-10`, in words."""
    return dateformat.format(date.fromisoformat(f"{written}-01"), "F Y")


def _ago(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(n)d second ago", "%(n)d seconds ago", seconds) % {"n": seconds}
    if seconds < 3_600:
        minutes = seconds // 60
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if seconds < 172_800:
        hours = seconds // 3_600
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    return _("%(n)d days ago") % {"n": seconds // 86_400}


def _decimal(number: Decimal) -> Decimal:
    if not isinstance(number, Decimal):
        raise TypeError(f"{number!r} is a {type(number).__name__}; money and rates are Decimal")
    if not number.is_finite():
        raise ValueError(f"{number} is not an amount")
    return number


def _with_places(number: Decimal) -> str:
    whole, _dot, places = plain(number).partition(".")
    return f"{whole}.{places.ljust(_PLACES_SHOWN, '0')}"


def _dollars(digits: str) -> str:
    """Put the sign, the dollar and the thousands' commas to plain digits."""
    sign = "−" if digits.startswith("-") else ""
    whole, dot, places = digits.removeprefix("-").partition(".")
    return f"{sign}${int(whole):,}{dot}{places}"
