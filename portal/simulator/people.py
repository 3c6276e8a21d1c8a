"""The logins of the demo: who they are, and where they sit. Pure."""

from base64 import b32decode, b32encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1, sha256
from hmac import digest

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
    #: What the login is on the staff site.
    staff_roles: tuple[str, ...] = ()

    @property
    def totp_secret(self) -> str:
        """Of the login's authenticator app. No secret at all: anyone can compute it, which is its point."""
        return b32encode(sha256(f"demo of the broker portal {self.email}".encode()).digest()[:20]).decode()


#: Seconds for which an authenticator app shows a code (RFC 6238).
PERIOD = 30


def code_at(secret: str, at: datetime) -> str:
    """What an authenticator app with this secret shows at an instant: RFC 6238, SHA-1, six digits."""
    counter = int(at.timestamp()) // PERIOD
    mac = digest(b32decode(secret), counter.to_bytes(8, "big"), sha1)
    start = mac[-1] & 0x0F
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def _staff(email: str, name: str, about: str, role: str) -> Person:
    return Person(email, name, about, is_staff=True, staff_roles=(role,))


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
    Person("owner@ostrander.example", "Oskar Lindgren", "owner of a quant lab", ((2700, "owner"),)),
    Person("owner@perchwell.example", "Petra Lang", "owner of a suspended broker", ((2600, "owner"),)),
    Person("owner@marlow.example", "Miles Finch", "may soon be terminated", ((2800, "owner"),)),
    Person("new@wharfside.example", "Nadia Okafor", "enrolled, no fill yet", ((3200, "owner"),)),
    Person("nobody@example.com", "Noah Winter", "belongs to no broker"),
    _staff("reviewer@exchange.example", "Rita Solberg", "reviews applications", "reviewer"),
    _staff("operations@exchange.example", "Sam Whitlock", "looks after brokers and letters", "operations"),
    _staff("duty@exchange.example", "Bea Lindqvist", "the second pair of eyes", "operations"),
    _staff("preparer@exchange.example", "Pia Novak", "prepares payouts", "finance preparer"),
    _staff("approver@exchange.example", "Amir Haddad", "approves payouts", "finance approver"),
    _staff("auditor@exchange.example", "Aude Lemaire", "reads all, changes nothing", "auditor"),
    Person("admin@exchange.example", "Ada Sorensen", "superuser", is_staff=True, is_superuser=True),
)
