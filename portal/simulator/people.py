"""The logins of the demo: who they are, and where they sit. Pure."""

from dataclasses import dataclass

#: For every login of the demo, which answers on this machine alone.
PASSWORD = "demo-broker-portal"  # noqa: S105 - printed to whoever starts the demo


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    name: str
    #: What the demo says about the login.
    about: str
    seats: tuple[tuple[int, str], ...] = ()
    is_staff: bool = False
    is_superuser: bool = False


PEOPLE = (
    Person("owner@helmsman.example", "Olga Brandt", "owner of Helmsman Terminal", ((1400, "owner"),)),
    Person("finance@helmsman.example", "Femi Adeyemi", "its finance person", ((1400, "finance"),)),
    Person("developer@helmsman.example", "Dana Kovac", "its developer", ((1400, "developer"),)),
    Person("viewer@helmsman.example", "Victor Lund", "may look", ((1400, "viewer"),)),
    Person("owner@tidewater.example", "Tessa Moreau", "owner of the largest broker", ((2200, "owner"),)),
    Person(
        "group@basalt.example",
        "Gita Raman",
        "sits with two brokers",
        ((3000, "owner"), (2700, "finance")),
    ),
    Person("new@wharfside.example", "Nadia Okafor", "enrolled, no fill yet", ((3200, "owner"),)),
    Person("nobody@example.com", "Noah Winter", "belongs to no broker"),
    Person("staff@exchange.example", "Sam Whitlock", "staff of the exchange", is_staff=True),
    Person("admin@exchange.example", "Ada Sorensen", "superuser", is_staff=True, is_superuser=True),
)
