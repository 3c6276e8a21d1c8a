"""The pages of the portal that a browser looks at: who opens which, and what is done there."""

from dataclasses import dataclass

PASSWORD = "correct horse battery"

#: The states of the applications that staff see.
DECIDED_OR_NOT = ("submitted", "in_review", "information_requested", "approved", "rejected", "withdrawn")
LETTERS = ("written", "sent", "failed", "dead")


@dataclass(frozen=True)
class Visit:
    """A page: who opens which address, what is then typed and pressed, and where that ends."""

    #: As the URL patterns know it; what stands in braces is a fact of the world.
    path: str
    who: str = ""
    fill: tuple[tuple[str, str], ...] = ()
    press: str = ""
    status: int = 200
    #: The address at the end, if it is another one.
    lands: str = ""
    #: Of the query, behind the path.
    asked: str = ""


# -- who has no login

_NEW = (("Your name", "Nadia Okafor"), ("E-mail address at work", "not an address"), ("Password", "short"))
VISITORS: tuple[Visit, ...] = (
    Visit("/"),
    Visit("/program/", asked="?volume=20M&fee=5+bp&share=40&affiliate=25"),
    Visit("/program/", asked="?volume=abc&fee=9&share=-1&affiliate=x"),
    Visit("/apply/"),
    Visit("/accounts/login/"),
    Visit("/accounts/login/", fill=(("Email", "who@example.com"), ("Password", "wrong")), press="Log in"),
    Visit("/accounts/signup/"),
    Visit("/accounts/signup/", fill=_NEW, press="Sign up"),
    Visit("/accounts/confirm-email/"),
    Visit("/accounts/confirm-email/{confirm}/"),
    Visit("/accounts/confirm-email/{broken}/"),
    Visit("/accounts/password/reset/"),
    Visit("/accounts/password/reset/", press="Send the link"),
    Visit("/accounts/password/reset/done/"),
    Visit("/accounts/password/reset/key/{reset}/", lands="/accounts/password/reset/key/{uid}-set-password/"),
    Visit("/accounts/password/reset/key/{broken}/"),
    Visit("/accounts/password/reset/key/done/"),
    Visit("/accounts/inactive/"),
    Visit("/accounts/signup/?next=/invitations/{invited}/"),
    Visit("/invitations/{invited}/"),
    Visit("/invitations/{withdrawn}/", status=410),
    Visit("/invitations/{broken}/", status=404),
    Visit("/nowhere/", status=404),
    Visit("/demo/codes/"),
    Visit("/demo/mailbox/"),
    Visit("/demo/mailbox/{letter}/"),
    Visit(
        "/accounts/login/",
        fill=(("Email", "olga@example.com"), ("Password", PASSWORD)),
        press="Log in",
        lands="/accounts/2fa/authenticate/",
    ),
    Visit("/accounts/2fa/authenticate/", fill=(("Code", "000000"),), press="Log in"),
)


# -- who has a login

MEMBERS: tuple[Visit, ...] = (
    Visit("/accounts/2fa/", "olga"),
    Visit("/accounts/2fa/totp/deactivate/", "olga"),
    Visit("/accounts/2fa/webauthn/", "olga"),
    Visit("/accounts/2fa/webauthn/add/", "olga"),
    Visit("/accounts/2fa/webauthn/keys/{passkey_pk}/edit/", "olga"),
    Visit("/accounts/2fa/webauthn/keys/{passkey_pk}/remove/", "olga"),
    Visit("/accounts/2fa/recovery-codes/", "olga"),
    Visit("/accounts/2fa/recovery-codes/generate/", "olga"),
    Visit("/accounts/email/", "olga"),
    Visit(
        "/accounts/email/",
        "olga",
        fill=(("New e-mail address", "olga@meridian.example"),),
        press="Change address",
    ),
    Visit("/accounts/password/change/", "olga"),
    Visit("/accounts/password/change/", "olga", press="Change password"),
    Visit("/accounts/sessions/", "olga"),
    Visit("/accounts/reauthenticate/", "olga"),
    Visit("/accounts/reauthenticate/", "olga", fill=(("Password", "wrong"),), press="Go on"),
    Visit("/accounts/2fa/reauthenticate/", "olga"),
    Visit("/accounts/2fa/webauthn/reauthenticate/", "olga"),
    Visit("/accounts/logout/", "olga"),
    Visit("/brokers/", "olga"),
    Visit("/brokers/2300/", "olga"),
    Visit("/brokers/2300/statements/", "olga"),
    Visit("/brokers/1400/", "olga"),
    Visit("/brokers/1400/statements/", "olga"),
    Visit("/brokers/9999/", "olga", status=404),
    Visit("/staff/", "olga", status=403),
    Visit("/accounts/2fa/", "new"),
    Visit("/accounts/2fa/totp/activate/", "new"),
    Visit("/accounts/2fa/totp/activate/", "new", fill=(("Code", "000000"),), press="Use this app"),
    Visit("/accounts/2fa/webauthn/", "new"),
    Visit("/brokers/", "new"),
    Visit("/brokers/1600/", "bare", lands="/accounts/2fa/"),
    Visit("/invitations/{invited}/", "gwen"),
    Visit("/invitations/{invited}/", "gwen", press="Accept and become the owner", status=422),
    Visit("/invitations/{invited}/", "new", status=403),
)


