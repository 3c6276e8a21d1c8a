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
    Visit("/verify"),
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
    Visit("/letters/{broken}/", status=404),
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
    Visit("/accounts/letters/", "olga"),
    Visit("/accounts/letters/", "olga", press="Save"),
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
    Visit("/staff/health/", "root"),
    Visit("/staff/health/", "rita"),
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


# -- brokers whose team, standing or account has something to tell

_MERIDIAN = "/brokers/2300"
_TALK = "/brokers/1400/standing"
_CHANGE = "/brokers/1900/account/change/{confirmed_change}/cancel/"
BROKERS: tuple[Visit, ...] = (
    *(Visit(f"{_MERIDIAN}/{page}/", "olga") for page in ("team", "activity", "account", "standing")),
    *(Visit(f"{_MERIDIAN}/team/", who) for who in ("dev", "vic")),
    Visit(f"{_MERIDIAN}/activity/", "olga", asked="?page=2"),
    Visit(f"{_MERIDIAN}/statements/", "dev", status=403),
    Visit(f"{_MERIDIAN}/account/", "vic", status=403),
    Visit(f"{_MERIDIAN}/team/invite/", "olga"),
    Visit(f"{_MERIDIAN}/team/invite/", "olga", press="Send the invitation"),
    Visit(f"{_MERIDIAN}/team/leave/", "olga"),
    Visit(f"{_MERIDIAN}/team/leave/", "olga", press="Leave the team"),
    Visit(f"{_MERIDIAN}/team/members/{{fay_pk}}/role/", "olga"),
    Visit(f"{_MERIDIAN}/team/members/{{fay_pk}}/role/", "olga", press="Change the role"),
    Visit(f"{_MERIDIAN}/team/members/{{fay_pk}}/remove/", "olga"),
    Visit(f"{_MERIDIAN}/team/invitations/{{invitation_pk}}/again/", "olga"),
    Visit(f"{_MERIDIAN}/team/invitations/{{invitation_pk}}/withdraw/", "olga"),
    Visit("/invitations/{invited}/", "carl"),
    Visit("/invitations/{invited_staff}/", "oper", status=403),
    Visit("/brokers/", "olga"),
    Visit("/brokers/1400/", "olga"),
    Visit("/brokers/1400/statements/", "olga"),
    Visit("/brokers/1400/team/", "olga"),
    Visit("/brokers/1400/account/", "olga"),
    Visit(f"{_TALK}/", "olga"),
    Visit(f"{_TALK}/", "olga", press="Send the message", lands=f"{_TALK}/appeals/{{appeal}}/answer/"),
    *(Visit(f"/brokers/{code}/standing/", "olga") for code in (1500, 1600, 1700, 1800)),
    Visit("/brokers/1500/standing/", "olga", press="Send the appeal", lands="/brokers/1500/standing/appeal/"),
    *(Visit(f"/brokers/{code}/", "olga") for code in (1600, 1700)),
    *(Visit(f"/brokers/{code}/account/", "olga") for code in (1600, 1900, 2000)),
    Visit("/brokers/1700/account/change/", "olga"),
    Visit(
        "/brokers/1700/account/change/",
        "olga",
        fill=(("Id of the new account", "nobody's"),),
        press="Ask for this account",
    ),
    Visit(_CHANGE, "olga"),
    *(Visit(f"/brokers/1400/{page}", "look") for page in ("", "standing/", "team/", "account/", "activity/")),
    Visit("/brokers/1500/", "look", status=404),
)


# -- what staff do with brokers, cases, changes of account and tokens

