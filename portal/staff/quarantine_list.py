"""The list of quarantined records: what is asked for, and one page of it at the price of one page."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Func, Q, QuerySet, TextField, Value
from django.utils.translation import gettext_lazy as _

from payouts.feed.models import QuarantinedRecord
from payouts.feed.quarantine_models import QuarantinePlace
from portal.staff import quarantine_words as words

PAGE = 50
#: So many are counted; beyond, there are "more than" so many.
COUNTED = 1_000
#: Among so many records, the latest, a trader is looked for: traders stand in the records' own bytes alone.
LOOKED_THROUGH = 20_000
#: Longer ones are junk; to look through megabytes would cost more than it finds.
LONGEST_READ = 64 * 1024
_HIGHEST_CODE, _HIGHEST_INTEGER = 65_535, 2**63 - 1
_ANY = "any"
#: Before and behind a trader's number in a row of CSV, quoted or not. A price would have to be the same
#: number, whole, to be taken for it.
_IN_CSV = r'(^|,)"?{}"?(,|$)'
_IN_JSON = r'"userId"\s*:\s*{}(?![0-9.eE])'


class Filter(forms.Form):
    """What is asked of the list, by its address."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        strip=False,
        help_text=_("Symbol, order id, trade id or number of the record, as they are written"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("waiting")), *QuarantinePlace.State.choices[1:], (_ANY, _("any"))],
    )
    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=[("", _("any")), *((name, each.title) for name, each in words.REASONS.items())],
    )
    broker = forms.IntegerField(
        label=_("Broker code"),
        required=False,
        min_value=0,
        max_value=_HIGHEST_CODE,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    month = forms.RegexField(
        label=_("Month (YYYY-MM)"),
        regex=r"\A(?!0000)[0-9]{4}-(0[1-9]|1[0-2])\Z",
        required=False,
        error_messages={"invalid": _("Write it like 2026-10.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    trader = forms.IntegerField(
        label=_("Trader"),
        required=False,
        min_value=0,
        max_value=_HIGHEST_INTEGER,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the list."""

    place: QuarantinePlace

    @property
    def waits(self) -> bool:
        return self.place.state == QuarantinePlace.State.WAITING

    @property
    def reason(self) -> str:
        return words.title(self.place.reason)

    @property
    def state(self) -> str:
        return words.state(self.place.state)

    @property
    def looks(self) -> str:
        return words.LOOKS[self.place.state]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list, the latest records first."""

    form: Filter
    lines: list[Line]
    #: How many there are, at most `COUNTED` + 1.
    found: int
    #: The addresses of the pages beside it; empty where there is none.
    newer: str
    older: str
    #: Whether something was asked for, beyond the records that wait.
    is_filtered: bool

    @property
    def is_more(self) -> bool:
        return self.found > COUNTED


def listed(asked: dict[str, str], *, own: list[int]) -> Listed:
    """Two or three queries, however many records there are; those of one's own brokers are left out."""
    form = Filter(asked)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = _wanted(wanted, own) if form.is_valid() else QuarantinePlace.objects.none()
    rows, has_newer, has_older = _page(found, asked)
    kept = {name: value for name in form.fields if (value := asked.get(name, ""))}
    return Listed(
        form=form,
        lines=[Line(each) for each in rows],
        found=len(found.order_by().values_list("pk", flat=True)[: COUNTED + 1]),
        newer=f"?{urlencode(kept | {'above': rows[0].pk})}" if has_newer else "",
        older=f"?{urlencode(kept | {'below': rows[-1].pk})}" if has_older else "",
        is_filtered=bool(kept),
    )


def _page(
    found: QuerySet[QuarantinePlace], asked: dict[str, str]
) -> tuple[list[QuarantinePlace], bool, bool]:
    """By the numbers of the records, so that the thousandth page costs as much as the first."""
    above, below = _number(asked.get("above")), _number(asked.get("below"))
    if above is not None:
        rows = list(found.filter(pk__gt=above).order_by("pk")[: PAGE + 1])
        return rows[:PAGE][::-1], len(rows) > PAGE, bool(rows)
    if below is not None:
        found = found.filter(pk__lt=below)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return rows[:PAGE], below is not None and bool(rows), len(rows) > PAGE


def _wanted(asked: dict[str, Any], own: list[int]) -> QuerySet[QuarantinePlace]:
    found = QuarantinePlace.objects.all()
    if own:
        found = found.exclude(broker_code__in=own)
    state = asked["state"] or QuarantinePlace.State.WAITING
    if state != _ANY:
        found = found.filter(state=state)
    if asked["reason"]:
        # Of what no longer waits, the reason that it came with.
        waits = state == QuarantinePlace.State.WAITING
        found = found.filter(**{"reason" if waits else "record__reason": asked["reason"]})
    if asked["broker"] is not None:
        found = found.filter(broker_code=asked["broker"])
    if asked["month"]:
        found = found.filter(month=date.fromisoformat(f"{asked['month']}-01"))
    if asked["q"]:
        found = found.filter(_search(asked["q"]))
    if asked["trader"] is not None:
        found = _of_trader(found, asked["trader"])
    return found


def _search(text: str) -> Q:
    wanted = Q(symbol=text) | Q(order_id=text)
    number = _number(text)
    return wanted if number is None else wanted | Q(pk=number) | Q(trade_id=number)


def _of_trader(found: QuerySet[QuarantinePlace], trader: int) -> QuerySet[QuarantinePlace]:
    """Looked for in the bytes as PostgreSQL can write any bytes, NUL and broken UTF-8 included; once."""
    latest = found.order_by("-pk").values("pk")[:LOOKED_THROUGH]
    bytes_of = QuarantinedRecord.objects.filter(pk__in=latest, raw_length__lte=LONGEST_READ).annotate(
        written=Func("raw", Value("escape"), function="encode", output_field=TextField())
    )
    is_csv = Q(format="csv")
    named = bytes_of.filter(
        is_csv & Q(written__regex=_IN_CSV.format(trader))
        | ~is_csv & Q(written__regex=_IN_JSON.format(trader))
    )
    return found.filter(pk__in=list(named.order_by("-pk").values_list("pk", flat=True)[: COUNTED + 1]))


def _number(text: str | None) -> int | None:
    """The number of a record, or of a trade, as it stands in an address; None for what can be none."""
    if text is None or not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    return number if (number := int(text)) <= _HIGHEST_INTEGER else None
