"""The form of a login's letters: one choice for each topic that it has."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.html import format_html
from django.utils.translation import gettext as _

from portal.preferences.queries import Place, Wish, Wishes
from portal.preferences.topics import DELIVERIES


@dataclass(frozen=True, slots=True)
class Section:
    """One broker's choices, or those of staff."""

    title: str
    #: Its role there; empty of staff.
    role: str
    fields: list[BoundField]


class Choices(forms.Form):
    """One field for each wish of the login: nothing else that is sent is looked at."""

    def __init__(self, *given: Any, wishes: Wishes, **rest: Any) -> None:
        super().__init__(*given, **rest)
        self._wishes = wishes
        for of in wishes.brokers:
            self._add(of.wishes, of.name)
        self._add(wishes.staff, _("staff"))

    def _add(self, wishes: Iterable[Wish], whose: str) -> None:
        for wish in wishes:
            # The same topic stands here for several brokers: to a screen reader each says whose it is.
            label = format_html('{}<span class="sr-only">, {}</span>', _(wish.topic.title), whose)
            self.fields[wish.field] = forms.ChoiceField(
                label=label,
                help_text=_(wish.topic.says),
                choices=[(each, _(DELIVERIES[each])) for each in wish.topic.deliveries],
                initial=wish.delivery,
            )

    def sections(self) -> list[Section]:
        """The fields as the page shows them."""
        found = [
            Section(f"{of.name} · {of.code}", of.role, [self[wish.field] for wish in of.wishes])
            for of in self._wishes.brokers
        ]
        if self._wishes.staff:
            found.append(Section(_("Staff"), "", [self[wish.field] for wish in self._wishes.staff]))
        return found

    def chosen(self) -> list[tuple[Place, str]]:
        """What was chosen, of every topic."""
        return [(place, self.cleaned_data[field]) for field, (place, _wish) in self._wishes.places.items()]