_BROKER, _CASE = "/staff/payouts/broker/", "/staff/payouts/case/"
_ACCOUNT, _TOKEN = "/staff/payouts/accountchange/", "/staff/portal/servicetoken/"
_APPEALED = f"{_CASE}{{appealed_case_pk}}"
_WHY = (("What the broker is told", "Orders that nobody asked for."), ("Internal note", "Seen by the desk."))
_CASES = ("flagged", "appealed", "terminated", "closed")
CASES: tuple[Visit, ...] = (
    *(Visit("/staff/", who) for who in ("oper", "root", "finn")),
    Visit(_CASE, "oper"),
    Visit(_CASE, "oper", asked="?flagged=yes"),
    Visit(_CASE, "ada", asked="?state=all"),
    Visit(_CASE, "oper", asked="?q=nothing+like+this"),
    *(Visit(f"{_CASE}{{{case}_case_pk}}/change/", "oper") for case in _CASES),
    Visit(f"{_APPEALED}/change/", "ada"),
    Visit(f"{_APPEALED}/change/", "oper", press="Keep the note", lands=f"{_APPEALED}/note/"),
    Visit(f"{_APPEALED}/change/", "oper", press="Add the evidence", lands=f"{_APPEALED}/evidence/"),
    Visit(
        f"{_APPEALED}/change/",
        "oper",
        press="Send the answer",
        lands=f"{_APPEALED}/appeals/{{appeal}}/answer/",
    ),
    Visit(f"{_APPEALED}/appeals/{{appeal}}/decide/", "oper"),
    Visit(f"{_APPEALED}/close/", "oper", fill=(("Outcome", "It is over."),), press="Close it"),
    Visit(f"{_CASE}{{closed_case_pk}}/reopen/", "oper"),
    Visit(f"{_CASE}open/2300/", "oper"),
    Visit(f"{_CASE}open/2300/", "oper", press="Open the case"),
)
STANDINGS: tuple[Visit, ...] = (
    Visit(_BROKER, "oper"),
    Visit(_BROKER, "oper", asked="?concern=unanswered"),
    *(Visit(f"{_BROKER}{code}/change/", "root") for code in (2300, 1400, 1600, 1700, 2000)),
    Visit(f"{_BROKER}1400/change/", "prep"),
    Visit(f"{_BROKER}2300/suspend/", "oper"),
    Visit(f"{_BROKER}2300/suspend/", "oper", asked="?reason=conduct"),
    Visit(f"{_BROKER}2300/suspend/", "oper", asked="?reason=conduct", press="Preview"),
    Visit(f"{_BROKER}2300/suspend/", "oper", asked="?reason=conduct", fill=_WHY, press="Preview"),
    Visit(f"{_BROKER}2300/terminate/", "oper", asked="?reason=fraud"),
    Visit(f"{_BROKER}2300/terminate/", "oper", asked="?reason=fraud", fill=_WHY, press="Preview"),
    Visit(f"{_BROKER}1500/standing/{{suspended_pk}}/lift/", "oper"),
    Visit(f"{_BROKER}1400/standing/{{appealed_pk}}/lift/", "oper"),
    Visit(f"{_BROKER}1700/standing/{{planned_pk}}/lift/", "oper"),
    Visit(f"{_BROKER}2000/terminations/{{prepared_pk}}/confirm/", "oper"),
    Visit(f"{_BROKER}2000/terminations/{{prepared_pk}}/confirm/", "root"),
    Visit(f"{_BROKER}2000/terminations/{{prepared_pk}}/withdraw/", "oper"),
    Visit(f"{_BROKER}1400/view-as/", "oper"),
    Visit("/staff/portal/viewas/", "root"),
    Visit("/staff/portal/viewas/{look_pk}/change/", "root"),
    Visit(_ACCOUNT, "prep"),
    Visit(_ACCOUNT, "root", asked="?state=open"),
    *(
        Visit(f"{_ACCOUNT}{{{state}_change_pk}}/change/", "root")
        for state in ("asked", "prepared", "confirmed", "cancelled")
    ),
    Visit(f"{_ACCOUNT}{{prepared_change_pk}}/change/", "prep"),
    Visit(f"{_ACCOUNT}{{asked_change_pk}}/check/", "prep"),
    Visit(f"{_ACCOUNT}{{asked_change_pk}}/check/", "prep", press="It is checked"),
    Visit(f"{_ACCOUNT}{{prepared_change_pk}}/confirm/", "finn"),
    Visit(f"{_ACCOUNT}{{prepared_change_pk}}/refuse/", "finn"),
    Visit(_TOKEN, "root"),
    Visit(_TOKEN, "oper"),
    *(Visit(f"{_TOKEN}{{{state}token_pk}}/change/", "root") for state in ("", "expired_", "revoked_")),
    Visit(f"{_TOKEN}make/", "root"),
    Visit(f"{_TOKEN}make/", "root", press="Make the token"),
    Visit(f"{_TOKEN}make/", "root", fill=(("Name", "ledger"),), press="Make the token"),
    Visit(f"{_TOKEN}{{token_pk}}/revoke/", "root"),
    Visit("/staff/portal/user/{olga_pk}/change/", "root"),
    Visit("/staff/portal/user/{olga_pk}/remove-factors/", "root"),
)


