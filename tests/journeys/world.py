"""A world in which every page of the portal has something to show."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from payouts.month import Month
from payouts.monthend import actions as monthend
from portal.accounts import links as account_links
from portal.accounts.models import User
from portal.application import actions
from portal.application.models import Application
from portal.letters import actions as letters
from portal.letters import sending
from portal.letters.models import Letter
from portal.team import first_owner, links
from tests import make
from tests.journeys.every_page import DECIDED_OR_NOT, PASSWORD
from tests.portal.application import filing
from tests.portal.staff import make_review

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WHERE = {"at": "2026-11-22T12:00:00+00:00", "address": "203.0.113.7", "browser": "Firefox on Linux"}


@dataclass
class World:
    facts: dict[str, Any]
    #: Session cookies of those who are logged in.
    sessions: dict[str, str]


def entered(login: Any, *, proven: bool = False) -> str:
    """The session cookie of a login; `proven` after it has typed its password just now."""
    client = Client(HTTP_USER_AGENT=FIREFOX)
    client.force_login(login)
    UserSession.objects.create(
        user=login, session_key=client.session.session_key, ip="203.0.113.7", user_agent=FIREFOX
    )
    if proven:
        answer = client.post("/accounts/reauthenticate/?next=/", {"password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
    return client.cookies["sessionid"].value


def passkey(login: Any) -> Authenticator:
    point = bytes(range(32))
    key = {1: 2, 3: -7, -1: 1, -2: point, -3: point}
    credential = AttestedCredentialData.create(Aaguid.NONE, bytes(range(16)), key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    shown = AuthenticatorData.create(sha256(b"localhost").digest(), flags, 0, credential)
    attested = AttestationObject.create("none", shown, {})
    collected = CollectedClientData.create("webauthn.create", b"challenge", "http://localhost")
    data = {
        "name": "Olga's laptop",
        "credential": {
            "id": websafe_encode(bytes(range(16))),
            "rawId": websafe_encode(bytes(range(16))),
            "type": "public-key",
            "response": {
                "attestationObject": websafe_encode(attested),
                "clientDataJSON": websafe_encode(collected),
            },
            "clientExtensionResults": {"credProps": {"rk": True}},
        },
    }
    made: Authenticator = Authenticator.objects.create(
        user=login, type=Authenticator.Type.WEBAUTHN, data=data
    )
    return made


def fills(code: int) -> None:
    """Two months of fills, the first of them calculated."""
    now = datetime.now(UTC)
    month = Month.of(now)
    days = [month.previous().starts_at + timedelta(days=n) for n in range(28)]
    days += [at for n in range(31) if (at := month.starts_at + timedelta(days=n)) < now]
    records = [
        make.record(
            brokerId=code,
            userId=40 + number,
            symbol="BTC_USDC_PERP" if number % 3 else "SOL_USDC",
            marketType="PERP" if number % 3 else "SPOT",
            price="61000.25",
            quantity=f"{1 + number % 7}.3456789",
            feeRate="0.0005",
            affiliateRate="0.25" if number % 5 == 0 else None,
            timestamp=f"{at:%Y-%m-%dT%H:%M:%S}Z",
        )
        for number, at in enumerate(days)
    ]
    make.fills(*records, now=now)
    monthend.calculate(month=month.previous(), now=now)


# -- who has no login ---------------------------------------------------------------------------


def visitors(folder: Any, settings: Any) -> World:
    new = make.login(email="nadia@example.com")
    EmailAddress.objects.filter(user=new).update(verified=False)
    olga = make.login()
    make.totp(olga)
    make.broker(code=1500, name="Gridwright Bots")
    make.broker(code=1600, name="Kestrel Copy Trading")
    rita = make_review.staff()
    now = timezone.now()
    open_one = first_owner.invite_owner(broker_code=1500, email="gwen@example.com", by=rita, now=now)
    taken = first_owner.invite_owner(broker_code=1600, email="ines@example.com", by=rita, now=now)
    first_owner.withdraw_invitation(invitation_id=taken.pk, by=rita, now=now)
    taken.refresh_from_db()
    letters.write(key="a", kind="new_device", to="olga@example.com", facts=WHERE, now=now)
    letters.write(key="b", kind="password_changed", to="olga@example.com", facts=WHERE, now=now)
    settings.EMAIL_BACKEND = "portal.letters.mailbox.MailboxBackend"
    settings.EMAIL_FILE_PATH = str(folder / "mailbox")
    assert sending.send_due(clock=timezone.now) >= 2
    address = EmailAddress.objects.get(user=new)
    confirm, reset = (
        account_links.confirm({"address": address.pk}),
        account_links.reset({"login": olga.pk}),
    )
    assert confirm is not None
    assert reset is not None
    reset_key = reset.rstrip("/").rsplit("/", 1)[1]
    facts = {
        "confirm": confirm.rstrip("/").rsplit("/", 1)[1],
        "reset": reset_key,
        "uid": reset_key.partition("-")[0],
        "broken": "zz-not-a-key",
        "invited": links.token_of(open_one),
        "withdrawn": links.token_of(taken),
        "letter": next((folder / "mailbox").glob("*.eml")).stem,
    }
    return World(facts, {})


# -- who has a login, and perhaps a broker ------------------------------------------------------


def members() -> World:
    olga, new, bare, gwen = (
        make.login(email=f"{name}@example.com", name=name.title()) for name in ("olga", "new", "bare", "gwen")
    )
    make.membership(olga, make.broker(code=2300, name="Meridian Terminal"))
    make.membership(olga, make.broker(code=1400, name="Altair Terminal"), role="viewer")
    make.membership(bare, make.broker(code=1600, name="Kestrel Copy Trading"), mfa=False)
    make.broker(code=1500, name="Gridwright Bots")
    key = passkey(olga)
    fills(2300)
    entered(olga)
    rita = make_review.staff()
    invitation = first_owner.invite_owner(
        broker_code=1500, email="gwen@example.com", by=rita, now=timezone.now()
    )
    return World(
        {"passkey_pk": key.pk, "invited": links.token_of(invitation)},
        {
            "olga": entered(olga, proven=True),
            "new": entered(new, proven=True),
            "bare": entered(bare),
            "gwen": entered(gwen),
        },
    )


# -- who applies --------------------------------------------------------------------------------

_PEOPLE = (
    "empty",
    "whole",
    "affiliate",
    "unanswered",
    "submitted",
    "asked",
    "rejected",
    "withdrawn",
    "approved",
)


def applicants() -> World:
    now = timezone.now()
    people = {
        name: make.login(email=f"{name}@example.com", name=name.title()) for name in (*_PEOPLE, "nobody")
    }
    facts: dict[str, UUID] = {
        "empty": filing.draft(people["empty"], now=now),
        "whole": filing.complete(people["whole"], now=now),
        "affiliate": filing.complete(people["affiliate"], answer="affiliate", now=now),
        "unanswered": filing.complete(people["unanswered"], answer=None, now=now),
        "submitted": filing.submitted(people["submitted"], now=now),
        "asked": filing.asked(
            people["asked"],
            staff=make.login(email="rita@exchange.example", is_staff=True),
            question="Which countries are your users in?\n\nPlease list the five largest.",
            now=now - timedelta(days=1),
        ),
        "rejected": filing.rejected(
            people["rejected"], reapply_from=now.date() + timedelta(days=30), now=now - timedelta(days=2)
        ),
    }
    # Each of these two brings its own reviewer of the same name.
    for rows in (User, EmailAddress):
        rows.objects.filter(email="rita@backpack.exchange").update(email="ruth@backpack.exchange")
    facts["approved"] = filing.approved(people["approved"], now=now)
    facts["withdrawn"] = filing.submitted(people["withdrawn"], now=now)
    seen = Application.objects.get(reference=facts["withdrawn"]).version
    actions.withdraw(reference=facts["withdrawn"], seen=seen, now=now)
    return World(dict(facts), {name: entered(login) for name, login in people.items()})


# -- the staff ----------------------------------------------------------------------------------


def staff() -> World:
    now = timezone.now()
    root, rita, ada, finn = (
        make_review.staff(role, email=f"{name}@exchange.example")
        for name, role in (
            ("root", "superuser"), ("rita", "reviewer"), ("ada", "auditor"), ("finn", "none")
        )
    )  # fmt: skip
    bare = make.login(email="bare@exchange.example", is_staff=True, mfa=False)
    bare.groups.add(Group.objects.get(name="operations"))
    make.broker(code=1400, name="Altair Terminal", account_id="BP-900014")
    make.broker(code=1500, name="Gridwright Bots", account_id="BP-900015")
    member = make.login(email="olga@example.com", name="Olga Keller")
    make.membership(member, make.broker(code=2200, name="Meridian Terminal", account_id="BP-900022"))
    facts: dict[str, Any] = {"rita_pk": rita.pk, "member_pk": member.pk}
    decided: dict[str, dict[str, Any]] = {
        "approved": {"broker_id": 2200, "decided_at": now, "decided_by": rita},
        "rejected": {
            "decided_at": now,
            "decided_by": rita,
            "rejection_reason": "unverifiable",
            "decision_message": "The register knows no such company.\nPlease send the extract.",
            "reapply_from": now.date() + timedelta(days=90),
        },
        "in_review": {"assignee": rita},
        "information_requested": {"assignee": root},
    }
    sent = now - timedelta(days=1)
    for number, state in enumerate(DECIDED_OR_NOT):
        fields = {"account_id": f"BP-90010{number}", "submitted_at": sent} | decided.get(state, {})
        facts[f"{state}_pk"] = make_review.application(state=state, **fields).pk
    asked = Application.objects.get(pk=facts["information_requested_pk"])
    filing.document(asked.reference, now=now)
    twin = Application.objects.get(pk=facts["submitted_pk"])
    facts["risky_pk"] = make_review.application(
        legal_name=twin.legal_name,
        country="SG",
        registration_number=twin.registration_number,
        website="https://a-very-long-name-of-a-website-that-somebody-chose.example/with/a/path",
        contact_email="throwaway@mailinator.com",
        account_id="BP-900109",
        submitted_at=sent - timedelta(days=9),
    ).pk
    invitation = first_owner.invite_owner(broker_code=1500, email="gwen@example.com", by=rita, now=now)
    facts["invitation_pk"] = invitation.pk
    for state in Letter.State.values:
        letters.write(key=state, kind="new_device", to="olga@example.com", facts=WHERE, now=now)
        sent_at = now if state == "sent" else None
        said = "451 4.7.1 Greylisted, come back in a while" if state in ("failed", "dead") else ""
        told_in = facts["sent_letter_pk"] if state == "told" else None
        Letter.objects.filter(key=state).update(
            state=state, sent_at=sent_at, last_error=said, attempts=3, gathered_into=told_in
        )
        facts[f"{state}_letter_pk"] = Letter.objects.get(key=state).pk
    return World(
        facts,
        {
            "root": entered(root, proven=True),
            "rita": entered(rita, proven=True),
            "ada": entered(ada),
            "finn": entered(finn),
            "bare": entered(bare),
        },
    )
