"""How each address is asked: what stands in it, what a POST sends, in which state its things are before.

An address without an entry has nothing in it that `_VALUES` does not know, and its POST sends nothing. A POST
sends enough for the act to be done where the visitor may do it: an empty form would be turned away before the
question of rights arises.
"""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from payouts.month import Month
from portal.application import steps
from portal.application.models import Application
from portal.letters.mailbox import newest
from portal.letters.models import Letter
from portal.preferences.links import OneClick, token_of
from portal.preferences.topics import BROKER_TOPICS, STAFF_TOPICS
from portal.team.models import Invitation
from tests import make
from tests.portal.application.papers import pdf
from tests.portal.matrix import desk, statements
from tests.portal.matrix.addresses import Address
from tests.portal.matrix.asked_of_brokers import OF_BROKERS
from tests.portal.matrix.asked_of_money import OF_MONEY
from tests.portal.matrix.asked_of_quarantine import OF_QUARANTINE
from tests.portal.matrix.asked_of_staff import OF_STAFF
from tests.portal.matrix.desk import BROKER, SUSPENDED, TERMINATED
from tests.portal.matrix.entry import Asked
from tests.portal.matrix.world import OTHER, PASSWORD, WITHOUT_OWNER, World

CODES = (BROKER, SUSPENDED, TERMINATED, WITHOUT_OWNER, OTHER)

_VALUES: dict[str, Callable[[World, str], Any]] = {
    "reference": lambda world, visitor: world.application(visitor).reference,
    "document": lambda world, visitor: world.document(visitor).reference,
    "step": lambda _world, _visitor: "contact",
    "code": lambda _world, visitor: desk.code_of(visitor),
    "month": lambda _world, _visitor: Month(2026, 10),
    "token": lambda world, _visitor: world.token,
    "app_label": lambda _world, _visitor: "portal",
}


def path_of(address: Address, world: World, visitor: str) -> str:
    """The address with the things of the world in it, as they are for a visitor."""
    if address.route == "staff/(?P<url>.*)":
        return "/staff/no-such-page/"
    special = ASKED.get(address.route, Asked()).at(world, visitor)
    named = {
        name: special[name] if name in special else _VALUES[name](world, visitor)
        for name in address.parameters
    }
    return reverse(address.name, kwargs=named)


def _state(state: str, **fields: Any) -> Callable[[World], object]:
    return lambda _world: Application.objects.update(state=state, **fields)


def _draft(_world: World) -> None:
    Application.objects.update(state="draft", submitted_at=None)


def _seen(world: World, visitor: str, **more: Any) -> dict[str, Any]:
    return {"seen": world.application(visitor).version} | more


def _application(**more: Any) -> Asked:
    """A page or button of one application on the staff site."""
    return Asked(
        ok="admin:portal_application_change",
        at=lambda world, visitor: {"number": world.application(visitor).pk},
        **more,
    )


def _login(sends: dict[str, str], before: Callable[[World], object] = lambda _world: None) -> Asked:
    """A right of a login; who has a `=` asks for their own."""
    return Asked(
        ok="admin:portal_user_change",
        at=lambda world, visitor: {
            "number": (world.logins[visitor] if visitor.endswith("=") else world.target).pk
        },
        sends=lambda _world, _visitor: {"reason": "asked for by the head of operations"} | sends,
        before=before,
    )


def _invitation() -> Asked:
    return Asked(
        ok="admin:payouts_broker_change",
        at=lambda world, _visitor: {"code": WITHOUT_OWNER, "number": world.invitation.pk},
    )


def _target(world: World, **fields: Any) -> None:
    type(world.target).objects.filter(pk=world.target.pk).update(**fields)


_OF_AN_APPLICATION = "applications/<uuid:reference>/"
_STAFF_APPLICATION = "staff/portal/application/<int:number>/"
_STAFF_LOGIN = "staff/portal/user/<int:number>/"

