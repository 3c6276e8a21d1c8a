"""No letter of an account leaves but by the outbox, whatever a new version of the library wants to send."""

import pytest

from portal.accounts.adapter import AccountAdapter, PastTheOutbox


def test_a_letter_that_the_library_would_send_itself_is_stopped() -> None:
    with pytest.raises(PastTheOutbox, match="account/email/login_code would leave without a row"):
        AccountAdapter().send_mail("account/email/login_code", "olga@example.com", {})


def test_news_that_no_letter_of_ours_tells_is_stopped() -> None:
    with pytest.raises(PastTheOutbox, match="no letter of ours tells of mfa/email/something_new"):
        AccountAdapter().send_notification_mail("mfa/email/something_new", user=None)
