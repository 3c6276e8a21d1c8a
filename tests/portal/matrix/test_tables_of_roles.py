"""The matrix against the tables of roles in the code: what opens, opens for these roles and for no other."""

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from portal.accounts.staff_roles import GRANTS, Act, StaffRole
from portal.team.roles import LOOK, ROLES, May
from tests.portal.matrix import desk
from tests.portal.matrix.tables import expected
from tests.portal.matrix.test_matrix import ADDRESSES
from tests.portal.matrix.world import World

EXPECTED = expected()
#: Column → what the login's role includes. `look` has what operations has, and what the look shows.
STAFF: dict[str, set[Act]] = {
    "rev": GRANTS[StaffRole.REVIEWER],
    "oper": GRANTS[StaffRole.OPERATIONS],
    "look": GRANTS[StaffRole.OPERATIONS],
    "prep": GRANTS[StaffRole.FINANCE_PREPARER],
    "appr": GRANTS[StaffRole.FINANCE_APPROVER],
    "audit": GRANTS[StaffRole.AUDITOR],
    "plain": set(),
    "super": set(Act),
}
TEAM = {
    "view": ROLES["viewer"],
    "devl": ROLES["developer"],
    "fin": ROLES["finance"],
    "own": ROLES["owner"],
    "two": ROLES["viewer"],
    "susp": ROLES["owner"],
    "term": ROLES["owner"],
    "rev=": ROLES["viewer"],
    "sup=": ROLES["viewer"],
}
#: Name of an address of the staff site → the acts one of which opens it.
STAFF_PAGES: dict[str, set[Act]] = {
    "portal_application_changelist": {Act.SEE_APPLICATIONS},
    "portal_application_change": {Act.SEE_APPLICATIONS},
    "application_document": {Act.SEE_DOCUMENTS},
    "application_approve": {Act.REVIEW},
    "application_ask": {Act.REVIEW},
    "application_ask_exchange": {Act.REVIEW},
    "application_note": {Act.REVIEW},
    "application_reject": {Act.REVIEW},
    "application_release": {Act.REVIEW},
    "application_take": {Act.REVIEW},
    "payouts_broker_changelist": {Act.SEE_BROKERS},
    "payouts_broker_change": {Act.SEE_BROKERS},
    "broker_invite": {Act.INVITE},
    "invitation_again": {Act.INVITE},
    "invitation_withdraw": {Act.INVITE},
    "broker_suspend": {Act.SUSPEND},
    "standing_lift": {Act.SUSPEND},
    "broker_terminate": {Act.PREPARE_TERMINATION},
    "termination_withdraw": {Act.PREPARE_TERMINATION},
    "termination_confirm": {Act.CONFIRM_TERMINATION},
    "broker_view_as": {Act.VIEW_AS},
    "payouts_quarantineplace_changelist": {Act.SEE_QUARANTINE},
    "payouts_quarantineplace_change": {Act.SEE_QUARANTINE},
    "quarantine_records": {Act.SEE_QUARANTINE},
    "quarantine_replay": {Act.SEE_QUARANTINE},
    "quarantine_replay_stop": {Act.MIND_QUARANTINE},
    "quarantine_replay_all": {Act.MIND_QUARANTINE},
    "quarantine_replay_reason": {Act.MIND_QUARANTINE},
    "quarantine_replay_one": {Act.MIND_QUARANTINE},
    "quarantine_discard_reason": {Act.MIND_QUARANTINE},
    "quarantine_discard_chosen": {Act.MIND_QUARANTINE},
    "quarantine_discard_one": {Act.MIND_QUARANTINE},
    "quarantine_reopen_one": {Act.MIND_QUARANTINE},
    "quarantine_ask_reason": {Act.MIND_QUARANTINE},
    "quarantine_ask_chosen": {Act.MIND_QUARANTINE},
    "quarantine_ask_one": {Act.MIND_QUARANTINE},
    "payouts_case_changelist": {Act.SEE_CASES},
    "payouts_case_change": {Act.SEE_CASES},
    "case_file": {Act.SEE_CASES},
    "case_open": {Act.WORK_CASES},
    "case_take": {Act.WORK_CASES},
    "case_note": {Act.WORK_CASES},
    "case_evidence": {Act.WORK_CASES},
    "case_close": {Act.WORK_CASES},
    "case_reopen": {Act.WORK_CASES},
    "appeal_answer": {Act.WORK_CASES},
    "appeal_decide": {Act.WORK_CASES},
    "payouts_accountchange_changelist": {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT, Act.SEE_HISTORY},
    "payouts_accountchange_change": {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT, Act.SEE_HISTORY},
    "account_change_check": {Act.CHECK_ACCOUNT},
    "account_change_confirm": {Act.CONFIRM_ACCOUNT},
    "account_change_refuse": {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT},
    "portal_letter_changelist": {Act.SEE_LETTERS},
    "portal_letter_change": {Act.SEE_LETTERS},
    "letter_again": {Act.RESEND_LETTERS},
    "portal_user_changelist": {Act.SEE_LOGINS},
    "portal_user_change": {Act.SEE_LOGINS},
    "login_give_role": {Act.GIVE_ROLES},
    "login_take_role": {Act.GIVE_ROLES},
    "login_make_staff": {Act.GIVE_ROLES},
    "login_take_staff": {Act.GIVE_ROLES},
    "login_switch_on": {Act.GIVE_ROLES},
    "login_switch_off": {Act.GIVE_ROLES},
    "login_remove_factors": {Act.GIVE_ROLES},
    "portal_servicetoken_changelist": {Act.SEE_TOKENS},
    "portal_servicetoken_change": {Act.SEE_TOKENS},
    "token_make": {Act.MANAGE_TOKENS},
    "token_revoke": {Act.MANAGE_TOKENS},
    "portal_viewas_changelist": {Act.SEE_HISTORY},
    "portal_viewas_change": {Act.SEE_HISTORY},
    "payouts_run_changelist": {Act.SEE_PAYOUTS},
    "payouts_run_change": {Act.SEE_PAYOUTS},
    "run_progress": {Act.SEE_PAYOUTS},
    "run_recalculate": {Act.RECALCULATE},
    "run_dry_run": {Act.RECALCULATE},
    "run_pack": {Act.TAKE_PACK},
    "run_pack_csv": {Act.TAKE_PACK},
    "payouts_prepare": {Act.PREPARE_PAYOUTS},
    "payouts_take_back": {Act.PREPARE_PAYOUTS},
    "payouts_approve": {Act.APPROVE_PAYOUTS},
    "payouts_payout_changelist": {Act.SEE_PAYOUTS},
    "payouts_payout_change": {Act.SEE_PAYOUTS},
    "payout_fills": {Act.SEE_PAYOUTS},
    "payout_statement": {Act.SEE_PAYOUTS},
    "payout_acknowledge": {Act.ACKNOWLEDGE_BOUNDS},
    "payout_recalculate": {Act.RECALCULATE},
    "payout_retry": {Act.RETRY_CREDITS},
    "payouts_proposal_changelist": {Act.SEE_PAYOUTS},
    "payouts_proposal_change": {Act.SEE_PAYOUTS},
    "proposal_file": {Act.SEE_PAYOUTS},
    "proposal_withdraw": {Act.PREPARE_MONEY, Act.CONFIRM_MONEY},
    "proposal_confirm": {Act.CONFIRM_MONEY},
    "release_prepare": {Act.PREPARE_MONEY},
    "forfeit_prepare": {Act.PREPARE_MONEY},
    "adjust_prepare": {Act.PREPARE_MONEY},
    "void_prepare": {Act.PREPARE_MONEY},
    "attempt_resolve": {Act.PREPARE_MONEY},
    "difference_resolve": {Act.PREPARE_MONEY},
    "payouts_attempt_changelist": {Act.SEE_PAYOUTS},
    "payouts_attempt_change": {Act.SEE_PAYOUTS},
    "payouts_difference_changelist": {Act.SEE_PAYOUTS},
    "payouts_difference_change": {Act.SEE_PAYOUTS},
    "payouts_reconciliation_changelist": {Act.SEE_PAYOUTS},
    "payouts_reconciliation_change": {Act.SEE_PAYOUTS},
    "payouts_transaction_changelist": {Act.SEE_PAYOUTS},
    "payouts_transaction_change": {Act.SEE_PAYOUTS},
    "broker_ledger": {Act.SEE_PAYOUTS},
}
#: Open to whoever has a role on the staff site at all.
STAFF_PAGES_OF_ALL = {"", "app_list", "health", "index", "login", "view_as_end"}
#: Name of an address of a broker → what a role must include. Every member may leave.
BROKER_PAGES: dict[str, May] = {
    "dashboard": May.SEE_DASHBOARD,
    "statements": May.SEE_STATEMENTS,
    "explain": May.SEE_STATEMENTS,
    "explain_month": May.SEE_STATEMENTS,
    "explain_month_csv": May.SEE_STATEMENTS,
    "explain_lines": May.SEE_STATEMENTS,
    "explain_lines_csv": May.SEE_STATEMENTS,
    "explain_line": May.SEE_STATEMENTS,
    "explain_fills": May.SEE_STATEMENTS,
    "explain_fills_csv": May.SEE_STATEMENTS,
    "explain_fill": May.SEE_STATEMENTS,
    "explain_caps": May.SEE_STATEMENTS,
    "explain_caps_csv": May.SEE_STATEMENTS,
    "statement": May.SEE_STATEMENTS,
    "statement_json": May.SEE_STATEMENTS,
    "statement_csv": May.SEE_STATEMENTS,
    "statement_pdf": May.SEE_STATEMENTS,
    "statements_year": May.SEE_STATEMENTS,
    "statements_all": May.SEE_STATEMENTS,
    "export_ask": May.SEE_STATEMENTS,
    "export": May.SEE_STATEMENTS,
    "export_file": May.SEE_STATEMENTS,
    "exchange_account": May.SEE_ACCOUNT,
    "account_change_ask": May.CHANGE_ACCOUNT,
    "account_change_cancel": May.CHANGE_ACCOUNT,
    "team": May.SEE_TEAM,
    "team_invite": May.MANAGE_TEAM,
    "team_role": May.MANAGE_TEAM,
    "team_remove": May.MANAGE_TEAM,
    "team_again": May.MANAGE_TEAM,
    "team_withdraw": May.MANAGE_TEAM,
    "activity": May.SEE_ACTIVITY,
    "standing": May.SEE_STANDING,
    "appeal_file": May.SEE_STANDING,
    "broker_live": May.SEE_STANDING,
    "broker_live_figures": May.SEE_DASHBOARD,
    "appeal_open": May.APPEAL,
    "appeal_answer": May.APPEAL,
    "appeal_withdraw": May.APPEAL,
}
NOTHING_TO_ASK = "405"


