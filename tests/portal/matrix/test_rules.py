"""The rules of the design, read over all the tables at once: a cell that breaks one is no cell to expect."""

from tests.portal.matrix.tables import expected
from tests.portal.matrix.visitors import VISITORS

CELLS = [
    (route, line, visitor, word)
    for route, lines in expected().items()
    for line, words in lines.items()
    for visitor, word in words.items()
]
WITHOUT_FACTOR = ("fin-", "own-", "rev-", "sup-")
STAFF = ("rev", "oper", "prep", "appr", "audit", "plain", "super", "rev~", "sup~")
STRANGERS = (
    "strng", "appl", "asked", "view", "devl", "fin", "own", "other", "two", "gone", "susp", "term", "own~",
)  # fmt: skip
#: What a login may open that still needs its second factor: the set-up, its own proofs, and the way out.
OPEN_WITHOUT_FACTOR = [
    "accounts/2fa/",
    "accounts/2fa/reauthenticate/",
    "accounts/2fa/recovery-codes/",
    "accounts/2fa/recovery-codes/generate/",
    "accounts/2fa/totp/activate/",
    "accounts/2fa/webauthn/",
    "accounts/2fa/webauthn/add/",
    "accounts/2fa/webauthn/keys/<int:pk>/edit/",
    "accounts/2fa/webauthn/keys/<int:pk>/remove/",
    "accounts/2fa/webauthn/reauthenticate/",
    "accounts/confirm-email/",
    "accounts/confirm-email/(?P<key>[-:\\w]+)/",
    "accounts/login/",
    "accounts/logout/",
    "accounts/password/change/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/",
    "accounts/password/reset/key/done/",
    "accounts/reauthenticate/",
    # What monitors ask looks at no session.
    "healthz",
    # The link of a letter, which works without any login.
    "letters/<str:token>/",
    "readyz",
    "status.json",
    # Whoever holds a statement asks whether it is genuine; it is the same for everybody.
    "verify",
    "verify/keys.json",
    "verify/verify_statement.py",
]


def test_who_needs_a_second_factor_and_has_none_sees_the_set_up_and_nothing_else() -> None:
    opened = {
        route
        for route, _line, visitor, word in CELLS
        if visitor in WITHOUT_FACTOR and word not in ("mfa", "mfa!", "json!")
    }

    assert sorted(opened) == OPEN_WITHOUT_FACTOR


def test_only_a_page_that_is_read_leads_to_the_set_up_all_else_is_refused() -> None:
    assert {line for _route, line, _visitor, word in CELLS if word == "mfa"} == {"GET"}
    assert {line for _route, line, _visitor, word in CELLS if word == "mfa!"} == {"GET", "POST", "STREAM"}
    assert {route for route, line, _visitor, word in CELLS if word == "json!" and line != "JSON"} == {
        "brokers/<int:code>/live.json",
        "brokers/<int:code>/statements/<month:month>.json",
        "feed/v1/codes",
        "feed/v1/fills",
        "feed/v1/fills/watermark",
        "feed/v1/openapi.json",
        "metrics",
    }


def test_a_session_that_ought_to_be_over_is_worth_nothing() -> None:
    """Of a login that was switched off, or from before its second factor: the answers that nobody gets."""
    tables = expected()

    for visitor in ("off", "old"):
        assert [
            f"{line} /{route}"
            for route, lines in tables.items()
            for line, words in lines.items()
            if words[visitor] != words["none"]
        ] == []


def test_nobody_who_is_not_staff_comes_into_the_staff_site() -> None:
    found = {
        (visitor, word)
        for route, _line, visitor, word in CELLS
        if route.startswith("staff/") and route != "staff/login/" and visitor in (*STRANGERS, "none", "plain")
    }

    assert found == {(visitor, "403") for visitor in (*STRANGERS, "plain")} | {("none", "login")}


def test_staff_and_strangers_find_no_broker_and_no_application_of_others() -> None:
    for prefix, others in (
        ("brokers/<int:code>/", (*STAFF, "strng", "appl", "asked", "other", "gone")),
        ("applications/", (*STAFF, "look", *(set(STRANGERS) - {"appl"}))),
    ):
        found = {word for route, _l, visitor, word in CELLS if route.startswith(prefix) and visitor in others}
        assert found <= {"404", "405"}, prefix


def test_an_auditor_changes_nothing_on_the_staff_site() -> None:
    """A look at a broker's pages, for a reason and on record, is all that an auditor begins."""
    look = "staff/payouts/broker/<int:code>/view-as/"
    sent = {
        word
        for route, line, visitor, word in CELLS
        if route.startswith("staff/")
        and route not in ("staff/login/", look)
        and (line, visitor) == ("POST", "audit")
    }

    # 200 and staff: the first page, which only shows; 404 and 405: nothing to send to.
    assert sent == {"200", "staff", "403", "404", "405"}


