"""The link of a letter: one click stops it, without login, cookie or question, and one starts it again."""

import re

import pytest
from django.core.signing import Signer, dumps
from django.test import Client

from portal.preferences import actions, links, queries
from portal.preferences.links import OneClick
from portal.team.models import Membership
from tests import make
from tests.portal.page_text import text_of
from tests.portal.preferences.people import rows, staff, team
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link(login, topic="statements", broker=1400):
    found = links.unsubscribe({"login": login.pk, "broker": broker, "topic": topic})
    assert found is not None
    return found.address.removeprefix("http://localhost:8000")


def back_of(page):
    return re.search(r'name="back" value="([^"]+)"', page.content.decode())[1]


class TestAMailProgram:
    def test_one_click_stops_the_topic_of_that_broker_alone(self):
        login = team()["viewer"]
        program = Client(enforce_csrf_checks=True)

        answer = program.post(link(login), ONE_CLICK)

        assert (answer.status_code, dict(answer.cookies)) == (200, {})
        assert rows() == [("viewer@example.com", 1400, "statements", "never")]

    def test_clicked_again_it_changes_nothing(self):
        login = team()["viewer"]
        address = link(login)
        answers = [Client().post(address, ONE_CLICK).status_code for _ in range(3)]

        assert answers == [200, 200, 200]
        assert len(rows()) == 1

    def test_a_body_of_another_kind_is_a_click_too(self):
        address = link(team()["viewer"])
        Client().post(address, "List-Unsubscribe=One-Click", content_type="text/plain")

        assert len(rows()) == 1

    def test_looking_at_the_link_stops_nothing(self):
        """Programs that check links for viruses open them."""
        address = link(team()["viewer"])

        assert [Client().get(address).status_code, Client().head(address).status_code] == [200, 200]
        assert rows() == []

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_nothing_else_is_answered(self, method):
        assert getattr(Client(), method)(link(team()["viewer"])).status_code == 405


class TestAPerson:
    def test_is_asked_without_being_named(self):
        login = team()["viewer"]
        page = Client().get(link(login))

        assert "Stop letters about statements of broker 1400?" in text_of(page)
        for secret in ("viewer@example.com", "Nordlicht", "ACC01400"):
            assert secret not in page.content.decode()
        assert dict(page.cookies) == {}
        assert page.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"

    def test_stops_it_and_starts_it_again_as_it_came_before(self):
        login = team()["viewer"]
        actions.wish(login=login.pk, broker=1400, topic="statements", delivery="daily", now=make.NOW)
        address = link(login)
        stopped = Client().post(address, {"stop": "1"})
        assert "No letter about statements of broker 1400 comes any more." in text_of(stopped)

        again = Client().post(address, {"back": back_of(stopped)})

        assert "You get them again" in text_of(again)
        assert rows() == [("viewer@example.com", 1400, "statements", "daily")]

    def test_whose_mail_program_clicked_can_start_it_again_from_the_page(self):
        login = team()["viewer"]
        address = link(login)
        Client().post(address, ONE_CLICK)
        page = Client().get(address)
        assert "No letter about statements of broker 1400 comes any more." in text_of(page)

        Client().post(address, {"back": back_of(page)})

        assert rows() == [("viewer@example.com", 1400, "statements", "at once")]

    def test_is_led_to_all_choices(self):
        assert 'href="/accounts/letters/"' in Client().get(link(team()["viewer"])).content.decode()

    @pytest.mark.parametrize("who", ["itself", "a colleague", "staff", "a login without its second factor"])
    def test_may_be_logged_in_as_anybody(self, who):
        logins = team()
        address = link(logins["viewer"])
        visitor = {
            "itself": lambda: logins["viewer"],
            "a colleague": lambda: logins["owner"],
            "staff": lambda: staff("auditor"),
            "a login without its second factor": lambda: staff("auditor", mfa=False),
        }[who]()
        client = at(visitor, enforce_csrf_checks=True)

        assert client.get(address).status_code == 200
        assert client.post(address, {"stop": "1"}).status_code == 200
        assert rows() == [("viewer@example.com", 1400, "statements", "never")]