ASKED: dict[str, Asked] = {
    **OF_BROKERS,
    **OF_MONEY,
    **OF_QUARANTINE,
    **OF_STAFF,
    # -- pages of logins -----------------------------------------------------------------------
    "accounts/confirm-email/(?P<key>[-:\\w]+)/": Asked(
        ok="account_login", at=lambda world, _visitor: {"key": world.confirm_key}
    ),
    "accounts/email/": Asked(
        ok="account_email", sends=lambda _world, _visitor: {"action_add": "", "email": "changed@example.com"}
    ),
    "accounts/password/change/": Asked(
        ok="account_change_password",
        sends=lambda _world, _visitor: {
            "oldpassword": PASSWORD,
            "password1": "another horse battery",
            "password2": "another horse battery",
        },
    ),
    "accounts/password/reset/": Asked(
        ok="account_reset_password_done", sends=lambda _world, _visitor: {"email": "own@example.com"}
    ),
    "accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/": Asked(
        ok="account_reset_password_from_key", at=lambda world, _visitor: world.reset_key
    ),
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": Asked(
        ok="mfa_list_webauthn",
        at=lambda world, _visitor: {"pk": world.passkey},
        sends=lambda _world, _visitor: {"name": "Blue key"},
    ),
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": Asked(
        ok="mfa_list_webauthn", at=lambda world, _visitor: {"pk": world.passkey}
    ),
    "accounts/2fa/totp/deactivate/": Asked(ok="mfa_index"),
    "accounts/2fa/recovery-codes/generate/": Asked(ok="mfa_view_recovery_codes"),
    "accounts/letters/": Asked(
        ok="letter_preferences",
        sends=lambda _world, _visitor: {
            **{f"{code}-{topic}": "never" for code in CODES for topic in BROKER_TOPICS},
            **{f"staff-{topic}": "never" for topic in STAFF_TOPICS},
        },
    ),
    # A link of another's letter: it stops that viewer's letters, whoever clicks it.
    "letters/<str:token>/": Asked(
        at=lambda world, _visitor: {
            "token": token_of(OneClick(world.logins["view"].pk, BROKER, "statements"))
        },
        sends=lambda _world, _visitor: {"List-Unsubscribe": "One-Click"},
    ),
    "accounts/sessions/": Asked(ok="usersessions_list"),
    "accounts/sessions/<int:pk>/end/": Asked(
        ok="usersessions_list", at=lambda world, _visitor: {"pk": world.other_session}
    ),
    # -- verifying -----------------------------------------------------------------------------
    "verify": Asked(
        before=statements.issued,
        sends=lambda _world, _visitor: {"digest": statements.statement("own").digest},
    ),
    # -- pages of an applicant -----------------------------------------------------------------
    "apply/": Asked(ok="application_step"),
    _OF_AN_APPLICATION + "<slug:step>/": Asked(
        ok="application_step",
        before=_draft,
        sends=lambda world, visitor: {
            "shown": steps.digest("contact", vars(world.application(visitor))),
            "contact_name": "Anna Berg",
            "contact_position": "CEO",
            "contact_email": "anna@delta.example",
        },
    ),
    _OF_AN_APPLICATION + "submit/": Asked(ok="application", before=_draft, sends=_seen),
    _OF_AN_APPLICATION + "withdraw/": Asked(ok="application", sends=_seen),
    _OF_AN_APPLICATION + "answer/": Asked(
        ok="application",
        before=_state("information_requested"),
        sends=lambda world, visitor: _seen(world, visitor, text="We answer.", kind="other"),
    ),
    _OF_AN_APPLICATION + "documents/add/": Asked(
        ok="application_step",
        before=_draft,
        sends=lambda _world, _visitor: {
            "kind": "other",
            "file": SimpleUploadedFile("other.pdf", pdf(), "application/pdf"),
        },
    ),
    _OF_AN_APPLICATION + "documents/<uuid:document>/remove/": Asked(ok="application_step", before=_draft),
    # -- the link of an invitation -------------------------------------------------------------
    "invitations/<str:token>/": Asked(
        ok="dashboard",
        sends=lambda _world, _visitor: {
            "is_no_affiliate": "on",
            "accepts_terms": "on",
            "terms_version": "2025-09",
        },
    ),
    # -- staff: applications -------------------------------------------------------------------
    "staff/portal/application/<path:object_id>/change/": Asked(
        at=lambda world, visitor: {"object_id": world.application(visitor).pk}
    ),
    _STAFF_APPLICATION + "take/": _application(),
    _STAFF_APPLICATION + "release/": _application(
        before=lambda world: Application.objects.update(assignee=world.logins["rev"], state="in_review"),
        sends=lambda world, _visitor: {"holder": world.logins["rev"].pk},
    ),
    _STAFF_APPLICATION + "note/": _application(sends=lambda _world, _visitor: {"text": "Looks right."}),
    _STAFF_APPLICATION + "ask-exchange/": _application(),
    _STAFF_APPLICATION + "ask/": _application(
        sends=lambda world, visitor: _seen(world, visitor, text="Who owns the business?")
    ),
    _STAFF_APPLICATION + "reject/": _application(
        sends=lambda world, visitor: _seen(
            world,
            visitor,
            reason="not_a_platform",
            message="It is not a trading platform.",
            reapply_from=f"{make.NOW:%Y-%m-%d}",
        )
    ),
    _STAFF_APPLICATION + "approve/": _application(
        sends=lambda world, visitor: _seen(world, visitor, code=1777)
    ),
    _STAFF_APPLICATION + "documents/<uuid:document>/": _application(),
    # -- staff: brokers ------------------------------------------------------------------------
    "staff/payouts/broker/<path:object_id>/change/": Asked(at=lambda _world, _visitor: {"object_id": BROKER}),
    "staff/payouts/broker/<int:code>/invite/": Asked(
        ok="admin:payouts_broker_change",
        at=lambda _world, _visitor: {"code": WITHOUT_OWNER},
        sends=lambda _world, _visitor: {"email": "first@example.com"},
        before=lambda _world: Invitation.objects.update(state="withdrawn"),
    ),
    "staff/payouts/broker/<int:code>/invitations/<int:number>/again/": _invitation(),
    "staff/payouts/broker/<int:code>/invitations/<int:number>/withdraw/": _invitation(),
    # -- staff: letters ------------------------------------------------------------------------
    "staff/portal/letter/<path:object_id>/change/": Asked(
        at=lambda world, _visitor: {"object_id": world.letter.pk}
    ),
    "staff/portal/letter/<int:number>/again/": Asked(
        ok="admin:portal_letter_change",
        at=lambda world, _visitor: {"number": world.letter.pk},
        before=lambda _world: Letter.objects.update(state="dead"),
    ),
    # -- staff: logins -------------------------------------------------------------------------
    "staff/portal/user/<path:object_id>/change/": Asked(
        at=lambda world, _visitor: {"object_id": world.target.pk}
    ),
    _STAFF_LOGIN + "make-staff/": _login({}, before=lambda world: _target(world, is_staff=False)),
    _STAFF_LOGIN + "take-staff/": _login({}),
    _STAFF_LOGIN + "give-role/": _login({"role": "reviewer"}),
    _STAFF_LOGIN + "take-role/": _login({"role": "auditor"}),
    _STAFF_LOGIN + "switch-off/": _login({}),
    _STAFF_LOGIN + "switch-on/": _login({}, before=lambda world: _target(world, is_active=False)),
    _STAFF_LOGIN + "remove-factors/": _login({}),
    "demo/mailbox/<str:name>/": Asked(at=lambda _world, _visitor: {"name": next(newest(1)).name}),
}
