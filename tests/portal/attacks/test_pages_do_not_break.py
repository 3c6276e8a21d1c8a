"""Hostile addresses, methods and forms are refused in words: no page answers with a fault of the server."""

from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.portal.application import filing, papers
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import application, staff

pytestmark = pytest.mark.django_db

HUGE, LONGER = "9" * 19, "9" * 5_000
ADDRESSES = (
    "/brokers/1400/statements/0000-00.json",
    "/brokers/1400/statements/0000-01.json",
    "/brokers/1400/statements/0001-01.csv",
    "/brokers/1400/statements/9999-12.json",
    "/brokers/1400/statements/9999-99.csv",
    f"/brokers/{HUGE}/",
    f"/brokers/{LONGER}/",
    "/brokers/-1/",
    "/brokers/1e5/",
    "/brokers/%D9%A1%D9%A4%D9%A0%D9%A0/",  # 1400 in other digits
    f"/accounts/2fa/webauthn/keys/{HUGE}/edit/",
    f"/accounts/sessions/{HUGE}/end/",
    "/accounts/confirm-email/%00/",
    f"/accounts/confirm-email/{'a:b:c' * 500}/",
    "/accounts/password/reset/key/1-a/",
    "/accounts/password/reset/key/zzzzzzzzzzzzzzzzzzzzz-a-b/",
    "/accounts/password/reset/key/1-%00/",
    "/invitations/1-%00/",
    f"/invitations/{HUGE}-a/",
    f"/invitations/{LONGER}-a/",
    "/invitations/..%2f..%2f/",
    "/applications/00000000-0000-0000-0000-000000000000/",
    "/static/..%2f..%2fportal/settings.py",
    "/static/%00",
    "/%00",
    "//evil.example/",
    "/\\evil.example/",
    "/accounts/login/?next=//evil.example",
    "/accounts//login/",
    "/STAFF/",
    "//staff/",
    "/staff/portal/application/" + HUGE + "/approve/",
    "/staff/portal/application/%00/change/",
    "/staff/portal/user/" + HUGE + "/change/",
    "/staff/payouts/broker/" + HUGE + "/invite/",
    "/staff/payouts/broker/1400/invitations/" + HUGE + "/again/",
    "/staff/portal/letter/" + HUGE + "/again/",
    "/?volume=NaN&fee=1e400&share=-0",
    "/?volume=" + LONGER,
    "/?volume=%D9%A1%D9%A4",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")


@pytest.mark.parametrize("who", ["nobody", "member", "superuser"])
def test_no_address_and_no_method_breaks_a_page(who: str) -> None:
    make.broker(code=1400)
    browser = Client(raise_request_exception=False)
    if who != "nobody":
        login = make.login() if who == "member" else staff("superuser")
        if who == "member":
            make.membership(login, make.broker(code=1401), role="viewer")
        browser.force_login(login)
    broken = {}
    for address in ADDRESSES:
        for method in METHODS if len(address) < 60 else ("GET", "POST"):
            answer = browser.generic(method, address)
            where = answer.get("Location", "")
            if answer.status_code >= 500 or where.startswith(("//", "http", "\\", "/\\")):
                broken[f"{method} {address[:60]}"] = (answer.status_code, where)
        if who != "nobody":
            browser.force_login(login)
    assert broken == {}


HOSTILE = (
    "",
    "\0",
    "9" * 5_000,
    "-1",
    "1e5",
    "65536",
    "\u0661",
    "NaN",
    "Infinity",
    "\ud800"[:0] + "\ufffd",
    "[]",
    "x" * 20_000,
)


@pytest.mark.parametrize(
    "act",
    ["release", "note", "ask", "reject", "approve"],
)
def test_no_hidden_field_of_staff_breaks_an_act_or_does_it(act: str) -> None:
    found: Any = application(version=7)
    browser = at(staff("reviewer"), proven=True)
    browser.raise_request_exception = False
    for value in HOSTILE:
        data = {"seen": value, "code": value, "was_proposed": value, "holder": value or "x", "reason": value}
        data |= {"message": value, "reapply_from": value, "text": value, "acknowledged": value}
        if act == "note":
            data["text"] = "\0" + value
        answer = browser.post(f"/staff/portal/application/{found.pk}/{act}/", data)
        assert (act, value[:10], answer.status_code < 500) == (act, value[:10], True)
    found.refresh_from_db()
    assert (found.state, found.broker, found.assignee) == ("submitted", None, None)


def test_no_hidden_field_of_an_applicant_breaks_a_page() -> None:
    olga = make.login()
    reference = filing.draft(olga)
    browser = Client(raise_request_exception=False)
    browser.force_login(olga)
    for value in HOSTILE:
        for page in (
            "submit/",
            "withdraw/",
            "answer/",
            "business/",
            "contact/",
            "integration/",
            "declarations/",
        ):
            data = {"seen": value, "shown": value, "text": value, "kind": value, "terms": value}
            data |= {"state": "approved", "version": value, "broker": "1400", "country": value}
            data |= {"expected_volume": value, "user_base": value, "accepts_terms": value, "website": value}
            answer = browser.post(filing.address(reference, page), data)
            assert (page, value[:10], answer.status_code < 500) == (page, value[:10], True)
    assert (filing.of(reference).state, filing.of(reference).broker) == ("draft", None)


@pytest.mark.parametrize("website", ["[]", "https://[", "https://[::1", "http://[v1.x]", "//[", "https://]"])
def test_no_website_breaks_the_page(website: str) -> None:
    olga = make.login()
    browser = Client(raise_request_exception=False)
    browser.force_login(olga)
    reference = filing.draft(olga)
    data = filing.posted("business", filing.of(reference), website=website)
    answer = browser.post(filing.address(reference, "business/"), data)
    assert (answer.status_code, filing.of(reference).website) == (200, "")


@pytest.mark.parametrize("parts", [21, 10_000])
def test_many_files_in_one_request_are_refused(parts: int) -> None:
    olga = make.login()
    browser = Client(raise_request_exception=False)
    browser.force_login(olga)
    reference = filing.draft(olga)
    one = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\na\r\n'
    answer = browser.generic(
        "POST",
        filing.address(reference, "documents/add/"),
        one * parts + b"--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 400
    assert filing.of(reference).documents.count() == 0


def test_many_fields_in_one_request_are_refused() -> None:
    browser = Client(raise_request_exception=False)
    answer = browser.post("/accounts/login/", {f"f{number}": "1" for number in range(5_000)})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        b"filename*=bogus''%41.pdf",
        b"filename*=utf-8''%00%ff.pdf",
        b'filename="a\x00.pdf"',
        b'filename="' + b"a" * 5_000 + b'.pdf"',
        b'filename="\xff\xfe.pdf"',
        b'filename="../../../etc/passwd.pdf"',
        b'filename="a.pdf"; filename="b.exe"',
        b'filename="a.pdf"\r\nX: ' + b"y" * 100_000,
    ],
)
def test_no_name_of_a_file_breaks_the_page(header: bytes) -> None:
    olga = make.login()
    browser = Client(raise_request_exception=False)
    browser.force_login(olga)
    reference = filing.draft(olga)
    body = b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nregistration\r\n'
    body += b'--x\r\nContent-Disposition: form-data; name="file"; ' + header + b"\r\n\r\n"
    body += papers.pdf() + b"\r\n--x--\r\n"
    answer = browser.generic(
        "POST",
        filing.address(reference, "documents/add/"),
        body,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code < 500
    names = [each.name for each in filing.of(reference).documents.all()]
    assert all(name.endswith(".pdf") and "/" not in name and "\0" not in name for name in names)