# -- what staff do with months, payouts, credits and the ledger

_RUN, _PAYOUT = "/staff/payouts/run/", "/staff/payouts/payout/"
_ACT, _CREDIT = "/staff/payouts/proposal/", "/staff/payouts/attempt/"
_LEDGER, _DIFFERENCE = "/staff/payouts/transaction/", "/staff/payouts/difference/"
_STATES = ("calculated", "prepared", "unusual", "held", "parked", "credited", "unknown", "rejected")
_NOTE = (("Why, for staff", "Seen by two of us."),)
MONEY: tuple[Visit, ...] = (
    *(Visit("/staff/", who) for who in ("prep", "finn")),
    Visit(_RUN, "finn"),
    Visit(f"{_RUN}{{run_pk}}/change/", "prep"),
    Visit(f"{_RUN}{{run_pk}}/change/", "ada", asked="?show=attention&order=code"),
    Visit(f"{_RUN}{{before_pk}}/change/", "finn"),
    Visit(f"{_RUN}{{run_pk}}/prepare/", "prep", asked="?payouts=all"),
    Visit(f"{_RUN}{{run_pk}}/prepare/", "prep"),
    Visit(f"{_RUN}{{run_pk}}/take-back/", "prep", asked="?payout={prepared_pk}"),
    Visit(f"{_RUN}{{run_pk}}/approve/", "finn", asked="?payouts=all"),
    Visit(f"{_RUN}{{run_pk}}/recalculate/", "prep"),
    Visit(f"{_RUN}{{run_pk}}/dry-run/", "prep"),
    Visit(f"{_RUN}{{run_pk}}/pack/", "finn"),
    Visit(_PAYOUT, "finn"),
    Visit(_PAYOUT, "prep", asked="?waits=release"),
    *(Visit(f"{_PAYOUT}{{{state}_pk}}/change/", "root") for state in _STATES),
    Visit(f"{_PAYOUT}{{unusual_pk}}/change/", "prep"),
    Visit(f"{_PAYOUT}{{prepared_pk}}/fills/", "finn", asked="{line}"),
    Visit(f"{_PAYOUT}{{unusual_pk}}/fills/", "finn", asked="?bound=one+of+its+first+payouts"),
    Visit(f"{_PAYOUT}{{parked_pk}}/recalculate/", "prep"),
    Visit(f"{_PAYOUT}{{rejected_pk}}/retry/", "prep"),
    Visit(f"{_PAYOUT}{{held_pk}}/release/{{hold_pk}}/", "prep"),
    Visit(f"{_PAYOUT}{{held_pk}}/release/{{hold_pk}}/", "prep", press="Prepare it", status=422),
    Visit(f"{_PAYOUT}{{held_pk}}/forfeit/", "prep"),
    Visit(_ACT, "finn"),
    *(Visit(f"{_ACT}{{{act}_pk}}/change/", "ada") for act in ("adjusted", "voided", "forfeited", "resolved")),
    Visit(f"{_ACT}{{adjusted_pk}}/confirm/", "finn"),
    Visit(f"{_ACT}{{voided_pk}}/confirm/", "finn"),
    Visit(f"{_ACT}{{adjusted_pk}}/withdraw/", "prep"),
    Visit(f"{_ACT}adjust/1400/", "prep"),
    Visit(f"{_ACT}adjust/1400/", "prep", fill=_NOTE, press="Prepare it", status=422),
    Visit(f"{_ACT}void/1500/", "prep"),
    Visit(f"{_ACT}void/1500/", "prep", fill=(("Trader", "701"),), press="Preview"),
    Visit(f"{_ACT}void/1500/", "prep", fill=(("Trader", "9"),), press="Preview", status=409),
    Visit(_CREDIT, "oper"),
    *(Visit(f"{_CREDIT}{{{which}_pk}}/change/", "root") for which in ("attempt", "attempt_rejected")),
    Visit(f"{_CREDIT}{{attempt_pk}}/resolve/", "prep"),
    Visit(_DIFFERENCE, "ada"),
    Visit(f"{_DIFFERENCE}{{difference_pk}}/change/", "ada"),
    Visit(f"{_DIFFERENCE}{{difference_pk}}/resolve/", "prep"),
    Visit("/staff/payouts/reconciliation/", "ada"),
    Visit("/staff/payouts/reconciliation/{reconciliation_pk}/change/", "ada"),
    Visit(_LEDGER, "ada"),
    Visit(f"{_LEDGER}{{transaction_pk}}/change/", "ada"),
    Visit(f"{_LEDGER}broker/1700/", "prep"),
    Visit("/staff/payouts/broker/1700/change/", "prep"),
)