# -- who applies

_STEPS = ("business", "contact", "account", "integration", "declarations")
_SAVE = "Save and continue"
_WRONG = (("Website", "ftp://x"), ("Legal name", "A" * 150))
APPLICANTS: tuple[Visit, ...] = (
    Visit("/apply/", "nobody"),
    *(Visit(f"/applications/{{empty}}/{step}/", "empty") for step in (*_STEPS, "documents")),
    Visit("/applications/{empty}/submit/", "empty"),
    *(Visit(f"/applications/{{empty}}/{step}/", "empty", press=_SAVE) for step in _STEPS),
    Visit("/applications/{empty}/business/", "empty", fill=_WRONG, press=_SAVE),
    Visit(
        "/applications/{empty}/documents/",
        "empty",
        press="Add it",
        lands="/applications/{empty}/documents/add/",
    ),
    Visit("/applications/{empty}/", "empty"),
    *(Visit(f"/applications/{{whole}}/{step}/", "whole") for step in (*_STEPS, "documents")),
    Visit("/applications/{whole}/submit/", "whole"),
    Visit("/applications/{whole}/withdraw/", "whole"),
    Visit("/applications/{affiliate}/account/", "affiliate"),
    Visit("/applications/{affiliate}/submit/", "affiliate"),
    Visit("/applications/{unanswered}/account/", "unanswered"),
    Visit("/applications/{unanswered}/submit/", "unanswered"),
    Visit("/applications/{submitted}/", "submitted"),
    Visit("/applications/{submitted}/withdraw/", "submitted"),
    Visit("/applications/{asked}/", "asked"),
    Visit("/applications/{asked}/", "asked", press="Send the answer", lands="/applications/{asked}/answer/"),
    Visit("/applications/{rejected}/", "rejected"),
    Visit("/apply/", "rejected"),
    Visit("/applications/{withdrawn}/", "withdrawn"),
    Visit("/apply/", "withdrawn"),
    Visit("/applications/{approved}/", "approved"),
)


# -- the staff

_RIGHTS = ("make-staff", "take-staff", "give-role", "take-role", "switch-off", "switch-on")
_APP = "/staff/portal/application/"
STAFF: tuple[Visit, ...] = (
    Visit("/staff/", "root"),
    Visit("/staff/", "rita"),
    Visit("/staff/", "finn", status=403),
    Visit("/staff/portal/", "root", lands="/staff/"),
    Visit(_APP, "rita"),
    Visit(_APP, "root", asked="?state=all"),
    Visit(_APP, "rita", asked="?q=nothing+like+this"),
    *(Visit(f"{_APP}{{{state}_pk}}/change/", "rita") for state in DECIDED_OR_NOT),
    Visit(f"{_APP}{{risky_pk}}/change/", "root"),
    Visit(f"{_APP}{{submitted_pk}}/ask/", "rita"),
    Visit(f"{_APP}{{submitted_pk}}/ask/", "rita", press="Ask", status=422),
    Visit(f"{_APP}{{submitted_pk}}/reject/", "rita"),
    Visit(f"{_APP}{{submitted_pk}}/reject/", "rita", asked="?reason=unverifiable"),
    Visit(f"{_APP}{{submitted_pk}}/approve/", "rita"),
    Visit(f"{_APP}{{submitted_pk}}/approve/", "rita", asked="?code=1500"),
    Visit(f"{_APP}{{risky_pk}}/approve/", "rita"),
    Visit(f"{_APP}{{risky_pk}}/approve/", "rita", press="Approve with code 2300", status=422),
    Visit("/staff/payouts/broker/", "rita"),
    Visit("/staff/payouts/broker/2200/change/", "root"),
    Visit("/staff/payouts/broker/1500/change/", "root"),
    Visit("/staff/payouts/broker/1400/invite/", "rita"),
    Visit("/staff/payouts/broker/1400/invite/", "rita", press="Send the invitation", status=422),
    Visit("/staff/payouts/broker/1500/invitations/{invitation_pk}/again/", "rita"),
    Visit("/staff/payouts/broker/1500/invitations/{invitation_pk}/withdraw/", "rita"),
    Visit("/staff/portal/letter/", "root"),
    *(Visit(f"/staff/portal/letter/{{{state}_letter_pk}}/change/", "root") for state in LETTERS),
    Visit("/staff/portal/letter/{dead_letter_pk}/again/", "root"),
    Visit("/staff/portal/user/", "root"),
    Visit("/staff/portal/user/", "root", asked="?who=staff"),
    Visit("/staff/portal/user/{rita_pk}/change/", "root"),
    Visit("/staff/portal/user/{member_pk}/change/", "root"),
    *(Visit(f"/staff/portal/user/{{rita_pk}}/{right}/", "root") for right in _RIGHTS),
    Visit("/staff/portal/user/{rita_pk}/give-role/", "root", press="Give the role", status=422),
    Visit("/staff/portal/user/{rita_pk}/change/", "rita", status=403),
    Visit("/staff/nowhere/", "root", status=404),
    Visit("/accounts/reauthenticate/", "ada", asked="?next=/staff/"),
    Visit("/accounts/2fa/", "bare"),
    Visit("/staff/", "bare", lands="/accounts/2fa/"),
)
