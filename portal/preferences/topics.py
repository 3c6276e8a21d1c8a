"""What letters are about that nobody has to get: the topics, their words, and who has them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.team.roles import ROLES, May

AT_ONCE, DAILY, NEVER = "at once", "daily", "never"
#: Delivery → how the page says it.
DELIVERIES: Mapping[str, str] = {
    AT_ONCE: "at once",
    DAILY: "in one letter a day",
    NEVER: "not at all",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that letters are about, and that whoever gets them may stop."""

    name: str
    #: As a heading has it, and within a sentence: "letters about …".
    title: str
    about: str
    says: str
    #: Roles that get letters on it: of a broker's team, or of staff.
    roles: frozenset[str]
    is_for_staff: bool = False

    @property
    def usual(self) -> str:
        """How who never said anything gets them."""
        return DAILY if self.is_for_staff else AT_ONCE

    @property
    def deliveries(self) -> tuple[str, ...]:
        """What can be chosen: what waits for staff comes in one letter a day or not at all."""
        return (DAILY, NEVER) if self.is_for_staff else (AT_ONCE, DAILY, NEVER)


def _who_may(may: May) -> frozenset[str]:
    return frozenset(role for role, mays in ROLES.items() if may in mays)


_FINANCE = frozenset({"finance preparer", "finance approver"})
_ALL_STAFF = _FINANCE | {"reviewer", "operations", "auditor"}

BROKER_TOPICS: Mapping[str, Topic] = {
    each.name: each
    for each in (
        Topic(
            "statements",
            "Statements",
            "statements",
            "The statement of a month is ready.",
            _who_may(May.SEE_STATEMENTS),
        ),
        Topic(
            "credits",
            "Credits",
            "credits",
            "A payout was credited to the exchange account.",
            _who_may(May.SEE_STATEMENTS),
        ),
        Topic("team", "Team", "the team", "Somebody joined the team.", _who_may(May.MANAGE_TEAM)),
    )
}
STAFF_TOPICS: Mapping[str, Topic] = {
    each.name: each
    for each in (
        Topic(
            "applications",
            "Applications",
            "applications",
            "How many applications wait for us.",
            frozenset({"reviewer"}),
            is_for_staff=True,
        ),
        Topic(
            "months",
            "Months awaiting approval",
            "months awaiting approval",
            "How many payouts wait to be approved.",
            _FINANCE,
            is_for_staff=True,
        ),
        Topic(
            "quarantine",
            "Quarantine",
            "the quarantine",
            "How many records cannot be counted, and why.",
            _FINANCE,
            is_for_staff=True,
        ),
        Topic(
            "books",
            "Books",
            "the books",
            "Invariants of the books that do not hold.",
            _ALL_STAFF,
            is_for_staff=True,
        ),
    )
}
#: Letters that gather others: stopping one stops whatever comes in it.
OF_THE_DAY, OF_STAFF = "digest", "staff"
GATHERING = (OF_THE_DAY, OF_STAFF)

#: What everybody gets whom it concerns, as the page says it.
MANDATORY: tuple[str, ...] = (
    "your login: its address, its password, its second factor, where it was used",
    "your application, and what the exchange answers to it",
    "your own place in a team: an invitation, another role, the end of it",
    "the standing of a broker: suspensions, terminations, appeals",
    "a change of a broker's exchange account, to its owners",
    "files that you asked for",
)


def topic(*, broker: int | None, name: str) -> Topic | None:
    """The topic of that name, of a broker or of staff; None if there is none."""
    return (STAFF_TOPICS if broker is None else BROKER_TOPICS).get(name)
