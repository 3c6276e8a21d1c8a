"""What allauth asks the portal about logins."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Logins are given by the exchange: `signup_closed.html` says how to get one."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
