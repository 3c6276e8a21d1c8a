"""Pages as such: logging in and out, errors, what a browser may do, links, words for translation."""

import re
from pathlib import Path
from typing import Any

import plotly
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.views import defaults

from tests import make
from tests.portal.page_text import links_of, text_of

TEMPLATES = settings.BASE_DIR / "templates"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_old_rate_limits(request: pytest.FixtureRequest) -> None:
    if "db" in request.fixturenames:
        cache.clear()


@pytest.fixture
def member(db: None) -> Client:
    owner = make.login()
    make.membership(owner, make.broker(code=1400))
    client = Client()
    client.force_login(owner)
    return client


def log_in(client: Client, *, email: str = "olga@example.com", password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password}, follow=True)


@pytest.mark.django_db
def test_logging_in_leads_to_the_dashboard_and_out_again_by_post_only() -> None:
    make.membership(make.login(), make.broker(code=1400), role="viewer")
    client = Client()

    assert log_in(client).redirect_chain[-1] == ("/brokers/1400/", 302)
    assert "Log out?" in text_of(client.get("/accounts/logout/"))
    assert client.get("/brokers/1400/").status_code == 200
    assert "You are logged out." in text_of(client.post("/accounts/logout/", follow=True))
    assert client.get("/brokers/1400/").status_code == 302


@pytest.mark.django_db
def test_the_address_wanted_before_logging_in_is_opened_after_it_but_never_a_strangers() -> None:
    make.membership(make.login(), make.broker(code=1400), role="viewer")
    wanted = {"login": "olga@example.com", "password": PASSWORD}

    inside = Client().post("/accounts/login/", wanted | {"next": "/brokers/1400/statements/"})
    outside = Client().post("/accounts/login/", wanted | {"next": "https://evil.example/"})

    assert inside.headers["Location"] == "/brokers/1400/statements/"
    assert outside.headers["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["olga@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_login_read_the_same(email: str) -> None:
    make.login()

    text = text_of(log_in(Client(), email=email, password="wrong"))

    assert "The email address and/or password you specified are not correct." in text


@pytest.mark.django_db
def test_after_five_wrong_passwords_even_the_right_one_waits() -> None:
    make.login()
    client = Client()
    for _ in range(5):
        log_in(client, password="wrong")

    text = text_of(log_in(client))

    assert "Too many failed login attempts. Try again later." in text


@pytest.mark.django_db
def test_a_login_that_is_switched_off_is_told_so() -> None:
    make.login(is_active=False)

    assert "This login is switched off" in text_of(log_in(Client()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/accounts/password/set/",
        "/accounts/login/code/confirm/",
        "/accounts/signup/passkey/",
        "/accounts/2fa/trust/",
        "/accounts/2fa/recovery-codes/download/",
        "/accounts/3rdparty/",
    ],
)
def test_ways_in_that_we_do_not_offer_are_not_there(address: str) -> None:
    assert Client().get(address).status_code == 404


def test_a_password_is_changed_with_the_old_one(member: Client) -> None:
    new = "a better horse battery"
    wrong = {"oldpassword": "wrong", "password1": new, "password2": new}

    refused = member.post("/accounts/password/change/", wrong)
    assert "Please type your current password." in text_of(refused)
    assert 'aria-describedby="id_oldpassword_helptext id_oldpassword_error"' in refused.content.decode()

    right = wrong | {"oldpassword": PASSWORD}
    done = member.post("/accounts/password/change/", right, follow=True)
    assert "Your password is changed." in text_of(done)
    assert log_in(Client(), password=new).redirect_chain[-1] == ("/accounts/2fa/authenticate/", 302)


def test_an_unknown_address_is_a_styled_404(member: Client) -> None:
    response = member.get("/nowhere/")

    assert response.status_code == 404
    assert "There is no such page for your login" in text_of(response)
    assert "/static/css/portal.css" in links_of(response)


@pytest.mark.django_db
def test_a_form_without_its_token_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {})

    assert response.status_code == 403
    assert "This form is too old to send" in text_of(response)


@pytest.mark.parametrize("page", [defaults.server_error, lambda r: defaults.bad_request(r, None)])
def test_the_page_of_last_resort_needs_nothing(page: Any) -> None:
    response = page(RequestFactory().get("/"))

    assert links_of(response) == ["data:,", "mailto:vip@backpack.exchange", "/"]
    assert "<script" not in response.content.decode()


