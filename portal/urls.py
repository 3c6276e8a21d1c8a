"""Every address of the portal."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, path, register_converter

from payouts.month import Month
from portal.dashboard import views as dashboard
from portal.statements import views as statements


class MonthInAddress:
    """A month in an address, `2026-10`; anything else is a page that does not exist."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, text: str) -> Month:
        return Month.parse(text)

    def to_url(self, month: Month) -> str:
        return str(month)


register_converter(MonthInAddress, "month")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.home, name="home"),
    path("brokers/", dashboard.brokers, name="brokers"),
    path("brokers/<int:code>/", dashboard.dashboard, name="dashboard"),
    path("brokers/<int:code>/statements/", statements.statements, name="statements"),
    path(
        "brokers/<int:code>/statements/<month:month>.json",
        statements.as_json,
        name="statement_json",
    ),
    path(
        "brokers/<int:code>/statements/<month:month>.csv",
        statements.as_csv,
        name="statement_csv",
    ),
    # Of allauth's addresses only those that keep their promise: no letters leave the portal yet, so
    # the ones that send e-mail are not open.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/signup/", account.signup, name="account_signup"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
]
