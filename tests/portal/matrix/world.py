"""The world that every cell of the matrix is asked in: brokers, applications, and everybody at the door."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.webauthn.internal.auth import WebAuthn
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import Group
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from payouts.month import Month
from payouts.monthend import actions as monthend
from portal.accounts.factors import has_factor
from portal.application.models import Application, Document, DocumentContent
from portal.letters.models import Letter
from portal.team import first_owner, links, members
from portal.team.models import Invitation, Membership, ViewAs
from tests import make
from tests.portal.application.papers import pdf
from tests.portal.matrix import desk
from tests.portal.matrix.desk import BROKER, SUSPENDED, TERMINATED, Desk, make_broker
from tests.portal.matrix.visitors import VISITORS
from tests.portal.staff.make_review import application

PASSWORD = "correct horse battery"
#: A broker that has no owner yet, and one more.
WITHOUT_OWNER, OTHER = 1600, 2200
_STAFF = {
    "rev": "reviewer", "oper": "operations", "look": "operations", "prep": "finance preparer",
    "appr": "finance approver", "audit": "auditor", "plain": "", "super": "", "rev-": "reviewer",
    "sup-": "", "rev=": "reviewer", "sup=": "",
}  # fmt: skip
_SEATS = {
    "view": "viewer", "devl": "developer", "fin": "finance", "own": "owner", "fin-": "finance",
    "own-": "owner", "rev=": "viewer", "sup=": "viewer", "off": "owner", "two": "viewer", "gone": "finance",
    "susp": "owner", "term": "owner",
}  # fmt: skip
#: Another session of the same login.
_SAME = {"own~": "own", "rev~": "rev", "sup~": "super", "old": "own"}


@dataclass(frozen=True)
class World:
    logins: dict[str, Any]
    #: Column → session key; nobody has none.
    sessions: dict[str, str]
    #: Column → the application in its addresses, where it is not that of the applicant.
    _applications: dict[str, Application]
    #: A login that staff may act upon: staff, an auditor.
    target: Any
    letter: Letter
    invitation: Invitation
    token: str
    desk: Desk
    look: ViewAs
    confirm_key: str
    reset_key: dict[str, str]
    passkey: int
    other_session: int

    def application(self, visitor: str) -> Application:
        return self._applications.get(visitor) or self._applications["appl"]

    def document(self, visitor: str) -> Document:
        return Document.objects.get(application=self.application(visitor))


def build() -> World:
    brokers = {code: make_broker(code) for code in (BROKER, WITHOUT_OWNER, SUSPENDED, TERMINATED, OTHER)}
    make.fills(*(make.record(brokerId=code) for code in (BROKER, SUSPENDED, TERMINATED)))
    monthend.calculate(month=Month(2026, 10), now=make.NOW)
    logins = {column: _login(column) for column in VISITORS if column not in ("none", *_SAME)}
    for column, role in _SEATS.items():
        broker = brokers[desk.code_of(column)]
        make.membership(logins[column], broker, role=role, mfa=not column.endswith("-"))
    for column in ("other", "two"):
        make.membership(logins[column], brokers[OTHER])
    for column in ("rev=", "sup="):
        make.membership(logins[column], brokers[WITHOUT_OWNER], role="viewer")
    logins |= {column: logins[same] for column, same in _SAME.items()}
    target = make.login(email="target@exchange.example", is_staff=True)
    target.groups.add(Group.objects.get(name="auditor"))

    invitation = first_owner.invite_owner(
        broker_code=WITHOUT_OWNER,
        email=logins["asked"].email,
        by=logins["oper"],
        now=make.NOW - timedelta(days=1),
    )
    Letter.objects.update(state=Letter.State.DEAD)
    letter = Letter.objects.get(kind="invitation")
    address = EmailAddress.objects.create(user=logins["appl"], email="new@example.com", verified=False)
    passkey = WebAuthn.add(logins["own"], "Passkey 1", _credential()).instance
    sessions = {column: _session(column, login) for column, login in logins.items()}
    members.remove(
        broker_code=BROKER,
        member_id=Membership.objects.get(login=logins["gone"]).pk,
        by=logins["own"],
        now=make.NOW,
    )
    logins["off"].is_active = False
    logins["off"].save()
    _application(logins["strng"], 4)
    applications = {
        column: _application(logins[column], number)
        for number, column in enumerate(("appl", "rev=", "sup="), start=1)
    }
    elsewhere = Client()
    elsewhere.force_login(logins["own"])
    return World(
        logins=logins,
        sessions=sessions,
        _applications=applications,
        target=target,
        letter=letter,
        invitation=invitation,
        token=links.token_of(invitation),
        desk=desk.build(
            owners={desk.code_of(column): logins[column] for column in ("own", "susp", "term")},
            first=target.pk,
            by=logins["super"],
        ),
        look=ViewAs.objects.get(login=logins["look"]),
        confirm_key=EmailConfirmationHMAC(address).key,
        reset_key={
            "uidb36": user_pk_to_url_str(logins["appl"]),
            "key": default_token_generator.make_token(logins["appl"]),
        },
        passkey=passkey.pk,
        other_session=_user_session(elsewhere, logins["own"]),
    )


def _login(column: str) -> Any:
    name = column.strip("-=") + ("-no-factor" if column.endswith("-") else "")
    name += "-own" if column.endswith("=") else ""
    if column not in _STAFF:
        return make.login(email=f"{name}@example.com", password=PASSWORD)
    made = make.login(
        email=f"{name}@exchange.example",
        password=PASSWORD,
        is_staff=True,
        is_superuser=column.startswith("sup"),
        mfa=not column.endswith("-"),
    )
    if _STAFF[column]:
        made.groups.add(Group.objects.get(name=_STAFF[column]))
    return made


def _session(column: str, login: Any) -> str:
    client = Client()
    client.force_login(login)
    if not column.endswith("~"):
        proved = client.post("/accounts/reauthenticate/?next=/program/", {"password": PASSWORD})
        assert (proved.status_code, proved["Location"]) == (302, "/program/"), column
        if column != "old" and has_factor(login):  # the same code is not taken twice
            _prove_with_the_app(client, login, column)
    if column == "look":
        begun = client.post(f"/staff/payouts/broker/{BROKER}/view-as/", {"reason": "they asked about it"})
        assert (begun.status_code, begun["Location"]) == (302, f"/brokers/{BROKER}/")
        client.get(begun["Location"])  # what it says once is said
    session = client.session
    if column == "old":
        session["session_before_second_factor"] = True
        session.save()
    return str(session.session_key)


def _prove_with_the_app(client: Client, login: Any, column: str) -> None:
    proved = client.post(
        "/accounts/2fa/reauthenticate/?next=/program/", {"code": make.totp_code(login, make.NOW)}
    )
    assert (proved.status_code, proved["Location"]) == (302, "/program/"), column


def _user_session(client: Client, login: Any) -> int:
    return int(
        UserSession.objects.update_or_create(
            session_key=client.session.session_key, defaults={"user": login, "ip": "192.0.2.1"}
        )[0].pk
    )


def _credential() -> dict[str, Any]:
    """What a browser sends when a passkey is made, as it is kept."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    data = AuthenticatorData.create(
        sha256(b"localhost").digest(),
        AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT,
        0,
        AttestedCredentialData.create(bytes(16), b"a key of the owner", key),
    )
    asked = CollectedClientData.create("webauthn.create", b"challenge", "http://localhost:8000")
    return {
        "id": websafe_encode(b"a key of the owner"),
        "rawId": websafe_encode(b"a key of the owner"),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(asked),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        },
        "clientExtensionResults": {},
    }


def _application(applicant: Any, number: int) -> Application:
    made = application(applicant=applicant, account_id=f"BP-90000{number}", terms_version="2025-09")
    content = pdf()
    document = Document.objects.create(
        application=made,
        kind="registration",
        name="certificate.pdf",
        media_type="application/pdf",
        size=len(content),
        sha256="a" * 64,
        uploaded_at=make.NOW,
        uploaded_by=applicant,
    )
    DocumentContent.objects.create(document=document, content=content)
    return made