def test_no_staff_act_upon_a_business_or_rights_of_their_own() -> None:
    acted = [
        f"/{route} {visitor}"
        for route, line, visitor, word in CELLS
        if route.startswith("staff/") and line == "POST" and visitor in ("rev=", "sup=") and word == "ok"
    ]

    # A token is no business of anybody's; a month is calculated again, and what waits in quarantine replayed,
    # for all brokers by the same rules.
    assert sorted(acted) == [
        "/staff/payouts/quarantineplace/reasons/<slug:reason>/replay/ sup=",
        "/staff/payouts/quarantineplace/replay/ sup=",
        "/staff/payouts/quarantineplace/replays/<int:number>/stop/ sup=",
        "/staff/payouts/run/<int:number>/recalculate/ sup=",
        "/staff/portal/servicetoken/<int:number>/revoke/ sup=",
    ]


def test_reading_changes_nothing() -> None:
    """But it is written down who took something away, and what staff look at on a broker's pages.

    Recovery codes are shown once by allauth, so looking at them uses the look up.
    """
    wrote = {(route, visitor) for route, _line, visitor, word in CELLS if word.endswith("*")}

    assert {route for route, visitor in wrote if visitor != "look"} == {
        "accounts/2fa/recovery-codes/",
        "brokers/<int:code>/explain/<month:month>.csv",
        "brokers/<int:code>/explain/<month:month>/caps.csv",
        "brokers/<int:code>/explain/<month:month>/fills.csv",
        "brokers/<int:code>/explain/<month:month>/lines.csv",
        "brokers/<int:code>/statements/<int:year>.zip",
        "brokers/<int:code>/statements/<month:month>.csv",
        "brokers/<int:code>/statements/<month:month>.json",
        "brokers/<int:code>/statements/<month:month>.pdf",
        "brokers/<int:code>/statements/all.zip",
        "brokers/<int:code>/statements/files/<uuid:reference>/file",
    }
    assert {route for route, visitor in wrote if visitor == "look"} == {
        route
        for route, *_rest in CELLS
        if route.startswith("brokers/<int:code>/") or route == "accounts/2fa/recovery-codes/"
    } - {
        "brokers/<int:code>/live/",
        "brokers/<int:code>/live.json",
        "brokers/<int:code>/statements/prepare/",
    }


def test_what_moves_money_or_rights_asks_for_another_proof() -> None:
    asked = {route for route, line, _v, word in CELLS if word == "again" and line == "POST"}

    assert {route for route in asked if route.startswith("brokers/")} == {
        "brokers/<int:code>/account/change/",
        "brokers/<int:code>/team/invite/",
        "brokers/<int:code>/team/members/<int:member>/remove/",
        "brokers/<int:code>/team/members/<int:member>/role/",
    }
    assert {route for route in asked if route.startswith("staff/")} == {
        "staff/payouts/accountchange/<int:number>/confirm/",
        "staff/payouts/attempt/<int:number>/resolve/",
        "staff/payouts/broker/<int:code>/invite/",
        "staff/payouts/broker/<int:code>/standing/<int:change>/lift/",
        "staff/payouts/broker/<int:code>/suspend/",
        "staff/payouts/broker/<int:code>/terminate/",
        "staff/payouts/broker/<int:code>/terminations/<int:number>/confirm/",
        "staff/payouts/broker/<int:code>/view-as/",
        "staff/payouts/difference/<int:number>/resolve/",
        "staff/payouts/payout/<int:number>/forfeit/",
        "staff/payouts/payout/<int:number>/release/<int:hold>/",
        "staff/payouts/payout/<int:number>/retry/",
        "staff/payouts/proposal/<int:number>/confirm/",
        "staff/payouts/proposal/adjust/<int:code>/",
        "staff/payouts/proposal/void/<int:code>/",
        "staff/payouts/run/<int:number>/approve/",
        "staff/payouts/run/<int:number>/prepare/",
        "staff/portal/application/<int:number>/approve/",
        "staff/portal/servicetoken/<int:number>/revoke/",
        "staff/portal/servicetoken/make/",
        "staff/portal/user/<int:number>/give-role/",
        "staff/portal/user/<int:number>/make-staff/",
        "staff/portal/user/<int:number>/remove-factors/",
        "staff/portal/user/<int:number>/switch-off/",
        "staff/portal/user/<int:number>/switch-on/",
        "staff/portal/user/<int:number>/take-role/",
        "staff/portal/user/<int:number>/take-staff/",
    }


def test_every_visitor_is_let_in_somewhere_and_kept_out_somewhere() -> None:
    """A column that is only ever refused would be a login that was built wrong."""
    for visitor in VISITORS:
        words = {word for _route, _line, who, word in CELLS if who == visitor}
        assert words & {"200", "ok"}, visitor
        assert words & {"login", "404", "403", "mfa"}, visitor
