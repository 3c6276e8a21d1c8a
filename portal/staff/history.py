"""What happened to an object, as the database's own triggers recorded it: who, when, where, why, what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Field, Model
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from payouts.desk.models import AccountChange
from payouts.desk.money_models import Proposal
from payouts.money import plain
from payouts.monthend.models import Payout
from payouts.program.models import Broker
from payouts.settlement.models import Attempt
from portal.accounts.models import Factor, User
from portal.api.models import ServiceToken
from portal.application.models import Application, Document
from portal.team.models import Invitation, Membership

#: A change without any context: SQL that was not sent by the portal.
OUTSIDE = "outside the portal"
#: Columns that pghistory adds to a history.
_OF_PGHISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_context", "pgh_context_id", "pgh_obj")
_REMOVALS = ("delete", "staff role taken", "second factor removed")
_ADDITIONS = ("insert", "staff role given", "second factor added")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after, in the words of a page; empty where there was or is nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a transaction added, changed or removed."""

    at: datetime
    #: A login's address; "a visitor" who was not logged in; "the portal" itself; or "outside the portal".
    who: str
    #: What kind of thing it was, and what happened to it: "added", "changed" or "removed".
    what: str
    event: str
    fields: tuple[FieldChange, ...]
    reason: str
    #: Where it was done: the page's address, or the command or task.
    door: str
    #: The number of the request, the same for all that one request changed.
    request: str
    address: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a model's history lies, and by which column it belongs to what."""

    history: str
    model: type[Model]
    #: Which of its rows are about one thing; compared with each other.
    thing: str = "pgh_obj_id"

    def rows(self, **of: Any) -> list[Any]:
        found = apps.get_model(self.history).objects.filter(**of)
        return list(found.order_by("pgh_id"))


_BROKER = _Kept("payouts.BrokerHistory", Broker)
_APPLICATION = _Kept("portal.ApplicationHistory", Application)
_DOCUMENT = _Kept("portal.DocumentHistory", Document)
_MEMBERSHIP = _Kept("portal.MembershipHistory", Membership)
_INVITATION = _Kept("portal.InvitationHistory", Invitation)
_USER = _Kept("portal.UserHistory", User)
_TOKEN = _Kept("portal.ServiceTokenHistory", ServiceToken)
_ACCOUNT_CHANGE = _Kept("payouts.AccountChangeHistory", AccountChange)
_PAYOUT = _Kept("payouts.PayoutHistory", Payout)
_PROPOSAL = _Kept("payouts.ProposalHistory", Proposal)
_ATTEMPT = _Kept("payouts.AttemptHistory", Attempt)
_FACTOR = _Kept("portal.FactorHistory", Factor, thing="id")
_STAFF_ROLE = _Kept("portal.StaffRoleHistory", User.groups.through, thing="id")

#: What belongs on the page of an object: which histories, and by which of their columns.
_ON_THE_PAGE_OF: dict[type[Model], tuple[tuple[_Kept, str], ...]] = {
    AccountChange: ((_ACCOUNT_CHANGE, "pgh_obj_id"),),
    Attempt: ((_ATTEMPT, "pgh_obj_id"),),
    Application: ((_APPLICATION, "pgh_obj_id"), (_DOCUMENT, "application_id")),
    Broker: ((_BROKER, "pgh_obj_id"), (_MEMBERSHIP, "broker_id"), (_INVITATION, "broker_id")),
    Document: ((_DOCUMENT, "pgh_obj_id"),),
    Invitation: ((_INVITATION, "pgh_obj_id"),),
    Membership: ((_MEMBERSHIP, "pgh_obj_id"),),
    Payout: ((_PAYOUT, "pgh_obj_id"), (_ATTEMPT, "payout_id")),
    Proposal: ((_PROPOSAL, "pgh_obj_id"),),
    ServiceToken: ((_TOKEN, "pgh_obj_id"),),
    User: ((_USER, "pgh_obj_id"), (_STAFF_ROLE, "user_id"), (_FACTOR, "user_id"), (_MEMBERSHIP, "login_id")),
}


