"""Every address of the portal."""

from allauth.account import views as account
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.webauthn import views as webauthn
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter

from payouts.month import Month
from portal.accounts import views as accounts
from portal.api.urls import FEED
from portal.application import views as application
from portal.dashboard import views as dashboard
from portal.exchange_account import views as exchange_account
from portal.explain import views as explain
from portal.explain.cursors import FillInAddress, LineInAddress
from portal.health import views as health
from portal.home import views as home
from portal.live import views as live
from portal.metrics import views as metrics
from portal.preferences import views as preferences
from portal.simulator import codes_page, mailbox_page
from portal.staff import view_as as looks
from portal.standing import views as standing
from portal.statements import export_views as exports
from portal.statements import views as statements
from portal.team import pages as team_pages
from portal.team import views as team
from portal.verify import views as verify


class MonthInAddress:
    """A month in an address, `2026-10`; anything else is a page that does not exist."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, text: str) -> Month:
        return Month.parse(text)

    def to_url(self, month: Month) -> str:
        return str(month)


register_converter(MonthInAddress, "month")
register_converter(LineInAddress, "line")
register_converter(FillInAddress, "fill")

_ACCOUNTS: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", looks.log_out, name="account_logout"),
    path("signup/", accounts.sign_up, name="account_signup"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("email/", account.email, name="account_email"),
    path("confirm-email/", account.email_verification_sent, name="account_email_verification_sent"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", account.confirm_email, name="account_confirm_email"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/totp/activate/", accounts.activate_totp, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", accounts.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/webauthn/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", accounts.add_passkey, name="mfa_add_webauthn"),
    path("2fa/webauthn/login/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path(
        "2fa/webauthn/reauthenticate/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"
    ),
    path("2fa/webauthn/keys/<int:pk>/edit/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/remove/", accounts.remove_passkey, name="mfa_remove_webauthn"),
    path("2fa/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        accounts.make_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/", include("allauth.mfa.base.urls")),
    path("letters/", preferences.letter_preferences, name="letter_preferences"),
    path("sessions/<int:pk>/end/", accounts.end_session, name="usersessions_end"),
    path("sessions/", include("allauth.usersessions.urls")),
]
_APPLICATION: list[URLPattern | URLResolver] = [
    path("", application.application, name="application"),
    path("submit/", application.submit, name="application_submit"),
    path("answer/", application.answer, name="application_answer"),
    path("withdraw/", application.withdraw, name="application_withdraw"),
    path("documents/add/", application.upload, name="application_upload"),
    path("documents/<uuid:document>/", application.document, name="application_document"),
    path(
        "documents/<uuid:document>/remove/",
        application.remove_document,
        name="application_remove_document",
    ),
    path("<slug:step>/", application.step, name="application_step"),
]
_BROKER: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard, name="dashboard"),
    path("statements/", statements.statements, name="statements"),
    path("statements/<month:month>.json", statements.as_json, name="statement_json"),
    path("statements/<month:month>.csv", statements.as_csv, name="statement_csv"),
    path("statements/<month:month>.pdf", statements.as_pdf, name="statement_pdf"),
    path("statements/<month:month>/", statements.statement, name="statement"),
    path("statements/<int:year>.zip", statements.year_zip, name="statements_year"),
    path("statements/all.zip", statements.all_zip, name="statements_all"),
    path("statements/prepare/", exports.ask, name="export_ask"),
    path("statements/files/<uuid:reference>/", exports.export, name="export"),
    path("statements/files/<uuid:reference>/file", exports.export_file, name="export_file"),
    path("explain/", explain.explain, name="explain"),
    path("explain/<month:month>/", explain.month, name="explain_month"),
    path("explain/<month:month>.csv", explain.month_csv, name="explain_month_csv"),
    path("explain/<month:month>/lines/", explain.lines, name="explain_lines"),
    path("explain/<month:month>/lines.csv", explain.lines_csv, name="explain_lines_csv"),
    path("explain/<month:month>/lines/<line:line>/", explain.line, name="explain_line"),
    path("explain/<month:month>/fills/", explain.fills, name="explain_fills"),
    path("explain/<month:month>/fills.csv", explain.fills_csv, name="explain_fills_csv"),
    path("explain/<month:month>/fill/<fill:fill>/", explain.fill, name="explain_fill"),
    path("explain/<month:month>/caps/", explain.caps, name="explain_caps"),
    path("explain/<month:month>/caps.csv", explain.caps_csv, name="explain_caps_csv"),
    path("account/", exchange_account.exchange_account, name="exchange_account"),
    path("account/change/", exchange_account.ask, name="account_change_ask"),
    path("account/change/<uuid:reference>/cancel/", exchange_account.cancel, name="account_change_cancel"),
    path("team/", team_pages.team, name="team"),
    path("team/invite/", team_pages.invite, name="team_invite"),
    path("team/leave/", team_pages.leave, name="team_leave"),
    path("team/members/<int:member>/role/", team_pages.role, name="team_role"),
    path("team/members/<int:member>/remove/", team_pages.remove, name="team_remove"),
    path("team/invitations/<int:invitation>/again/", team_pages.again, name="team_again"),
    path("team/invitations/<int:invitation>/withdraw/", team_pages.withdraw, name="team_withdraw"),
    path("activity/", team_pages.activity, name="activity"),
    path("standing/", standing.standing, name="standing"),
    path("standing/appeal/", standing.appeal_open, name="appeal_open"),
    path("standing/appeals/<uuid:reference>/answer/", standing.appeal_answer, name="appeal_answer"),
    path("standing/appeals/<uuid:reference>/withdraw/", standing.appeal_withdraw, name="appeal_withdraw"),
    path("standing/files/<uuid:reference>/", standing.appeal_file, name="appeal_file"),
    path("live/", live.broker_live, name="broker_live"),
    path("live.json", live.broker_live_figures, name="broker_live_figures"),
]
#: Machines get errors in their one shape, people get pages.
handler400 = "portal.api.errors.bad_request"
handler403 = "portal.api.errors.forbidden"
handler404 = "portal.api.errors.not_found"
handler500 = "portal.api.errors.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("program/", home.program, name="program"),
    path("verify", verify.verify, name="verify"),
    path("verify/keys.json", verify.keys, name="statement_keys"),
    path("verify/verify_statement.py", verify.program, name="verify_statement"),
    path("apply/", application.apply, name="apply"),
    path("applications/<uuid:reference>/", include(_APPLICATION)),
    path("brokers/", dashboard.brokers, name="brokers"),
    path("brokers/<int:code>/", include(_BROKER)),
    path("invitations/<str:token>/", team.invitation, name="invitation"),
    path("letters/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
    path("accounts/", include(_ACCOUNTS)),
    path("staff/", admin.site.urls),
    path("feed/v1/", include(FEED)),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("status.json", health.status, name="status"),
    path("metrics", metrics.Metrics.as_view(), name="metrics"),
]
if settings.DEMO:
    urlpatterns += [
        path("demo/codes/", codes_page.codes, name="demo_codes"),
        path("demo/mailbox/", mailbox_page.mailbox, name="demo_mailbox"),
        path("demo/mailbox/<str:name>/", mailbox_page.letter, name="demo_letter"),
    ]