# -- what members read of their statements: issued, corrected, held, as they stand, and files they asked for

_STATEMENTS, _EXPLAIN = "/brokers/1900/statements", "/brokers/1900/explain"
STATEMENTS: tuple[Visit, ...] = (
    Visit(f"{_STATEMENTS}/", "olga"),
    Visit(f"{_STATEMENTS}/{{month}}/", "olga"),
    Visit(f"{_STATEMENTS}/{{this_month}}/", "olga"),
    Visit("/brokers/1700/statements/{month}/", "olga"),
    *(Visit(f"{_EXPLAIN}/{page}", "olga") for page in ("", "{month}/", "{this_month}/")),
    *(Visit(f"{_EXPLAIN}/", "olga", asked=f"?q={typed}") for typed in ("nothing+like+this", "%00")),
    *(Visit(f"{_EXPLAIN}/{{month}}/{page}/", "olga") for page in ("lines", "fills", "caps")),
    *(Visit(f"{_EXPLAIN}/{{month}}/{page}/", "olga") for page in ("lines/{line}", "fill/{fill}")),
    *(Visit(f"{_EXPLAIN}/{{month}}/fills/", "olga", asked=f"?part={part}") for part in ("late", "voided")),
    Visit(f"{_EXPLAIN}/{{month}}/fills/", "olga", asked="?symbol=SOL_USDC"),
    Visit(f"{_EXPLAIN}/{{month}}/fills/", "olga", asked="?day={day}"),
    Visit(f"{_EXPLAIN}/{{month}}/fills/", "olga", asked="?day=yesterday", status=404),
    *(Visit(f"{_STATEMENTS}/files/{{{state}}}/", "olga") for state in ("ready", "due")),
    Visit(f"{_STATEMENTS}/files/{{expired}}/", "olga", status=410),
    Visit("/accounts/letters/", "olga"),
    Visit("/letters/{one_click}/"),
    Visit("/letters/{one_click}/", press="Stop"),
    Visit("/letters/{broken}/", status=404),
)