def history_of(thing: Model) -> list[Change]:
    """Every recorded change of an object and of what belongs to it, the latest first; removals included."""
    found: list[tuple[_Kept, Any, Any]] = []
    for kept, column in _ON_THE_PAGE_OF[type(thing)]:
        before: dict[Any, Any] = {}
        for row in kept.rows(**{column: thing.pk}):
            key = getattr(row, kept.thing)
            found.append((kept, before.get(key), row))
            before[key] = row
    names = _Names(found)
    changes = [_change(kept, before, row, names) for kept, before, row in found]
    return sorted(changes, key=lambda change: change.at)[::-1]


def _change(kept: _Kept, before: Any, row: Any, names: "_Names") -> Change:
    context = row.pgh_context or {}
    removed, added = row.pgh_label in _REMOVALS, row.pgh_label in _ADDITIONS
    # A removal records the row as it was last.
    old, new = (row, None) if removed else (None if added else before, row)
    return Change(
        at=row.pgh_created_at,
        who=names.who(context),
        what=_called(kept.model),
        event=_event(added=added, removed=removed, is_first=before is None),
        fields=tuple(_fields(row, old, new, names)),
        reason=str(context.get("reason", "")),
        door=_door(context),
        request=str(context.get("request", "")),
        address=str(context.get("address", "")),
    )


def _event(*, added: bool, removed: bool, is_first: bool) -> str:
    if added or removed:
        return _("added") if added else _("removed")
    return _("changed; what was before is not recorded") if is_first else _("changed")


def _fields(row: Any, old: Any, new: Any, names: "_Names") -> Iterator[FieldChange]:
    for field in row._meta.concrete_fields:
        if field.name in _OF_PGHISTORY or field.attname in ("id", "version", "saved_at", "token_hash"):
            continue
        was = getattr(old, field.attname) if old is not None else None
        now = getattr(new, field.attname) if new is not None else None
        if was != now:
            before, after = names.value(field, was), names.value(field, now)
            if before != after:
                yield FieldChange(str(field.verbose_name), before, after)


def _called(model: type[Model]) -> str:
    if model is Factor:
        return _("second factor")
    return _("staff role") if model is User.groups.through else str(model._meta.verbose_name)


def _by(context: dict[str, Any]) -> Any:
    """The login of whoever did it: of the request or, where an act was done without one, as it was told."""
    return context.get("user") or context.get("by") or context.get("login")


def _door(context: dict[str, Any]) -> str:
    for key, words in (("command", _("command %s")), ("task", _("task %s"))):
        if context.get(key):
            return str(words % context[key])
    return str(context.get("url", ""))


class _Names:
    """Names for the numbers in a history, read once for all of its rows."""

    def __init__(self, found: list[tuple[_Kept, Any, Any]]) -> None:
        wanted: dict[type[Model], set[Any]] = {User: set(), Group: set(), Broker: set(), Application: set()}
        for _kept, _before, row in found:
            user = _by(row.pgh_context or {})
            wanted[User].add(user)
            for field in row._meta.concrete_fields:
                if field.related_model in wanted:
                    wanted[field.related_model].add(getattr(row, field.attname))
        self._names = {
            model: {key: str(each) for key, each in model._default_manager.in_bulk(keys - {None}).items()}
            for model, keys in wanted.items()
        }

    def who(self, context: dict[str, Any]) -> str:
        user = _by(context)
        if user is not None:
            return self._names[User].get(user) or _("login %s, removed since") % user
        if "request" in context:
            return _("a visitor")
        return _("the portal") if context else _(OUTSIDE)

    def value(self, field: "Field[Any, Any]", value: Any) -> str:
        if value is None or value == "":
            return ""
        if field.related_model is not None:
            return self._names.get(field.related_model, {}).get(value) or str(value)
        shown = _SHOWN.get(type(value))
        if shown is not None:
            return shown(value)
        return str(dict(field.flatchoices).get(value, value))


def _number(value: Decimal) -> str:
    """Cents as they are kept; of longer figures no zeros at the end."""
    shown = f"{value:f}"
    return plain(value) if len(shown.partition(".")[2]) > 2 else shown


_SHOWN: dict[type, Callable[[Any], str]] = {
    bool: lambda value: _("yes") if value else _("no"),
    Decimal: _number,
    datetime: lambda value: f"{value:%Y-%m-%d %H:%M:%S} UTC",
    int: lambda value: number_format(value, use_l10n=False),
}