def of(prefix: str) -> dict[str, str]:
    """Name → route."""
    return {
        each.name.removeprefix("admin:"): route
        for route, each in ADDRESSES.items()
        if route.startswith(prefix)
    }


def words(route: str, column: str) -> set[str]:
    """What a visitor is answered there, whatever it asks with; without methods that are not asked there."""
    found = {line[column].removesuffix("*") for line in EXPECTED[route].values()}
    return found - {NOTHING_TO_ASK}


def test_every_page_of_the_staff_site_names_its_act() -> None:
    assert sorted(of("staff/")) == sorted(STAFF_PAGES.keys() | STAFF_PAGES_OF_ALL)


@pytest.mark.parametrize("name", sorted(STAFF_PAGES))
def test_a_page_of_the_staff_site_opens_for_the_roles_of_the_table(name: str) -> None:
    route = of("staff/")[name]
    kept_out = {column for column in STAFF if words(route, column) == {"403"}}
    let_in = {column for column in STAFF if "403" not in words(route, column)}

    assert let_in == {column for column, acts in STAFF.items() if acts & STAFF_PAGES[name]}
    assert kept_out == STAFF.keys() - let_in


def test_every_page_of_a_broker_names_what_a_role_must_include() -> None:
    assert sorted(of("brokers/<int:code>/")) == sorted([*BROKER_PAGES, "team_leave"])