class TestLetters:
    def test_who_left_the_team_stops_what_would_come_on_coming_back(self):
        login = team()["viewer"]
        address = link(login)
        Membership.objects.filter(login=login).delete()

        assert Client().post(address, ONE_CLICK).status_code == 200
        assert rows() == [("viewer@example.com", 1400, "statements", "never")]

    def test_a_login_that_is_switched_off_is_answered_like_any_other(self):
        login = team()["viewer"]
        address = link(login)
        login.is_active = False
        login.save()

        assert Client().post(address, ONE_CLICK).status_code == 200
        assert Client().get(address).status_code == 200

    def test_the_same_letter_bears_the_same_address_always(self):
        login = team()["viewer"]

        assert link(login) == link(login)

    def test_a_letter_that_is_not_wanted_any_more_has_no_address(self):
        login = team()["viewer"]
        actions.stop(login=login.pk, broker=1400, topic="statements", now=make.NOW)

        assert links.unsubscribe({"login": login.pk, "broker": 1400, "topic": "statements"}) is None

    def test_a_topic_that_is_wanted_daily_says_so(self):
        login = team()["viewer"]
        actions.wish(login=login.pk, broker=1400, topic="statements", delivery="daily", now=make.NOW)
        found = links.unsubscribe({"login": login.pk, "broker": 1400, "topic": "statements"})

        assert found is not None
        assert found.is_daily


class TestLettersOfTheDay:
    def test_one_click_stops_everything_that_comes_in_it_and_nothing_else(self):
        login = team()["owner"]
        for topic in ("statements", "team"):
            actions.wish(login=login.pk, broker=1400, topic=topic, delivery="daily", now=make.NOW)
        address = link(login, "digest", None)
        assert "Stop the letter of the day?" in text_of(Client().get(address))

        page = Client().post(address, ONE_CLICK)
        found = {topic: delivery for _, _, topic, delivery in rows()}
        assert found == {"statements": "never", "team": "never"}
        assert queries.delivery(login=login.pk, broker=1400, topic="credits") == "at once"

        Client().post(address, {"back": back_of(page)})
        assert {topic: delivery for _, _, topic, delivery in rows()} == {
            "statements": "daily",
            "team": "daily",
        }

    def test_of_staff_it_stops_each_of_their_topics(self):
        login = staff("finance approver")
        actions.wish(login=login.pk, broker=None, topic="quarantine", delivery="never", now=make.NOW)
        address = link(login, "staff", None)
        assert "Stop the letter about what waits for staff?" in text_of(Client().get(address))

        page = Client().post(address, ONE_CLICK)
        assert {topic: delivery for _, _, topic, delivery in rows()} == {
            "quarantine": "never", "months": "never", "books": "never",
        }  # fmt: skip
        Client().post(address, {"back": back_of(page)})
        assert {topic: delivery for _, _, topic, delivery in rows()} == {
            "quarantine": "never", "months": "daily", "books": "daily",
        }  # fmt: skip

    def test_stopped_already_it_offers_no_way_back_but_the_page_of_choices(self):
        login = team()["owner"]
        page = Client().get(link(login, "digest", None))

        assert "No letter of the day comes any more." in text_of(page)
        assert 'name="back"' not in page.content.decode()


class TestForgeries:
    @pytest.mark.parametrize(
        "token",
        [
            "x", "x:y", "%00", "W10:x", "..%2F..", "a" * 5000,
            Signer(salt="another").sign_object([1, 1400, "statements"]),
            Signer().sign_object([1, 1400, "statements"]),
            dumps([1, 1400, "statements"], salt="portal.preferences.stop"),
        ],
        # Signatures with a time or a key in them differ from one process to the next.
        ids=["no sign", "two parts", "a NUL", "no list", "a path", "long", "other salt", "no salt", "timed"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_token_that_is_not_ours_is_no_page(self, token, method):
        team()

        assert getattr(Client(), method)(f"/letters/{token}/").status_code == 404
        assert rows() == []

    @pytest.mark.parametrize(
        "of",
        [[1], {}, "x", [1, 1400, "security"], [1, None, "statements"], [1, 1400, "books"], [1, 1400, None]],
        ids=str,
    )
    def test_a_token_of_ours_that_says_what_there_is_not_is_no_page(self, of):
        token = links._STOP.sign_object(of)

        assert Client().post(f"/letters/{token}/", ONE_CLICK).status_code == 404

    def test_changed_in_any_place_it_is_no_page(self):
        token = links.token_of(OneClick(team()["viewer"].pk, 1400, "statements"))
        for place in range(0, len(token), 7):
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            assert Client().post(f"/letters/{changed}/", ONE_CLICK).status_code == 404
        assert rows() == []

    def test_a_way_back_of_another_login_is_no_page(self):
        logins = team()
        stolen = links.way_back(OneClick(logins["owner"].pk, 1400, "team"), [((1400, "team"), "at once")])
        answer = Client().post(link(logins["viewer"]), {"back": stolen})

        assert answer.status_code == 404
        assert Client().post(link(logins["viewer"]), {"back": "made up"}).status_code == 404
        assert rows() == []

    def test_the_token_of_a_click_is_no_way_back(self):
        login = team()["viewer"]
        token = links.token_of(OneClick(login.pk, 1400, "statements"))

        assert Client().post(link(login), {"back": token}).status_code == 404
