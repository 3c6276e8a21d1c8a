"""The course of an application: which step may follow which, and how one is taken. Every act uses it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from payouts.refusal import Refusal
from portal.application.models import Application, State, TimelineEntry

#: What stays as it was made; the database lets nobody change it either.
NEVER_CHANGES = ("id", "reference", "applicant", "started_at")


class Overtaken(Refusal):
    """Somebody else acted on the application after it was shown."""


class WrongState(Refusal):
    """The application has gone on, or not come far enough."""


def locked(reference: UUID, *, seen: int | None, states: tuple[State, ...]) -> Application:
    """The application, locked until the transaction ends.

    `seen` is the version that was on the screen of who acts; None for acts that need none. Refuses
    `Overtaken` when it has changed since, `WrongState` when the act does not fit its state.
    """
    application = Application.objects.select_for_update(of=("self",)).get(reference=reference)
    if seen is not None and application.version != seen:
        raise Overtaken(_overtaken(application))
    if application.state not in states:
        raise WrongState(f"This application is {application.get_state_display()} now; nothing was changed.")
    return application


def took(
    application: Application, kind: TimelineEntry.Kind, *, by: Any, now: datetime, text: str = ""
) -> TimelineEntry:
    """Save a step with its entry in the timeline. `by` is a login, or None for the portal itself."""
    application.version += 1
    application.save(update_fields=changeable())
    return TimelineEntry.objects.create(application=application, kind=kind, at=now, by=by, text=text)


def changeable() -> list[str]:
    """The fields of an application that an act may change."""
    fields = Application._meta.concrete_fields
    return [field.name for field in fields if field.name not in NEVER_CHANGES]


def _overtaken(application: Application) -> str:
    last = application.timeline.select_related("by").order_by("-pk").first()
    if last is None:
        return "This application was changed in the meantime; nothing was done. Look at it again."
    who = str(last.by) if last.by else "the portal"
    return (
        f"{who} was faster: {last.get_kind_display()} at {last.at:%Y-%m-%d %H:%M:%S} UTC. Nothing was done;"
        " look at the application again."
    )
