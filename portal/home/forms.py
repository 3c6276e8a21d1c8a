"""What visitors type into the calculator, as people write numbers: `$12,000,000`, `12M`, `0.05 %`, `5 bp`."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payouts.money import EXACT
from payouts.monthend.what_if import Flow

#: ASCII digits only; commas only where they part thousands, so that `0,05` is never read as 5.
_NUMBER = re.compile(r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?P<places>\.[0-9]{0,8})?")
_LONGEST = 40


class Figure(forms.Field):
    """A number with an optional unit; each unit is a power of ten. The value is a Decimal."""

    def __init__(self, *, units: dict[str, int], most: Decimal, invalid: Any, too_much: Any, **options: Any):
        attrs = {"inputmode": "decimal", "autocomplete": "off", "maxlength": _LONGEST}
        super().__init__(
            widget=forms.TextInput(attrs=attrs),
            error_messages={"required": invalid, "invalid": invalid, "too_much": too_much},
            **options,
        )
        self._units = units
        self._most = most

    def to_python(self, value: Any) -> Decimal | None:
        text = "".join(str(value).split()).lower().removeprefix("$")
        if not text:
            return None
        number = _NUMBER.match(text)
        unit = text[number.end() :] if number else ""
        if number is None or unit not in self._units:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        bare = Decimal(number["digits"].replace(",", "") + (number["places"] or "").rstrip("."))
        return EXACT.scaleb(bare, self._units[unit])

    def validate(self, value: Decimal | None) -> None:
        super().validate(value)
        if value is not None and value > self._most:
            raise forms.ValidationError(self.error_messages["too_much"], code="too_much")


class Calculator(forms.Form):
    """The four numbers of a flow. Works on an address, so that a result can be sent as a link."""

    volume = Figure(
        label=_("API volume a month, spot and futures"),
        help_text=_("US dollars: 12,000,000 or 12M"),
        units={"": 0, "usd": 0, "usdc": 0, "k": 3, "m": 6, "b": 9, "bn": 9},
        most=Decimal(1_000_000_000_000),
        invalid=_("Write dollars a month, like 12,000,000 or 12M."),
        too_much=_("Write at most $1,000,000,000,000."),
    )
    fee = Figure(
        label=_("Average fee rate your users pay"),
        help_text=_("Percent, or basis points: 0.05 or 5 bp"),
        units={"": -2, "%": -2, "bp": -4, "bps": -4},
        most=Decimal("0.01"),
        invalid=_("Write a percentage with a point, like 0.05, or basis points, like 5 bp."),
        too_much=_("Write at most 1 percent, which is 100 bp."),
    )
    share = Figure(
        label=_("Volume by users with a referral code"),
        help_text=_("Percent of the volume"),
        units={"": -2, "%": -2},
        most=Decimal(1),
        invalid=_("Write a percentage from 0 to 100, like 30."),
        too_much=_("Write a percentage from 0 to 100, like 30."),
    )
    affiliate = Figure(
        label=_("What their affiliates receive"),
        help_text=_("Percent of the fees"),
        units={"": -2, "%": -2},
        most=Decimal(1),
        invalid=_("Write a percentage from 0 to 100, like 10."),
        too_much=_("Write a percentage from 0 to 100, like 10."),
    )

    #: Stands in the form until somebody writes something else.
    EXAMPLE = {"volume": "12,000,000", "fee": "0.05", "share": "30", "affiliate": "10"}

    @classmethod
    def asked(cls, query: QueryDict) -> "Calculator":
        """The form of an address; what the address leaves out is the example's."""
        return cls({name: query.get(name, example) for name, example in cls.EXAMPLE.items()})

    def flow(self) -> Flow | None:
        """What was asked for; None while something is wrong with it."""
        if not self.is_valid():
            return None
        found = self.cleaned_data
        return Flow(
            volume=found["volume"],
            fee_rate=found["fee"],
            referred_share=found["share"],
            affiliate_rate=found["affiliate"],
        )
