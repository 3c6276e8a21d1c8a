"""What Django's admin brings by itself: windows and list actions are a literal set, for a superuser too."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from tests.portal.matrix.addresses import addresses
from tests.portal.matrix.world import World

WINDOWS = [
    "payouts.AccountChange",
    "payouts.Attempt",
    "payouts.Broker",
    "payouts.Case",
    "payouts.Difference",
    "payouts.Payout",
    "payouts.Proposal",
    "payouts.QuarantinePlace",
    "payouts.Reconciliation",
    "payouts.Run",
    "payouts.Transaction",
    "portal.Application",
    "portal.Letter",
    "portal.ServiceToken",
    "portal.User",
    "portal.ViewAs",
]
#: Window → the names of its list actions. A new one needs a line here, and tests of who may do it.
ACTIONS: dict[str, list[str]] = {name: [] for name in WINDOWS}
ROLES = ["super", "rev", "oper", "prep", "appr", "audit", "plain"]


def windows() -> dict[str, Any]:
    return {model._meta.label: window for model, window in admin.site._registry.items()}


def test_the_staff_site_has_these_windows() -> None:
    assert sorted(windows()) == WINDOWS


@pytest.mark.parametrize("role", ROLES)
def test_a_list_has_no_actions_but_these(role: str, world: World) -> None:
    request = RequestFactory().get("/staff/")
    request.user = world.logins[role]

    assert {name: sorted(window.get_actions(request)) for name, window in windows().items()} == ACTIONS


@pytest.mark.parametrize("role", ROLES)
def test_no_window_adds_changes_or_deletes_by_djangos_own_forms(role: str, world: World) -> None:
    request = RequestFactory().get("/staff/")
    request.user = world.logins[role]

    for name, window in windows().items():
        allowed = window.get_model_perms(request)
        assert {act for act, is_allowed in allowed.items() if is_allowed} <= {"view"}, name
        assert window.inlines == (), name
        assert window.list_editable == (), name


def test_the_staff_site_has_these_acts() -> None:
    """Every address of it that is not a list or a page of a row."""
    names = {each.name.removeprefix("admin:") for each in addresses() if each.route.startswith("staff/")}

    assert sorted(name for name in names if not name.endswith(("_change", "_changelist"))) == [
        "",
        "account_change_check",
        "account_change_confirm",
        "account_change_refuse",
        "adjust_prepare",
        "app_list",
        "appeal_answer",
        "appeal_decide",
        "application_approve",
        "application_ask",
        "application_ask_exchange",
        "application_document",
        "application_note",
        "application_reject",
        "application_release",
        "application_take",
        "attempt_resolve",
        "broker_invite",
        "broker_ledger",
        "broker_suspend",
        "broker_terminate",
        "broker_view_as",
        "case_close",
        "case_evidence",
        "case_file",
        "case_note",
        "case_open",
        "case_reopen",
        "case_take",
        "difference_resolve",
        "forfeit_prepare",
        "health",
        "index",
        "invitation_again",
        "invitation_withdraw",
        "letter_again",
        "login",
        "login_give_role",
        "login_make_staff",
        "login_remove_factors",
        "login_switch_off",
        "login_switch_on",
        "login_take_role",
        "login_take_staff",
        "payout_acknowledge",
        "payout_fills",
        "payout_recalculate",
        "payout_retry",
        "payout_statement",
        "payouts_approve",
        "payouts_prepare",
        "payouts_take_back",
        "proposal_confirm",
        "proposal_file",
        "proposal_withdraw",
        "quarantine_ask_chosen",
        "quarantine_ask_one",
        "quarantine_ask_reason",
        "quarantine_discard_chosen",
        "quarantine_discard_one",
        "quarantine_discard_reason",
        "quarantine_records",
        "quarantine_reopen_one",
        "quarantine_replay",
        "quarantine_replay_all",
        "quarantine_replay_one",
        "quarantine_replay_reason",
        "quarantine_replay_stop",
        "release_prepare",
        "run_dry_run",
        "run_pack",
        "run_pack_csv",
        "run_progress",
        "run_recalculate",
        "standing_lift",
        "termination_confirm",
        "termination_withdraw",
        "token_make",
        "token_revoke",
        "view_as_end",
        "void_prepare",
    ]
