"""The signs of health in words: what each is about, and what helps."""

from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.health.signs import Sign

TITLES: dict[str, Promise] = {
    "database": gettext_lazy("Database"),
    "schema": gettext_lazy("Migrations"),
    "canary": gettext_lazy("Beat and workers"),
    "books": gettext_lazy("Books"),
    "months_to_close": gettext_lazy("Months to close"),
    "work_of_runs": gettext_lazy("Payouts to calculate"),
    "parked_brokers": gettext_lazy("Parked brokers"),
    "credits_to_send": gettext_lazy("Credits to send"),
    "credits_unknown": gettext_lazy("Credits of unknown outcome"),
    "credits_for_people": gettext_lazy("Credits that wait for a person"),
    "days_to_reconcile": gettext_lazy("Days to compare with the exchange"),
    "open_differences": gettext_lazy("Open differences with the exchange"),
    "letters_due": gettext_lazy("Letters to send"),
    "dead_letters": gettext_lazy("Letters given up in the last 7 days"),
    "questions_about_affiliates": gettext_lazy("Unanswered questions about affiliates"),
    "questions_about_accounts": gettext_lazy("Unanswered questions about accounts"),
    "changes_of_account": gettext_lazy("Changes of account to apply"),
    "partitions_ahead": gettext_lazy("Missing partitions of fills"),
    "quarantine_share": gettext_lazy("Share of quarantined records"),
}
_WORKERS = gettext_lazy("Look at the logs of the Celery workers; start more of them if they are all busy.")
_EXCHANGE = gettext_lazy("See whether Backpack Exchange answers; it is asked again by itself.")
HELPS: dict[str, Promise] = {
    "database": gettext_lazy("Start PostgreSQL, or put right what DATABASE_URL says."),
    "schema": gettext_lazy("Run `manage.py migrate`."),
    "canary": gettext_lazy("Start `celery -A portal.celery beat` and a worker, or look at their logs."),
    "books": gettext_lazy("Run `manage.py check_books`: it says of each breach what helps."),
    "months_to_close": gettext_lazy("Look at the logs of the Celery workers, or run `manage.py month_end`."),
    "work_of_runs": _WORKERS,
    "parked_brokers": gettext_lazy(
        "Open each on the staff site, do what its next step says, calculate again."
    ),
    "credits_to_send": gettext_lazy(
        "Look at the logs of the Celery workers, and see whether the books hold."
    ),
    "credits_unknown": gettext_lazy(
        "See whether Backpack Exchange answers; else let two people resolve them."
    ),
    "credits_for_people": gettext_lazy("Open the payouts on the staff site and send them again."),
    "days_to_reconcile": _EXCHANGE,
    "open_differences": gettext_lazy("Let two people resolve them on the staff site."),
    "letters_due": gettext_lazy("See whether the mail server of EMAIL_URL takes letters."),
    "dead_letters": gettext_lazy("Open the letters on the staff site; put the address right, or send again."),
    "questions_about_affiliates": _EXCHANGE,
    "questions_about_accounts": _EXCHANGE,
    "changes_of_account": _EXCHANGE,
    "partitions_ahead": gettext_lazy("Look at the logs of the Celery workers; the next hour makes them."),
    "quarantine_share": gettext_lazy(
        "Open the quarantine on the staff site: the reason with the most records says what to do."
    ),
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def says(sign: Sign) -> str:
    """How it is, in a few words."""
    if sign.name == "database":
        return _("answers") if sign.state == "ok" else _("does not answer")
    if sign.name == "schema":
        return _("all applied") if sign.state == "ok" else _("not all applied")
    if sign.name == "canary":
        return (
            _("last beat %(age)s ago") % {"age": length(sign.age)}
            if sign.age is not None
            else _("no beat yet")
        )
    if sign.name == "books":
        return _books(sign)
    if sign.name == "quarantine_share":
        return _("%(number)d in the last hour") % {"number": sign.number} if sign.number else _("as usual")
    if not sign.number:
        return _("none")
    return _("%(number)d, the oldest for %(age)s") % {"number": sign.number, "age": length(sign.age)}


def length(age: timedelta | None) -> str:
    """A length of time as people say it, in its largest whole unit."""
    seconds = 0 if age is None else int(age.total_seconds())
    if seconds < _MINUTE:
        return _("%(number)d s") % {"number": seconds}
    if seconds < _HOUR:
        return _("%(number)d min") % {"number": seconds // _MINUTE}
    if seconds < 2 * _DAY:
        return _("%(number)d h") % {"number": seconds // _HOUR}
    return _("%(number)d days") % {"number": seconds // _DAY}


def _books(sign: Sign) -> str:
    if sign.age is None:
        return _("not checked yet")
    found = (
        ngettext("%(number)d invariant does not hold", "%(number)d invariants do not hold", sign.number)
        % {"number": sign.number}
        if sign.number
        else _("all hold")
    )
    return _("%(found)s, checked %(age)s ago") % {"found": found, "age": length(sign.age)}