@pytest.mark.parametrize("name", sorted(BROKER_PAGES))
def test_a_page_of_a_broker_opens_for_the_roles_of_the_table(name: str) -> None:
    route = of("brokers/<int:code>/")[name]
    kept_out = {column for column in TEAM if words(route, column) == {"403"}}
    let_in = {column for column in TEAM if "403" not in words(route, column)}

    assert let_in == {column for column, mays in TEAM.items() if BROKER_PAGES[name] in mays}
    assert kept_out == TEAM.keys() - let_in


@pytest.mark.parametrize("name", sorted([*BROKER_PAGES, "team_leave"]))
def test_who_looks_at_a_brokers_pages_sees_them_on_record_and_can_do_nothing(name: str) -> None:
    lines = EXPECTED[of("brokers/<int:code>/")[name]]
    seen = name != "team_leave" and BROKER_PAGES[name] in LOOK
    # What a page that is on record goes on asking for is part of it.
    shown = {"broker_live": "204", "broker_live_figures": "200"}.get(name, "200*")

    for line, cells in lines.items():
        if line == "POST":
            assert cells["look"] in ("403", "405"), line
        elif name == "export_ask":
            assert cells["look"] == "405", line  # there is nothing to read
        else:
            assert cells["look"] == (shown if seen else "403*"), line


