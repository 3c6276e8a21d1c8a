"""How far figures are behind what they tell of, in words."""

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _

register = template.Library()

_TENTH = timedelta(milliseconds=100)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@register.filter
def behind(delay: timedelta) -> str:
    """`0.8 s behind`, `12 min behind`, `3 h behind`, `2 days behind`: cut, not rounded."""
    if delay < _MINUTE:
        whole, tenth = divmod(delay // _TENTH, 10)
        return _("%(seconds)s s behind") % {"seconds": f"{whole}.{tenth}"}
    if delay < _HOUR:
        return _("%(n)d min behind") % {"n": delay // _MINUTE}
    if delay < 2 * _DAY:
        return _("%(n)d h behind") % {"n": delay // _HOUR}
    return _("%(n)d days behind") % {"n": delay // _DAY}
