"""Service tokens: made, found, used, revoked; what is kept of them is a hash."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from portal.accounts.staff_roles import NotYourRole, StaffRole
from portal.api import actions, queries
from portal.api.models import ServiceToken
from portal.api.token_form import Secret, assemble
from tests.portal.api.asking import token
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_token_is_kept_as_its_sha_256() -> None:
    made = token(now=NOW)
    row = ServiceToken.objects.get()

    assert row.token_hash == sha256(made.secret.reveal().encode()).hexdigest()
    assert row.prefix == made.secret.reveal()[:18]
    assert (row.name, row.scope, row.created_at, row.created_by) == ("order gateway", "codes:read", NOW, None)
    assert row.expires_at == datetime(2027, 2, 20, 12, 0, tzinfo=UTC)
    assert made.secret.reveal() not in str(ServiceToken.objects.values())


def test_no_two_tokens_are_alike() -> None:
    texts = {token(name=f"gateway {number}").secret.reveal() for number in range(50)}

    assert len(texts) == len({text[:18] for text in texts}) == len({text[19:] for text in texts}) == 50


def test_a_token_opens_until_the_microsecond_in_which_it_expires() -> None:
    made = token(days=1, now=NOW)
    end = NOW + timedelta(days=1)
    opens = queries.opened_by(made.secret, now=end - timedelta(microseconds=1))

    assert opens is not None
    assert (opens.name, opens.scope, opens.prefix) == ("order gateway", "codes:read", made.token.prefix)
    assert queries.opened_by(made.secret, now=end) is None


def test_a_revoked_token_opens_nothing_from_that_moment() -> None:
    made = token(now=NOW)

    actions.revoke_token(prefix=made.token.prefix, reason="found in a chat", by=None, now=NOW + SECOND)

    assert queries.opened_by(made.secret, now=NOW + SECOND) is None
    row = ServiceToken.objects.get()
    assert (row.revoked_at, row.revoked_by, row.revoked_why) == (NOW + SECOND, None, "found in a chat")


def test_a_token_of_the_right_prefix_and_form_with_other_letters_opens_nothing(
    django_assert_num_queries: Any,
) -> None:
    made = token(now=NOW)
    forged = assemble(word="codes", id_letters=made.token.prefix[-8:], secret_letters="0" * 43)

    with django_assert_num_queries(1):
        assert queries.opened_by(forged, now=NOW) is None


def test_what_is_mistyped_costs_no_query(django_assert_num_queries: Any) -> None:
    text = token(now=NOW).secret.reveal()

    with django_assert_num_queries(0):
        for wrong in (text[:-1], text[:-1] + ("0" if text[-1] != "0" else "1"), "", "Bearer", "x" * 100_000):
            assert queries.opened_by(Secret(wrong), now=NOW) is None


def test_the_last_use_is_noted_once_a_minute() -> None:
    made = token(now=NOW)
    noted = []
    for seconds in (0, 1, 59, 60, 61, 30):
        address = f"10.0.0.{seconds}"
        actions.note_use(token_id=made.token.pk, address=address, now=NOW + seconds * SECOND)
        noted.append(ServiceToken.objects.values_list("last_used_at", "last_used_from").get())

    first, second = (NOW, "10.0.0.0"), (NOW + 60 * SECOND, "10.0.0.60")
    assert noted == [first, first, first, second, second, second]


@pytest.mark.parametrize("name", ["", "  \n", "x" * 101, "a\0b"])
def test_a_token_has_a_name(name: str) -> None:
    with pytest.raises(actions.NameNeeded):
        token(name=name)


@pytest.mark.parametrize("days", [-1, 0, 401, 10**9])
def test_a_token_lives_a_day_at_least_and_400_at_most(days: int) -> None:
    with pytest.raises(actions.WrongLifetime, match="1 to 400 days"):
        token(days=days)


def test_a_token_opens_only_what_exists() -> None:
    with pytest.raises(actions.NoSuchScope, match="choose one of codes:read"):
        actions.make_token(name="x", scope="everything", days=1, by=None, now=NOW)


def test_a_name_in_use_is_not_given_twice_and_free_again_afterwards() -> None:
    made = token(name="order gateway", days=1, now=NOW)

    with pytest.raises(actions.NameTaken, match="revoke it, or name the new one otherwise"):
        token(name=" Order  Gateway ", now=NOW)
    token(name="order gateway", now=NOW + timedelta(days=1))
    with pytest.raises(actions.NameTaken):
        token(name="order gateway", now=NOW + timedelta(days=1))
    assert ServiceToken.objects.filter(name__iexact=made.token.name).count() == 2


def test_a_revocation_names_its_token_says_why_and_happens_once() -> None:
    prefix = token(now=NOW).token.prefix

    with pytest.raises(actions.ReasonNeeded):
        actions.revoke_token(prefix=prefix, reason=" ", by=None, now=NOW)
    with pytest.raises(actions.NoSuchToken, match="look at the list of tokens"):
        actions.revoke_token(prefix="bpk_codes_00000000", reason="x", by=None, now=NOW)
    actions.revoke_token(prefix=prefix, reason="lost", by=None, now=NOW)
    with pytest.raises(actions.AlreadyRevoked, match="2026-11-22 12:00:00 UTC"):
        actions.revoke_token(prefix=prefix, reason="lost", by=None, now=NOW)


@pytest.mark.parametrize("role", StaffRole)
def test_no_role_but_a_superuser_makes_or_revokes(role: str) -> None:
    login, made = staff(role), token(now=NOW)

    with pytest.raises(NotYourRole):
        actions.make_token(name="x", scope="codes:read", days=1, by=login, now=NOW)
    with pytest.raises(NotYourRole):
        actions.revoke_token(prefix=made.token.prefix, reason="x", by=login, now=NOW)
    assert ServiceToken.objects.filter(revoked_at=None).count() == 1