def test_a_suspended_or_terminated_broker_reads_on_and_may_stop_things_but_starts_none() -> None:
    """What would let money go elsewhere, or let others in, waits: all else is as it is for any owner."""
    for column in ("susp", "term"):
        refused = {
            (name, line): cells[column]
            for name, route in of("brokers/<int:code>/").items()
            for line, cells in EXPECTED[route].items()
            if cells[column] != cells["own"]
        }
        assert refused == {
            ("team_invite", "POST"): "409",
            ("team_again", "POST"): "409",
            ("team_role", "POST"): "409",
            # To the page of the account, which says why; nothing is written.
            ("account_change_ask", "GET"): "ok",
            ("account_change_ask", "POST"): "back",
        }, column


def test_a_removed_member_with_a_live_session_is_a_stranger_to_the_broker() -> None:
    for route in of("brokers/<int:code>/").values():
        for line, cells in EXPECTED[route].items():
            assert cells["gone"] == cells["strng"] in ("404", "405"), f"{line} {route}"


def test_no_session_is_a_way_in_for_machines() -> None:
    for route, lines in EXPECTED.items():
        if route.startswith("feed/"):
            for line, cells in lines.items():
                with_factor = {word for column, word in cells.items() if word != "json!"}
                assert with_factor == {cells["none"]}, f"{line} {route}"
    assert EXPECTED["feed/v1/codes"]["GET"]["own"] == EXPECTED["feed/v1/codes"]["GET"]["super"] == "401"


def test_the_stream_itself_opens_for_whom_its_row_says(world: World, client: Client) -> None:
    """The server of the tests cannot stream and says 204. The real kind says by HEAD what it would open."""
    status = {"204": 200, "login": 302, "404": 404, "mfa!": 403}
    cells = EXPECTED["brokers/<int:code>/live/"]["STREAM"]
    found: dict[str, int] = {}
    for visitor in cells:
        asking = AsyncClient()
        if visitor in world.sessions:
            asking.cookies["sessionid"] = world.sessions[visitor]
        response = async_to_sync(asking.head)(
            f"/brokers/{desk.code_of(visitor)}/live/", headers={"Accept": "text/event-stream"}
        )
        found[visitor] = response.status_code
        assert (response.status_code == 200) == (response["Content-Type"] == "text/event-stream"), visitor

    assert found == {visitor: status[word] for visitor, word in cells.items()}