def test_nothing_inline_is_allowed_to_run(member: Client) -> None:
    policy = member.get("/brokers/1400/").headers["Content-Security-Policy"]
    by_name = {part.split()[0]: part.split()[1:] for part in policy.split(";")}

    assert by_name["default-src"] == ["'none'"]
    assert by_name["script-src"] == ["'self'"]
    assert by_name["style-src"] == ["'self'"]
    assert by_name["frame-ancestors"] == ["'none'"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_chosen_theme_is_in_the_page_from_its_first_byte(member: Client, theme: str) -> None:
    member.cookies["theme"] = theme

    assert f'<html lang="en" data-theme="{theme}">' in member.get("/brokers/").content.decode()


def test_any_other_theme_is_ignored(member: Client) -> None:
    member.cookies["theme"] = '"><script>'

    assert '<html lang="en">' in member.get("/brokers/").content.decode()


def test_no_link_is_broken(member: Client) -> None:
    make.fills(make.record(), make.record(timestamp="2026-11-20T12:00:00Z"))
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
            continue
        response = member.get(address, follow=True)
        assert response.status_code == 200, address
        if response.headers["Content-Type"].startswith("text/html"):
            waiting += [link.split("#")[0] or address for link in links_of(response) if link[0] in "/#"]

    assert {"/brokers/1400/", "/brokers/1400/statements/", "/accounts/password/change/"} <= seen


def test_plotly_finds_the_element_that_keeps_its_map_styles_out() -> None:
    template = (TEMPLATES / "dashboard" / "chart_scripts.html").read_text(encoding="utf-8")
    found = re.search(r'id="([0-9a-f]{64})"', template)
    assert found is not None
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

    assert f'getElementById("{found[1]}")' in script.read_text(encoding="utf-8")


# -- words ------------------------------------------------------------------------------------


ALL_TEMPLATES = sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")])


def untranslated(template: str) -> list[str]:
    """Visible words of a template that no translator would ever see."""
    for silent in (
        r"{#.*?#}",
        r"{%\s*block body_?class\s*%}.*?{%\s*endblock\s*%}",
        r"{%\s*comment.*?endcomment\s*%}",
        r"{%\s*blocktranslate.*?endblocktranslate\s*%}",
        r"<(pre|code|style|script)\b.*?</\1>",
        r"<!doctype[^>]*>",
    ):
        template = re.sub(silent, " ", template, flags=re.DOTALL | re.IGNORECASE)
    template = re.sub(r"{{.*?}}|{%.*?%}", " ", template, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', template)
    visible = re.sub(r"<[^>]*>", "\n", template)
    return [
        line.strip()
        for line in [*spoken, *visible.splitlines()]
        if re.search(r"[A-Za-z]{2}", line) and line.strip(" ,:·") not in UNTRANSLATABLE
    ]


#: Names of formats, numbers and addresses: the same in every language.
UNTRANSLATABLE = {"JSON", "CSV", "UTC", "SHA-256", "Backpack", "vip@backpack.exchange"}


@pytest.mark.parametrize("template", ALL_TEMPLATES, ids=lambda path: path.name)
def test_every_visible_word_can_be_translated(template: Path) -> None:
    assert untranslated(template.read_text(encoding="utf-8")) == []


def test_this_test_sees_a_word_that_cannot() -> None:
    assert untranslated('<p title="Hello">{% translate "Fine" %} there {{ name }}</p>') == [
        "Hello",
        "there",
    ]


#: A letter's mail program knows no policy and no style sheets.
ON_PAGES = [template for template in ALL_TEMPLATES if "letters" not in template.parts]


@pytest.mark.parametrize("template", ON_PAGES, ids=lambda path: path.name)
def test_no_template_needs_more_than_the_policy_gives(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert "<style" not in text
    # Blocks of data run nothing.
    assert re.search(r'<script(?![^>]*(?:\bsrc=|\btype="application/json"))', text) is None
    assert re.search(r"\son[a-z]+=", text) is None
    if template.name != "500.html":  # it has no style sheet to lean on
        assert "style=" not in text


@pytest.mark.parametrize("template", ALL_TEMPLATES, ids=lambda path: path.name)
def test_the_house_has_one_word_for_each_thing(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert re.findall(r"\b(?:client|customer|partner|commission)s?\b", text, re.IGNORECASE) == []
